"""`segctl preview`: how many contacts are in an audience, counted on this machine."""

from __future__ import annotations

import dataclasses
from contextlib import nullcontext
from typing import TYPE_CHECKING

import click

from segctl.cli.options import with_project
from segctl.cli.shell_completion import complete_segment_names
from segctl.common.timestamps import parse_time_as_utc
from segctl.errors import UsageError

if TYPE_CHECKING:
    from datetime import datetime

    from segctl.app.console import Console
    from segctl.app.project import Project
    from segctl.render.previews import Preview


@click.command("preview")
@click.argument("names", shell_complete=complete_segment_names, metavar="[NAME]...", nargs=-1)
@click.option(
    "--changed",
    is_flag=True,
    help="Only segments that differ from the account, before and after; needs the key.",
)
@click.option(
    "--contacts",
    metavar="FILE",
    help="Contacts as CSV, gzipped CSV or Parquet; `pulled` for those of `segctl contacts pull`.",
)
@click.option("--events", metavar="FILE", help="The events of these contacts, in such a file.")
@click.option("--overlap", is_flag=True, help="Compare each pair of segments.")
@click.option(
    "--sample",
    metavar="N",
    type=click.IntRange(1, 100),
    help="Show N members of each segment, by masked addresses.",
)
@click.option(
    "--now", "moment", metavar="TIME", help="Count for this time (ISO 8601) instead of now."
)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["text", "json", "markdown"]),
    default="text",
    help="The format of the preview: markdown for a comment.",
)
@with_project
def command(
    project: Project,
    console: Console,
    *,
    names: tuple[str, ...],
    changed: bool,
    contacts: str | None,
    events: str | None,
    overlap: bool,
    sample: int | None,
    moment: str | None,
    format_name: str,
) -> int:
    """Count who is in an audience, in your own or in pulled contacts.

    Shows how many contacts are in each segment, and their share of all. Needs no API key and no
    network, except for --changed; contacts never leave this machine. A segment that cannot be
    counted exactly is listed with the reason, which is an error if the segment was named.

    NAME is a segment's name or file, or a shell pattern of them; without one, all are counted.
    Without --contacts, the contacts are those of `contacts` in segctl.yaml, else those that were
    pulled.

    \b
    Examples:
      segctl preview --contacts contacts.csv --events events.parquet
      segctl preview 'VIP customers' 'Czech speakers' --overlap
      segctl preview --changed --format markdown
    """
    from segctl.app.connection import connect  # noqa: PLC0415
    from segctl.cli.output import Output  # noqa: PLC0415

    with Output(format_name, project, console).showing_errors("preview"):
        from segctl.app.preview import PreviewOptions, preview_audiences  # noqa: PLC0415 - DuckDB

        now = None if moment is None else _parse_time(moment)
        options = PreviewOptions(names, contacts, events, overlap, sample or 0, now)
        with connect(project, console) if changed else nullcontext() as connection:
            preview = preview_audiences(project, options, connection, console)
    _show(project, console, preview, format_name)
    uncounted = [row for row in preview.rows if row.counts is None]
    return int(bool(uncounted) and (bool(names) or len(uncounted) == len(preview.rows)))


def _parse_time(text: str) -> datetime:
    time = parse_time_as_utc(text)
    if time is None:
        raise UsageError("invalid time for --now", hint="write it as 2026-01-31T00:00:00Z")
    return time


def _show(project: Project, console: Console, preview: Preview, format_name: str) -> None:
    from segctl.common.clock import format_utc  # noqa: PLC0415

    now = format_utc(project.clock.now())
    match format_name:
        case "json":
            from segctl.render.previews import preview_json  # noqa: PLC0415

            console.show_json(preview_json(preview, now, format_utc(preview.now)))
        case "markdown":
            from segctl.app.repository import render_context  # noqa: PLC0415
            from segctl.render.markdown.views import preview_markdown  # noqa: PLC0415

            context = render_context(project, now)
            diagnostics = console.complete_hints(preview.diagnostics)
            preview = dataclasses.replace(preview, diagnostics=diagnostics)
            console.show(preview_markdown(preview, context, project.target_name), as_is=True)
        case _:
            from segctl.render.previews import preview_text  # noqa: PLC0415

            console.warn(preview.diagnostics)
            console.show(preview_text(preview, console.style))
