"""Gives a command what refreshing needs beside the account: the record, what the files say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.errors import SegctlError
from segctl.model import Create, Replace, Upgrade
from segctl.model.report import Outcome, Status
from segctl.project.environment import cache_folder
from segctl.project.state_folder import STATE_FOLDER
from segctl.refreshing.refresher import ChangedSegment
from segctl.refreshing.usage_log import UsageLog

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from segctl.app.connection import Connection
    from segctl.app.project import Project


def record_of(project: Project, connection: Connection) -> UsageLog:
    """Open the record of an account's refreshes. The sandbox keeps its own beside its state."""
    sandbox = project.target.is_sandbox
    folder = project.root / STATE_FOLDER if sandbox else cache_folder(project.env)
    return UsageLog(folder, connection.digest, project.clock)


def priorities(project: Project) -> Mapping[str, int]:
    """Give the `refresh_priority` of each segment by name; none where the files cannot be read."""
    try:
        declared = project.declarations.declared
    except SegctlError:
        return {}
    return {one.name: one.refresh_priority for one in declared}


def changed(project: Project, outcomes: Iterable[Outcome]) -> tuple[ChangedSegment, ...]:
    """Give the segments that were created, patched or replaced.

    By id: one that changed in two steps is refreshed once, by its last name.
    """
    known = priorities(project)
    found: dict[str, ChangedSegment] = {}
    for one in outcomes:
        # What was upgraded has just been counted: no quota is spent on it.
        if one.status is Status.DONE and one.id and not isinstance(one.change, Upgrade):
            name = one.change.name
            is_new = isinstance(one.change, Create | Replace)
            found[one.id] = ChangedSegment(one.id, name, known.get(name, 0), is_new)
    return tuple(found.values())
