"""Findings as annotations of GitHub's workflow runs: `::error file=…,line=…,col=…,title=…::…`.

Owns the escaping, by which no text can end a line or begin another command, and the choice of what
is shown: GitHub keeps ten annotations of each type a step, so errors come first, and the last of a
type that has more says how many.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.errors import Diagnostic, Severity
from segctl.render.terminal import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from segctl.render.context import RenderContext

MOST = 10
"""Annotations of one type that GitHub shows of a step."""

_TYPES = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"})


def workflow_annotations(
    findings: Iterable[Diagnostic], context: RenderContext, closing: str = ""
) -> str:
    """Give a line an annotation; `closing`, the sum of it all, is a notice, and the first one."""
    by_severity: dict[Severity, list[str]] = {severity: [] for severity in _TYPES}
    if closing:
        by_severity[Severity.INFO].append(_line("notice", {"title": "segctl"}, clean(closing)))
    for found in findings:
        by_severity[found.severity].append(_annotation(found, context))
    return "".join(
        f"{line}\n"
        for severity, lines in by_severity.items()
        for line in _at_most(_TYPES[severity], lines)
    )


def _at_most(kind: str, lines: Sequence[str]) -> Sequence[str]:
    if len(lines) <= MOST:
        return lines
    left_out = len(lines) - MOST + 1
    said = f"{left_out:,} more {kind}s are not shown here: --format text shows them all"
    return [*lines[: MOST - 1], _line(kind, {"title": "segctl"}, said)]


def _annotation(found: Diagnostic, context: RenderContext) -> str:
    properties = {}
    if found.span is not None:
        properties = {
            "file": clean(context.path(found.span)),
            "line": str(found.span.line),
            "col": str(found.span.column),
        }
    properties["title"] = f"segctl: {clean(found.code)}"
    hint = f"\n{clean(found.hint)}" if found.hint else ""
    return _line(_TYPES[found.severity], properties, clean(found.summary) + hint)


def _line(kind: str, properties: dict[str, str], message: str) -> str:
    said = ",".join(f"{key}={value.translate(_PROPERTY)}" for key, value in properties.items())
    return f"::{kind} {said}::{message.translate(_DATA)}"
