"""Findings as SARIF 2.1.0 (OASIS, with errata 01), for code scanning.

Owns the shape. A finding that has no place in a file becomes a notification of the run and no
result: code scanning takes no result without a place, and a made-up one would be a lie.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from segctl import __version__
from segctl.common.secrets import redact
from segctl.declarations.linter import ALL_RULES, explain
from segctl.errors import Diagnostic, Severity
from segctl.render.terminal import clean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from segctl.errors import Span
    from segctl.render.context import RenderContext

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)

_LINK = re.compile(r"\[([^\[\]]*)\]\(")
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def sarif(
    findings: Iterable[Diagnostic], context: RenderContext, what: str, *, target: str = ""
) -> Any:
    """Give a log of one run as JSON data.

    `what` is the command that found it; with the target and the project it names the run, so that
    one upload does not close the alerts of another.
    """
    findings = list(findings)
    codes = sorted({found.code for found in findings})
    index = {code: number for number, code in enumerate(codes)}
    category = "/".join(
        quote(clean(part)) for part in ("segctl", what, target, context.project) if part
    )
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "segctl",
                        "version": __version__,
                        "rules": [_rule(code) for code in codes],
                    }
                },
                "automationDetails": {"id": f"{category}/"},
                "columnKind": "unicodeCodePoints",
                "invocations": [
                    {
                        "executionSuccessful": not any(
                            found.severity is Severity.ERROR and found.span is None
                            for found in findings
                        ),
                        **({"endTimeUtc": context.generated_at} if context.generated_at else {}),
                        "toolExecutionNotifications": [
                            _notification(found, index) for found in findings if not found.span
                        ],
                    }
                ],
                "results": [
                    _result(found, found.span, index, context) for found in findings if found.span
                ],
            }
        ],
    }


def _rule(code: str) -> dict[str, Any]:
    rule = ALL_RULES.get(code)
    if rule is None:
        return {"id": clean(code)}
    level = _LEVELS[rule.severity] if rule.severity else "none"
    return {
        "id": code,
        "shortDescription": {"text": rule.help.splitlines()[0]},
        "help": {"text": explain(code).rstrip()},
        "defaultConfiguration": {"level": level, "enabled": rule.severity is not None},
    }


def _message(found: Diagnostic) -> dict[str, str]:
    hint = f"\n{clean(found.hint)}" if found.hint else ""
    # Braces are arguments and `[…](…)` is a link, unless written like this (§3.11.5, §3.11.6).
    text = f"{clean(found.summary)}{hint}".replace("{", "{{").replace("}", "}}")
    return {"text": _LINK.sub(r"\\[\1\\](", text)}


def _notification(found: Diagnostic, index: dict[str, int]) -> dict[str, Any]:
    return {
        "level": _LEVELS[found.severity],
        "message": _message(found),
        "associatedRule": {"id": clean(found.code), "index": index[found.code]},
    }


def _result(
    found: Diagnostic, span: Span, index: dict[str, int], context: RenderContext
) -> dict[str, Any]:
    region: dict[str, Any] = {"startLine": span.line, "startColumn": span.column}
    if span.end_line is not None and span.end_column is not None:
        region |= {"endLine": span.end_line, "endColumn": span.end_column}
    return {
        "ruleId": clean(found.code),
        "ruleIndex": index[found.code],
        "level": _LEVELS[found.severity],
        "message": _message(found),
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {
                        "uri": quote(
                            redact(context.path(span), whole=True), errors="surrogatepass"
                        ),
                        "uriBaseId": "%SRCROOT%",
                    },
                    "region": region,
                }
            }
        ],
    }
