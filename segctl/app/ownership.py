"""Whether a segment of the account is this project's, and why. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.app.console import SILENT
from segctl.app.plan import names_of, plan_with_snapshot, read_request
from segctl.model import Create, Ignore, Keep
from segctl.planning.ownership import Standing, standing_among, version_of

if TYPE_CHECKING:
    from collections.abc import Collection

    from segctl.app.connection import Connection
    from segctl.app.console import Console
    from segctl.app.project import Project
    from segctl.errors import Diagnostic
    from segctl.model import Change, Plan, Remote
    from segctl.model.proof import DeclaredVersion
    from segctl.planning.ownership import Removal


@dataclass(frozen=True, slots=True)
class SegmentOwnership:
    """What git shows of a segment, and what a plan does with it.

    `remote` is `None` where the account has no segment of the name. `version` is the one that a
    commit declared as the segment is; `first` is the first one of its name. `decision` is what the
    plan does: an action, `Keep` or `Ignore`, `None` for nothing. `remarks` are what the plan says
    of the segment. `unavailable` is why git history cannot be used, empty where it can. `unread` is
    why the account was not read, empty where it was; without it, `declared_in` is the file that
    declares the name, empty where none does, and `removal` what a commit removed.
    """

    name: str
    remote: Remote | None
    standing: Standing
    version: DeclaredVersion | None
    first: DeclaredVersion | None
    decision: Change | Keep | Ignore | None
    remarks: tuple[Diagnostic, ...] = ()
    unavailable: str = ""
    unread: str = ""
    declared_in: str = ""
    removal: Removal | None = None


def segment_ownership(
    project: Project, connection: Connection, name: str, console: Console = SILENT
) -> SegmentOwnership:
    """Return whether the segment of a name is this project's, by the rules of the planner.

    Raises `InvalidInput`, `UsageError` and `RemoteError`.
    """
    request = read_request(project)
    plan, snapshot = plan_with_snapshot(project, connection, request, console)
    decision = _decision(plan, name)
    segment_id = None if decision is None else decision.id
    remotes = [remote for remote in snapshot.remotes if not remote.is_v1]
    remote = next((remote for remote in remotes if remote.id == segment_id), None)
    remote = remote or next((remote for remote in remotes if remote.name == name), None)
    if remote is not None and remote.query is None:
        # A plan reads only the definitions that it needs.
        remote = connection.reader.get_segment(remote.id)
    history = request.load_history(names_of(snapshot.remotes))
    versions = () if history.unavailable else history.versions_of(name)
    declarations = request.declarations
    names = {name} if decision is None else {name, *_names_of(decision)}
    sources = {item.source for item in declarations.declared if item.name in names}
    sources |= {item.source for item in declarations.tombstones if item.name in names}
    return SegmentOwnership(
        name,
        remote,
        Standing.UNKNOWN if remote is None else standing_among(versions, remote),
        None if remote is None else version_of(versions, remote),
        versions[0] if versions else None,
        decision,
        tuple(
            item for item in (*plan.refusals, *plan.diagnostics) if _is_about(item, names, sources)
        ),
        history.unavailable,
    )


def declared_ownership(project: Project, name: str, unread: str) -> SegmentOwnership:
    """Return what git shows of a name, for an account that was not read; `unread` is the reason.

    Raises `InvalidInput` and `UsageError`.
    """
    request = read_request(project)
    history = request.load_history(None)
    versions = () if history.unavailable else history.versions_of(name)
    removals = (*history.removals, *history.dated_ahead)
    declared = (item.source for item in request.declarations.declared if item.name == name)
    return SegmentOwnership(
        name,
        None,
        Standing.UNKNOWN,
        None,
        versions[0] if versions else None,
        None,
        unavailable=history.unavailable,
        unread=unread,
        declared_in=next(declared, ""),
        removal=next((removal for removal in removals if removal.name == name), None),
    )


def _is_about(diagnostic: Diagnostic, names: set[str], sources: Collection[str]) -> bool:
    """Return whether a diagnostic is about one of the segments, by its names or its source."""
    if diagnostic.names:
        return not names.isdisjoint(diagnostic.names)
    return diagnostic.span is not None and diagnostic.span.source in sources


def _names_of(decision: Change | Keep | Ignore) -> tuple[str, ...]:
    """Return the names that a segment has before and after a plan."""
    if isinstance(decision, Keep | Ignore | Create):
        return (decision.name,)
    return decision.before.name, decision.name


def _decision(plan: Plan, name: str) -> Change | Keep | Ignore | None:
    """Return what a plan does with the segment that has a name, or gets it."""
    decisions = (*plan.changes, *plan.kept, *plan.ignored)
    by_old_name = (
        item for item in plan.changes if not isinstance(item, Create) and item.before.name == name
    )
    by_name = (item for item in decisions if item.name == name)
    return next(by_old_name, None) or next(by_name, None)
