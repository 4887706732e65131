"""The plans and the reports of several targets as one comment, and as a step's summary.

A table of the targets comes first, then for each target that changes what its own comment would
show. All share the room of one comment. Does not post it.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from segctl.errors import Severity
from segctl.planfile.fleet_json import fleet_digest
from segctl.planfile.to_json import digest
from segctl.render.drift_text import drift_summary
from segctl.render.fleet import (
    failures_of,
    fleet_summary,
    has_part,
    notices_of,
    plan_table,
    repeated_changes,
    report_fleet_summary,
    report_table,
    without_diagnostics,
)
from segctl.render.fleet_drift import drift_notices, drift_table, fleet_drift_summary
from segctl.render.markdown.body import LIMIT, Part, body, marker
from segctl.render.markdown.escape import code, prose
from segctl.render.markdown.views import (
    collapsed_notes,
    diagnostics_part,
    drift_part,
    footer,
    more_note,
    plan_parts,
    report_parts,
)
from segctl.render.markup import html, tag
from segctl.render.plan_text import plan_summary
from segctl.render.report_text import report_summary
from segctl.render.terminal import Style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segctl.errors import Diagnostic
    from segctl.model.fleet import FleetPlan, FleetReport
    from segctl.planning.fleet_drift import FleetDrift
    from segctl.render.context import RenderContext

_PLAIN = Style()

_SHARE = 0.3
"""The share of a comment that remarks may take from the parts of the targets."""


def fleet_markdown(fleet: FleetPlan, context: RenderContext) -> str:
    """Return the comment of the plans of several targets."""
    fingerprint = fleet_digest(fleet)
    head = _head("plan", fleet.name, fleet_summary(fleet), context, fingerprint)
    repeated = repeated_changes(fleet.plans)
    sections = [
        (
            [
                _section(plan.target.name, plan_summary(plan, _PLAIN)),
                tag("p", tag("sub", html("digest ", code(digest(plan))))),
            ],
            plan_parts(
                without_diagnostics(plan),
                dataclasses.replace(context, repeated=repeated[plan.target.name]),
            ),
        )
        for plan in fleet.plans
        if has_part(plan)
    ]
    table = _table(*plan_table(fleet))
    notices = notices_of(fleet)
    return _comment(
        head,
        table,
        sections,
        context,
        failures=failures_of(fleet),
        notices=notices,
        fingerprint=fingerprint,
    )


def fleet_report_markdown(report: FleetReport, context: RenderContext) -> str:
    """Return the comment of what an apply did to several targets."""
    head = _head("apply", report.name, report_fleet_summary(report), context)
    sections = [
        (
            [_section(part.target, report_summary(part.report, _PLAIN, part.plan.target))],
            report_parts(part.report),
        )
        for part in report.parts
        if part.report.outcomes
    ]
    table = _table(*report_table(report))
    return _comment(head, table, sections, context, failures=failures_of(report))


def fleet_drift_markdown(fleet: FleetDrift, context: RenderContext) -> str:
    """Return what differs on several accounts as the text of an issue or a comment."""
    head = _head("drift", fleet.name, fleet_drift_summary(fleet), context)
    sections = [
        (
            [_section(part.target, drift_summary(part.report, _PLAIN, part.account))],
            [drift_part(part.report, context)],
        )
        for part in fleet.parts
        if part.report.drifts and part.account is not None
    ]
    notices = drift_notices(fleet)
    errors = [notice for notice in notices if notice.severity is Severity.ERROR]
    rest = [notice for notice in notices if notice.severity is not Severity.ERROR]
    table = _table(*drift_table(fleet))
    return _comment(head, table, sections, context, failures=errors, notices=rest)


def _comment(
    head: str,
    table: Part,
    sections: Sequence[tuple[Sequence[str], Sequence[Part]]],
    context: RenderContext,
    *,
    failures: Sequence[Diagnostic],
    notices: Sequence[Diagnostic] = (),
    fingerprint: str = "",
) -> str:
    """Return a comment in which every section has its share of what the others leave."""
    warnings = [notice for notice in notices if notice.severity is not Severity.INFO]
    notes = [notice for notice in notices if notice.severity is Severity.INFO]
    end = footer(context, None, fingerprint)
    top = [
        table,
        diagnostics_part(failures, context, tag("p", tag("strong", "Not planned or ended early:"))),
        dataclasses.replace(diagnostics_part(warnings, context), share=_SHARE),
    ]
    bottom = [dataclasses.replace(collapsed_notes(notes, context), share=_SHARE)]
    used = len(body(head, [*top, *bottom], end).encode("utf-8", "surrogatepass"))
    room, blocks = LIMIT - used, []
    for number, (opening, parts) in enumerate(sections):
        text = body("\n".join(opening), parts, limit=room // (len(sections) - number))
        room -= len(text.encode("utf-8", "surrogatepass"))
        blocks.append(text.rstrip("\n"))
    return body(head, [*top, Part(blocks, more_note("target", "not shown here")), *bottom], end)


def _head(kind: str, name: str, summary: str, context: RenderContext, fingerprint: str = "") -> str:
    return f"{marker(kind, context, name, fingerprint)}\n{tag('h3', prose(summary))}"


def _section(target: str, summary: str) -> str:
    return f"{tag('h4', 'Target ', code(target))}\n{tag('p', prose(summary.strip()))}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Part:
    last = len(heads) - 1
    return Part(
        [
            tag(
                "tr",
                *(
                    tag("td", code(cell))
                    if number == 0
                    else tag("td", prose(cell))
                    if number == last
                    else tag("td", cell, align="right")
                    for number, cell in enumerate(row)
                ),
            )
            for row in rows
        ],
        more_note("target", "not shown here"),
        opening=f"<table>\n{tag('tr', *(tag('th', head.capitalize()) for head in heads))}",
        closing="</table>",
        share=0.6,
    )
