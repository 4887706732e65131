"""Findings as text: `segments/vip.yaml:7:3: error[code]: …`, the source line, the way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.errors import Severity
from segctl.render.terminal import Style, cells, clean, count

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from segctl.errors import Diagnostic

MAX_EXCERPT = 120


def diagnostics_text(diagnostics: Iterable[Diagnostic], style: Style) -> str:
    """Give every finding, one after the other; empty where there are none."""
    return "".join(_one(found, style) for found in diagnostics)


def severity_summary(diagnostics: Sequence[Diagnostic]) -> str:
    """Count findings: "2 errors, 1 warning"; empty where there are none."""
    parts = []
    for severity in (Severity.ERROR, Severity.WARNING):
        number = sum(found.severity is severity for found in diagnostics)
        if number:
            parts.append(count(number, severity.value))
    return ", ".join(parts)


def _one(found: Diagnostic, style: Style) -> str:
    paint = {Severity.ERROR: style.red, Severity.WARNING: style.yellow}.get(
        found.severity, style.dim
    )
    place = f"{style.bold(clean(str(found.span)))}: " if found.span else ""
    head = f"{place}{paint(f'{found.severity.value}[{found.code}]')}: {clean(found.summary)}\n"
    return head + _excerpt(found, style) + _hint(found, style)


def _excerpt(found: Diagnostic, style: Style) -> str:
    if found.span is None or not found.excerpt.strip():
        return ""
    column = found.span.column - 1
    # A long line is shown from a little before the place, so that the mark is in sight.
    start = max(0, column - MAX_EXCERPT // 2) if len(found.excerpt) > MAX_EXCERPT else 0
    shown = clean(found.excerpt[start : start + MAX_EXCERPT].replace("\t", " "))
    before = cells(clean(found.excerpt[start:column].replace("\t", " ")))
    width = 1
    if found.span.end_line == found.span.line and found.span.end_column is not None:
        marked = clean(found.excerpt[column : found.span.end_column - 1].replace("\t", " "))
        width = max(1, min(cells(marked), cells(shown) - before))
    number = str(found.span.line)
    gutter = " " * len(number)
    return (
        f"  {style.dim(f'{number} |')} {shown.rstrip()}\n"
        f"  {style.dim(f'{gutter} |')} {' ' * before}{style.red('^' * width)}\n"
    )


def _hint(found: Diagnostic, style: Style) -> str:
    return f"  {style.dim('hint:')} {clean(found.hint)}\n" if found.hint else ""
