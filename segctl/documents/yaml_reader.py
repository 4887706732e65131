"""Reads YAML text into a `Document`: plain data and the place of everything.

Composes from PyYAML's events, so that duplicate keys, aliases that explode and nesting without end
are found before they cost anything (a recursive loader takes quadratic time, then the whole
process, on a file of opening brackets). Refuses what is not plain data: tags, merge keys, keys
that are not text, a second document. Knows nothing of segments.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from yaml import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    ScalarNode,
    SequenceEndEvent,
    SequenceStartEvent,
    YAMLError,
)
from yaml._yaml import CParser
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

from segctl.documents.document import (
    Document,
    Path,
    Place,
    UnquotedDate,
    quote_value,
    span_of,
    spans_at,
)

if TYPE_CHECKING:
    from segctl.errors import Span

MAX_DEPTH = 20
MAX_NODES = 20_000

# What YAML allows, less the three line breaks that no editor shows as one: a reviewer would take
# what follows them for the rest of a comment.
# What is forbidden, and not "all but what is allowed", which takes ten times as long to compile.
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]"
)
_HIDDEN_BREAKS = "\x85\u2028\u2029"

_VALUE_TAGS = {f"tag:yaml.org,2002:{kind}" for kind in ("int", "float", "bool", "null")}
_STRING_TAG = "tag:yaml.org,2002:str"
_TIMESTAMP_TAG = "tag:yaml.org,2002:timestamp"

_MOST_BITS = 1 << 12
"""Of a number. Python writes none of more than 4,300 digits."""

_RESOLVER: Any = Resolver()
_SPECIAL = frozenset(Resolver.yaml_implicit_resolvers)
"""What begins a plain scalar that may be other than text; an empty one is null."""


def parse_document(file: str, text: str) -> Document:
    """Read one YAML document. Never raises for what the text holds: see `diagnostics`."""
    document = Document(file, text)
    forbidden = _FORBIDDEN.search(text)
    if forbidden:
        _report_character(document, forbidden.start())
        return document
    error = _build(document, text)
    if error is not None and "exceeded maximum nesting" in str(error):
        # libyaml scans ahead, 1,000 brackets at most, before it passes on the first of them. Up to
        # the one that it refuses there are more than enough for the limit here.
        document = Document(file, text)
        error = _build(document, text[: error.problem_mark.index])
    if error is not None:
        from segctl.documents.yaml_errors import report_syntax  # noqa: PLC0415 - seldom

        document.value = None
        report_syntax(document, error)
    return document


def _build(document: Document, text: str) -> Any:
    """Read a text into the document; return the `YAMLError` of what is no YAML, or `None`."""
    try:
        _Builder(document).build(CParser(text))
    except YAMLError as error:
        return error
    except _Stop:
        pass
    return None


def _report_character(document: Document, offset: int) -> None:
    char = document.text[offset]
    name = f"U+{ord(char):04X}"
    (span,) = spans_at(document.file, document.text, [offset])
    if char in _HIDDEN_BREAKS:
        document.report_at(
            "hidden-line-break",
            f"a line break that editors do not show stands here ({name})",
            span,
            hint="remove it, or press Enter instead",
        )
    else:
        document.report_at(
            "control-character",
            f"a character that YAML does not allow stands here ({name})",
            span,
            hint="remove it",
        )


class _Stop(Exception):
    """The document cannot be read on; the reason is among its diagnostics."""


class _Frame:
    """A collection that is still open: a sequence with `items`, or a mapping without."""

    __slots__ = (
        *("path", "start", "anchor", "items", "value", "size"),
        *("key", "key_place", "duplicate"),
    )

    def __init__(self, path: Path, event: Any) -> None:
        self.path = path
        self.start = event.start_mark
        self.anchor: str | None = event.anchor
        self.items: list[Any] | None = None if isinstance(event, MappingStartEvent) else []
        self.value: Any = {} if self.items is None else self.items
        self.size = 1
        self.key: Any = None
        self.key_place: Place | None = None
        self.duplicate = False

    def next_path(self) -> Path:
        """Give the path of the value that comes next."""
        step = self.key if self.items is None else len(self.items)
        return (*self.path, step)


class _Builder:
    """Turns events into data, one frame for each open collection."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.frames: list[_Frame] = []
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.open_anchors: set[str] = set()
        self.nodes = 0
        self.documents = 0

    def build(self, parser: CParser) -> None:
        actions = {
            ScalarEvent: self.scalar,
            AliasEvent: self.alias,
            MappingStartEvent: self.open,
            SequenceStartEvent: self.open,
            MappingEndEvent: self.close,
            SequenceEndEvent: self.close,
            DocumentStartEvent: self.start,
        }
        while (event := parser.get_event()) is not None:
            action = actions.get(type(event))
            if action is not None:
                action(event)

    def start(self, event: Any) -> None:
        self.documents += 1
        if self.documents > 1:
            hint = "move it to a file of its own, or remove the line"
            self.stop("second-document", "a second YAML document starts here", event, hint)

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

    def mapping_without_key(self) -> _Frame | None:
        """Give the innermost collection where it is a mapping and its next key comes now."""
        frame = self.frames[-1] if self.frames else None
        return frame if frame and frame.items is None and frame.key is None else None

    def scalar(self, event: Any) -> None:
        self.count(1, event)
        place = _place(event.start_mark, event.end_mark, event.style or "")
        frame = self.mapping_without_key()
        if frame is None:
            value = self.resolve(event)
            self.add(value, 1, place)
        else:
            value = event.value
            self.set_key(frame, value, place, event)
        if event.anchor:
            self.anchors[event.anchor] = (value, 1)

    def set_key(self, frame: _Frame, key: str, place: Place, event: Any) -> None:
        if key == "<<" and not event.style:
            self.stop(
                "merge-key",
                "merge keys (<<) are not supported",
                event,
                "write the keys out",
            )
        frame.key, frame.key_place = key, place
        frame.duplicate = key in frame.value
        if frame.duplicate:
            first = self.document.keys.get((*frame.path, key))
            where = f" (first on line {first.line + 1})" if first else ""
            self.document.report_at(
                "duplicate-key",
                f"the key {quote_value(key)} stands here a second time{where}",
                span_of(self.document.file, place),
                hint="keep one of the two",
            )

    def resolve(self, event: Any) -> Any:
        value = event.value
        if event.tag is not None:
            if event.tag not in {"!", _STRING_TAG}:
                self.unknown_tag(event)
            return value
        if event.style or value[:1] not in _SPECIAL:
            return value
        tag = _RESOLVER.resolve(ScalarNode, value, (True, False))
        if tag == _TIMESTAMP_TAG:
            return UnquotedDate(value)
        if tag not in _VALUE_TAGS:
            return value
        try:
            made = SafeConstructor().construct_object(ScalarNode(tag, value))
        except ValueError:
            # A number that Python cannot make, such as one of five thousand digits.
            return value
        # Of so many bits, made of other than decimal digits, Python cannot write it.
        return value if isinstance(made, int) and made.bit_length() > _MOST_BITS else made

    def unknown_tag(self, event: Any) -> None:
        tag = event.tag.replace("tag:yaml.org,2002:", "!!")
        self.stop(
            "yaml-tag",
            f"the tag {quote_value(tag)} is not supported",
            event,
            "remove it; text that starts with ! needs quotes",
        )

    def alias(self, event: Any) -> None:
        if self.mapping_without_key():
            self.stop("bad-key", "a key must be plain text", event, "write the key out")
        if event.anchor in self.open_anchors:
            self.stop(
                "alias-cycle",
                f"the alias *{event.anchor} stands inside itself",
                event,
                "write the value out",
            )
        if event.anchor not in self.anchors:
            self.stop(
                "unknown-alias",
                f"there is no anchor &{event.anchor} above this alias",
                event,
                "text that starts with * needs quotes",
            )
        value, size = self.anchors[event.anchor]
        self.count(size, event)
        self.add(value, size, _place(event.start_mark, event.end_mark))

    def open(self, event: Any) -> None:
        self.count(1, event)
        if self.mapping_without_key():
            hint = "text that starts with [ or { needs quotes"
            self.stop("bad-key", "a key must be plain text", event, hint)
        if event.tag is not None and event.tag != "!":
            kind = "map" if isinstance(event, MappingStartEvent) else "seq"
            if event.tag != f"tag:yaml.org,2002:{kind}":
                self.unknown_tag(event)
        if len(self.frames) >= MAX_DEPTH:
            self.stop(
                "too-deep",
                f"values are nested more than {MAX_DEPTH} deep",
                event,
                "is a bracket left open?",
            )
        if event.anchor:
            self.open_anchors.add(event.anchor)
        path = self.frames[-1].next_path() if self.frames else ()
        self.frames.append(_Frame(path, event))

    def close(self, event: Any) -> None:
        frame = self.frames.pop()
        place = _place(frame.start, event.end_mark)
        if frame.anchor:
            self.open_anchors.discard(frame.anchor)
            self.anchors[frame.anchor] = (frame.value, frame.size)
        self.add(frame.value, frame.size, place)

    def add(self, value: Any, size: int, place: Place) -> None:
        if not self.frames:
            self.document.value = value
            self.document.places[()] = place
            return
        frame = self.frames[-1]
        frame.size += size
        if frame.items is not None:
            self.document.places[frame.next_path()] = place
            frame.items.append(value)
            return
        if frame.key_place is not None and not frame.duplicate:
            path = frame.next_path()
            self.document.places[path] = place
            self.document.keys[path] = frame.key_place
            frame.value[frame.key] = value
        frame.key = None


def _place(start: Any, end: Any, style: str | None = None) -> Place:
    return Place(start.line, start.column, start.index, end.line, end.column, end.index, style)


def _event_span(file: str, event: Any) -> Span:
    return span_of(file, _place(event.start_mark, event.end_mark))
