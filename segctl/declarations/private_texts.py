"""Personal data in one declaration's files: masked in messages and in the lines that are shown.

Lint rules find it; this only hides it. Does not mask files themselves.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from segctl.common.secrets import redact
from segctl.query.personal_data import mask_email_addresses

if TYPE_CHECKING:
    from segctl.declarations.query_source import QuerySource
    from segctl.query.lint.rule import Finding

_LINE_BREAK = re.compile(r"[\r\n]")
_HEAD = 4


class PrivateTexts:
    """The places and texts to mask. Add all of them before the first line is asked for."""

    def __init__(self) -> None:
        self._ranges: list[tuple[bool, int, int]] = []
        # By the first characters of each: comparing every message with every text takes too long.
        self._texts: dict[str, dict[str, None]] = {}
        self._lines: dict[tuple[bool, int], str] = {}

    def add(self, finding: Finding, query: str, source: QuerySource) -> None:
        """Add what a finding in a query is about, if that is personal data."""
        if not finding.private:
            return
        start, end = source.range(finding.start, finding.end)
        self._ranges.append((source.own_file, start, end))
        text = query[finding.start : finding.end].strip("'")
        if text:
            self._texts.setdefault(text[:_HEAD], {})[text] = None

    def mask(self, message: str) -> str:
        """Return a message with keys and personal data masked."""
        if self._texts:
            for head in {message[at : at + _HEAD] for at in range(len(message))}:
                for text in self._texts.get(head, ()):
                    message = message.replace(text, "***")
        return mask_email_addresses(redact(message))

    def line(self, text: str, index: int, number: int, *, in_query_file: bool) -> str:
        """Return the line with this number, around an index in the text of the file.

        Personal data is masked, and every column kept. Findings in the same line share it: a query
        in one line may have thousands.
        """
        line = self._lines.get((in_query_file, number))
        if line is None:
            line = self._lines[in_query_file, number] = self._masked(text, index, in_query_file)
        return line

    def _masked(self, text: str, index: int, in_query_file: bool) -> str:
        first = max(text.rfind("\n", 0, index), text.rfind("\r", 0, index)) + 1
        line_break = _LINE_BREAK.search(text, index)
        last = line_break.start() if line_break else len(text)
        line = list(text[first:last])
        for is_in_query_file, start, end in self._ranges:
            if is_in_query_file == in_query_file:
                for position in range(max(start, first), min(end, last)):
                    line[position - first] = "*"
        return redact(mask_email_addresses("".join(line), same_length=True))
