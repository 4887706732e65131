"""Single statements in words: as a relative clause, `whose country is US`, or as a main clause.

Words what contacts did with the values of `event_type` seen in real queries (sendgrid-api.md §6);
other values are shown unchanged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, assert_never

from segctl.query.explain.phrases import join_with
from segctl.query.explain.ranges import time_range
from segctl.query.explain.statements import (
    EventStatement,
    FieldStatement,
    QuotedStatement,
    StatementGroup,
    VerbStatement,
    group_statements,
)
from segctl.query.explain.values import id_text, quoted_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segctl.query.explain.events import EventDescription
    from segctl.query.explain.statements import Statement

Single: TypeAlias = FieldStatement | VerbStatement | QuotedStatement | EventStatement
"""A statement that is not a group."""

_TIME_FIELDS = {
    "their time of creation": "were created",
    "their time of the last update": "were last updated",
}
_VERBS = {"processed": "were sent", "delivered": "received", "open": "opened", "click": "clicked"}
_NEGATED_VERBS = {
    "processed": "were not sent", "delivered": "did not receive", "open": "did not open",
    "click": "did not click",
}  # fmt: skip


def relative_clause(part: Single, it: str | None = None) -> str:
    """Return a statement as a relative clause: `whose country is US`.

    `it` is the Single Send mentioned just before.
    """
    match part:
        case FieldStatement(term=term) if part.subject not in _TIME_FIELDS or not part.is_time:
            subject = (
                f"whose {term.text}" if term.pronoun == "their" else f"for whom {part.subject}"
            )
            return f"{subject} {part.predicate}{_note(part)}"
        case FieldStatement(predicate=predicate):
            return f"who {_TIME_FIELDS[part.subject]} {predicate.removeprefix('is ')}"
        case VerbStatement(text=text):
            return f"who {text}"
        case QuotedStatement(text=text):
            return f"for whom {text} is true"
        case EventStatement(event=event, negated=negated):
            return f"who {_event_phrase(event, negated=negated, it=it)}"
        case _:
            assert_never(part)


def main_clause(part: Single, it: str | None = None) -> str:
    """Return a statement as a main clause, an item of a list: `their country is US`."""
    match part:
        case FieldStatement() if part.subject not in _TIME_FIELDS or not part.is_time:
            return f"{part.subject} {part.predicate}{_note(part)}"
        case QuotedStatement(text=text):
            return f"{text} is true"
        case FieldStatement() | VerbStatement() | EventStatement():
            return f"they {relative_clause(part, it).removeprefix('who ')}"
        case _:
            assert_never(part)


def _note(part: FieldStatement) -> str:
    if not part.excludes_unset or not part.term.unset:
        return ""
    return f" (excluding {'events' if part.term.pronoun == 'the' else 'those'} {part.term.unset})"


def _event_phrase(event: EventDescription, *, negated: bool, it: str | None) -> str:
    """Return an event in words, after `who`; `it` is the Single Send mentioned just before."""
    words = _action(event, negated=negated, it=it)
    if event.label:
        words += f" (event {event.label})"
    time = time_range(event.low, event.high, past=True)
    if time:
        words += f" {time}"
    if event.others:
        words += f" for which {_inline(group_statements(every=True, parts=event.others))}"
    return words


def _inline(statement: Statement) -> str:
    """Return a statement as one clause, nested groups in parentheses."""
    if not isinstance(statement, StatementGroup):
        return main_clause(statement)
    clauses = [
        f"({_inline(part)})" if isinstance(part, StatementGroup) else main_clause(part)
        for part in statement.parts
    ]
    return join_clauses(clauses, every=statement.every)


def join_clauses(clauses: Sequence[str], *, every: bool) -> str:
    """Return clauses joined with `and` or `or`, with a comma where it helps."""
    if len(clauses) == 1:
        return clauses[0]
    word = "and" if every else "or"
    separate = any(
        ", " in clause or " for which " in clause or " or " in clause for clause in clauses
    )
    comma = "," if len(clauses) > 2 or separate else ""  # noqa: PLR2004
    return f"{', '.join(clauses[:-1])}{comma} {word} {clauses[-1]}"


def _action(event: EventDescription, *, negated: bool, it: str | None) -> str:
    if event.types and all(event_type in _VERBS for event_type in event.types):
        verbs = _NEGATED_VERBS if negated else _VERBS
        actions = [verbs[event_type] for event_type in event.types]
        return f"{join_with(actions, 'and' if negated else 'or')} {_message(event, negated, it)}"
    article = "no" if negated else "one" if event.others else "an"
    words = f"have {article} {'e-mail event' if event.source == 'mail' else 'event'}"
    if event.source not in (None, "mail"):
        words += f" from the source {quoted_value(event.source or '')}"
    if event.types:
        words += f" of type {_quoted_types(event.types)}"
    if event.excluded_types:
        words += f" of a type other than {_quoted_types(event.excluded_types)}"
    if event.single_send is not None:
        words += f" for {_single_send(event.single_send, it)}"
    return words


def _message(event: EventDescription, negated: bool, it: str | None) -> str:
    """Return what was sent, opened or clicked: `an e-mail`, `the Single Send …`."""
    if event.single_send is not None:
        message = _single_send(event.single_send, it)
        if event.source is None:
            message += " (from any source)"
    elif event.source == "mail":
        message = "any e-mail" if negated else "an e-mail"
    else:
        message = "any message" if negated else "a message"
    if event.source not in (None, "mail"):
        message += f" (source {quoted_value(event.source or '')})"
    return message


def _single_send(single_send: str, it: str | None) -> str:
    if single_send == it:
        return "it"
    return f"the Single Send {id_text(single_send)}"


def _quoted_types(types: Sequence[str]) -> str:
    return join_with([quoted_value(event_type) for event_type in types])
