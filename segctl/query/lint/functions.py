"""Rules about function calls: which functions exist, their arguments, and where they may stand.

Few functions are documented or known from real accounts: a function that segctl does not know is
not wrong for that reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.common.suggest import nearest_match
from segctl.errors import Severity
from segctl.query import ast
from segctl.query.catalogue import (
    CONTACT_DATA,
    EVENT_DATA,
    FUNCTIONS,
    TIME_UNITS,
    ColumnType,
    Evidence,
)
from segctl.query.lint.rule import Violation, quote_sql, rule, violation_at
from segctl.query.lint.types import type_of
from segctl.query.parser.tokens import lower, upper

if TYPE_CHECKING:
    from collections.abc import Iterator

    from segctl.query.catalogue import Function
    from segctl.query.lint.scope import NodeContext

_ATTESTED = ", ".join(
    name for name, function in FUNCTIONS.items() if function.evidence is not Evidence.UNDOCUMENTED
)
_SHORT_UNITS = frozenset(
    (
        "y", "yy", "yyy", "yyyy", "yr", "yrs", "mm", "mon", "mons", "d", "dd", "dayofmonth", "w",
        "wk", "weekofyear", "woy", "wy", "q", "qtr", "qtrs", "h", "hh", "hr", "hrs", "m", "mi",
        "min", "mins", "s", "sec", "secs", "ms", "msec", "us", "usec", "ns", "dow", "dw", "doy",
        "dy", "epoch",
    )
)  # fmt: skip
"""Abbreviations that Snowflake knows, which SendGrid's dialect resembles."""

_COLUMNS = frozenset((*CONTACT_DATA, *EVENT_DATA)) - {"timestamp"}


@rule("unknown-function", Severity.WARNING, ast.Call)
def unknown_function(call: ast.Call, _: NodeContext) -> Iterator[Violation]:
    """Report functions that segctl does not know.

    SendGrid refuses a segment with a misspelt function. It documents only a few functions, so one
    that segctl does not know may still exist; SendGrid has the last word. Only the name of a column
    before a parenthesis is an error: an operator is missing.

    Correct the name, or add an ignore comment if you know that the function works.

    Bad::

        created_at > timestamp_add(day, -30, CURRENT_TIMESTAMP)

    Good::

        created_at > timestampadd(day, -30, CURRENT_TIMESTAMP)
    """
    name = call.name.text
    if upper(name) in FUNCTIONS:
        return
    if lower(name) in _COLUMNS:
        yield violation_at(
            call.name,
            f"{quote_sql(name)} is a column, not a function",
            f"write an operator between {quote_sql(name)} and the parenthesis",
            Severity.ERROR,
        )
        return
    suggestion = nearest_match(name, FUNCTIONS)
    yield violation_at(
        call.name,
        f"unknown function {quote_sql(name)}",
        f"did you mean `{suggestion}`?"
        if suggestion
        else f"the functions known from real segments are {_ATTESTED}",
    )


@rule("undocumented-function", Severity.INFO, ast.Call)
def undocumented_function(call: ast.Call, context: NodeContext) -> Iterator[Violation]:
    """Report functions that Snowflake has but SendGrid does not document.

    SendGrid's query language behaves like Snowflake's, so LOWER or COALESCE may well work, but
    SendGrid does not promise it. This is for information: SendGrid checks the query when it is
    applied. If `segctl probe` saw it refuse the function (`observed` in segctl.yaml), this is an
    error; a function that it accepted is not reported.

    Where a comparison works without the function, prefer that.

    Bad::

        lower(country) = 'us'

    Good::

        country IN ('US', 'us')
    """
    function = FUNCTIONS.get(upper(call.name.text))
    if function and function.evidence is Evidence.UNDOCUMENTED and not function.aggregate:
        observed = context.account_schema.observed
        is_accepted = observed.functions.get(function.name)
        if is_accepted:
            return
        if is_accepted is False:
            yield violation_at(
                call.name,
                f"SendGrid refused {function.name} in {observed.source}",
                severity=Severity.ERROR,
            )
            return
        yield violation_at(
            call.name, f"{function.name} is not documented by SendGrid, which may refuse it"
        )


@rule("misplaced-aggregate", Severity.WARNING, ast.Call)
def misplaced_aggregate(call: ast.Call, context: NodeContext) -> Iterator[Violation]:
    """Report COUNT, SUM, MAX and similar functions where they cannot work.

    These functions compute one value from many rows, and SendGrid's queries have no GROUP BY to
    say which rows. The only documented use is MAX(e.timestamp) among the selected columns. A
    query cannot count events, as in "bought at least three times".

    Keep the number in a custom field of the contact, and compare that field.

    Bad::

        COUNT(contact_id) > 3

    Good::

        orders_count > 3
    """
    function = FUNCTIONS.get(upper(call.name.text))
    if function is None or not function.aggregate:
        return
    select = context.scope.query.select
    if context.scope.outer is None and function.name == "MAX":
        if any(item.start <= call.start < item.end for item in select):
            return  # `select-columns` reports the rest
    elif any(item.value is call for item in select):
        return  # in a subquery, or reported by `select-columns`
    yield violation_at(
        call,
        f"{function.name} computes over many rows, and there is no GROUP BY to say which",
        "keep the number in a custom field of the contact, and compare that field",
    )


@rule("function-arguments", Severity.WARNING, ast.Call)
def function_arguments(call: ast.Call, context: NodeContext) -> Iterator[Violation]:
    """Report functions with missing, extra or misplaced arguments.

    timestampadd takes a unit, a number and a time; array_contains takes a column of lists and a
    string, or several in square brackets. SendGrid refuses anything else, or it matches nobody. A
    wrong number of arguments is an error for the functions that real queries use, and so is a value
    that is not a string in array_contains; the rest is a warning.

    Write timestampadd(day, -30, CURRENT_TIMESTAMP) and array_contains(list_ids, ['…']).

    Bad::

        array_contains(['0b1f4a10-5c1d-4a6e-9f02-000000000001'], list_ids)

    Good::

        array_contains(list_ids, ['0b1f4a10-5c1d-4a6e-9f02-000000000001'])
    """
    function = FUNCTIONS.get(upper(call.name.text))
    if function is None:
        return
    count, maximum = len(call.args), function.max_args
    if count < function.min_args or (maximum is not None and count > maximum):
        yield violation_at(
            call,
            f"{function.name} must have {_argument_count(function)}, got {count}",
            _USAGE.get(function.name, ""),
            Severity.WARNING if function.evidence is Evidence.UNDOCUMENTED else Severity.ERROR,
        )
    elif function.name == "ARRAY_CONTAINS":
        yield from _array_contains(call, context)


def _argument_count(function: Function) -> str:
    minimum, maximum = function.min_args, function.max_args
    if minimum == maximum:
        return f"{minimum or 'no'} argument{'' if minimum == 1 else 's'}"
    if maximum is None:
        return f"{minimum} or more arguments"
    return f"{minimum} to {maximum} arguments"


_USAGE = {
    "ARRAY_CONTAINS": "write array_contains(list_ids, ['…'])",
    "TIMESTAMPADD": "write timestampadd(day, -30, CURRENT_TIMESTAMP)",
    "MAX": "write MAX(e.timestamp)",
}


def _array_contains(call: ast.Call, context: NodeContext) -> Iterator[Violation]:
    first, second = call.args
    is_swapped = type_of(second, context) is ColumnType.ARRAY and not isinstance(second, ast.Array)
    if isinstance(second, ast.Array) and not second.items:
        yield violation_at(second, "the list is empty, so no contact matches", "add a value")
    elif is_swapped and not isinstance(first, ast.Column):
        value = context.source(first)
        value = value if isinstance(first, ast.Array) else f"[{value}]"
        replacement = quote_sql(f"array_contains({context.source(second)}, {value})")
        yield violation_at(
            call,
            "the arguments of array_contains must be the column, then the values",
            f"write {replacement}",
        )
    else:
        yield from _not_a_list(first, second, context)
        for item in second.items if isinstance(second, ast.Array) else (second,):
            yield from _not_a_string(item, context)


def _not_a_list(
    first: ast.Expression, second: ast.Expression, context: NodeContext
) -> Iterator[Violation]:
    """Report a first argument of array_contains that is certainly no column of lists."""
    is_literal = isinstance(first, ast.String | ast.Null | ast.Boolean)
    first_type = ColumnType.VARCHAR if is_literal else type_of(first, context)
    if first_type in (None, ColumnType.ARRAY, ColumnType.VARIANT):
        return
    hint = "write a column that holds lists first: list_ids, email_domains or alternate_emails"
    if isinstance(first, ast.Column) and isinstance(second, ast.Array | ast.String):
        values = second.items if isinstance(second, ast.Array) else (second,)
        items = ", ".join(map(context.source, values))
        hint = f"write {quote_sql(f'{context.source(first)} IN ({items})')}"
    yield violation_at(first, f"{quote_sql(context.source(first), 60)} is not a list", hint)


def _not_a_string(item: ast.Expression, context: NodeContext) -> Iterator[Violation]:
    """Report what no list of contact_data contains: they hold strings."""
    is_other_type = type_of(item, context) in (ColumnType.NUMBER, ColumnType.TIMESTAMP)
    if is_other_type or isinstance(item, ast.Null | ast.Boolean):
        yield violation_at(
            item,
            f"{quote_sql(context.source(item), 60)} is not a string, and lists contain strings",
            "write the value in single quotes",
            None if isinstance(item, ast.Null) else Severity.ERROR,
        )


@rule("unknown-unit", Severity.WARNING, ast.DatePart)
def unknown_unit(part: ast.DatePart, _: NodeContext) -> Iterator[Violation]:
    """Report misspelt units of time.

    The units of timestampadd are second, minute, hour, day, week, month, quarter and year.

    Correct the unit.

    Bad::

        created_at > timestampadd(dyas, -30, CURRENT_TIMESTAMP)

    Good::

        created_at > timestampadd(day, -30, CURRENT_TIMESTAMP)
    """
    name = lower(part.name.text)
    if part.name.quoted or name in TIME_UNITS or name in _SHORT_UNITS:
        return
    suggestion = nearest_match(name, TIME_UNITS)
    if suggestion:
        yield violation_at(
            part, f"unknown unit of time {quote_sql(name)}", f"did you mean `{suggestion}`?"
        )
