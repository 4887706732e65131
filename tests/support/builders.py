"""Queries and segment files, written in one line."""

from __future__ import annotations

import json

ALL = "SELECT contact_id, updated_at FROM contact_data"


def query(condition: str) -> str:
    """Write a query with this condition."""
    return f"{ALL} WHERE {condition}"


def segment_yaml(name: str, text: str, *, parent: str | None = None, extra: str = "") -> str:
    """Write a segment file, every text in double quotes, which JSON and YAML share."""
    words = [json.dumps(word, ensure_ascii=False) for word in (name, text)]
    parents = f"parent_list_ids: [{parent}]\n" if parent else ""
    return f"name: {words[0]}\nquery_dsl: {words[1]}\n{parents}{extra}"
