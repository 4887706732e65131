"""A YAML document as plain data, with the place of every key and value.

Owns places: from a path to a span, from an offset to a line and column, from a line to its text;
and the findings that belong to a document. How the text is read is `yaml_reader.py`.
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
_MOST_QUOTED = 80


@dataclass(frozen=True, slots=True)
class UnquotedDate:
    """A plain scalar that YAML takes for a date; JSON has no such type, so it fits no schema."""

    text: str


class Place(NamedTuple):
    """Where a node stands: lines and columns from zero, as YAML marks count them, and offsets.

    `style` is that of a scalar (`|`, `>`, `'`, `"` or empty for a plain one), else `None`. A tuple,
    since there are a dozen of them to a file, and a frozen dataclass takes four times as long.
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
    """A document's `value` as plain data, and where each part of it stands.

    `value` is `None` where the file is empty or could not be read to its end. `places` and `keys`
    go from a path (`("targets", "eu", "region")`) to the place of the value and of its key. What an
    alias repeats has no place of its own: `span` gives its parent's.
    """

    file: str
    text: str
    value: Any = None
    places: dict[Path, Place] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    _excerpts: list[str] = field(default_factory=list, repr=False)

    def span(self, path: Path, *, key: bool = False) -> Span:
        """Give the place of the value at `path`, or of its key; the nearest known one above it."""
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
        self.diagnostics.append(
            Diagnostic(code, severity, redact(summary), span, redact(hint), self.excerpt(span.line))
        )

    @property
    def lines(self) -> list[str]:
        """Split the text into its lines, as it stands: nothing of it is for showing."""
        return _LINE_BREAK.split(self.text)

    def excerpt(self, line: int) -> str:
        """Give a line, counted from 1, without keys and addresses."""
        if not self._excerpts:
            # Once a document: a file of ten thousand mistakes must not be split as often.
            self._excerpts = excerpt_lines(self.text)
        return self._excerpts[line - 1] if line <= len(self._excerpts) else ""

    def report_api_keys(self, *, whole: bool) -> bool:
        """Report every API key that stands in the file, unshown; say whether there is one.

        `whole` as for `find_keys`. Of a file that holds a key nothing else is reported, since
        any other line of it might show a part of the key.
        """
        spans = spans_at(self.file, self.text, find_keys(self.text, whole=whole))
        if not spans and "\\" in self.text:
            # Escapes, that of a line break among them, can hide from the text what values hold.
            spans = [
                self.span(path)
                for path, text in _texts(self.value, ())
                if find_keys(text, whole=whole)
            ]
        if spans:
            self.diagnostics = [api_key_diagnostic(span) for span in spans]
        elif self.value is None and "SG." in self.text:
            # There are no values to look into.
            self.diagnostics = [replace(found, excerpt="") for found in self.diagnostics]
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
    """Say that an API key stands at a place, without showing the line."""
    return Diagnostic(
        "key-in-file",
        Severity.ERROR,
        "this looks like a SendGrid API key, and a file in git is no place for one",
        span,
        hint="revoke the key in SendGrid, make a new one, and set it as an environment variable; "
        "the line is not shown",
    )


def sort_diagnostics(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Order findings by file, line and column; each of them once."""

    def place(found: Diagnostic) -> tuple[str, int, int]:
        span = found.span
        return (span.file, span.line, span.column) if span else ("", 0, 0)

    return sorted(dict.fromkeys(diagnostics), key=place)


def excerpt_lines(text: str) -> list[str]:
    """Give the lines of a text for showing: keys and addresses are masked, and columns stay."""
    return _LINE_BREAK.split(redact(_masked(text, same_length=True)))


def quote_value(text: str) -> str:
    """Quote what somebody wrote, in a message: not more of it than helps, and no address."""
    # Before it is cut: a mask does not know half of one.
    text = _masked(text)
    return f"`{text if len(text) <= _MOST_QUOTED else text[:_MOST_QUOTED] + '…'}`"


def _masked(text: str, *, same_length: bool = False) -> str:
    if "@" not in text:
        return text
    from segctl.query.personal_data import mask_email_addresses  # noqa: PLC0415 - only where there may be one

    return mask_email_addresses(text, same_length=same_length)


def spans_at(file: str, text: str, offsets: Sequence[int]) -> list[Span]:
    """Give the places of offsets (in characters) of a text."""
    if not offsets:
        return []
    starts = [0, *(found.end() for found in _LINE_BREAK.finditer(text))]
    lines = [bisect.bisect_right(starts, offset) for offset in offsets]
    return [
        Span(file, line, offset - starts[line - 1] + 1)
        for line, offset in zip(lines, offsets, strict=True)
    ]


def decode_utf8(file: str, data: bytes, most: int = MAX_BYTES) -> tuple[str, Diagnostic | None]:
    """Decode a file's bytes, at most so many, as UTF-8, with or without a byte order mark.

    Gives the text, or an empty one and the reason why there is none.
    """
    if len(data) > most:
        # The reader stops there, so how large it really is nobody knows.
        summary = f"the file is larger than {most:,} bytes"
        return "", Diagnostic("file-too-large", Severity.ERROR, summary, Span(file, 1, 1))
    hint = "save the file as UTF-8 in your editor"
    other = _other_encoding(data)
    if other:
        summary = f"the file is {other}, not UTF-8"
        return "", Diagnostic("not-utf8", Severity.ERROR, summary, Span(file, 1, 1), hint)
    try:
        return data.decode("utf-8").lstrip("\ufeff"), None
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8").lstrip("\ufeff")
        (span,) = spans_at(file, before, [len(before)])
        line = excerpt_lines(data.decode("utf-8", "replace").lstrip("\ufeff"))[span.line - 1]
        summary = f"the file is not UTF-8: byte 0x{data[error.start]:02x} has no meaning here"
        return "", Diagnostic("not-utf8", Severity.ERROR, summary, span, hint, line)


def _other_encoding(data: bytes) -> str:
    """Recognise what Windows tools write: a byte order mark, or every other byte zero."""
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "UTF-32"
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "UTF-16"
    return "UTF-16" if len(data) > 1 and (data[0] == 0) != (data[1] == 0) else ""


def span_of(file: str, place: Place) -> Span:
    """Give a place as a span of a file."""
    return Span(file, place.line + 1, place.column + 1, place.end_line + 1, place.end_column + 1)
