"""`segctl emulator`: an emulated SendGrid on this machine, for tests and for trying things out."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import click

from segctl.cli.options import with_session
from segctl.common.stopping import stop_on_signals
from segctl.errors import UsageError

if TYPE_CHECKING:
    from segctl.app.session import Session

DEFAULT_PORT = 8425


@click.command("emulator")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=DEFAULT_PORT,
    show_default=True,
    metavar="N",
    help="The port on 127.0.0.1; 0 picks a free one.",
)
@click.option(
    "--state", metavar="FILE", help="Keep the account in this file; without it, in memory."
)
@click.option(
    "--latency",
    type=click.IntRange(0, 60_000),
    default=0,
    metavar="MS",
    help="Wait this many milliseconds before each answer.",
)
@click.option(
    "--fault",
    "faults",
    metavar="RULE",
    multiple=True,
    help="Break what the rule says: METHOD PATH KIND, such as 'POST * 502 x2'; may be repeated.",
)
@with_session
def command(
    session: Session, *, port: int, state: str | None, latency: int, faults: tuple[str, ...]
) -> int:
    """Serve an emulated SendGrid on this machine.

    It has the real limits: segments are locked for five minutes after a change, an account holds
    200. A small world is in it from the start: a few hundred contacts, made up, on four lists, with
    what they did with the last newsletters; three segments; Single Sends. Counts are real where
    DuckDB is installed, by `pip install 'segctl[preview]'`. It ends with Ctrl-C.

    \b
    A rule of --fault: METHOD PATH KIND [after] [#N] [xN | always] [SECONDSs]
      METHOD   an HTTP method, * for any, !GET for any but GET
      PATH     a pattern on the path, in which * stands for any characters
      KIND     an answer: 400, 401, 403, 404, 404-empty, 406, 451, 500, 502, 502-html, 503, 504,
               429, 429-epoch, 429-empty; a connection: refuse, drop, hang, cut; a body: empty,
               truncated, wrong-json; slowness: drip, latency
      after    the server does its work first
      #N, xN   from the Nth such request on, N times; once unless told
      SECONDS  how long a hang or a drip lasts, or what a 429 asks to wait

    \b
    Examples:
      segctl emulator --state account.sqlite3
      SEGCTL_BASE_URL=http://127.0.0.1:8425 SENDGRID_API_KEY=x segctl plan
      segctl emulator --fault 'PATCH * drop after'
      segctl emulator --fault '* * 429 #10 x3 4s'
    """
    from segctl.emulator import Emulator, Settings, StateError, serve  # noqa: PLC0415

    settings = dataclasses.replace(Settings(), latency=latency / 1000)
    try:
        # Before anything is said: whoever reads the address may end it at once.
        with stop_on_signals(session.stop), Emulator(state, settings) as emulator:
            emulator.seed()
            emulator.faults.add(*faults)
            with serve(emulator, port=port) as server:
                session.show(f"Emulated SendGrid on {server.url}\n")
                session.talk(
                    f"  SEGCTL_BASE_URL={server.url} SENDGRID_API_KEY=x segctl plan\n"
                    "Ctrl-C ends it."
                )
                session.stop.wait()
    except StateError as error:
        raise UsageError(str(error)) from None
    except ValueError as error:
        raise UsageError(f"--fault: {error}") from None
    except OSError as error:
        raise UsageError(
            f"cannot serve on port {port}: {error.strerror or error}",
            hint="--port 0 picks a free one",
        ) from None
    return 0
