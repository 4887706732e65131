"""Plans, reports, drift and diagnostics as a page for a browser, for people who do not read SQL.

Arranges the page. It is a self-contained file: it loads nothing, runs nothing, and its policy
forbids both. Errors and deletions come first. Leaves the drawing of a change to `cards`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.errors import Severity
from segctl.model import Delete, Replace, Upgrade
from segctl.model.report import RefreshStatus
from segctl.planfile.to_json import action_name, digest
from segctl.planning.attention import review_order
from segctl.render.as_diagnostics import proof_of, report_title
from segctl.render.attention import COUNTS_NOTE, has_counts, plain_action
from segctl.render.clauses import inverted
from segctl.render.diagnostics import severity_summary
from segctl.render.drift_text import KIND_LABELS, drift_details, drift_summary
from segctl.render.html.cards import (
    action_badge,
    anchor,
    audience_table,
    card,
    clause_list,
    contact_count,
    diagnostics_about,
)
from segctl.render.html.page import (
    badge,
    diagnostic_item,
    diagnostic_panels,
    page,
    panel,
    sentence,
)
from segctl.render.markup import Html, html, tag
from segctl.render.plan_text import describe_reason, plan_summary
from segctl.render.policies import policies_line
from segctl.render.terminal import Style, count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segctl.errors import Diagnostic
    from segctl.model import Plan, TargetRef
    from segctl.model.drift import Drift
    from segctl.model.plan import Summary
    from segctl.model.report import Outcome, Report
    from segctl.planning.attention import ReviewItem
    from segctl.planning.drift import DriftReport
    from segctl.render.context import RenderContext

MAX_OPEN = 3
"""Changes up to which all cards are open."""

_PLAIN = Style()
_TITLES = {Severity.ERROR: "Errors", Severity.WARNING: "Warnings", Severity.INFO: "Notes"}


def plan_html(plan: Plan, context: RenderContext) -> str:
    """Return the page of a plan."""
    return page(
        "segctl plan",
        plan_summary(plan, _PLAIN).splitlines()[0].split(". ")[0] + ".",
        plan_content(plan, context),
        context,
        target=plan.target,
        digest=digest(plan),
        tally=tally_of(plan.summary),
    )


def tally_of(summary: Summary) -> dict[str, int]:
    """Return the number of segments per action for the tiles of a page."""
    return {
        "create": summary.create,
        "patch": summary.patch,
        "replace": summary.replace,
        **({"upgrade": summary.upgrade} if summary.upgrade else {}),
        "delete": summary.delete,
        "unchanged": summary.unchanged,
        "unmanaged": summary.unmanaged,
    }


def plan_content(plan: Plan, context: RenderContext, first: int = 1) -> list[Html]:
    """Return what a plan consists of; `first` is the number of its first change on the page."""
    items = review_order(plan, first)
    opened = {item.number for item in items if item.reasons or len(items) <= MAX_OPEN}
    # What a folded card says must be seen above it; a note is no reason to repeat it.
    on_cards = {
        id(diagnostic)
        for item in items
        for diagnostic in diagnostics_about(item.change, plan)
        if item.number in opened or diagnostic.severity is Severity.INFO
    }
    return [
        panel(
            "error",
            "Nothing can be applied",
            [diagnostic_item(error, context) for error in (*plan.errors, *plan.refusals)],
        ),
        tag("p", COUNTS_NOTE, class_="where") if has_counts(plan) else Html(),
        tag("p", policies_line(plan.policies), class_="where") if plan.policies else Html(),
        audience_table(plan, first),
        panel(
            "deletion",
            "Deleted or replaced",
            [
                _deletion(item.change, item.number)
                for item in items
                if isinstance(item.change, Delete | Replace | Upgrade)
            ],
            "The contacts stay. The segment ids are lost and cannot be restored.",
        ),
        panel(
            "warning",
            "To check",
            [
                diagnostic_item(notice, context)
                for notice in plan.notices
                if id(notice) not in on_cards
            ],
        ),
        _overview(items) if len(items) > 1 else Html(),
        tag("h2", "Changes") if plan.changes else tag("p", "No changes.", class_="calm"),
        *(card(item, plan, context, opened=item.number in opened) for item in items),
        _left_alone(plan),
    ]


def report_html(report: Report, context: RenderContext, target: TargetRef) -> str:
    """Return the page of what an apply did."""
    counts = {status.value: number for status, number in report.counts.items()}
    title = report_title(report, target)
    content = report_content(report)
    return page("segctl apply", title, content, context, target=target, tally=counts)


def report_content(report: Report) -> list[Html]:
    """Return what the report of an apply consists of."""
    rejected = [
        refresh for refresh in report.refreshes if refresh.status is not RefreshStatus.ACCEPTED
    ]
    return [
        tag("h2", "Results") if report.outcomes else Html(),
        *map(_outcome_card, report.outcomes),
        panel(
            "warning",
            "Not refreshed",
            [
                html(
                    tag("b", refresh.name),
                    f": {refresh.status.label}",
                    *(
                        tag("p", sentence(text), class_="hint")
                        for text in (refresh.message, refresh.hint)
                        if text
                    ),
                )
                for refresh in rejected
            ],
        ),
    ]


def drift_html(
    report: DriftReport,
    diagnostics: Sequence[Diagnostic],
    context: RenderContext,
    target: TargetRef,
) -> str:
    """Return the page of what differs on the account."""
    content = [
        diagnostic_panels(diagnostics, context, _TITLES),
        tag("h2", "Differences")
        if report.drifts
        else tag("p", "The account matches the files.", class_="calm"),
        *drift_cards(report, context),
    ]
    title = drift_summary(report, _PLAIN, target)
    return page("segctl drift", title, content, context, target=target)


def drift_cards(report: DriftReport, context: RenderContext) -> list[Html]:
    """Return a card for each segment that differs."""
    return [_drift_card(drift, context) for drift in report.drifts]


def diagnostics_html(
    diagnostics: Sequence[Diagnostic], context: RenderContext, command: str, summary: str = ""
) -> str:
    """Return the page of diagnostics of a command."""
    title = summary or f"{severity_summary(diagnostics) or 'No problems'}."
    return page(
        f"segctl {command}", title, [diagnostic_panels(diagnostics, context, _TITLES)], context
    )


def _deletion(change: Delete | Replace | Upgrade, number: int) -> Html:
    reason = describe_reason(change) or "its parent list changes, so its id changes"
    owner = [html(", owner ", tag("b", change.metadata.owner))] if change.metadata.owner else []
    return html(
        action_badge(change),
        " ",
        tag("a", change.before.name, href=f"#{anchor(number)}"),
        " ",
        contact_count(change),
        tag("p", sentence(reason), *owner, class_="where"),
    )


def _overview(items: Sequence[ReviewItem]) -> Html:
    entries = [
        tag(
            "li",
            badge(action_name(item.change), action_name(item.change)),
            tag("a", item.change.name, href=f"#{anchor(item.number)}"),
            " ",
            tag("span", plain_action(item.change), class_="plainly"),
        )
        for item in items
    ]
    return html(tag("h2", "Overview"), tag("ul", entries, class_="toc"))


def _left_alone(plan: Plan) -> Html:
    """Return collapsed lists of unchanged and unmanaged segments."""
    parts = []
    if plan.kept:
        title = f"{count(len(plan.kept), 'segment')} unchanged"
        parts.append((title, [kept.name for kept in plan.kept]))
    if plan.ignored:
        title = f"{count(len(plan.ignored), 'segment')} without a file, left alone"
        parts.append(
            (title, [remote.name + ("  (v1)" if remote.is_v1 else "") for remote in plan.ignored])
        )
    return html(
        [
            tag(
                "details",
                tag("summary", title),
                tag("ul", [tag("li", name) for name in names], class_="plain"),
            )
            for title, names in parts
        ]
    )


def _outcome_card(outcome: Outcome) -> Html:
    texts = [text for text in (outcome.message, outcome.hint, proof_of(outcome)) if text]
    return tag(
        "article",
        tag(
            "header",
            badge(outcome.status.label, outcome.status.value),
            tag("h3", outcome.change.name),
            tag("span", action_name(outcome.change), class_="people"),
        ),
        [tag("p", sentence(text), class_="hint") for text in texts],
        tag("p", "id ", tag("code", outcome.id), class_="where") if outcome.id else Html(),
        class_="card",
    )


def _drift_card(drift: Drift, context: RenderContext) -> Html:
    details = [sentence(detail) for detail in drift_details(drift, context)]
    return tag(
        "article",
        tag("header", badge(KIND_LABELS[drift.kind], drift.kind.value), tag("h3", drift.name)),
        tag("p", Html(" · ".join(details)), class_="where"),
        clause_list([*map(inverted, drift.clauses)]) if drift.clauses else Html(),
        class_="card",
    )
