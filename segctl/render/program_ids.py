"""The ids that programs send to, as JSON, variables of a shell, TypeScript and Python.

Writes a line for each id, and reads such lines. A label has only letters, digits and underscores,
but in JSON, and an id only what `SAFE_ID` allows, so neither can end its string.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

SAFE_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")
"""The ids that are written. SendGrid's are UUIDs, and numbers for v1 segments."""

_ID = rf"(?P<quote>[\"']?)(?P<id>{SAFE_ID.pattern})(?P=quote)"
_LINES = {
    "env": re.compile(rf"(?P<label>SEGMENT_\w+)={_ID}", re.ASCII),
    "typescript": re.compile(rf"export const (?P<label>SEGMENT_\w+) = {_ID};?", re.ASCII),
    "python": re.compile(rf"(?P<label>SEGMENT_\w+) = {_ID}", re.ASCII),
}
_FORMS = {
    "env": "{}={}",
    "typescript": 'export const {} = "{}";',
    "python": '{} = "{}"',
}


def ids_text(ids: Mapping[str, str], format_name: str, target: str) -> str:
    """Return the file of these ids by label, for the programs that send on a target."""
    if format_name == "json":
        return json.dumps(ids, indent=2) + "\n"
    comment = "//" if format_name == "typescript" else "#"
    head = f"{comment} The segments of the target {target}. Written by `segctl ids`: do not edit."
    lines = (_FORMS[format_name].format(label, segment_id) for label, segment_id in ids.items())
    return "\n".join([head, *lines]) + "\n"


def read_ids(text: str, format_name: str) -> dict[str, str]:
    """Return the ids in such a file by label; other lines are skipped."""
    if format_name == "json":
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            return {}
        pairs = data.items() if isinstance(data, dict) else ()
        return {
            label: value
            for label, value in pairs
            if isinstance(value, str) and SAFE_ID.fullmatch(value)
        }
    matches = map(_LINES[format_name].fullmatch, text.splitlines())
    return {match["label"]: match["id"] for match in matches if match}
