"""Reads YAML text into a `Document`: plain data and the place of everything.

Composes from PyYAML's events, so that duplicate keys, aliases that explode and nesting without end
are found before they cost anything (a recursive loader takes quadratic time, then the whole
process, on a file of opening brackets). Refuses what is not plain data: tags, merge keys, keys
that are not text, a second document. Knows nothing of segments.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from segctl.declarations.document import (
    Document,
    Path,
    Place,
    UnquotedDate,
    place_span,
    position_spans,
    quoted,
)
from segctl.declarations.yaml_problems import report_syntax

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


def parse_document(file: str, text: str) -> Document:
    """Read one YAML document. Never raises for what the text holds: see `diagnostics`."""
    document = Document(file, text)
    forbidden = _FORBIDDEN.search(text)
    if forbidden:
        _report_character(document, forbidden.start())
        return document
    loader = yaml.CSafeLoader(text)
    try:
        _Builder(document, loader).build()
    except yaml.YAMLError as error:
        document.value = None
        report_syntax(document, error)
    except _Stop:
        pass
    finally:
        loader.dispose()
    return document


def _report_character(document: Document, offset: int) -> None:
    char = document.text[offset]
    name = f"U+{ord(char):04X}"
    (span,) = position_spans(document.file, document.text, [offset])
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

    def build(self) -> None:
        actions = {
            yaml.ScalarEvent: self.scalar,
            yaml.AliasEvent: self.alias,
            yaml.MappingStartEvent: self.open,
            yaml.SequenceStartEvent: self.open,
            yaml.MappingEndEvent: self.close,
            yaml.SequenceEndEvent: self.close,
            yaml.DocumentStartEvent: self.start,
        }
        while self.loader.check_event():
            event = self.loader.get_event()
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
            value = event.value
            self.set_key(value, place, event)
        else:
            value = self.resolve(event)
            self.add(value, 1, self.child_path(), place)
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
                f"the key {quoted(key)} stands here a second time{where}",
                place_span(self.document.file, place),
                hint="keep one of the two",
            )

    def resolve(self, event: Any) -> Any:
        if event.tag not in {None, "!", _STRING_TAG}:
            self.unknown_tag(event)
        if event.tag is not None or event.style:
            return event.value
        tag = self.loader.resolve(yaml.ScalarNode, event.value, (True, False))
        if tag == _TIMESTAMP_TAG:
            return UnquotedDate(event.value)
        if tag not in _VALUE_TAGS:
            return event.value
        try:
            return self.loader.construct_object(yaml.ScalarNode(tag, event.value))
        except ValueError:
            # A number that Python cannot make, such as one of five thousand digits.
            return event.value

    def unknown_tag(self, event: Any) -> None:
        tag = event.tag.replace("tag:yaml.org,2002:", "!!")
        self.stop(
            "yaml-tag",
            f"the tag {quoted(tag)} is not supported",
            event,
            "remove it; text that starts with ! needs quotes",
        )

    def alias(self, event: Any) -> None:
        if self.expects_key():
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
        self.add(value, size, self.child_path(), _place(event))

    def open(self, event: Any) -> None:
        self.count(1, event)
        if self.expects_key():
            hint = "text that starts with [ or { needs quotes"
            self.stop("bad-key", "a key must be plain text", event, hint)
        if event.tag is not None and event.tag != "!":
            kind = "map" if isinstance(event, yaml.MappingStartEvent) else "seq"
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
        value: dict[str, Any] | list[Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
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
    return Place(start.line, start.column, start.index, end.line, end.column, end.index, style)


def _event_span(file: str, event: Any) -> Span:
    return place_span(file, _place(event))
