"""A probe of a throw-away account: what no document says about SendGrid, tested there.

The only use case that creates segments that no file declares. It deletes them again, and writes to
no other.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from segctl.app.console import SILENT
from segctl.app.folders import cache_folder
from segctl.common.folder import Folder
from segctl.errors import (
    BadRequest,
    Forbidden,
    NotFound,
    Refused,
    RemoteError,
    Unauthorized,
    UsageError,
)
from segctl.probing.account import ProbeAccount
from segctl.probing.cleanup import clean_up
from segctl.probing.record import PREFIX, open_record
from segctl.probing.run import check_account, run_probe

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from segctl.app.connection import Connection
    from segctl.app.console import Console
    from segctl.app.project import Project
    from segctl.probing.record import Entry, ProbeRecord
    from segctl.probing.run import Probed


class Probe:
    """A probe that may begin: nothing was written yet. `others` are the segments of others."""

    def __init__(
        self, project: Project, connection: Connection, record: ProbeRecord, console: Console
    ) -> None:
        self._project = project
        self._connection = connection
        self._record = record
        self._console = console
        self._others: frozenset[str] | None = None

    @property
    def left_before(self) -> tuple[Entry, ...]:
        """What earlier probes left on the account, or may have left."""
        return self._record.entries

    def check(self, *, allow_in_use: bool = False) -> None:
        """Check that the account is one to probe. Raises `Refused` and `RemoteError`."""
        reader = self._connection.reader
        self._others = check_account(reader, self._record, allow_in_use=allow_in_use)

    def clean_up(self) -> tuple[Entry, ...]:
        """Delete what earlier probes left; return what is still left."""
        connection, clock = self._connection, self._project.clock
        account = ProbeAccount(
            connection.writer.transport,
            self._record,
            clock,
            connection.stop,
            prefix=PREFIX,
            others=self._others or frozenset(),
        )
        return clean_up(account, clock, connection.stop, self._console.talk, earlier=True)

    def run(self) -> Probed:
        """Test every assumption, and delete what that created.

        Raises `RuntimeError` unless `check` allowed it, and `UsageError` if the record cannot be
        written.
        """
        if self._others is None:
            raise RuntimeError("a probe must check the account first")
        if self._record.entries:
            self.clean_up()
        connection = self._connection
        with self._console.progress("probing") as update:
            return run_probe(
                connection.writer.transport,
                self._record,
                self._project.clock,
                connection.stop,
                others=self._others,
                ask_eu=lambda path: _ask_eu(self._project, connection, path),
                update=update,
            )


def check_target(project: Project) -> None:
    """Check that a probe was given the account to probe. Asks nothing.

    Raises `UsageError` for the sandbox, and `Refused` for a target that was not named.
    """
    if project.target.is_sandbox:
        raise UsageError(
            "the sandbox is not SendGrid: a probe would only learn what segctl assumes",
            hint="name the target of a throw-away subuser: --target NAME",
        )
    if project.requested_target is None:
        raise Refused(
            "a probe creates and deletes segments, so its account must be named; nothing was sent",
            hint="name the target of a throw-away subuser: --target NAME",
        )


@contextmanager
def open_probe(
    project: Project, connection: Connection, console: Console = SILENT
) -> Iterator[Probe]:
    """Yield a probe of an account, which no other process probes meanwhile.

    Raises what `check_target` raises, and `UsageError` for a connection that is read-only, and
    where there is no folder to record what is created.
    """
    check_target(project)
    if connection.read_only:
        raise UsageError("the connection is read-only", hint="connect with read_only=False")
    folder = cache_folder(project)
    if folder is None:
        raise UsageError(
            "there is no folder for the record of what a probe creates",
            hint="set SEGCTL_CACHE_DIR to a folder outside of the repository",
        )
    with open_record(folder, connection.digest, project.clock) as record:
        yield Probe(project, connection, record, console)


def write_observed(project: Project, observed: Mapping[str, Any]) -> None:
    """Write what a probe observed to segctl.yaml, whose comments stay.

    Raises `UsageError` if that cannot be done without losing anything, and `Refused` for a link.
    """
    from segctl.common.files import write_text  # noqa: PLC0415 - only to write
    from segctl.project.location import FILE  # noqa: PLC0415
    from segctl.project.observations import with_observed  # noqa: PLC0415

    _ = project.config  # It was read as valid, and not through a link.
    path = project.root / FILE
    try:
        text = path.read_bytes().decode("utf-8") if path.exists() else None
    except (OSError, UnicodeDecodeError):
        raise UsageError(f"cannot read {FILE}") from None
    write_text(Folder(project.root), FILE, with_observed(text, observed))


def _ask_eu(project: Project, connection: Connection, path: str) -> int | str:
    """Return the status of a path on the European host, or why there is none. Sends no key."""
    from segctl.common.secrets import Secret  # noqa: PLC0415 - only for a probe
    from segctl.project.config import Target  # noqa: PLC0415
    from segctl.project.environment import base_url, base_url_variable  # noqa: PLC0415

    for variable in ("SEGCTL_BASE_URL", base_url_variable(project.target.name)):
        if project.env.get(variable):
            return f"{variable} is set, and the probe asks no other server"
    from segctl.sendgrid.transport import Transport  # noqa: PLC0415

    url = base_url(Target("eu", region="eu"), {})
    no_key = Secret("segctl-probe-sends-no-key")
    with Transport(url, no_key, project.clock, read_only=True, stop=connection.stop) as transport:
        try:
            return transport.send("GET", path, operation="ask the European host").status
        except (Unauthorized, Forbidden, NotFound, BadRequest) as error:
            return error.message if error.status is None else error.status
        except RemoteError as error:
            return error.message
