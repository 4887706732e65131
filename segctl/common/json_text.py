"""JSON as text for people and programs. Does not know what the data means."""

from __future__ import annotations

import json
import re
from typing import Any

from segctl.common.secrets import redact


def json_text(data: Any, *, ascii_only: bool = False) -> str:
    """Return indented JSON that is valid UTF-8, with whole API keys masked."""
    text = redact(json.dumps(data, indent=2, ensure_ascii=ascii_only), whole=True)
    # A name on the account may hold half a surrogate pair, which UTF-8 cannot encode: escape it.
    return re.sub("[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):04x}", text) + "\n"
