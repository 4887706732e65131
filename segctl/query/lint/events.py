"""Rules about event_data: what was sent, opened and clicked.

Owns what makes event segments empty, or slow and surprising: a type of event that is misspelt, and
no bound in time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.common.suggest import nearest_match
from segctl.errors import Severity
from segctl.query import ast
from segctl.query.catalogue import EVENT_SOURCES, EVENT_TYPES
from segctl.query.lint.rule import Spot, quoted, rule
from segctl.query.lint.types import compared

if TYPE_CHECKING:
    from collections.abc import Iterator

    from segctl.query.lint.scope import Here


_WORDS = {"event_type": EVENT_TYPES, "event_source": EVENT_SOURCES}
_UNSURE = -1
"""The place of a table that is not certain."""


@rule("unknown-event", Severity.WARNING, ast.Comparison, ast.In, ast.Like)
def unknown_event(node: ast.Comparison | ast.In | ast.Like, here: Here) -> Iterator[Spot]:
    """Find types and sources of events that are written like known ones, and are none.

    An open is an event of the type `open`, not `opened`, and comes from `mail`, not `email`. With
    another word no event is found: nobody is in the segment, or with != and NOT IN everybody.
    There are more types and sources than SendGrid documents, so any other word is left alone, as
    long as it is not a letter or two away from one that is known.

    Write `processed`, `delivered`, `open` or `click` for the type, `mail` or `automation` for the
    source. If the word is right after all, put an ignore comment above the query.

    Bad::

        SELECT c.contact_id, c.updated_at FROM contact_data c
        JOIN event_data e ON c.contact_id = e.contact_id
        WHERE e.event_type = 'opened'
          AND e.timestamp > timestampadd(day, -30, CURRENT_TIMESTAMP)

    Good::

        SELECT c.contact_id, c.updated_at FROM contact_data c
        JOIN event_data e ON c.contact_id = e.contact_id
        WHERE e.event_type = 'open'
          AND e.timestamp > timestampadd(day, -30, CURRENT_TIMESTAMP)
    """
    if isinstance(node, ast.Like):
        pairs = [] if set("%_") & set(here.source(node.pattern)) else [(node.operand, node.pattern)]
    else:
        pairs = [*compared(node)]
    for operand, value in pairs:
        if not isinstance(operand, ast.Column) or not isinstance(value, ast.String):
            continue
        resolved = here.resolve(operand)
        known = _WORDS.get(resolved.name) if resolved.table == "event_data" else None
        if known is None or operand.path or value.value in known:
            continue
        written = value.value.strip().lower()
        meant = written if written in known else nearest_match(written, known)
        if meant:
            yield Spot(
                value.start,
                value.end,
                f"{quoted(here.source(value), 60)} is no {resolved.name} that is known",
                f"did you mean `{meant}`?",
            )


@rule("unbounded-events", Severity.WARNING, ast.Query, late=True)
def unbounded_events(query: ast.Query, here: Here) -> Iterator[Spot]:
    """Find events of all times.

    A query of event_data without a condition on the time reads every event that SendGrid has
    kept: the segment is slow to compute, contacts never leave it, and "clicked" means "clicked
    at any time". A condition on the message it is about (singlesend_id) is a bound as well, and
    so is the question who has *never* done a thing (NOT IN).

    Say since when: e.timestamp > timestampadd(day, -30, CURRENT_TIMESTAMP).

    Bad::

        SELECT c.contact_id, c.updated_at FROM contact_data c
        JOIN event_data e ON c.contact_id = e.contact_id
        WHERE e.event_type = 'click'

    Good::

        SELECT c.contact_id, c.updated_at FROM contact_data c
        JOIN event_data e ON c.contact_id = e.contact_id
        WHERE e.event_type = 'click'
          AND e.timestamp > timestampadd(day, -30, CURRENT_TIMESTAMP)
    """
    if not here.plain or not any(seen.table == "event_data" for seen in here.scope.seen):
        return
    bounded = here.work.dated
    for alias, seen in here.scope.aliases.items():
        if seen.table != "event_data" or seen.start in bounded or _UNSURE in bounded:
            continue
        column = f"{alias}.timestamp" if seen.aliased or len(here.scope.seen) > 1 else "timestamp"
        end = seen.start + len("event_data")
        condition = f"AND {column} > timestampadd(day, -30, CURRENT_TIMESTAMP)"
        yield Spot(
            seen.start,
            end,
            "events of all times are read; a condition on their time is missing",
            f"add {quoted(condition if query.where else f'WHERE {condition[4:]}')}",
        )
