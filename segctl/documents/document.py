"""A YAML document as plain data, with the place of every key and value.

Maps paths to spans, offsets to lines and columns, and lines to their text; collects the diagnostics
of a document. `yaml_reader` reads the text.
"""

from __future__ import annotations

import bisect
import codecs
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from segctl.common.secrets import find_keys, redact
from segctl.errors import Diagnostic, Severity, Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MAX_BYTES = 1 << 20

Path: TypeAlias = tuple[str | int, ...]

# The line breaks of editors and of git. YAML 1.1 knows three more, which the reader refuses.
_LINE_BREAK = re.compile("\r\n|[\n\r]")
_MAX_QUOTE = 80


@dataclass(frozen=True, slots=True)
class UnquotedDate:
    """A plain scalar that YAML reads as a date. JSON has no such type, so no schema allows it."""

    text: str


class Place(NamedTuple):
    """Where a node is: lines and columns from zero, as YAML marks count them, and offsets.

    `style` is that of a scalar (`|`, `>`, `'`, `"` or empty for a plain one), else `None`. A tuple,
    since a file has a dozen of them and a frozen dataclass takes four times as long to create.
    """

    line: int
    column: int
    offset: int
    end_line: int
    end_column: int
    end_offset: int
    style: str | None = None


@dataclass(slots=True)
class Document:
    """A document's `value` as plain data, and the place of each part of it.

    `value` is `None` where the file is empty or could not be read to the end. `places` and `keys`
    map a path (`("targets", "eu", "region")`) to the place of the value and of its key. What an
    alias repeats has no place of its own: `span` returns that of its parent.
    """

    file: str
    text: str
    value: Any = None
    places: dict[Path, Place] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    _excerpts: list[str] = field(default_factory=list, repr=False)

    def span(self, path: Path, *, key: bool = False) -> Span:
        """Return the span of the value at `path`, or of its key; else of the nearest parent."""
        if key and path in self.keys:
            place = self.keys[path]
        else:
            while path and path not in self.places:
                path = path[:-1]
            place = self.places.get(path) or Place(0, 0, 0, 0, 0, 0)
        return span_of(self.file, place)

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
        """Add a diagnostic at the place of `path`."""
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
        """Add a diagnostic at a span of this document, without anything that looks like a key."""
        self.diagnostics.append(
            Diagnostic(code, severity, redact(summary), span, redact(hint), self.excerpt(span.line))
        )

    def written(self, path: Path) -> str:
        """Return the scalar without quotes at `path` as it is written, empty for anything else."""
        place = self.places.get(path)
        if place is None or place.style != "":
            return ""
        *_, text = ("", *self.text[place.offset : place.end_offset].split())  # after an anchor
        return text

    @property
    def lines(self) -> list[str]:
        """The lines of the text, with nothing masked: not for display."""
        return _LINE_BREAK.split(self.text)

    def excerpt(self, line: int) -> str:
        """Return a line for display, counted from 1, with keys and addresses masked."""
        if not self._excerpts:
            # Once per document: a file with ten thousand errors must not be split as many times.
            self._excerpts = excerpt_lines(self.text)
        return self._excerpts[line - 1] if line <= len(self._excerpts) else ""

    def report_api_keys(self, *, whole: bool) -> bool:
        """Report every API key in the file without showing it; return whether there is one.

        `whole` is as for `find_keys`. Nothing else is reported for a file with a key, since any
        other line might show part of the key.
        """
        spans = spans_at(self.file, self.text, find_keys(self.text, whole=whole))
        if not spans and "\\" in self.text:
            # Escapes, such as that of a line break, can hide in the text what the values contain.
            spans = [
                self.span(path)
                for path, text in _texts(self.value, ())
                if find_keys(text, whole=whole)
            ]
        if spans:
            self.diagnostics = [api_key_diagnostic(span) for span in spans]
        elif self.value is None and "SG." in self.text:
            # There are no values to check.
            self.diagnostics = [replace(diagnostic, excerpt="") for diagnostic in self.diagnostics]
        return bool(spans)


def _texts(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _texts(item, (*path, number))
    elif isinstance(value, dict):
        for key, item in value.items():
            inner = (*path, key)
            yield inner, key
            yield from _texts(item, inner)


def api_key_diagnostic(span: Span) -> Diagnostic:
    """Return the diagnostic for an API key in a file, without the line that contains it."""
    return Diagnostic(
        "key-in-file",
        Severity.ERROR,
        "this looks like a SendGrid API key, which must not be in a file in git",
        span,
        hint="revoke the key in SendGrid, create a new one, and set it in an environment variable "
        "(the line is not shown)",
    )


def sort_diagnostics(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Return diagnostics ordered by file, line and column, each once."""

    def place(diagnostic: Diagnostic) -> tuple[str, int, int]:
        span = diagnostic.span
        return (span.file, span.line, span.column) if span else ("", 0, 0)

    return sorted(dict.fromkeys(diagnostics), key=place)


def excerpt_lines(text: str) -> list[str]:
    """Return the lines of a text for display: keys and addresses masked, every column kept."""
    return _LINE_BREAK.split(redact(_masked(text, same_length=True)))


def quote_value(text: str) -> str:
    """Quote a value for a message: shortened, and with addresses masked."""
    # Masked before it is cut: half an address would not be recognised.
    text = _masked(text)
    return f"`{text if len(text) <= _MAX_QUOTE else text[:_MAX_QUOTE] + '…'}`"


def _masked(text: str, *, same_length: bool = False) -> str:
    if "@" not in text:
        return text
    from segctl.query.personal_data import mask_email_addresses  # noqa: PLC0415 - only where there may be one

    return mask_email_addresses(text, same_length=same_length)


def spans_at(file: str, text: str, offsets: Sequence[int]) -> list[Span]:
    """Return the spans of offsets, in characters, in a text."""
    if not offsets:
        return []
    starts = [0, *(line_break.end() for line_break in _LINE_BREAK.finditer(text))]
    lines = [bisect.bisect_right(starts, offset) for offset in offsets]
    return [
        Span(file, line, offset - starts[line - 1] + 1)
        for line, offset in zip(lines, offsets, strict=True)
    ]


def decode_utf8(
    file: str, data: bytes, max_bytes: int = MAX_BYTES
) -> tuple[str, Diagnostic | None]:
    """Decode the bytes of a file, at most `max_bytes`, as UTF-8 with or without a byte order mark.

    Returns the text, or an empty text and the reason why there is none.
    """
    if len(data) > max_bytes:
        # The reader stops there, so the real size is not known.
        summary = f"the file is larger than the limit of {max_bytes:,} bytes"
        return "", Diagnostic("file-too-large", Severity.ERROR, summary, Span(file, 1, 1))
    hint = "save the file as UTF-8 in your editor"
    encoding = _other_encoding(data)
    if encoding:
        summary = f"the file must be UTF-8, got {encoding}"
        return "", Diagnostic("not-utf8", Severity.ERROR, summary, Span(file, 1, 1), hint)
    try:
        return data.decode("utf-8").lstrip("\ufeff"), None
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8").lstrip("\ufeff")
        (span,) = spans_at(file, before, [len(before)])
        line = excerpt_lines(data.decode("utf-8", "replace").lstrip("\ufeff"))[span.line - 1]
        summary = f"the file must be UTF-8: invalid byte 0x{data[error.start]:02x}"
        return "", Diagnostic("not-utf8", Severity.ERROR, summary, span, hint, line)


def _other_encoding(data: bytes) -> str:
    """Recognise what Windows tools write: a byte order mark, or every other byte zero."""
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "UTF-32"
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "UTF-16"
    return "UTF-16" if len(data) > 1 and (data[0] == 0) != (data[1] == 0) else ""


def span_of(file: str, place: Place) -> Span:
    """Return a place as a span of a file."""
    return Span(file, place.line + 1, place.column + 1, place.end_line + 1, place.end_column + 1)
