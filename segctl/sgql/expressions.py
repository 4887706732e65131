"""SGQL's expressions in the language of Segments V2: fields, values, conditions on one row.

Owns the types of SGQL's operators [D] and what each becomes. The types of custom fields may be
unknown; then a field takes the type of what it stands beside, and where that says nothing either
(`a + b`: a sum, or one text?) it is refused. What was decided:

- `+` between texts, and CONCAT, become `||`, which is NULL where either is [I] (noted);
- a time becomes a text in UTC that ends with Z, the form that is attested in V2, beside which a
  field is compared as a time; one without a zone beside a time is refused;
- BETWEEN, which V2 does not document, becomes `>=` and `<=`; it means no more and no less;
- LIKE: `%%` and `_` say what they are [D], so they are written with ESCAPE '!';
- arithmetic keeps SGQL's order by parentheses; the operators themselves are documented in both;
- CONTAINS(list, 'x') becomes array_contains(list, ['x']); of texts and maps it has no equal;
- `event_data.payload.unique_args.x` becomes DATA:payload.unique_args.x [I], which is where
  attested queries of V2 have the campaign; any other part of the data is refused;
- names that V2 could take for words of its own, and those that SGQL has between backticks for
  their characters, stand between double quotes, as do those that the account spells with capitals.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from segctl.common.suggest import closest_match
from segctl.query import ast
from segctl.query.catalogue import CONTACT_DATA, FUNCTIONS, ColumnType
from segctl.query.parser.cursor import RESERVED
from segctl.query.parser.tokens import lower, upper
from segctl.query.value_types import VALUE_TYPES, ValueType, collect, refusal
from segctl.sgql.literals import (
    beside_a_time,
    pattern_of,
    refuse_unclear_time,
    text_of,
    time_of,
)
from segctl.sgql.predicates import EVENT_FIELDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_TYPED = ("INTERVAL", "TIMESTAMP", "DATE", "TIME", "TOP", "WINDOW", "SAMPLE", "TABLESAMPLE")
_WORDS = RESERVED | {*_TYPED} | {name for name, one in FUNCTIONS.items() if one.bare}
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_EVENT_KINDS = {
    "event_source": ValueType.TEXT,
    "event_type": ValueType.TEXT,
    "event_timestamp": ValueType.TIME,
    "event_data": ValueType.DATA,
}
_UNIQUE_ARGS = ("payload", "unique_args")
_ORDERED = frozenset((ValueType.TEXT, ValueType.NUMBER, ValueType.TIME))
_LITERALS = (ast.Cast, ast.String)


@dataclass(frozen=True, slots=True)
class Value:
    """A value in V2's language, and its kind: `None` where the type of a field is not known."""

    node: ast.Expression
    kind: ValueType | None


@dataclass(frozen=True, slots=True)
class Values:
    """Writes expressions about the rows of one contact, or one event.

    `fields` are the account's custom fields, `None` where they are not known. `contact` and
    `event` are the aliases of the tables, empty for one without; `contact` is `None` where the
    contact is not in sight.
    """

    fields: Mapping[str, ColumnType] | None
    contact: str | None = ""
    event: str = ""

    def condition(self, node: ast.Expression) -> ast.Expression:
        """Write a condition. Raises `CannotTranslate`."""
        match node:
            case ast.And(operands=operands) | ast.Or(operands=operands):
                written = tuple(collect([partial(self.condition, one) for one in operands]))
                return replace(node, operands=written)
            case ast.Not(operand=operand):
                return replace(node, operand=self.condition(operand))
        value = self.value(node)
        if value.kind is not ValueType.BOOLEAN:
            what = value.kind or "a field"
            raise refusal(node, f"{what} stands where a condition should", "compare it: … = …")
        return value.node

    def value(  # noqa: C901, PLR0911 - one branch a shape
        self, node: ast.Expression
    ) -> Value:
        """Write an expression and find its kind. Raises `CannotTranslate`."""
        match node:
            case ast.String(value=value):
                return Value(text_of(node, value), ValueType.TEXT)
            case ast.Number():
                return Value(node, ValueType.NUMBER)
            case ast.Boolean():
                return Value(node, ValueType.BOOLEAN)
            case ast.Null():
                raise refusal(
                    node, "what SGQL makes of NULL here is not documented", "write IS NULL"
                )
            case ast.Column():
                return self._column(node)
            case ast.Cast(operand=ast.String(value=value) as text):
                return Value(replace(node, operand=time_of(text, value)), ValueType.TIME)
            case ast.Unary(operand=operand):
                return Value(replace(node, operand=self._number(operand)), ValueType.NUMBER)
            case ast.Binary():
                return self._binary(node)
            case ast.Call():
                return self._call(node)
            case ast.Interval():
                raise refusal(
                    node,
                    "a span means something only after a time and + or -",
                    "in SGQL + goes before -, so `a - b + c` is `a - (b + c)`",
                )
            case ast.And() | ast.Or() | ast.Not():
                return Value(self.condition(node), ValueType.BOOLEAN)
            case _:
                return Value(self._test(node), ValueType.BOOLEAN)

    def _test(self, node: ast.Expression) -> ast.Expression:
        match node:
            case ast.Comparison(op=op, left=left, right=right):
                sides, kind = self._alike((left, right))
                if op not in ("=", "!=") and kind not in (*_ORDERED, None):
                    raise refusal(node, f"`{op}` takes numbers, times or texts, and this is {kind}")
                return replace(node, left=sides[0], right=sides[1])
            case ast.Between(operand=operand, low=low, high=high):
                (one, least, most), kind = self._alike((operand, low, high))
                if kind not in (*_ORDERED, None):
                    raise refusal(node, f"BETWEEN takes numbers, times or texts: this is {kind}")
                return _within(node, one, least, most)
            case ast.In(operand=operand, items=tuple(items)):
                (one, *rest), _ = self._alike((operand, *items))
                return replace(node, operand=one, items=tuple(rest))
            case ast.IsNull(operand=operand):
                return replace(node, operand=self.value(operand).node)
            case ast.Like(operand=operand, pattern=ast.String(value=pattern)):
                written, escape = pattern_of(node.pattern, pattern)
                return replace(node, operand=self._plain(operand), pattern=written, escape=escape)
            case _:
                raise refusal(
                    node,
                    "LIKE has a pattern that is no text, and how V2 would read it is not known",
                )

    def _alike(
        self, nodes: Sequence[ast.Expression]
    ) -> tuple[list[ast.Expression], ValueType | None]:
        """Write values that are compared: they must be of one kind, times and texts apart."""
        values = collect([partial(self.value, node) for node in nodes])
        kind = _common(nodes, values)
        if kind is ValueType.TIME and not all(isinstance(node, _LITERALS) for node in nodes):
            return [beside_a_time(value.node) for value in values], kind
        return [value.node for value in values], kind

    def _number(self, node: ast.Expression) -> ast.Expression:
        return _number(node, self.value(node))

    def _plain(self, node: ast.Expression) -> ast.Expression:
        return _plain(node, self.value(node))

    def _binary(self, node: ast.Binary) -> Value:
        if isinstance(node.right, ast.Interval):
            base = self.value(node.left)
            if node.op not in ("+", "-") or base.kind not in (ValueType.TIME, None):
                raise refusal(node, "a span of time stands after + or - and a time")
            return Value(replace(node, left=base.node), ValueType.TIME)
        sides = (node.left, node.right)
        one, other = collect([partial(self.value, side) for side in sides])
        if node.op == "+":
            kinds = {one.kind, other.kind} - {None}
            if not kinds:
                raise refusal(
                    node,
                    "whether `+` adds numbers or joins texts depends on the types of these fields",
                    "`segctl fields pull` writes them down",
                )
            if kinds <= {ValueType.TEXT, ValueType.INSIDE}:
                return _joined(node, one.node, other.node)
        left, right = _number(node.left, one), _number(node.right, other)
        return Value(replace(node, left=left, right=right), ValueType.NUMBER)

    def _call(self, node: ast.Call) -> Value:
        name = upper(node.name.text)
        match name, node.args:
            case "NOW", ():
                return Value(_named(node), ValueType.TIME)
            case "LOWER", (text,):
                return Value(replace(_named(node), args=(self._plain(text),)), ValueType.TEXT)
            case "LENGTH", (text,):
                return Value(replace(_named(node), args=(self._plain(text),)), ValueType.NUMBER)
            case "CONCAT", (left, right):
                texts = collect([partial(self._plain, one) for one in (left, right)])
                return _joined(node, *texts)
            case "CONTAINS", (container, wanted):
                return Value(self._contains(node, container, wanted), ValueType.BOOLEAN)
            case "NOW" | "LOWER" | "LENGTH" | "CONCAT" | "CONTAINS", _:
                raise refusal(node, f"{name} takes another number of arguments")
        raise refusal(node, f"SGQL documents no function `{node.name.text}`")

    def _contains(
        self, node: ast.Call, container: ast.Expression, wanted: ast.Expression
    ) -> ast.Expression:
        held = self.value(container)
        if held.kind is not ValueType.LIST:
            what = held.kind or "a custom field, which is none"
            raise refusal(container, f"CONTAINS looks into lists, and this is {what}")
        if not isinstance(wanted, ast.String):
            raise refusal(wanted, "only a text that is written out can be looked for in V2")
        item = self.value(wanted).node
        start, end = node.start, node.end
        items = ast.Array(start=start, end=end, items=(item,))
        name = ast.Name(start=start, end=end, text="array_contains")
        return ast.Call(start=start, end=end, name=name, args=(held.node, items))

    def _column(self, node: ast.Column) -> Value:
        name = lower(node.name.text)
        if name in EVENT_FIELDS:
            return self._event(node, name)
        if node.path:
            raise refusal(node, f"`{node.name.text}` has no parts: only `event_data` has")
        if self.contact is None:
            raise refusal(
                node, "a field of the contact is compared within an event that is not joined"
            )
        spelled, kind = self._field(node, name)
        return Value(self._at(node, self.contact, spelled), kind)

    def _field(self, node: ast.Column, name: str) -> tuple[ast.Name, ValueType | None]:
        """Find what a name means: a standard field whatever its case, or one of the account."""
        if name in CONTACT_DATA:
            own = [one for one in self.fields or () if lower(one) == name]
            if own:
                raise refusal(
                    node,
                    f"`{own[0]}` is a field of the account and a standard field of V2, too",
                )
            return _name(node, name), VALUE_TYPES[CONTACT_DATA[name]]
        if name == "alternate_email_domains":
            raise refusal(node, "V2 has no such field", "alternate_emails has the addresses")
        if self.fields is None:
            return _name(node, node.name.text), None
        exact = [node.name.text] if node.name.text in self.fields else []
        found = exact or [one for one in self.fields if lower(one) == name]
        if len(found) == 1:
            spelled = _name(node, found[0])
            exactly = spelled.quoted or lower(found[0]) != found[0]
            return replace(spelled, quoted=exactly), VALUE_TYPES[self.fields[found[0]]]
        if found:
            both = " and ".join(f"`{one}`" for one in sorted(found))
            raise refusal(node, f"{both} are two fields of the account")
        meant = closest_match(node.name.text, [*CONTACT_DATA, *self.fields])
        raise refusal(
            node,
            f"the account has no field `{node.name.text}`",
            f"did you mean `{meant}`?" if meant else "",
        )

    def _event(self, node: ast.Column, name: str) -> Value:
        kind = _EVENT_KINDS[name]
        # With parts it is written as in the queries that are attested: e.DATA:payload.…
        text = upper(EVENT_FIELDS[name]) if node.path else EVENT_FIELDS[name]
        spelled = ast.Name(start=node.start, end=node.end, text=text)
        column = self._at(node, self.event, spelled)
        if not node.path:
            return Value(column, kind)
        keys = tuple(step.text for step in node.path if isinstance(step, ast.Name))
        if (
            kind is not ValueType.DATA
            or keys[:-1] != _UNIQUE_ARGS
            or not _PLAIN.fullmatch(keys[-1])
        ):
            raise refusal(
                node,
                "where V2 has this part of an event is not known",
                "event_data.payload.unique_args.singlesend_id is known",
            )
        path = tuple(ast.Name(start=node.start, end=node.end, text=key) for key in keys)
        return Value(replace(column, path=path), ValueType.INSIDE)

    def _at(self, node: ast.Column, alias: str, name: ast.Name) -> ast.Column:
        qualifier = ast.Name(start=node.start, end=node.start, text=alias) if alias else None
        return ast.Column(start=node.start, end=node.end, qualifier=qualifier, name=name)


def _common(nodes: Sequence[ast.Expression], values: Sequence[Value]) -> ValueType | None:
    """Find the kind of values that are compared, `None` where it is not known; or refuse them."""
    kinds = {value.kind for value in values}
    unknown = None in kinds
    known = {kind for kind in kinds if kind is not None}
    if ValueType.INSIDE in known and known <= {ValueType.INSIDE, ValueType.TEXT}:
        known = {ValueType.TEXT}
    odd = sorted(known & {ValueType.LIST, ValueType.DATA, ValueType.INSIDE})
    if odd:
        hint = "SGQL asks CONTAINS(list_ids, '…')" if odd[0] is ValueType.LIST else ""
        raise refusal(nodes[0], f"{odd[0]} is compared as one value", hint)
    if known == {ValueType.TIME, ValueType.TEXT}:
        for node, value in zip(nodes, values, strict=True):
            if value.kind is ValueType.TEXT and not isinstance(node, ast.String):
                raise refusal(node, "a text is compared with a time")
        return ValueType.TIME
    if len(known) > 1:
        one, other, *_ = sorted(map(str, known))
        raise refusal(nodes[-1], f"{one} is compared with {other}: SGQL compares one type")
    if unknown and known == {ValueType.BOOLEAN}:
        raise refusal(nodes[0], "no field is true or false")
    if unknown and known == {ValueType.TEXT}:
        for node in nodes:
            refuse_unclear_time(node)
    return next(iter(known), None)


def _number(node: ast.Node, value: Value) -> ast.Expression:
    if value.kind not in (ValueType.NUMBER, None):
        raise refusal(node, f"arithmetic takes numbers, and this is {value.kind}")
    return value.node


def _plain(node: ast.Node, value: Value) -> ast.Expression:
    if value.kind not in (ValueType.TEXT, ValueType.INSIDE, None):
        raise refusal(node, f"a text is needed here, and this is {value.kind}")
    return value.node


def _joined(node: ast.Node, left: ast.Expression, right: ast.Expression) -> Value:
    joined = ast.Binary(start=node.start, end=node.end, op="||", left=left, right=right)
    return Value(joined, ValueType.TEXT)


def _name(node: ast.Column, text: str) -> ast.Name:
    quoted = upper(text) in _WORDS or not _PLAIN.fullmatch(text)
    return ast.Name(start=node.start, end=node.end, text=text, quoted=quoted)


def _named(node: ast.Call) -> ast.Call:
    name = replace(node.name, text=lower(node.name.text), quoted=False)
    return replace(node, name=name)


def _within(
    node: ast.Between, one: ast.Expression, least: ast.Expression, most: ast.Expression
) -> ast.Expression:
    """Write BETWEEN by operators that V2 documents."""
    start, end = node.start, node.end
    bounds = (
        ast.Comparison(start=start, end=end, op=">=", left=one, right=least),
        ast.Comparison(start=start, end=end, op="<=", left=one, right=most),
    )
    within = ast.And(start=start, end=end, operands=bounds)
    return ast.Not(start=start, end=end, operand=within) if node.negated else within
