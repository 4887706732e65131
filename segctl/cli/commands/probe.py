"""`segctl probe`: test on a throw-away account what no document says about SendGrid."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from segctl.app.connection import connect
from segctl.app.probe import check_target, open_probe, write_observed
from segctl.cli.exit_codes import IN_PART, INTERRUPTED
from segctl.cli.interruptions import stop_in_order
from segctl.cli.options import with_project
from segctl.common.clock import format_utc
from segctl.errors import Refused
from segctl.probing.report import intention_text, left_text, probe_json, probe_markdown, probe_text
from segctl.probing.run import ABOUT_MINUTES, ABOUT_REQUESTS, MOST_MINUTES, SEGMENTS_CREATED
from segctl.project.observations import observed_lines
from segctl.render.terminal import clean, count

if TYPE_CHECKING:
    from segctl.app.console import Console
    from segctl.app.probe import Probe
    from segctl.app.project import Project
    from segctl.model import TargetRef
    from segctl.probing.run import Probed


@click.command("probe")
@click.option(
    "--confirm",
    metavar="NAME",
    help="The name of the target once more, instead of typing it.",
)
@click.option(
    "--allow-in-use",
    is_flag=True,
    help="Probe an account that has segments, Single Sends or contacts on its lists.",
)
@click.option("--write", is_flag=True, help="Keep what was learnt in segctl.yaml, as `observed`.")
@click.option(
    "--clean-up", is_flag=True, help="Only delete what an earlier probe of this account left."
)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["text", "markdown", "json"]),
    default="text",
    help="The format of the findings: markdown to paste into an issue.",
)
@with_project
def command(
    project: Project,
    console: Console,
    *,
    confirm: str | None,
    allow_in_use: bool,
    write: bool,
    clean_up: bool,
    format_name: str,
) -> int:
    """Test what segctl assumes about SendGrid, on a throw-away account.

    No document says whether names differ by case, how long an update is locked, or which functions
    a query may use. A probe finds out: it creates some twenty segments that select nobody, changes
    a few, deletes all of them, and says which assumptions hold. Use a subuser that nobody needs:
    an account that is in use is refused. --target must name it, and so must you once more, in
    the terminal or with --confirm.

    It writes to no segment that it did not create, whatever happens, and cleans up when it fails or
    is interrupted. It keeps a record of its segments in the cache folder, so that a later run
    deletes what is left. The findings contain neither contacts nor keys, nor the account's name.

    `observed` in segctl.yaml keeps what decides severities and waits: the command prints it, and
    --write writes it. Exits with 3 if it is refused, with 4 if a segment is left or SendGrid
    stops answering, and with 130 if it was interrupted.

    \b
    Examples:
      segctl --target scratch probe
      segctl --target scratch probe --confirm scratch --format markdown
      segctl --target scratch probe --write
      segctl --target scratch probe --clean-up
    """
    # Before the key is asked for: the first thing that is missing is the account.
    check_target(project)
    with (
        connect(project, console, read_only=False) as connection,
        open_probe(project, connection, console) as probe,
    ):
        if clean_up:
            stop_in_order(connection.stop, console)
            return _clean_up(probe, connection.target, console)
        probe.check(allow_in_use=allow_in_use)
        intention = intention_text(
            connection.target,
            segments=SEGMENTS_CREATED,
            requests=ABOUT_REQUESTS,
            minutes=ABOUT_MINUTES,
            most=MOST_MINUTES,
            earlier=len(probe.left_before),
        )
        console.say(intention, end="")
        if not _is_confirmed(project.target.name, confirm, console):
            console.say("Nothing was changed.")
            return 1
        stop_in_order(connection.stop, console)
        probed = probe.run()
        target = connection.target
    now = format_utc(project.clock.now())
    observed = {"date": now[:10], **probed.observed} if probed.observed else {}
    lines = observed_lines(observed) if observed else []
    _show(probed, now, lines, format_name, console, is_written=write)
    if probed.left:
        console.say(console.complete(left_text(probed.left, target)))
    if write and observed:
        write_observed(project, observed)
        console.talk("Written to segctl.yaml: observed")
    if connection.stop.requested:
        return INTERRUPTED
    return IN_PART if probed.left or probed.stopped else 0


def _clean_up(probe: Probe, target: TargetRef, console: Console) -> int:
    before = len(probe.left_before)
    left = probe.clean_up()
    if left:
        console.say(console.complete(left_text(left, target)))
        return IN_PART
    gone = (
        f"{count(before, 'segment')} of earlier probes removed" if before else "Nothing to remove"
    )
    console.show(f"{gone}.\n")
    return 0


def _is_confirmed(name: str, confirm: str | None, console: Console) -> bool:
    """Return whether the target was named once more. Raises `Refused`."""
    if confirm is not None:
        if confirm != name:
            raise Refused(
                f"--confirm does not name the target `{clean(name)}`; nothing was changed",
                hint=f"add --confirm {clean(name)}, if that is the account that you mean",
            )
        return True
    if sys.stdin is None or not sys.stdin.isatty():
        raise Refused(
            "cannot ask for confirmation: stdin is not a terminal; nothing was changed",
            hint=f"run with --confirm {clean(name)} if that account may be probed",
        )
    console.say(
        f"\nIs it a throw-away account? Type its name, `{clean(name)}`, to probe it: ", end=""
    )
    return sys.stdin.readline().strip() == name


def _show(
    probed: Probed,
    now: str,
    observed: list[str],
    format_name: str,
    console: Console,
    *,
    is_written: bool,
) -> None:
    if format_name == "json":
        console.show_json(probe_json(probed, now))
    elif format_name == "markdown":
        console.show(probe_markdown(probed, now[:10], observed), as_is=True)
    else:
        console.show(probe_text(probed, now[:10], console.style))
        if observed and not is_written:
            block = "".join(f"{line}\n" for line in observed)
            console.show("\nTo keep this, add it to segctl.yaml, or run with --write:\n\n")
            console.show(block, as_is=True)
