"""A reader from YAML text to a `Document`: plain data, and the place of every part of it.

Composes from PyYAML's events, so that duplicate keys, exponential aliases and endless nesting are
found before they cost anything (a recursive loader takes quadratic time on a file of opening
brackets, then takes the process down). Refuses what is not plain data: tags, merge keys, keys that
are not text, a second document, what git left instead of the content. Does not know segments.
"""

from __future__ import annotations

import re
from decimal import Decimal
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
from segctl.documents.git_leftovers import git_leftover

if TYPE_CHECKING:
    from segctl.errors import Span

MAX_DEPTH = 20
MAX_NODES = 20_000

# YAML allows three more line breaks, which no editor shows as one: a reviewer would take what
# follows them for the rest of a comment. A pattern of the allowed characters would take ten times
# as long to compile.
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]"
)
_HIDDEN_BREAKS = "\x85\u2028\u2029"

_VALUE_TAGS = {f"tag:yaml.org,2002:{kind}" for kind in ("int", "float", "bool", "null")}
_STRING_TAG = "tag:yaml.org,2002:str"
_TIMESTAMP_TAG = "tag:yaml.org,2002:timestamp"

_MAX_BITS = 1 << 12
"""The limit for a number: Python cannot write one with more than 4,300 digits."""

_DECIMAL = re.compile(
    r"[-+]?(?:0|[1-9][0-9]*|[0-9]*\.[0-9]+|[0-9]+\.)(?:[eE][-+][0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
"""A number that YAML reads as everyone does, unlike 012, 0x10, 1:30 and 1_000."""

_RESOLVER: Any = Resolver()
_SPECIAL = frozenset(Resolver.yaml_implicit_resolvers)
"""First characters of plain scalars that may not be strings; an empty scalar is null."""


def parse_document(file: str, text: str) -> Document:
    """Return the document in a text. Never raises for its content: see `diagnostics`."""
    document = Document(file, text)
    leftover = git_leftover(file, text)
    if leftover is not None:
        document.diagnostics.append(leftover)
        return document
    forbidden = _FORBIDDEN.search(text)
    if forbidden:
        _report_character(document, forbidden.start())
        return document
    error = _build(document, text)
    if error is not None and "exceeded maximum nesting" in str(error):
        # libyaml scans ahead, up to 1,000 brackets, before it returns the first of them. The text
        # before the bracket that it refuses has more than enough of them for the limit here.
        document = Document(file, text)
        error = _build(document, text[: error.problem_mark.index])
    if error is not None:
        from segctl.documents.yaml_errors import report_syntax  # noqa: PLC0415 - seldom

        document.value = None
        report_syntax(document, error)
    return document


def _build(document: Document, text: str) -> Any:
    """Read a text into the document; return the `YAMLError` where it is not YAML, or `None`."""
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
            f"invisible line break ({name})",
            span,
            hint="remove it, or replace it with an ordinary line break",
        )
    else:
        document.report_at(
            "control-character",
            f"YAML does not allow the character {name}",
            span,
            hint="remove it",
        )


class _Stop(Exception):
    """Ends the reading; the reason is among the diagnostics of the document."""


class _OpenCollection:
    """A collection whose end is not read yet: a sequence with `items`, or a mapping without."""

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
        """Return the path of the next value."""
        step = self.key if self.items is None else len(self.items)
        return (*self.path, step)


class _Builder:
    """Builds the data of a document from events, with a stack of open collections."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.stack: list[_OpenCollection] = []
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
            hint = "move it to a separate file, or remove the line"
            self.stop("second-document", "a second YAML document starts here", event, hint)

    def stop(self, code: str, summary: str, event: Any, hint: str = "") -> None:
        self.document.report_at(code, summary, _event_span(self.document.file, event), hint=hint)
        raise _Stop

    def count(self, size: int, event: Any) -> None:
        self.nodes += size
        if self.nodes > MAX_NODES:
            self.stop(
                "too-many-nodes",
                f"the file has more than {MAX_NODES:,} values when its aliases are expanded",
                event,
                "use fewer aliases, or make the file smaller",
            )

    def mapping_without_key(self) -> _OpenCollection | None:
        """Return the innermost collection if it is a mapping whose next key is due, or `None`."""
        collection = self.stack[-1] if self.stack else None
        return (
            collection
            if collection and collection.items is None and collection.key is None
            else None
        )

    def scalar(self, event: Any) -> None:
        self.count(1, event)
        place = _place(event.start_mark, event.end_mark, event.style or "")
        collection = self.mapping_without_key()
        if collection is None:
            value = self.resolve(event)
            self.add(value, 1, place)
        else:
            value = event.value
            self.set_key(collection, value, place, event)
        if event.anchor:
            self.anchors[event.anchor] = (value, 1)

    def set_key(self, collection: _OpenCollection, key: str, place: Place, event: Any) -> None:
        if key == "<<" and not event.style:
            self.stop(
                "merge-key",
                "merge keys (<<) are not supported",
                event,
                "write the keys themselves",
            )
        collection.key, collection.key_place = key, place
        collection.duplicate = key in collection.value
        if collection.duplicate:
            first = self.document.keys.get((*collection.path, key))
            where = f" (first on line {first.line + 1})" if first else ""
            self.document.report_at(
                "duplicate-key",
                f"duplicate key {quote_value(key)}{where}",
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
        return self.construct(tag, event) if tag in _VALUE_TAGS else value

    def construct(self, tag: str, event: Any) -> Any:
        """Return the number, boolean or null that a plain scalar is."""
        value = event.value
        try:
            constructed = SafeConstructor().construct_object(ScalarNode(tag, value))
        except ValueError:
            # A number that Python cannot convert, such as one of five thousand digits.
            return value
        # Hexadecimal digits, for instance, can make a number that Python cannot write.
        if isinstance(constructed, int) and constructed.bit_length() > _MAX_BITS:
            return value
        if type(constructed) in (int, float):
            self.check_number(value, constructed, event)
        return constructed

    def check_number(self, written: str, number: float, event: Any) -> None:
        """Report a number that is not the one that its author sees."""
        is_named = written.lower().endswith((".inf", ".nan"))
        if _DECIMAL.fullmatch(written) and (is_named or Decimal(written) == Decimal(repr(number))):
            return
        shown = quote_value(repr(number)).strip("`")
        self.document.report_at(
            "yaml-number",
            f"YAML reads {quote_value(written)} as the number {shown}",
            _event_span(self.document.file, event),
            hint="put it in quotes if it is text, or write it in plain decimal digits",
        )

    def unknown_tag(self, event: Any) -> None:
        tag = event.tag.replace("tag:yaml.org,2002:", "!!")
        self.stop(
            "yaml-tag",
            f"unsupported tag {quote_value(tag)}",
            event,
            "remove it, or put text that starts with ! in quotes",
        )

    def alias(self, event: Any) -> None:
        if self.mapping_without_key():
            self.stop("bad-key", "a key must be a string", event, "write the key itself")
        if event.anchor in self.open_anchors:
            self.stop(
                "alias-cycle",
                f"the alias *{event.anchor} is inside the value that it repeats",
                event,
                "write the value itself",
            )
        if event.anchor not in self.anchors:
            self.stop(
                "unknown-alias",
                f"anchor &{event.anchor} not found above this alias",
                event,
                "put text that starts with * in quotes",
            )
        value, size = self.anchors[event.anchor]
        self.count(size, event)
        self.add(value, size, _place(event.start_mark, event.end_mark))

    def open(self, event: Any) -> None:
        self.count(1, event)
        if self.mapping_without_key():
            hint = "put text that starts with [ or { in quotes"
            self.stop("bad-key", "a key must be a string", event, hint)
        if event.tag is not None and event.tag != "!":
            kind = "map" if isinstance(event, MappingStartEvent) else "seq"
            if event.tag != f"tag:yaml.org,2002:{kind}":
                self.unknown_tag(event)
        if len(self.stack) >= MAX_DEPTH:
            self.stop(
                "too-deep",
                f"values are nested more than {MAX_DEPTH} levels deep",
                event,
                "close every bracket, or use fewer levels",
            )
        if event.anchor:
            self.open_anchors.add(event.anchor)
        path = self.stack[-1].next_path() if self.stack else ()
        self.stack.append(_OpenCollection(path, event))

    def close(self, event: Any) -> None:
        collection = self.stack.pop()
        place = _place(collection.start, event.end_mark)
        if collection.anchor:
            self.open_anchors.discard(collection.anchor)
            self.anchors[collection.anchor] = (collection.value, collection.size)
        self.add(collection.value, collection.size, place)

    def add(self, value: Any, size: int, place: Place) -> None:
        if not self.stack:
            self.document.value = value
            self.document.places[()] = place
            return
        collection = self.stack[-1]
        collection.size += size
        if collection.items is not None:
            self.document.places[collection.next_path()] = place
            collection.items.append(value)
            return
        if collection.key_place is not None and not collection.duplicate:
            path = collection.next_path()
            self.document.places[path] = place
            self.document.keys[path] = collection.key_place
            collection.value[collection.key] = value
        collection.key = None


def _place(start: Any, end: Any, style: str | None = None) -> Place:
    return Place(start.line, start.column, start.index, end.line, end.column, end.index, style)


def _event_span(file: str, event: Any) -> Span:
    return span_of(file, _place(event.start_mark, event.end_mark))
