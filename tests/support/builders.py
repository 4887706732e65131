"""Builders of queries and segment files, each in one line."""

from __future__ import annotations

import json

ALL = "SELECT contact_id, updated_at FROM contact_data"

FIELDS = """\
target: sandbox
pulled_at: "2026-07-15T00:00:00Z"
custom_fields: { plan: Text, total_spend: Number, renewal_date: Date }
reserved_fields: {}
"""
"""A fields.yaml with a field of each type."""


def query(condition: str) -> str:
    """Return a query with this condition."""
    return f"{ALL} WHERE {condition}"


def segment_yaml(name: str, text: str, *, parent: str | None = None, extra: str = "") -> str:
    """Return a segment file with its texts in double quotes, which JSON and YAML share."""
    quoted_name, quoted_query = (json.dumps(word, ensure_ascii=False) for word in (name, text))
    parents = f"parent_list_ids: [{parent}]\n" if parent else ""
    return f"name: {quoted_name}\nquery_dsl: {quoted_query}\n{parents}{extra}"
