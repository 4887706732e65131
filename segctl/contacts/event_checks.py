"""What a base does not know of events: it has none, or none of its contacts.

Counted without a word, nobody would ever have clicked, which is a wrong number and no error. Files
that name the same people by different ids are the same to a query as no events at all. Owns how
both are told from events that merely do not matter; refuses to guess which of two ids is right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.audience.duckdb_engine import EvaluationFailed
from segctl.contacts.count_query import has_subquery
from segctl.query.catalogue import JOIN_COLUMN
from segctl.query.parser.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from segctl.audience.to_duckdb import Audience
    from segctl.contacts.dataset import Dataset
    from segctl.model import Segment


def has_no_event(base: Dataset) -> bool:
    """Say whether there is not one event: such a file is an export that failed."""
    try:
        return base.events is None or not base.database.rows(
            f"SELECT 1 FROM {base.events.source} LIMIT 1"  # noqa: S608 - our own relation
        )
    except EvaluationFailed:
        # Whoever counts will say why.
        return False


def are_strangers(
    base: Dataset, asking: Iterable[Audience], raised: tuple[int, int] | None
) -> bool:
    """Say whether no event is of a contact, where that may make a number wrong.

    `raised` is how many ids have an event that some query looks for, and how many of these ids are
    contacts'; `None` where no query says it by a flag. Events that no query looks for make no
    number wrong, whoever they are of, so only where there is a doubt the files are read once more.
    Raises `EvaluationFailed`.
    """
    ids, contacts = raised or (0, 0)
    if contacts or not (ids or any(has_subquery(one.condition.sql) for one in asking)):
        return False
    return base.events is not None and not base.database.rows(
        f"SELECT 1 FROM {base.events.source} WHERE {base.events.columns[JOIN_COLUMN].value} IN"  # noqa: S608 - our own relations
        f" (SELECT {base.contacts.columns[JOIN_COLUMN].value} FROM {base.contacts.source}) LIMIT 1"
    )


def without_events(audience: Audience, segment: Segment) -> Problem:
    """Say, at the place where a query asks events, that there are none."""
    message = "it asks event_data, and the base has no events"
    hint = "give a file of events with --events"
    return Problem("no-events", message, hint, *_place(audience, segment))


def strangers(base: Dataset, audience: Audience, segment: Segment) -> Problem:
    """Say, at the same place, that none of them is of a contact."""
    events = base.events.name if base.events else "the base"
    message = f"no event in {events} is of a contact in {base.contacts.name}"
    hint = f"export both with the {JOIN_COLUMN} of SendGrid"
    return Problem("foreign-events", message, hint, *_place(audience, segment))


def _place(audience: Audience, segment: Segment) -> tuple[int, int]:
    first = next((one for one in audience.column_uses if one.table == "event_data"), None)
    return (first.start, first.end) if first else segment_place(segment)


def segment_place(segment: Segment) -> tuple[int, int]:
    """Give the whole query as a place, for what has none of its own."""
    text = segment.query.rstrip()
    return len(text) - len(text.lstrip()), len(text)
