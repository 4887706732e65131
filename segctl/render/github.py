"""Diagnostics as annotations of GitHub's workflow runs: `::error file=…,line=…,title=…::…`.

Escapes text, so that none can end a line or begin another command, and chooses what is shown:
GitHub keeps ten annotations of each type for a step, so errors come first, and the last annotation
of a type that has more says how many. Does not write them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.errors import Diagnostic, Severity, with_instance
from segctl.render.terminal import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from segctl.render.context import RenderContext

MAX_ANNOTATIONS = 10
"""Annotations of one type that GitHub shows for a step."""

_TYPES = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
_DATA = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"})


def workflow_annotations(
    diagnostics: Iterable[Diagnostic], context: RenderContext, summary: str = ""
) -> str:
    """Return a line for each annotation; `summary` becomes the first notice."""
    by_severity: dict[Severity, list[str]] = {severity: [] for severity in _TYPES}
    if summary:
        by_severity[Severity.INFO].append(_command("notice", {"title": "segctl"}, clean(summary)))
    for diagnostic in diagnostics:
        by_severity[diagnostic.severity].append(_annotation(diagnostic, context))
    return "".join(
        f"{line}\n"
        for severity, lines in by_severity.items()
        for line in _limit(_TYPES[severity], lines)
    )


def _limit(kind: str, lines: Sequence[str]) -> Sequence[str]:
    if len(lines) <= MAX_ANNOTATIONS:
        return lines
    left_out = len(lines) - MAX_ANNOTATIONS + 1
    message = f"{left_out:,} more {kind}s are not shown: run with --format text to see all"
    return [*lines[: MAX_ANNOTATIONS - 1], _command(kind, {"title": "segctl"}, message)]


def _annotation(diagnostic: Diagnostic, context: RenderContext) -> str:
    properties = {}
    if diagnostic.span is not None:
        properties = {
            "file": clean(context.path(diagnostic.span)),
            "line": str(diagnostic.span.line),
            "col": str(diagnostic.span.column),
        }
    title = f"segctl: {diagnostic.code}"
    if diagnostic.span is not None:
        title = with_instance(title, diagnostic.span)
    properties["title"] = clean(title)
    hint = f"\n{clean(diagnostic.hint)}" if diagnostic.hint else ""
    return _command(_TYPES[diagnostic.severity], properties, clean(diagnostic.summary) + hint)


def _command(kind: str, properties: dict[str, str], message: str) -> str:
    pairs = ",".join(f"{key}={value.translate(_PROPERTY)}" for key, value in properties.items())
    return f"::{kind} {pairs}::{message.translate(_DATA)}"
