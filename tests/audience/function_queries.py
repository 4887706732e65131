"""Random calls of functions, arithmetic and constants, as parts of the conditions of `worlds`."""

from __future__ import annotations

from hypothesis import strategies as st

_units = st.sampled_from(
    ["second", "minute", "hour", "day", "week", "month", "quarter", "year", "dd", "mon", "'week'"]
)
_names = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])
_parts = st.sampled_from(
    ["YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "DAYOFMONTH", "DAYOFWEEK", "DAYOFYEAR", "HOUR",
     "MINUTE", "SECOND"]
)  # fmt: skip
_counts = st.integers(-2, 6)
TIME_LITERALS = st.sampled_from(
    ["'2026-03-01T00:00:00Z'", "'2026-03-31T12:30:00Z'", "'2024-02-29'", "'2026-03-30'",
     "TO_TIMESTAMP('2026-03-31 11:29:59Z')", "TO_TIMESTAMP(1774960200)", "'2025-12-31'::timestamp"]
)  # fmt: skip
DAY_LITERALS = st.sampled_from(
    ["'2026-03-31'", "'2024-02-29'", "TO_DATE('2026-02-28')", "DATE '2025-12-31'"]
)

Texts = st.SearchStrategy[str]


def texts(column: Texts, literal: Texts) -> Texts:
    """Return strings computed from a column."""
    either = st.one_of(column, literal)
    chosen = st.sampled_from(["LOWER", "UPPER", "TRIM", "LTRIM", "RTRIM"])
    trim = st.sampled_from(["TRIM", "LTRIM", "RTRIM"])
    removed = st.sampled_from(["'p'", "' x'", "'%.'", "'mo'"])
    return st.one_of(
        st.builds("{}({})".format, chosen, column),
        st.builds("{}({}, {})".format, trim, column, removed),
        st.builds("{}({}, {})".format, st.sampled_from(["LEFT", "RIGHT"]), column, _counts),
        st.builds("RIGHT({}, LENGTH({}) - 1)".format, column, column),
        st.builds("SUBSTR({}, {}, {})".format, column, st.sampled_from([1, 2, 3, 9]), _counts),
        st.builds("SUBSTRING({}, {})".format, column, st.sampled_from([1, 2, 9])),
        st.builds("SUBSTR('xxxxxxxxx' || {}, {}, {})".format, column, st.integers(-9, -1), _counts),
        st.builds("CONCAT({}, {}, {})".format, column, literal, either),
        st.builds("({} || {})".format, column, either),
        st.builds("IFF({} = {}, {}, {})".format, column, literal, either, either),
        st.builds("NVL2({}, {}, {})".format, column, either, either),
        st.builds("NULLIF({}, {})".format, column, either),
        st.builds("COALESCE({}, {})".format, column, either),
        st.builds("LOWER(COALESCE(TRIM({}), {}))".format, column, literal),
    )


def times(column: Texts) -> Texts:
    """Return times computed from a column."""
    return st.one_of(
        st.builds("DATE_TRUNC({}, {})".format, _units, column),
        st.builds("DATEADD({}, {}, {})".format, _units, st.integers(-3, 3), column),
        st.builds("DATEADD(day, 3 * -2 + 1, {})".format, column),
        st.builds("TO_TIMESTAMP({})".format, column),
        st.builds("IFF({} > '2026-03-01', {}, {})".format, column, column, column),
        st.builds("NVL({}, {}::timestamp)".format, column, column),
    )


def dates(column: Texts) -> Texts:
    """Return dates computed from a column."""
    day = st.one_of(
        st.builds("{}::date".format, column),
        st.builds("CAST({} AS DATE)".format, column),
        st.builds("TO_DATE({})".format, column),
        st.builds("LAST_DAY({})".format, column),
    )
    return st.one_of(
        day,
        st.builds("({} + {})".format, day, st.integers(0, 40)),
        st.builds("({} - {})".format, day, st.integers(0, 40)),
        st.builds("DATEADD({}, {}, {})".format, st.sampled_from(["day", "week", "month", "y"]),
                  st.integers(-3, 3), day),
        st.builds("DATE_TRUNC({}, {})".format, st.sampled_from(["week", "month", "year"]), day),
    )  # fmt: skip


def numbers(text: Texts, number: Texts, time: Texts) -> Texts:
    """Return numbers computed from columns."""
    moment = st.one_of(time, times(time), TIME_LITERALS)
    difference = st.sampled_from(["DATEDIFF", "TIMEDIFF", "TIMESTAMPDIFF"])
    divisor = st.one_of(
        st.sampled_from(["3", "7", "0.5", "-4", "2.50"]), st.builds("NULLIF({}, 0)".format, number)
    )
    return st.one_of(
        st.builds("{}({})".format, st.sampled_from(["LENGTH", "LEN"]), text),
        st.builds("{}({})".format, _parts, moment),
        st.builds("DATE_PART({}, {})".format, _parts, time),
        st.builds("{}({}, {}, {})".format, difference, _units, moment, moment),
        st.builds("{} / {}".format, number, divisor),
        st.builds("({} + 1.5) / {}".format, number, divisor),
        st.builds("{} / {} * 100".format, number, divisor),
        st.builds("1.25 * {} - {} / {}".format, number, number, divisor),
        st.builds("COALESCE({} / {}, {})".format, number, divisor, number),
        st.builds("NULLIF({}, {})".format, number, number),
        st.builds("IFF({} > 1, {}, {})".format, number, number, number),
    )


def conditions(
    text: Texts, text_literal: Texts, number: Texts, number_literal: Texts, time: Texts
) -> Texts:
    """Return conditions on columns with the results of functions."""
    computed = texts(text, text_literal)
    ilike = st.sampled_from(["'PRO'", "'%O'", "'W_I%'", "'%s!_B' ESCAPE '!'", "'weiß'", "'é%'"])
    nots = st.sampled_from(["", "NOT "])
    amount = numbers(text, number, time)
    values = st.one_of(number_literal, st.integers(-40, 40).map(str))
    constants = st.sampled_from(
        ["1 = 1", "'a' = 'b'", "NULL = 1", "2 + 3 * 4 = 14", "10 / 4 > 2.4999", "TRUE", "FALSE",
         "CONCAT('a', 'b') = 'ab'", "UPPER('weiß') = 'WEISS'", "1 / 3 BETWEEN 0.3 AND 0.34",
         "DATEDIFF(week, '2026-03-29', '2026-03-30') = 1", "IFF(1 > 2, 'x', 'y') = 'x'"]
    )  # fmt: skip
    return st.one_of(
        st.builds("{} {} {}".format, computed, _names, text_literal),
        st.builds("{} {} {}".format, computed, _names, text),
        st.builds("{} {}IN ({}, {})".format, computed, nots, text_literal, text_literal),
        st.builds("{} {}ILIKE {}".format, st.one_of(text, computed), nots, ilike),
        st.builds("{} LIKE 'p' || '%'".format, computed),
        st.builds("{} IS {}NULL".format, computed, nots),
        st.builds("EQUAL_NULL({}, {})".format, computed, text),
        st.builds("{} {} {}".format, amount, _names, st.one_of(values, number)),
        st.builds("{} {}BETWEEN {} AND {}".format, amount, nots, values, values),
        st.builds("{} IN ({}, {})".format, amount, values, values),
        st.builds("{} {} {}".format, times(time), _names, st.one_of(TIME_LITERALS, time)),
        st.builds("{} {} {}".format, dates(time), _names, DAY_LITERALS),
        st.builds("{} {} {}".format, dates(time), _names, st.one_of(time, dates(time))),
        st.builds("{}::date - {} {} {}".format, time, dates(time), _names, st.integers(-40, 40)),
        st.builds("DATEDIFF({}, {}, {}) <= {}".format, _units, time, time, st.integers(-40, 40)),
        constants,
    )
