"""The values that every room passes to the next: segments, snapshots, plans.

Owns shapes only. All are frozen: a plan that has been shown is the plan that is performed.
Nothing here reads, compares queries, prints or knows HTTP.
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
