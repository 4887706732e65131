"""A condition by itself: the text after WHERE, read as the query of the contacts it selects."""

from __future__ import annotations

CONDITION_PREFIX = "SELECT contact_id, updated_at FROM contact_data WHERE "
"""What makes a query of a condition. Offsets in the query are behind it."""


def query_of_condition(condition: str) -> str:
    """Return the query of all contacts for whom a condition is TRUE."""
    return CONDITION_PREFIX + condition
