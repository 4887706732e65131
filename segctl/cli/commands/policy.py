"""`segctl policy`: judge the policies, offline. Asks no account and needs no key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from segctl.cli.exit_codes import REFUSED
from segctl.cli.options import with_project
from segctl.cli.output import FORMATS, Output
from segctl.errors import InvalidInput

if TYPE_CHECKING:
    from segctl.app.console import Console
    from segctl.app.policies import PolicyReport
    from segctl.app.project import Project


@click.command("policy")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option(
    "--format",
    "format_name",
    type=click.Choice([*FORMATS, "junit"]),
    default="text",
    help="The format of the results: junit for the reports of CI services.",
)
@with_project
def command(project: Project, console: Console, *, names: tuple[str, ...], format_name: str) -> int:
    """Judge the policies: who may be in which segments.

    Judges those of segctl.yaml and policies.yaml, offline, for every declared segment. NAME is a
    policy; without one, all are judged. A result is proven (it follows from the queries alone),
    holds (as counted in `contacts` of segctl.yaml), refuted or unknown. Exits with 3 if a policy
    that is not advisory is refuted or unknown. `segctl plan` judges the same, and
    `change_at_most` as well.

    \b
    Examples:
      segctl policy
      segctl policy consent -q
      segctl policy --format junit > policies.xml
    """
    from segctl.app.policies import judge_policies  # noqa: PLC0415 - the prover

    output = Output(format_name, project, console)
    of_errors = Output(format_name if format_name in FORMATS else "text", project, console)
    with of_errors.showing_errors("policy"):
        try:
            report = judge_policies(project, names, console)
        except InvalidInput as error:
            if format_name == "junit":
                from segctl.render.policies import policies_junit  # noqa: PLC0415

                output.show(policies_junit((), error.diagnostics))
            raise
    _show(output, report)
    return REFUSED if report.is_refused else 0


def _show(output: Output, report: PolicyReport) -> None:
    from segctl.render.policies import (  # noqa: PLC0415
        policies_junit,
        policies_line,
        policies_text,
        policy_diagnostics,
    )

    console, policies = output.console, report.policies
    match output.name:
        case "json":
            from segctl.planfile.policies_json import policies_json  # noqa: PLC0415
            from segctl.planfile.to_json import source_json  # noqa: PLC0415

            facts: dict[str, Any] = {
                "as_of": report.as_of or None,
                "segments": report.segments,
                "policies": policies_json(policies, source_json),
            }
            output.show(output.diagnostics(report.diagnostics, "policy", **facts))
        case "junit":
            output.show(policies_junit(policies, ()))
        case "text":
            console.warn(report.diagnostics)
            if not policies:
                console.talk("No policies; add `policies:` to segctl.yaml.")
                return
            is_quiet = console.verbosity < 0
            console.show(policies_text(policies, console.style, report.segments, quiet=is_quiet))
        case _:
            diagnostics = (*report.diagnostics, *policy_diagnostics(policies))
            closing = policies_line(policies)
            output.show(output.diagnostics(diagnostics, "policy", closing=closing))
