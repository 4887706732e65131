"""Results of segment tests as JUnit XML, which every CI service reads. Does not run the tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.render.cases_text import describe_failure, describe_mismatch
from segctl.render.terminal import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segctl.audience.cases import CaseResult
    from segctl.errors import Diagnostic
    from segctl.model.contact_fields import ListNames


def cases_junit(
    results: Sequence[CaseResult], problems: Sequence[Diagnostic], lists: ListNames | None = None
) -> str:
    """Return one suite with a case for each test; `problems` are errors that belong to no test."""
    from xml.etree.ElementTree import (  # noqa: PLC0415 - for this format alone
        Element,
        SubElement,
        indent,
        tostring,
    )

    failures = sum(not result.passed and not result.problem for result in results)
    errors = sum(bool(result.problem) for result in results) + len(problems)
    suite = Element(
        "testsuite",
        name="segctl",
        tests=str(len(results) + len(problems)),
        failures=str(failures),
        errors=str(errors),
    )
    for result in results:
        case = SubElement(
            suite,
            "testcase",
            name=clean(result.case.name),
            classname=clean(result.segment),
            file=clean(result.case.span.file),
            line=str(result.case.span.line),
        )
        if not result.passed:
            kind = "error" if result.problem else "failure"
            message = clean(result.problem or describe_mismatch(result))
            SubElement(case, kind, message=message).text = "\n".join(
                describe_failure(result, lists)
            )
    for problem in problems:
        case = SubElement(suite, "testcase", name=problem.code, classname="segctl")
        if problem.span:
            file = clean(problem.span.file)
            case.attrib |= {"classname": file, "file": file, "line": str(problem.span.line)}
        place = [str(problem.span)] if problem.span else []
        text = clean(": ".join(filter(None, [*place, problem.hint])))
        SubElement(case, "error", message=clean(problem.summary)).text = text
    indent(suite)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{tostring(suite, encoding="unicode")}\n'
