"""`${name}` in the texts of a segment file: its name, description, owner, tags and parent list.

A name stands for a value of text, a number or true or false; `$${` is `${` itself. Does not decide
which values there are (`values_in_file`), and does not touch queries, where a value is a leaf of
the tree (`binder`).
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from segctl.common.suggest import did_you_mean
from segctl.documents.document import quote_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segctl.documents.document import Document, Path
    from segctl.model.values import Value

_OPENING = re.compile(r"\$?\$\{(?:([a-z][a-z0-9_]*)\})?")
"""An opening `${`, with its name and `}` where they are well formed, or an escaped one."""

MAX_TEXT = 10_000
"""Characters of a text with its values; a description is the longest one that people write."""


class Interpolator:
    """Puts values into the texts of one document.

    `reports`: what has no value is reported in the document. `used` are the names of the values
    that texts have used so far.
    """

    def __init__(self, document: Document, *, reports: bool = True) -> None:
        self._document = document
        self._reports = reports
        self.used: set[str] = set()

    def text(self, text: str, values: Mapping[str, Value], path: Path) -> str:
        """Return the text at a path with values in place of their names.

        What has no value stays.
        """
        pieces = []
        for literal, name in _pieces(text):
            pieces.append(literal)
            if name is None:
                continue
            value = values.get(name) if name else None
            if value is None or isinstance(value, tuple):
                if self._reports:
                    self._report(name, value, values, path)
                pieces.append(f"${{{name}}}" if name else "${")
            else:
                self.used.add(name)
                pieces.append(value_text(value))
        result = "".join(pieces)
        if len(result) > MAX_TEXT:
            message = f"with its values, the text exceeds {MAX_TEXT:,} characters"
            self._document.report("text-too-long", message, path=path, hint="use shorter values")
            return text
        return result

    def value(self, text: str, values: Mapping[str, Value], path: Path) -> object:
        """Return what `text` does; where the text is nothing but a name, the value itself."""
        pieces = _pieces(text)
        match pieces:
            case (("", str(name)), ("", None)) if name in values:
                value = values[name]
                return [*value] if isinstance(value, tuple) else value
        return self.text(text, values, path)

    def _report(
        self, name: str, value: Value | None, values: Mapping[str, Value], path: Path
    ) -> None:
        escape = "; for the characters themselves, write $${"
        if not name:
            message = "`${` is not followed by the name of a value and `}`"
            hint = f"write ${{name}}{escape}"
            self._document.report("reference", message, path=path, hint=hint)
        elif value is None:
            message = f"unknown value {quote_value(f'${{{name}}}')}"
            hint = did_you_mean(name, values, f"add it to `values`{escape}")
            self._document.report("unknown-name", message, path=path, hint=hint)
        else:
            message = f"`${{{name}}}` is a list, which no text can contain"
            hint = "use a text or a number"
            self._document.report("bad-value", message, path=path, hint=hint)


def escaped(text: str) -> str:
    """Return how a file writes a text in which nothing stands for a value."""
    return text.replace("${", "$${")


def value_text(value: object) -> str:
    """Return a value as a text has it: as YAML writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


@cache
def _pieces(text: str) -> tuple[tuple[str, str | None], ...]:
    """Return the literal parts of a text, each with the name behind it.

    The name is `None` behind the last part and behind an escape, and empty where it is malformed.
    """
    pieces: list[tuple[str, str | None]] = []
    position = 0
    for match in _OPENING.finditer(text):
        before = text[position : match.start()]
        if match.group().startswith("$$"):
            pieces.append((before + match.group()[1:], None))
        else:
            pieces.append((before, match.group(1) or ""))
        position = match.end()
    return (*pieces, (text[position:], None))
