"""Reads the tests of segment files for a command, with what fields.yaml and fixtures.yaml say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.app.lint import lint_settings
from segctl.app.local_fields import offline_fields
from segctl.audience.cases import CaseReader, Fixtures, infer_columns, read_fixtures_document
from segctl.audience.scope import Columns
from segctl.declarations.fields_file import column_types
from segctl.declarations.lint_rules import address_in_tests
from segctl.documents.document import sort_diagnostics
from segctl.errors import Diagnostic, InvalidInput, Severity
from segctl.project.files import FIXTURES_FILE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segctl.app.session import Session
    from segctl.audience.cases import Case
    from segctl.documents.document import Document
    from segctl.model import Declared


@dataclass(frozen=True, slots=True)
class Suite:
    """The tests of one segment, and the columns that its contacts have."""

    declared: Declared
    cases: tuple[Case, ...]
    columns: Columns


def read_suites(
    session: Session, declared: Sequence[Declared]
) -> tuple[list[Suite], list[Diagnostic]]:
    """Give the tests of these segments, and everything that is wrong with them."""
    fields, _ = offline_fields(session)
    documents = session.declarations.documents
    tested = [one for one in declared if documents[one.file].value.get("tests")]
    shared, findings = _fixtures(session)
    if fields is not None:
        known = Columns(column_types((*fields.reserved, *fields.custom)))
    else:
        given = [documents[one.file] for one in tested]
        known = infer_columns([*given, *([shared] if shared else [])])
    certain = fields is not None
    fixtures = Fixtures()
    if shared is not None:
        before = len(shared.diagnostics)
        fixtures = CaseReader(shared, known, certain=certain).fixtures()
        findings = [*findings, *shared.diagnostics[before:]]
    suites = []
    for one in tested:
        document = documents[one.file]
        before = len(document.diagnostics)
        cases = CaseReader(document, known, certain=certain).cases(fixtures)
        findings = [*findings, *document.diagnostics[before:]]
        suites.append(Suite(one, cases, known))
    return suites, findings


def sound_suites(session: Session, declared: Sequence[Declared]) -> list[Suite]:
    """Give the tests of these segments. Raises `InvalidInput` where one is wrong."""
    suites, findings = read_suites(session, declared)
    if any(found.severity is Severity.ERROR for found in findings):
        raise InvalidInput(sort_diagnostics(findings))
    return suites


def check_tests(session: Session) -> list[Diagnostic]:
    """Check the tests of every segment file, and fixtures.yaml."""
    _, findings = read_suites(session, session.declarations.declared)
    document, _ = _fixtures(session)
    severity = lint_settings(session).severity(address_in_tests.code, address_in_tests.severity)
    if document is not None and severity is not None:
        for path, message, hint in address_in_tests.check(None, document.value):
            span = document.span(path)
            excerpt = document.excerpt(span.line)
            found = Diagnostic(address_in_tests.code, severity, message, span, hint, excerpt)
            findings.append(found)
    return findings


def _fixtures(session: Session) -> tuple[Document | None, list[Diagnostic]]:
    data = session.files.fixtures
    if data is None:
        return None, []
    return read_fixtures_document(f"{session.config.segments}/{FIXTURES_FILE}", data)
