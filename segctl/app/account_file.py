"""What the project's files know of the target's account: reading and pulling it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.app.account_pin import another_account, is_another
from segctl.common.clock import format_utc
from segctl.common.files import write_text
from segctl.common.folder import Folder
from segctl.declarations.account_file import account_text, read_account
from segctl.errors import Diagnostic, InvalidInput, Severity, Span
from segctl.model.contact_fields import KnownAccount, account_path
from segctl.project.files import FIELDS_FILE

if TYPE_CHECKING:
    from segctl.app.connection import Connection
    from segctl.app.project import Project


def read_known_account(project: Project) -> tuple[KnownAccount | None, list[Diagnostic]]:
    """Return what the files know of the target's account, `None` without such a file.

    That is `accounts/TARGET.yaml`, whose problems are those of the declarations, else fields.yaml,
    with what is wrong with it. A missing folder of segment files is fine: `upgrade` and `import`
    create it.
    """
    folder = project.config.segments
    if not (project.root / folder).exists():
        return None, []
    fields = project.files.fields
    path = account_path(folder, project.target_name)
    if path in project.files.accounts:
        return project.declarations.accounts.get(project.target_name), []
    if fields is None:
        return None, []
    return read_account(f"{folder}/{FIELDS_FILE}", fields, "fields")


def unused_fields_file(project: Project) -> list[Diagnostic]:
    """Return a warning about a fields.yaml that the file of the account replaces; at most one."""
    folder = project.config.segments
    path = account_path(folder, project.target_name)
    if project.files.fields is None or path not in project.files.accounts:
        return []
    summary = f"the file is not used: {path} has the fields of the target"
    span = Span(f"{folder}/{FIELDS_FILE}", 1, 1)
    return [Diagnostic("unused-fields-file", Severity.WARNING, summary, span, "delete it")]


@dataclass(frozen=True, slots=True)
class PulledAccount:
    """A file of an account as it was written, and what it was before, `None` if it is new."""

    path: str
    account: KnownAccount
    before: KnownAccount | None


def pull_account(project: Project, connection: Connection) -> PulledAccount:
    """Write the file of the target's account from what the account has, and return it.

    Raises `RemoteError`, `InvalidInput` if there is a file that cannot be read, `UsageError` if it
    cannot be written, and `Refused` for a link, or if the file is of another account.
    """
    from segctl.account.contact_lists import ContactLists  # noqa: PLC0415 - not for checks offline

    path = account_path(project.config.segments, project.target.name)
    before = None
    if (project.root / project.config.segments).exists():
        data = project.files.accounts.get(path)
        if data is not None:
            before, problems = read_account(path, data)
            if problems:
                raise InvalidInput(problems)
    reader = connection.reader
    lists = ContactLists(reader).by_id()
    if before is not None and is_another(before, lists):
        raise another_account(project, connection, path)
    custom, reserved = reader.list_fields()
    account = KnownAccount(
        custom,
        reserved,
        project.target.name,
        format_utc(project.clock.now()),
        lists,
        {send.id: send.name for send in reader.list_single_sends()},
    )
    write_text(Folder(project.root), path, account_text(account))
    return PulledAccount(path, account, before)
