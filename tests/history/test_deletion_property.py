"""Any history in a real repository, any hands on the account: what goes is what rule 2 allows.

Everything is real but the account, which is emulated in memory: git writes the history and is asked
for it, the planner decides, the applier deletes. Beside them stands `Truth`, which says rule 2 in
other words than the program does and never asks git: nothing may go that it forbids, and nothing
may stay that it gives up.
"""

from __future__ import annotations

import dataclasses
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segctl.account.snapshot import take_snapshot
from segctl.applying.applier import perform
from segctl.common.secrets import Secret
from segctl.declarations.collection import read_declarations
from segctl.emulator import Emulator
from segctl.emulator.seed import CUSTOM_FIELDS
from segctl.errors import Severity
from segctl.history.git import read_removal_history
from segctl.model import Create, Delete, Plan, Reason, TargetRef
from segctl.model.single_sends import References
from segctl.planning.ownership import Ownership, RemovalHistory
from segctl.planning.planner import PlanInputs, definitions_to_read, make_plan
from segctl.planning.safety import Limits, apply_safety_rules
from segctl.sendgrid.api import Writer
from segctl.sendgrid.transport import Transport
from tests.history.repository import Repository, new_repository
from tests.support.account import TEST_SETTINGS
from tests.support.builders import query, segment_yaml
from tests.support.clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segctl.emulator.console import Console
    from segctl.emulator.records import Record

LIST = "0b1f4a10-5c1d-4a6e-9f02-000000000001"
NAMES = ["A", "B", "C"]
TEXTS = [query("total_spend > 500"), query("preferred_language = 'cs'"), query("city = 'Brno'")]
NO_LIMITS = Limits(max_destroy=1000)


@dataclass(frozen=True)
class File:
    """One segment file. `removed` is what a tombstone says, empty where it declares a segment."""

    name: str
    text: str = TEXTS[0]
    parent: str | None = None
    protected: bool = False
    previous: tuple[str, ...] = ()
    removed: str = ""

    def yaml(self) -> str:
        if self.removed:
            return f"name: {self.name}\nremoved: {self.removed}\n"
        extra = "allow_replace: true\n" + ("protected: true\n" if self.protected else "")
        if self.previous:
            extra += f"previous_names: [{', '.join(self.previous)}]\n"
        return segment_yaml(self.name, self.text, parent=self.parent, extra=extra)


Files: TypeAlias = "dict[str, File]"


@dataclass
class Truth:
    """What the files said after each commit of the first-parent line, and when that was made."""

    states: list[tuple[float, Files]] = field(default_factory=list)

    def why_it_stays(self, name: str, created_at: float, ownership: Ownership) -> str:
        """Say why the segment of this name must not be deleted; nothing if it may be."""
        words = {one.removed for one in self.states[-1][1].values() if one.name == name}
        if words:
            return {"": "it is declared", "forget": "it is forgotten", "true": ""}[words.pop()]
        if ownership is Ownership.DECLARED:
            return "nothing goes by absence"
        told = [
            [one for one in files.values() if one.name == name and not one.removed]
            for _, files in self.states
        ]
        last = max((number for number, files in enumerate(told) if files), default=-1)
        ours = last >= 0 and created_at < self.states[last + 1][0]
        forgotten = any(
            one.name == name and one.removed == "forget"
            for _, files in self.states[last + 1 :]
            for one in files.values()
        )
        if ours and not forgotten and told[last][0].protected:
            return "it was protected"
        if ownership is Ownership.EXCLUSIVE or (ours and not forgotten):
            return ""
        return "it was forgotten" if forgotten else "it was never ours"


@dataclass
class World:
    """A repository and an account, some of whose changes nobody committed.

    `files` are those of the branch at work. `stream` is what git is still to write, `goes_on` says
    that a commit on main is among it.
    """

    emulator: Emulator
    watch: FakeClock
    account: Writer
    ownership: Ownership
    repository: Repository
    files: Files = field(default_factory=dict)
    truth: Truth = field(default_factory=Truth)
    stream: list[str] = field(default_factory=list)
    known: RemovalHistory | None = None
    branch: str = "main"
    branches: int = 0
    goes_on: bool = False

    @property
    def console(self) -> Console:
        return self.emulator.console

    @property
    def names(self) -> set[str]:
        return {one.name for one in self.files.values()}

    def commit(self, changes: Mapping[str, File | None], *lines: str) -> None:
        """Change files in one commit of the branch at work."""
        files = {**self.files, **changes}
        self.files = {path: file for path, file in files.items() if file is not None}
        moment = int(self.watch.moment.timestamp())
        self.stream += [f"commit refs/heads/{self.branch}"]
        self.stream += [f"committer A <a@example.invalid> {moment} +0000", "data 1", "x"]
        if self.branch == "main" and not self.goes_on:
            self.stream += ["from refs/heads/main^0"] * bool(self.truth.states)
            self.goes_on = True
        self.stream += lines
        for path, file in changes.items():
            if file is None:
                self.stream.append(f"D {path}")
            else:
                text = file.yaml()
                size = len(text.encode())
                self.stream += [f"M 100644 inline {path}", f"data {size}", text]
        if self.branch == "main":
            self.truth.states.append((moment, dict(self.files)))
        self.watch.forward(minutes=1)

    def merge(self, moves: list[Move]) -> None:
        """Do all that on a branch, and merge it."""
        before, self.branches = dict(self.files), self.branches + 1
        self.branch = f"work{self.branches}"
        self.commit({}, "from refs/heads/main")
        for move in moves:
            step(self, move)
        merged, self.files = self.files, before
        changes = {path: merged.get(path) for path in {*before, *merged}}
        name, self.branch = self.branch, "main"
        self.commit(
            {path: file for path, file in changes.items() if file != before.get(path)},
            f"merge refs/heads/{name}",
        )

    def removal_history(self, declared: set[str]) -> RemovalHistory:
        """Have git write what was committed since, and ask it."""
        if self.stream or self.known is None:
            data = "".join(f"{line}\n" for line in self.stream).encode()
            self.repository.git("fast-import", "--quiet", data=data)
            self.stream, self.goes_on = [], False
            self.known = read_removal_history(self.repository.root, "segments", declared)
            assert not self.known.unavailable
        return self.known

    def plan(self) -> Plan | None:
        """Plan for main; nothing where the files contradict each other."""
        data = {path: file.yaml().encode() for path, file in self.files.items()}
        read = read_declarations(data, {}, "segments")
        if read.has_errors:
            return None
        removal_history = self.removal_history({one.name for one in read.declared})
        inputs = PlanInputs(read.tombstones, removal_history, self.ownership)
        snapshot = take_snapshot(
            self.account, lambda listed: definitions_to_read(read.declared, listed, inputs)
        )
        plan = make_plan(TargetRef("test", "test"), read.declared, snapshot, inputs)
        plan = apply_safety_rules(plan, NO_LIMITS, len(snapshot.remotes), References())
        broken = any(found.severity is Severity.ERROR for found in plan.diagnostics)
        return None if plan.refusals or broken else plan

    def apply(self, fault: str = "") -> None:
        """Apply until nothing is left, the first time with a fault; check what went each time."""
        for attempt in range(6):
            self.watch.forward(minutes=6)
            plan = self.plan()
            if plan is None:
                return
            if not plan.changes:
                self.check_what_stays()
                return
            before = {one.id: one for one in self.console.segments()}
            if fault and not attempt:
                self.emulator.faults.add(fault)
            list(perform(plan, self.account, lambda: False, FakeClock()))
            self.emulator.faults.clear()
            after = {one.id: one for one in self.console.segments()}
            for gone in before.keys() - after.keys():
                self.check_what_went(plan, before[gone], {one.name for one in after.values()})
            names = [one.name for one in after.values()]
            assert len(names) == len(set(names))
        raise AssertionError("it never comes to rest")

    def check_what_went(self, plan: Plan, gone: Record, left: set[str]) -> None:
        (*_, change) = [
            one
            for one in plan.changes
            if not isinstance(one, Create) and one.precondition.id == gone.id
        ]
        if isinstance(change, Delete) and change.reason is not Reason.REPLACED:
            why = self.truth.why_it_stays(plainly(gone), gone.created_at, self.ownership)
            assert not why, f"{gone.name} went, though {why}"
        else:
            # Made anew: the same audience stands under a name that a file declares.
            assert left & {one.name for one in self.files.values() if not one.removed}

    def check_what_stays(self) -> None:
        """What rule 2 gives up is gone once there is nothing to do."""
        if self.ownership is Ownership.HISTORY:
            for one in self.console.segments():
                why = self.truth.why_it_stays(one.name, one.created_at, self.ownership)
                assert why, f"{one.name} stayed"


def plainly(one: Record) -> str:
    """Give the name of a segment that may have a temporary one."""
    return one.name.partition(" ~segctl-")[0]


Move: TypeAlias = tuple[str, int, int, int]


def step(world: World, move: Move) -> None:  # noqa: C901, PLR0912 - a table
    kind, first, second, third = move
    path, other = (f"segments/{number}.yaml" for number in (first, second))
    name, text = NAMES[second], TEXTS[third]
    here, there = world.files.get(path), world.files.get(other)
    free = name not in world.names
    held = {one.name: one.id for one in world.console.segments()}
    if here is not None and here.removed:
        if third and here.name not in held:
            # While the tombstone stands, which is tidied up then.
            world.console.create(here.name, text)
            world.watch.forward(minutes=1)
        here, kind = None, "remove"
    match kind:
        case "declare" if here is None and free:
            world.commit({path: File(name, text, LIST if first == 0 else None)})
        case "edit" if here is not None:
            world.commit({path: dataclasses.replace(here, text=text)})
        case "list" if here is not None and not here.protected:
            world.commit({path: dataclasses.replace(here, parent=None if here.parent else LIST)})
        case "protect" if here is not None:
            world.commit({path: dataclasses.replace(here, protected=not here.protected)})
        case "rename" if here is not None and free:
            world.commit({path: dataclasses.replace(here, name=name, previous=())})
        case "rename and say so" if here is not None and free:
            world.commit({path: dataclasses.replace(here, name=name, previous=(here.name,))})
        case "rename elsewhere" if here is not None and free and there is None:
            world.commit({path: None, other: dataclasses.replace(here, name=name, previous=())})
        case "swap" if here and there and here is not there and not there.removed:
            swapped = {
                path: dataclasses.replace(here, name=there.name, previous=(here.name,)),
                other: dataclasses.replace(there, name=here.name, previous=(there.name,)),
            }
            world.commit(swapped)
        case "move" if here is not None and there is None:
            world.commit({path: None, other: here})
        case "bury" if here is not None and not here.protected:
            world.commit({path: File(here.name, removed="forget" if third else "true")})
        case "remove" if path in world.files:
            world.commit({path: None})
        case "make by hand" if name not in held:
            world.console.create(name, text)
        case "edit by hand" if name in held:
            world.console.edit(held[name], query=text)
        case "delete by hand" if name in held:
            world.console.delete(held[name])
        case _:
            pass
    world.watch.forward(minutes=1)


KINDS = [
    *("declare", "edit", "list", "protect", "rename", "rename and say so", "rename elsewhere"),
    *("swap", "move", "bury", "remove", "remove", "make by hand", "make by hand"),
    *("edit by hand", "delete by hand"),
]
FAULTS = [
    f"{method} * drop{when} #1 always"
    for method in ("PATCH", "POST", "DELETE")
    for when in ("", " after")
]
PLACES = st.integers(0, 2)
MOVES = st.lists(st.tuples(st.sampled_from(KINDS), PLACES, PLACES, PLACES), max_size=8)
ROUNDS = st.lists(st.tuples(MOVES, st.booleans(), st.sampled_from(["", "", *FAULTS])), max_size=3)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(ROUNDS, st.sampled_from(Ownership))
def test_nothing_goes_that_the_rule_does_not_allow(
    rounds: list[tuple[list[Move], bool, str]], ownership: Ownership
) -> None:
    watch = FakeClock()
    with Emulator(None, TEST_SETTINGS, now=watch) as emulator, tempfile.TemporaryDirectory() as top:
        emulator.console.add_list("A list", id=LIST)
        for name, kind in CUSTOM_FIELDS.items():
            emulator.console.add_field(name, kind)

        def mount(
            method: str, target: str, headers: Mapping[str, str], body: bytes
        ) -> tuple[int, Mapping[str, str], bytes]:
            reply = emulator.handle(method, target, headers, body)
            return reply.status, dict(reply.headers), reply.body

        with Transport("https://x.invalid", Secret("key"), FakeClock(), mount=mount) as transport:
            repository = new_repository(Path(top))
            world = World(emulator, watch, Writer(transport), ownership, repository)
            # Something is always left, or no plan may delete; and two are managed from the start.
            emulator.console.create("Z", TEXTS[0])
            files = {"segments/1.yaml": File("A"), "segments/2.yaml": File("B", TEXTS[1])}
            world.commit(dict(files))
            world.apply()
            for moves, on_a_branch, fault in rounds:
                if on_a_branch:
                    world.merge(moves)
                else:
                    for move in moves:
                        step(world, move)
                world.apply(fault)
