"""The predicates of a query about one contact: conditions on the contact, and events it has.

Both the translation and the interpreter build on this reading of event conditions. An event
condition means that the contact has an event for which the condition is true. The documentation
does not say which conditions are about the same event [I]; where segctl decides, a note says so:

- adjacent conditions in one AND, as in all documented examples, are about one event;
- so are conditions joined by OR, where it makes no difference;
- groups in parentheses that each contain an `event_type`, joined by AND, are about one event each
  (noted);
- NOT before an event condition means that the contact has no such event (noted). `event_type !=
  'open'` is not such a NOT: it asks for an event of another type (noted);
- a contact without events can satisfy an OR by the conditions on the contact itself (noted).

What can be read in two of these ways is refused: groups or a NOT next to loose event conditions,
one event of two types, `event_type IS NULL`. According to the documentation of V2, the first API
could not ask for several events, or for their absence; but stored queries may do so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from segctl.query import ast
from segctl.query.parser.errors import Problem
from segctl.query.parser.tokens import lower
from segctl.query.visit import walk

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from segctl.sgql.parse import ParsedCondition

EVENT_FIELDS = {
    "event_source": "event_source",
    "event_type": "event_type",
    "event_timestamp": "timestamp",
    "event_data": "data",
}
"""The columns of `event_data` in V2, by the fields of an event in SGQL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactCondition(ast.Node):
    """A condition on the contact alone."""

    condition: ast.Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class EventExists(ast.Node):
    """The contact has an event for which all conditions are true. Never NULL."""

    conditions: tuple[ast.Expression, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AllOf(ast.Node):
    """AND of two or more predicates."""

    operands: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOf(ast.Node):
    """OR of two or more predicates."""

    operands: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Negation(ast.Node):
    """NOT of a predicate."""

    operand: Predicate


Predicate: TypeAlias = ContactCondition | EventExists | AllOf | AnyOf | Negation


@dataclass(frozen=True, slots=True)
class PredicateResult:
    """The predicate of a query, `None` exactly when there are `problems`.

    `notes` say where the documentation suggests the reading without stating it.
    """

    predicate: Predicate | None
    problems: tuple[Problem, ...]
    notes: tuple[Problem, ...]


def read_predicate(parsed: ParsedCondition) -> PredicateResult:
    """Return the predicate of a parsed query. Never raises."""
    if parsed.condition is None:
        return PredicateResult(None, parsed.problems, ())
    reader = _Reader(parsed)
    predicate = reader.predicate(parsed.condition)
    if reader.problems:
        return PredicateResult(None, tuple(dict.fromkeys(reader.problems)), ())
    return PredicateResult(predicate, (), tuple(dict.fromkeys(reader.notes)))


def uses_event(node: ast.Node) -> bool:
    """Return whether a condition uses a field of an event."""
    return any(True for _ in _event_columns(node))


def _event_columns(root: ast.Node) -> Iterator[ast.Column]:
    for node in walk(root):
        if isinstance(node, ast.Column) and lower(node.name.text) in EVENT_FIELDS:
            yield node


def _is_only_about_events(node: ast.Expression) -> bool:
    """Return whether every condition below AND, OR and NOT uses an event."""
    match node:
        case ast.And(operands=operands) | ast.Or(operands=operands):
            return all(map(_is_only_about_events, operands))
        case ast.Not(operand=operand):
            return _is_only_about_events(operand)
        case _:
            return uses_event(node)


def _requires_event(node: ast.Expression) -> bool:
    """Return whether a contact without events can never satisfy a condition."""
    match node:
        case ast.And(operands=operands):
            return any(map(_requires_event, operands))
        case ast.Or(operands=operands):
            return all(map(_requires_event, operands))
        case ast.Not():
            return False
        case _:
            return uses_event(node)


def _uses_event_type(node: ast.Expression) -> bool:
    return any(lower(column.name.text) == "event_type" for column in _event_columns(node))


class _Reader:
    def __init__(self, parsed: ParsedCondition) -> None:
        self.in_parens = {(paren.inner_start, paren.inner_end) for paren in parsed.parens}
        self.problems: list[Problem] = []
        self.notes: list[Problem] = []

    def predicate(self, node: ast.Expression) -> Predicate:
        if not uses_event(node):
            return ContactCondition(start=node.start, end=node.end, condition=node)
        match node:
            case ast.And(operands=operands):
                return self._conjunction(node, operands)
            case ast.Or(operands=operands):
                return self._disjunction(node, operands)
            case ast.Not(operand=operand):
                self._note(
                    node, "no-such-event", "NOT before an event is read as: there is no such event"
                )
                inner = self.predicate(operand)
                return Negation(start=node.start, end=node.end, operand=inner)
            case _:
                return self._event_exists((node,))

    def _disjunction(self, node: ast.Or, operands: Sequence[ast.Expression]) -> Predicate:
        if all(map(self._is_one_event, operands)):
            return self._event_exists((node,))
        if not all(
            _is_only_about_events(operand) or _requires_event(operand) for operand in operands
        ):
            self._note(
                node,
                "events-or-not",
                "a contact without events is selected if another part of this OR is true",
            )
        parts = tuple(map(self.predicate, operands))
        return AnyOf(start=node.start, end=node.end, operands=parts)

    def _conjunction(self, node: ast.And, operands: Sequence[ast.Expression]) -> Predicate:
        with_events = [operand for operand in operands if uses_event(operand)]
        plain = [
            operand
            for operand in with_events
            if _is_only_about_events(operand) and not isinstance(operand, ast.Not)
        ]
        groups = self._groups(plain)
        if len(with_events) > len(plain):  # some are negated, or mixed with contact conditions
            groups = [[operand] for operand in plain]
            # If all are negated it is clear: there is no event of this kind, and none of that.
            all_negated = all(isinstance(operand, ast.Not) for operand in with_events)
            if len(with_events) > 1 and not all_negated:
                self._refuse_loose(with_events)
        if len(with_events) - len(plain) + len(groups) > 1:
            self._note(
                node, "several-events", "each group in parentheses is read as a separate event"
            )
        parts = [
            self.predicate(group[0]) if len(group) == 1 else self._event_exists(tuple(group))
            for group in groups
        ]
        grouped = {operand.start for operand in plain}
        parts += [self.predicate(operand) for operand in operands if operand.start not in grouped]
        parts.sort(key=lambda part: part.start)
        if len(parts) == 1:
            return parts[0]
        return AllOf(start=node.start, end=node.end, operands=tuple(parts))

    def _groups(self, conditions: Sequence[ast.Expression]) -> list[Sequence[ast.Expression]]:
        """Return the event conditions of one AND, grouped by the event that they are about."""
        if len(conditions) <= 1:
            return [conditions] if conditions else []
        with_type = [condition for condition in conditions if _uses_event_type(condition)]
        if len(with_type) > 1 and any(map(self._is_in_parens, with_type)):
            self._refuse_loose(conditions)
            return [[condition] for condition in conditions]
        for condition in conditions:
            if not self._is_one_event(condition):
                self._refuse_unclear(condition)
        return [conditions]

    def _refuse_loose(self, conditions: Sequence[ast.Expression]) -> None:
        """Refuse the conditions that are not an event by themselves, among several events."""
        for condition in conditions:
            inner = condition.operand if isinstance(condition, ast.Not) else condition
            if not self._is_event_group(inner):
                self._refuse_unclear(condition)

    def _is_event_group(self, node: ast.Expression) -> bool:
        """Return whether a node is an event with its type, perhaps with contact conditions."""
        if _is_only_about_events(node):
            return self._is_in_parens(node) and _uses_event_type(node)
        match node:
            case ast.And(operands=operands):
                return any(_uses_event_type(operand) for operand in operands)
            case ast.Or(operands=operands):
                return all(_uses_event_type(operand) for operand in operands if uses_event(operand))
            case ast.Not(operand=operand):
                return self._is_event_group(operand)
            case _:
                return _uses_event_type(node)

    def _is_one_event(self, node: ast.Expression) -> bool:
        """Return whether a condition is about one event, and not about the absence of one."""
        match node:
            case ast.And(operands=operands):
                with_type = [operand for operand in operands if _uses_event_type(operand)]
                several = len(with_type) > 1 and any(map(self._is_in_parens, with_type))
                return not several and all(map(self._is_one_event, operands))
            case ast.Or(operands=operands):
                return all(map(self._is_one_event, operands))
            case ast.Not():
                return False
            case _:
                return uses_event(node)

    def _is_in_parens(self, node: ast.Expression) -> bool:
        return (node.start, node.end) in self.in_parens

    def _event_exists(self, conditions: tuple[ast.Expression, ...]) -> EventExists:
        required: dict[str, ast.Comparison] = {}
        for leaf in (leaf for condition in conditions for leaf in _conjuncts(condition)):
            match leaf:
                case ast.Comparison(
                    op="=", left=ast.Column(name=name, path=()), right=ast.String(value=value)
                ):
                    other = required.setdefault(lower(name.text), leaf)
                    if isinstance(other.right, ast.String) and other.right.value != value:
                        self._refuse(
                            leaf,
                            f"one event cannot have two different values of `{name.text}`",
                            "if you mean two events, put the conditions of each in parentheses",
                        )
        for node in (node for condition in conditions for node in walk(condition)):
            if isinstance(node, ast.IsNull) and not node.negated and uses_event(node):
                self._refuse(
                    node,
                    "it is not documented whether this means an event without the value, or a"
                    " contact without events",
                )
        self._note_guesses(conditions)
        return EventExists(start=conditions[0].start, end=conditions[-1].end, conditions=conditions)

    def _note_guesses(self, conditions: Sequence[ast.Expression]) -> None:
        for node in (node for condition in conditions for node in walk(condition)):
            if _excludes(node):
                self._note(
                    node,
                    "another-event",
                    "this is read as: there is an event of another kind, whether or not there is"
                    " one of this kind",
                )
            elif isinstance(node, ast.Column) and node.path:
                self._note(
                    node,
                    "event-data",
                    "the place of this value in V2 is known from real queries, not from the"
                    " documentation",
                )

    def _refuse_unclear(self, node: ast.Expression) -> None:
        self._refuse(
            node,
            "it is not clear which event this is about, because the query asks for others too",
            "each event needs parentheses of its own, with its `event_type` inside",
        )

    def _refuse(self, node: ast.Node, message: str, hint: str = "") -> None:
        self.problems.append(Problem("unclear-event", message, hint, node.start, node.end))

    def _note(self, node: ast.Node, code: str, message: str) -> None:
        self.notes.append(Problem(code, message, "", node.start, node.end))


def _conjuncts(node: ast.Expression) -> Iterator[ast.Expression]:
    """Yield the conditions that must all be true for this one to be true."""
    if isinstance(node, ast.And):
        for operand in node.operands:
            yield from _conjuncts(operand)
    else:
        yield node


def _excludes(node: ast.Node) -> bool:
    """Return whether an event condition excludes values: the author may have meant no event."""
    match node:
        case ast.Comparison(op=op):
            return op == "!="
        case ast.In(negated=negated) | ast.Like(negated=negated) | ast.Between(negated=negated):
            return negated
    return False
