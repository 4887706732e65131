"""The plans and the reports of several targets as one page.

A table of the targets, then for each target that changes what its own page would show. Leaves the
rest to `views`.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from segctl.planfile.fleet_json import fleet_digest
from segctl.planfile.to_json import digest
from segctl.render.drift_text import drift_summary
from segctl.render.fleet import (
    failures_of,
    fleet_summary,
    has_part,
    notices_of,
    part_title,
    plan_table,
    repeated_changes,
    report_fleet_summary,
    report_table,
    without_diagnostics,
)
from segctl.render.fleet_drift import drift_notices, drift_table, fleet_drift_summary
from segctl.render.html.page import diagnostic_item, page, panel, sentence
from segctl.render.html.views import drift_cards, plan_content, report_content, tally_of
from segctl.render.markup import Html, html, tag
from segctl.render.plan_text import plan_summary
from segctl.render.report_text import report_summary
from segctl.render.terminal import Style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segctl.model.fleet import FleetPlan, FleetReport
    from segctl.planning.fleet_drift import FleetDrift
    from segctl.render.context import RenderContext

_PLAIN = Style()


def fleet_html(fleet: FleetPlan, context: RenderContext) -> str:
    """Return the page of the plans of several targets."""
    repeated = repeated_changes(fleet.plans)
    sections = []
    first = 1
    for plan in fleet.plans:
        if has_part(plan):
            own = dataclasses.replace(context, repeated=repeated[plan.target.name])
            content = plan_content(without_diagnostics(plan), own, first)
            facts = html(
                sentence(plan_summary(plan, _PLAIN).strip()), " Digest ", tag("code", digest(plan))
            )
            sections.append(_section(part_title(plan), facts, content))
        first += len(plan.changes)
    content = [
        _table(*plan_table(fleet)),
        _failures(fleet, context),
        panel(
            "warning", "To check", [diagnostic_item(item, context) for item in notices_of(fleet)]
        ),
        *(sections or [tag("p", "No changes.", class_="calm")]),
    ]
    summary, fingerprint = fleet_summary(fleet), fleet_digest(fleet)
    tally = tally_of(fleet.summary)
    return page("segctl plan", summary, content, context, digest=fingerprint, tally=tally)


def fleet_report_html(report: FleetReport, context: RenderContext) -> str:
    """Return the page of what an apply did to several targets."""
    content = [
        _table(*report_table(report)),
        _failures(report, context),
        *(
            _section(
                part.target,
                sentence(report_summary(part.report, _PLAIN, part.plan.target)),
                report_content(part.report),
            )
            for part in report.parts
            if part.report.outcomes
        ),
    ]
    return page("segctl apply", report_fleet_summary(report), content, context)


def fleet_drift_html(fleet: FleetDrift, context: RenderContext) -> str:
    """Return the page of what differs on several accounts."""
    notices = [diagnostic_item(notice, context) for notice in drift_notices(fleet)]
    content = [
        _table(*drift_table(fleet)),
        panel("warning", "To check", notices),
        *(
            _section(
                part.target,
                sentence(drift_summary(part.report, _PLAIN, part.account)),
                drift_cards(part.report, context),
            )
            for part in fleet.parts
            if part.report.drifts and part.account is not None
        ),
    ]
    return page("segctl drift", fleet_drift_summary(fleet), content, context)


def _failures(fleet: FleetPlan | FleetReport, context: RenderContext) -> Html:
    items = [diagnostic_item(problem, context) for problem in failures_of(fleet)]
    return panel("error", "Not planned or ended early", items)


def _section(target: str, facts: Html, content: Sequence[Html]) -> Html:
    return tag("section", tag("h2", f"Target {target}"), tag("p", facts, class_="where"), *content)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Html:
    return tag(
        "section",
        tag("h2", "Targets"),
        tag(
            "table",
            tag("thead", tag("tr", [tag("th", head, scope="col") for head in heads])),
            tag(
                "tbody",
                [
                    tag(
                        "tr",
                        tag("th", row[0], scope="row"),
                        *(tag("td", cell) for cell in row[1:]),
                    )
                    for row in rows
                ],
            ),
            class_="counts",
        ),
        class_="panel reach",
    )
