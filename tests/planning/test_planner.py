"""The planner: every way in which files and account can differ, and what is planned for it."""

from __future__ import annotations

import dataclasses
import math
import re
from typing import Any

import pytest
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
from segctl.model.single_sends import References
from segctl.planfile.to_json import digest, plan_to_json
from segctl.planning.equality import changed_fields
from segctl.planning.ownership import Removal, RemovalHistory
from segctl.planning.planner import PlanInputs, definitions_to_read, make_plan, select_matching
from segctl.planning.safety import Limits, apply_safety_rules

TARGET = TargetRef("production", "api.sendgrid.com")
LIST_A = "0b1f4a10-5c1d-4a6e-9f02-00000000000a"
LIST_B = "0b1f4a10-5c1d-4a6e-9f02-00000000000b"


def declare(name: str, query: str = "SELECT 1", *parents: str) -> Declared:
    file = f"segments/{name}.yaml"
    return Declared(Segment(name, query, parents), Span(file, 1, 7), Span(file, 2, 12))


def hold(name: str, query: str | None = "SELECT 1", *parents: str, v1: bool = False) -> Remote:
    return Remote(
        id=f"id-of-{name}",
        name=name,
        query=query,
        parent_list_ids=parents,
        query_version=None if v1 else "2",
        contacts_count=7,
        updated_at="2026-07-15T16:04:33Z",
    )


def plan(declared: list[Declared], remotes: list[Remote], **options: set[str]) -> Plan:
    inputs = PlanInputs(selected=options.get("selected"))
    return make_plan(TARGET, declared, Snapshot(tuple(remotes)), inputs)


def test_what_the_account_lacks_is_created() -> None:
    made = plan([declare("a")], [])
    assert made.changes == (
        Create(
            Segment("a", "SELECT 1"),
            Span("segments/a.yaml", 1, 7),
            Reason.NOT_ON_ACCOUNT,
            Span("segments/a.yaml", 2, 12),
        ),
    )


def test_what_is_equal_is_kept() -> None:
    made = plan([declare("a")], [hold("a")])
    assert made.changes == ()
    assert made.kept == (Keep("a", "id-of-a", Span("segments/a.yaml", 1, 7)),)


def test_a_kept_query_that_is_not_accepted_is_a_warning() -> None:
    said = "no such value"
    remote = dataclasses.replace(hold("a"), validation=Validation.INVALID, validation_error=said)
    made = plan([declare("a")], [remote])
    assert made.changes == ()
    [found] = made.diagnostics
    assert (found.code, found.severity) == ("query-not-accepted", Severity.WARNING)
    assert found.span == Span("segments/a.yaml", 2, 12)
    assert "(no such value)" in found.summary
    # Another query is about to be written: nothing is known of that one.
    assert plan([declare("a", "SELECT 2")], [remote]).diagnostics == ()


def test_white_space_around_a_query_is_no_change() -> None:
    assert plan([declare("a", "SELECT 1\n")], [hold("a", "SELECT 1")]).changes == ()


def test_another_query_is_a_patch_that_names_the_field_and_what_it_saw() -> None:
    remote = hold("a", "SELECT 2")
    [change] = plan([declare("a")], [remote]).changes
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
    ("declared", "held"), [((LIST_A,), ()), ((), (LIST_A,)), ((LIST_A,), (LIST_B,))]
)
def test_another_parent_list_is_a_replace(declared: tuple[str, ...], held: tuple[str, ...]) -> None:
    [change] = plan([declare("a", "SELECT 1", *declared)], [hold("a", "SELECT 1", *held)]).changes
    assert isinstance(change, Replace)
    assert change.changed_fields == ("parent_list_ids",)
    assert change.reason is Reason.PARENT_LIST_DIFFERS


def test_parent_lists_are_a_set_of_ids_whose_case_does_not_count() -> None:
    held = hold("a", "SELECT 1", LIST_B, LIST_A.upper())
    assert plan([declare("a", "SELECT 1", LIST_A, LIST_B)], [held]).changes == ()


def test_what_no_file_declares_is_left_alone() -> None:
    made = plan([], [hold("b", None), hold("a", None, v1=True)])
    assert made.changes == ()
    assert made.ignored == (Ignore("a", "id-of-a", is_v1=True), Ignore("b", "id-of-b"))


def test_a_name_that_a_v1_segment_holds_is_an_error_and_no_action() -> None:
    made = plan([declare("a")], [hold("a", None, v1=True)])
    assert made.changes == ()
    [found] = made.diagnostics
    assert (found.code, found.severity) == ("name-held-by-v1", Severity.ERROR)
    assert found.span == Span("segments/a.yaml", 1, 7)


def test_two_remotes_of_one_name_are_an_error_that_names_both() -> None:
    namesake = dataclasses.replace(hold("a"), id="another")
    made = plan([declare("a")], [hold("a"), namesake])
    assert made.changes == ()
    [found] = made.diagnostics
    assert found.code == "ambiguous-name"
    assert "id-of-a, another" in found.hint


def test_a_remote_that_differs_by_case_is_doubted_and_not_taken_for_it() -> None:
    made = plan([declare("VIP")], [hold("vip", None)])
    assert [type(change) for change in made.changes] == [Create]
    [found] = made.diagnostics
    assert (found.code, found.severity) == ("name-differs-by-case", Severity.WARNING)


def test_selected_names_alone_are_planned_and_the_rest_is_not_unmanaged() -> None:
    made = plan([declare("a"), declare("b")], [hold("b", None)], selected={"a"})
    assert [change.name for change in made.changes] == ["a"]
    assert made.ignored == ()
    assert made.kept == ()


def test_actions_are_in_the_order_of_their_danger_and_then_of_their_names() -> None:
    made = plan(
        [
            declare("d", "SELECT 1", LIST_A),
            declare("c"),
            declare("b"),
            declare("a", "SELECT 2"),
        ],
        [hold("a"), hold("d")],
    )
    assert [(type(change), change.name) for change in made.changes] == [
        (Create, "b"),
        (Create, "c"),
        (Patch, "a"),
        (Replace, "d"),
    ]
    assert made.summary == Summary(create=2, patch=1, replace=1)


def test_only_the_definitions_of_declared_v2_names_are_read() -> None:
    listed = (hold("a", None), hold("b", None), hold("c", None, v1=True))
    assert definitions_to_read([declare("a"), declare("c")], listed, PlanInputs()) == (listed[0],)


def test_a_definition_that_was_not_read_is_never_taken_for_one() -> None:
    with pytest.raises(ValueError, match="id-of-a"):
        plan([declare("a")], [hold("a", None)])


@pytest.mark.parametrize(
    ("patterns", "names", "unused"),
    [
        ((), ["VIP", "Churn risk"], ()),
        (("VIP",), ["VIP"], ()),
        (("vip",), [], ("vip",)),
        (("*risk", "V?P"), ["VIP", "Churn risk"], ()),
        (("segments/Churn*",), ["Churn risk"], ()),
        (("VIP", "nobody"), ["VIP"], ("nobody",)),
    ],
)
def test_only_picks_by_name_or_file(
    patterns: tuple[str, ...], names: list[str], unused: tuple[str, ...]
) -> None:
    picked, left = select_matching([declare("VIP"), declare("Churn risk")], patterns)
    assert [one.name for one in picked] == names
    assert left == unused


# Policy


def test_a_replace_is_refused_and_says_what_to_do_instead() -> None:
    made = apply_safety_rules(
        plan([declare("a", "SELECT 1", LIST_A)], [hold("a")]),
        Limits(),
        account_size=1,
        references=References(),
    )
    [refusal] = made.refusals
    assert refusal.code == "replace-refused"
    assert "array_contains(list_ids" in refusal.hint


@pytest.mark.parametrize(("size", "refused"), [(198, False), (199, True), (200, True)])
def test_the_cap_counts_what_the_account_holds_and_what_would_come(
    size: int, refused: bool
) -> None:
    made = apply_safety_rules(
        plan([declare("a"), declare("b")], []), Limits(), account_size=size, references=References()
    )
    assert [found.code for found in made.refusals] == (["over-the-cap"] if refused else [])


def test_a_full_account_can_still_be_patched() -> None:
    made = apply_safety_rules(
        plan([declare("a", "SELECT 2")], [hold("a")]),
        Limits(),
        account_size=250,
        references=References(),
    )
    assert made.refusals == ()


def test_a_delete_makes_room() -> None:
    delete = Delete(Segment("z", "q"), Precondition("id", None, "hash"))
    made = dataclasses.replace(
        plan([declare("a")], []), changes=(delete, *plan([declare("a")], []).changes)
    )
    assert (
        apply_safety_rules(made, Limits(), account_size=200, references=References()).refusals == ()
    )


def test_what_the_history_calls_ours_and_is_spared_says_so() -> None:
    made = "2026-01-01T00:00:00Z"
    remotes = [dataclasses.replace(hold(name), created_at=made) for name in ("kept", "by hand")]
    removal = Removal(
        Segment("kept", "SELECT 1"),
        is_protected=True,
        file="segments/kept.yaml",
        commit="c0ffee",
        removed_at="2026-02-01T00:00:00Z",
    )
    inputs = PlanInputs(removal_history=RemovalHistory((removal,)))
    found = make_plan(TARGET, [], Snapshot(tuple(remotes)), inputs)
    assert found.changes == ()
    assert {one.name: one.is_ours for one in found.ignored} == {"kept": True, "by hand": False}


def reaching(before: int, gained: int, lost: int, base: int = 1_000, **options: Any) -> list[str]:
    """Judge a patch (a create where nobody is in it before) of such an impact; give the codes."""
    impact = Impact(before, before + gained - lost, gained, lost, base, None)
    held = [hold("a", "SELECT 2")] if before else []
    [change] = plan([declare("a")], held).changes
    assert isinstance(change, Create | Patch)
    made = Plan(TARGET, (dataclasses.replace(change, impact=impact),))
    limits = Limits(max_audience_change=options.get("most"))
    allowed = {"a": options.get("allowed", 0.0)}
    refusals = apply_safety_rules(made, limits, 1, References(), allowed).refusals
    assert all(found.span == change.query_span for found in refusals)
    return [f"{found.code}: {found.summary}" for found in refusals]


@pytest.mark.parametrize(
    ("counts", "most", "allowed", "refused"),
    [
        # Those who come and those who go, of those in it.
        ((100, 50, 0), 50, 0, False),
        ((100, 51, 0), 50, 0, True),
        ((100, 0, 51), 50, 0, True),
        ((100, 26, 25), 50, 0, True),
        ((3, 1, 0), 33, 0, True),
        ((100, 0, 0), 0, 0, False),
        ((100, 1, 0), 0, 0, True),
        ((100, 400, 100), 500, 0, False),
        # Of the whole base, where nobody is in it.
        ((0, 500, 0), 50, 0, False),
        ((0, 501, 0), 50, 0, True),
        ((0, 0, 0, 0), 0, 0, False),
        # What the file allows counts where it is more.
        ((100, 51, 0), 50, 51, False),
        ((100, 51, 0), 50, 40, True),
        ((100, 300, 0), 50, math.inf, False),
        ((0, 1000, 0), 50, math.inf, False),
        # Without a limit, nothing is beyond it.
        ((100, 900, 100), None, 0, False),
    ],
)
def test_an_audience_that_changes_too_much_is_refused(
    counts: tuple[int, ...], most: int | None, allowed: float, *, refused: bool
) -> None:
    assert bool(reaching(*counts, most=most, allowed=allowed)) is refused


def test_the_refusal_of_an_audience_says_who_comes_and_goes() -> None:
    [changed] = reaching(1203, 312, 35, 8400, most=20)
    assert changed == (
        "audience-change: the audience of `a` would change by 29 %, more than the limit of 20 %: "
        "from 1,203 to 1,480 contacts, 312 gained and 35 lost"
    )
    [new] = reaching(0, 8399, 0, 8400, most=50)
    assert new == (
        "audience-change: `a` is empty and would reach 100 % of the pulled contacts, more than the "
        "limit of 50 %: 8,399 of 8,400"
    )


@given(st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 10**7))
def test_what_the_refusal_asks_for_is_enough(stay: int, lost: int, gained: int, rest: int) -> None:
    impact = Impact(stay + lost, stay + gained, gained, lost, stay + lost + gained + rest, None)
    [change] = plan([declare("a")], []).changes
    assert isinstance(change, Create)
    made = Plan(TARGET, (dataclasses.replace(change, impact=impact),))
    refusals = apply_safety_rules(made, Limits(max_audience_change=0), 1, References()).refusals
    assert bool(refusals) == bool(lost or gained)
    for found in refusals:
        percent = re.search(r"allow_audience_change: (\d+)%", found.hint)
        assert percent
        enough = float(percent[1])
        assert not apply_safety_rules(
            made, Limits(max_audience_change=0), 1, None, {"a": enough}
        ).refusals
        assert apply_safety_rules(
            made, Limits(max_audience_change=0), 1, None, {"a": enough - 1}
        ).refusals


def test_what_nobody_could_count_is_not_refused() -> None:
    made = plan([declare("a")], [hold("a", "SELECT 2")])
    assert not apply_safety_rules(made, Limits(max_audience_change=0), 1, References()).refusals


# The digest


def test_the_digest_is_of_actions_ids_and_definitions() -> None:
    base = plan([declare("a")], [hold("a", "SELECT 2")])
    others = [
        plan([declare("a")], []),
        plan([declare("a", "SELECT 3")], [hold("a", "SELECT 2")]),
        plan([declare("a")], [hold("a", "SELECT 4")]),
        plan([declare("a")], [dataclasses.replace(hold("a", "SELECT 2"), id="other")]),
        dataclasses.replace(base, target=TargetRef("production", "api.eu.sendgrid.com")),
        dataclasses.replace(base, target=TargetRef("production", "api.sendgrid.com", "shop")),
    ]
    digests = {digest(one) for one in [base, *others]}
    assert len(digests) == len(others) + 1


def test_the_digest_is_of_neither_counts_nor_times_nor_places() -> None:
    remote = hold("a", "SELECT 2")
    later = dataclasses.replace(remote, contacts_count=9, updated_at="2027-01-01T00:00:00Z")
    moved = dataclasses.replace(declare("a"), span=Span("segments/else.yaml", 9, 9))
    first = plan([declare("a")], [remote, hold("other", None)])
    second = plan([moved], [later])
    assert digest(first) == digest(second)


def test_json_carries_all_that_a_view_needs() -> None:
    made = plan(
        [declare("new"), declare("old"), declare("same")],
        [hold("old", "SELECT 2"), hold("same"), hold("hand-made", None)],
    )
    data = plan_to_json(made, "2026-07-15T16:04:33Z")
    assert data["format_version"] == "1.3"
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
        "changed_fields": [],
        "clauses": [],
        "before": None,
        "after": {"name": "new", "query_dsl": "SELECT 1", "parent_list_ids": []},
        "precondition": None,
        "contacts_count": None,
        "impact": None,
        "allow_replace": None,
        "protected": None,
        "twin": None,
        "v1": None,
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
    assert [one["name"] for one in data["unmanaged"]] == ["hand-made"]
    assert data["digest"] == digest(made)


def test_a_changed_query_says_which_conditions_changed() -> None:
    before = "SELECT contact_id, updated_at FROM contact_data WHERE total_spend > 500"
    after = before.replace("500", "250") + " AND country = 'CZ'"
    made = plan([declare("a", after)], [hold("a", before)])
    [change] = plan_to_json(made, "t")["changes"]
    assert [(one["kind"], one["before"], one["after"]) for one in change["clauses"]] == [
        ("changed", "total_spend > 500", "total_spend > 250"),
        ("added", "", "country = 'CZ'"),
    ]


@pytest.mark.parametrize("strict", [True, False])
def test_a_query_written_another_way_is_unchanged_unless_told(
    strict: bool,
) -> None:
    before = "SELECT contact_id, updated_at FROM contact_data WHERE total_spend > 500"
    after = before.lower().replace(" > ", ">")
    snapshot = Snapshot((hold("a", before),))
    made = make_plan(TARGET, [declare("a", after)], snapshot, PlanInputs(strict_text=strict))
    assert len(made.changes) == strict
    assert [keep.is_cosmetic for keep in made.kept] == [True] * (not strict)


def test_a_delete_in_json_has_a_before_and_no_after() -> None:
    delete = Delete(Segment("z", "q"), Precondition("id", None, "hash"), contacts_count=3)
    [change] = plan_to_json(dataclasses.replace(plan([], []), changes=(delete,)), "t")["changes"]
    assert (change["action"], change["after"], change["source"]) == ("delete", None, None)
    assert change["before"]["name"] == "z"


# What always holds

QUERIES = st.sampled_from(["SELECT 1", "SELECT 2", "SELECT 1 ", "\nSELECT 2\n"])
PARENTS = st.sampled_from([(), (LIST_A,), (LIST_B,)])
NAMES = st.sampled_from(["a", "b", "c", "A", "é", " a"])
SEGMENTS = st.builds(Segment, NAMES, QUERIES, PARENTS)


def by_name(segments: list[Segment]) -> dict[str, Segment]:
    return {one.name: one for one in segments}


@given(st.lists(SEGMENTS).map(by_name), st.lists(SEGMENTS).map(by_name))
def test_carrying_a_plan_out_leaves_nothing_to_plan(
    wanted: dict[str, Segment], held: dict[str, Segment]
) -> None:
    declared = [declare(one.name, one.query, *one.parent_list_ids) for one in wanted.values()]
    before = [hold(one.name, one.query, *one.parent_list_ids) for one in held.values()]
    made = plan(declared, before)
    after = dict(held)
    for change in made.changes:
        assert not isinstance(change, Delete)
        after[change.name] = change.after
    again = plan(declared, [hold(o.name, o.query, *o.parent_list_ids) for o in after.values()])
    assert again.changes == ()
    assert {keep.name for keep in again.kept} == set(wanted)
    assert {one.name for one in again.ignored} == set(held) - set(wanted)
    for name in set(held) - set(wanted):
        assert after[name] == held[name]


@given(SEGMENTS, SEGMENTS)
def test_fields_differ_alike_in_both_directions(one: Segment, other: Segment) -> None:
    assert changed_fields(one, other) == changed_fields(other, one)
    assert changed_fields(one, one) == ()
