"""Upgrades while someone else works in the account: nothing of theirs is lost."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING

import pytest

from segctl.errors import Span
from segctl.model import Declared, Remote, Segment, Snapshot, TargetRef
from segctl.model.report import Outcome, Status
from segctl.planning.planner import make_plan
from tests.faults.harness import Run, World, crossed, wired, write
from tests.support.builders import query, segment_yaml

from .test_upgrade_whole_account import Account, apply, finish

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from segctl.emulator import Record


@pytest.fixture
def place(tmp_path: Path) -> Iterator[tuple[World, Account, Path]]:
    """An account with one v1 segment, and a file that upgrades it."""
    account = Account(["A"])
    write(tmp_path, account.files())
    world = World(account.settings(), account.watch)
    account.populate(world)
    with wired(world):
        yield world, account, tmp_path


def count_plan_requests(world: World, root: Path) -> int:
    """Return how many requests a plan takes."""
    return len(world.run(root, "plan", run=Run()).requests)


def new_segment(world: World, account: Account) -> Record:
    (record,) = [candidate for candidate in world.segments() if account._is_new(candidate, "A")]
    return record


def outcome(run: Run) -> Outcome:
    assert run.report is not None
    (only_outcome,) = run.report.outcomes
    return only_outcome


def test_a_v1_segment_that_was_deleted_by_hand_is_a_conflict(
    place: tuple[World, Account, Path],
) -> None:
    world, account, root = place
    world.watch = lambda _: ""
    at = count_plan_requests(world, root) + 1
    run = apply(
        world, root, Run(before={at: lambda: world.emulator.console.delete(account.ids["A"])})
    )
    assert (outcome(run).status, run.writes) == (Status.CONFLICT, [])
    finish(world, account, root)


def test_a_new_segment_that_is_deleted_by_hand_while_counting_is_a_conflict(
    place: tuple[World, Account, Path],
) -> None:
    world, account, root = place

    def remove(world: World) -> str:
        world.watch = account.watch
        world.emulator.console.delete(new_segment(world, account).id)
        return account.watch(world)

    world.watch = remove
    run = apply(world, root, Run())
    assert outcome(run).status is Status.CONFLICT
    assert "the v1 segment stays" in outcome(run).message
    finish(world, account, root)


def test_a_new_segment_that_is_edited_by_hand_is_a_conflict(
    place: tuple[World, Account, Path],
) -> None:
    world, account, root = place
    send = world.emulator.console.add_single_send("Spring", segment_ids=[account.ids["A"]])
    assert outcome(apply(world, root, Run())).status is Status.WAITING
    at = count_plan_requests(world, root) + 2
    by_hand = query("city = 'By hand'")
    new = new_segment(world, account)
    run = apply(
        world, root, Run(before={at: lambda: world.emulator.console.edit(new.id, query=by_hand)})
    )
    assert (outcome(run).status, run.writes) == (Status.CONFLICT, [])
    assert new_segment(world, account).query == by_hand
    world.emulator.console.edit_single_send(send, segment_ids=[new.id])
    finish(world, account, root)


@pytest.mark.parametrize("argv", [(), ("--on-invalid", "rollback")])
def test_a_refused_delete_leaves_both_segments(
    place: tuple[World, Account, Path], argv: tuple[str, ...]
) -> None:
    world, account, root = place
    lint = "lint: {rules: {unknown-column: off}}\n"
    if argv:
        broken = segment_yaml(
            "A", query("nonsense = 1"), extra=f"upgrade_from: {{v1_id: {account.ids['A']}}}\n"
        )
        write(root, {"segments/00.yaml": broken, "segctl.yaml": f"version: 1\n{lint}"})
    world.emulator.faults.add("DELETE * 403 always")
    run = apply(world, root, Run(), *argv)
    assert (run.code, outcome(run).status) == (4, Status.FAILED)
    assert re.search("deleting (it|the v1 one) failed", outcome(run).message)
    assert len(world.segments()) == 4
    world.emulator.faults.clear()
    write(root, account.files())
    world.clock.forward(301)
    finish(world, account, root)


ID = "0f3ba1c2-5d6e-4f70-8a9b-1c2d3e4f5a6b"


def plan(*remotes: Remote, parents: tuple[str, ...] = ()) -> list[str]:
    """Plan an upgrade; return the actions, then the codes of the errors."""
    span = Span("segments/a.yaml", 1, 1)
    declared = Declared(Segment("A", query("a = 1"), parents), span, span, upgrade_from=ID)
    result = make_plan(TargetRef("production", "api"), [declared], Snapshot(remotes))
    return [type(change).__name__ for change in result.changes] + [
        diagnostic.code for diagnostic in result.errors
    ]


def test_the_plan_depends_on_what_the_account_has() -> None:
    old = Remote(ID, "A", query="a = 1", query_version=None)
    assert plan(old) == ["Upgrade"]
    # Nothing could be checked before it is deleted.
    assert plan(Remote(ID, "A", query_version=None)) == ["query-missing"]
    # A segment that has the name already is replaced first, if that is allowed.
    assert plan(
        Remote(ID, "B", query="a = 1", query_version=None),
        Remote("x", "A", query=query("a = 1")),
        parents=("list",),
    ) == ["Replace"]
    # Another v1 segment has the name.
    assert plan(
        Remote(ID, "B", query="a = 1", query_version=None),
        Remote("x", "A", query="a = 1", query_version=None),
    ) == ["name-held-by-v1"]


@pytest.mark.parametrize("argv", [("--count-timeout", "0"), ()])
def test_an_upgrade_waits_for_missing_counts(
    place: tuple[World, Account, Path], argv: tuple[str, ...]
) -> None:
    world, account, root = place
    world.watch = lambda _: ""
    handle: Callable[..., object] = world.emulator.handle

    def without_counts(*request: object) -> object:
        reply = handle(*request)
        body = reply.body.replace(b'"contacts_count":100', b'"contacts_count":null')  # type: ignore[attr-defined]
        return type(reply)(reply.status, reply.headers, body)  # type: ignore[attr-defined,call-arg]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world.emulator, "handle", without_counts)
        run = apply(world, root, Run(), *argv)
    assert outcome(run).status is Status.WAITING
    words = "has not counted the new segment" if argv else "returned no count of the v1 segment"
    assert words in outcome(run).message
    world.watch = account.watch
    world.look()
    finish(world, account, root)


def test_two_concurrent_applies_keep_every_segment(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    number, cases = 12, 0
    for first in range(1, number):
        for second in range(1 + first % 3, number + 2, 3):
            account = Account(["A"], spare=2, is_crowded=True)
            write(tmp_path, account.files())
            world = World(account.settings(), account.watch)
            account.populate(world)
            with wired(world):
                runs = crossed(partial(apply, world, tmp_path), first, second)
                details = [(run.requests, run.out) for run in runs]
                assert not world.violations, (first, second, world.violations, details)
                for run in runs:
                    assert run.report is None or not run.report.counts[Status.UNKNOWN], details
                world.clock.forward(301)
                finish(world, account, tmp_path)
            cases += 1
    record_property("count: two applies crossed on the way out of v1", cases)
