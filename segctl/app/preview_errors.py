"""Says why a segment cannot be counted, and where. Only imported where one cannot."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from segctl.audience.case_runner import translation_diagnostics
from segctl.declarations.query_source import QuerySource
from segctl.errors import Diagnostic, Severity
from segctl.query.personal_data import mask_email_addresses

if TYPE_CHECKING:
    from segctl.app.session import Session
    from segctl.audience.results import Uncountable
    from segctl.model import Declared
    from segctl.query.parser.errors import Problem

_CANNOT = "it cannot be counted"


def findings(
    session: Session, declared: Declared, result: Uncountable, *, named: bool
) -> list[Diagnostic]:
    """Say why a segment has no numbers: an error where it was named."""
    if result.in_before:
        found = [_placeless(declared, one) for one in result.problems]
    else:
        source = QuerySource(declared, session.declarations.documents[declared.file])
        own = [one for one in result.problems if one.start >= 0]
        found = translation_diagnostics(own, source, _CANNOT)
        place = declared.parent_span or declared.span
        found += [
            Diagnostic(
                one.code,
                Severity.ERROR,
                f"{_CANNOT}: {mask_email_addresses(one.message)}",
                place,
                mask_email_addresses(one.hint),
            )
            for one in result.problems
            if one.start < 0
        ]
    if named:
        return found
    return [dataclasses.replace(one, severity=Severity.WARNING) for one in found]


def _placeless(declared: Declared, problem: Problem) -> Diagnostic:
    message = f"{_CANNOT}: in the account's own query, {mask_email_addresses(problem.message)}"
    hint = mask_email_addresses(problem.hint)
    return Diagnostic(problem.code, Severity.ERROR, message, declared.query_span, hint)
