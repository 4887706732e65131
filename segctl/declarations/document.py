"""One YAML document as plain data, with the place of every key and value.

Owns the reading of YAML: it composes from PyYAML's events, so that duplicate keys, aliases that
explode and nesting without end are found before they cost anything (a recursive loader takes
quadratic time, then the whole process, on a file of opening brackets). Refuses everything that is
not plain data: tags, merge keys, keys that are not text, a second document. Knows nothing of
segments.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import yaml

from segctl.errors import Diagnostic, Severity, Span
from segctl.secrets import find_key, redact

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_BYTES = 1 << 20
MAX_DEPTH = 20
MAX_NODES = 20_000

Path: TypeAlias = tuple[str | int, ...]

_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_PLAIN_TAGS = {f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null")}
_STRING_TAG = "tag:yaml.org,2002:str"
_TIMESTAMP_TAG = "tag:yaml.org,2002:timestamp"
_MERGE_TAG = "tag:yaml.org,2002:merge"


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
        return _span(self.file, place)

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
        return "", Diagnostic(
            "not-utf8", Severity.ERROR, summary, Span(file, line, column), hint
        )


def parse_document(file: str, text: str) -> Document:
    """Read one YAML document. Never raises for what the text holds: see `diagnostics`."""
    document = Document(file, text)
    loader = yaml.CSafeLoader(text)
    try:
        _Builder(document, loader).build()
    except yaml.MarkedYAMLError as error:
        _report_syntax(document, error)
    except yaml.reader.ReaderError as error:
        position = error.position if isinstance(error.position, int) else 0
        document.report_at(
            "control-character",
            "the file holds a character that YAML does not allow",
            position_span(file, text, position),
            hint="remove it, or write it as an escape inside double quotes",
        )
    except _Stop:
        pass
    finally:
        loader.dispose()
    return document


class _Stop(Exception):  # noqa: N818 - a signal that reading ends here, not an error of its own
    """The document cannot be read on; the reason is among its diagnostics."""


@dataclass(slots=True)
class _Frame:
    """A collection that is still open."""

    path: Path
    start: Any
    anchor: str | None
    value: dict[str, Any] | list[Any]
    size: int = 1
    key: str | None = None
    key_place: Place | None = None
    duplicate: bool = False


class _Builder:
    """Turns events into data, one frame for each open collection."""

    def __init__(self, document: Document, loader: Any) -> None:
        self.document = document
        self.loader = loader
        self.frames: list[_Frame] = []
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.open_anchors: set[str] = set()
        self.nodes = 0
        self.documents = 0

    def events(self) -> Iterator[Any]:
        while self.loader.check_event():
            yield self.loader.get_event()

    def build(self) -> None:
        for event in self.events():
            match event:
                case yaml.ScalarEvent():
                    self.scalar(event)
                case yaml.AliasEvent():
                    self.alias(event)
                case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                    self.open(event)
                case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                    self.close(event)
                case yaml.DocumentStartEvent():
                    self.documents += 1
                    if self.documents > 1:
                        self.stop(
                            "second-document",
                            "a second YAML document starts here",
                            event,
                            "declare one segment a file",
                        )
                case _:
                    pass

    def stop(self, code: str, summary: str, event: Any, hint: str = "") -> None:
        self.document.report_at(code, summary, _event_span(self.document.file, event), hint=hint)
        raise _Stop

    def count(self, size: int, event: Any) -> None:
        self.nodes += size
        if self.nodes > MAX_NODES:
            self.stop(
                "too-many-nodes",
                f"the file has more than {MAX_NODES:,} values once its aliases are written out",
                event,
                "write the values out, or make the file smaller",
            )

    def expects_key(self) -> bool:
        frame = self.frames[-1] if self.frames else None
        return frame is not None and isinstance(frame.value, dict) and frame.key is None

    def child_path(self) -> Path:
        if not self.frames:
            return ()
        frame = self.frames[-1]
        if isinstance(frame.value, list):
            return (*frame.path, len(frame.value))
        return (*frame.path, frame.key if frame.key is not None else "")

    def scalar(self, event: Any) -> None:
        self.count(1, event)
        place = _place(event, event.style or "")
        if self.expects_key():
            self.set_key(event.value, place, event)
            return
        value = self.resolve(event)
        path = self.child_path()
        self.add(value, 1, path, place)
        if event.anchor:
            self.anchors[event.anchor] = (value, 1)

    def set_key(self, key: str, place: Place, event: Any) -> None:
        frame = self.frames[-1]
        if key == "<<" and not event.style:
            self.stop(
                "merge-key",
                "merge keys (<<) are not supported",
                event,
                "write the keys out",
            )
        frame.key, frame.key_place = key, place
        frame.duplicate = isinstance(frame.value, dict) and key in frame.value
        if frame.duplicate:
            first = self.document.keys.get((*frame.path, key))
            where = f" (first on line {first.line + 1})" if first else ""
            self.document.report_at(
                "duplicate-key",
                f"the key `{key}` stands here a second time{where}",
                _span(self.document.file, place),
                hint="keep one of the two",
            )

    def resolve(self, event: Any) -> Any:
        tag = event.tag
        if tag is None or tag == "!":
            tag = self.loader.resolve(
                yaml.ScalarNode, event.value, (event.implicit[0] and tag is None, True)
            )
        if tag == _STRING_TAG:
            return event.value
        if tag == _TIMESTAMP_TAG and event.tag is None:
            return UnquotedDate(event.value)
        if tag == _MERGE_TAG or (tag not in _PLAIN_TAGS and event.tag is None):
            return event.value
        if tag not in _PLAIN_TAGS:
            self.unknown_tag(event)
        try:
            return self.loader.construct_object(yaml.ScalarNode(tag, event.value))
        except (ValueError, yaml.constructor.ConstructorError):
            return event.value

    def unknown_tag(self, event: Any) -> None:
        self.stop(
            "yaml-tag",
            f"the tag `{event.tag}` is not supported",
            event,
            "write plain text, numbers, lists and mappings",
        )

    def alias(self, event: Any) -> None:
        if self.expects_key():
            self.stop("bad-key", "a key must be plain text", event)
        if event.anchor in self.open_anchors:
            self.stop("alias-cycle", f"the alias *{event.anchor} stands inside itself", event)
        if event.anchor not in self.anchors:
            self.stop(
                "unknown-alias",
                f"there is no anchor &{event.anchor} above this alias",
                event,
            )
        value, size = self.anchors[event.anchor]
        self.count(size, event)
        self.add(value, size, self.child_path(), _place(event))

    def open(self, event: Any) -> None:
        self.count(1, event)
        if self.expects_key():
            self.stop("bad-key", "a key must be plain text", event)
        if event.tag is not None and event.tag != "!":
            kind = "map" if isinstance(event, yaml.MappingStartEvent) else "seq"
            if event.tag != f"tag:yaml.org,2002:{kind}":
                self.unknown_tag(event)
        if len(self.frames) >= MAX_DEPTH:
            self.stop("too-deep", f"values are nested more than {MAX_DEPTH} deep", event)
        if event.anchor:
            self.open_anchors.add(event.anchor)
        value: dict[str, Any] | list[Any] = (
            {} if isinstance(event, yaml.MappingStartEvent) else []
        )
        self.frames.append(_Frame(self.child_path(), event.start_mark, event.anchor, value))

    def close(self, event: Any) -> None:
        frame = self.frames.pop()
        end = event.end_mark
        start = frame.start
        place = Place(start.line, start.column, start.index, end.line, end.column, end.index)
        if frame.anchor:
            self.open_anchors.discard(frame.anchor)
            self.anchors[frame.anchor] = (frame.value, frame.size)
        self.add(frame.value, frame.size, frame.path, place)

    def add(self, value: Any, size: int, path: Path, place: Place) -> None:
        if not self.frames:
            self.document.value = value
            self.document.places[()] = place
            return
        frame = self.frames[-1]
        frame.size += size
        if isinstance(frame.value, list):
            self.document.places[path] = place
            frame.value.append(value)
            return
        if frame.key is not None and frame.key_place is not None and not frame.duplicate:
            self.document.places[path] = place
            self.document.keys[path] = frame.key_place
            frame.value[frame.key] = value
        frame.key = None


def _place(event: Any, style: str | None = None) -> Place:
    start, end = event.start_mark, event.end_mark
    return Place(
        start.line, start.column, start.index, end.line, end.column, end.index, style
    )


def _span(file: str, place: Place) -> Span:
    return Span(
        file, place.line + 1, place.column + 1, place.end_line + 1, place.end_column + 1
    )


def _event_span(file: str, event: Any) -> Span:
    return _span(file, _place(event))


_ADVICE = (
    ("mapping values are not allowed", "text that holds `: ` needs quotes; check the indentation"),
    ("cannot start any token", "indent with spaces, not tabs; text that starts with % @ ` needs quotes"),
    ("tab", "indent with spaces, not tabs"),
    ("expected <block end>", "check the indentation of this line and of the ones above it"),
    ("did not find expected key", "check the indentation and the quotes of this line"),
    ("unexpected end of stream", "a quote or a bracket is opened and never closed"),
    ("expected ',' or", "a bracket is opened and never closed, or a comma is missing"),
    ("simple key", "the line needs a `:` after its key"),
)


def _report_syntax(document: Document, error: yaml.MarkedYAMLError) -> None:
    mark = error.problem_mark or error.context_mark
    span = Span(document.file, mark.line + 1, mark.column + 1) if mark else Span(document.file, 1, 1)
    problem = " ".join(part for part in (error.context, error.problem) if part) or "bad syntax"
    hint = next((advice for words, advice in _ADVICE if words in problem), "")
    document.report_at("yaml-syntax", f"not valid YAML: {problem}", span, hint=hint)
