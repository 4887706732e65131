"""The names of the parent lists of segments, for the commands that show or write segments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.account.contact_lists import ContactLists
from segctl.errors import Diagnostic, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from segctl.app.session import Account, Session
    from segctl.model import Remote
    from segctl.model.contact_fields import ListNames


def parent_names(session: Session, account: Account, remotes: Iterable[Remote]) -> ListNames:
    """Give them; nothing is asked where no segment has a parent list.

    Where the account will not tell, that is a warning: the ids are enough.
    """
    lists = ContactLists(account.reader)
    names = lists.names(one for remote in remotes for one in remote.parent_list_ids)
    if lists.failure is not None:
        summary = f"parent lists are given without their names: {lists.failure.message}"
        hint = lists.failure.hint
        session.warn([Diagnostic("lists-unknown", Severity.WARNING, summary, hint=hint)])
    return names
