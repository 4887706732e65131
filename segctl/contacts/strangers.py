"""Events of others than the contacts: files that name the same people by different ids.

Counted in such files, nobody has ever clicked, which is a wrong number and no error. Owns how that
is told from events that merely do not matter; refuses to guess which of the two ids is right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.contacts.statement import has_subquery
from segctl.query.catalogue import JOIN_COLUMN
from segctl.query.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from segctl.audience.translation import Audience
    from segctl.contacts.base import Base


def are_strangers(base: Base, asking: Iterable[Audience], raised: tuple[int, int] | None) -> bool:
    """Say whether no event is of a contact, where that may make a number wrong.

    `raised` is how many ids have an event that some query looks for, and how many of these ids are
    contacts'; `None` where no query says it by a flag. Events that no query looks for make no
    number wrong, whoever they are of, so only where there is a doubt the files are read once more.
    Raises `EvaluationFailed`.
    """
    ids, contacts = raised or (0, 0)
    if contacts or not (ids or any(has_subquery(one.part.sql) for one in asking)):
        return False
    return base.events is not None and not base.database.rows(
        f"SELECT 1 FROM {base.events.source} WHERE {base.events.columns[JOIN_COLUMN].value} IN"  # noqa: S608 - our own relations
        f" (SELECT {base.contacts.columns[JOIN_COLUMN].value} FROM {base.contacts.source}) LIMIT 1"
    )


def strangers(base: Base, start: int, end: int) -> Problem:
    """Say so, at the place where a query asks events."""
    events = base.events.name if base.events else "the base"
    return Problem(
        "foreign-events",
        f"no event in {events} is of a contact in {base.contacts.name}",
        f"export both with the {JOIN_COLUMN} of SendGrid",
        start,
        end,
    )
