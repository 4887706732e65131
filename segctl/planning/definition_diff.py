"""The fields in which two definitions differ, where a person is told of them.

A saved plan that is stale, a write that meets another edit, drift: few, and reported. The planner
compares every segment of an account, by `equality`, and does not wait for this. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from segctl.planning.equality import same_parents, same_query

if TYPE_CHECKING:
    from segctl.model import Segment


def definition_diff(before: Segment, after: Segment, *, by_meaning: bool = False) -> list[str]:
    """Return the fields that differ, by the API's names, in the order of a definition.

    Text differs to the letter. `by_meaning` compares queries and ids as the planner does, for
    which the layout of a query and the case of an id do not count.
    """
    from deepdiff import DeepDiff  # noqa: PLC0415 - takes 170 ms, and few commands need it

    first, second = before.as_json(), after.as_json()
    if by_meaning and same_query(before, after):
        second["query_dsl"] = first["query_dsl"]
    if by_meaning and same_parents(before, after):
        second["parent_list_ids"] = first["parent_list_ids"]
    diff: Any = DeepDiff(first, second)
    return [field for field in first if field in diff.affected_root_keys]
