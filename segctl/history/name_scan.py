"""A quick scan for the name that a segment file may declare, at a tenth of the cost of reading it.

Uses the reader's own YAML parser up to the value of the key `name`. It never misses a name, but may
find one in a file that the reader rejects. Pure.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

import yaml

from segctl.documents.document import decode_utf8
from segctl.documents.yaml_reader import MAX_DEPTH, parse_document

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

_T = TypeVar("_T")

_DECIDING = frozenset(("name", "for_each", "exclude", "targets", "values"))
"""The keys of a segment file that decide which names it declares."""

_VALUE = re.compile(r"\$?\$\{[^}]*\}?")


def is_dynamic(data: bytes) -> bool:
    """Return whether what a segment file declares may depend on values, or on the target.

    YAML spells a key literally or with backslash escapes.
    """
    return b"${" in data or b"targets" in data or has_many_names(data)


def has_many_names(data: bytes) -> bool:
    """Return whether a segment file may have instances."""
    return b"for_each" in data or b"\\" in data


def name_pattern(template: str) -> re.Pattern[str]:
    """Return a pattern of every name that a template may stand for, and of some others."""
    return re.compile(".*".join(map(re.escape, _VALUE.split(template))), re.DOTALL)


def possible_name(data: bytes) -> str:
    """Return the name that a segment file declares, if the reader accepts it; empty if none.

    Values in it stay `${name}`. Reads no further than the key `name`.
    """
    return _scanned(data, _scan) or ""


def naming(data: bytes) -> Hashable:
    """Return what decides on the names in a segment file, and nothing that does not where possible.

    Where it is equal for two versions of a file that the reader accepts, they have the same names
    for the same instances, if what names stand for is equal, too.
    """
    deciding = _scanned(data, _deciding)
    return data if deciding is None else deciding


def _scanned(data: bytes, scan: Callable[[yaml.CSafeLoader, str], _T]) -> _T | None:
    """Return what a scan of a file returns; `None` where the file is not YAML."""
    text, problem = decode_utf8("", data)
    if problem is not None:
        return None
    try:
        loader = yaml.CSafeLoader(text)
        try:
            return scan(loader, text)
        finally:
            loader.dispose()
    except yaml.YAMLError:
        return None


def _deciding(loader: yaml.CSafeLoader, _text: str) -> Hashable:
    """Return the events below the keys that decide; `None` where an alias may lead elsewhere."""
    depth, key = 0, None
    deciding: list[Hashable] = []
    while loader.check_event():
        event = loader.get_event()
        if isinstance(event, yaml.AliasEvent) or depth > MAX_DEPTH:
            return None
        is_end = isinstance(event, yaml.CollectionEndEvent)
        depth -= is_end
        if depth == 1 and key is None:
            key = getattr(event, "value", None)
            continue
        if key in _DECIDING:
            form = getattr(event, "implicit", None), getattr(event, "style", None)
            value = getattr(event, "tag", None), getattr(event, "value", None)
            deciding.append((type(event), *form, *value))
        depth += isinstance(event, yaml.CollectionStartEvent)
        if depth == 1:
            key = None
    return tuple(deciding)


def _scan(loader: yaml.CSafeLoader, text: str) -> str:
    depth, key = 0, None
    while loader.check_event():
        event = loader.get_event()
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                # The reader stops here too, so that endless brackets cost nothing.
                return ""
            continue
        if isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth != 1:
            continue
        if key == "name":
            return _text(event, text)
        key = event.value if key is None and isinstance(event, yaml.ScalarEvent) else None
    return ""


def _text(event: yaml.Event | None, text: str) -> str:
    """Return the value of the name. Aliases are rare enough to parse the whole file."""
    if isinstance(event, yaml.ScalarEvent):
        return str(event.value)
    value = parse_document("", text).value if isinstance(event, yaml.AliasEvent) else None
    return str(value.get("name", "")) if isinstance(value, dict) else ""
