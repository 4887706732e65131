"""What replacements and upgrades share: the new segment that an earlier run created.

`replacing.py` and `upgrading.py` order their steps differently; both resume with that segment, and
both report an early end as waiting rather than failed.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from segctl.applying import writes
from segctl.applying.context import Stopped
from segctl.applying.write_errors import status_of
from segctl.errors import Interrupted, UpdateLocked
from segctl.model.report import Status
from segctl.planning.equality import changed_fields

if TYPE_CHECKING:
    from segctl.applying.context import ApplyContext, Steps
    from segctl.model import Remote, Segment, Successor


def resume_successor(
    successor: Successor, desired: Segment, context: ApplyContext
) -> Steps[Remote]:
    """Return the segment that an earlier run created, patched to the desired query.

    Raises as `writes.patch` does; `Conflict` also where someone changed it after the plan.
    """
    if "query_dsl" in changed_fields(successor.definition, desired):
        after = dataclasses.replace(successor.definition, query=desired.query)
        fields = {"query_dsl": after.query}
        written = yield from writes.patch(
            successor.id, successor.definition, after, fields, context
        )
        return written.remote
    remote = context.account.get_segment(successor.id)
    if remote.definition.sha256 != successor.definition.sha256:
        raise writes.changed_meanwhile(successor.definition, remote)
    return remote


def status_of_early_end(error: BaseException) -> Status:
    """Return `WAITING` where only time is missing, else the status of the error."""
    only_time_is_missing = isinstance(error, Stopped | Interrupted | UpdateLocked)
    return Status.WAITING if only_time_is_missing else status_of(error)
