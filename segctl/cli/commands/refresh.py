"""`segctl refresh`: have SendGrid count segments' contacts now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from segctl.app.lookup import find_segments
from segctl.app.refresh import priorities, record_of
from segctl.cli.exit_codes import IN_PART, INTERRUPTED
from segctl.cli.interruptions import stop_in_order
from segctl.cli.options import with_session
from segctl.cli.shell_completion import segment_names
from segctl.common.clock import format_utc
from segctl.errors import UsageError
from segctl.model.report import RefreshStatus
from segctl.planfile.report_json import refreshes_json
from segctl.planfile.to_json import document_header
from segctl.refreshing.refresher import candidate_of, refresh_segments
from segctl.render.report_text import refresh_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segctl.app.session import Session
    from segctl.model import Remote


@click.command("refresh")
@click.argument("names", shell_complete=segment_names, metavar="NAME...", nargs=-1, required=True)
@click.option("--force", is_flag=True, help="Ask even where the quota is known to be used up.")
@click.option(
    "--format",
    "output",
    type=click.Choice(["text", "json"]),
    default="text",
    help="How to write what became of each.",
)
@with_session
def command(session: Session, *, names: tuple[str, ...], force: bool, output: str) -> int:
    """Ask SendGrid to count segments' contacts now.

    SendGrid counts by itself every 1 to 24 hours; a refresh asks for it at once, and is limited
    to 2 a day and 1 an hour for a segment, and 10 a day for the account. segctl remembers those it
    asked for: where the quota is too small for all, those with the highest `refresh_priority` in
    their files go first, then those with the most contacts, and it says when the others can. NAME
    is a segment's name or id. Exit code 1 when none was accepted, 4 when some were, and
    130 when it was interrupted.

    \b
    Examples:
      segctl refresh 'VIP customers'
      segctl refresh 'VIP customers' 'Churn risk'
    """
    known = priorities(session.project)
    with session.connect(read_only=False) as account, session.progress("refreshing") as tell:
        found = [
            candidate_of(remote, known.get(remote.name, 0))
            for remote in _find(names, account.reader.list_segments())
        ]
        record, zone = record_of(session.project, account), session.config.time_zone
        results = []
        stop_in_order(session)
        for one in refresh_segments(
            account.writer, found, record, zone, lambda: session.stop.requested, force=force
        ):
            results.append(one)
            tell(len(results), len(found))
    if output == "json":
        session.show_json(
            {**document_header(format_utc(session.clock.now())), **refreshes_json(results)}
        )
    else:
        lines = refresh_lines(results, session.style, quiet=session.verbosity < 0)
        session.show("".join(f"{line}\n" for line in lines))
    if session.stop.requested:
        return INTERRUPTED
    accepted = sum(one.status is RefreshStatus.ACCEPTED for one in results)
    if accepted == len(results):
        return 0
    return IN_PART if accepted else 1


def _find(names: Sequence[str], listed: Sequence[Remote]) -> list[Remote]:
    """Find every segment before anything is sent. Raises `UsageError` for those that cannot be."""
    found = find_segments(names, listed)
    old = [one.name for one in found if one.is_v1]
    if old:
        raise UsageError(
            f"`{old[0]}` is a v1 segment, which cannot be refreshed",
            hint="only segments of the second API can",
        )
    return found
