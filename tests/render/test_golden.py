"""Views compared with golden files, so that a review shows every changed word.

`python -m pytest tests/render/test_golden.py --golden-write` writes the files.
"""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from segctl import __version__
from segctl.errors import Diagnostic, MissingKey, Severity, Span
from segctl.model import (
    Change,
    Create,
    Declared,
    Delete,
    Impact,
    Patch,
    Plan,
    Precondition,
    Remote,
    Replace,
    Segment,
    Snapshot,
    TargetRef,
    Validation,
)
from segctl.model.automations import Automation, AutomationRole, AutomationUse
from segctl.model.clauses import ChangeKind, ClauseChange, ClauseKind
from segctl.model.drift import Drift, DriftKind
from segctl.model.fleet import Failure, FleetPlan, FleetReport, TargetPlan, TargetReport
from segctl.model.references import References
from segctl.model.report import Outcome, Refresh, RefreshStatus, Report, Status
from segctl.model.single_sends import SingleSend
from segctl.planfile.report_json import report_to_json
from segctl.planfile.to_json import plan_to_json
from segctl.planning.drift import DriftReport
from segctl.planning.fleet_drift import FleetDrift, TargetDrift
from segctl.planning.planner import make_plan
from segctl.planning.safety import Limits, apply_safety_rules
from segctl.planning.temporary_names import Marker, temporary_name
from segctl.render.as_diagnostics import (
    drift_diagnostics,
    plan_diagnostics,
    plan_problem_diagnostics,
)
from segctl.render.context import RenderContext
from segctl.render.diagnostics import diagnostics_text, severity_summary
from segctl.render.differences import (
    differences_diagnostics,
    differences_json,
    differences_text,
)
from segctl.render.drift_text import drift_text
from segctl.render.fleet import fleet_diagnostics, fleet_summary
from segctl.render.fleet_text import fleet_drift_text, fleet_report_text, fleet_text
from segctl.render.github import workflow_annotations
from segctl.render.html.fleet import fleet_drift_html, fleet_html, fleet_report_html
from segctl.render.html.stylesheet import CSS
from segctl.render.html.views import plan_html
from segctl.render.listing import ListingRow, listing_text
from segctl.render.markdown.differences import differences_markdown
from segctl.render.markdown.fleet import (
    fleet_drift_markdown,
    fleet_markdown,
    fleet_report_markdown,
)
from segctl.render.markdown.views import (
    diagnostics_markdown,
    drift_markdown,
    plan_markdown,
    report_markdown,
)
from segctl.render.plan_text import plan_text
from segctl.render.report_text import report_text
from segctl.render.sarif import sarif
from segctl.render.terminal import Style, clean
from tests.render.two_accounts import compared

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CONTEXT = RenderContext(
    "2026-07-15T16:04:33Z", "0123456789abcdef0123456789abcdef01234567", "marketing"
)
TARGET = TargetRef("production", "api.sendgrid.com")
SHOP_EU = TargetRef("shop-eu", "api.eu.sendgrid.com")
SHOP_US = TargetRef("shop-us", "api.sendgrid.com", "us")
SHOP_DE = TargetRef("shop-de", "api.sendgrid.com", "de")
GOLDEN = Path(__file__).parent / "golden"
PLAIN, COLORED = Style(), Style(color=True)
LIST_A = "0b1f4a10-5c1d-4a6e-9f02-00000000000a"
LIST_B = "0b1f4a10-5c1d-4a6e-9f02-00000000000b"
LIST_C = "0b1f4a10-5c1d-4a6e-9f02-00000000000c"
MOMENT = "2026-07-16T00:00:00Z"
ID = "5e9c0de2-71b3-4d5a-8c44-{:012}"

BIG_SPENDERS = """\
SELECT contact_id, updated_at
FROM contact_data
WHERE total_spend > 500
  AND country = 'CZ'
  AND preferred_language = 'cs'
  AND last_order IS NOT NULL
  AND orders_count >= 3
  AND loyalty_points > 100
  AND company IS NOT NULL
  AND lead_source = 'shop'
  AND city != 'Brno'
"""


def declare(name: str, text: str, *parents: str) -> Declared:
    span = Span(f"segments/{name.lower().replace(' ', '-')}.yaml", 2, 7)
    return Declared(Segment(name, text, parents), span, span)


def hold(number: int, name: str, text: str | None, *parents: str, **fields: object) -> Remote:
    base = Remote(
        id=ID.format(number),
        name=name,
        query=text,
        parent_list_ids=parents,
        contacts_count=1203,
        updated_at="2026-07-15T16:04:33Z",
        sample_updated_at="2026-07-15T12:30:00Z",
        validation=Validation.VALID,
    )
    return dataclasses.replace(base, **fields)  # type: ignore[arg-type]


def rich_plan() -> Plan:
    declared = [
        declare("New", "SELECT contact_id, updated_at\nFROM contact_data\nWHERE\tcity = 'Zlín'\n"),
        declare("New of a list", "SELECT contact_id, updated_at FROM contact_data", LIST_A),
        declare("Big spenders", BIG_SPENDERS),
        declare("Moved", "SELECT contact_id, updated_at FROM contact_data", LIST_B),
        declare("Same", "SELECT 1"),
        declare("VIP", "SELECT 1"),
    ]
    old = BIG_SPENDERS.replace("> 500", "> 250").replace("'Brno'", "'Praha'")
    remotes = (
        hold(1, "Big spenders", old),
        hold(2, "Moved", "SELECT contact_id, updated_at FROM contact_data", LIST_A),
        hold(3, "Same", "SELECT 1", contacts_count=1),
        hold(4, "By hand", None),
        hold(5, "Old one", None, query_version=None),
        hold(6, "vip", None),
    )
    target = TargetRef("production", "api.sendgrid.com")
    plan = make_plan(target, declared, Snapshot(remotes))
    return apply_safety_rules(plan, Limits(max_segments=8), len(remotes), References())


def impact_plan() -> Plan:
    """A plan with counted audiences, most of them, one of which exceeds the limit."""
    template = "SELECT contact_id, updated_at FROM contact_data WHERE total_spend > {}"
    declared = [
        declare("Newcomers", template.format(1)),
        declare("Big spenders", template.format(250)),
        declare("Same people", template.format(3)),
        declare("Moved", template.format(4), LIST_B),
        declare("By events", template.format(5)),
    ]
    remotes = (
        hold(1, "Big spenders", template.format(500)),
        hold(2, "Same people", template.format(30)),
        hold(3, "Moved", template.format(4), LIST_A),
        hold(4, "By events", template.format(50)),
    )
    impacts = {
        "Newcomers": (0, 37, 37, 0),
        "Big spenders": (1203, 1480, 312, 35),
        "Same people": (9, 9, 0, 0),
        "Moved": (400, 400, 20, 20),
    }
    plan = make_plan(TARGET, declared, Snapshot(remotes))
    changes = tuple(
        dataclasses.replace(change, impact=Impact(*counts, 8400, "2026-11-20T02:00:00Z"))
        if isinstance(change, Create | Patch | Replace) and (counts := impacts.get(change.name))
        else change
        for change in plan.changes
    )
    sends = (
        SingleSend(
            ID.format(41),
            "Spring sale",
            "scheduled",
            (ID.format(1), ID.format(4)),
            send_at="2026-12-01T09:00:00Z",
        ),
        SingleSend(ID.format(42), "@all <b>`x`", "draft", (ID.format(1),)),
    )
    automations = (
        Automation(
            ID.format(51),
            "Welcome series",
            "live",
            (
                AutomationUse(AutomationRole.ENTRANCE, ID.format(1)),
                AutomationUse(AutomationRole.GOAL, ID.format(1)),
            ),
        ),
        Automation(
            ID.format(52),
            "@all <b>`x`",
            "draft",
            (AutomationUse(AutomationRole.EXIT, ID.format(3)),),
        ),
    )
    plan = dataclasses.replace(plan, changes=changes, single_sends=sends, automations=automations)
    limits = Limits(max_audience_change=20, scheduled_send_change=10)
    references = References(automations=automations, observes_automations=True)
    return apply_safety_rules(plan, limits, 4, references, {"Moved": 50.0})


def lists_plan() -> Plan:
    """A plan with lists in every place, one of which is not on the account."""
    on = "SELECT contact_id, updated_at FROM contact_data WHERE array_contains(list_ids, ['{}'])"
    two = on.format(f"{LIST_A}', '{LIST_C}")
    declared = [
        declare("New", on.format(LIST_A.upper()), LIST_C),
        dataclasses.replace(
            declare("Edited", two),
            description="Readers of both lists.\nNot our own <testers>.",
            owner="crm@example.com",
            tags=("newsletter", "spring sale"),
        ),
        declare("Moved", on.format(LIST_C), LIST_B),
    ]
    remotes = (
        hold(1, "Edited", on.format(LIST_B)),
        hold(2, "Moved", on.format(LIST_C), LIST_A),
    )
    plan = make_plan(TARGET, declared, Snapshot(remotes))
    v1 = Segment("Gone", f"CONTAINS(list_ids, '{LIST_A}')", (LIST_B,))
    gone = Delete(v1, Precondition(ID.format(9), None, "x"), contacts_count=1, is_v1=True)
    names = {LIST_A: "Newsletter", LIST_B: None, LIST_C: "VIP @all\x1b[2J\n`x` <b>"}
    clause = ClauseChange(
        ChangeKind.CHANGED, ClauseKind.CONDITION, "city = '@all\x1b[2J`x` <b>'", "city = 'Brno'"
    )
    drifts = {
        "Edited": Drift(
            DriftKind.EDITED,
            "Edited",
            changed_fields=("query_dsl", "parent_list_ids"),
            clauses=(clause,),
            updated_at="2026-11-28T09:00:00Z",
        ),
        "New": Drift(DriftKind.DELETED, "New"),
    }
    changes = tuple(
        dataclasses.replace(change, drift=drifts[change.name])
        if isinstance(change, Create | Patch) and change.name in drifts
        else change
        for change in plan.changes
    )
    return dataclasses.replace(plan, changes=(*changes, gone), lists=names)


def upgrade_plan() -> Plan:
    """Two upgrades from v1: a new one, and a resumed one that waits for a Single Send."""
    sgql = "email LIKE '%gmail.com' AND CONTAINS(list_ids, '…')"
    ids = [ID.format(number) for number in (21, 22)]
    declared = [
        dataclasses.replace(declare(name, BIG_SPENDERS), upgrade_from=old)
        for name, old in zip(("Gmail users", "Spenders"), ids, strict=True)
    ]
    remotes = (
        hold(21, "Gmail users", sgql, query_version=None),
        hold(22, "Old spenders", "total_spend > 500", query_version=None),
        hold(23, temporary_name("Spenders", ids[1], Marker.SUCCESSOR), BIG_SPENDERS),
        hold(24, "Left", "city = 'Brno'", query_version=None),
    )
    plan = make_plan(TARGET, declared, Snapshot(remotes))
    sends = References((SingleSend(ID.format(31), "Spring", "scheduled", (ids[1],)),))
    return apply_safety_rules(plan, Limits(), len(remotes), sends)


def upgrade_report() -> Report:
    first, second = upgrade_plan().changes
    return Report(
        (
            Outcome(first, Status.DONE, ID.format(25)),
            Outcome(
                second,
                Status.WAITING,
                ID.format(23),
                "the Single Send `Spring` (scheduled) still targets the v1 segment",
                "in SendGrid, let it target the new segment instead, and apply again",
                is_written=True,
            ),
        )
    )


def quiet_plan() -> Plan:
    target = TargetRef("production", "api.sendgrid.com")
    remotes = (hold(3, "Same", "SELECT 1"), hold(4, "By hand", None))
    plan = make_plan(target, [declare("Same", "SELECT 1")], Snapshot(remotes))
    return dataclasses.replace(plan, folder="audiences")


def delete_plan() -> Plan:
    segment = Segment("Gone", "SELECT contact_id, updated_at FROM contact_data", (LIST_A,))
    delete = Delete(segment, Precondition(ID.format(9), None, "x"), contacts_count=1)
    renamed = Patch(
        Segment("Old name", "SELECT 1"),
        Segment("New name", "SELECT 1"),
        ("name",),
        Precondition(ID.format(8), None, "y"),
        Span("segments/new-name.yaml", 2, 7),
    )
    return Plan(TargetRef("production", "api.sendgrid.com"), (renamed, delete))


def changes() -> list[Change]:
    span = Span("segments/a.yaml", 2, 7)
    precondition = Precondition(ID.format(1), None, "x")
    first, second = Segment("One", "SELECT 1"), Segment("Two", "SELECT 2")
    return [
        Create(first, span),
        Patch(first, second, ("query_dsl",), precondition, span),
        Delete(second, precondition),
        Replace(first, second, ("parent_list_ids",), precondition, span),
        Create(second, span),
        Create(Segment("Three\x07", "q"), span),
    ]


def report(*, interrupted: bool = False) -> Report:
    create, patch, delete, _, lost, late = changes()
    return Report(
        (
            Outcome(create, Status.DONE, ID.format(7)),
            Outcome(patch, Status.CONFLICT, ID.format(1), "someone changed it", "plan again"),
            Outcome(delete, Status.DONE),
            Outcome(lost, Status.UNKNOWN, None, "the connection broke", "look at the plan"),
            Outcome(late, Status.NOT_ATTEMPTED if interrupted else Status.FAILED, None, "too late"),
        ),
        (
            Refresh("One", ID.format(7), RefreshStatus.ACCEPTED),
            Refresh(
                "Two", ID.format(1), RefreshStatus.DEFERRED, "not before 02:00", "then", MOMENT
            ),
            Refresh(
                "Six", ID.format(6), RefreshStatus.DEFERRED, "not before 02:00", "then", MOMENT
            ),
            Refresh("Ten", ID.format(8), RefreshStatus.SKIPPED, "no valid query"),
            Refresh("Gone", ID.format(9), RefreshStatus.NOT_FOUND, "it is gone"),
        ),
        interrupted=interrupted,
    )


def drifts() -> DriftReport:
    """Every kind of drift; a condition of the edited segment differs."""
    plan = rich_plan()
    edited = next(change for change in plan.changes if isinstance(change, Patch))
    facts: dict[str, Any] = {"updated_at": "2026-07-15T16:04:33Z", "span": edited.span}
    return DriftReport(
        (
            Drift(DriftKind.CREATED, "By hand", ID.format(4), updated_at="2026-07-15T16:04:33Z"),
            Drift(DriftKind.DELETED, "Missing", span=Span("segments/missing.yaml", 2, 7)),
            Drift(
                DriftKind.EDITED,
                edited.name,
                ID.format(1),
                "",
                ("query_dsl",),
                edited.clauses,
                **facts,
            ),
            Drift(DriftKind.RENAMED, "Old", ID.format(5), "New", ("name",), **facts),
        ),
        pending=2,
    )


def sample_diagnostics() -> list[Diagnostic]:
    long = "query_dsl: " + "x" * 300 + " FORM " + "y" * 100
    return [
        Diagnostic(
            "unknown-key",
            Severity.ERROR,
            "unknown key `querry_dsl`",
            Span("segments/vip.yaml", 7, 1, 7, 11),
            "did you mean `query_dsl`?",
            "querry_dsl: |",
        ),
        Diagnostic(
            "long-line",
            Severity.WARNING,
            "far to the right",
            Span("segments/long.yaml", 120, 313, 120, 317),
            excerpt=long,
        ),
        Diagnostic(
            "tab",
            Severity.INFO,
            "a tab and a \x1b[31mcolour",
            Span("segments/tab.yaml", 1, 2),
            excerpt="\tname: \x1b[31mred",
        ),
        Diagnostic(
            "wide",
            Severity.ERROR,
            "after wide characters",
            Span("segments/wide.yaml", 2, 14, 2, 16),
            excerpt="name: 日本の顧客 & é́  xy",
        ),
        Diagnostic("nowhere", Severity.ERROR, "no place", hint="none needed"),
    ]


def listing() -> str:
    rows = [
        ListingRow(
            hold(1, "Big spenders", None, LIST_A, refreshes_used=1, max_refreshes=2), managed=True
        ),
        ListingRow(
            hold(2, "日本の顧客", None, refreshes_used=1, contacts_count=None), managed=False
        ),
        ListingRow(
            hold(
                3,
                "Broken",
                None,
                validation=Validation.INVALID,
                validation_error="no such column",
                next_sample_update="2026-07-15T17:00:00Z",
            ),
            managed=None,
        ),
        ListingRow(
            hold(4, "Old", None, query_version=None, validation=Validation.UNKNOWN), managed=False
        ),
    ]
    return listing_text(rows, {LIST_A: "Newsletter"}, width=None, color=False)


def plan_json(plan: Plan) -> str:
    data = plan_to_json(plan, "2026-07-15T16:04:33Z")
    assert data["tool"].pop("version") == __version__
    assert data.pop("checksum")
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def sarif_json(diagnostics: Sequence[Diagnostic], what: str) -> str:
    data = sarif(diagnostics, CONTEXT, what)
    assert data["runs"][0]["tool"]["driver"].pop("version") == __version__
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def plan_page(plan: Plan) -> str:
    """Return the page without its style sheet, which the golden files would repeat."""
    text = plan_html(plan, CONTEXT).replace(CSS, "…")
    return re.sub(r"sha256-[^&]+", "sha256-…", text).replace("><", ">\n<")


def fleet() -> FleetPlan:
    """Four targets: two with the same changes, one with none, and one without a key."""
    rich, quiet = rich_plan(), quiet_plan()
    failure = Failure.of(MissingKey("no API key for the target `shop-fr`", hint="set it"))
    return FleetPlan(
        "shops",
        (
            TargetPlan("shop-eu", dataclasses.replace(rich, target=SHOP_EU)),
            TargetPlan("shop-us", dataclasses.replace(rich, target=SHOP_US)),
            TargetPlan("shop-de", dataclasses.replace(quiet, target=SHOP_DE)),
            TargetPlan("shop-fr", failure),
        ),
    )


def fleet_report() -> FleetReport:
    plan = dataclasses.replace(rich_plan(), target=SHOP_EU)
    failure = Failure.of(MissingKey("the key is gone"))
    return FleetReport(
        "shops",
        (
            TargetReport(plan, report()),
            TargetReport(dataclasses.replace(plan, target=SHOP_US), report(interrupted=True)),
            TargetReport(dataclasses.replace(plan, target=SHOP_DE), Report(), failure),
        ),
    )


def fleet_drift() -> FleetDrift:
    failure = Failure.of(MissingKey("no API key for the target `shop-fr`", hint="set it"))
    return FleetDrift(
        "shops",
        (
            TargetDrift("shop-eu", drifts(), tuple(sample_diagnostics()[:1]), SHOP_EU),
            TargetDrift("shop-us", account=SHOP_US),
            TargetDrift("shop-fr", failure=failure),
        ),
    )


def fleet_page(text: str) -> str:
    """Return a page without its style sheet."""
    text = text.replace(CSS, "…")
    return re.sub(r"sha256-[^&]+", "sha256-…", text).replace("><", ">\n<")


def report_json() -> str:
    data = report_to_json(report(), rich_plan(), "2026-07-15T16:04:33Z")
    assert data["tool"].pop("version") == __version__
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def diff_json() -> str:
    data = differences_json(compared(), "2026-07-15T16:04:33Z")
    assert data["tool"].pop("version") == __version__
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


VIEWS: dict[str, Callable[[], str]] = {
    "plan.txt": lambda: plan_text(rich_plan(), PLAIN),
    "plan-verbose.txt": lambda: plan_text(rich_plan(), PLAIN, verbosity=1),
    "plan-quiet.txt": lambda: plan_text(rich_plan(), PLAIN, verbosity=-1),
    "plan-colored.txt": lambda: plan_text(rich_plan(), COLORED),
    "plan-delete.txt": lambda: plan_text(delete_plan(), PLAIN),
    "plan-nothing.txt": lambda: plan_text(quiet_plan(), PLAIN),
    "plan.json": lambda: plan_json(rich_plan()),
    "plan.md": lambda: plan_markdown(rich_plan(), CONTEXT),
    "plan-delete.md": lambda: plan_markdown(delete_plan(), CONTEXT),
    "plan-nothing.md": lambda: plan_markdown(quiet_plan(), CONTEXT),
    "plan.html": lambda: plan_page(rich_plan()),
    "plan.github": lambda: workflow_annotations(plan_diagnostics(rich_plan()), CONTEXT, "Plan: …"),
    "plan-impact.txt": lambda: plan_text(impact_plan(), PLAIN),
    "plan-impact.json": lambda: plan_json(impact_plan()),
    "plan-impact.md": lambda: plan_markdown(impact_plan(), CONTEXT),
    "plan-impact.html": lambda: plan_page(impact_plan()),
    "plan-impact.github": lambda: workflow_annotations(
        plan_diagnostics(impact_plan()), CONTEXT, "…"
    ),
    "plan-impact.sarif": lambda: sarif_json(plan_problem_diagnostics(impact_plan()), "plan"),
    "plan-lists.txt": lambda: plan_text(lists_plan(), PLAIN),
    "plan-lists.json": lambda: plan_json(lists_plan()),
    "plan-lists.md": lambda: plan_markdown(lists_plan(), CONTEXT),
    "plan-lists.html": lambda: plan_page(lists_plan()),
    "plan-upgrade.txt": lambda: plan_text(upgrade_plan(), PLAIN, verbosity=1),
    "plan-upgrade.json": lambda: plan_json(upgrade_plan()),
    "plan-upgrade.md": lambda: plan_markdown(upgrade_plan(), CONTEXT),
    "plan-upgrade.html": lambda: plan_page(upgrade_plan()),
    "plan-upgrade.github": lambda: workflow_annotations(
        plan_diagnostics(upgrade_plan()), CONTEXT, "…"
    ),
    "fleet.txt": lambda: fleet_text(fleet(), PLAIN),
    "fleet-quiet.txt": lambda: fleet_text(fleet(), PLAIN, verbosity=-1),
    "fleet.md": lambda: fleet_markdown(fleet(), CONTEXT),
    "fleet.html": lambda: fleet_page(fleet_html(fleet(), CONTEXT)),
    "fleet.github": lambda: workflow_annotations(
        fleet_diagnostics(fleet()), CONTEXT, fleet_summary(fleet())
    ),
    "fleet-report.txt": lambda: fleet_report_text(fleet_report(), PLAIN),
    "fleet-report.md": lambda: fleet_report_markdown(fleet_report(), CONTEXT),
    "fleet-report.html": lambda: fleet_page(fleet_report_html(fleet_report(), CONTEXT)),
    "fleet-drift.txt": lambda: fleet_drift_text(fleet_drift(), PLAIN),
    "fleet-drift.md": lambda: fleet_drift_markdown(fleet_drift(), CONTEXT),
    "fleet-drift.html": lambda: fleet_page(fleet_drift_html(fleet_drift(), CONTEXT)),
    "report-upgrade.txt": lambda: report_text(upgrade_report(), PLAIN, TARGET),
    "report-upgrade.md": lambda: report_markdown(upgrade_report(), CONTEXT, TARGET),
    "report.txt": lambda: report_text(report(), PLAIN, TARGET),
    "report-quiet.txt": lambda: report_text(report(), PLAIN, TARGET, quiet=True),
    "report-interrupted.txt": lambda: report_text(report(interrupted=True), PLAIN, TARGET),
    "report.md": lambda: report_markdown(report(), CONTEXT, TARGET),
    "drift.txt": lambda: drift_text(drifts(), PLAIN, TARGET),
    "drift.md": lambda: drift_markdown(drifts(), sample_diagnostics()[:1], CONTEXT, TARGET),
    "drift.github": lambda: workflow_annotations(drift_diagnostics(drifts()), CONTEXT),
    "diff.txt": lambda: differences_text(compared(), PLAIN),
    "diff-verbose.txt": lambda: differences_text(compared(everything=True), PLAIN, verbosity=1),
    "diff.md": lambda: differences_markdown(compared(), CONTEXT),
    "diff.json": diff_json,
    "diff.github": lambda: workflow_annotations(differences_diagnostics(compared()), CONTEXT),
    "diagnostics.md": lambda: diagnostics_markdown(sample_diagnostics(), CONTEXT, "validate"),
    "diagnostics.github": lambda: workflow_annotations(sample_diagnostics(), CONTEXT),
    "diagnostics.sarif": lambda: sarif_json(sample_diagnostics(), "validate"),
    "report.json": report_json,
    "diagnostics.txt": lambda: (
        diagnostics_text(sample_diagnostics(), PLAIN)
        + severity_summary(sample_diagnostics())
        + "\n"
    ),
    "listing.txt": listing,
}


@pytest.mark.parametrize("name", VIEWS)
def test_view(name: str, request: pytest.FixtureRequest) -> None:
    path, text = GOLDEN / name, VIEWS[name]()
    if request.config.getoption("--golden-write"):
        path.write_text(text, "utf-8", newline="\n")
    assert text == path.read_text("utf-8")


def test_every_golden_file_is_held_against_something() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == set(VIEWS)


def test_invisible_characters_are_written_out() -> None:
    assert clean("a\x00b\x9bc\u202ed\u2028e\ud800é日") == r"a\x00b\x9bc\u202ed\u2028e\ud800é日"
