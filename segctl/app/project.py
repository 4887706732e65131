"""A project: its folder, settings and segment files, and the target that a run is for.

Everything is read when it is first asked for, so a command pays only for what it uses. Opens no
connection and writes nothing.
"""

from __future__ import annotations

import os
import threading
from contextlib import nullcontext
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from segctl.errors import InvalidInput, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from segctl.common.clock import Clock
    from segctl.declarations.collection import Declarations
    from segctl.declarations.parsed_files import ParsedFiles
    from segctl.errors import Diagnostic
    from segctl.project.config import Config, Target
    from segctl.project.files import Files


class Project:
    """The folder of segctl.yaml and the segment files.

    `target` is the name of a target in segctl.yaml, or `sandbox`; without it, SEGCTL_TARGET or the
    default target is used. `env` is the environment that keys and settings come from: that of the
    process, unless another is passed. `use_cache` allows reading and keeping definitions of
    segments on this machine. `notify` is called with remarks about the files.

    Raises `UsageError` if the folder does not exist.
    """

    def __init__(
        self,
        root: str | Path,
        *,
        target: str | None = None,
        env: Mapping[str, str] | None = None,
        clock: Clock | None = None,
        use_cache: bool = True,
        notify: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.root = Path(root)
        self.env: Mapping[str, str] = os.environ if env is None else env
        self.use_cache = use_cache
        self._target = target
        self._clock = clock
        self._notify = notify
        self._is_config_broken = False
        self._shared: tuple[ParsedFiles, threading.Lock] | None = None
        if not self.root.is_dir():
            raise UsageError(f"folder {root} not found", hint="set -C to the project's folder")

    def for_target(self, target: str) -> Project:
        """Return the same project with another target, for runs that ask several accounts.

        Settings and files are read once for all of them. Raises what `config` and `files` do.
        """
        other = Project(
            self.root,
            target=target,
            # A library may hide the keys in the environment of the process for a while.
            env=dict(self.env),
            clock=self.clock,
            use_cache=self.use_cache,
            notify=self._notify,
        )
        other.config, other.files = self.config, self.files
        if self._shared is None:
            from segctl.declarations.parsed_files import ParsedFiles  # noqa: PLC0415

            self._shared = ParsedFiles(), threading.Lock()
        other._shared = self._shared
        other._is_config_broken = self._is_config_broken
        return other

    @cached_property
    def clock(self) -> Clock:
        """The clock: the machine's own, unless another was passed."""
        from segctl.common.clock import SystemClock  # noqa: PLC0415

        return self._clock or SystemClock()

    @cached_property
    def config(self) -> Config:
        """The settings in segctl.yaml. Raises `InvalidInput` and `UsageError`."""
        from segctl.project.config import load_config  # noqa: PLC0415

        return load_config(self.root)

    def config_problems(self) -> tuple[Diagnostic, ...]:
        """Return the problems of segctl.yaml, and use the default settings from here on if any.

        So the problems of the segment files can be reported as well. Raises `InvalidInput` if there
        is no folder of segment files under its default name.
        """
        try:
            _ = self.config
        except InvalidInput as error:
            from segctl.project.config import Config  # noqa: PLC0415

            defaults = Config(self.root)
            if not (self.root / defaults.segments).is_dir():
                raise
            self.config = defaults
            self._is_config_broken = True
            return error.diagnostics
        return ()

    @property
    def requested_target(self) -> str | None:
        """The target that was named for this run; `None` leaves it to the environment."""
        return self._target

    @property
    def is_target_chosen(self) -> bool:
        """Whether a target or a group was named for this run, or in SEGCTL_TARGET."""
        return self._target is not None or bool(self.env.get("SEGCTL_TARGET"))

    @cached_property
    def target(self) -> Target:
        """The target of this run. Raises `UsageError` and `InvalidInput`."""
        from segctl.project.config import choose_target  # noqa: PLC0415

        return choose_target(self.config, self._target, self.env)

    @property
    def target_name(self) -> str:
        """The name of the target; if it cannot be chosen, the one asked for, or an empty text."""
        try:
            return self.target.name
        except (InvalidInput, UsageError):
            return self._target or ""

    @cached_property
    def files(self) -> Files:
        """The contents of the project's files. Raises `UsageError` and `InvalidInput`."""
        from segctl.project.files import FolderMissing, read_files  # noqa: PLC0415

        try:
            return read_files(self.root, self.config.segments)
        except FolderMissing as missing:
            from segctl.app.missing_folder import check_removed_by_commit  # noqa: PLC0415 - asks git
            from segctl.project.files import Files  # noqa: PLC0415

            folder = self.config.segments
            self._notify(check_removed_by_commit(self.root, folder, self.env, missing))
            return Files()

    @cached_property
    def declarations(self) -> Declarations:
        """What the segment files declare, with every diagnostic.

        Raises what `files` raises, and `UsageError` where the target was chosen and does not exist.
        """
        return self.read_declarations(self.files)

    def read_declarations(self, files: Files) -> Declarations:
        """Return what these files declare, read as those of the project are.

        Raises `UsageError` where the target was chosen and does not exist.
        """
        from segctl.declarations.collection import read_declarations  # noqa: PLC0415
        from segctl.project.config import SANDBOX  # noqa: PLC0415

        if self.is_target_chosen and not self._is_config_broken:
            # Else each value and each list of a misspelt target or of a group would be an error.
            _ = self.target
        target = self.target_name
        parsed, reading = self._shared or (None, nullcontext())
        # Threads of several targets that read them at the same time would parse each file again.
        with reading:
            return read_declarations(
                files.segments,
                files.queries,
                self.config.segments,
                accounts=files.accounts,
                targets=(*self.config.targets, SANDBOX),
                target=target,
                values=self.config.values_for(target),
                conditions=files.conditions,
                instances=files.instances,
                groups=self.config.groups,
                settings_are_known=not self._is_config_broken,
                policies=self.config.policies,
                parsed=parsed,
            )
