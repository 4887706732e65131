"""What every command needs: the project, its target, a way to the account, a way to speak.

Owns the two streams (results on stdout, talk on stderr), colour, and the connection. Everything is
made when it is first asked for, so that a command pays for what it uses.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from segctl.app.connection import Connection as Account

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from typing import TypeVar

    from segctl.account.definition_cache import DefinitionCache
    from segctl.app.console import Console
    from segctl.app.project import Project
    from segctl.common.clock import Clock
    from segctl.common.stopping import Stop
    from segctl.declarations.collection import Declarations
    from segctl.errors import Diagnostic
    from segctl.project.config import Config, Target
    from segctl.project.files import Files
    from segctl.render.terminal import Style
    from segctl.sendgrid.connection import Mount
    from segctl.sendgrid.downloads import Downloads

    F = TypeVar("F", bound=Callable[..., Any])


class Session:
    """One run of the program."""

    def __init__(self, project: Project, console: Console) -> None:
        self.project = project
        self.console = console
        self.root = project.root
        self.env = project.env
        self.verbosity = console.verbosity

    @cached_property
    def clock(self) -> Clock:
        """Time itself."""
        return self.project.clock

    @cached_property
    def stop(self) -> Stop:
        """The request to stop, which everything that waits for the account watches."""
        from segctl.common.stopping import Stop  # noqa: PLC0415

        return Stop()

    @property
    def config(self) -> Config:
        """The project's settings. Raises `InvalidInput`."""
        return self.project.config

    def settings_problems(self) -> tuple[Diagnostic, ...]:
        """Return what is wrong with segctl.yaml, and use the defaults from here on if anything."""
        return self.project.config_problems()

    @property
    def target(self) -> Target:
        """The target chosen. Raises `UsageError`."""
        return self.project.target

    @property
    def target_name(self) -> str:
        """The name of the target, as far as it is known."""
        return self.project.target_name

    @property
    def files(self) -> Files:
        """The bytes of the project's files. Raises `UsageError` and `InvalidInput`."""
        return self.project.files

    @property
    def declarations(self) -> Declarations:
        """What the segment files declare, and every finding."""
        return self.project.declarations

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
                open_sandbox(self.root) as mount,
                Transport(
                    "https://sandbox.invalid",
                    Secret("sandbox"),
                    self.clock,
                    read_only=read_only,
                    mount=mount,
                    notify=self.talk,
                    stop=self.stop,
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
            stop=self.stop,
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

        return Downloads(self.clock, mount=mount, local=local, notify=self.talk, stop=self.stop)

    def _definitions(self, digest: str) -> DefinitionCache | None:
        """Open what is remembered of an account, unless that is turned off or has no place."""
        from segctl.project.environment import cache_folder  # noqa: PLC0415

        folder = cache_folder(self.env)
        if not self.project.use_cache or self.env.get("SEGCTL_NO_CACHE") or folder is None:
            return None
        from segctl.account.definition_cache import DefinitionCache  # noqa: PLC0415

        return DefinitionCache(folder, digest, self.clock.now(), self._mention)

    def _mention(self, text: str) -> None:
        self.console.mention(text)

    @property
    def style(self) -> Style:
        """Colours for stdout."""
        return self.console.style

    @property
    def error_style(self) -> Style:
        """Colours for stderr."""
        return self.console.error_style

    def show(self, text: str) -> None:
        """Write a result."""
        self.console.show(text)

    def as_json(self, data: Any) -> str:
        """Return data as JSON."""
        return self.console.as_json(data)

    def as_page(self, text: str) -> str:
        """Return a page of HTML as stdout can encode it."""
        return self.console.as_html(text)

    def show_json(self, data: Any) -> None:
        """Write a result as JSON."""
        self.console.show_json(data)

    def say(self, text: str, end: str = "\n") -> None:
        """Write to stderr, whatever the verbosity."""
        self.console.say(text, end)

    def talk(self, text: str) -> None:
        """Write to stderr what -q hushes."""
        self.console.talk(text)

    def warn(self, diagnostics: Sequence[Diagnostic]) -> None:
        """Write findings to stderr."""
        self.console.warn(diagnostics)

    def progress(self, what: str) -> AbstractContextManager[Callable[[int, int], None]]:
        """Return a progress bar on stderr."""
        return self.console.progress(what)
