"""`segctl validate`: is everything in the files as it should be? Offline, without a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from segctl.cli.session import with_session
from segctl.errors import InvalidInput
from segctl.render.style import count

if TYPE_CHECKING:
    from segctl.cli.session import Session
    from segctl.errors import Diagnostic


@click.command("validate")
@click.option(
    "--format",
    "output",
    type=click.Choice(["text", "json"]),
    default="text",
    help="How to write the findings.",
)
@with_session
def command(session: Session, output: str) -> int:
    """Check the segment files and segctl.yaml, offline.

    Reports every problem of every file, with file, line and column. Needs no API key and no
    network. Exit code 1 when there is an error; warnings do not fail it.

    \b
    Examples:
      segctl validate
      segctl validate --format json | jq '.diagnostics[].summary'
    """
    try:
        declarations = session.declarations()
    except InvalidInput as error:
        # segctl.yaml itself; without it there is no telling where the segments are.
        if output == "json":
            _show_json(session, error.diagnostics, 0)
        raise
    if output == "json":
        _show_json(session, declarations.diagnostics, len(declarations.declared))
    if declarations.has_errors:
        raise InvalidInput(declarations.diagnostics)
    session.warn(declarations.diagnostics)
    if output == "text":
        number = count(len(declarations.declared), "segment")
        session.show(f"{number} in {session.config.segments}/: valid.\n")
    return 0


def _show_json(session: Session, diagnostics: tuple[Diagnostic, ...], segments: int) -> None:
    from segctl.clock import iso  # noqa: PLC0415
    from segctl.planfile import diagnostics_json, header  # noqa: PLC0415

    session.show_json(
        {
            **header(iso(session.clock.now())),
            "segments": segments,
            "diagnostics": diagnostics_json(diagnostics),
        }
    )
