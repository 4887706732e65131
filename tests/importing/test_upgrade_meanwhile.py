"""Upgrades take hours, and the account changes in the meantime."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, cast

import pytest

from segctl.account.references import UsageChecker
from segctl.applying.validation import Verdict
from segctl.model import Remote
from segctl.model.report import Status
from segctl.model.single_sends import SingleSend
from tests.faults.harness import Run, World, wired, write
from tests.support.builders import query, segment_yaml

from .test_upgrade_interference import new_segment, outcome, place
from .test_upgrade_whole_account import LIST, Account, apply, finish

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from segctl.sendgrid.api import Reader

__all__ = ["place"]


def test_a_single_send_added_while_counting_keeps_the_v1_segment(
    place: tuple[World, Account, Path],
) -> None:
    world, account, root = place
    console = world.emulator.console
    sends: list[str] = []

    def add(world: World) -> str:
        if world.segments()[-1].version == 2 and not sends:
            sends.append(console.add_single_send("Spring", segment_ids=[account.ids["A"]]))
        return account.watch(world)

    world.watch = add
    run = apply(world, root, Run())
    assert outcome(run).status is Status.WAITING, run.out
    assert "`Spring` (draft) still targets the v1 segment" in outcome(run).message
    assert account.ids["A"] in {record.id for record in world.segments()}
    world.watch = account.watch
    console.edit_single_send(sends[0], segment_ids=[new_segment(world, account).id])
    finish(world, account, root)


def test_a_new_segment_used_by_a_single_send_is_not_replaced(
    place: tuple[World, Account, Path],
) -> None:
    world, account, root = place
    console = world.emulator.console
    console.add_single_send("Spring", segment_ids=[account.ids["A"]])
    assert outcome(apply(world, root, Run())).status is Status.WAITING
    new = new_segment(world, account)
    console.add_single_send("Summer", segment_ids=[new.id])
    extra = f"upgrade_from: {{v1_id: {account.ids['A']}}}\n"
    other = segment_yaml("A", account.query("A"), parent=LIST, extra=extra)
    write(root, {"segments/00.yaml": other})
    run = apply(world, root, Run())
    assert (outcome(run).status, run.writes) == (Status.CONFLICT, [])
    assert "`Summer` (draft) targets the new segment" in outcome(run).message
    assert new_segment(world, account) == new
    ignored = apply(world, root, Run(), "--ignore-references", "A")
    assert ignored.code == 0, ignored.out
    assert [record.version for record in world.segments() if record.name == "A"] == [2]


def test_a_segment_created_by_hand_is_patched_before_it_replaces_the_v1_segment(
    tmp_path: Path,
) -> None:
    account = Account(["A"], renamed={"A": "B"})
    write(tmp_path, account.files())
    world = World(account.settings())
    account.populate(world)
    new = world.emulator.console.create("B", query("city = 'By hand'"), at=0)
    with wired(world):
        shown = world.run(tmp_path, "plan", run=Run()).out
        assert "warning[upgrade-later]" in shown
        assert "1 to patch" in shown
        assert "By hand" in shown
        run = apply(world, tmp_path, Run())
        assert run.code == 4
        assert "does not match the files yet" in run.err
        assert {record.id for record in world.segments()} >= {new, account.ids["A"]}
        world.emulator.console.edit(new, contacts_count=account.count("A"))
        world.clock.forward(400)
        finish(world, account, tmp_path)
        assert new in {record.id for record in world.segments()}


@pytest.mark.parametrize("say", ["name: A\nremoved: true\n", ""])
def test_a_v1_segment_missing_from_the_v2_list_is_deleted(say: str, tmp_path: Path) -> None:
    account = Account(["A"])
    write(tmp_path, {"segctl.yaml": "version: 1\nownership: exclusive\n"})
    write(tmp_path, {"segments/b.yaml": segment_yaml("By hand", query("city = 'Brno'"))})
    if say:
        write(tmp_path, {"segctl.yaml": "version: 1\n", "segments/a.yaml": say})
    world = World(dataclasses.replace(account.settings(), v1_in_v2_list=False))
    account.populate(world)
    with wired(world):
        for view in ("markdown", "html"):
            shown = world.run(tmp_path, "plan", "--format", view, run=Run()).out
            assert "a v1 segment" in shown
            assert "cannot read" not in shown
        run = apply(world, tmp_path, Run())
        assert run.code == 0, run.out + run.err
        assert account.ids["A"] not in {record.id for record in world.segments()}


def test_a_name_that_is_not_free_yet_is_not_reported_as_taken(
    place: tuple[World, Account, Path],
) -> None:
    """A name that is not free at once was not necessarily taken by someone."""
    world, account, root = place
    world.emulator.faults.add("PATCH * 400")
    run = apply(world, root, Run())
    assert "the new one is still named `A ~segctl-v2-" in outcome(run).message
    assert "took the name" not in outcome(run).message
    assert run.code == 4
    finish(world, account, root)


def test_a_count_from_before_the_query_changed_does_not_count() -> None:
    def uncounted(count: int | None, sampled: str | None, updated: str | None) -> bool:
        return Verdict(
            Remote("x", "A", contacts_count=count, sample_updated_at=sampled, updated_at=updated)
        ).is_uncounted

    early, late = "2026-07-15T16:04:33Z", "2026-07-15T16:04:40Z"
    assert uncounted(7, early, late)
    assert uncounted(0, None, late)
    assert not uncounted(7, late, early)
    assert not uncounted(0, late, late)
    # A field that the server leaves out proves nothing against a count.
    assert not uncounted(7, None, late)
    assert not uncounted(0, late, None)


def test_a_saved_plan_is_not_stale_after_a_single_send_was_repointed(tmp_path: Path) -> None:
    account = Account(["A", "B"], spare=2)
    write(tmp_path, account.files())
    world = World(account.settings(), account.watch)
    account.populate(world)
    console = world.emulator.console
    send = console.add_single_send("Spring", segment_ids=[account.ids["A"]])
    file = str(tmp_path / "plan.json")
    with wired(world):
        assert world.run(tmp_path, "plan", "--out", file, run=Run()).code == 0
        console.edit_single_send(send, segment_ids=[])
        run = world.run(tmp_path, "apply", file, "--auto-approve", run=Run())
        assert run.code == 0, run.out + run.err
        finish(world, account, tmp_path)


def test_usage_must_be_known_before_the_delete(
    place: tuple[World, Account, Path],
) -> None:
    world, account, root = place
    world.emulator.faults.add("GET /v3/marketing/singlesends 403 #2")
    run = apply(world, root, Run())
    assert (run.code, outcome(run).status) == (4, Status.FAILED)
    assert "the Single Sends that target the v1 one could not be read" in outcome(run).message
    assert account.ids["A"] in {record.id for record in world.segments()}
    finish(world, account, root)


class Sends:
    """A reader of Single Sends that records which of them were read."""

    def __init__(self, server_time: datetime, **sends: tuple[str | None, str]) -> None:
        self.server_time = server_time
        self.sends = sends
        self.read: list[str] = []

    def list_single_sends(self) -> tuple[SingleSend, ...]:
        return tuple(
            SingleSend(key, key, "draft", (), edited) for key, (edited, _) in self.sends.items()
        )

    def get_single_send(self, key: str) -> SingleSend:
        self.read.append(key)
        edited, segment = self.sends[key]
        return SingleSend(key, key, "draft", (segment,), edited)


def test_only_single_sends_edited_since_are_read_again(place: tuple[World, Account, Path]) -> None:
    world, *_ = place
    long_ago, just_now = "2026-07-01T00:00:00Z", world.clock.now().isoformat()
    now = world.clock.now()
    sends = Sends(now, a=(long_ago, "x"), b=(long_ago, "x"), new=(just_now, "x"), odd=(None, "x"))
    usage_checker = UsageChecker(cast("Reader", sends), world.clock)
    assert [send.id for send in usage_checker.references().single_sends_using("x")] == [
        "a",
        "b",
        "new",
        "odd",
    ]
    sends.read.clear()
    del sends.sends["a"]
    sends.sends["b"] = (just_now, "y")
    assert [send.id for send in usage_checker.references().single_sends_using("x")] == [
        "new",
        "odd",
    ]
    assert sorted(sends.read) == ["b", "new", "odd"]
    sends.read.clear()
    sends.sends = {"c": (long_ago, "x")}
    assert usage_checker.references().single_sends_using(
        "x"
    ) == usage_checker.references().single_sends_using("x")
    assert sends.read == ["c"]
