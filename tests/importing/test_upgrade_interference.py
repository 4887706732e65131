"""Somebody else is at work in the account meanwhile: nothing of theirs is lost."""

from __future__ import annotations

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
    """An account with one v1 segment, and a file that takes its place."""
    account = Account(["A"])
    write(tmp_path, account.files())
    world = World(account.settings(), account.watch)
    account.populate(world)
    with wired(world):
        yield world, account, tmp_path


def planned(world: World, root: Path) -> int:
    """Say how many requests a plan takes."""
    return len(world.run(root, "plan", run=Run()).requests)


def twin(world: World, account: Account) -> Record:
    (found,) = [one for one in world.segments() if account._is_new(one, "A")]
    return found


def outcome(run: Run) -> Outcome:
    assert run.report is not None
    (found,) = run.report.outcomes
    return found


def test_the_v1_segment_is_deleted_by_hand_before_it_is_begun(
    place: tuple[World, Account, Path],
) -> None:
    world, account, root = place
    world.watch = lambda _: ""
    at = planned(world, root) + 1
    run = apply(
        world, root, Run(before={at: lambda: world.emulator.console.delete(account.ids["A"])})
    )
    assert (outcome(run).status, run.writes) == (Status.CONFLICT, [])
    finish(world, account, root)


def test_the_new_segment_is_deleted_by_hand_while_it_is_counted(
    place: tuple[World, Account, Path],
) -> None:
    world, account, root = place

    def remove(world: World) -> str:
        world.watch = account.watch
        world.emulator.console.delete(twin(world, account).id)
        return account.watch(world)

    world.watch = remove
    run = apply(world, root, Run())
    assert outcome(run).status is Status.CONFLICT
    assert "the v1 one stays" in outcome(run).message
    finish(world, account, root)


def test_the_new_segment_is_edited_by_hand(place: tuple[World, Account, Path]) -> None:
    world, account, root = place
    send = world.emulator.console.add_single_send("Spring", segment_ids=[account.ids["A"]])
    assert outcome(apply(world, root, Run())).status is Status.WAITING
    at = planned(world, root) + 2
    by_hand = query("city = 'By hand'")
    new = twin(world, account)
    run = apply(
        world, root, Run(before={at: lambda: world.emulator.console.edit(new.id, query=by_hand)})
    )
    assert (outcome(run).status, run.writes) == (Status.CONFLICT, [])
    assert twin(world, account).query == by_hand
    world.emulator.console.edit_single_send(send, segment_ids=[new.id])
    finish(world, account, root)


@pytest.mark.parametrize("argv", [(), ("--on-invalid", "rollback")])
def test_a_delete_that_is_refused_leaves_both(
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
    assert "was to be deleted" in outcome(run).message
    assert len(world.segments()) == 4
    world.emulator.faults.clear()
    write(root, account.files())
    world.clock.forward(301)
    finish(world, account, root)


ID = "0f3ba1c2-5d6e-4f70-8a9b-1c2d3e4f5a6b"


def plan(*remotes: Remote, parents: tuple[str, ...] = ()) -> list[str]:
    """Plan for a segment that is upgraded from v1; give the actions, then the errors."""
    span = Span("segments/a.yaml", 1, 1)
    declared = Declared(Segment("A", query("a = 1"), parents), span, span, upgrade_from=ID)
    made = make_plan(TargetRef("production", "api"), [declared], Snapshot(remotes))
    return [type(one).__name__ for one in made.changes] + [one.code for one in made.errors]


def test_what_follows_from_what_the_account_has() -> None:
    old = Remote(ID, "A", query="a = 1", query_version=None)
    assert plan(old) == ["Upgrade"]
    # Nothing could be checked before it is deleted.
    assert plan(Remote(ID, "A", query_version=None)) == ["query-missing"]
    # What has its name already is replaced first, if that is allowed.
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
def test_what_nobody_counts_waits(
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
    words = "has not counted the new segment" if argv else "shows no count of the v1 segment"
    assert words in outcome(run).message
    world.watch = account.watch
    world.look()
    finish(world, account, root)


def test_two_applies_at_once(
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
                told = [(run.requests, run.out) for run in runs]
                assert not world.violations, (first, second, world.violations, told)
                for run in runs:
                    assert run.report is None or not run.report.counts[Status.UNKNOWN], told
                world.clock.forward(301)
                finish(world, account, tmp_path)
            cases += 1
    record_property("count: two applies crossed on the way out of v1", cases)
