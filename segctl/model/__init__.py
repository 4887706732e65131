"""The frozen values that the packages exchange: segments, snapshots, plans, reports.

Shapes only, and immutable, so that the plan that was shown is the plan that is applied. Does not
read files, compare queries, print or know HTTP.
"""

from segctl.model.actions import (
    Action,
    Change,
    Create,
    Delete,
    Ignore,
    Impact,
    Keep,
    Patch,
    Precondition,
    Reason,
    Replace,
    Successor,
    Upgrade,
)
from segctl.model.plan import (
    Plan,
    Summary,
    TargetRef,
)
from segctl.model.segments import (
    JSON,
    Declared,
    Disposal,
    Metadata,
    Remote,
    Segment,
    Snapshot,
    Tombstone,
    Validation,
)

__all__ = [
    "JSON",
    "Action",
    "Change",
    "Create",
    "Declared",
    "Delete",
    "Disposal",
    "Ignore",
    "Impact",
    "Keep",
    "Metadata",
    "Patch",
    "Plan",
    "Precondition",
    "Reason",
    "Remote",
    "Replace",
    "Segment",
    "Snapshot",
    "Successor",
    "Summary",
    "TargetRef",
    "Tombstone",
    "Upgrade",
    "Validation",
]
