"""Refreshes: asking SendGrid to count segments' contacts now, as its quota allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.account.contact_lists import ContactLists
from segctl.app.account_pin import check_account
from segctl.app.console import SILENT
from segctl.app.folders import cache_folder, state_folder
from segctl.app.lookup import find_segments
from segctl.errors import SegctlError, UsageError
from segctl.model import Create, Replace, Upgrade
from segctl.model.report import Status
from segctl.refreshing.refresher import ChangedSegment, candidate_of, refresh_segments
from segctl.refreshing.usage_log import UsageLog

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from segctl.app.connection import Connection
    from segctl.app.console import Console
    from segctl.app.project import Project
    from segctl.model import Remote
    from segctl.model.report import Outcome, Refresh


def refresh_counts(
    project: Project,
    connection: Connection,
    names: Sequence[str],
    console: Console = SILENT,
    *,
    force: bool = False,
) -> list[Refresh]:
    """Ask SendGrid to count the segments with these names or ids; return what became of each.

    If the quota is too small for all, the most important ones are first. `force` asks even if the
    quota is known to be used up. Raises `UsageError` for names that the account does not have and
    for v1 segments, before anything is sent, and `RemoteError` if the segments cannot be listed.
    """
    if connection.read_only:
        raise UsageError("the connection is read-only", hint="connect with read_only=False")
    check_account(project, connection, ContactLists(connection.reader))
    priorities = refresh_priorities(project)
    remotes = _refreshable(names, connection.reader.list_segments())
    candidates = [candidate_of(remote, priorities.get(remote.name, 0)) for remote in remotes]
    results = []
    with console.progress("refreshing") as update:
        for result in refresh_segments(
            connection.writer,
            candidates,
            usage_log(project, connection),
            project.config.time_zone,
            lambda: connection.stop.requested,
            force=force,
        ):
            results.append(result)
            update(len(results), len(candidates))
    return results


def _refreshable(names: Sequence[str], listed: Sequence[Remote]) -> list[Remote]:
    """Return the segments with these names or ids. Raises `UsageError`."""
    remotes = find_segments(names, listed)
    v1_names = [remote.name for remote in remotes if remote.is_v1]
    if v1_names:
        raise UsageError(
            f"`{v1_names[0]}` is a v1 segment, which SendGrid cannot refresh",
            hint="remove it, or run `segctl upgrade` to replace it by a V2 segment",
        )
    return remotes


def usage_log(project: Project, connection: Connection) -> UsageLog:
    """Return the log of an account's refreshes. The sandbox keeps its own beside its state."""
    is_sandbox = project.target.is_sandbox
    folder = state_folder(project) if is_sandbox else cache_folder(project)
    return UsageLog(folder, connection.digest, project.clock)


def refresh_priorities(project: Project) -> Mapping[str, int]:
    """Return the `refresh_priority` of each segment by name; none if the files cannot be read."""
    try:
        declared = project.declarations.declared
    except SegctlError:
        return {}
    return {segment.name: segment.refresh_priority for segment in declared}


def changed_segments(project: Project, outcomes: Iterable[Outcome]) -> tuple[ChangedSegment, ...]:
    """Return the segments that were created, patched or replaced.

    A segment that changed in two steps is in it once, with its last name.
    """
    priorities = refresh_priorities(project)
    changed: dict[str, ChangedSegment] = {}
    for outcome in outcomes:
        change = outcome.change
        # What was upgraded has just been counted: no quota is spent on it.
        if outcome.status is Status.DONE and outcome.id and not isinstance(change, Upgrade):
            is_new = isinstance(change, Create | Replace)
            priority = priorities.get(change.name, 0)
            changed[outcome.id] = ChangedSegment(outcome.id, change.name, priority, is_new)
    return tuple(changed.values())
