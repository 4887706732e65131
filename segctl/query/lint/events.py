"""Rules about event_data: what was sent, opened and clicked.

Owns the one thing that makes event segments slow and surprising: no bound in time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.errors import Severity
from segctl.query import tree
from segctl.query.lint.rule import Spot, quoted, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from segctl.query.lint.sight import Here


_UNSURE = -1
"""The place of a table that is not certain."""


@rule("unbounded-events", Severity.WARNING, tree.Query, late=True)
def unbounded_events(query: tree.Query, here: Here) -> Iterator[Spot]:
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
