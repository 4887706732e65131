"""The history of segments, from git. Offline, without a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.common.suggest import did_you_mean
from segctl.errors import UsageError
from segctl.history.audit import Audit
from segctl.history.git import read_timeline
from segctl.model.accounts import Account

if TYPE_CHECKING:
    from collections.abc import Iterator

    from segctl.app.project import Project
    from segctl.history.commits import SegmentEvent


def segment_history(project: Project, name: str | None = None) -> Iterator[SegmentEvent]:
    """Yield what commits of the checked-out branch did to segments, newest first.

    `name` is the present or a former name of one segment. Raises `UsageError` if git history is
    unavailable, for a name that no commit declared, and where the chosen target does not exist.
    """
    if project.is_target_chosen:
        _ = project.target
    target = project.config.targets.get(project.target_name)
    timeline = read_timeline(
        project.root,
        project.config.segments,
        target=project.target_name,
        account=None if target is None else Account.of(target),
        env=project.env,
    )
    audit = Audit(timeline)
    if name is None:
        return audit.events()
    events = audit.events_of(name)
    if not events:
        raise UsageError(
            f"no commit of this branch declared a segment `{name}`",
            hint=did_you_mean(name, timeline.names(), "run `segctl history` to list all segments"),
        )
    return iter(events)
