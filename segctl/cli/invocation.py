"""One run of the command line: what the global options say, before and after the command."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from segctl.app.console import Console
from segctl.app.project import Project
from segctl.errors import InvalidInput, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segctl.common.clock import Clock


class Invocation:
    """Collects the global options, and makes the project and the console of them.

    The project is made when it is first asked for, after the last option was read.
    """

    def __init__(self, env: Mapping[str, str], clock: Clock | None = None) -> None:
        self.env = env
        self.clock = clock
        self.console = Console(env)
        self.console.target_to_repeat = self._target_to_repeat
        self._target: str | None = None
        self._use_cache = True
        self._opened: Project | None = None

    def set_options(
        self, *, target: str | None, color: str | None, no_cache: bool, quiet: int, verbose: int
    ) -> None:
        """Take over options; those that were not given stay as they were."""
        # An empty target was given: `--target "$UNSET"` must not end on the default account.
        self._target = self._target if target is None else target
        self._use_cache = self._use_cache and not no_cache
        self.console.color = color or self.console.color
        self.console.verbosity += verbose - quiet

    @cached_property
    def project(self) -> Project:
        """The project in the folder of `-C`, or in the nearest one that has a segctl.yaml.

        Raises `UsageError` if there is no such folder.
        """
        from segctl.project.location import project_folder  # noqa: PLC0415 - not for --help

        return self.project_in(self.console.directory or project_folder())

    def project_here(self) -> Project:
        """Return the project in the folder of `-C`, or in the current one. Raises `UsageError`."""
        return self.project_in(self.console.directory or ".")

    def project_in(self, folder: str) -> Project:
        """Return the project in a folder. Raises `UsageError`."""
        self._opened = Project(
            folder,
            target=self._target,
            env=self.env,
            clock=self.clock,
            use_cache=self._use_cache,
            notify=self.console.talk,
        )
        return self._opened

    def _target_to_repeat(self, name: str | None) -> str:
        """Return the target that a command to run next names; empty for the default one.

        That of SEGCTL_TARGET is named as well: another shell may not have it.
        """
        name = name or self._target or ""
        if self._opened is None:
            return name
        from segctl.project.config import default_target  # noqa: PLC0415 - not for --help

        try:
            default = default_target(self._opened.config)
        except (InvalidInput, UsageError):
            default = ""
        name = name or self._opened.target_name
        return "" if name == default else name
