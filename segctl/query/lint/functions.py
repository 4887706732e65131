"""Rules about functions: which ones there are, what they take, where they may stand.

Owns calls. Only a few functions are documented or known from real accounts; that another one is
unknown to segctl does not make it wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.common.suggest import nearest_match
from segctl.errors import Severity
from segctl.query import ast
from segctl.query.catalogue import FUNCTIONS, TIME_UNITS, ColumnType, Evidence
from segctl.query.lint.rule import Spot, quoted, rule
from segctl.query.lint.types import kind_of
from segctl.query.parser.tokens import lower, upper

if TYPE_CHECKING:
    from collections.abc import Iterator

    from segctl.query.lint.scope import Here

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
"""Abbreviations that Snowflake knows, which the dialect resembles."""


@rule("unknown-function", Severity.WARNING, ast.Call)
def unknown_function(call: ast.Call, _: Here) -> Iterator[Spot]:
    """Find functions that segctl has never heard of.

    A misspelt function makes SendGrid refuse the segment. SendGrid documents only a few, so one
    that segctl does not know may exist all the same; the server has the last word.

    Correct the name, or put an ignore comment where you know that it works.

    Bad::

        created_at > timestamp_add(day, -30, CURRENT_TIMESTAMP)

    Good::

        created_at > timestampadd(day, -30, CURRENT_TIMESTAMP)
    """
    name = call.name.text
    if upper(name) in FUNCTIONS:
        return
    meant = nearest_match(name, FUNCTIONS)
    yield Spot(
        call.name.start,
        call.name.end,
        f"segctl knows no function {quoted(name)}",
        f"did you mean `{meant}`?" if meant else f"known from real segments are {_ATTESTED}",
    )


@rule("undocumented-function", Severity.INFO, ast.Call)
def undocumented_function(call: ast.Call, _: Here) -> Iterator[Spot]:
    """Note functions that exist in Snowflake and are not documented by SendGrid.

    The query language behaves like Snowflake's, so LOWER or COALESCE may well work, but nobody
    promises it. This is for your information; the server checks the query when it is applied.

    Where comparing works without the function, prefer that.

    Bad::

        lower(country) = 'us'

    Good::

        country IN ('US', 'us')
    """
    function = FUNCTIONS.get(upper(call.name.text))
    if function and function.evidence is Evidence.UNDOCUMENTED and not function.aggregate:
        yield Spot(
            call.name.start,
            call.name.end,
            f"{function.name} is not documented by SendGrid; the server decides whether it works",
        )


@rule("misplaced-aggregate", Severity.WARNING, ast.Call)
def misplaced_aggregate(call: ast.Call, here: Here) -> Iterator[Spot]:
    """Find COUNT, SUM, MAX and their like where they cannot work.

    They compute one value from many rows, and SendGrid's queries have no GROUP BY that would say
    which rows. The one that is documented is MAX(e.timestamp) among the selected columns.
    "Bought at least three times" cannot be counted from events in a query.

    Keep the number in a custom field of the contact, and compare that.

    Bad::

        COUNT(contact_id) > 3

    Good::

        orders_count > 3
    """
    function = FUNCTIONS.get(upper(call.name.text))
    if function is None or not function.aggregate:
        return
    if here.scope.outer is None and function.name == "MAX":
        select = here.scope.query.select
        if any(item.start <= call.start < item.end for item in select):
            return  # the rest is for `select-columns` to say
    elif any(item.value is call for item in here.scope.query.select):
        return  # of a query inside this one, or said by `select-columns`
    yield Spot(
        call.start,
        call.end,
        f"{function.name} computes over many rows, and there is no GROUP BY to say which",
        "keep the number in a custom field of the contact, and compare that",
    )


@rule("function-arguments", Severity.WARNING, ast.Call)
def function_arguments(call: ast.Call, here: Here) -> Iterator[Spot]:
    """Find functions that are given too little, too much, or things in the wrong order.

    timestampadd takes a unit, a number and a time; array_contains takes a column and a list of
    values between square brackets. Anything else is refused, or finds nobody.

    Write timestampadd(day, -30, CURRENT_TIMESTAMP) and array_contains(list_ids, ['…']).

    Bad::

        array_contains(['0b1f4a10-5c1d-4a6e-9f02-000000000001'], list_ids)

    Good::

        array_contains(list_ids, ['0b1f4a10-5c1d-4a6e-9f02-000000000001'])
    """
    function = FUNCTIONS.get(upper(call.name.text))
    if function is None:
        return
    count = len(call.args)
    if count < function.min_args or (function.max_args is not None and count > function.max_args):
        least, most = function.min_args, function.max_args
        wanted = f"{least}" if least == most else f"{least} or more" if most is None else ""
        wanted = wanted or f"{least} to {most}"
        plural = "argument" if wanted == "1" else "arguments"
        yield Spot(
            call.start,
            call.end,
            f"{function.name} takes {wanted} {plural}, and {count} are given",
            _USAGE.get(function.name, ""),
        )
    elif function.name == "ARRAY_CONTAINS":
        yield from _array_contains(call, here)


_USAGE = {
    "ARRAY_CONTAINS": "write array_contains(list_ids, ['…'])",
    "TIMESTAMPADD": "write timestampadd(day, -30, CURRENT_TIMESTAMP)",
    "MAX": "write MAX(e.timestamp)",
}


def _array_contains(call: ast.Call, here: Here) -> Iterator[Spot]:
    first, second = call.args
    swapped = kind_of(second, here) is ColumnType.ARRAY and not isinstance(second, ast.Array)
    if isinstance(second, ast.Array) and not second.items:
        yield Spot(
            second.start, second.end, "the list is empty, so nothing is in it", "give it a value"
        )
    elif swapped and not isinstance(first, ast.Column):
        value = here.source(first)
        value = value if isinstance(first, ast.Array) else f"[{value}]"
        yield Spot(
            call.start,
            call.end,
            "the column comes first in array_contains, then the values",
            f"write {quoted(f'array_contains({here.source(second)}, {value})')}",
        )
    elif isinstance(second, ast.String):
        yield Spot(
            second.start,
            second.end,
            "array_contains takes its values between square brackets",
            f"write {quoted(f'[{here.source(second)}]')}",
        )


@rule("unknown-unit", Severity.WARNING, ast.DatePart)
def unknown_unit(part: ast.DatePart, _: Here) -> Iterator[Spot]:
    """Find misspelt units of time.

    timestampadd takes second, minute, hour, day, week, month, quarter or year.

    Correct the unit.

    Bad::

        created_at > timestampadd(dyas, -30, CURRENT_TIMESTAMP)

    Good::

        created_at > timestampadd(day, -30, CURRENT_TIMESTAMP)
    """
    name = lower(part.name.text)
    if part.name.quoted or name in TIME_UNITS or name in _SHORT_UNITS:
        return
    meant = nearest_match(name, TIME_UNITS)
    if meant:
        yield Spot(
            part.start, part.end, f"{quoted(name)} is no unit of time", f"did you mean `{meant}`?"
        )
