"""A YAML document as plain data, with the place of every key and value.

Owns places: from a path to a span, from an offset to a line and column, from a line to its text;
and the findings that belong to a document. How the text is read is `yaml_reader.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from segctl.errors import Diagnostic, Severity, Span
from segctl.secrets import find_key, redact

MAX_BYTES = 1 << 20

Path: TypeAlias = tuple[str | int, ...]

_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class UnquotedDate:
    """A plain scalar that YAML takes for a date; JSON has no such type, so it fits no schema."""

    text: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node stands: zero-based lines, columns and indices, as YAML marks count them.

    `style` is that of a scalar (`|`, `>`, `'`, `"` or empty for a plain one), else `None`.
    """

    line: int
    column: int
    index: int
    end_line: int
    end_column: int
    end_index: int
    style: str | None = None


@dataclass(slots=True)
class Document:
    """A document's `value` as plain data, and where each part of it stands.

    `places` and `keys` go from a path (`("targets", "eu", "region")`) to the place of the value
    and of its key. What an alias repeats has no place of its own: `span` gives its parent's.
    """

    file: str
    text: str
    value: Any = None
    places: dict[Path, Place] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)

    def span(self, path: Path, *, key: bool = False) -> Span:
        """Give the place of the value at `path`, or of its key; the nearest known one above it."""
        if key and path in self.keys:
            place = self.keys[path]
        else:
            while path and path not in self.places:
                path = path[:-1]
            place = self.places.get(path) or Place(0, 0, 0, 0, 0, 0)
        return place_span(self.file, place)

    def report(
        self,
        code: str,
        summary: str,
        *,
        path: Path = (),
        key: bool = False,
        hint: str = "",
        severity: Severity = Severity.ERROR,
    ) -> None:
        """Add a finding at the place of `path`."""
        self.report_at(code, summary, self.span(path, key=key), hint=hint, severity=severity)

    def report_at(
        self,
        code: str,
        summary: str,
        span: Span,
        *,
        hint: str = "",
        severity: Severity = Severity.ERROR,
    ) -> None:
        """Add a finding at a known span of this document, with nothing that looks like a key."""
        excerpt = redact(source_line(self.text, span.line))
        self.diagnostics.append(
            Diagnostic(code, severity, redact(summary), span, redact(hint), excerpt)
        )

    def refuse_key(self, *, whole: bool) -> None:
        """Report an API key that stands in the file, without showing it (see `find_key`)."""
        offset = find_key(self.text, whole=whole)
        if offset is not None:
            self.report_at(
                "key-in-file",
                "this looks like a SendGrid API key, and a file in git is no place for one",
                position_span(self.file, self.text, offset),
                hint="remove it, revoke the key, and put a new one into the environment variable",
            )


def source_line(text: str, line: int) -> str:
    """Give one line of a text, counted from 1 as YAML counts; empty where there is no such line."""
    start = 0
    for _ in range(line - 1):
        found = _LINE_BREAK.search(text, start)
        if found is None:
            return ""
        start = found.end()
    found = _LINE_BREAK.search(text, start)
    return text[start : found.start() if found else len(text)]


def position_span(file: str, text: str, offset: int) -> Span:
    """Give the place of an offset (in characters) of a text."""
    lines = _LINE_BREAK.split(text[:offset])
    return Span(file, len(lines), len(lines[-1]) + 1)


def decode(file: str, data: bytes) -> tuple[str, Diagnostic | None]:
    """Decode a file's bytes as UTF-8, with or without a byte order mark.

    Gives the text, or an empty one and the reason why there is none.
    """
    if len(data) > MAX_BYTES:
        summary = f"the file has {len(data):,} bytes; the most is {MAX_BYTES:,}"
        return "", Diagnostic("file-too-large", Severity.ERROR, summary, Span(file, 1, 1))
    try:
        return data.decode("utf-8-sig"), None
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
        summary = f"the file is not UTF-8: byte 0x{data[error.start]:02x} has no meaning here"
        hint = "save the file as UTF-8 in your editor"
        return "", Diagnostic("not-utf8", Severity.ERROR, summary, Span(file, line, column), hint)


def place_span(file: str, place: Place) -> Span:
    """Give a place as a span of a file."""
    return Span(file, place.line + 1, place.column + 1, place.end_line + 1, place.end_column + 1)
