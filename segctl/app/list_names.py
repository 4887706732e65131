"""The names of parent lists, for the commands that show or write segments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.app.account_file import read_known_account
from segctl.errors import Diagnostic, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from segctl.account.contact_lists import ContactLists
    from segctl.app.console import Console
    from segctl.app.project import Project
    from segctl.model import Remote, Segment
    from segctl.model.contact_fields import ListNames


def recorded_list_names(project: Project) -> ListNames:
    """Return the names of lists that the file of the target's account has, without asking it.

    A list that is not there may be new: only names are known, never that a list does not exist.
    """
    account, _ = read_known_account(project)
    lists = None if account is None else account.lists
    return lists or {}


def parent_list_names(
    lists: ContactLists, segments: Iterable[Remote | Segment], console: Console
) -> ListNames:
    """Return the names of the segments' parent lists; asks for no `lists` if they have none.

    If the account does not tell them, that is a warning: the ids are enough.
    """
    names = lists.names(list_id for segment in segments for list_id in segment.parent_list_ids)
    if lists.failure is not None:
        summary = f"parent lists are shown without their names: {lists.failure.message}"
        hint = lists.failure.hint
        console.warn([Diagnostic("lists-unknown", Severity.WARNING, summary, hint=hint)])
    return names
