"""An account of thirty v1 segments comes out of v1, near its cap, and whatever breaks on the way.

Two journeys. The large one takes the whole account over while every run is killed after its next
write: some segments are sent to and some have no file. The small one meets every kind of fault at
every request. All the while each name has a v1 segment or a V2 one, the account stays below its
cap, and nothing else is touched; at the end the account is as declared and the next plan is empty.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from segctl.emulator import Settings
from segctl.emulator.records import V1, V2
from tests.faults.harness import Run, World, wired, write
from tests.support.account import KEY
from tests.support.builders import query, segment_yaml

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from segctl.emulator import Record

A_DAY = 86_400.0
LIST = "0b1f4a10-5c1d-4a6e-9f02-00000000aaaa"
MOST_RUNS = 8


@dataclass
class Account:
    """Old segments by name, and what may never happen to them.

    `referenced` are sent to until somebody repoints what sends; `left` have no file; `renamed` have
    another name in the files; the account has room for `spare` segments more. `is_crowded`: two
    applies are at work, and both may make a new segment for a moment.
    """

    names: list[str]
    referenced: frozenset[str] = frozenset()
    left: frozenset[str] = frozenset()
    renamed: dict[str, str] = field(default_factory=dict)
    spare: int = 1
    ids: dict[str, str] = field(default_factory=dict)
    untouched: dict[str, Record] = field(default_factory=dict)
    sends: dict[str, str] = field(default_factory=dict)
    freed: set[str] = field(default_factory=set)
    is_crowded: bool = False

    @property
    def declared(self) -> list[str]:
        return [name for name in self.names if name not in self.left]

    def query(self, name: str) -> str:
        return query(f"city = '{name}'")

    def count(self, name: str) -> int:
        return 100 + self.names.index(name)

    def files(self) -> dict[str, str]:
        """One file for each segment that could be translated."""
        found = {"segctl.yaml": f"version: 1\nlimits: {{max_segments: {self.cap}}}\n"}
        for number, name in enumerate(self.declared):
            text = segment_yaml(
                self.renamed.get(name, name),
                self.query(name),
                parent=LIST if number % 5 == 1 else None,
                extra=f"upgrade_from: {{v1_id: {_id(name, self.names)}}}\n",
            )
            found[f"segments/{number:02}.yaml"] = text
        return found

    @property
    def cap(self) -> int:
        return len(self.names) + 2 + self.spare

    def settings(self) -> Settings:
        return dataclasses.replace(Settings(), rate_limit=None, cap=self.cap)

    def populate(self, world: World) -> None:
        console = world.emulator.console
        at = world.clock.now().timestamp() - A_DAY
        console.add_list("Everybody", id=LIST, contact_count=12_345)
        console.create("By hand", query("city = 'Brno'"), at=at)
        console.create("Copy ~segctl-v2-12345678", query("city = 'Brno'"), at=at)
        for number, name in enumerate(self.names):
            self.ids[name] = console.seed_v1(
                name,
                f"city = '{name}'",
                parent_list_id=LIST if self._has_list(name) else None,
                contacts_count=self.count(name),
                id=_id(name, self.names),
                at=at + number,
            )
            if name in self.referenced:
                self.sends[name] = console.add_single_send(
                    f"To {name}", segment_ids=[self.ids[name]]
                )
        free = {self.ids[name] for name in self.declared}
        self.untouched = {one.id: one for one in world.segments() if one.id not in free}

    def _has_list(self, name: str) -> bool:
        return name in self.declared and self.declared.index(name) % 5 == 1

    def watch(self, world: World) -> str:
        """Say what does not hold that must hold at every moment; count what is new."""
        now = {one.id: one for one in world.segments()}
        if len(now) > self.cap:
            return f"the account holds {len(now)} segments"
        for segment_id, one in self.untouched.items():
            if now.get(segment_id) != one:
                return f"{one.name} was touched: {now.get(segment_id)}"
        found = (self._watch(world, name, now) for name in self.declared)
        return next(filter(None, found), "")

    def _watch(self, world: World, name: str, now: dict[str, Record]) -> str:
        new = [one for one in now.values() if self._is_new(one, self.renamed.get(name, name))]
        if len(new) > 1 and not self.is_crowded:
            return f"{name} is there twice: {[one.name for one in new]}"
        for one in new:
            if one.contacts_count == 0:
                world.emulator.console.edit(one.id, contacts_count=self.count(name))
        if self.ids[name] in now:
            return ""
        if not new:
            return f"{name} is lost"
        is_sent_to = name in self.referenced and name not in self.freed
        return f"{name} is gone, and is sent to" if is_sent_to else ""

    def _is_new(self, one: Record, wanted: str) -> bool:
        return (
            one.version == V2
            and one.id not in self.untouched
            and one.name.partition(" ~segctl-v2-")[0] == wanted
        )

    def free(self, world: World) -> None:
        """Repoint what is sent to a segment whose upgraded form is there, as the report asks."""
        for name, send in self.sends.items():
            wanted = self.renamed.get(name, name)
            for new in [one.id for one in world.segments() if self._is_new(one, wanted)]:
                world.emulator.console.edit_single_send(send, segment_ids=[new])
                self.freed.add(name)

    def end(self, world: World) -> str:
        """Say in what the account is not as declared."""
        now = [one for one in world.segments() if one.id not in self.untouched]
        want = sorted(
            (self.renamed.get(name, name), self.query(name), V2) for name in self.declared
        )
        found = sorted((one.name, one.query, one.version) for one in now)
        return "" if found == want else f"the account holds {found}, declared is {want}"


def _id(name: str, names: list[str]) -> str:
    return f"aaaaaaaa-0000-4000-8000-{names.index(name):012}"


def apply(world: World, root: Path, run: Run, *argv: str) -> Run:
    return world.run(root, "apply", "--auto-approve", *argv, run=run)


def wire(world: World) -> None:
    """No request of all that were ever sent asks to delete contacts, or patches a v1 segment."""
    for entry in world.emulator.log:
        assert "delete_contacts" not in entry.target
        path = entry.target.removeprefix("/v3/marketing/segments/")
        if entry.method in ("PATCH", "POST") and path != entry.target:
            assert path.startswith("2.0")


def finish(world: World, account: Account, root: Path) -> None:
    """Apply until there is nothing left to do."""
    for _ in range(MOST_RUNS):
        account.free(world)
        run = apply(world, root, Run())
        assert not world.violations, (world.violations, run.requests, run.err)
        if run.code == 0 and not run.writes:
            break
        world.clock.forward(301)
    assert not account.end(world), (account.end(world), run.out, run.err)
    plan = world.run(root, "plan", "--detailed-exitcode", run=Run())
    assert plan.code == 0, plan.out
    wire(world)
    headers = {"Authorization": f"Bearer {KEY}", "Accept": "application/json"}
    lists = json.loads(world.emulator.handle("GET", "/v3/marketing/lists", headers).body)
    assert [one["contact_count"] for one in lists["result"]] == [12_345]


def test_thirty_segments_and_no_run_that_lives_longer_than_one_write(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    names = [f"Old {number:02}" for number in range(30)]
    account = Account(
        names,
        referenced=frozenset(names[3:6]),
        left=frozenset(names[20:24]),
        renamed={names[8]: "New 08", names[3]: "New 03"},
    )
    write(tmp_path, account.files())
    world = World(account.settings(), account.watch, cache=f"{tmp_path}-cache")
    account.populate(world)
    deaths = 0
    with wired(world):
        while True:
            run = apply(world, tmp_path, Run(kill=1, kill_after=True), "--parallelism", "1")
            assert not world.violations, (world.violations, run.requests)
            if not run.dead:
                break
            deaths += 1
            world.clock.forward(120)
        # All is done but for what is sent to. One of those has its new segment, for which there
        # is room; the report says who has to do what.
        assert (run.code, run.writes) == (4, [])
        assert run.report is not None
        assert sorted(one.change.name for one in run.report.outcomes) == [
            "New 03",
            "Old 04",
            "Old 05",
        ]
        assert {one.status for one in run.report.outcomes} == {"waiting"}
        (stands,) = [one for one in run.report.outcomes if one.is_written]
        assert "`To Old 03` (draft) still targets the v1 segment" in stands.message
        assert stands.id is not None
        assert stands.id in stands.hint
        finish(world, account, tmp_path)
        assert deaths >= 3 * (len(account.declared) - 3) - 2
        left = [one for one in world.segments() if one.version == V1]
        assert sorted(one.name for one in left) == sorted(account.left)
    record_property("count: runs killed on the way out of v1", deaths)


FAULTS = ("drop", "wrong-json", "killed")
AFTER = ("500 after x5", "killed after")


@pytest.mark.parametrize("fault", [*FAULTS, *AFTER])
def test_a_fault_at_every_request(
    fault: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    number, struck = 1, True
    while struck:
        struck = _strike(fault, number, tmp_path)
        number += 1
    assert number > (8 if "after" in fault else 20)
    record_property("count: faults on the way out of v1", number - 1)


def _strike(fault: str, number: int, root: Path) -> bool:
    """Let one fault strike one request of a first apply; say whether there was such a request."""
    account = Account(
        ["A", "B", "C"], referenced=frozenset("B"), renamed={"C": "D"}, spare=number % 2 + 1
    )
    write(root, account.files())
    world = World(account.settings(), account.watch)
    account.populate(world)
    kind, _, options = fault.partition(" ")
    run = Run()
    if kind == "killed":
        run = Run(kill=number, kill_after=options == "after")
    else:
        methods = "!GET" if "after" in options else "*"
        world.emulator.faults.add(f"{methods} * {kind} {options} #{number}")
    with wired(world):
        apply(world, root, run)
        struck = run.dead or world.emulator.faults.struck > 0
        world.emulator.faults.clear()
        assert not world.violations, (number, world.violations, run.requests)
        # Whatever it was, only what is sent to is left soon, or what that leaves no room for.
        for _ in range(2):
            world.clock.forward(301)
            again = apply(world, root, Run())
            assert not world.violations, (number, world.violations, again.requests)
        is_cramped = again.code == 3 and "over-the-cap" in again.out
        assert again.code == 4 or is_cramped, f"{number}\n{again.out}\n{run.requests}"
        finish(world, account, root)
    return struck


def test_without_any_room_nothing_is_begun(tmp_path: Path) -> None:
    account = Account(["A", "B"], spare=0)
    write(tmp_path, account.files())
    world = World(account.settings(), account.watch)
    account.populate(world)
    with wired(world):
        run = apply(world, tmp_path, Run())
        assert (run.code, run.writes) == (3, [])
        assert "over-the-cap" in run.out
        assert "while a v1 segment and its upgraded form both exist" in run.out


def test_with_room_upgrades_stand_side_by_side(tmp_path: Path) -> None:
    names = [f"Old {number}" for number in range(6)]
    for spare in (1, 3):
        account = Account(names, spare=spare)
        write(tmp_path, account.files())
        world = World(account.settings(), account.watch)
        account.populate(world)
        most = 0

        def watch(world: World, account: Account = account) -> str:
            nonlocal most
            most = max(most, len(world.segments()))
            return account.watch(world)

        world.watch = watch
        with wired(world):
            run = apply(world, tmp_path, Run())
            assert run.code == 0, run.out + run.err
            assert most == account.cap
            # The locks of all are waited out together: one after another they would take longer.
            assert world.clock.moment < 300 + len(names) * 40
            finish(world, account, tmp_path)


@pytest.mark.parametrize(
    ("argv", "status", "words"),
    [
        ((), "waiting", "no room for its new segment beside it"),
        (("--fail-fast",), "not_attempted", "--fail-fast stops there"),
    ],
)
def test_what_stands_there_twice_leaves_no_room(
    tmp_path: Path, argv: tuple[str, ...], status: str, words: str
) -> None:
    account = Account(["A", "B"])
    broken = segment_yaml(
        "A", query("nonsense = 1"), extra=f"upgrade_from: {{v1_id: {_id('A', account.names)}}}\n"
    )
    settings = account.files()["segctl.yaml"] + "lint: {rules: {unknown-column: off}}\n"
    write(tmp_path, account.files() | {"segments/00.yaml": broken, "segctl.yaml": settings})
    world = World(account.settings(), account.watch)
    account.populate(world)
    with wired(world):
        run = apply(world, tmp_path, Run(), *argv)
        assert run.code == 4
        assert run.report is not None
        first, second = run.report.outcomes
        assert (first.status, second.status) == ("failed", status)
        assert words in second.message
        write(tmp_path, account.files())
        world.clock.forward(301)
        finish(world, account, tmp_path)
