"""`segctl history`: what was done to segments, by whom, when. Offline, without a key."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import click

from segctl.cli.options import with_session
from segctl.cli.shell_completion import segment_names
from segctl.common.clock import format_utc
from segctl.common.suggest import did_you_mean
from segctl.errors import UsageError
from segctl.history.audit import Audit
from segctl.history.git import read_timeline
from segctl.render.history_text import history_json, history_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from segctl.app.session import Session
    from segctl.history.commits import SegmentEvent
    from segctl.history.timeline import Timeline

DEFAULT_LIMIT = 50


@click.command("history")
@click.argument("name", shell_complete=segment_names, metavar="[NAME]", required=False)
@click.option(
    "-n",
    "--limit",
    metavar="N",
    type=click.IntRange(min=0),
    help=f"How many events at most; 0 for all. Without NAME: {DEFAULT_LIMIT}.",
)
@click.option(
    "--format",
    "output",
    type=click.Choice(["text", "json"]),
    default="text",
    help="How to write the events.",
)
@with_session
def command(session: Session, *, name: str | None, limit: int | None, output: str) -> int:
    """Show who created, changed, renamed or removed segments.

    Reads the commits of the checked-out branch, newest first; a merge counts as one commit, that of
    its pull request. NAME is the name of a segment, its present one or a former one: renames are
    followed. A version of a file that cannot be read changes nothing.

    \b
    Examples:
      segctl history 'VIP customers'
      segctl history -n 10
      segctl history --format json | jq -r '.events[] | select(.kind == "removed") | .name'
    """
    past = read_timeline(session.root, session.config.segments, env=session.env)
    most = limit if limit is not None else 0 if name else DEFAULT_LIMIT
    found = _events(past, name)
    events = list(islice(found, most)) if most else list(found)
    is_complete = next(found, None) is None
    if output == "json":
        now = format_utc(session.clock.now())
        session.show_json(history_json(events, now, name=name, is_complete=is_complete))
        return 0
    session.show(history_text(events, session.style))
    if not is_complete:
        session.talk("Older events are left out; --limit 0 shows all.")
    elif not events:
        session.talk(f"No commit declared a segment in {session.config.segments}/.")
    return 0


def _events(past: Timeline, name: str | None) -> Iterator[SegmentEvent]:
    audit = Audit(past)
    if name is None:
        return audit.events()
    events = audit.events_of(name)
    if not events:
        raise UsageError(
            f"no commit of this branch declared a segment `{name}`",
            hint=did_you_mean(name, past.names(), "`segctl history` shows all segments"),
        )
    return iter(events)
