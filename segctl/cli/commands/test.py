"""`segctl test`: is who should be in a segment in it, and who should not, out? Offline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from segctl.app.plan import read_selection
from segctl.cli.options import with_session
from segctl.cli.shell_completion import segment_names
from segctl.errors import Diagnostic, InvalidInput, Severity
from segctl.render.cases_text import case_diagnostics, cases_text, details, summary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segctl.app.segment_tests import Suite
    from segctl.app.session import Session
    from segctl.audience.cases import CaseResult
    from segctl.model import Declared


_REPORTS = ("json", "junit")
"""Formats of all tests: what keeps them from being tried comes out among them."""

_FINDINGS = ("github", "markdown")
"""Formats of what is wrong."""


@click.command("test")
@click.argument("names", shell_complete=segment_names, metavar="[NAME]...", nargs=-1)
@click.option(
    "--format",
    "output",
    type=click.Choice(["text", "json", "junit", "github", "markdown"]),
    default="text",
    help="How to write the results: junit for a CI service, github for annotations of a workflow "
    "run, markdown for its summary.",
)
@click.option("--require", is_flag=True, help="Fail for segments that have no tests.")
@with_session
def command(session: Session, names: tuple[str, ...], output: str, require: bool) -> int:
    """Try the tests of the segment files, offline.

    A test is a contact, perhaps with events, that must be in the segment or out of it. Needs no
    API key and no network: the query is computed on this machine, and one that cannot be computed
    for certain is refused. Exit code 1 when a test fails or cannot be tried.

    NAME is a segment's name or file, and may be a shell pattern; without one, all are tried.

    \b
    Examples:
      segctl test
      segctl test 'VIP customers' --require
      segctl test --format junit > segments.xml
    """
    from segctl.app.segment_tests import sound_suites  # noqa: PLC0415
    from segctl.cli.output import faults_in  # noqa: PLC0415

    with faults_in(output if output in _FINDINGS else "text", session, "test"):
        try:
            _, picked = read_selection(session, names, what="NAME")
            suites = sound_suites(session, picked)
        except InvalidInput as error:
            if output in _REPORTS:
                _show(session, output, (), error.diagnostics)
            raise
        results, problems = _tried(session, suites)
    if require:
        tested = {suite.declared.file for suite in suites}
        problems += [_untested(one) for one in picked if one.file not in tested]
    _show(session, output, results, problems)
    return int(bool(problems) or not all(one.passed for one in results))


def _tried(session: Session, suites: Sequence[Suite]) -> tuple[list[CaseResult], list[Diagnostic]]:
    """Try every test; give what cannot be translated, too."""
    from segctl.audience.case_runner import run_cases, translation_diagnostics  # noqa: PLC0415
    from segctl.audience.cases import CaseResult  # noqa: PLC0415
    from segctl.audience.duckdb_engine import Engine  # noqa: PLC0415
    from segctl.audience.to_duckdb import translate  # noqa: PLC0415
    from segctl.declarations.query_source import QuerySource  # noqa: PLC0415
    from segctl.query.parser.parse import parse  # noqa: PLC0415

    results: list[CaseResult] = []
    problems: list[Diagnostic] = []
    engines: dict[int, Engine] = {}
    for suite in suites:
        segment = suite.declared.segment
        source = QuerySource(suite.declared, session.declarations.documents[suite.declared.file])
        translated = translate(parse(segment.query), suite.columns, segment.parent_list_ids)
        if translated.audience is None:
            found = translation_diagnostics(translated.problems, source)
            problems += found
            # They did not pass: a report without them would be of fewer tests, all green.
            said = f"its query cannot be computed: {found[0].span}"
            name, file = suite.declared.name, suite.declared.file
            results += [CaseResult(name, file, case, None, problem=said) for case in suite.cases]
            continue
        engine = engines.get(id(suite.columns))
        if engine is None:
            engine = engines[id(suite.columns)] = Engine(suite.columns)
        now = session.clock.now()
        results += run_cases(
            suite.declared, source, translated.audience, suite.cases, engine=engine, now=now
        )
    return results, problems


def _untested(one: Declared) -> Diagnostic:
    return Diagnostic(
        "no-tests",
        Severity.ERROR,
        f"`{one.name}` has no tests",
        one.span,
        hint="add `tests:` with a contact that must be in the segment, and one that must not",
    )


def _show(
    session: Session, output: str, results: Sequence[CaseResult], problems: Sequence[Diagnostic]
) -> None:
    match output:
        case "json":
            _show_json(session, results, problems)
        case "junit":
            from segctl.render.cases_junit import cases_junit  # noqa: PLC0415

            session.show(cases_junit(results, problems))
        case "github" | "markdown":
            from segctl.cli.output import diagnostics_in  # noqa: PLC0415

            if results or problems:
                found, closing = [*problems, *case_diagnostics(results)], summary(results)
                session.show(diagnostics_in(output, found, session, "test", closing=closing))
        case _:
            session.warn(problems)
            if not (results or problems):
                session.talk("No segment has tests: add `tests:` to its file.")
            session.show(cases_text(results, session.style, quiet=session.verbosity < 0))


def _show_json(
    session: Session, results: Sequence[CaseResult], problems: Sequence[Diagnostic]
) -> None:
    from segctl.cli.output import diagnostics_in  # noqa: PLC0415
    from segctl.planfile.to_json import source_json  # noqa: PLC0415
    from segctl.render.terminal import clean  # noqa: PLC0415

    tests: list[dict[str, Any]] = [
        {
            "segment": clean(one.segment),
            "name": clean(one.case.name),
            "source": source_json(one.case.span),
            "expect": "in" if one.case.expected else "out",
            "actual": None if one.actual is None else "in" if one.actual else "out",
            "passed": one.passed,
            "details": [] if one.passed else details(one),
            "reasons": [
                {
                    "condition": clean(reason.condition),
                    "truth": reason.truth,
                    "source": source_json(reason.span),
                }
                for reason in one.reasons
            ],
        }
        for one in results
    ]
    said = summary(results)
    session.show(diagnostics_in("json", problems, session, "test", summary=said, tests=tests))
