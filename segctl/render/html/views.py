"""Plans, reports, drift and findings as one page for a browser, for whoever reads no SQL.

Owns what stands where. The page is a file complete in itself: it loads nothing, runs nothing, and
its policy forbids both. What forbids a plan and what goes away stand on top.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.errors import Severity
from segctl.model.report import RefreshStatus
from segctl.planfile.to_json import action_name, digest
from segctl.planning.safety import id_ending_changes
from segctl.render.as_diagnostics import report_title
from segctl.render.clauses import inverted
from segctl.render.diagnostics import severity_summary
from segctl.render.drift_text import KIND_WORDS, drift_details, drift_summary
from segctl.render.html.cards import anchor, card, clauses, people, reach_table
from segctl.render.html.page import badge, finding, findings, page, panel, sentence
from segctl.render.markup import Html, html, tag
from segctl.render.plan_text import describe_reason, plan_summary
from segctl.render.terminal import Style, count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segctl.errors import Diagnostic
    from segctl.model import Delete, Plan, Replace, TargetRef, Upgrade
    from segctl.model.report import Outcome, Report
    from segctl.planning.drift import Drift, DriftReport
    from segctl.render.context import RenderContext

_PLAIN = Style()
_TITLES = {Severity.ERROR: "Errors", Severity.WARNING: "Warnings", Severity.INFO: "Remarks"}


def plan_html(plan: Plan, context: RenderContext) -> str:
    """Give the page of a plan."""
    summary = plan.summary
    numbers = {id(change): number for number, change in enumerate(plan.changes, 1)}
    about = {id(found) for found in plan.diagnostics if found.span}
    content = [
        panel(
            "error",
            "Nothing of this can be applied",
            [finding(one, context) for one in (*plan.errors, *plan.refusals)],
        ),
        reach_table(plan),
        panel(
            "gone",
            "What goes away",
            [_gone(change, numbers[id(change)]) for change in id_ending_changes(plan)],
            "The contacts stay; the segment does not, and nothing brings its id back.",
        ),
        panel(
            "warning",
            "To look at",
            [finding(one, context) for one in plan.notices if id(one) not in about],
        ),
        _contents(plan) if len(plan.changes) > 1 else Html(),
        tag("h2", "The changes")
        if plan.changes
        else tag("p", "There is nothing to do.", class_="calm"),
        *(card(change, number, plan, context) for number, change in enumerate(plan.changes, 1)),
        _rest(plan),
    ]
    return page(
        f"Plan for {plan.target.name}",
        plan_summary(plan, _PLAIN).splitlines()[0].split(". ")[0] + ".",
        content,
        context,
        target=plan.target,
        digest=digest(plan),
        tally={
            "create": summary.create,
            "patch": summary.patch,
            "replace": summary.replace,
            **({"upgrade": summary.upgrade} if summary.upgrade else {}),
            "delete": summary.delete,
            "unchanged": summary.unchanged,
            "unmanaged": summary.unmanaged,
        },
    )


def report_html(report: Report, context: RenderContext, target: TargetRef | None = None) -> str:
    """Give the page of what an apply did."""
    refused = [one for one in report.refreshes if one.status is not RefreshStatus.ACCEPTED]
    content = [
        tag("h2", "What was done") if report.outcomes else Html(),
        *map(_outcome, report.outcomes),
        panel(
            "warning",
            "Not counted anew",
            [
                html(
                    tag("b", one.name),
                    f": {one.status.label}",
                    *(
                        tag("p", sentence(text), class_="hint")
                        for text in (one.message, one.hint)
                        if text
                    ),
                )
                for one in refused
            ],
        ),
    ]
    counts = {status.value: number for status, number in report.counts.items()}
    name = f"Report for {target.name}" if target else "Report"
    return page(name, report_title(report), content, context, target=target, tally=counts)


def drift_html(
    drifts: DriftReport,
    diagnostics: Sequence[Diagnostic],
    context: RenderContext,
    target: TargetRef,
) -> str:
    """Give the page of what differs on the account."""
    content = [
        findings(diagnostics, context, _TITLES),
        tag("h2", "What differs")
        if drifts.drifts
        else tag("p", "The account is as the files say.", class_="calm"),
        *(_drift(one, context) for one in drifts.drifts),
    ]
    title = drift_summary(drifts, _PLAIN)
    return page(f"Drift of {target.name}", title, content, context, target=target)


def diagnostics_html(
    diagnostics: Sequence[Diagnostic], context: RenderContext, what: str, closing: str = ""
) -> str:
    """Give the page of findings; `what` is the command that has them."""
    title = closing or f"{severity_summary(diagnostics) or 'No problems'}."
    return page(f"segctl {what}", title, [findings(diagnostics, context, _TITLES)], context)


def _gone(change: Delete | Replace | Upgrade, number: int) -> Html:
    why = describe_reason(change) or "its parent list changes, so it gets another id"
    return html(
        badge(action_name(change), action_name(change)),
        " ",
        tag("a", change.before.name, href=f"#{anchor(number)}"),
        " ",
        people(change.contacts_count),
        tag("p", sentence(why), class_="where"),
    )


def _contents(plan: Plan) -> Html:
    items = [
        tag(
            "li",
            badge(action_name(change), action_name(change)),
            tag("a", change.name, href=f"#{anchor(number)}"),
        )
        for number, change in enumerate(plan.changes, 1)
    ]
    return html(tag("h2", "At a glance"), tag("ul", items, class_="toc"))


def _rest(plan: Plan) -> Html:
    """List what stays as it is, to unfold."""
    parts = []
    if plan.kept:
        title = f"{count(len(plan.kept), 'segment')} unchanged"
        parts.append((title, [one.name for one in plan.kept]))
    if plan.ignored:
        title = f"{count(len(plan.ignored), 'segment')} of the account in no file, left alone"
        parts.append((title, [one.name + ("  (v1)" if one.is_v1 else "") for one in plan.ignored]))
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


def _outcome(one: Outcome) -> Html:
    word = one.status.label
    said = [text for text in (one.message, one.hint) if text]
    return tag(
        "article",
        tag(
            "header",
            badge(word, one.status.value),
            tag("h3", one.change.name),
            tag("span", action_name(one.change), class_="people"),
        ),
        [tag("p", sentence(text), class_="hint") for text in said],
        tag("p", "id ", tag("code", one.id), class_="where") if one.id else Html(),
        class_="card",
    )


def _drift(one: Drift, context: RenderContext) -> Html:
    facts = [sentence(fact) for fact in drift_details(one, context)]
    return tag(
        "article",
        tag("header", badge(KIND_WORDS[one.kind], one.kind.value), tag("h3", one.name)),
        tag("p", Html(" · ".join(facts)), class_="where"),
        clauses(inverted(clause) for clause in one.clauses) if one.clauses else Html(),
        class_="card",
    )
