"""What every command needs: the project, its target, a way to the account, a way to speak.

Owns the two streams (results on stdout, talk on stderr), colour, and the connection. Everything is
made when it is first asked for, so that a command pays for what it uses.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from segctl.common.secrets import redact
from segctl.errors import InvalidInput, Severity, UsageError
from segctl.render.terminal import Style

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from typing import TextIO, TypeVar

    from segctl.account.definition_cache import DefinitionCache
    from segctl.common.clock import Clock
    from segctl.declarations.collection import Declarations
    from segctl.errors import Diagnostic
    from segctl.model import TargetRef
    from segctl.project.config import Config, Target
    from segctl.project.files import Files
    from segctl.sendgrid.api import Reader, Writer
    from segctl.sendgrid.connection import Mount
    from segctl.sendgrid.downloads import Downloads

    F = TypeVar("F", bound=Callable[..., Any])

STATE_FOLDER = ".segctl"


@dataclass(frozen=True, slots=True)
class Account:
    """An open connection to a target.

    `digest` names the account in caches, without saying it. `downloads` opens the way to exported
    files, which goes without the key. `definitions` is what is remembered of the account, `None`
    where nothing is.
    """

    ref: TargetRef
    reader: Reader
    writer: Writer
    requests: Callable[[], int]
    digest: str
    downloads: Callable[[], Downloads]
    definitions: DefinitionCache | None = None


class Session:
    """One run of the program."""

    def __init__(self, env: Mapping[str, str], clock: Clock | None = None) -> None:
        self.env = env
        self._clock = clock
        self.root = Path()
        self.verbosity = 0
        self._target: str | None = None
        self._color = "auto"
        self._cached = True

    def enter(self, directory: str) -> None:
        """Work on the project in this folder. Raises `UsageError` where there is none."""
        self.root = Path(directory)
        if not self.root.is_dir():
            raise UsageError(f"there is no folder {directory}", hint="-C takes a folder")

    def update(
        self, target: str | None, color: str | None, no_cache: bool, quiet: int, verbose: int
    ) -> None:
        """Take in global options; what is not given stays as it was."""
        # An empty target is not none: `--target "$UNSET"` must not end on the default account.
        self._target = self._target if target is None else target
        self._color = color or self._color
        self._cached = self._cached and not no_cache
        self.verbosity += verbose - quiet

    @cached_property
    def clock(self) -> Clock:
        """Time itself."""
        from segctl.common.clock import SystemClock  # noqa: PLC0415

        return self._clock or SystemClock()

    @cached_property
    def config(self) -> Config:
        """The project's settings. Raises `InvalidInput`."""
        from segctl.project.config import load_config  # noqa: PLC0415

        return load_config(self.root)

    def settings_problems(self) -> tuple[Diagnostic, ...]:
        """Give what is wrong with segctl.yaml, and go on without it: all problems at once."""
        try:
            _ = self.config
        except InvalidInput as error:
            from segctl.project.config import Config  # noqa: PLC0415

            if not (self.root / Config(self.root).segments).is_dir():
                raise
            self.config = Config(self.root)
            return error.diagnostics
        return ()

    @cached_property
    def target(self) -> Target:
        """The target chosen. Raises `UsageError`."""
        from segctl.project.config import choose_target  # noqa: PLC0415

        return choose_target(self.config, self._target, self.env)

    @property
    def target_name(self) -> str:
        """The name of the target, as far as it can be told; empty where none can be chosen."""
        try:
            return self.target.name
        except (InvalidInput, UsageError):
            return self._target or ""

    @cached_property
    def files(self) -> Files:
        """The bytes of the project's files. Raises `UsageError` and `InvalidInput`."""
        from segctl.project.files import FolderMissing, read_files  # noqa: PLC0415

        try:
            return read_files(self.root, self.config.segments)
        except FolderMissing as missing:
            from segctl.app.missing_folder import emptied_folder  # noqa: PLC0415 - asks git

            return emptied_folder(self, missing)

    @cached_property
    def declarations(self) -> Declarations:
        """What the segment files declare, and every finding."""
        from segctl.declarations.collection import read_declarations  # noqa: PLC0415

        return read_declarations(self.files.segments, self.files.queries, self.config.segments)

    @contextmanager
    def connect(self, *, read_only: bool) -> Iterator[Account]:
        """Open the target's account; `read_only` cannot send anything but GET."""
        from urllib.parse import urlsplit  # noqa: PLC0415

        from segctl.common.loopback import is_loopback  # noqa: PLC0415
        from segctl.common.secrets import Secret  # noqa: PLC0415
        from segctl.model import TargetRef  # noqa: PLC0415
        from segctl.project.environment import (  # noqa: PLC0415
            account_digest,
            api_key,
            base_url,
        )
        from segctl.sendgrid.api import Reader, Writer  # noqa: PLC0415
        from segctl.sendgrid.transport import Transport  # noqa: PLC0415

        target = self.target
        if target.is_sandbox:
            from segctl.app.sandbox import open_sandbox  # noqa: PLC0415

            with (
                open_sandbox(self.root / STATE_FOLDER) as mount,
                Transport(
                    "https://sandbox.invalid",
                    Secret("sandbox"),
                    self.clock,
                    read_only=read_only,
                    mount=mount,
                    notify=self.talk,
                ) as transport,
            ):
                yield Account(
                    TargetRef(target.name, "sandbox"),
                    Reader(transport),
                    Writer(transport),
                    lambda: transport.requests,
                    account_digest(str(self.root.resolve()), None, Secret("sandbox")),
                    lambda: self._downloads(mount=mount),
                )
            return
        url = base_url(target, self.env)
        key = api_key(target, self.env)
        parts = urlsplit(url)
        local = is_loopback(parts.hostname or "")
        with Transport(
            url,
            key,
            self.clock,
            subuser=target.subuser,
            read_only=read_only,
            direct=local,
            notify=self.talk,
        ) as transport:
            digest = account_digest(url, target.subuser, key)
            yield Account(
                TargetRef(target.name, parts.netloc, target.subuser),
                Reader(transport),
                Writer(transport),
                lambda: transport.requests,
                digest,
                lambda: self._downloads(local=local),
                self._definitions(digest),
            )

    def _downloads(self, *, mount: Mount | None = None, local: bool = False) -> Downloads:
        from segctl.sendgrid.downloads import Downloads  # noqa: PLC0415

        return Downloads(self.clock, mount=mount, local=local, notify=self.talk)

    def _definitions(self, digest: str) -> DefinitionCache | None:
        """Open what is remembered of an account, unless that is turned off or has no place."""
        from segctl.project.environment import cache_folder  # noqa: PLC0415

        folder = cache_folder(self.env)
        if not self._cached or self.env.get("SEGCTL_NO_CACHE") or folder is None:
            return None
        from segctl.account.definition_cache import DefinitionCache  # noqa: PLC0415

        return DefinitionCache(folder, digest, self.clock.now(), self._mention)

    def _mention(self, text: str) -> None:
        """Write to stderr what only -v asks for."""
        if self.verbosity > 0:
            self.say(text)

    def _style(self, stream: TextIO) -> Style:
        if self._color != "auto":
            return Style(color=self._color == "always")
        plain = bool(self.env.get("NO_COLOR")) or self.env.get("TERM") == "dumb"
        return Style(color=stream.isatty() and not plain)

    @property
    def style(self) -> Style:
        """Colours for stdout."""
        return self._style(sys.stdout)

    @property
    def error_style(self) -> Style:
        """Colours for stderr."""
        return self._style(sys.stderr)

    def show(self, text: str) -> None:
        """Write a result."""
        sys.stdout.write(text)
        sys.stdout.flush()

    def as_json(self, data: Any) -> str:
        """Give data as JSON, with escapes where stdout cannot show every character."""
        return json_text(data, ascii_only=not _is_utf8(sys.stdout))

    def as_page(self, text: str) -> str:
        """Give a page of HTML, which says that it is UTF-8, as stdout can write it."""
        if _is_utf8(sys.stdout):
            return text
        return text.encode("ascii", "xmlcharrefreplace").decode("ascii")

    def show_json(self, data: Any) -> None:
        """Write a result as JSON."""
        self.show(self.as_json(data))

    def say(self, text: str, end: str = "\n") -> None:
        """Write to stderr, whatever the verbosity: errors. Nothing that looks like a key.

        A reader that has gone must not stop an apply, so it is written to nobody then.
        """
        with suppress(BrokenPipeError):
            sys.stderr.write(redact(text) + end)
            sys.stderr.flush()

    def talk(self, text: str) -> None:
        """Write to stderr what -q hushes."""
        if self.verbosity >= 0:
            self.say(text)

    def warn(self, diagnostics: Sequence[Diagnostic]) -> None:
        """Write findings to stderr; -q leaves errors alone in it."""
        from segctl.render.diagnostics import diagnostics_text  # noqa: PLC0415

        shown = [
            found
            for found in diagnostics
            if self.verbosity >= 0 or found.severity is Severity.ERROR
        ]
        self.say(diagnostics_text(shown, self.error_style), end="")

    def progress(self, what: str) -> AbstractContextManager[Callable[[int, int], None]]:
        """Show on a terminal that work goes on; see `cli.progress`."""
        from segctl.app.progress import progress  # noqa: PLC0415

        return progress(what, shown=self.verbosity >= 0, color=self.error_style.color)


def _is_utf8(stream: TextIO) -> bool:
    encoding = (getattr(stream, "encoding", "") or "").replace("-", "").lower()
    return encoding in {"utf8", "utf8sig"}


def json_text(data: Any, *, ascii_only: bool = False) -> str:
    """Write JSON for people and programs: indented, valid as UTF-8, without any whole key."""
    import json  # noqa: PLC0415
    import re  # noqa: PLC0415

    text = redact(json.dumps(data, indent=2, ensure_ascii=ascii_only), whole=True)
    # The account can hold half of a pair, which UTF-8 has no bytes for; an escape says it.
    return re.sub("[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):04x}", text) + "\n"
