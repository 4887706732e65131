"""Reads what the contact lists of an account are called: the one place that knows their names.

Names are for people and for a warning, and decide nothing: whoever wants them alone gets none where
the account does not tell them. Refuses to ask twice, also where the first answer was an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.errors import RemoteError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from segctl.model.contact_fields import ContactList, ListNames
    from segctl.sendgrid.api import Reader


class ContactLists:
    """The lists of one account, asked for by the first who needs them, and once at the most.

    `failure` is why they are not known, if somebody asked in vain.
    """

    def __init__(self, account: Reader) -> None:
        self._account = account
        self._found: tuple[ContactList, ...] | None = None
        self.failure: RemoteError | None = None

    def read(self) -> tuple[ContactList, ...]:
        """Give all lists. Raises `RemoteError`, to everybody who asks the same one."""
        if self.failure is not None:
            raise self.failure
        if self._found is None:
            try:
                self._found = self._account.list_contact_lists()
            except RemoteError as error:
                self.failure = error
                raise
        return self._found

    def names(self, ids: Iterable[str]) -> ListNames:
        """Give the names of these lists; none where the account will not tell. Never raises."""
        wanted = sorted({one.lower() for one in ids})
        if not wanted:
            return {}
        try:
            known = {one.id.lower(): one.name for one in self.read()}
        except RemoteError:
            return {}
        return {one: known.get(one) for one in wanted}
