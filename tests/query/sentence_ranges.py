"""Ranges of times, read back from a sentence as SQL. Part of `sentence_reader`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .sentence_values import DAY, UNIT

if TYPE_CHECKING:
    from .sentence_values import Values

EXCLUDED = r"(?: \((start|end|both) excluded\))?"
DAYS = {"before": "<", "on or before": "<=", "after": ">", "on or after": ">="}
BOUNDS = {
    "on or after": ">=", "at or after": ">=", "after": ">", "at or before": "<=", "before": "<",
}  # fmt: skip


def time_range(values: Values, column: str, text: str) -> str | None:
    """Return the condition that a time is in a range; `None` if the text says no range."""
    condition = _relative(column, text) or _between(values, column, text)
    if condition:
        return condition
    for word, operator in ((" and ", "AND"), (" or ", "OR")):
        for place in (place for place in range(len(text)) if text.startswith(word, place)):
            left = time_range(values, column, text[:place])
            right = time_range(values, column, text[place + len(word) :])
            if left and right:
                return f"({left} {operator} {right})"
    bound = re.fullmatch(rf"({'|'.join(BOUNDS)}) (.+)", text)
    return f"{column} {BOUNDS[bound[1]]} {values.time(bound[2])}" if bound else None


def _relative(column: str, text: str) -> str | None:
    patterns = {
        r"in the future": "{column} > now()",
        r"in the past": "{column} < now()",
        rf"more than (\d+ {UNIT})s? ago": "{column} < now() - {0}",
        rf"more than (\d+ {UNIT})s? from now": "{column} > now() + {0}",
        rf"no later than (\d+ {UNIT})s? from now": "{column} < now() + {0}",
        rf"less than (\d+ {UNIT})s? ago or in the future": "{column} > now() - {0}",
        rf"less than (\d+ {UNIT})s? ago": "({column} > now() - {0} AND {column} < now())",
        rf"in the last (\d+ {UNIT})s? or in the future": "{column} > now() - {0}",
        rf"in the last {UNIT} or in the future": "{column} > now() - 1 {0}",
        rf"in the last (\d+ {UNIT})s?": "({column} > now() - {0} AND {column} < now())",
        rf"in the last {UNIT}": "({column} > now() - 1 {0} AND {column} < now())",
        rf"in the next (\d+ {UNIT})s?": "({column} > now() AND {column} < now() + {0})",
        rf"in the next {UNIT}": "({column} > now() AND {column} < now() + 1 {0})",
    }
    for pattern, condition in patterns.items():
        if match := re.fullmatch(pattern, text):
            return condition.format(*match.groups(), column=column)
    return None


def _between(values: Values, column: str, text: str) -> str | None:
    if match := re.fullmatch(rf"between (\d+) and (\d+) {UNIT}s? (ago|from now)", text):
        low, high = (f"{count} {match[3]} {match[4]}" for count in match.group(1, 2))
        excluded = None
    else:
        match = re.fullmatch(rf"between ([^()]+?) and ([^()]+?){EXCLUDED}", text)
        match = match or re.fullmatch(rf"from (.+) up to (.+?){EXCLUDED}", text)
        if match is None:
            return None
        low, high, excluded = match.groups()
    low_operator = ">" if excluded in ("start", "both") else ">="
    high_operator = "<" if excluded in ("end", "both") else "<="
    start, end = values.time(low), values.time(high)
    return f"({column} {low_operator} {start} AND {column} {high_operator} {end})"


def day_range(values: Values, column: str, text: str) -> str | None:
    """Return the condition that a day is in a range, or is a day; `None` for anything else."""
    if bound := re.fullmatch(rf"({'|'.join(DAYS)}) (.+)", text):
        return f"{column} {DAYS[bound[1]]} {values.time(bound[2])}"
    if days := re.fullmatch(r"from (.+) to (.+)", text):
        return f"({column} >= {values.time(days[1])} AND {column} <= {values.time(days[2])})"
    day = re.fullmatch(rf"(not )?({DAY}|today|the day .+)", text)
    return f"{column} {'!=' if day[1] else '='} {values.time(day[2])}" if day else None
