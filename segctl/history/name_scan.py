"""Which name a version of a segment file may declare, for a tenth of what reading it costs.

Owns a scan by the reader's own YAML parser that stops at the value of the key `name`. It can name
too much (the reader may refuse what follows) and never too little.
"""

from __future__ import annotations

import yaml

from segctl.documents.document import decode_utf8
from segctl.documents.yaml_reader import MAX_DEPTH, parse_document


def possible_name(data: bytes) -> str:
    """Give the name that a segment file declares if it declares any; empty where it cannot.

    Reads no further than to the key `name`; whether the reader accepts the rest is another matter.
    """
    text, broken = decode_utf8("", data)
    if broken is not None:
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
                # The reader stops here as well, before brackets without end cost anything.
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
    """Give the value of the name; what an alias stands for is rare enough to be read as a whole."""
    if isinstance(event, yaml.ScalarEvent):
        return str(event.value)
    value = parse_document("", text).value if isinstance(event, yaml.AliasEvent) else None
    return str(value.get("name", "")) if isinstance(value, dict) else ""
