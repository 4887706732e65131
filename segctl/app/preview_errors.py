"""Why a segment cannot be counted, or not for certain, and where. Imported only if one cannot."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from segctl.audience.case_runner import translation_diagnostics
from segctl.declarations.query_source import QuerySource
from segctl.errors import Diagnostic, Severity
from segctl.query.personal_data import mask_email_addresses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segctl.app.project import Project
    from segctl.audience.results import Uncountable
    from segctl.model import Declared
    from segctl.query.parser.errors import Problem

_CANNOT = "it cannot be counted"
_DOUBTFUL = "its number may be wrong"


def explain_uncountable(
    project: Project, declared: Declared, result: Uncountable, *, is_named: bool
) -> list[Diagnostic]:
    """Return why a segment has no numbers: errors if the user named it, else warnings."""
    if result.in_before:
        diagnostics = [_in_account_query(declared, problem) for problem in result.problems]
    else:
        source = QuerySource.of(declared, project.declarations.documents[declared.file])
        in_query = [problem for problem in result.problems if problem.start >= 0]
        diagnostics = translation_diagnostics(in_query, source, _CANNOT)
        span = declared.parent_span or declared.span
        diagnostics += [
            Diagnostic(
                problem.code,
                Severity.ERROR,
                f"{_CANNOT}: {mask_email_addresses(problem.message)}",
                span,
                mask_email_addresses(problem.hint),
            )
            for problem in result.problems
            if problem.start < 0
        ]
    if is_named:
        return diagnostics
    return [
        dataclasses.replace(diagnostic, severity=Severity.WARNING) for diagnostic in diagnostics
    ]


def explain_warnings(
    project: Project, declared: Declared, problems: Sequence[Problem]
) -> list[Diagnostic]:
    """Return why the number of a segment may be wrong, as warnings."""
    source = QuerySource.of(declared, project.declarations.documents[declared.file])
    return [
        dataclasses.replace(diagnostic, severity=Severity.WARNING)
        for diagnostic in translation_diagnostics(problems, source, _DOUBTFUL)
    ]


def _in_account_query(declared: Declared, problem: Problem) -> Diagnostic:
    """Return a problem of the account's query, which has no place in the files."""
    message = f"{_CANNOT}: in the query on the account, {mask_email_addresses(problem.message)}"
    hint = mask_email_addresses(problem.hint)
    return Diagnostic(problem.code, Severity.ERROR, message, declared.query_span, hint)
