"""The fields in which two definitions differ, for reports of stale plans and conflicts.

Pure. The planner compares every segment of an account and uses the faster `equality`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from segctl.model import Segment


def definition_diff(before: Segment, after: Segment) -> list[str]:
    """Return the API's names of the fields that differ, in the order of a definition.

    Compares text exactly.
    """
    from deepdiff import DeepDiff  # noqa: PLC0415 - takes 170 ms, and few commands need it

    first = before.as_json()
    diff: Any = DeepDiff(first, after.as_json())
    return [field for field in first if field in diff.affected_root_keys]
