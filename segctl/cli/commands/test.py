"""`segctl test`: is everyone who should be in a segment in it, and nobody else? Offline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from segctl.app.list_names import recorded_list_names
from segctl.cli.options import with_project
from segctl.cli.output import Output
from segctl.cli.shell_completion import complete_segment_names
from segctl.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segctl.app.console import Console
    from segctl.app.project import Project
    from segctl.audience.cases import CaseResult
    from segctl.errors import Diagnostic

_REPORTS = ("json", "junit")
"""Formats of all tests: what keeps them from being run is part of the report."""

_DIAGNOSTICS = ("github", "markdown")
"""Formats of what is wrong."""


@click.command("test")
@click.argument("names", shell_complete=complete_segment_names, metavar="[NAME]...", nargs=-1)
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["text", "json", "junit", "github", "markdown"]),
    default="text",
    help="The format of the results: junit for a CI service, github for annotations of a workflow "
    "run, markdown for its summary.",
)
@click.option("--require", is_flag=True, help="Fail for segments that have no tests.")
@with_project
def command(
    project: Project, console: Console, *, names: tuple[str, ...], format_name: str, require: bool
) -> int:
    """Run the tests of the segment files, offline.

    A test is a contact, perhaps with events, that must be in the segment or out of it. Needs no
    API key and no network: segctl computes the query on this machine, and refuses one that it
    cannot compute exactly. Exits with 1 if a test fails or cannot be run. With a group of targets,
    runs the tests for each of them; one that fails in some names these.

    NAME is a segment's name or file, or a shell pattern of them; without one, all tests are run.

    \b
    Examples:
      segctl test
      segctl test 'VIP customers' --require
      segctl test --format junit > segments.xml
    """
    from segctl.app.segment_tests import run_segment_tests  # noqa: PLC0415

    output = Output(format_name, project, console)
    of_errors = Output(format_name if format_name in _DIAGNOSTICS else "text", project, console)
    with of_errors.showing_errors("test"):
        try:
            results = run_segment_tests(project, names, require=require)
        except InvalidInput as error:
            if format_name in _REPORTS:
                _show(output, (), error.diagnostics)
            raise
    _show(output, results.results, results.problems)
    return int(not results.passed)


def _show(output: Output, results: Sequence[CaseResult], problems: Sequence[Diagnostic]) -> None:
    from segctl.render.cases_text import case_diagnostics, cases_summary, cases_text  # noqa: PLC0415

    console = output.console
    failed = any(not result.passed for result in results)
    lists = recorded_list_names(output.project) if failed else {}
    match output.name:
        case "json":
            from segctl.render.cases_json import cases_json  # noqa: PLC0415

            totals, tests = cases_summary(results), cases_json(results, lists)
            output.show(output.diagnostics(problems, "test", summary=totals, tests=tests))
        case "junit":
            from segctl.render.cases_junit import cases_junit  # noqa: PLC0415

            output.show(cases_junit(results, console.complete_hints(problems), lists))
        case "github" | "markdown":
            if results or problems:
                diagnostics = [*problems, *case_diagnostics(results)]
                closing = cases_summary(results)
                output.show(output.diagnostics(diagnostics, "test", closing=closing))
        case _:
            console.warn(problems)
            if not (results or problems):
                console.talk("No segment has tests; add `tests:` to its file.")
            console.show(
                cases_text(results, console.style, lists=lists, quiet=console.verbosity < 0)
            )
