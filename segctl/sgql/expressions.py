"""The expressions of SGQL in the language of Segments V2: fields, values, conditions on one row.

Checks the types of SGQL's operators [D], and decides what each becomes. The types of custom fields
may be unknown: then a field has the type of what it is compared with, and where that says nothing
either (`a + b`: a sum, or one string?) it is refused. Decisions:

- `+` between strings, and CONCAT, become `||`, which is NULL if either side is [I] (noted);
- a time becomes a string in UTC that ends with Z, the form seen in real queries of V2, where a
  field is compared with it as a time; a time without a time zone is refused;
- BETWEEN, which V2 does not document, becomes `>=` and `<=`, which mean the same;
- in LIKE, `%%` and `_` mean themselves [D], so they are written with ESCAPE '!';
- arithmetic keeps SGQL's precedence by parentheses; the operators are documented in both languages;
- CONTAINS(list, 'x') becomes array_contains(list, ['x']); there is no equivalent for strings and
  maps;
- `event_data.payload.unique_args.x` becomes DATA:payload.unique_args.x [I], where real queries of
  V2 have the Single Send; any other part of the data is refused;
- names that V2 could take for keywords, those in backticks in SGQL for their characters, and those
  that the account spells with capitals, are in double quotes.
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
    check_not_ambiguous,
    compared_time,
    like_pattern,
    string_literal,
    time_literal,
)
from segctl.sgql.predicates import EVENT_FIELDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_TYPED = ("INTERVAL", "TIMESTAMP", "DATE", "TIME", "TOP", "WINDOW", "SAMPLE", "TABLESAMPLE")
_KEYWORDS = RESERVED | {*_TYPED} | {name for name, function in FUNCTIONS.items() if function.bare}
_BARE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_EVENT_TYPES = {
    "event_source": ValueType.TEXT,
    "event_type": ValueType.TEXT,
    "event_timestamp": ValueType.TIME,
    "event_data": ValueType.DATA,
}
_UNIQUE_ARGS = ("payload", "unique_args")
_ORDERED = frozenset((ValueType.TEXT, ValueType.NUMBER, ValueType.TIME))
_LITERALS = (ast.Cast, ast.String)
_PULL_HINT = "run `segctl account pull`, which saves the types of the fields"


@dataclass(frozen=True, slots=True)
class TypedExpression:
    """An expression in V2's language with its type, `None` if the type of a field is unknown."""

    node: ast.Expression
    type: ValueType | None


@dataclass(frozen=True, slots=True)
class ExpressionTranslator:
    """Translates expressions about the row of one contact or one event.

    `fields` are the account's custom fields, `None` if they are unknown. `contact` and `event` are
    the aliases of the tables, empty for a table without one; `contact` is `None` if the contact is
    not visible. All methods raise `CannotTranslate`.
    """

    fields: Mapping[str, ColumnType] | None
    contact: str | None = ""
    event: str = ""

    def condition(self, node: ast.Expression) -> ast.Expression:
        """Translate a condition."""
        match node:
            case ast.And(operands=operands) | ast.Or(operands=operands):
                translated = collect([partial(self.condition, operand) for operand in operands])
                return replace(node, operands=tuple(translated))
            case ast.Not(operand=operand):
                return replace(node, operand=self.condition(operand))
        expression = self.expression(node)
        if expression.type is not ValueType.BOOLEAN:
            actual = expression.type or "a field"
            raise refusal(node, f"must be a condition, got {actual}", "compare it: … = …")
        return expression.node

    def expression(  # noqa: C901, PLR0911 - one branch per node
        self, node: ast.Expression
    ) -> TypedExpression:
        """Translate an expression and find its type."""
        match node:
            case ast.String(value=value):
                return TypedExpression(string_literal(node, value), ValueType.TEXT)
            case ast.Number():
                return TypedExpression(node, ValueType.NUMBER)
            case ast.Boolean():
                return TypedExpression(node, ValueType.BOOLEAN)
            case ast.Null():
                raise refusal(node, "SGQL does not document NULL as a value", "write IS NULL")
            case ast.Column():
                return self._column(node)
            case ast.Cast(operand=ast.String(value=value) as text):
                time = replace(node, operand=time_literal(text, value))
                return TypedExpression(time, ValueType.TIME)
            case ast.Unary(operand=operand):
                number = self._number(operand)
                return TypedExpression(replace(node, operand=number), ValueType.NUMBER)
            case ast.Binary():
                return self._binary(node)
            case ast.Call():
                return self._call(node)
            case ast.Interval():
                raise refusal(
                    node,
                    "an interval must follow a time and + or -",
                    "add parentheses: in SGQL `a - b + c` means `a - (b + c)`",
                )
            case ast.And() | ast.Or() | ast.Not():
                return TypedExpression(self.condition(node), ValueType.BOOLEAN)
            case _:
                return TypedExpression(self._test(node), ValueType.BOOLEAN)

    def _test(self, node: ast.Expression) -> ast.Expression:
        match node:
            case ast.Comparison(op=op, left=left, right=right):
                sides, type_ = self._comparable((left, right))
                if op not in ("=", "!="):
                    _check_ordered(node, f"`{op}`", type_)
                return replace(node, left=sides[0], right=sides[1])
            case ast.Between(operand=operand, low=low, high=high):
                (value, least, most), type_ = self._comparable((operand, low, high))
                _check_ordered(node, "BETWEEN", type_)
                return _within(node, value, least, most)
            case ast.In(operand=operand, items=tuple(items)):
                (value, *rest), _ = self._comparable((operand, *items))
                return replace(node, operand=value, items=tuple(rest))
            case ast.IsNull(operand=operand):
                return replace(node, operand=self.expression(operand).node)
            case ast.Like(operand=operand, pattern=ast.String(value=value)):
                pattern, escape = like_pattern(node.pattern, value)
                return replace(node, operand=self._text(operand), pattern=pattern, escape=escape)
            case _:
                raise refusal(
                    node,
                    "the pattern of LIKE must be a string: V2 could read any other pattern"
                    " differently",
                )

    def _comparable(
        self, nodes: Sequence[ast.Expression]
    ) -> tuple[list[ast.Expression], ValueType | None]:
        """Translate values that are compared with each other, which must have one type."""
        expressions = collect([partial(self.expression, node) for node in nodes])
        type_ = _common_type(nodes, expressions)
        if type_ is ValueType.TIME and not all(isinstance(node, _LITERALS) for node in nodes):
            return [compared_time(expression.node) for expression in expressions], type_
        return [expression.node for expression in expressions], type_

    def _number(self, node: ast.Expression) -> ast.Expression:
        return _as_number(node, self.expression(node))

    def _text(self, node: ast.Expression) -> ast.Expression:
        return _as_text(node, self.expression(node))

    def _binary(self, node: ast.Binary) -> TypedExpression:
        if isinstance(node.right, ast.Interval):
            base = self.expression(node.left)
            if node.op not in ("+", "-") or base.type not in (ValueType.TIME, None):
                raise refusal(node, "an interval must follow a time and + or -")
            return TypedExpression(replace(node, left=base.node), ValueType.TIME)
        sides = (node.left, node.right)
        left, right = collect([partial(self.expression, side) for side in sides])
        if node.op == "+":
            types = {left.type, right.type} - {None}
            if not types:
                raise refusal(
                    node,
                    "the types of these fields decide whether `+` adds numbers or joins strings",
                    _PULL_HINT,
                )
            if types <= {ValueType.TEXT, ValueType.INSIDE}:
                return _concatenation(node, left.node, right.node)
        left_node, right_node = _as_number(node.left, left), _as_number(node.right, right)
        return TypedExpression(replace(node, left=left_node, right=right_node), ValueType.NUMBER)

    def _call(self, node: ast.Call) -> TypedExpression:
        name = upper(node.name.text)
        match name, node.args:
            case "NOW", ():
                return TypedExpression(_lower_case_call(node), ValueType.TIME)
            case "LOWER", (text,):
                call = replace(_lower_case_call(node), args=(self._text(text),))
                return TypedExpression(call, ValueType.TEXT)
            case "LENGTH", (text,):
                call = replace(_lower_case_call(node), args=(self._text(text),))
                return TypedExpression(call, ValueType.NUMBER)
            case "CONCAT", (left, right):
                texts = collect([partial(self._text, side) for side in (left, right)])
                return _concatenation(node, *texts)
            case "CONTAINS", (container, item):
                return TypedExpression(self._contains(node, container, item), ValueType.BOOLEAN)
            case "NOW" | "LOWER" | "LENGTH" | "CONCAT" | "CONTAINS", args:
                raise refusal(node, f"wrong number of arguments for {name}: {len(args)}")
        raise refusal(node, f"SGQL does not document the function `{node.name.text}`")

    def _contains(
        self, node: ast.Call, container: ast.Expression, item: ast.Expression
    ) -> ast.Expression:
        array = self.expression(container)
        if array.type is not ValueType.LIST:
            actual = array.type or "a custom field"
            raise refusal(container, f"the first argument of CONTAINS must be a list, got {actual}")
        if not isinstance(item, ast.String):
            raise refusal(item, "the second argument of CONTAINS must be a string")
        start, end = node.start, node.end
        items = ast.Array(start=start, end=end, items=(self.expression(item).node,))
        name = ast.Name(start=start, end=end, text="array_contains")
        return ast.Call(start=start, end=end, name=name, args=(array.node, items))

    def _column(self, node: ast.Column) -> TypedExpression:
        name = lower(node.name.text)
        if name in EVENT_FIELDS:
            return self._event_column(node, name)
        if node.path:
            raise refusal(node, f"`{node.name.text}` has no parts: only `event_data` has")
        if self.contact is None:
            raise refusal(
                node,
                "a field of the contact cannot be compared inside an event condition that is not"
                " joined",
            )
        field, type_ = self._contact_field(node, name)
        return TypedExpression(_qualified(node, self.contact, field), type_)

    def _contact_field(self, node: ast.Column, name: str) -> tuple[ast.Name, ValueType | None]:
        """Resolve a name: a standard field in any case, or a custom field of the account."""
        if name in CONTACT_DATA:
            custom = [field for field in self.fields or () if lower(field) == name]
            if custom:
                raise refusal(
                    node,
                    f"`{custom[0]}` is both a field of the account and a standard field of V2",
                )
            return _name(node, name), VALUE_TYPES[CONTACT_DATA[name]]
        if name == "alternate_email_domains":
            raise refusal(node, "V2 does not have this field", "use alternate_emails")
        if self.fields is None:
            return _name(node, node.name.text), None
        exact = [node.name.text] if node.name.text in self.fields else []
        matches = exact or [field for field in self.fields if lower(field) == name]
        if len(matches) == 1:
            field = _name(node, matches[0])
            needs_quotes = field.quoted or lower(matches[0]) != matches[0]
            return replace(field, quoted=needs_quotes), VALUE_TYPES[self.fields[matches[0]]]
        if matches:
            fields = " and ".join(f"`{field}`" for field in sorted(matches))
            raise refusal(node, f"ambiguous field: the account has {fields}")
        guess = closest_match(node.name.text, [*CONTACT_DATA, *self.fields])
        raise refusal(
            node,
            f"the account has no field `{node.name.text}`",
            f"did you mean `{guess}`?" if guess else "",
        )

    def _event_column(self, node: ast.Column, name: str) -> TypedExpression:
        type_ = _EVENT_TYPES[name]
        # With a path it is written as in real queries: e.DATA:payload.…
        text = upper(EVENT_FIELDS[name]) if node.path else EVENT_FIELDS[name]
        column = _qualified(node, self.event, ast.Name(start=node.start, end=node.end, text=text))
        if not node.path:
            return TypedExpression(column, type_)
        keys = tuple(step.text for step in node.path if isinstance(step, ast.Name))
        is_unique_arg = type_ is ValueType.DATA and keys[:-1] == _UNIQUE_ARGS
        if not is_unique_arg or not _BARE_NAME.fullmatch(keys[-1]):
            raise refusal(
                node,
                "V2 does not document where this part of an event is",
                "only event_data.payload.unique_args.… can be translated",
            )
        path = tuple(ast.Name(start=node.start, end=node.end, text=key) for key in keys)
        return TypedExpression(replace(column, path=path), ValueType.INSIDE)


def _qualified(node: ast.Column, alias: str, name: ast.Name) -> ast.Column:
    qualifier = ast.Name(start=node.start, end=node.start, text=alias) if alias else None
    return ast.Column(start=node.start, end=node.end, qualifier=qualifier, name=name)


def _common_type(
    nodes: Sequence[ast.Expression], expressions: Sequence[TypedExpression]
) -> ValueType | None:
    """Return the type of values that are compared, `None` if it is unknown; or refuse them."""
    has_unknown = any(expression.type is None for expression in expressions)
    types = {expression.type for expression in expressions if expression.type is not None}
    if ValueType.INSIDE in types and types <= {ValueType.INSIDE, ValueType.TEXT}:
        types = {ValueType.TEXT}
    compound = sorted(types & {ValueType.LIST, ValueType.DATA, ValueType.INSIDE})
    if compound:
        hint = "write CONTAINS(list_ids, '…')" if compound[0] is ValueType.LIST else ""
        raise refusal(nodes[0], f"{compound[0]} cannot be compared as one value", hint)
    if types == {ValueType.TIME, ValueType.TEXT}:
        for node, expression in zip(nodes, expressions, strict=True):
            if expression.type is ValueType.TEXT and not isinstance(node, ast.String):
                raise refusal(node, "a string cannot be compared with a time")
        return ValueType.TIME
    if len(types) > 1:
        first, second, *_ = sorted(map(str, types))
        raise refusal(nodes[-1], f"{first} cannot be compared with {second} in SGQL")
    if has_unknown and types == {ValueType.BOOLEAN}:
        raise refusal(nodes[0], "a field cannot be compared with true or false")
    if has_unknown and types == {ValueType.TEXT}:
        for node in nodes:
            check_not_ambiguous(node)
    return next(iter(types), None)


def _check_ordered(node: ast.Node, operator: str, type_: ValueType | None) -> None:
    if type_ not in (*_ORDERED, None):
        raise refusal(node, f"{operator} takes numbers, times or strings, got {type_}")


def _as_number(node: ast.Node, expression: TypedExpression) -> ast.Expression:
    if expression.type not in (ValueType.NUMBER, None):
        raise refusal(node, f"must be a number, got {expression.type}")
    return expression.node


def _as_text(node: ast.Node, expression: TypedExpression) -> ast.Expression:
    if expression.type not in (ValueType.TEXT, ValueType.INSIDE, None):
        raise refusal(node, f"must be a string, got {expression.type}")
    return expression.node


def _concatenation(node: ast.Node, left: ast.Expression, right: ast.Expression) -> TypedExpression:
    text = ast.Binary(start=node.start, end=node.end, op="||", left=left, right=right)
    return TypedExpression(text, ValueType.TEXT)


def _name(node: ast.Column, text: str) -> ast.Name:
    quoted = upper(text) in _KEYWORDS or not _BARE_NAME.fullmatch(text)
    return ast.Name(start=node.start, end=node.end, text=text, quoted=quoted)


def _lower_case_call(node: ast.Call) -> ast.Call:
    return replace(node, name=replace(node.name, text=lower(node.name.text), quoted=False))


def _within(
    node: ast.Between, value: ast.Expression, low: ast.Expression, high: ast.Expression
) -> ast.Expression:
    """Return BETWEEN as operators that V2 documents."""
    start, end = node.start, node.end
    bounds = (
        ast.Comparison(start=start, end=end, op=">=", left=value, right=low),
        ast.Comparison(start=start, end=end, op="<=", left=value, right=high),
    )
    within = ast.And(start=start, end=end, operands=bounds)
    return ast.Not(start=start, end=end, operand=within) if node.negated else within
