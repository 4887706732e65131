"""JSON as text for people and programs, and read strictly. Does not know what the data means."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

from segctl.common.secrets import redact

_UNUSUAL = re.compile("[^\n -~]")


def json_text(data: Any, *, ascii_only: bool = False) -> str:
    """Return indented JSON that is valid UTF-8, with whole API keys masked.

    What acts on a terminal or reorders a line is escaped, and so is half a surrogate pair, which a
    name on the account may hold and UTF-8 cannot encode.
    """
    text = redact(json.dumps(data, indent=2, ensure_ascii=ascii_only), whole=True)
    return _UNUSUAL.sub(_escaped, text) + "\n"


def _escaped(match: re.Match[str]) -> str:
    char = match.group()
    is_unsafe = unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    return json.dumps(char)[1:-1] if is_unsafe else char


class DuplicateKey(ValueError):
    """An object that has a key twice: readers differ in which of them counts."""


def parse_json(text: str | bytes) -> Any:
    """Return the data of a JSON text.

    Raises `ValueError` where it is invalid, and for NaN and the infinities, which are not JSON;
    `DuplicateKey`; and `RecursionError` where it is nested too deeply.
    """
    return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise DuplicateKey
    return value


def _refuse_constant(word: str) -> None:
    raise ValueError(word)
