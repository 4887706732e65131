"""Upgrade of an account with thirty v1 segments, near its limit, with every kind of failure.

In the large scenario, every run is killed after its next write; Single Sends use some segments, and
some segments have no file. In the small scenario, every kind of fault hits every request. At every
moment, each name has a v1 or a V2 segment, the account is within its limit, and nothing else is
changed. At the end, the account is as declared and the next plan is empty.
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
    """v1 segments by name, and the checks that must hold at every moment.

    Single Sends use the `referenced` segments until someone repoints them; `left` have no file;
    `renamed` have another name in the files; the account has room for `spare` more segments.
    `is_crowded`: two applies run at once, and both may create a new segment for a moment.
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
        files = {"segctl.yaml": f"version: 1\nlimits: {{max_segments: {self.cap}}}\n"}
        for number, name in enumerate(self.declared):
            text = segment_yaml(
                self.renamed.get(name, name),
                self.query(name),
                parent=LIST if number % 5 == 1 else None,
                extra=f"upgrade_from: {{v1_id: {_id(name, self.names)}}}\n",
            )
            files[f"segments/{number:02}.yaml"] = text
        return files

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
        self.untouched = {record.id: record for record in world.segments() if record.id not in free}

    def _has_list(self, name: str) -> bool:
        return name in self.declared and self.declared.index(name) % 5 == 1

    def watch(self, world: World) -> str:
        """Return what is wrong now, or an empty string; set the counts of new segments."""
        now = {record.id: record for record in world.segments()}
        if len(now) > self.cap:
            return f"the account holds {len(now)} segments"
        for segment_id, record in self.untouched.items():
            if now.get(segment_id) != record:
                return f"{record.name} was touched: {now.get(segment_id)}"
        violations = (self._watch(world, name, now) for name in self.declared)
        return next(filter(None, violations), "")

    def _watch(self, world: World, name: str, now: dict[str, Record]) -> str:
        new = [
            record for record in now.values() if self._is_new(record, self.renamed.get(name, name))
        ]
        if len(new) > 1 and not self.is_crowded:
            return f"{name} is there twice: {[record.name for record in new]}"
        for record in new:
            if record.contacts_count == 0:
                world.emulator.console.edit(record.id, contacts_count=self.count(name))
        if self.ids[name] in now:
            return ""
        if not new:
            return f"{name} is lost"
        is_sent_to = name in self.referenced and name not in self.freed
        return f"{name} is gone, and is sent to" if is_sent_to else ""

    def _is_new(self, record: Record, name: str) -> bool:
        return (
            record.version == V2
            and record.id not in self.untouched
            and record.name.partition(" ~segctl-v2-")[0] == name
        )

    def free(self, world: World) -> None:
        """Repoint the Single Sends to the new segments that exist, as the report asks."""
        for name, send in self.sends.items():
            final_name = self.renamed.get(name, name)
            for new in [
                record.id for record in world.segments() if self._is_new(record, final_name)
            ]:
                world.emulator.console.edit_single_send(send, segment_ids=[new])
                self.freed.add(name)

    def end(self, world: World) -> str:
        """Return how the account differs from what is declared, or an empty string."""
        now = [record for record in world.segments() if record.id not in self.untouched]
        expected = sorted(
            (self.renamed.get(name, name), self.query(name), V2) for name in self.declared
        )
        actual = sorted((record.name, record.query, record.version) for record in now)
        return "" if actual == expected else f"the account holds {actual}, declared is {expected}"


def _id(name: str, names: list[str]) -> str:
    return f"aaaaaaaa-0000-4000-8000-{names.index(name):012}"


def apply(world: World, root: Path, run: Run, *argv: str) -> Run:
    return world.run(root, "apply", "--auto-approve", *argv, run=run)


def check_requests(world: World) -> None:
    """Check that no request deleted contacts or changed a v1 segment."""
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
    check_requests(world)
    headers = {"Authorization": f"Bearer {KEY}", "Accept": "application/json"}
    lists = json.loads(world.emulator.handle("GET", "/v3/marketing/lists", headers).body)
    assert [contact_list["contact_count"] for contact_list in lists["result"]] == [12_345]


def test_thirty_upgrades_survive_a_kill_after_every_write(
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
        # Only referenced segments are left. There is room for the new segment of one of them;
        # the report says what to do.
        assert (run.code, run.writes) == (4, [])
        assert run.report is not None
        assert sorted(outcome.change.name for outcome in run.report.outcomes) == [
            "New 03",
            "Old 04",
            "Old 05",
        ]
        assert {outcome.status for outcome in run.report.outcomes} == {"waiting"}
        (written,) = [outcome for outcome in run.report.outcomes if outcome.is_written]
        assert "`To Old 03` (draft) still targets the v1 segment" in written.message
        assert written.id is not None
        assert written.id in written.hint
        finish(world, account, tmp_path)
        assert deaths >= 3 * (len(account.declared) - 3) - 2
        left = [outcome for outcome in world.segments() if outcome.version == V1]
        assert sorted(outcome.name for outcome in left) == sorted(account.left)
    record_property("count: runs killed on the way out of v1", deaths)


FAULTS = ("drop", "wrong-json", "killed")
AFTER = ("500 after x5", "killed after")


@pytest.mark.parametrize("fault", [*FAULTS, *AFTER])
def test_upgrades_survive_a_fault_at_every_request(
    fault: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    number, struck = 1, True
    while struck:
        struck = _strike(fault, number, tmp_path)
        number += 1
    assert number > (8 if "after" in fault else 20)
    record_property("count: faults on the way out of v1", number - 1)


def _strike(fault: str, number: int, root: Path) -> bool:
    """Let a fault hit one request of the first apply; return whether there was such a request."""
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
        # Soon only the referenced segment is left, and what has no room because of it.
        for _ in range(2):
            world.clock.forward(301)
            again = apply(world, root, Run())
            assert not world.violations, (number, world.violations, again.requests)
        is_cramped = again.code == 3 and "over-the-cap" in again.out
        assert again.code == 4 or is_cramped, f"{number}\n{again.out}\n{run.requests}"
        finish(world, account, root)
    return struck


def test_without_room_nothing_is_written(tmp_path: Path) -> None:
    account = Account(["A", "B"], spare=0)
    write(tmp_path, account.files())
    world = World(account.settings(), account.watch)
    account.populate(world)
    with wired(world):
        run = apply(world, tmp_path, Run())
        assert (run.code, run.writes) == (3, [])
        assert "over-the-cap" in run.out
        assert "while a v1 segment and its upgraded form both exist" in run.out


def test_with_room_upgrades_run_concurrently(tmp_path: Path) -> None:
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
            # All wait for their locks together: one after another would take longer.
            assert world.clock.moment < 300 + len(names) * 40
            finish(world, account, tmp_path)


@pytest.mark.parametrize(
    ("argv", "status", "words"),
    [
        ((), "waiting", "no room for the new segment while the old one exists"),
        (("--fail-fast",), "not_attempted", "(--fail-fast); nothing was sent"),
    ],
)
def test_an_unfinished_upgrade_leaves_no_room(
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
