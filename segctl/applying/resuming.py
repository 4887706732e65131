"""What stands beside the segment whose place it is to take: made by this run, or by an earlier one.

What `replacing.py` and `upgrading.py` share, which go about it in opposite orders: how to go on
with what an earlier run made, and how to call a stop on the way.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from segctl.applying import writes
from segctl.applying.context import Stopped
from segctl.applying.writes import status_of
from segctl.errors import Interrupted, UpdateLocked
from segctl.model.report import Status
from segctl.planning.equality import changed_fields

if TYPE_CHECKING:
    from segctl.applying.context import ApplyContext, Steps
    from segctl.model import Remote, Segment, Successor


def resume_successor(held: Successor, wanted: Segment, context: ApplyContext) -> Steps[Remote]:
    """Give the segment that an earlier run made, with the query that is wanted by now.

    Raises as `writes.patch` does, `Conflict` also where somebody changed it since the plan.
    """
    if "query_dsl" in changed_fields(held.definition, wanted):
        after = dataclasses.replace(held.definition, query=wanted.query)
        fields = {"query_dsl": after.query}
        written = yield from writes.patch(held.id, held.definition, after, fields, context)
        return written.remote
    now = context.account.get_segment(held.id)
    if now.definition.sha256 != held.definition.sha256:
        raise writes.changed_meanwhile(held.definition, now)
    return now


def status_of_stop(error: BaseException) -> Status:
    """Tell what merely takes longer from what went wrong."""
    is_early = isinstance(error, Stopped | Interrupted | UpdateLocked)
    return Status.WAITING if is_early else status_of(error)
