"""`segctl preview`: how many contacts are in an audience, counted on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from segctl.cli.options import with_session
from segctl.cli.shell_completion import segment_names
from segctl.common.timestamps import parse_utc
from segctl.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from segctl.app.session import Session


@click.command("preview")
@click.argument("names", shell_complete=segment_names, metavar="[NAME]...", nargs=-1)
@click.option(
    "--changed",
    is_flag=True,
    help="Only segments that differ from the account, before and after; needs the key.",
)
@click.option(
    "--contacts",
    metavar="FILE",
    help="Contacts as CSV, gzip CSV or Parquet; `pulled` for those of `segctl contacts pull`.",
)
@click.option("--events", metavar="FILE", help="What happened to them, in a file likewise.")
@click.option("--overlap", is_flag=True, help="Compare any two of the segments.")
@click.option(
    "--sample",
    metavar="N",
    type=click.IntRange(1, 100),
    help="Show N members of each, by masked addresses.",
)
@click.option(
    "--now", "moment", metavar="TIME", help="Count for this moment (ISO 8601) instead of now."
)
@click.option(
    "--format",
    "output",
    type=click.Choice(["text", "json", "markdown"]),
    default="text",
    help="How to write it: markdown for a comment.",
)
@with_session
def command(
    session: Session,
    *,
    names: tuple[str, ...],
    changed: bool,
    contacts: str | None,
    events: str | None,
    overlap: bool,
    sample: int | None,
    moment: str | None,
    output: str,
) -> int:
    """Count who is in an audience, in a file of your contacts or those pulled.

    Shows how many contacts are in each segment, and the share of all. Needs no API key and no
    network, --changed aside; what is counted stays on this machine. A segment that cannot be
    counted for certain is listed with the reason, and is an error where it was named.

    NAME is a segment's name or file, and may be a shell pattern; without one, all are counted.
    Without --contacts, `contacts` of segctl.yaml says where they are; else those that were pulled
    are taken.

    \b
    Examples:
      segctl preview --contacts contacts.csv --events events.parquet
      segctl preview 'VIP customers' 'Czech speakers' --overlap
      segctl preview --changed --format markdown
    """
    from segctl.cli.output import faults_in  # noqa: PLC0415

    with faults_in(output, session, "preview"):
        from segctl.app.preview import Wanted, preview  # noqa: PLC0415

        now = session.clock.now() if moment is None else _moment(moment)
        asked = {"changed": changed, "overlap": overlap, "sample": sample is not None}
        wanted = Wanted(
            names, frozenset(key for key in asked if asked[key]), contacts, events, sample or 0, now
        )
        return preview(session, wanted, output)


def _moment(text: str) -> datetime:
    read = parse_utc(text)
    if read is None:
        raise UsageError("--now is no time", hint="write it in ISO form: 2026-01-31T00:00:00Z")
    return read
