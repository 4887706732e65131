"""What the query language has, as data: tables, columns, functions, keywords, units.

Source: sendgrid-api.md §6. Owns facts and their standing, and refuses to decide anything: that
a name is absent here makes it unknown, not wrong. Custom fields are columns of `contact_data`
too; they belong to the account and come from `fields.yaml`, not from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class ColumnType(StrEnum):
    """The type of a column. NUMBER occurs only among custom fields."""

    VARCHAR = "VARCHAR"
    NUMBER = "NUMBER"
    TIMESTAMP = "TIMESTAMP"
    ARRAY = "ARRAY"
    VARIANT = "VARIANT"


class Evidence(StrEnum):
    """How sure it is that the server knows a thing."""

    DOCUMENTED = "documented"
    ATTESTED = "attested"  # seen in the queries of real accounts
    UNDOCUMENTED = "undocumented"  # Snowflake has it, which the dialect resembles


class UnsupportedKind(StrEnum):
    """What can stand in a query and is not supported by SendGrid (sendgrid-api.md §6)."""

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
"""Exactly these columns are selected, in this order in every documented example."""

JOIN_COLUMN = "contact_id"
"""Tables join on this column alone."""

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
"""Columns by table; both in lower case. `contact_data` also has every custom field."""

EVENT_SOURCES = ("mail", "automation")
"""Values of `event_source` that were seen; there are others."""

EVENT_TYPES = ("processed", "delivered", "open", "click")
"""Values of `event_type` that were seen; there are others."""

KEYWORDS = ("SELECT", "FROM", "JOIN", "INNER", "ON", "WHERE", "AND", "OR", "NOT", "IN", "IS")
"""The documented keywords. AS and LIKE are not among them and work."""

OPERATORS = ("=", "!=", ">", "<", ">=", "<=", "+", "-", "*", "/", "%")
"""The documented operators. `<>` is not among them."""

TIME_UNITS = (
    "second", "seconds", "minute", "minutes", "hour", "hours", "day", "days", "week", "weeks",
    "month", "months", "quarter", "quarters", "year", "years",
)  # fmt: skip
"""Units of time in lower case, for intervals and as date parts."""

_ATTESTED, _UNDOCUMENTED = Evidence.ATTESTED, Evidence.UNDOCUMENTED


def _plain(
    min_args: int, max_args: int | None, returns: ColumnType | None, names: str
) -> list[Function]:
    """Make undocumented functions that share a signature; `names` are separated by spaces."""
    return [Function(name, _UNDOCUMENTED, min_args, max_args, returns) for name in names.split()]


def _dates(min_args: int, max_args: int, returns: ColumnType | None, names: str) -> list[Function]:
    """Make undocumented functions whose first argument is a date part."""
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
            *_plain(1, 1, _V, "LOWER UPPER INITCAP REVERSE TO_JSON TYPEOF MD5"),
            *_plain(1, 2, _V, "TRIM LTRIM RTRIM TO_CHAR TO_VARCHAR"),
            *_plain(2, 2, _V, "LEFT RIGHT REPEAT"),
            *_plain(2, 3, _V, "SUBSTR SUBSTRING LPAD RPAD"),
            *_plain(3, 3, _V, "SPLIT_PART TRANSLATE"),
            *_plain(2, 3, _V, "REPLACE"),
            *_plain(2, 6, _V, "REGEXP_SUBSTR"),
            *_plain(2, 6, _V, "REGEXP_REPLACE"),
            *_plain(1, None, _V, "CONCAT"),
            *_plain(2, None, _V, "CONCAT_WS"),
            *_plain(1, 1, ColumnType.NUMBER, "LENGTH LEN ABS CEIL FLOOR SIGN SQRT ARRAY_SIZE"),
            *_plain(1, 2, ColumnType.NUMBER, "ROUND TRUNC"),
            *_plain(2, 2, ColumnType.NUMBER, "MOD POWER EDITDISTANCE"),
            *_plain(2, 3, ColumnType.NUMBER, "POSITION CHARINDEX"),
            *_plain(1, 4, ColumnType.NUMBER, "TO_NUMBER TO_DECIMAL TRY_TO_NUMBER TRY_TO_DECIMAL"),
            *_plain(1, 2, ColumnType.NUMBER, "TO_DOUBLE"),
            *_plain(1, 1, ColumnType.NUMBER, "YEAR QUARTER MONTH WEEK DAY DAYOFWEEK DAYOFYEAR"),
            *_plain(1, 1, ColumnType.NUMBER, "DAYOFMONTH HOUR MINUTE SECOND"),
            *_plain(1, 2, _T, "TO_TIMESTAMP TO_TIMESTAMP_NTZ TO_TIMESTAMP_TZ TO_TIMESTAMP_LTZ"),
            *_plain(1, 2, _T, "TRY_TO_TIMESTAMP TO_DATE TRY_TO_DATE LAST_DAY"),
            *_plain(1, 1, _T, "DATE"),
            *_plain(2, 2, _T, "ADD_MONTHS"),
            *_plain(2, 3, _T, "CONVERT_TIMEZONE"),
            *_plain(2, 2, ColumnType.NUMBER, "MONTHS_BETWEEN"),
            *_plain(0, 0, _T, "SYSDATE GETDATE"),
            *_plain(1, None, None, "COALESCE GREATEST LEAST"),
            *_plain(2, 2, None, "NVL IFNULL NULLIF GET GET_PATH"),
            *_plain(3, 3, None, "IFF NVL2"),
            *_plain(3, None, None, "DECODE"),
            *_plain(1, 1, None, "ZEROIFNULL NULLIFZERO"),
            *_plain(1, 1, ColumnType.VARIANT, "PARSE_JSON TRY_PARSE_JSON TO_VARIANT"),
            *_plain(0, None, _A, "ARRAY_CONSTRUCT"),
            *_plain(1, 2, _A, "TO_ARRAY"),
            *_plain(2, 2, _A, "SPLIT ARRAY_CAT ARRAY_INTERSECTION"),
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
            *_dates(3, 3, _T, "DATEADD TIMEADD"),
            *_dates(3, 3, ColumnType.NUMBER, "DATEDIFF TIMEDIFF TIMESTAMPDIFF"),
            *_dates(2, 2, _T, "DATE_TRUNC"),
            *_dates(2, 2, ColumnType.NUMBER, "DATE_PART"),
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
