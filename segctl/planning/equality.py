"""When two definitions of a segment are equal, and in which fields they differ.

Queries compare by their normal form (`query.equivalence`), parent lists as sets of ids regardless
of case, names exactly. Pure. What people are shown of a difference comes from `definition_diff`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.query.equivalence import Equivalence, compare_queries, normal_form

if TYPE_CHECKING:
    from collections.abc import Hashable

    from segctl.model import Segment


def changed_fields(
    before: Segment, after: Segment, *, strict_text: bool = False
) -> tuple[str, ...]:
    """Return the API's names of the fields that differ.

    `strict_text` compares queries by their text instead of their meaning.
    """
    fields = []
    if before.name != after.name:
        fields.append("name")
    if not (same_text(before, after) if strict_text else same_query(before, after)):
        fields.append("query_dsl")
    if not same_parents(before, after):
        fields.append("parent_list_ids")
    return tuple(fields)


def same_query(before: Segment, after: Segment) -> bool:
    """Return whether two queries select the same contacts, as far as segctl can tell."""
    return compare_queries(before.query, after.query) is not Equivalence.DIFFERENT


def same_parents(before: Segment, after: Segment) -> bool:
    """Return whether the parent lists are the same set of ids."""
    return _parents(before) == _parents(after)


def same_text(before: Segment, after: Segment) -> bool:
    """Return whether two queries have the same text, except for white space around it."""
    return before.query.strip() == after.query.strip()


def same_audience(first: Segment, second: Segment) -> bool:
    """Return whether two definitions select the same contacts, whatever their names."""
    return set(changed_fields(first, second)) <= {"name"}


def audience_key(segment: Segment) -> Hashable:
    """Return a value that is equal for two definitions exactly where `same_audience` is true.

    For lookups among many segments: to compare each pair would parse every query many times.
    """
    return comparable_text(segment.query), _parents(segment)


def comparable_text(text: str) -> str:
    """Return a text that is equal for queries that select the same contacts."""
    from segctl.query.parser.parse import parse  # noqa: PLC0415 - most plans never need it

    query = parse(text).query
    return text.strip() if query is None else normal_form(query)


def _parents(segment: Segment) -> frozenset[str]:
    return frozenset(list_id.lower() for list_id in segment.parent_list_ids)
