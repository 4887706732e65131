"""Plans, reports, drift and diagnostics as a comment on a pull request, and as a step's summary.

Arranges the comment: the summary is the heading, errors, deletions and changes that need attention
are visible, and the rest is collapsed unless there is little of it. What does not fit is shortened
or counted, never dropped silently. Does not post the comment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.errors import Severity
from segctl.model import Delete, Replace, Upgrade
from segctl.model.report import RefreshStatus, Status
from segctl.planfile.to_json import action_name, digest
from segctl.planning.attention import review_order
from segctl.planning.audience_limits import impact_of
from segctl.render.as_diagnostics import proof_of, report_title
from segctl.render.attention import COUNTS_NOTE, has_counts
from segctl.render.audience_counts import (
    NOT_SUMMED,
    OWN_LABEL,
    audience_changes,
    format_dataset,
)
from segctl.render.clauses import inverted
from segctl.render.diagnostics import severity_summary
from segctl.render.drift_text import KIND_LABELS, drift_details, drift_summary
from segctl.render.markdown.body import Part, body, marker
from segctl.render.markdown.changes import (
    AUDIENCE_HEAD,
    DELETION_HEAD,
    audience_row,
    change_block,
    change_line,
    clauses_block,
    deletion_row,
)
from segctl.render.markdown.escape import code, prose
from segctl.render.markup import Html, html, tag
from segctl.render.plan_text import plan_summary
from segctl.render.policies import policies_line
from segctl.render.previews import (
    CHANGE_HEADS,
    HEADS,
    OVERLAP_HEADS,
    TEXT_HEADS,
    dataset_summary,
    overlap_cells,
    row_cells,
    sample_summary,
)
from segctl.render.terminal import Style, count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from segctl.errors import Diagnostic
    from segctl.model import Plan, TargetRef
    from segctl.model.drift import Drift
    from segctl.model.report import Outcome, Report
    from segctl.planning.drift import DriftReport
    from segctl.render.context import RenderContext
    from segctl.render.previews import Preview

MAX_OPEN = 3
"""Changes up to which all are expanded, so that the reviewer of a small plan sees them."""

_PLAIN = Style()
_OWN = f", {OWN_LABEL}:"
_SEVERITY_SIGNS = {Severity.ERROR: "❌", Severity.WARNING: "⚠️", Severity.INFO: "ℹ️"}  # noqa: RUF001 - the sign for information
_STATUS_SIGNS = {
    Status.DONE: "✅",
    Status.UNKNOWN: "❓",
    Status.WAITING: "⏳",
    Status.NOT_ATTEMPTED: "⏸️",
}


def plan_markdown(plan: Plan, context: RenderContext) -> str:
    """Return the comment of a plan."""
    plan_digest = digest(plan)
    head = _head("plan", plan_summary(plan, _PLAIN), context, plan.target, plan_digest)
    return body(head, plan_parts(plan, context), footer(context, plan.target, plan_digest))


def plan_parts(plan: Plan, context: RenderContext) -> list[Part]:
    """Return what a plan consists of, the most important first."""
    items = review_order(plan)
    errors = diagnostics_part(
        [*plan.errors, *plan.refusals],
        context,
        tag("p", tag("strong", "Nothing can be applied:")),
    )
    deletions = Part(
        [
            deletion_row(item.change)
            for item in items
            if isinstance(item.change, Delete | Replace | Upgrade)
        ],
        more_note("row", "not shown here"),
        opening=f"{tag('p', tag('strong', 'Deleted or replaced:'))}\n<table>\n{DELETION_HEAD}",
        closing="</table>",
        share=0.4,
    )
    notes = [notice for notice in plan.notices if notice.severity is Severity.INFO]
    is_small = len(items) <= MAX_OPEN
    changes = Part(
        [
            change_block(item, plan, context, opened=is_small or bool(item.reasons))
            for item in items
        ],
        more_note("change", "do not fit into a comment: run with --format text to see all"),
        opening=tag("p", tag("sub", COUNTS_NOTE)) if has_counts(plan) else "",
        short=[tag("div", change_line(item.change)) for item in items],
        shortened=lambda number: _note(
            count(number, "change"), "shortened to a line: run with --format html to see all"
        ),
        share=0.9 if notes else 1.0,
    )
    warnings = diagnostics_part(
        [notice for notice in plan.notices if notice.severity is not Severity.INFO], context
    )
    return [
        errors,
        *_policies(plan),
        _audience_sizes(plan),
        deletions,
        warnings,
        changes,
        collapsed_notes(notes, context),
    ]


def _policies(plan: Plan) -> list[Part]:
    """Return the line on the policies; nothing without any."""
    line = policies_line(plan.policies)
    return [Part([tag("p", line)], lambda _: "")] if line else []


def collapsed_notes(notes: Sequence[Diagnostic], context: RenderContext) -> Part:
    """Return notes, collapsed, below everything else."""
    title = tag("summary", count(len(notes), "note"))
    return Part(
        [_diagnostic_item(note, context) for note in notes],
        more_note("note", "not shown here"),
        opening=f"<details>{title}\n<ul>",
        closing="</ul>\n</details>",
    )


def _audience_sizes(plan: Plan) -> Part:
    """Return audience sizes before and after, in the order of review."""
    changes = [item.change for item in audience_changes(plan)]
    impacts = filter(None, map(impact_of, changes))
    datasets = {format_dataset(impact) for impact in impacts}
    contacts = Html("; ".join(map(prose, sorted(datasets))))
    note = tag("p", tag("sub", NOT_SUMMED)) if len(changes) > 1 else ""
    return Part(
        [audience_row(change) for change in changes],
        more_note("row", "not shown here"),
        opening=f"{tag('p', tag('strong', 'Audience size'), ' among ', contacts, _OWN)}\n"
        f"<table>\n{AUDIENCE_HEAD}",
        closing=f"</table>\n{note}" if note else "</table>",
        share=0.4,
    )


def report_markdown(report: Report, context: RenderContext, target: TargetRef) -> str:
    """Return the comment of what an apply did."""
    head = _head("apply", report_title(report, target), context, target)
    return body(head, report_parts(report), footer(context, target))


def report_parts(report: Report) -> list[Part]:
    """Return what the report of an apply consists of."""
    outcomes = Part(
        [_outcome_row(outcome) for outcome in report.outcomes],
        more_note("action", "not shown here"),
        opening="<table>\n"
        + tag("tr", *(tag("th", head) for head in ("Outcome", "Action", "Segment", ""))),
        closing="</table>",
    )
    rejected = [
        refresh for refresh in report.refreshes if refresh.status is not RefreshStatus.ACCEPTED
    ]
    refreshes = Part(
        [
            tag(
                "li",
                code(refresh.name),
                f": {refresh.status.label}",
                *([". ", prose(refresh.message)] if refresh.message else []),
                *([". ", prose(refresh.hint)] if refresh.hint else []),
            )
            for refresh in rejected
        ],
        more_note("segment", "not shown here"),
        opening=f"{tag('p', tag('strong', 'Not refreshed:'))}\n<ul>",
        closing="</ul>",
    )
    return [outcomes, refreshes]


def drift_markdown(
    report: DriftReport,
    diagnostics: Sequence[Diagnostic],
    context: RenderContext,
    target: TargetRef,
) -> str:
    """Return what differs on the account as the text of an issue or a comment."""
    head = _head("drift", drift_summary(report, _PLAIN, target), context, target)
    parts = [diagnostics_part(diagnostics, context), drift_part(report, context)]
    return body(head, parts, footer(context, target))


def drift_part(report: DriftReport, context: RenderContext) -> Part:
    """Return what differs on an account."""
    return Part(
        [_drift_block(drift, context) for drift in report.drifts],
        more_note("segment", "not shown here"),
    )


def diagnostics_markdown(
    diagnostics: Sequence[Diagnostic],
    context: RenderContext,
    command: str,
    *,
    target: str = "",
    summary: str = "",
) -> str:
    """Return the comment of a command's diagnostics, on `target`, if any.

    `summary` defaults to the numbers of errors and warnings.
    """
    title = summary or f"{severity_summary(diagnostics) or 'No problems'}."
    head = f"{marker(command, context, target)}\n{tag('h3', prose(title))}"
    return body(head, [diagnostics_part(diagnostics, context)], footer(context))


def preview_markdown(preview: Preview, context: RenderContext, target: str = "") -> str:
    """Return the comment of audience sizes, with the marker that a failed preview has, too."""
    head = f"{marker('preview', context, target)}\n{tag('h3', prose(dataset_summary(preview)))}"
    heads = CHANGE_HEADS if preview.is_change else HEADS
    parts = [
        _table(heads, [row_cells(preview, row) for row in preview.rows], "segment"),
        _table(
            OVERLAP_HEADS,
            [overlap_cells(preview, overlap) for overlap in preview.overlaps],
            "pair",
        ),
        Part(
            [
                tag("p", code(row.name), f" {sample_summary(row)}: ", _code_list(row.sample))
                for row in preview.rows
                if row.sample
            ],
            more_note("sample", "not shown here"),
        ),
        diagnostics_part(preview.diagnostics, context),
    ]
    return body(head, parts, footer(context))


def _code_list(texts: Iterable[str]) -> Html:
    return Html(", ".join(map(code, texts)))


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], noun: str) -> Part:
    """Return a table, with numbers aligned to the right."""
    sides = ["left" if head in TEXT_HEADS else "right" for head in heads]
    lines = [
        tag(
            "tr",
            *(
                tag("td", code(cell) if side == "left" and cell else cell, align=side)
                for cell, side in zip(row, sides, strict=True)
            ),
        )
        for row in rows
    ]
    titles = (
        tag("th", head.capitalize(), align=side) for head, side in zip(heads, sides, strict=True)
    )
    return Part(
        lines,
        more_note(noun, "not shown here"),
        opening=f"<table>\n{tag('tr', *titles)}",
        closing="</table>",
        share=0.6,
    )


def _head(
    kind: str,
    summary: str,
    context: RenderContext,
    target: TargetRef | None = None,
    plan_digest: str = "",
) -> str:
    mark = marker(kind, context, target.name if target else "", plan_digest)
    return f"{mark}\n{tag('h3', prose(summary.strip()))}"


def footer(context: RenderContext, target: TargetRef | None = None, plan_digest: str = "") -> str:
    """Return the last line of a comment: the account, the commit, the digest and the time."""
    details: list[Html] = []
    if target is not None:
        details.append(html("target ", code(target.name), " at ", code(target.host)))
        if target.subuser:
            details.append(html("subuser ", code(target.subuser)))
    if context.commit:
        details.append(html("commit ", code(context.commit[:10])))
    if plan_digest:
        details.append(html("digest ", code(plan_digest)))
    if context.generated_at:
        details.append(code(context.generated_at))
    return tag("p", tag("sub", Html(" · ".join(["segctl", *details]))))


def diagnostics_part(
    diagnostics: Iterable[Diagnostic], context: RenderContext, opening: Html | None = None
) -> Part:
    """Return a list of diagnostics, below `opening`."""
    return Part(
        [_diagnostic_item(diagnostic, context) for diagnostic in diagnostics],
        more_note("diagnostic", "not shown here"),
        opening=f"{opening}\n<ul>" if opening else "<ul>",
        closing="</ul>",
        share=0.4,
    )


def _diagnostic_item(diagnostic: Diagnostic, context: RenderContext) -> str:
    place = context.place(diagnostic.span) if diagnostic.span else ""
    return tag(
        "li",
        f"{_SEVERITY_SIGNS[diagnostic.severity]} ",
        *([code(place), " "] if place else []),
        prose(diagnostic.summary),
        *([tag("br"), tag("em", prose(diagnostic.hint))] if diagnostic.hint else []),
        Html(" "),
        tag("sub", code(diagnostic.code)),
    )


def _outcome_row(outcome: Outcome) -> str:
    texts = [prose(text) for text in (outcome.message, outcome.hint, proof_of(outcome)) if text]
    return tag(
        "tr",
        tag("td", f"{_STATUS_SIGNS.get(outcome.status, '❌')} {outcome.status.label}"),
        tag("td", action_name(outcome.change)),
        tag("td", code(outcome.change.name)),
        tag("td", Html("<br>".join(texts))),
    )


def _drift_block(drift: Drift, context: RenderContext) -> str:
    details = Html(", ".join(prose(detail) for detail in drift_details(drift, context)))
    head = tag("p", tag("strong", KIND_LABELS[drift.kind]), " ", code(drift.name), " · ", details)
    return "\n".join([head, *clauses_block([inverted(clause) for clause in drift.clauses])])


def more_note(noun: str, rest: str) -> Callable[[int], str]:
    """Return a function that returns a note on how many more things there are."""
    return lambda number: _note(f"{number:,} more {noun if number == 1 else f'{noun}s'}", rest)


def _note(number: str, rest: str) -> str:
    return tag("p", tag("strong", f"… {number}"), f" {rest}")
