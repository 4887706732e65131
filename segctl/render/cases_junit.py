"""What the tests of segments showed, as JUnit's XML, which every CI service reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.render.cases_text import details, outcome
from segctl.render.terminal import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segctl.audience.cases import CaseResult
    from segctl.errors import Diagnostic


def cases_junit(results: Sequence[CaseResult], problems: Sequence[Diagnostic]) -> str:
    """Give one suite with a case a test; `problems` are errors without one."""
    from xml.etree.ElementTree import (  # noqa: PLC0415 - for this format alone
        Element,
        SubElement,
        indent,
        tostring,
    )

    failed = sum(not one.passed and not one.problem for one in results)
    errors = sum(bool(one.problem) for one in results) + len(problems)
    suite = Element(
        "testsuite",
        name="segctl",
        tests=str(len(results) + len(problems)),
        failures=str(failed),
        errors=str(errors),
    )
    for one in results:
        case = SubElement(
            suite,
            "testcase",
            name=clean(one.case.name),
            classname=clean(one.segment),
            file=clean(one.case.span.file),
            line=str(one.case.span.line),
        )
        if not one.passed:
            kind = "error" if one.problem else "failure"
            message = clean(one.problem or outcome(one))
            SubElement(case, kind, message=message).text = "\n".join(details(one))
    for found in problems:
        case = SubElement(suite, "testcase", name=found.code, classname="segctl")
        if found.span:
            file = clean(found.span.file)
            case.attrib |= {"classname": file, "file": file, "line": str(found.span.line)}
        where = [str(found.span)] if found.span else []
        text = clean(": ".join(filter(None, [*where, found.hint])))
        SubElement(case, "error", message=clean(found.summary)).text = text
    indent(suite)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{tostring(suite, encoding="unicode")}\n'
