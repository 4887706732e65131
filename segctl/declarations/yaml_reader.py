"""Reads YAML text into a `Document`: plain data and the place of everything.

Composes from PyYAML's events, so that duplicate keys, aliases that explode and nesting without end
are found before they cost anything (a recursive loader takes quadratic time, then the whole
process, on a file of opening brackets). Refuses what is not plain data: tags, merge keys, keys
that are not text, a second document. Knows nothing of segments.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from segctl.declarations.document import (
    Document,
    Path,
    Place,
    UnquotedDate,
    place_span,
    position_span,
)
from segctl.errors import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_DEPTH = 20
MAX_NODES = 20_000

_PLAIN_TAGS = {f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null")}
_STRING_TAG = "tag:yaml.org,2002:str"
_TIMESTAMP_TAG = "tag:yaml.org,2002:timestamp"
_MERGE_TAG = "tag:yaml.org,2002:merge"


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
                place_span(self.document.file, place),
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


_ADVICE = (
    ("mapping values are not allowed", "text that holds `: ` needs quotes; check the indentation"),
    (
        "cannot start any token",
        "indent with spaces, not tabs; text that starts with % @ ` needs quotes",
    ),
    ("tab", "indent with spaces, not tabs"),
    ("expected <block end>", "check the indentation of this line and of the ones above it"),
    ("did not find expected key", "check the indentation and the quotes of this line"),
    ("unexpected end of stream", "a quote or a bracket is opened and never closed"),
    ("expected ',' or", "a bracket is opened and never closed, or a comma is missing"),
    ("simple key", "the line needs a `:` after its key"),
)


def _report_syntax(document: Document, error: yaml.MarkedYAMLError) -> None:
    mark = error.problem_mark or error.context_mark
    span = (
        Span(document.file, mark.line + 1, mark.column + 1) if mark else Span(document.file, 1, 1)
    )
    problem = " ".join(part for part in (error.context, error.problem) if part) or "bad syntax"
    hint = next((advice for words, advice in _ADVICE if words in problem), "")
    document.report_at("yaml-syntax", f"not valid YAML: {problem}", span, hint=hint)
