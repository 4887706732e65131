"""The contact lists of an account and their names, which are read at most once.

Names are for people and for a warning, and decide nothing: a caller that only wants names gets none
where the account does not return them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.errors import RemoteError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from segctl.model.contact_fields import ContactList, ListNames
    from segctl.sendgrid.api import Reader


class ContactLists:
    """The lists of one account, read when they are first needed, and at most once.

    `failure` is the error of that read, or `None`.
    """

    def __init__(self, account: Reader) -> None:
        self._account = account
        self._lists: tuple[ContactList, ...] | None = None
        self.failure: RemoteError | None = None

    def read(self) -> tuple[ContactList, ...]:
        """Return all lists. Raises `RemoteError`, the same one to each caller."""
        if self.failure is not None:
            raise self.failure
        if self._lists is None:
            try:
                self._lists = self._account.list_contact_lists()
            except RemoteError as error:
                self.failure = error
                raise
        return self._lists

    def by_id(self) -> dict[str, str]:
        """Return the names of all lists by lower-case id. Raises `RemoteError`, as `read` does."""
        return {contact_list.id.lower(): contact_list.name for contact_list in self.read()}

    def names(self, ids: Iterable[str]) -> ListNames:
        """Return the names of these lists, or none where they cannot be read. Never raises."""
        wanted = sorted({list_id.lower() for list_id in ids})
        if not wanted:
            return {}
        try:
            known = self.by_id()
        except RemoteError:
            return {}
        return {list_id: known.get(list_id) for list_id in wanted}
