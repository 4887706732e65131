"""Plans, reports, drift and findings as a comment on a pull request, and as a step's summary.

Owns what stands where: the sum of it all is the heading, what forbids or destroys is in sight, the
rest is to unfold, unless there is little of it. What does not fit is named in a line or counted,
never lost in silence.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.errors import Severity
from segctl.model.report import RefreshStatus, Status
from segctl.planfile.to_json import action_name, digest
from segctl.planning.safety import id_ending_changes
from segctl.render.as_diagnostics import report_title
from segctl.render.audience_counts import NOT_SUMMED, format_dataset, reached
from segctl.render.clauses import inverted
from segctl.render.diagnostics import severity_summary
from segctl.render.drift_text import KIND_WORDS, drift_details, drift_summary
from segctl.render.markdown.body import Part, body, marker
from segctl.render.markdown.changes import (
    DESTRUCTION_HEAD,
    REACH_HEAD,
    change_block,
    change_line,
    clauses_block,
    destruction_row,
    reach_row,
)
from segctl.render.markdown.escape import code, prose
from segctl.render.markup import Html, html, tag
from segctl.render.plan_text import plan_summary
from segctl.render.previews import (
    CHANGE_HEADS,
    HEADS,
    OVERLAP_HEADS,
    WORDS,
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
    from segctl.model.report import Outcome, Report
    from segctl.planning.drift import Drift, DriftReport
    from segctl.render.context import RenderContext
    from segctl.render.previews import Preview

MOST_OPENED = 3
"""Changes that stand unfolded: who reviews the audience of one segment has it before the eyes."""

_PLAIN = Style()
_WEIGHT = {Severity.ERROR: "❌", Severity.WARNING: "⚠️", Severity.INFO: "ℹ️"}  # noqa: RUF001 - the sign for information
_SIGN = {Status.DONE: "✅", Status.UNKNOWN: "❓", Status.WAITING: "⏳", Status.NOT_ATTEMPTED: "⏸️"}


def plan_markdown(plan: Plan, context: RenderContext) -> str:
    """Give the comment of a plan."""
    name = digest(plan)
    head = _head("plan", plan_summary(plan, _PLAIN), context, plan.target, name)
    forbidding = _findings(
        [*plan.errors, *plan.refusals],
        context,
        tag("p", tag("strong", "Nothing of this can be applied:")),
    )
    gone = Part(
        [destruction_row(change) for change in id_ending_changes(plan)],
        _note("row", "not shown here"),
        opening=f"{tag('p', tag('strong', 'What goes away:'))}\n<table>\n{DESTRUCTION_HEAD}",
        closing="</table>",
        share=0.4,
    )
    opened = len(plan.changes) <= MOST_OPENED
    remarks = [one for one in plan.notices if one.severity is Severity.INFO]
    changes = Part(
        [change_block(change, plan.lists, context, opened=opened) for change in plan.changes],
        _note("change", "do not fit into a comment: --format text shows them all"),
        short=[tag("div", change_line(change)) for change in plan.changes],
        shortened=_note("change", "in a line each, for want of room: --format html shows all", ""),
        share=0.9 if remarks else 1.0,
    )
    warnings = _findings(
        [one for one in plan.notices if one.severity is not Severity.INFO], context
    )
    parts = [forbidding, _reach(plan), gone, warnings, changes, _folded(remarks, context)]
    return body(head, parts, _foot(context, plan.target, name))


def _folded(remarks: Sequence[Diagnostic], context: RenderContext) -> Part:
    """Give what nobody must look at, below everything else."""
    title = tag("summary", count(len(remarks), "remark"))
    return Part(
        [_finding(one, context) for one in remarks],
        _note("remark", "not shown here"),
        opening=f"<details>{title}\n<ul>",
        closing="</ul>\n</details>",
    )


def _reach(plan: Plan) -> Part:
    """Say who is reached before and after, the largest change first."""
    changes = [change for _, change in reached(plan)]
    bases = {format_dataset(change.impact) for change in changes if change.impact is not None}
    counted = Html("; ".join(map(prose, sorted(bases))))
    note = tag("p", tag("sub", NOT_SUMMED)) if len(changes) > 1 else ""
    return Part(
        [reach_row(change) for change in changes],
        _note("row", "not shown here"),
        opening=f"{tag('p', tag('strong', 'Who is reached'), ', counted among ', counted, ':')}\n"
        f"<table>\n{REACH_HEAD}",
        closing=f"</table>\n{note}" if note else "</table>",
        share=0.4,
    )


def report_markdown(report: Report, context: RenderContext, target: TargetRef | None = None) -> str:
    """Give the comment of what an apply did."""
    head = _head("apply", report_title(report), context, target)
    outcomes = Part(
        [_outcome(one) for one in report.outcomes],
        _note("action", "not shown here"),
        opening="<table>\n"
        + tag("tr", *(tag("th", word) for word in ("Outcome", "Action", "Segment", ""))),
        closing="</table>",
    )
    refused = [one for one in report.refreshes if one.status is not RefreshStatus.ACCEPTED]
    refreshes = Part(
        [
            tag(
                "li",
                code(one.name),
                f": {one.status.label}",
                *([". ", prose(one.message)] if one.message else []),
                *([". ", prose(one.hint)] if one.hint else []),
            )
            for one in refused
        ],
        _note("segment", "not shown here"),
        opening=f"{tag('p', tag('strong', 'Not counted anew:'))}\n<ul>",
        closing="</ul>",
    )
    return body(head, [outcomes, refreshes], _foot(context, target))


def drift_markdown(
    drifts: DriftReport,
    diagnostics: Sequence[Diagnostic],
    context: RenderContext,
    target: TargetRef,
) -> str:
    """Give what differs on the account as the text of an issue or a comment."""
    head = _head("drift", drift_summary(drifts, _PLAIN), context, target)
    found = Part(
        [_drift(one, context) for one in drifts.drifts], _note("segment", "not shown here")
    )
    return body(head, [_findings(diagnostics, context), found], _foot(context, target))


def diagnostics_markdown(
    diagnostics: Sequence[Diagnostic],
    context: RenderContext,
    what: str,
    *,
    target: str = "",
    closing: str = "",
) -> str:
    """Give findings.

    `what` is the command that has them, on this `target` if on any; `closing` is what they come to.
    """
    title = closing or f"{severity_summary(diagnostics) or 'No problems'}."
    head = f"{marker(what, context, target)}\n{tag('h3', prose(title))}"
    return body(head, [_findings(diagnostics, context)], _foot(context))


def preview_markdown(preview: Preview, context: RenderContext, target: str = "") -> str:
    """Give the comment of how large audiences are, with the marker that its failure has, too."""
    head = f"{marker('preview', context, target)}\n{tag('h3', prose(dataset_summary(preview)))}"
    heads = CHANGE_HEADS if preview.is_change else HEADS
    parts = [
        _cells(heads, [row_cells(preview, row) for row in preview.rows], "segment"),
        _cells(OVERLAP_HEADS, [overlap_cells(preview, one) for one in preview.overlaps], "pair"),
        Part(
            [
                tag("p", code(row.name), f" {sample_summary(row)}: ", _listed(row.sample))
                for row in preview.rows
                if row.sample
            ],
            _note("sample", "not shown here"),
        ),
        _findings(preview.diagnostics, context),
    ]
    return body(head, parts, _foot(context))


def _listed(words: Iterable[str]) -> Html:
    return Html(", ".join(map(code, words)))


def _cells(heads: Sequence[str], rows: Iterable[Sequence[str]], noun: str) -> Part:
    """Make a table; what stands under a heading for numbers goes to the right."""
    sides = ["left" if head in WORDS else "right" for head in heads]
    shown = [
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
        shown,
        _note(noun, "not shown here"),
        opening=f"<table>\n{tag('tr', *titles)}",
        closing="</table>",
        share=0.6,
    )


def _head(
    kind: str, closing: str, context: RenderContext, target: TargetRef | None = None, name: str = ""
) -> str:
    mark = marker(kind, context, target.name if target else "", name)
    return f"{mark}\n{tag('h3', prose(closing.strip()))}"


def _foot(context: RenderContext, target: TargetRef | None = None, name: str = "") -> str:
    facts: list[Html] = []
    if target is not None:
        facts.append(html("target ", code(target.name), " at ", code(target.host)))
        if target.subuser:
            facts.append(html("subuser ", code(target.subuser)))
    if context.commit:
        facts.append(html("commit ", code(context.commit[:10])))
    if name:
        facts.append(html("digest ", code(name)))
    if context.generated_at:
        facts.append(code(context.generated_at))
    return tag("p", tag("sub", Html(" · ".join(["segctl", *facts]))))


def _findings(
    found: Iterable[Diagnostic], context: RenderContext, opening: Html | None = None
) -> Part:
    return Part(
        [_finding(one, context) for one in found],
        _note("finding", "not shown here"),
        opening=f"{opening}\n<ul>" if opening else "<ul>",
        closing="</ul>",
        share=0.4,
    )


def _finding(found: Diagnostic, context: RenderContext) -> str:
    place = context.place(found.span) if found.span else ""
    return tag(
        "li",
        f"{_WEIGHT[found.severity]} ",
        *([code(place), " "] if place else []),
        prose(found.summary),
        *([tag("br"), tag("em", prose(found.hint))] if found.hint else []),
        Html(" "),
        tag("sub", code(found.code)),
    )


def _outcome(one: Outcome) -> str:
    said = [prose(text) for text in (one.message, one.hint) if text]
    return tag(
        "tr",
        tag("td", f"{_SIGN.get(one.status, '❌')} {one.status.label}"),
        tag("td", action_name(one.change)),
        tag("td", code(one.change.name)),
        tag("td", Html("<br>".join(said))),
    )


def _drift(one: Drift, context: RenderContext) -> str:
    facts = Html(", ").join(prose(fact) for fact in drift_details(one, context))
    head = tag("p", tag("strong", KIND_WORDS[one.kind]), " ", code(one.name), " · ", Html(facts))
    return "\n".join([head, *clauses_block([inverted(clause) for clause in one.clauses])])


def _note(noun: str, rest: str, more: str = " more") -> Callable[[int], str]:
    """Say later how many things are left out, or are not shown whole."""
    return lambda number: tag("p", tag("strong", f"… {count(number, noun)}{more}"), f" {rest}")
