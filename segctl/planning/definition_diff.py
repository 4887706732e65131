"""The fields in which two definitions differ, for reports of stale plans, conflicts and drift.

Pure. The planner compares every segment of an account and uses the faster `equality`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from segctl.planning.equality import same_parents, same_query

if TYPE_CHECKING:
    from segctl.model import Segment


def definition_diff(before: Segment, after: Segment, *, by_meaning: bool = False) -> list[str]:
    """Return the API's names of the fields that differ, in the order of a definition.

    Compares text exactly. `by_meaning` compares queries and ids as the planner does, where the
    layout of a query and the case of an id do not count.
    """
    from deepdiff import DeepDiff  # noqa: PLC0415 - takes 170 ms, and few commands need it

    first, second = before.as_json(), after.as_json()
    if by_meaning and same_query(before, after):
        second["query_dsl"] = first["query_dsl"]
    if by_meaning and same_parents(before, after):
        second["parent_list_ids"] = first["parent_list_ids"]
    diff: Any = DeepDiff(first, second)
    return [field for field in first if field in diff.affected_root_keys]
