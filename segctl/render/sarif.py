"""Diagnostics as SARIF 2.1.0 (OASIS, with errata 01), for code scanning.

A diagnostic without a place in a file becomes a notification of the run instead of a result: code
scanning accepts no result without a place, and segctl does not invent one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from segctl import __version__
from segctl.common.secrets import redact
from segctl.declarations.lint_settings import ALL_RULES, explain
from segctl.errors import Diagnostic, Severity, with_instance
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
    diagnostics: Iterable[Diagnostic], context: RenderContext, command: str, *, target: str = ""
) -> Any:
    """Return the log of one run as JSON data.

    `command`, the target and the project name the run, so that an upload does not close the alerts
    of another run.
    """
    diagnostics = list(diagnostics)
    codes = sorted({diagnostic.code for diagnostic in diagnostics})
    index = {code: number for number, code in enumerate(codes)}
    category = "/".join(
        quote(clean(part)) for part in ("segctl", command, target, context.project) if part
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
                            diagnostic.severity is Severity.ERROR and diagnostic.span is None
                            for diagnostic in diagnostics
                        ),
                        **({"endTimeUtc": context.generated_at} if context.generated_at else {}),
                        "toolExecutionNotifications": [
                            _notification(diagnostic, index)
                            for diagnostic in diagnostics
                            if not diagnostic.span
                        ],
                    }
                ],
                "results": [
                    _result(diagnostic, diagnostic.span, index, context)
                    for diagnostic in diagnostics
                    if diagnostic.span
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


def _message(diagnostic: Diagnostic) -> dict[str, str]:
    hint = f"\n{clean(diagnostic.hint)}" if diagnostic.hint else ""
    # Braces are arguments and `[…](…)` is a link, unless written like this (§3.11.5, §3.11.6).
    summary = diagnostic.summary
    if diagnostic.span is not None:
        summary = with_instance(summary, diagnostic.span)
    text = f"{clean(summary)}{hint}".replace("{", "{{").replace("}", "}}")
    return {"text": _LINK.sub(r"\\[\1\\](", text)}


def _notification(diagnostic: Diagnostic, index: dict[str, int]) -> dict[str, Any]:
    return {
        "level": _LEVELS[diagnostic.severity],
        "message": _message(diagnostic),
        "associatedRule": {"id": clean(diagnostic.code), "index": index[diagnostic.code]},
    }


def _result(
    diagnostic: Diagnostic, span: Span, index: dict[str, int], context: RenderContext
) -> dict[str, Any]:
    region: dict[str, Any] = {"startLine": span.line, "startColumn": span.column}
    if span.end_line is not None and span.end_column is not None:
        region |= {"endLine": span.end_line, "endColumn": span.end_column}
    return {
        "ruleId": clean(diagnostic.code),
        "ruleIndex": index[diagnostic.code],
        "level": _LEVELS[diagnostic.severity],
        "message": _message(diagnostic),
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
