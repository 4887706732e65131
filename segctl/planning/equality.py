"""When two definitions of a segment are the same, and in which fields they differ.

Queries compare by what they mean (`query.normal`), parent lists as sets of ids whose case does not
count, names to the letter. Pure.
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
    """Name the fields that differ, as the API names them.

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
    first, second = before.parent_list_ids, after.parent_list_ids
    return {i.lower() for i in first} == {i.lower() for i in second}


def same_text(before: Segment, after: Segment) -> bool:
    """Say whether two queries are the same text, white space around them aside."""
    return before.query.strip() == after.query.strip()


def same_audience(one: Segment, other: Segment) -> bool:
    """Say whether two definitions select the same contacts, whatever they are called."""
    return set(changed_fields(one, other)) <= {"name"}


def audience_key(one: Segment) -> Hashable:
    """Give what is equal for two definitions just where `same_audience` is true of them.

    To find the same audience among many: comparing each with each would parse them as often.
    """
    from segctl.query.parser.parse import parse  # noqa: PLC0415 - most plans never need it

    query = parse(one.query).query
    text = one.query.strip() if query is None else normal_form(query)
    return text, frozenset(parent.lower() for parent in one.parent_list_ids)
