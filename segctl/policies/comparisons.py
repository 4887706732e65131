"""Comparisons of values, and of a value with NULL, as formulas.

Leaves conditions around them, texts, lists and subqueries to `reader`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING

from segctl.policies.constants import (
    Constant,
    TextConstant,
    are_different,
    as_time,
    compare,
    read_constant,
)
from segctl.policies.formulas import (
    ANYTHING,
    CERTAIN,
    EQUAL,
    FALSE,
    GREATER,
    LESS,
    NOTHING,
    NULL,
    POSITIVE,
    TRUE,
    Among,
    Bound,
    Formula,
    IsNullFact,
    OneOf,
    Wanted,
    all_of,
    any_of,
)
from segctl.policies.names import CONTACT
from segctl.policies.values import cases_of, null_parts
from segctl.query import ast
from segctl.query.catalogue import EVENT_DATA, ColumnType
from segctl.query.comparison_operators import FLIPPED, INVERSE
from segctl.query.to_sql import SqlWriter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segctl.policies.values import Cases

_ReadValue = Callable[[ast.Expression], Formula]
_RESULTS = {
    "=": EQUAL, "!=": LESS | GREATER, "<": LESS, "<=": LESS | EQUAL, ">": GREATER,
    ">=": GREATER | EQUAL,
}  # fmt: skip
VALUES = {
    Wanted.TRUE: TRUE,
    Wanted.FALSE: FALSE,
    Wanted.NOT_TRUE: FALSE | NULL,
    Wanted.NOT_FALSE: TRUE | NULL,
}


class ComparisonReader(ABC):
    """Reads comparisons; `types` has the columns of contact_data by folded name."""

    def __init__(self, types: Mapping[str, ColumnType]) -> None:
        self._types = types
        self._writer = SqlWriter()
        self._steps = 0

    @abstractmethod
    def formula(self, node: ast.Expression, wanted: Wanted) -> Formula:
        """Return what it means that a condition is what it must be. Raises `NotUnderstood`."""

    def key(self, node: ast.Expression) -> str:
        """Return the term of an expression."""
        return self._writer.write(node)

    def opaque(self, node: ast.Expression, wanted: Wanted) -> Formula:
        """Return what a condition must be, without understanding it."""
        return OneOf(self.key(node), VALUES[wanted])

    def null(self, node: ast.Expression, *, is_null: bool) -> Formula:
        """Return that an expression is NULL, or is not."""
        if isinstance(node, ast.Null):
            return ANYTHING if is_null else NOTHING
        if read_constant(node) is not None or isinstance(node, ast.Boolean | ast.Interval):
            return NOTHING if is_null else ANYTHING
        cases = cases_of(node)
        if cases:
            return self.by_case(cases, lambda value: self.null(value, is_null=is_null))
        parts = null_parts(node)
        fact = IsNullFact(self.key(node), is_null)
        if parts is None:
            return fact
        nulls = [self.null(part, is_null=is_null) for part in parts]
        return all_of((fact, any_of(nulls) if is_null else all_of(nulls)))

    def by_case(self, cases: Cases, read: _ReadValue) -> Formula:
        """Return the formula of a value that depends on conditions, tried in order."""
        options = []
        before: list[Formula] = []
        for condition, value in cases:
            options.append(all_of((*before, self.formula(condition, Wanted.TRUE), read(value))))
            before.append(self.formula(condition, Wanted.NOT_TRUE))
        return any_of(options)

    def comparison(  # noqa: PLR0911 - one return a shape
        self, op: str, left: ast.Expression, right: ast.Expression, wanted: Wanted
    ) -> Formula:
        """Return that a comparison is what it must be."""
        if read_constant(left) is not None and read_constant(right) is None:
            left, right, op = right, left, FLIPPED.get(op, op)
        if op.startswith("IS "):
            is_equal = (op == "IS NOT DISTINCT FROM") == (wanted in POSITIVE)
            return self._null_safe(left, right, is_equal=is_equal)
        if isinstance(left, ast.Null) or isinstance(right, ast.Null):
            return known_value(wanted, None)
        constant = read_constant(right)
        if constant is None:
            return self._of_terms(op, left, right, wanted)
        cases = cases_of(left)
        if cases and _are_of_kind(cases, constant):
            return self.by_case(cases, lambda value: self.comparison(op, value, right, wanted))
        own = read_constant(left)
        if own is not None:
            return self._of_constants(op, own, constant, (left, right), wanted)
        constant = self.typed(left, constant)
        if constant is None:
            return self._of_terms(op, left, right, wanted)
        actual = op if wanted in POSITIVE else INVERSE[op]
        fact = _fact(self.key(left), actual, constant)
        return self.of_value(left, fact, wanted)

    def of_value(self, node: ast.Expression, fact: Formula, wanted: Wanted) -> Formula:
        """Return a fact on a value, which NULL fulfils where the condition may be NULL."""
        if wanted in CERTAIN:
            return all_of((fact, self.null(node, is_null=False)))
        return any_of((fact, self.null(node, is_null=True)))

    def typed(self, node: ast.Expression, constant: Constant) -> Constant | None:
        """Return a constant as compared with a value; `None` where that is not certain."""
        column_type = self.type_of(node)
        if isinstance(constant, TextConstant) and column_type is ColumnType.TIMESTAMP:
            return as_time(constant)
        is_text = isinstance(constant, TextConstant)
        if column_type is ColumnType.VARCHAR and not is_text:
            return None
        return None if column_type is ColumnType.NUMBER and is_text else constant

    def type_of(self, node: ast.Expression) -> ColumnType | None:
        """Return the type of a column, or `None` where it is not known."""
        match node:
            case ast.Column(
                qualifier=ast.Name(text=alias), name=ast.Name(text=name, quoted=False), path=()
            ):
                of_contact = self._types.get(name)
                of_event = EVENT_DATA.get(name, of_contact)
                return (
                    of_contact
                    if alias == CONTACT or of_contact == of_event
                    else (of_event if of_contact is None else None)
                )
        return None

    def _null_safe(self, left: ast.Expression, right: ast.Expression, *, is_equal: bool) -> Formula:
        """Return that two values are equal, or both NULL; or that they are not."""
        for node, other in ((left, right), (right, left)):
            if isinstance(other, ast.Null):
                return self.null(node, is_null=is_equal)
            if read_constant(other) is not None:
                wanted = Wanted.TRUE if is_equal else Wanted.NOT_TRUE
                return self.comparison("=", node, other, wanted)
        first, second = sorted((self.key(left), self.key(right)))
        if first == second:
            return ANYTHING if is_equal else NOTHING
        # NULL is no result here: which of the two is NULL matters.
        return OneOf(f"{first} IS NOT DISTINCT FROM {second}", TRUE if is_equal else FALSE)

    def _of_constants(
        self,
        op: str,
        first: Constant,
        second: Constant,
        nodes: tuple[ast.Expression, ast.Expression],
        wanted: Wanted,
    ) -> Formula:
        order = compare(first, second)
        if order is None and op in ("=", "!=") and are_different(first, second):
            return known_value(wanted, op == "!=")
        if order is None:
            return self._of_terms(op, *nodes, wanted)
        result = EQUAL if order == 0 else LESS if order < 0 else GREATER
        return known_value(wanted, bool(result & _RESULTS[op]))

    def _of_terms(
        self, op: str, left: ast.Expression, right: ast.Expression, wanted: Wanted
    ) -> Formula:
        """Return that two values compare in a way; both are unknown."""
        first, second = self.key(left), self.key(right)
        actual = op if wanted in POSITIVE else INVERSE[op]
        if first > second:
            first, second, actual = second, first, FLIPPED.get(actual, actual)
        results = _RESULTS[actual]
        fact: Formula = OneOf(f"{first} ? {second}", results)
        if first == second:
            fact = ANYTHING if results & EQUAL else NOTHING
        known = all_of((fact, *(self.null(node, is_null=False) for node in (left, right))))
        if wanted in CERTAIN:
            return known
        return any_of((known, *(self.null(node, is_null=True) for node in (left, right))))

    def in_items(
        self, operand: ast.Expression, items: tuple[ast.Expression, ...], wanted: Wanted
    ) -> Formula:
        """Return that a value is among the items of an IN, or is not."""
        constants: dict[Constant, None] = {}
        others = []
        is_term = not (isinstance(operand, ast.Null) or cases_of(operand) or read_constant(operand))
        for item in items:
            constant = read_constant(item) if is_term else None
            constant = None if constant is None else self.typed(operand, constant)
            if constant is None:
                others.append(self.comparison("=", operand, item, wanted))
            else:
                constants[constant] = None
        parts = others
        if constants:
            among = Among(self.key(operand), (*constants,), negated=wanted not in POSITIVE)
            parts = [self.of_value(operand, among, wanted), *others]
        return any_of(parts) if wanted in POSITIVE else all_of(parts)


def known_value(wanted: Wanted, value: bool | None) -> Formula:
    """Return whether a condition with a known value is what it must be."""
    bit = NULL if value is None else TRUE if value else FALSE
    return ANYTHING if bit & VALUES[wanted] else NOTHING


def _fact(term: str, op: str, constant: Constant) -> Formula:
    if op in ("=", "!="):
        return Among(term, (constant,), negated=op == "!=")
    return Bound(term, op, constant)


def _are_of_kind(cases: Cases, constant: Constant) -> bool:
    """Return whether the constants among the values are of the same kind as another one."""
    constants = [read_constant(value) for _, value in cases]
    return all(known is None or type(known) is type(constant) for known in constants)
