"""Rules about event_data: what was sent, opened and clicked.

Reports what makes a segment of events empty or slow: a misspelt type of event, and no limit in
time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.common.suggest import nearest_match
from segctl.errors import Severity
from segctl.query import ast
from segctl.query.catalogue import EVENT_SOURCES, EVENT_TYPES
from segctl.query.lint.rule import Violation, quote_sql, rule, violation_at
from segctl.query.lint.types import compared_pairs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from segctl.query.lint.scope import NodeContext


_KNOWN_VALUES = {"event_type": EVENT_TYPES, "event_source": EVENT_SOURCES}
_UNKNOWN_TABLE = -1
"""The offset that stands for a table that is not certain."""


@rule("unknown-event", Severity.WARNING, ast.Comparison, ast.In, ast.Like)
def unknown_event(
    node: ast.Comparison | ast.In | ast.Like, context: NodeContext
) -> Iterator[Violation]:
    """Report event types and sources that look like a misspelt known one.

    An open is an event of the type `open`, not `opened`, and its source is `mail`, not `email`. A
    wrong word matches no event: nobody is in the segment, or, with != and NOT IN, everyone is.
    SendGrid has more types and sources than it documents, so this rule reports only words that
    are a letter or two away from a known one.

    Write `processed`, `delivered`, `open` or `click` for the type, and `mail` or `automation` for
    the source. If the word is correct, add an ignore comment above the query.

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
        has_wildcard = set("%_") & set(context.source(node.pattern))
        pairs = [] if has_wildcard else [(node.operand, node.pattern)]
    else:
        pairs = [*compared_pairs(node)]
    for operand, value in pairs:
        if not isinstance(operand, ast.Column) or not isinstance(value, ast.String):
            continue
        resolved = context.resolve(operand)
        known = _KNOWN_VALUES.get(resolved.name) if resolved.table == "event_data" else None
        if known is None or operand.path or value.value in known:
            continue
        word = value.value.strip().lower()
        suggestion = word if word in known else nearest_match(word, known)
        if suggestion:
            yield violation_at(
                value,
                f"unknown {resolved.name} {quote_sql(context.source(value), 60)}",
                f"did you mean `{suggestion}`?",
            )


@rule("unbounded-events", Severity.WARNING, ast.Query, runs_last=True)
def unbounded_events(query: ast.Query, context: NodeContext) -> Iterator[Violation]:
    """Report queries of events without a limit in time.

    A query of event_data without a condition on the time reads every event that SendGrid has
    kept: the segment is slow to compute, contacts never leave it, and "clicked" means "has ever
    clicked". A condition on a message (singlesend_id) is a limit as well, and a query for contacts
    who have *never* done something (NOT IN) needs none.

    Limit the time: e.timestamp > timestampadd(day, -30, CURRENT_TIMESTAMP).

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
    scope, bounded = context.scope, context.run.bounded_tables
    if not context.is_asserted or _UNKNOWN_TABLE in bounded:
        return
    for alias, table in scope.aliases.items():
        if table.table != "event_data" or table.start in bounded:
            continue
        is_qualified = table.aliased or len(scope.tables) > 1
        column = f"{alias}.timestamp" if is_qualified else "timestamp"
        keyword = "AND" if query.where else "WHERE"
        condition = f"{keyword} {column} > timestampadd(day, -30, CURRENT_TIMESTAMP)"
        yield Violation(
            table.start,
            table.start + len("event_data"),
            "the query reads all events ever recorded: it has no condition on their time",
            f"add {quote_sql(condition)}",
        )
