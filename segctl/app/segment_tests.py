"""The tests of segment files: reading them, with fields and fixtures, and running them.

Runs offline. Checking a test's shape is the business of `audience/`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from segctl.app.account_file import read_known_account
from segctl.app.lint import rule_settings
from segctl.app.selection import NoMatch, select_declared
from segctl.audience.cases import CaseReader, Fixtures, infer_columns, read_fixtures_document
from segctl.audience.scope import Columns
from segctl.declarations.account_file import column_types
from segctl.declarations.interpolation import Interpolator
from segctl.declarations.lint_rules import address_in_tests
from segctl.documents.document import sort_diagnostics
from segctl.errors import Diagnostic, InvalidInput, Severity
from segctl.project.files import FIXTURES_FILE
from segctl.project.groups import find_group
from segctl.render.merging import merge_by_target

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from segctl.app.project import Project
    from segctl.audience.cases import Case, CaseResult
    from segctl.audience.duckdb_engine import Engine
    from segctl.documents.document import Document, Path
    from segctl.model import Declared


@dataclass(frozen=True, slots=True)
class Suite:
    """The tests of one segment, and the columns that its contacts have."""

    declared: Declared
    cases: tuple[Case, ...]
    columns: Columns


@dataclass(frozen=True, slots=True)
class TestResults:
    """The result of every test, and what kept a segment from being tested."""

    __test__ = False  # for pytest, which collects classes of such names

    results: tuple[CaseResult, ...]
    problems: tuple[Diagnostic, ...]

    @property
    def passed(self) -> bool:
        """Whether every test passed, and nothing kept one from being run."""
        return not self.problems and all(result.passed for result in self.results)


def run_segment_tests(
    project: Project, names: Sequence[str] = (), *, require: bool = False
) -> TestResults:
    """Run the tests of the segments whose names or files match; of all, without `names`.

    With `require`, a segment without tests is a problem. For a group, they are run for each of its
    targets, and a test that fails in some of them names these. Raises `InvalidInput` if the files
    or the tests are invalid, and `UsageError` for a name that matches no segment and without
    DuckDB.
    """
    group = find_group(project.config, project.requested_target, project.env)
    if group is None:
        return _run_for_target(project, names, require=require)
    by_target: dict[str, TestResults] = {}
    unmatched: list[NoMatch] = []
    for target in group.targets:
        try:
            by_target[target] = _run_for_target(project.for_target(target), names, require=require)
        except NoMatch as error:
            # Another target may have the segment.
            unmatched.append(error)
        except InvalidInput as error:
            found = [(target, error.diagnostics)]
            raise InvalidInput(merge_by_target(found, len(group.targets))) from None
    if not by_target:
        raise unmatched[0]
    problems = [(target, results.problems) for target, results in by_target.items()]
    return TestResults(tuple(_of_all_targets(by_target)), merge_by_target(problems, len(by_target)))


def _of_all_targets(by_target: Mapping[str, TestResults]) -> Iterator[CaseResult]:
    """Yield each test once: as it failed, if it failed in any target, which it then names."""
    tests: dict[tuple[object, ...], dict[str, CaseResult]] = {}
    for target, results in by_target.items():
        for result in results.results:
            tests.setdefault((result.segment, result.case.span), {})[target] = result
    for of_test in tests.values():
        failed = {target: result for target, result in of_test.items() if not result.passed}
        if len(failed) in (0, len(of_test)):
            yield next(iter(of_test.values()))
        else:
            first = next(iter(failed.values()))
            names = f"{first.segment} (in {', '.join(failed)})"
            yield dataclasses.replace(first, segment=names)


def _run_for_target(project: Project, names: Sequence[str], *, require: bool) -> TestResults:
    selected = select_declared(project, names)
    suites = _sound_suites(project, selected)
    results, problems = _run_suites(project, suites)
    if require:
        tested = {suite.declared.source for suite in suites}
        problems += [_untested(segment) for segment in selected if segment.source not in tested]
    return TestResults(tuple(results), tuple(problems))


def check_tests(project: Project) -> list[Diagnostic]:
    """Check the tests of every segment file, and fixtures.yaml."""
    _, diagnostics = _read_suites(project, project.declarations.declared)
    document, _ = _fixtures(project)
    severity = rule_settings(project).severity(address_in_tests.code, address_in_tests.severity)
    if document is not None and severity is not None:
        for path, message, hint in address_in_tests.check(None, document.value):
            span = document.span(path)
            excerpt = document.excerpt(span.line)
            diagnostics.append(
                Diagnostic(address_in_tests.code, severity, message, span, hint, excerpt)
            )
    return diagnostics


def _sound_suites(project: Project, declared: Sequence[Declared]) -> list[Suite]:
    """Return the tests of these segments. Raises `InvalidInput` if any is invalid."""
    suites, diagnostics = _read_suites(project, declared)
    if any(diagnostic.severity is Severity.ERROR for diagnostic in diagnostics):
        raise InvalidInput(sort_diagnostics(diagnostics))
    return suites


def _read_suites(
    project: Project, declared: Sequence[Declared]
) -> tuple[list[Suite], list[Diagnostic]]:
    """Return the tests of these segments, and everything that is wrong with them."""
    fields, _ = read_known_account(project)
    documents = project.declarations.documents
    tested = [segment for segment in declared if documents[segment.file].value.get("tests")]
    files = {segment.file for segment in tested}
    templates = {file for file in files if _has_names(documents[file].value["tests"])}
    with_values = [
        _with_values(project, segment) if segment.file in templates else documents[segment.file]
        for segment in tested
    ]
    # Instances whose tests name no values share a document: it is read once.
    distinct = {id(document): document for document in with_values}
    shared, diagnostics = _fixtures(project)
    if fields is not None:
        columns = Columns(column_types((*fields.reserved, *fields.custom)))
    else:
        columns = infer_columns([*distinct.values(), *([shared] if shared else [])])
    certain = fields is not None
    fixtures = Fixtures()
    if shared is not None:
        before = len(shared.diagnostics)
        fixtures = CaseReader(shared, columns, certain=certain).fixtures()
        diagnostics = [*diagnostics, *shared.diagnostics[before:]]
    cases = {}
    for key, document in distinct.items():
        before = 0 if document.file in templates else len(document.diagnostics)
        cases[key] = CaseReader(document, columns, certain=certain).cases(fixtures)
        diagnostics = [*diagnostics, *document.diagnostics[before:]]
    suites = [
        Suite(segment, cases[id(document)], columns)
        for segment, document in zip(tested, with_values, strict=True)
    ]
    return suites, diagnostics


def _has_names(item: Any) -> bool:
    """Return whether a text in the tests of a file has the name of a value."""
    match item:
        case dict():
            return any(map(_has_names, item.values()))
        case list():
            return any(map(_has_names, item))
    return isinstance(item, str) and "${" in item


def _with_values(project: Project, declared: Declared) -> Document:
    """Return the document of a segment, with its values in place of their names in the tests.

    A text that is nothing but a name is the value itself, such as a number. What is wrong is
    reported in the document.
    """
    declarations = project.declarations
    document = declarations.documents[declared.file]
    values = {**declarations.bindings.values, **declared.values}
    before = len(document.diagnostics)
    texts = Interpolator(document)

    def interpolated(item: Any, path: Path) -> Any:
        match item:
            case dict():
                return {key: interpolated(part, (*path, key)) for key, part in item.items()}
            case list():
                return [interpolated(part, (*path, number)) for number, part in enumerate(item)]
            case str() if "${" in item:
                return texts.value(item, values, path)
        return item

    tests = interpolated(document.value["tests"], ("tests",))
    reported = document.diagnostics[before:]
    del document.diagnostics[before:]
    return dataclasses.replace(
        document, value={**document.value, "tests": tests}, diagnostics=reported
    )


def _fixtures(project: Project) -> tuple[Document | None, list[Diagnostic]]:
    data = project.files.fixtures
    if data is None:
        return None, []
    return read_fixtures_document(f"{project.config.segments}/{FIXTURES_FILE}", data)


def _run_suites(
    project: Project, suites: Sequence[Suite]
) -> tuple[list[CaseResult], list[Diagnostic]]:
    """Run every test; also return why a query cannot be translated."""
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
        declared = suite.declared
        segment = declared.segment
        source = QuerySource.of(declared, project.declarations.documents[declared.file])
        translated = translate(parse(segment.query), suite.columns, segment.parent_list_ids)
        if translated.audience is None:
            untranslated = translation_diagnostics(translated.problems, source)
            problems += untranslated
            # They did not pass: a report without them would be of fewer tests, all green.
            problem = f"its query cannot be computed: {untranslated[0].span}"
            results += [
                CaseResult(declared.name, declared.source, case, None, problem=problem)
                for case in suite.cases
            ]
            continue
        engine = engines.get(id(suite.columns))
        if engine is None:
            engine = engines[id(suite.columns)] = Engine(suite.columns)
        now = project.clock.now()
        results += run_cases(
            declared, source, translated.audience, suite.cases, engine=engine, now=now
        )
    return results, problems


def _untested(segment: Declared) -> Diagnostic:
    return Diagnostic(
        "no-tests",
        Severity.ERROR,
        f"`{segment.name}` has no tests",
        segment.span,
        hint="add `tests:` with a contact that must be in the segment, and one that must not",
    )
