"""What a query says of one contact: conditions on the contact, and events that happened to it.

Owns the reading of event conditions, on which translation and interpreter both build. An event
condition means that the contact has an event for which it is true. Which conditions are about one
event [I], and when that is said in a note, because the documentation leaves it open:

- conditions that stand side by side in one AND, as in all documented examples, are about one event;
- so are those joined by OR, where it makes no difference;
- groups in parentheses that each name an `event_type`, joined by AND, are an event each (noted);
- NOT before an event condition says that the contact has no such event (noted). `event_type !=
  'open'` is no such NOT: it asks for an event of another type (noted);
- a contact without events fulfils what an OR asks of the contact itself (noted).

What can be read in two of these ways is refused: groups or a NOT beside loose conditions on events,
one event of two types, `event_type IS NULL`. The documentation of V2 says that several
events and their absence could not be asked in the first API; but stored queries may ask for them.
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
"""The fields of an event, and the columns of `event_data` that hold them in V2."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holds(ast.Node):
    """A condition on the contact alone."""

    condition: ast.Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened(ast.Node):
    """The contact has an event for which all conditions are true: it is, or it is not."""

    conditions: tuple[ast.Expression, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AllOf(ast.Node):
    """AND of two or more."""

    operands: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyOf(ast.Node):
    """OR of two or more."""

    operands: tuple[Predicate, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoneOf(ast.Node):
    """NOT."""

    operand: Predicate


Predicate: TypeAlias = Holds | Happened | AllOf | AnyOf | NoneOf


@dataclass(frozen=True, slots=True)
class Read:
    """What the reading gave: `predicate` is `None` exactly when there are `problems`.

    `notes` say where the query was read as the documentation suggests and does not state.
    """

    predicate: Predicate | None
    problems: tuple[Problem, ...]
    notes: tuple[Problem, ...]


def read(parsed: ParsedCondition) -> Read:
    """Read what `parse` gave. Never raises."""
    if parsed.condition is None:
        return Read(None, parsed.problems, ())
    reader = _Reader(parsed)
    predicate = reader.predicate(parsed.condition)
    if reader.problems:
        return Read(None, tuple(dict.fromkeys(reader.problems)), ())
    return Read(predicate, (), tuple(dict.fromkeys(reader.notes)))


def asks_event(node: ast.Node) -> bool:
    """Whether a condition asks anything of an event."""
    return any(True for _ in _event_columns(node))


def _event_columns(node: ast.Node) -> Iterator[ast.Column]:
    for one in walk(node):
        if isinstance(one, ast.Column) and lower(one.name.text) in EVENT_FIELDS:
            yield one


def _is_of_events(node: ast.Expression) -> bool:
    """Whether every condition in it asks an event: a sum of AND, OR and NOT has several."""
    match node:
        case ast.And(operands=operands) | ast.Or(operands=operands):
            return all(map(_is_of_events, operands))
        case ast.Not(operand=operand):
            return _is_of_events(operand)
        case _:
            return asks_event(node)


def _needs_event(node: ast.Expression) -> bool:
    """Whether no contact without events can fulfil a condition."""
    match node:
        case ast.And(operands=operands):
            return any(map(_needs_event, operands))
        case ast.Or(operands=operands):
            return all(map(_needs_event, operands))
        case ast.Not():
            return False
        case _:
            return asks_event(node)


def _names_type(node: ast.Expression) -> bool:
    return any(lower(column.name.text) == "event_type" for column in _event_columns(node))


class _Reader:
    def __init__(self, parsed: ParsedCondition) -> None:
        self.wrapped = {(paren.inner_start, paren.inner_end) for paren in parsed.parens}
        self.problems: list[Problem] = []
        self.notes: list[Problem] = []

    def predicate(self, node: ast.Expression) -> Predicate:
        if not asks_event(node):
            return Holds(start=node.start, end=node.end, condition=node)
        match node:
            case ast.And(operands=operands):
                return self._all(node, operands)
            case ast.Or(operands=operands):
                if all(map(self._is_one, operands)):
                    return self._happened((node,))
                if not all(_is_of_events(one) or _needs_event(one) for one in operands):
                    self._note(
                        node,
                        "events-or-not",
                        "a contact without any event is in where the rest of this OR holds",
                    )
                parts = tuple(map(self.predicate, operands))
                return AnyOf(start=node.start, end=node.end, operands=parts)
            case ast.Not(operand=operand):
                self._note(
                    node, "no-such-event", "NOT before an event is read as: there is no such event"
                )
                inner = self.predicate(operand)
                return NoneOf(start=node.start, end=node.end, operand=inner)
            case _:
                return self._happened((node,))

    def _all(self, node: ast.And, operands: Sequence[ast.Expression]) -> Predicate:
        asking = [one for one in operands if asks_event(one)]
        about = [one for one in asking if _is_of_events(one) and not isinstance(one, ast.Not)]
        groups = self._groups(about)
        if len(asking) > len(about):  # something is denied, or mixed with what asks the contact
            groups = [[one] for one in about]
            # What only denies is clear: there is no event of this kind, and none of that one.
            if len(asking) > 1 and not all(isinstance(one, ast.Not) for one in asking):
                self._refuse_loose(asking)
        if len(asking) - len(about) + len(groups) > 1:
            self._note(node, "several-events", "each group in parentheses is read as its own event")
        parts = [
            self.predicate(group[0]) if len(group) == 1 else self._happened(tuple(group))
            for group in groups
        ]
        told = {one.start for one in about}
        parts += [self.predicate(one) for one in operands if one.start not in told]
        parts.sort(key=lambda part: part.start)
        if len(parts) == 1:
            return parts[0]
        return AllOf(start=node.start, end=node.end, operands=tuple(parts))

    def _groups(self, about: Sequence[ast.Expression]) -> list[Sequence[ast.Expression]]:
        """Sort the event conditions of one AND by the event that they are about."""
        if len(about) <= 1:
            return [about] if about else []
        naming = [one for one in about if _names_type(one)]
        if len(naming) > 1 and any(map(self._is_wrapped, naming)):
            self._refuse_loose(about)
            return [[one] for one in about]
        for one in about:
            if not self._is_one(one):
                self._refuse_beside(one)
        return [about]

    def _refuse_loose(self, asking: Sequence[ast.Expression]) -> None:
        """Refuse what is no event by itself, where several are combined."""
        for one in asking:
            whole = one.operand if isinstance(one, ast.Not) else one
            if not self._is_group(whole):
                self._refuse_beside(one)

    def _is_group(self, node: ast.Expression) -> bool:
        """Whether this is an event by itself, of a type; what asks the contact may be with it."""
        if _is_of_events(node):
            return self._is_wrapped(node) and _names_type(node)
        match node:
            case ast.And(operands=operands):
                return any(_names_type(one) for one in operands)
            case ast.Or(operands=operands):
                return all(_names_type(one) for one in operands if asks_event(one))
            case ast.Not(operand=operand):
                return self._is_group(operand)
            case _:
                return _names_type(node)

    def _is_one(self, node: ast.Expression) -> bool:
        """Whether a condition is about one event, and of no event's absence."""
        match node:
            case ast.And(operands=operands):
                wrapped = [one for one in operands if self._is_wrapped(one)]
                naming = [one for one in operands if _names_type(one)]
                several = len(naming) > 1 and any(one in wrapped for one in naming)
                return not several and all(map(self._is_one, operands))
            case ast.Or(operands=operands):
                return all(map(self._is_one, operands))
            case ast.Not():
                return False
            case _:
                return asks_event(node)

    def _is_wrapped(self, node: ast.Expression) -> bool:
        return (node.start, node.end) in self.wrapped

    def _happened(self, conditions: tuple[ast.Expression, ...]) -> Happened:
        leaves = [leaf for one in conditions for leaf in _certain(one)]
        seen: dict[str, ast.Comparison] = {}
        for leaf in leaves:
            match leaf:
                case ast.Comparison(
                    op="=", left=ast.Column(name=name, path=()), right=ast.String(value=value)
                ):
                    other = seen.setdefault(lower(name.text), leaf)
                    if isinstance(other.right, ast.String) and other.right.value != value:
                        self._refuse(
                            leaf,
                            f"one event has one `{name.text}`, and this asks for two",
                            "if two events are meant, each needs parentheses around its conditions",
                        )
        for one in conditions:
            for found in walk(one):
                if isinstance(found, ast.IsNull) and not found.negated and asks_event(found):
                    self._refuse(
                        found,
                        "whether this asks for an event without it, or for a contact without"
                        " events, is not documented",
                    )
        self._note_guesses(conditions)
        return Happened(start=conditions[0].start, end=conditions[-1].end, conditions=conditions)

    def _note_guesses(self, conditions: Sequence[ast.Expression]) -> None:
        for node in (node for one in conditions for node in walk(one)):
            if _is_another(node):
                self._note(
                    node,
                    "another-event",
                    "this is read as: there is an event of another kind, whether there is one of "
                    "this kind or not",
                )
            elif isinstance(node, ast.Column) and node.path:
                self._note(
                    node,
                    "event-data",
                    "where V2 has this is known from real queries, and from no documentation",
                )

    def _refuse_beside(self, node: ast.Expression) -> None:
        self._refuse(
            node,
            "which event this is about is not clear, for others are asked for beside it",
            "each event would need parentheses of its own, and its `event_type` in them",
        )

    def _refuse(self, node: ast.Node, message: str, hint: str = "") -> None:
        self.problems.append(Problem("unclear-event", message, hint, node.start, node.end))

    def _note(self, node: ast.Node, code: str, message: str) -> None:
        self.notes.append(Problem(code, message, "", node.start, node.end))


def _certain(node: ast.Expression) -> Iterator[ast.Expression]:
    """Yield the conditions that must all hold for this one to."""
    if isinstance(node, ast.And):
        for one in node.operands:
            yield from _certain(one)
    else:
        yield node


def _is_another(node: ast.Node) -> bool:
    """Whether a condition of an event excludes: people may have meant that there is none."""
    match node:
        case ast.Comparison(op=op):
            return op == "!="
        case ast.In(negated=negated) | ast.Like(negated=negated) | ast.Between(negated=negated):
            return negated
    return False
