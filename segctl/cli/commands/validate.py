"""`segctl validate`: is everything in the files as it should be? Offline, without a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from segctl.app.lint import check_offline
from segctl.app.segment_tests import check_tests
from segctl.cli.options import format_option, with_session
from segctl.cli.output import diagnostics_in, faults_in
from segctl.documents.document import sort_diagnostics
from segctl.errors import InvalidInput, Severity
from segctl.render.diagnostics import severity_summary
from segctl.render.terminal import count

if TYPE_CHECKING:
    from segctl.app.session import Session


@click.command("validate")
@format_option("the findings")
@with_session
def command(session: Session, output: str) -> int:
    """Check the segment files and segctl.yaml, offline.

    Reports every problem of every file, with file, line and column. Needs no API key and no
    network. Exit code 1 when there is an error; warnings do not fail it.

    \b
    Examples:
      segctl validate
      segctl validate --format json | jq '.diagnostics[].summary'
      segctl validate --format sarif > segctl.sarif
    """
    return report_findings(session, "validate", output=output)


def report_findings(session: Session, what: str, *, output: str, everything: bool = False) -> int:
    """Report what is wrong with the files, for the command `what`, and give the exit code.

    Raises `InvalidInput` where there is an error. Mere information is in the JSON alone, unless
    `everything` or -v asks for it.
    """
    with faults_in(output, session, what):
        # Where these cannot be read, there is no telling what the files declare.
        settings_problems = session.settings_problems()
        declarations = session.declarations
        found = [*declarations.diagnostics, *check_offline(session), *check_tests(session)]
        if session.config.contacts is not None:
            from segctl.app.git_exposure import exposures, own_files  # noqa: PLC0415 - asks git

            found += exposures(session, own_files(session))
        findings = sort_diagnostics([*settings_problems, *found])
    loud = everything or session.verbosity > 0
    shown = [one for one in findings if loud or one.severity is not Severity.INFO]
    failed = any(found.severity is Severity.ERROR for found in findings)
    number = count(len(declarations.declared), "segment")
    warned = severity_summary(findings)
    verdict = warned if failed else f"valid{f', {warned}' if warned else ''}"
    closing = f"{number} in {session.config.segments}/: {verdict}."
    if output == "json":
        segments = len(declarations.declared)
        session.show(diagnostics_in(output, findings, session, what, segments=segments))
    elif output != "text":
        session.show(diagnostics_in(output, shown, session, what, closing=closing))
    if failed:
        raise InvalidInput(shown)
    if output == "text":
        session.warn(shown)
        session.show(f"{closing}\n")
    return 0
