"""Differences between two accounts as a page. Does not find them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.render.differences import (
    KIND_LABELS,
    contrasts,
    difference_details,
    differences_summary,
)
from segctl.render.html.page import badge, page, sentence
from segctl.render.markup import Html, html, tag
from segctl.render.terminal import Style

if TYPE_CHECKING:
    from segctl.model.differences import Difference, TargetDifferences
    from segctl.render.context import RenderContext


def differences_html(comparison: TargetDifferences, context: RenderContext) -> str:
    """Return the page of what differs, with what the files declare differently at its end."""
    summary, *rest = differences_summary(comparison, Style(), verbosity=1)
    content = [
        *(_card(item, comparison, context) for item in comparison.undeclared),
        tag("h2", "Different as the files declare") if comparison.declared else Html(),
        *(_card(item, comparison, context) for item in comparison.declared),
        *(tag("p", line, class_="calm") for line in rest),
    ]
    return page("segctl diff", summary, content, context, target=comparison.destination)


def _card(difference: Difference, comparison: TargetDifferences, context: RenderContext) -> Html:
    label = KIND_LABELS[difference.kind]
    details = [sentence(detail) for detail in difference_details(difference, comparison, context)]
    items = [
        tag(
            "li",
            html(comparison.source.name, " ", tag("code", contrast.source)),
            html(" · ", comparison.destination.name, " ", tag("code", contrast.destination)),
            *([" in ", tag("code", contrast.place)] if contrast.place else []),
        )
        for contrast in contrasts(difference)
    ]
    return tag(
        "article",
        tag("header", badge(label, "edited"), tag("h3", difference.name)),
        tag("p", Html(" · ".join(details)), class_="where"),
        tag("ul", items) if items else Html(),
        class_="card",
    )
