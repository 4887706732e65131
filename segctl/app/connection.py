"""An open connection to the account of a target, with what is remembered of the account."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.app.console import SILENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from segctl.account.definition_cache import DefinitionCache
    from segctl.account.pin_cache import PinCache
    from segctl.account.single_send_cache import SingleSendCache
    from segctl.app.console import Console
    from segctl.app.project import Project
    from segctl.common.stopping import Stop
    from segctl.model import TargetRef
    from segctl.sendgrid.api import Reader, Writer
    from segctl.sendgrid.connection import Mount
    from segctl.sendgrid.downloads import Downloads


@dataclass(frozen=True, slots=True)
class Connection:
    """An open connection to the account of a target.

    `requests` returns how many requests were sent so far. `digest` identifies the account in caches
    without naming it. `downloads` opens a client for exported files, which never sends the key.
    `stop` ends everything that waits for the account. `definitions`, `single_sends` and `pins` are
    the caches, `None` if none is used.
    """

    target: TargetRef
    reader: Reader
    writer: Writer
    requests: Callable[[], int]
    digest: str
    downloads: Callable[[], Downloads]
    stop: Stop
    read_only: bool = True
    definitions: DefinitionCache | None = None
    single_sends: SingleSendCache | None = None
    pins: PinCache | None = None


@contextmanager
def connect(
    project: Project,
    console: Console = SILENT,
    *,
    read_only: bool = True,
    stop: Stop | None = None,
) -> Iterator[Connection]:
    """Open the account of the project's target; `read_only` allows nothing but GET requests.

    `stop` is that of several connections, which end together.

    The target `sandbox` is the emulator inside this process, with its account in a file of the
    project. Raises `UsageError` if the target, its key or its address is missing or invalid.
    """
    from urllib.parse import urlsplit  # noqa: PLC0415

    from segctl.common.loopback import is_loopback  # noqa: PLC0415
    from segctl.common.secrets import Secret  # noqa: PLC0415
    from segctl.common.stopping import Stop  # noqa: PLC0415
    from segctl.model import TargetRef  # noqa: PLC0415
    from segctl.project.environment import account_digest, api_key, base_url  # noqa: PLC0415
    from segctl.sendgrid.api import Reader, Writer  # noqa: PLC0415
    from segctl.sendgrid.transport import Transport  # noqa: PLC0415

    target, stop = project.target, stop or Stop()
    if target.is_sandbox:
        from segctl.app.folders import state_folder  # noqa: PLC0415
        from segctl.app.sandbox import open_sandbox  # noqa: PLC0415

        with (
            open_sandbox(state_folder(project)) as mount,
            Transport(
                "https://sandbox.invalid",
                Secret("sandbox"),
                project.clock,
                read_only=read_only,
                mount=mount,
                notify=console.talk,
                stop=stop,
            ) as transport,
        ):
            yield Connection(
                TargetRef(target.name, "sandbox"),
                Reader(transport),
                Writer(transport),
                lambda: transport.requests,
                account_digest(str(project.root.resolve()), None, Secret("sandbox")),
                lambda: _downloads(project, console, stop, mount=mount),
                stop,
                read_only,
            )
        return
    url = base_url(target, project.env, project.config.targets)
    parts = urlsplit(url)
    is_local = is_loopback(parts.hostname or "")
    key = api_key(target, project.env, is_local=is_local, warn=console.talk)
    with Transport(
        url,
        key,
        project.clock,
        subuser=target.subuser,
        read_only=read_only,
        direct=is_local,
        notify=console.talk,
        stop=stop,
    ) as transport:
        digest = account_digest(url, target.subuser, key)
        yield Connection(
            TargetRef(target.name, parts.netloc, target.subuser),
            Reader(transport),
            Writer(transport),
            lambda: transport.requests,
            digest,
            lambda: _downloads(project, console, stop, is_local=is_local),
            stop,
            read_only,
            *_caches(project, console, digest),
        )


def _downloads(
    project: Project,
    console: Console,
    stop: Stop,
    *,
    mount: Mount | None = None,
    is_local: bool = False,
) -> Downloads:
    from segctl.sendgrid.downloads import Downloads  # noqa: PLC0415

    return Downloads(project.clock, mount=mount, local=is_local, notify=console.talk, stop=stop)


def _caches(
    project: Project, console: Console, digest: str
) -> tuple[DefinitionCache | None, SingleSendCache | None, PinCache | None]:
    """Return the caches of an account, unless they are turned off or have no folder."""
    if not project.use_cache or project.env.get("SEGCTL_NO_CACHE"):
        return None, None, None
    from segctl.app.folders import cache_folder  # noqa: PLC0415

    folder = cache_folder(project)
    if folder is None:
        return None, None, None
    from segctl.account.cache_file import CacheFile  # noqa: PLC0415
    from segctl.account.definition_cache import DefinitionCache  # noqa: PLC0415
    from segctl.account.pin_cache import FOLDER as PINS  # noqa: PLC0415
    from segctl.account.pin_cache import PinCache  # noqa: PLC0415
    from segctl.account.single_send_cache import FOLDER, SingleSendCache  # noqa: PLC0415

    now, say = project.clock.now(), console.mention
    single_sends = CacheFile(folder.below(FOLDER), digest, "Single Sends", say)
    pins = CacheFile(folder.below(PINS), digest, "lists", say)
    return (
        DefinitionCache(folder, digest, now, say),
        SingleSendCache(now, single_sends),
        PinCache(pins),
    )
