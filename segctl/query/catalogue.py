"""The query language as data: tables, columns, functions, keywords, units of time.

Source: sendgrid-api.md §6. Facts and the evidence for them, without judgement: a name that is not
listed is unknown, not wrong. Custom fields are columns of `contact_data` too; they belong to the
account and come from the file of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class ColumnType(StrEnum):
    """The type of a column. Only custom fields are of type NUMBER."""

    VARCHAR = "VARCHAR"
    NUMBER = "NUMBER"
    TIMESTAMP = "TIMESTAMP"
    ARRAY = "ARRAY"
    VARIANT = "VARIANT"


class Evidence(StrEnum):
    """How we know that the server supports something."""

    DOCUMENTED = "documented"
    ATTESTED = "attested"  # used in queries of real accounts
    UNDOCUMENTED = "undocumented"  # Snowflake has it, and the dialect resembles Snowflake


class UnsupportedKind(StrEnum):
    """A clause of SQL that SendGrid does not support (sendgrid-api.md §6)."""

    DISTINCT = "DISTINCT"
    TOP = "TOP"
    STAR = "SELECT *"
    GROUP_BY = "GROUP BY"
    HAVING = "HAVING"
    QUALIFY = "QUALIFY"
    WINDOW = "WINDOW"
    ORDER_BY = "ORDER BY"
    LIMIT = "LIMIT"
    OFFSET = "OFFSET"
    FETCH = "FETCH"
    UNION = "UNION"
    INTERSECT = "INTERSECT"
    EXCEPT = "EXCEPT"
    MINUS = "MINUS"
    SECOND_STATEMENT = "second statement"


@dataclass(frozen=True, slots=True)
class Function:
    """A function by its upper-case `name`.

    `max_args` is `None` where there is no limit. `date_part_first` marks functions whose first
    argument is a bare date part (`day`). `returns` is `None` where it depends on the arguments.
    `boolean` functions are conditions by themselves. `bare` functions may be called without
    parentheses. `aggregate` functions are for the select list only.
    """

    name: str
    evidence: Evidence
    min_args: int
    max_args: int | None
    returns: ColumnType | None = None
    boolean: bool = False
    date_part_first: bool = False
    bare: bool = False
    aggregate: bool = False


SELECTED_COLUMNS = ("contact_id", "updated_at")
"""The columns that a query must select, in the order of every documented example."""

JOIN_COLUMN = "contact_id"
"""The only column on which tables are joined."""

_V, _T, _A = ColumnType.VARCHAR, ColumnType.TIMESTAMP, ColumnType.ARRAY

CONTACT_DATA: Mapping[str, ColumnType] = MappingProxyType(
    {
        "contact_id": _V,
        "email": _V,
        "phone_number_id": _V,
        "external_id": _V,
        "anonymous_id": _V,
        "first_name": _V,
        "last_name": _V,
        "alternate_emails": _A,
        "address_line_1": _V,
        "address_line_2": _V,
        "city": _V,
        "state_province_region": _V,
        "postal_code": _V,
        "country": _V,
        "list_ids": _A,
        "created_at": _T,
        "updated_at": _T,
        "email_domains": _A,
        "phone_number": _V,
        "whatsapp": _V,
        "line": _V,
        "facebook": _V,
        "unique_name": _V,
    }
)

EVENT_DATA: Mapping[str, ColumnType] = MappingProxyType(
    {
        "contact_id": _V,
        "event_source": _V,
        "event_type": _V,
        "timestamp": _T,
        "data": ColumnType.VARIANT,
    }
)

TABLES: Mapping[str, Mapping[str, ColumnType]] = MappingProxyType(
    {"contact_data": CONTACT_DATA, "event_data": EVENT_DATA}
)
"""Columns by table, both in lower case. `contact_data` also has every custom field."""

COLUMN_LENGTHS: Mapping[str, int] = MappingProxyType(
    {
        "contact_id": 36,
        "email": 254,
        "phone_number_id": 254,
        "external_id": 254,
        "anonymous_id": 254,
        "first_name": 50,
        "last_name": 50,
        "address_line_1": 100,
        "address_line_2": 100,
        "city": 60,
        "state_province_region": 50,
        "postal_code": 60,
        "country": 55,
        "phone_number": 24,
    }
)
"""The most characters in a column of `contact_data`, where they are documented."""

EVENT_SOURCES = ("mail", "automation")
"""Values of `event_source` seen in real queries; there are others."""

EVENT_TYPES = ("processed", "delivered", "open", "click")
"""Values of `event_type` seen in real queries; there are others."""

TIME_UNITS = (
    "second", "seconds", "minute", "minutes", "hour", "hours", "day", "days", "week", "weeks",
    "month", "months", "quarter", "quarters", "year", "years",
)  # fmt: skip
"""Units of time in lower case, for intervals and as date parts."""

NOW_FUNCTIONS = "NOW", "CURRENT_TIMESTAMP"
"""Functions that return the time of the evaluation."""

TIME_SUM_FUNCTIONS = "TIMESTAMPADD", "DATEADD", "TIMEADD"
"""Functions that add a number of units to a time: `timestampadd(day, -30, created_at)`."""

_ATTESTED, _UNDOCUMENTED = Evidence.ATTESTED, Evidence.UNDOCUMENTED


def _undocumented(
    min_args: int, max_args: int | None, returns: ColumnType | None, names: str
) -> list[Function]:
    """Return undocumented functions with one signature; `names` are separated by spaces."""
    return [Function(name, _UNDOCUMENTED, min_args, max_args, returns) for name in names.split()]


def _date_functions(
    min_args: int, max_args: int, returns: ColumnType | None, names: str
) -> list[Function]:
    """Return undocumented functions whose first argument is a date part."""
    return [
        Function(name, _UNDOCUMENTED, min_args, max_args, returns, date_part_first=True)
        for name in names.split()
    ]


FUNCTIONS: Mapping[str, Function] = MappingProxyType(
    {
        function.name: function
        for function in (
            Function("MAX", Evidence.DOCUMENTED, 1, 1, aggregate=True),
            Function("ARRAY_CONTAINS", _ATTESTED, 2, 2, boolean=True),
            Function("TIMESTAMPADD", _ATTESTED, 3, 3, _T, date_part_first=True),
            Function("CURRENT_TIMESTAMP", _ATTESTED, 0, 1, _T, bare=True),
            Function("NOW", _ATTESTED, 0, 0, _T),
            *_undocumented(1, 1, _V, "LOWER UPPER INITCAP REVERSE TO_JSON TYPEOF MD5"),
            *_undocumented(1, 2, _V, "TRIM LTRIM RTRIM TO_CHAR TO_VARCHAR"),
            *_undocumented(2, 2, _V, "LEFT RIGHT REPEAT"),
            *_undocumented(2, 3, _V, "SUBSTR SUBSTRING LPAD RPAD"),
            *_undocumented(3, 3, _V, "SPLIT_PART TRANSLATE"),
            *_undocumented(2, 3, _V, "REPLACE"),
            *_undocumented(2, 6, _V, "REGEXP_SUBSTR"),
            *_undocumented(2, 6, _V, "REGEXP_REPLACE"),
            *_undocumented(1, None, _V, "CONCAT"),
            *_undocumented(2, None, _V, "CONCAT_WS"),
            *_undocumented(
                1, 1, ColumnType.NUMBER, "LENGTH LEN ABS CEIL FLOOR SIGN SQRT ARRAY_SIZE"
            ),
            *_undocumented(1, 2, ColumnType.NUMBER, "ROUND TRUNC"),
            *_undocumented(2, 2, ColumnType.NUMBER, "MOD POWER EDITDISTANCE"),
            *_undocumented(2, 3, ColumnType.NUMBER, "POSITION CHARINDEX"),
            *_undocumented(
                1, 4, ColumnType.NUMBER, "TO_NUMBER TO_DECIMAL TRY_TO_NUMBER TRY_TO_DECIMAL"
            ),
            *_undocumented(1, 2, ColumnType.NUMBER, "TO_DOUBLE"),
            *_undocumented(
                1, 1, ColumnType.NUMBER, "YEAR QUARTER MONTH WEEK DAY DAYOFWEEK DAYOFYEAR"
            ),
            *_undocumented(1, 1, ColumnType.NUMBER, "DAYOFMONTH HOUR MINUTE SECOND"),
            *_undocumented(
                1, 2, _T, "TO_TIMESTAMP TO_TIMESTAMP_NTZ TO_TIMESTAMP_TZ TO_TIMESTAMP_LTZ"
            ),
            *_undocumented(1, 2, _T, "TRY_TO_TIMESTAMP TO_DATE TRY_TO_DATE LAST_DAY"),
            *_undocumented(1, 1, _T, "DATE"),
            *_undocumented(2, 2, _T, "ADD_MONTHS"),
            *_undocumented(2, 3, _T, "CONVERT_TIMEZONE"),
            *_undocumented(2, 2, ColumnType.NUMBER, "MONTHS_BETWEEN"),
            *_undocumented(0, 0, _T, "SYSDATE GETDATE"),
            *_undocumented(1, None, None, "COALESCE GREATEST LEAST"),
            *_undocumented(2, 2, None, "NVL IFNULL NULLIF GET GET_PATH"),
            *_undocumented(3, 3, None, "IFF NVL2"),
            *_undocumented(3, None, None, "DECODE"),
            *_undocumented(1, 1, None, "ZEROIFNULL NULLIFZERO"),
            *_undocumented(1, 1, ColumnType.VARIANT, "PARSE_JSON TRY_PARSE_JSON TO_VARIANT"),
            *_undocumented(0, None, _A, "ARRAY_CONSTRUCT"),
            *_undocumented(1, 2, _A, "TO_ARRAY"),
            *_undocumented(2, 2, _A, "SPLIT ARRAY_CAT ARRAY_INTERSECTION"),
            *(
                Function(name, _UNDOCUMENTED, min_args, max_args, boolean=True)
                for name, min_args, max_args in (
                    ("CONTAINS", 2, 2),
                    ("STARTSWITH", 2, 2),
                    ("ENDSWITH", 2, 2),
                    ("REGEXP_LIKE", 2, 3),
                    ("ARRAYS_OVERLAP", 2, 2),
                    ("TO_BOOLEAN", 1, 1),
                    ("EQUAL_NULL", 2, 2),
                )
            ),
            *_date_functions(3, 3, _T, "DATEADD TIMEADD"),
            *_date_functions(3, 3, ColumnType.NUMBER, "DATEDIFF TIMEDIFF TIMESTAMPDIFF"),
            *_date_functions(2, 2, _T, "DATE_TRUNC"),
            *_date_functions(2, 2, ColumnType.NUMBER, "DATE_PART"),
            *(
                Function(name, _UNDOCUMENTED, 0, 1, _T, bare=True)
                for name in ("CURRENT_DATE", "CURRENT_TIME", "LOCALTIME", "LOCALTIMESTAMP")
            ),
            *(
                Function(name, _UNDOCUMENTED, 1, 1, returns, aggregate=True)
                for name, returns in (
                    ("MIN", None),
                    ("COUNT", ColumnType.NUMBER),
                    ("SUM", ColumnType.NUMBER),
                    ("AVG", ColumnType.NUMBER),
                )
            ),
        )
    }
)
"""Functions by upper-case name."""
