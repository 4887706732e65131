"""Diagnostics as text: `segments/vip.yaml:7:3: error[code]: …`, the source line, the hint.

Does not sort or filter them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.errors import Severity
from segctl.render.terminal import Style, cells, clean, count

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from segctl.errors import Diagnostic

MAX_EXCERPT = 120
"""Characters of a source line that are shown."""

_LEAST_EXCERPT = 20
"""Columns of a source line that are shown on the narrowest of terminals."""


def diagnostics_text(diagnostics: Iterable[Diagnostic], style: Style) -> str:
    """Return all diagnostics, one after the other; empty where there are none."""
    return "".join(_diagnostic(diagnostic, style) for diagnostic in diagnostics)


def severity_summary(diagnostics: Sequence[Diagnostic]) -> str:
    """Return the numbers of errors and warnings: "2 errors, 1 warning"; empty for none."""
    parts = []
    for severity in (Severity.ERROR, Severity.WARNING):
        number = sum(diagnostic.severity is severity for diagnostic in diagnostics)
        if number:
            parts.append(count(number, severity.value))
    return ", ".join(parts)


def _diagnostic(diagnostic: Diagnostic, style: Style) -> str:
    paint = {Severity.ERROR: style.red, Severity.WARNING: style.yellow}.get(
        diagnostic.severity, style.dim
    )
    place = f"{style.bold(clean(str(diagnostic.span)))}: " if diagnostic.span else ""
    label = paint(f"{diagnostic.severity.value}[{diagnostic.code}]")
    head = f"{place}{label}: {clean(diagnostic.summary)}\n"
    return head + _excerpt(diagnostic, style) + _hint(diagnostic, style)


def _excerpt(diagnostic: Diagnostic, style: Style) -> str:
    span, excerpt = diagnostic.span, diagnostic.excerpt
    if span is None or not excerpt.strip():
        return ""
    column, number = span.column - 1, str(span.line)
    gutter = " " * len(number)
    most = MAX_EXCERPT
    if style.width is not None:
        # A line that the terminal breaks would part the mark from what it marks.
        most = min(most, max(style.width - len(f"  {gutter} | "), _LEAST_EXCERPT))
    start, end = _window(excerpt, column, most, is_terminal=style.width is not None)
    line = clean(excerpt[start:end].replace("\t", " "))
    indent = _columns(excerpt[start:column])
    width = 1
    if span.end_line == span.line and span.end_column is not None:
        marked = clean(excerpt[column : span.end_column - 1].replace("\t", " "))
        width = max(1, min(cells(marked), cells(line) - indent))
    return (
        f"  {style.dim(f'{number} |')} {line.rstrip()}\n"
        f"  {style.dim(f'{gutter} |')} {' ' * indent}{style.red('^' * width)}\n"
    )


def _window(excerpt: str, column: int, most: int, *, is_terminal: bool) -> tuple[int, int]:
    """Return the part of a line to show: a long one starts shortly before the marked place."""
    is_long = len(excerpt) > most or (is_terminal and _columns(excerpt) > most)
    start = max(0, column - most // 2) if is_long else 0
    end = start + most
    if is_terminal:
        # Wide and escaped characters take several columns.
        while _columns(excerpt[start:column]) > most // 2:
            start += 1
        while _columns(excerpt[start:end]) > most:
            end -= 1
    return start, end


def _columns(text: str) -> int:
    return cells(clean(text.replace("\t", " ")))


def _hint(diagnostic: Diagnostic, style: Style) -> str:
    return f"  {style.dim('hint:')} {clean(diagnostic.hint)}\n" if diagnostic.hint else ""
