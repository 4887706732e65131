"""The planner: every way in which files and account can differ, and the planned action."""

from __future__ import annotations

import dataclasses
import math
import re
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from segctl.errors import Severity, Span
from segctl.model import (
    Create,
    Declared,
    Delete,
    Ignore,
    Impact,
    Keep,
    Patch,
    Plan,
    Precondition,
    Reason,
    Remote,
    Replace,
    Segment,
    Snapshot,
    Summary,
    TargetRef,
    Validation,
)
from segctl.model.proof import CommitRef, DeclaredVersion
from segctl.model.references import References
from segctl.planfile.to_json import digest, plan_to_json
from segctl.planning.equality import changed_fields
from segctl.planning.ownership import Removal, RemovalHistory
from segctl.planning.planner import PlanInputs, definitions_to_read, make_plan
from segctl.planning.safety import Limits, apply_safety_rules
from segctl.planning.selection import select_matching

TARGET = TargetRef("production", "api.sendgrid.com")
LIST_A = "0b1f4a10-5c1d-4a6e-9f02-00000000000a"
LIST_B = "0b1f4a10-5c1d-4a6e-9f02-00000000000b"


def declare(name: str, query: str = "SELECT 1", *parents: str) -> Declared:
    file = f"segments/{name}.yaml"
    return Declared(Segment(name, query, parents), Span(file, 1, 7), Span(file, 2, 12))


def remote_segment(
    name: str, query: str | None = "SELECT 1", *parents: str, v1: bool = False
) -> Remote:
    return Remote(
        id=f"id-of-{name}",
        name=name,
        query=query,
        parent_list_ids=parents,
        query_version=None if v1 else "2",
        contacts_count=7,
        updated_at="2026-07-15T16:04:33Z",
    )


def plan_for(declared: list[Declared], remotes: list[Remote], **options: set[str]) -> Plan:
    inputs = PlanInputs(selected=options.get("selected"))
    return make_plan(TARGET, declared, Snapshot(tuple(remotes)), inputs)


def test_a_missing_segment_is_created() -> None:
    plan = plan_for([declare("a")], [])
    assert plan.changes == (
        Create(
            Segment("a", "SELECT 1"),
            Span("segments/a.yaml", 1, 7),
            Reason.NOT_ON_ACCOUNT,
            Span("segments/a.yaml", 2, 12),
        ),
    )


def test_an_equal_segment_is_kept() -> None:
    plan = plan_for([declare("a")], [remote_segment("a")])
    assert plan.changes == ()
    assert plan.kept == (Keep("a", "id-of-a", Span("segments/a.yaml", 1, 7)),)


def test_a_kept_query_that_is_not_accepted_is_a_warning() -> None:
    remote = dataclasses.replace(
        remote_segment("a"), validation=Validation.INVALID, validation_error="no such value"
    )
    plan = plan_for([declare("a")], [remote])
    assert plan.changes == ()
    [diagnostic] = plan.diagnostics
    assert (diagnostic.code, diagnostic.severity) == ("query-not-accepted", Severity.WARNING)
    assert diagnostic.span == Span("segments/a.yaml", 2, 12)
    assert "(no such value)" in diagnostic.summary
    # A new query is about to be written, and SendGrid has not seen it yet.
    assert plan_for([declare("a", "SELECT 2")], [remote]).diagnostics == ()


def test_white_space_around_a_query_is_no_change() -> None:
    assert plan_for([declare("a", "SELECT 1\n")], [remote_segment("a", "SELECT 1")]).changes == ()


def test_another_query_is_a_patch_with_the_changed_field_and_a_precondition() -> None:
    remote = remote_segment("a", "SELECT 2")
    [change] = plan_for([declare("a")], [remote]).changes
    assert change == Patch(
        before=Segment("a", "SELECT 2"),
        after=Segment("a", "SELECT 1"),
        changed_fields=("query_dsl",),
        precondition=Precondition(
            "id-of-a", "2026-07-15T16:04:33Z", Segment("a", "SELECT 2").sha256
        ),
        span=Span("segments/a.yaml", 1, 7),
        contacts_count=7,
        reason=Reason.DEFINITION_DIFFERS,
        query_span=Span("segments/a.yaml", 2, 12),
    )


@pytest.mark.parametrize(
    ("declared", "existing"), [((LIST_A,), ()), ((), (LIST_A,)), ((LIST_A,), (LIST_B,))]
)
def test_another_parent_list_is_a_replace(
    declared: tuple[str, ...], existing: tuple[str, ...]
) -> None:
    [change] = plan_for(
        [declare("a", "SELECT 1", *declared)], [remote_segment("a", "SELECT 1", *existing)]
    ).changes
    assert isinstance(change, Replace)
    assert change.changed_fields == ("parent_list_ids",)
    assert change.reason is Reason.PARENT_LIST_DIFFERS


def test_parent_lists_are_a_set_of_ids_whose_case_does_not_count() -> None:
    remote = remote_segment("a", "SELECT 1", LIST_B, LIST_A.upper())
    assert plan_for([declare("a", "SELECT 1", LIST_A, LIST_B)], [remote]).changes == ()


def test_the_case_of_a_list_id_in_a_query_does_not_count() -> None:
    query = "SELECT contact_id, updated_at FROM contact_data WHERE array_contains(list_ids, ['{}'])"
    remote = remote_segment("a", query.format(LIST_A.upper()))
    assert plan_for([declare("a", query.format(LIST_A.lower()))], [remote]).changes == ()


def test_an_undeclared_segment_is_left_alone() -> None:
    plan = plan_for([], [remote_segment("b", None), remote_segment("a", None, v1=True)])
    assert plan.changes == ()
    assert plan.ignored == (Ignore("a", "id-of-a", is_v1=True), Ignore("b", "id-of-b"))


def test_a_name_that_a_v1_segment_has_is_an_error() -> None:
    plan = plan_for([declare("a")], [remote_segment("a", None, v1=True)])
    assert plan.changes == ()
    [diagnostic] = plan.diagnostics
    assert (diagnostic.code, diagnostic.severity) == ("name-held-by-v1", Severity.ERROR)
    assert diagnostic.span == Span("segments/a.yaml", 1, 7)


def test_two_segments_with_one_name_are_an_error_that_names_both() -> None:
    namesake = dataclasses.replace(remote_segment("a"), id="another")
    plan = plan_for([declare("a")], [remote_segment("a"), namesake])
    assert plan.changes == ()
    [diagnostic] = plan.diagnostics
    assert diagnostic.code == "ambiguous-name"
    assert "id-of-a, another" in diagnostic.hint


def test_a_segment_whose_name_differs_by_case_is_a_warning_and_no_match() -> None:
    plan = plan_for([declare("VIP")], [remote_segment("vip", None)])
    assert [type(change) for change in plan.changes] == [Create]
    [diagnostic] = plan.diagnostics
    assert (diagnostic.code, diagnostic.severity) == ("name-differs-by-case", Severity.WARNING)


@pytest.mark.parametrize(
    ("declared", "existing", "written"),
    [
        ("VIP", "VIP ", '"VIP "'),
        ("two spaces", "two  spaces", '"two  spaces"'),
        ("Cafe\u0301", "Caf\u00e9", '"Caf\\U000000E9"'),
        ("nb sp", "nb\u00a0sp", '"nb\\U000000A0sp"'),
        ("vip", "VI\u200bP", '"VI\\U0000200BP"'),
        ('a "b" \\', ' a "b" \\', '" a \\"b\\" \\\\"'),
    ],
)
def test_a_segment_whose_name_looks_like_another_is_a_warning_and_no_match(
    declared: str, existing: str, written: str
) -> None:
    plan = plan_for([declare(declared)], [remote_segment(existing, None)])
    assert [type(change) for change in plan.changes] == [Create]
    [diagnostic] = plan.diagnostics
    assert (diagnostic.code, diagnostic.severity) == ("name-looks-alike", Severity.WARNING)
    assert diagnostic.hint == f"write `name: {written}` in the file if that is the segment you mean"
    assert yaml.safe_load(written) == existing


def test_only_selected_names_are_planned_and_the_others_are_not_unmanaged() -> None:
    plan = plan_for([declare("a"), declare("b")], [remote_segment("b", None)], selected={"a"})
    assert [change.name for change in plan.changes] == ["a"]
    assert plan.ignored == ()
    assert plan.kept == ()


def test_actions_are_sorted_by_their_risk_and_then_by_name() -> None:
    plan = plan_for(
        [
            declare("d", "SELECT 1", LIST_A),
            declare("c"),
            declare("b"),
            declare("a", "SELECT 2"),
        ],
        [remote_segment("a"), remote_segment("d")],
    )
    assert [(type(change), change.name) for change in plan.changes] == [
        (Create, "b"),
        (Create, "c"),
        (Patch, "a"),
        (Replace, "d"),
    ]
    assert plan.summary == Summary(create=2, patch=1, replace=1)


def test_only_the_definitions_of_v2_segments_with_declared_names_are_read() -> None:
    listed = (
        remote_segment("a", None),
        remote_segment("b", None),
        remote_segment("c", None, v1=True),
    )
    assert definitions_to_read([declare("a"), declare("c")], listed, PlanInputs()) == (listed[0],)


def test_a_definition_that_was_not_read_is_an_error() -> None:
    with pytest.raises(ValueError, match="id-of-a"):
        plan_for([declare("a")], [remote_segment("a", None)])


@pytest.mark.parametrize(
    ("patterns", "names", "unused"),
    [
        ((), ["VIP", "Churn risk"], ()),
        (("VIP",), ["VIP"], ()),
        (("vip",), [], ("vip",)),
        (("*risk", "V?P"), ["VIP", "Churn risk"], ()),
        (("segments/Churn*",), ["Churn risk"], ()),
        (("VIP", "unknown"), ["VIP"], ("unknown",)),
    ],
)
def test_only_selects_by_name_or_file(
    patterns: tuple[str, ...], names: list[str], unused: tuple[str, ...]
) -> None:
    selected, left_over = select_matching([declare("VIP"), declare("Churn risk")], patterns)
    assert [declared.name for declared in selected] == names
    assert left_over == unused


# Safety rules


def test_a_replace_is_refused_with_a_hint_to_the_alternative() -> None:
    plan = apply_safety_rules(
        plan_for([declare("a", "SELECT 1", LIST_A)], [remote_segment("a")]),
        Limits(),
        account_size=1,
        references=References(),
    )
    [refusal] = plan.refusals
    assert refusal.code == "replace-refused"
    assert "array_contains(list_ids" in refusal.hint


@pytest.mark.parametrize(("size", "refused"), [(198, False), (199, True), (200, True)])
def test_the_cap_counts_existing_and_new_segments(size: int, refused: bool) -> None:
    plan = apply_safety_rules(
        plan_for([declare("a"), declare("b")], []),
        Limits(),
        account_size=size,
        references=References(),
    )
    assert [refusal.code for refusal in plan.refusals] == (["over-the-cap"] if refused else [])


def test_a_full_account_can_still_be_patched() -> None:
    plan = apply_safety_rules(
        plan_for([declare("a", "SELECT 2")], [remote_segment("a")]),
        Limits(),
        account_size=250,
        references=References(),
    )
    assert plan.refusals == ()


def test_a_delete_makes_room() -> None:
    delete = Delete(Segment("z", "q"), Precondition("id", None, "hash"))
    plan = dataclasses.replace(
        plan_for([declare("a")], []), changes=(delete, *plan_for([declare("a")], []).changes)
    )
    assert (
        apply_safety_rules(plan, Limits(), account_size=200, references=References()).refusals == ()
    )


def test_an_ignored_segment_that_is_ours_is_marked_as_such() -> None:
    created_at = "2026-01-01T00:00:00Z"
    remotes = [
        dataclasses.replace(remote_segment(name), created_at=created_at)
        for name in ("kept", "by hand")
    ]
    file, declared = "segments/kept.yaml", CommitRef("decade", created_at)
    removal = Removal(
        Segment("kept", "SELECT 1"),
        is_protected=True,
        file=file,
        commit="c0ffee",
        removed_at="2026-02-01T00:00:00Z",
        versions=(DeclaredVersion(remotes[0].definition, file, declared),),
    )
    inputs = PlanInputs(removal_history=RemovalHistory((removal,)))
    plan = make_plan(TARGET, [], Snapshot(tuple(remotes)), inputs)
    assert plan.changes == ()
    assert {ignore.name: ignore.is_ours for ignore in plan.ignored} == {
        "kept": True,
        "by hand": False,
    }


def refusals_for(
    before: int, gained: int, lost: int, base: int = 1_000, **options: Any
) -> list[str]:
    """Return the refusals of a patch with this impact, or of a create where `before` is 0."""
    impact = Impact(before, before + gained - lost, gained, lost, base, None)
    remotes = [remote_segment("a", "SELECT 2")] if before else []
    [change] = plan_for([declare("a")], remotes).changes
    assert isinstance(change, Create | Patch)
    plan = Plan(TARGET, (dataclasses.replace(change, impact=impact),))
    limits = Limits(max_audience_change=options.get("most"))
    allowed = {"a": options.get("allowed", 0.0)}
    refusals = apply_safety_rules(plan, limits, 1, References(), allowed).refusals
    assert all(refusal.span == change.query_span for refusal in refusals)
    return [f"{refusal.code}: {refusal.summary}" for refusal in refusals]


@pytest.mark.parametrize(
    ("counts", "most", "allowed", "refused"),
    [
        # Contacts gained and lost, relative to the audience.
        ((100, 50, 0), 50, 0, False),
        ((100, 51, 0), 50, 0, True),
        ((100, 0, 51), 50, 0, True),
        ((100, 26, 25), 50, 0, True),
        ((3, 1, 0), 33, 0, True),
        ((100, 0, 0), 0, 0, False),
        ((100, 1, 0), 0, 0, True),
        ((100, 400, 100), 500, 0, False),
        # Relative to all pulled contacts, where the audience is empty.
        ((0, 500, 0), 50, 0, False),
        ((0, 501, 0), 50, 0, True),
        ((0, 0, 0, 0), 0, 0, False),
        # The larger of the limit and what the file allows counts.
        ((100, 51, 0), 50, 51, False),
        ((100, 51, 0), 50, 40, True),
        ((100, 300, 0), 50, math.inf, False),
        ((0, 1000, 0), 50, math.inf, False),
        # Without a limit, every change passes.
        ((100, 900, 100), None, 0, False),
    ],
)
def test_an_audience_that_changes_too_much_is_refused(
    counts: tuple[int, ...], most: int | None, allowed: float, *, refused: bool
) -> None:
    assert bool(refusals_for(*counts, most=most, allowed=allowed)) is refused


def test_the_refusal_of_an_audience_change_has_the_counts() -> None:
    [changed] = refusals_for(1203, 312, 35, 8400, most=20)
    assert changed == (
        "audience-change: the audience of `a` would change by 29 %, more than the limit of 20 %: "
        "from 1,203 to 1,480 contacts, 312 gained and 35 lost"
    )
    [new] = refusals_for(0, 8399, 0, 8400, most=50)
    assert new == (
        "audience-change: `a` is empty and would reach 100 % of the pulled contacts, more than the "
        "limit of 50 %: 8,399 of 8,400"
    )


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 10**7))
def test_the_percentage_in_the_hint_is_enough(stay: int, lost: int, gained: int, rest: int) -> None:
    impact = Impact(stay + lost, stay + gained, gained, lost, stay + lost + gained + rest, None)
    [change] = plan_for([declare("a")], []).changes
    assert isinstance(change, Create)
    plan = Plan(TARGET, (dataclasses.replace(change, impact=impact),))
    refusals = apply_safety_rules(plan, Limits(max_audience_change=0), 1, References()).refusals
    assert bool(refusals) == bool(lost or gained)
    for refusal in refusals:
        percent = re.search(r"allow_audience_change: (\d+)%", refusal.hint)
        assert percent
        enough = float(percent[1])
        assert not apply_safety_rules(
            plan, Limits(max_audience_change=0), 1, None, {"a": enough}
        ).refusals
        assert apply_safety_rules(
            plan, Limits(max_audience_change=0), 1, None, {"a": enough - 1}
        ).refusals


def test_a_change_that_was_not_counted_is_not_refused() -> None:
    plan = plan_for([declare("a")], [remote_segment("a", "SELECT 2")])
    assert not apply_safety_rules(plan, Limits(max_audience_change=0), 1, References()).refusals


# The digest


def test_the_digest_covers_actions_ids_and_definitions() -> None:
    base = plan_for([declare("a")], [remote_segment("a", "SELECT 2")])
    others = [
        plan_for([declare("a")], []),
        plan_for([declare("a", "SELECT 3")], [remote_segment("a", "SELECT 2")]),
        plan_for([declare("a")], [remote_segment("a", "SELECT 4")]),
        plan_for(
            [declare("a")], [dataclasses.replace(remote_segment("a", "SELECT 2"), id="other")]
        ),
        dataclasses.replace(base, target=TargetRef("production", "api.eu.sendgrid.com")),
        dataclasses.replace(base, target=TargetRef("production", "api.sendgrid.com", "shop")),
    ]
    digests = {digest(plan) for plan in [base, *others]}
    assert len(digests) == len(others) + 1


def test_the_digest_does_not_cover_counts_times_or_places() -> None:
    remote = remote_segment("a", "SELECT 2")
    later = dataclasses.replace(remote, contacts_count=9, updated_at="2027-01-01T00:00:00Z")
    moved = dataclasses.replace(declare("a"), span=Span("segments/else.yaml", 9, 9))
    first = plan_for([declare("a")], [remote, remote_segment("other", None)])
    second = plan_for([moved], [later])
    assert digest(first) == digest(second)


def test_the_json_has_everything_that_a_view_needs() -> None:
    plan = plan_for(
        [declare("new"), declare("old"), declare("same")],
        [
            remote_segment("old", "SELECT 2"),
            remote_segment("same"),
            remote_segment("hand-made", None),
        ],
    )
    data = plan_to_json(plan, "2026-07-15T16:04:33Z")
    assert data["format_version"] == "1.8"
    assert data["tool"]["name"] == "segctl"
    assert data["target"] == {"name": "production", "host": "api.sendgrid.com", "subuser": None}
    assert data["changes"][0] == {
        "action": "create",
        "name": "new",
        "id": None,
        "reason": "not-on-account",
        "source": {
            "file": "segments/new.yaml",
            "line": 1,
            "column": 7,
            "end_line": None,
            "end_column": None,
        },
        "query_source": {
            "file": "segments/new.yaml",
            "line": 2,
            "column": 12,
            "end_line": None,
            "end_column": None,
        },
        "attention": [],
        "description": "",
        "owner": "",
        "tags": [],
        "changed_fields": [],
        "clauses": [],
        "before": None,
        "after": {"name": "new", "query_dsl": "SELECT 1", "parent_list_ids": []},
        "precondition": None,
        "contacts_count": None,
        "contacts_counted_at": None,
        "impact": None,
        "allow_replace": None,
        "protected": None,
        "twin": None,
        "v1": None,
        "proof": None,
        "outside_git": None,
        "upgrade": None,
    }
    assert data["changes"][1]["precondition"] == {
        "updated_at": "2026-07-15T16:04:33Z",
        "definition_sha256": Segment("old", "SELECT 2").sha256,
    }
    assert data["summary"] == {
        "create": 1,
        "patch": 1,
        "replace": 0,
        "upgrade": 0,
        "delete": 0,
        "unchanged": 1,
        "unmanaged": 1,
    }
    assert [entry["name"] for entry in data["unmanaged"]] == ["hand-made"]
    assert data["digest"] == digest(plan)


def test_a_changed_query_lists_its_changed_conditions() -> None:
    before = "SELECT contact_id, updated_at FROM contact_data WHERE total_spend > 500"
    after = before.replace("500", "250") + " AND country = 'CZ'"
    plan = plan_for([declare("a", after)], [remote_segment("a", before)])
    [change] = plan_to_json(plan, "t")["changes"]
    assert [
        (clause["kind"], clause["before"], clause["after"]) for clause in change["clauses"]
    ] == [
        ("changed", "total_spend > 500", "total_spend > 250"),
        ("added", "", "country = 'CZ'"),
    ]


@pytest.mark.parametrize("strict", [True, False])
def test_a_query_that_is_written_differently_is_a_change_only_with_strict_text(
    strict: bool,
) -> None:
    before = "SELECT contact_id, updated_at FROM contact_data WHERE total_spend > 500"
    after = before.lower().replace(" > ", ">")
    snapshot = Snapshot((remote_segment("a", before),))
    plan = make_plan(TARGET, [declare("a", after)], snapshot, PlanInputs(strict_text=strict))
    assert len(plan.changes) == strict
    assert [keep.is_cosmetic for keep in plan.kept] == [True] * (not strict)


def test_a_delete_in_json_has_a_before_and_no_after() -> None:
    delete = Delete(Segment("z", "q"), Precondition("id", None, "hash"), contacts_count=3)
    [change] = plan_to_json(dataclasses.replace(plan_for([], []), changes=(delete,)), "t")[
        "changes"
    ]
    assert (change["action"], change["after"], change["source"]) == ("delete", None, None)
    assert change["before"]["name"] == "z"


# Properties

QUERIES = st.sampled_from(["SELECT 1", "SELECT 2", "SELECT 1 ", "\nSELECT 2\n"])
PARENTS = st.sampled_from([(), (LIST_A,), (LIST_B,)])
NAMES = st.sampled_from(["a", "b", "c", "A", "é", " a"])
SEGMENTS = st.builds(Segment, NAMES, QUERIES, PARENTS)


def by_name(segments: list[Segment]) -> dict[str, Segment]:
    return {segment.name: segment for segment in segments}


def remotes_of(segments: dict[str, Segment]) -> list[Remote]:
    return [
        remote_segment(segment.name, segment.query, *segment.parent_list_ids)
        for segment in segments.values()
    ]


@given(st.lists(SEGMENTS).map(by_name), st.lists(SEGMENTS).map(by_name))
def test_after_an_applied_plan_there_is_nothing_to_do(
    desired: dict[str, Segment], existing: dict[str, Segment]
) -> None:
    declared = [
        declare(segment.name, segment.query, *segment.parent_list_ids)
        for segment in desired.values()
    ]
    plan = plan_for(declared, remotes_of(existing))
    after = dict(existing)
    for change in plan.changes:
        assert not isinstance(change, Delete)
        after[change.name] = change.after
    again = plan_for(declared, remotes_of(after))
    assert again.changes == ()
    assert {keep.name for keep in again.kept} == set(desired)
    assert {ignore.name for ignore in again.ignored} == set(existing) - set(desired)
    for name in set(existing) - set(desired):
        assert after[name] == existing[name]


@given(SEGMENTS, SEGMENTS)
def test_the_changed_fields_are_the_same_in_both_directions(
    first: Segment, second: Segment
) -> None:
    assert changed_fields(first, second) == changed_fields(second, first)
    assert changed_fields(first, first) == ()
