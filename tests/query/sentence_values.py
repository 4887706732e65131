"""The values that a sentence names, read back as SQL: texts, numbers, times, fields and sums.

Part of `sentence_reader`. Knows the words, and nothing of the code that writes them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
DAY = rf"(\d+) ({'|'.join(MONTHS)}) (\d+)"
UNIT = "(second|minute|hour|day|week|month|quarter|year)"
OPERATORS = {" plus ": "+", " minus ": "-", " times ": "*", " divided by ": "/"}
AFTER = {
    r"(.+) in lower case": "lower({})", r"(.+) in upper case": "upper({})",
    r"(.+) without blanks at its ends": "TRIM({})",
    r"(.+) without blanks at its start": "LTRIM({})",
    r"(.+) without blanks at its end": "RTRIM({})",
}  # fmt: skip
"""What stands behind a value that is computed from it."""
OF = {
    r"the first (\d+) characters of (.+)": "LEFT({value}, {0})",
    r"the first character of (.+)": "LEFT({value}, 1)",
    r"the last (\d+) characters of (.+)": "RIGHT({value}, {0})",
    r"the last character of (.+)": "RIGHT({value}, 1)",
    r"the character at place (\d+) of (.+)": "SUBSTR({value}, {0}, 1)",
    r"the length of (.+)": "LENGTH({value})",
    r"the year of (.+)": "YEAR({value})", r"the quarter \(1 to 4\) of (.+)": "QUARTER({value})",
    r"the month \(1 to 12\) of (.+)": "MONTH({value})",
    r"the number of the week of (.+)": "WEEK({value})",
    r"the day of the month of (.+)": "DAY({value})", r"the hour of (.+)": "HOUR({value})",
    r"the minute of (.+)": "MINUTE({value})", r"the second of (.+)": "SECOND({value})",
    r"the day of (.+)": "TO_DATE({value})",
    r"the start of the last day of the month of (.+)": "LAST_DAY({value})",
    r"the start of the (week|month|quarter|year|day|hour|minute|second) of (.+)":
        "DATE_TRUNC({0}, {value})",
    r"the last day of the month of (.+)": "TO_DATE(LAST_DAY({value}))",
}  # fmt: skip
"""What stands before a value that is computed from it: numbers, then the value."""
EVENT_FIELDS = {
    "type": "event_type", "source": "event_source", "time": "timestamp",
    "Single Send": "DATA:payload.unique_args.singlesend_id",
}  # fmt: skip
SIGN = re.compile(r"\\\\|\\[nrt]|\\u\{([0-9a-f]+)\}|␣")
CODE_SIGN = re.compile(r"\\u\{([0-9a-f]+)\}|␣")
QUOTED = re.compile(r"“([^”]*)”|`([^`]*)`")


def unsigned(text: str) -> str:
    """Return a text without the signs for what cannot be seen."""
    plain = {"\\\\": "\\", "\\n": "\n", "\\r": "\r", "\\t": "\t", "␣": " "}
    return SIGN.sub(lambda sign: chr(int(sign[1], 16)) if sign[1] else plain[sign[0]], text)


def literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def outside(text: str, word: str) -> list[int]:
    """Return where a word is outside of parentheses."""
    return [
        place
        for place in range(len(text))
        if text.startswith(word, place) and text.count("(", 0, place) == text.count(")", 0, place)
    ]


def split(text: str, word: str) -> list[str]:
    """Return the parts of a text between a word, where it is outside of parentheses."""
    parts, start = [], 0
    for place in outside(text, word):
        parts.append(text[start:place])
        start = place + len(word)
    return [*parts, text[start:]]


@dataclass
class Values:
    """Reads values. `fields` has the columns by their words, `event` the alias of the event.

    `folds`: texts are read in lower case, because they are compared without case.
    """

    fields: Mapping[str, str]
    masked: Mapping[str, str]
    texts: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    event: str = ""
    folds: bool = False

    def without_quotations(self, text: str) -> str:
        """Return a text with a number in place of every quotation."""

        def number(match: re.Match[str]) -> str:
            if match[1] is None:
                self.codes.append(self._code(match[2]))
                return f"[C{len(self.codes) - 1}]"
            self.texts.append(match[1])
            return f"[T{len(self.texts) - 1}]"

        return QUOTED.sub(number, text)

    def _code(self, shown: str) -> str:
        """Return SQL without the signs; backslashes in it are its own."""
        for masked, address in self.masked.items():
            shown = shown.replace(masked, address)
        shown = CODE_SIGN.sub(lambda sign: chr(int(sign[1], 16)) if sign[1] else " ", shown)
        return shown.replace("contact_data.", "c.")

    def quoted(self, text: str) -> str:
        """Return the exact text of a quotation."""
        match = re.fullmatch(r"\[T(\d+)\](?: \(empty\))?", text)
        assert match, text
        shown = self.texts[int(match[1])]
        exact = self.masked.get(shown, unsigned(shown))
        return exact.lower() if self.folds else exact

    def value(self, text: str) -> str:
        """Return a value that differs between no contacts."""
        if text.startswith("exactly "):
            return self.time(text.removeprefix("exactly "))
        if text in ("true", "false"):
            return text
        if re.fullmatch(r"-?[\d.]+", text):
            return text
        if re.fullmatch(r"\[T\d+\](?: \(empty\))?", text):
            return literal(self.quoted(text))
        assert re.fullmatch(r"[^\W\d_][\w-]*", text), text
        return literal(text.lower() if self.folds else text)

    def values(self, text: str) -> list[str]:
        separator = r"(?:, | or | nor )(?=exactly )" if text.startswith("exactly") else (
            r", | or | nor "
        )  # fmt: skip
        return [self.value(part) for part in re.split(separator, text)]

    def time(self, text: str) -> str:
        """Return a point in time."""
        if text == "now":
            return "now()"
        if match := re.fullmatch(rf"(\d+) {UNIT}s? (ago|from now)", text):
            return f"now() {'-' if match[3] == 'ago' else '+'} {match[1]} {match[2]}"
        if match := re.fullmatch(rf"(?:the start of )?{DAY}", text):
            return self._date(match, "00:00:00", "Z")
        clock = r"(\d\d:\d\d)(:\d\d)?(?: (UTC|[+-]\d\d:\d\d))?"
        if match := re.fullmatch(rf"{DAY}, {clock}", text):
            zone = "Z" if match[6] in (None, "UTC") else match[6]
            return self._date(match, f"{match[4]}{match[5] or ':00'}", zone)
        if match := re.fullmatch(r"event (\w+)", text):
            return f"{match[1]}.timestamp"
        return self.noun(text)

    def _date(self, match: re.Match[str], clock: str, zone: str) -> str:
        month = MONTHS.index(match[2]) + 1
        return f"'{match[3]}-{month:02}-{int(match[1]):02}T{clock}{zone}'"

    def noun(self, text: str) -> str:
        """Return a value that differs between contacts or events."""
        if text.startswith("(") and not outside(text[1:-1] + ")", ")")[:-1] and text[-1] == ")":
            return self.noun(text[1:-1])
        if match := re.fullmatch(r"their (.+)", text):
            column = self.fields.get(self._exact(match[1]))
            if column:
                return f"c.{column}"
        computed = self._event_value(text) or self._computed(text) or self._sum(text)
        return computed or self.value(text)

    def _exact(self, words: str) -> str:
        return re.sub(r"\[T(\d+)\]", lambda match: f"“{self.texts[int(match[1])]}”", words)

    def _event_value(self, text: str) -> str | None:
        match = re.fullmatch(r"the (.+?)(?: of event (\w+))?", text)
        if match is None:
            return None
        alias = match[2] or self.event
        if match[1] in EVENT_FIELDS:
            return f"{alias}.{EVENT_FIELDS[match[1]]}"
        if argument := re.fullmatch(r"unique argument (\[T\d+\])", match[1]):
            return f'{alias}.DATA:payload.unique_args."{self.quoted(argument[1])}"'
        if re.fullmatch(r"\[T\d+\]", match[1]):
            return f"{alias}.DATA:{self.quoted(match[1])}"
        return None

    def _computed(self, text: str) -> str | None:
        """Return the call that a noun stands for; `None` if it stands for none."""
        if text.endswith(" if not set)") and outside(text, " ("):
            place = outside(text, " (")[-1]
            default = text[place + 2 :].removesuffix(" if not set)")
            return f"COALESCE({self.noun(text[:place])}, {self.noun(default)})"
        if text.endswith(")") and (places := outside(text, " (not set if ")):
            other = text[places[-1] :].removeprefix(" (not set if ").removesuffix(")")
            return f"NULLIF({self.noun(text[: places[-1]])}, {self.noun(other)})"
        if match := re.fullmatch(r"the first that is set of \((.+)\)", text):
            return "COALESCE(" + ", ".join(map(self.noun, split(match[1], ", "))) + ")"
        parts = split(text, " joined with ")
        if len(parts) > 1:
            return "(" + " || ".join(map(self.noun, parts)) + ")"
        for pattern, call in AFTER.items():
            if match := re.fullmatch(pattern, text):
                return call.format(self.noun(match[1]))
        return self._of_value(text)

    def _of_value(self, text: str) -> str | None:  # noqa: PLR0911 - one return per form
        for pattern, call in OF.items():
            if match := re.fullmatch(pattern, text):
                *numbers, noun = match.groups()
                return call.format(*numbers, value=self.noun(noun))
        if match := re.fullmatch(r"the rest of (.+) from character (\d+) on", text):
            return f"SUBSTR({self.noun(match[1])}, {match[2]})"
        if match := re.fullmatch(r"the characters (\d+) to (\d+) of (.+)", text):
            count = int(match[2]) - int(match[1]) + 1
            return f"SUBSTR({self.noun(match[3])}, {match[1]}, {count})"
        if match := re.fullmatch(r"the remainder of (.+)", text):
            dividend, divisor = split(match[1], " divided by ")
            return f"({self.noun(dividend)} % {self.noun(divisor)})"
        if match := re.fullmatch(rf"the time (\d+) {UNIT}s? (before|after) (.+)", text):
            sign = "-" if match[3] == "before" else ""
            return f"timestampadd({match[2]}, {sign}{match[1]}, {self.noun(match[4])})"
        if match := re.fullmatch(rf"the number of (?:calendar|clock) {UNIT}s from (.+)", text):
            start, end = split(match[2], " to ")
            return f"DATEDIFF({match[1]}, {self.time(start)}, {self.time(end)})"
        if match := re.fullmatch(r"the number of (their .+)", text):
            return f"array_size({self.noun(match[1])})"
        return None

    def _sum(self, text: str) -> str | None:
        if text.startswith("minus "):
            return f"(-{self.noun(text.removeprefix('minus '))})"
        for word, operator in OPERATORS.items():
            parts = split(text, word)
            if len(parts) > 1:
                return "(" + f" {operator} ".join(map(self.noun, parts)) + ")"
        return None
