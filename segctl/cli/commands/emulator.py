"""`segctl emulator`: an emulated SendGrid on this machine, for tests and for trying things out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from segctl.app.emulator_server import DEFAULT_PORT, serve_emulator
from segctl.app.folders import repository_top
from segctl.cli.options import with_project
from segctl.common.stopping import Stop, stop_on_signals

if TYPE_CHECKING:
    from segctl.app.console import Console
    from segctl.app.project import Project


@click.command("emulator")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=DEFAULT_PORT,
    show_default=True,
    metavar="N",
    help="The port on 127.0.0.1; 0 picks a free one.",
)
@click.option("--state", metavar="FILE", help="Keep the account in this file; default: in memory.")
@click.option(
    "--latency",
    type=click.IntRange(0, 60_000),
    default=0,
    metavar="MS",
    help="Wait this many milliseconds before each response.",
)
@click.option(
    "--fault",
    "faults",
    metavar="RULE",
    multiple=True,
    help="Break requests by a rule: METHOD PATH KIND, such as 'POST * 502 x2'; may be repeated.",
)
@click.option(
    "--flip",
    "flipped",
    metavar="NAME",
    multiple=True,
    help="Turn an assumption about SendGrid round, such as lock-length; may be repeated. "
    "docs/emulator.md lists them.",
)
@click.option(
    "--world",
    metavar="FILE",
    help="Serve the accounts in this YAML file instead of the small one.",
)
@click.option(
    "--api-key",
    "keys",
    metavar="KEY",
    multiple=True,
    help="Accept only this invented key; may be repeated. Default: any key.",
)
@click.option(
    "--plan",
    type=click.Choice(["free", "basic", "advanced"]),
    help="What the account pays for: a free one cannot refresh segments.",
)
@with_project
def command(
    project: Project,
    console: Console,
    *,
    port: int,
    state: str | None,
    latency: int,
    faults: tuple[str, ...],
    flipped: tuple[str, ...],
    world: str | None,
    keys: tuple[str, ...],
    plan: str | None,
) -> int:
    """Serve an emulated SendGrid on this machine.

    It has the real limits: a segment is locked for five minutes after a change, and an account
    holds 200. It starts with a few hundred fictional contacts on four lists, with their opens and
    clicks of the last newsletters, and with three segments and some Single Sends. Counts are real
    if DuckDB is installed (`pip install 'segctl[preview]'`). Press Ctrl-C to stop it.

    A world file has other accounts: keys, lists, fields, segments, contacts, Single Sends, and
    subusers with theirs. docs/emulator.md describes it.

    \b
    A rule of --fault: METHOD PATH KIND [after] [#N] [xN | always] [SECONDSs]
      METHOD   an HTTP method, * for any, !GET for any but GET
      PATH     a pattern on the path, in which * stands for any characters
      KIND     a response: 400, 401, 403, 404, 404-empty, 406, 451, 500, 502,
               502-html, 503, 504, 429, 429-epoch, 429-empty; a connection:
               refuse, drop, hang, cut; a body: empty, truncated, wrong-json;
               slowness: drip, latency
      after    the server does its work first
      #N, xN   from the Nth such request on, N times; default: the first, once
      SECONDS  how long a hang or a drip lasts, or how long a 429 asks to wait

    \b
    Examples:
      segctl emulator --state account.sqlite3
      SEGCTL_BASE_URL=http://127.0.0.1:8425 SENDGRID_API_KEY=x segctl plan
      segctl emulator --fault 'PATCH * drop after'
      segctl emulator --flip name-case --flip group-by
      segctl emulator --fault '* * 429 #10 x3 4s'
      segctl emulator --world world.yaml
    """
    stop = Stop()
    # Before the address is shown: its reader may send a signal at once.
    with (
        stop_on_signals(stop),
        serve_emulator(
            port=port,
            state=state,
            latency=latency / 1000,
            faults=faults,
            flipped=flipped,
            world=world,
            keys=keys,
            plan=plan,
            repository=repository_top(project),
        ) as url,
    ):
        key = "x" if world is None and not keys else "KEY"
        console.show(f"Emulated SendGrid on {url}\n")
        plan = console.command("plan")
        console.talk(
            f"  SEGCTL_BASE_URL={url} SENDGRID_API_KEY={key} {plan}\nPress Ctrl-C to stop it."
        )
        stop.wait()
    return 0
