"""Differences between two accounts as a comment. Does not find them, and does not post it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.render.differences import (
    KIND_LABELS,
    contrasts,
    difference_details,
    differences_summary,
)
from segctl.render.markdown.body import Part, body, marker
from segctl.render.markdown.escape import code, prose
from segctl.render.markdown.views import footer, more_note
from segctl.render.markup import Html, html, tag
from segctl.render.terminal import Style

if TYPE_CHECKING:
    from segctl.model.differences import Difference, TargetDifferences
    from segctl.render.context import RenderContext


def differences_markdown(comparison: TargetDifferences, context: RenderContext) -> str:
    """Return the comment of what differs; what the files declare differently is collapsed."""
    summary, *rest = differences_summary(comparison, Style(), verbosity=1)
    meant = [_block(item, comparison, context) for item in comparison.declared]
    parts = [
        Part(
            [_block(item, comparison, context) for item in comparison.undeclared],
            more_note("segment", "not shown here"),
        ),
        Part(
            meant,
            more_note("segment", "not shown here"),
            opening=f"<details>{tag('summary', 'Different as the files declare')}\n",
            closing="</details>",
        ),
        Part([tag("p", tag("sub", prose(line))) for line in rest], more_note("line", "left out")),
    ]
    return body(
        f"{marker('diff', context, comparison.destination.name)}\n{tag('h3', prose(summary))}",
        parts,
        footer(context, comparison.destination),
    )


def _block(difference: Difference, comparison: TargetDifferences, context: RenderContext) -> str:
    details = Html(", ".join(map(prose, difference_details(difference, comparison, context))))
    label = tag("strong", KIND_LABELS[difference.kind])
    title = tag("p", label, " ", code(difference.name), " · ", details)
    items = [
        tag(
            "li",
            html(prose(comparison.source.name), " ", code(contrast.source)),
            html(" · ", prose(comparison.destination.name), " ", code(contrast.destination)),
            *([" in ", code(contrast.place)] if contrast.place else []),
        )
        for contrast in contrasts(difference)
    ]
    return "\n".join([title, tag("ul", items)] if items else [title])
