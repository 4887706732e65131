"""The main job on the emulated account: apply, then plan, and nothing is left to do.

The scenarios go through the command line and over HTTP, each applied twice. The property goes
through the same parts, in memory: any files, any account.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segctl.account.snapshot import take_snapshot
from segctl.applying.applier import perform
from segctl.common.secrets import Secret
from segctl.declarations.collection import read_declarations
from segctl.emulator import Emulator, seed
from segctl.model import Replace, TargetRef
from segctl.model.references import References
from segctl.model.report import Outcome, Status, sort_outcomes
from segctl.planning.planner import PlanInputs, definitions_to_read, make_plan
from segctl.planning.safety import Limits, apply_safety_rules
from segctl.sendgrid.api import Writer
from segctl.sendgrid.transport import Transport
from tests.support.account import TEST_SETTINGS, Remote
from tests.support.builders import query, segment_yaml
from tests.support.clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segctl.declarations.collection import Declarations
    from segctl.model import Plan
    from tests.support.project import Project

VIP, CZECH = query("total_spend > 500"), query("preferred_language = 'cs'")
BLOCK = "SELECT contact_id, updated_at\nFROM contact_data\nWHERE country = 'CZ'\n"
LIST = "0b1f4a10-5c1d-4a6e-9f02-000000000001"

SCENARIOS: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "nothing": ({}, {}),
    "create one": ({"VIP": VIP}, {}),
    "create among others": ({"VIP": VIP}, {"By hand": CZECH}),
    "patch": ({"VIP": VIP}, {"VIP": CZECH}),
    "patch by a quote": ({"VIP": BLOCK}, {"VIP": BLOCK.replace("'CZ'", "'cz'")}),
    "keep a block that ends with a line break": ({"VIP": BLOCK}, {"VIP": BLOCK}),
    "all at once": (
        {"New": VIP, "Changed": VIP, "Same": VIP},
        {"Changed": CZECH, "Same": VIP, "By hand": CZECH},
    ),
    "names that try": (
        {"a/b": VIP, "100 % „quoted“": VIP, "-v": VIP, "日本の顧客": VIP, "x" * 100: VIP},
        {"A/B 2": VIP},
    ),
    "case": ({"vip": VIP}, {"Vip": CZECH}),
}


@pytest.mark.parametrize(("declared", "existing"), SCENARIOS.values(), ids=SCENARIOS)
def test_every_scenario_applies_once_and_changes_nothing_again(
    connected: Project, remote: Remote, declared: Mapping[str, str], existing: Mapping[str, str]
) -> None:
    remote.emulator.console.add_list("A list", id=LIST)
    for name, text in existing.items():
        remote.emulator.console.create(name, text)
    for number, (name, text) in enumerate(declared.items()):
        connected.write({f"segments/{number}.yaml": segment_yaml(name, text)})
    ids = {segment.name: segment.id for segment in remote.emulator.console.segments()}

    assert connected.run("apply", "--auto-approve").code == 0
    assert {name: text for name, (text, _) in remote.definitions().items()} == {
        **existing,
        **declared,
    }
    again = connected.run("apply", "--auto-approve")
    assert again.code == 0
    assert "No changes." in again.out
    assert connected.run("plan", "--detailed-exitcode").code == 0

    after = {segment.name: segment.id for segment in remote.emulator.console.segments()}
    assert {name: after[name] for name in ids} == ids, "an id changed"
    writes = [entry for entry in remote.emulator.log if entry.method != "GET"]
    assert len(writes) == len([name for name in declared if existing.get(name) != declared[name]])


def test_another_layout_is_a_change_only_with_strict_text(
    connected: Project, remote: Remote
) -> None:
    remote.emulator.console.create("VIP", BLOCK)
    connected.declare(
        "VIP", "select contact_id, updated_at from contact_data where (country='CZ');"
    )
    assert connected.run("plan", "--detailed-exitcode").code == 0
    assert "(written differently on the account)" in connected.run("plan", "-v").out
    assert connected.run("plan", "--strict-text", "--detailed-exitcode").code == 2
    assert connected.run("apply", "--auto-approve").code == 0
    assert remote.definitions()["VIP"] == (BLOCK, ())
    assert connected.run("apply", "--auto-approve", "--strict-text").code == 0
    assert remote.definitions()["VIP"][0].startswith("select")
    assert connected.run("plan", "--strict-text", "--detailed-exitcode").code == 0


def test_a_parent_list_is_created_with_the_segment(connected: Project, remote: Remote) -> None:
    remote.emulator.console.add_list("A list", id=LIST)
    connected.declare("VIP", VIP, parent=LIST.upper())
    assert connected.run("apply", "--auto-approve").code == 0
    assert remote.definitions() == {"VIP": (VIP, (LIST,))}
    assert connected.run("plan", "--detailed-exitcode").code == 0


def test_the_segment_after_the_two_hundredth_is_refused(connected: Project, remote: Remote) -> None:
    for number in range(200):
        connected.declare(f"Segment {number:03}", VIP)
    assert connected.run("apply", "-q", "--auto-approve").code == 0
    assert len(remote.definitions()) == 200
    assert connected.run("plan", "--detailed-exitcode").code == 0
    connected.declare("One too many", VIP)
    refused = connected.run("apply", "--auto-approve")
    assert refused.code == 3
    assert "the account would hold 201 segments, more than the limit of 200" in refused.out


# The property

NAMES = st.sampled_from(["VIP", "vip", "Churn risk", "é", "a: b", "'q'", "- x", "#", "y"])
TEXTS = st.sampled_from([VIP, CZECH, BLOCK, BLOCK.strip(), f"  {VIP}", VIP.replace(" ", "\n")])
PARENTS = st.sampled_from([None, LIST])
STATES = st.dictionaries(NAMES, st.tuples(TEXTS, PARENTS), max_size=6)
FILES = STATES.filter(lambda state: len({name.casefold() for name in state}) == len(state))


def declarations(wanted: Mapping[str, tuple[str, str | None]]) -> Declarations:
    files = {
        f"segments/{number}.yaml": segment_yaml(name, text, parent=parent).encode()
        for number, (name, (text, parent)) in enumerate(wanted.items())
    }
    declared = read_declarations(files, {}, "segments")
    assert not declared.has_errors, declared.diagnostics
    return declared


def plan_for(declared: Declarations, account: Writer) -> Plan:
    snapshot = take_snapshot(
        account, lambda listed: definitions_to_read(declared.declared, listed, PlanInputs())
    )
    plan = make_plan(TargetRef("test", "test"), declared.declared, snapshot)
    return apply_safety_rules(plan, Limits(), len(snapshot.remotes), References())


@settings(max_examples=150)
@given(FILES, STATES, st.sets(st.sampled_from(["Old", "v1"])))
def test_apply_then_plan_is_empty(
    wanted: Mapping[str, tuple[str, str | None]],
    existing: Mapping[str, tuple[str, str | None]],
    v1: set[str],
) -> None:
    quick = dataclasses.replace(TEST_SETTINGS, update_lock=0)
    with Emulator(None, quick, now=FakeClock()) as emulator:
        emulator.console.add_list("A list", id=LIST)
        for name, kind in seed.CUSTOM_FIELDS.items():
            emulator.console.add_field(name, kind)
        for name, (text, parent) in existing.items():
            emulator.console.create(name, text, parent_list_ids=[parent] if parent else [])
        for name in v1:
            emulator.console.seed_v1(name, "email LIKE '%x'")

        def mount(
            method: str, target: str, headers: Mapping[str, str], body: bytes
        ) -> tuple[int, Mapping[str, str], bytes]:
            reply = emulator.handle(method, target, headers, body)
            return reply.status, dict(reply.headers), reply.body

        with Transport("https://x.invalid", Secret("key"), FakeClock(), mount=mount) as transport:
            account = Writer(transport)
            declared = declarations(wanted)
            plan = plan_for(declared, account)
            before = {item.id: item for item in emulator.console.segments()}
            if plan.refusals:
                assert any(isinstance(change, Replace) for change in plan.changes)
                return
            events = list(perform(plan, account, lambda: False, FakeClock()))
            outcomes = [event for event in events if isinstance(event, Outcome)]
            assert [item.change for item in sort_outcomes(plan.changes, outcomes)] == list(
                plan.changes
            )
            assert all(outcome.status is Status.DONE for outcome in outcomes)
            assert plan_for(declared, account).changes == ()

        after = {item.id: item for item in emulator.console.segments()}
        assert set(before) <= set(after), "a segment was lost"
        assert len({item.name for item in after.values()}) == len(after), "a segment was doubled"
        for item in before.values():
            if item.name not in wanted:
                assert after[item.id] == item, "an unmanaged segment was touched"
