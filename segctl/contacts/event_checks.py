"""Checks that a data set has events, and that they belong to its contacts.

Without these checks, no contact would ever have clicked: a wrong number, and no error. Files that
identify the same people by different ids look the same to a query as no events at all. Does not
guess which of two ids is right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.audience.duckdb_engine import EvaluationFailed
from segctl.contacts.count_query import has_subquery
from segctl.query.catalogue import JOIN_COLUMN
from segctl.query.parser.errors import Problem
from segctl.render.terminal import count

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from segctl.audience.to_duckdb import Audience
    from segctl.contacts.dataset import Dataset
    from segctl.model import Segment

MAX_UNMATCHED = 0.1
"""The share of the contacts with events that may be missing from the contacts without a warning."""


def has_no_events(dataset: Dataset) -> bool:
    """Return whether there are no events at all: such a file is an export that failed."""
    try:
        return dataset.events is None or not dataset.database.rows(
            f"SELECT 1 FROM {dataset.events.source} LIMIT 1"  # noqa: S608 - our own relation
        )
    except EvaluationFailed:
        # The count will report why.
        return False


def has_unmatched_events(
    dataset: Dataset, audiences: Iterable[Audience], matches: tuple[int, int] | None
) -> bool:
    """Return whether no event belongs to a contact, where that may make a number wrong.

    `matches` is how many ids have an event that some query looks for, and how many of these ids
    are contacts'; `None` where no query looks for events by a flag. Events that no query looks for
    make no number wrong, so the files are read again only in case of doubt. Raises
    `EvaluationFailed`.
    """
    ids, contacts = matches or (0, 0)
    if contacts or not (ids or any(has_subquery(audience.condition.sql) for audience in audiences)):
        return False
    return dataset.events is not None and not dataset.database.rows(
        f"SELECT 1 FROM {dataset.events.source}"  # noqa: S608 - our own relations
        f" WHERE {dataset.events.columns[JOIN_COLUMN].value} IN"
        f" (SELECT {dataset.contacts.columns[JOIN_COLUMN].value} FROM {dataset.contacts.source})"
        " LIMIT 1"
    )


def no_events(audience: Audience, segment: Segment) -> Problem:
    """Return the problem that there are no events, at the place where a query uses them."""
    message = "it uses event_data, and there are no events"
    hint = "add a file of events with --events"
    return Problem("no-events", message, hint, *_event_range(audience, segment))


def unmatched_events(dataset: Dataset, audience: Audience, segment: Segment) -> Problem:
    """Return the problem that no event belongs to a contact, at the same place."""
    events = dataset.events.name if dataset.events else "the events"
    message = f"no event in {events} belongs to a contact in {dataset.contacts.name}"
    hint = f"export both with SendGrid's {JOIN_COLUMN}"
    return Problem("foreign-events", message, hint, *_event_range(audience, segment))


def partly_unmatched_events(
    dataset: Dataset, audience: Audience, segment: Segment, matches: tuple[int, int] | None
) -> Iterator[Problem]:
    """Yield the warning that many events belong to no contact; `matches` as above.

    Some always do: contacts are deleted. Where contacts are only those of some lists, most may.
    """
    ids, contacts = matches or (0, 0)
    if dataset.events is None or dataset.only or not audience.flags:
        return
    if ids - contacts > ids * MAX_UNMATCHED:
        message = (
            f"{ids - contacts:,} of {count(ids, 'contact')} with such events in"
            f" {dataset.events.name} are not in {dataset.contacts.name}"
        )
        hint = f"export both at the same time, with SendGrid's {JOIN_COLUMN}"
        yield Problem("foreign-events", message, hint, *_event_range(audience, segment))


def _event_range(audience: Audience, segment: Segment) -> tuple[int, int]:
    uses = (use for use in audience.column_uses if use.table == "event_data")
    first = next(uses, None)
    return (first.start, first.end) if first else query_range(segment)


def query_range(segment: Segment) -> tuple[int, int]:
    """Return the offsets of the whole query, for a problem that has no place of its own."""
    text = segment.query.rstrip()
    return len(text) - len(text.lstrip()), len(text)
