"""`segctl validate`: is everything in the files as it should be? Offline, without a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from segctl.cli.cases import check_tests
from segctl.cli.checking import check_offline
from segctl.cli.session import with_session
from segctl.declarations.document import by_place
from segctl.errors import InvalidInput, Severity
from segctl.render.diagnostics import tally
from segctl.render.style import count

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    return report_findings(session, output=output)


def report_findings(session: Session, *, output: str, everything: bool = False) -> int:
    """Report what is wrong with the files, and give the exit code.

    Raises `InvalidInput` where there is an error. Mere information is left out of the text, unless
    `everything` or -v asks for it.
    """
    try:
        settings_problems = session.settings_problems()
        declarations = session.declarations
    except InvalidInput as error:
        # Files that cannot be read: there is no telling what they declare.
        if output == "json":
            _show_json(session, error.diagnostics, 0)
        raise
    found = [*declarations.diagnostics, *check_offline(session), *check_tests(session)]
    findings = by_place([*settings_problems, *found])
    if output == "json":
        _show_json(session, findings, len(declarations.declared))
    if any(found.severity is Severity.ERROR for found in findings):
        raise InvalidInput(findings)
    loud = everything or session.verbosity > 0
    session.warn([one for one in findings if loud or one.severity is not Severity.INFO])
    if output == "text":
        number = count(len(declarations.declared), "segment")
        warned = tally(findings)
        session.show(
            f"{number} in {session.config.segments}/: valid{f', {warned}' if warned else ''}.\n"
        )
    return 0


def _show_json(session: Session, diagnostics: Sequence[Diagnostic], segments: int) -> None:
    from segctl.clock import iso  # noqa: PLC0415
    from segctl.planfile import diagnostics_json, header  # noqa: PLC0415

    session.show_json(
        {
            **header(iso(session.clock.now())),
            "segments": segments,
            "diagnostics": diagnostics_json(diagnostics),
        }
    )
