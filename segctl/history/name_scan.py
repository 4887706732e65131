"""A quick scan for the name that a segment file may declare, at a tenth of the cost of reading it.

Uses the reader's own YAML parser up to the value of the key `name`. It never misses a name, but may
find one in a file that the reader rejects. Pure.
"""

from __future__ import annotations

import yaml

from segctl.documents.document import decode_utf8
from segctl.documents.yaml_reader import MAX_DEPTH, parse_document


def possible_name(data: bytes) -> str:
    """Return the name that a segment file declares, if the reader accepts it; empty if none.

    Reads no further than the key `name`.
    """
    text, problem = decode_utf8("", data)
    if problem is not None:
        return ""
    try:
        loader = yaml.CSafeLoader(text)
        try:
            return _scan(loader, text)
        finally:
            loader.dispose()
    except yaml.YAMLError:
        return ""


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
