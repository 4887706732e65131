"""The pin of an account: the lists that its file names, none of which another account has.

What is done with the wrong key, on another account, could delete or send to anybody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.errors import InvalidInput, Refused, UsageError
from segctl.model.contact_fields import account_path

if TYPE_CHECKING:
    from collections.abc import Iterable

    from segctl.account.contact_lists import ContactLists
    from segctl.app.connection import Connection
    from segctl.app.project import Project
    from segctl.model.contact_fields import KnownAccount


def check_account(project: Project, connection: Connection, lists: ContactLists) -> None:
    """Check that this is the account that the target's file was pulled from.

    `lists` are asked for, once for each key and file on this machine. Raises `Refused`
    if it has none of the recorded lists, and `RemoteError` if it does not tell.
    """
    try:
        known = project.declarations.accounts.get(project.target.name)
    except (InvalidInput, UsageError):
        return  # A command that needs the files has reported it.
    if known is None or not known.lists:
        return
    pins = connection.pins
    if pins is not None and not pins.known.isdisjoint(known.lists):
        return
    list_ids = lists.by_id()
    if is_another(known, list_ids):
        path = account_path(project.config.segments, project.target.name)
        raise another_account(project, connection, path)
    if pins is not None:
        pins.store(list_ids)


def is_another(known: KnownAccount, lists: Iterable[str]) -> bool:
    """Return whether an account with these lists is not the one that a file was pulled from."""
    # No two accounts share the id of a list. Some may have been deleted since.
    return bool(known.lists) and set(known.lists or ()).isdisjoint(lists)


def another_account(project: Project, connection: Connection, path: str) -> Refused:
    """Return the refusal of an account that is not the one of the file at `path`."""
    target = connection.target
    at = target.host if target.subuser is None else f"{target.host}, subuser {target.subuser}"
    return Refused(
        f"the key is for another account than target `{target.name}`: the account at {at} has none "
        f"of the lists in {path}",
        hint=f"check the variable {project.target.api_key_env}; if the target is meant to be "
        f"another account from now on, delete {path} and run `segctl account pull`",
    )
