"""Arbitrary histories and manual edits: only segments that the ownership rule allows are deleted.

Everything is real except the account, which is emulated in memory: git writes and reads the
history, the planner decides, the applier deletes. `Model` states the rule independently, without
git: nothing that it forbids may be deleted, and nothing that it allows may stay.
"""

from __future__ import annotations

import dataclasses
import tempfile
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from segctl.account.snapshot import take_snapshot
from segctl.applying.applier import perform
from segctl.common.secrets import Secret
from segctl.declarations.collection import read_declarations
from segctl.emulator import Emulator
from segctl.emulator.seed import CUSTOM_FIELDS
from segctl.history.git import read_removal_history
from segctl.model import Create, Delete, Patch, Plan, Reason, Replace, TargetRef
from segctl.model.references import References
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
    """A segment file. `removed` is the value of that key, empty where it declares a segment."""

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
class Model:
    """The files after each first-parent commit, with the time of the commit.

    `all_states` are those of the commits of all parents, in the order of time: main has no commit
    while a branch is worked on.
    """

    states: list[tuple[float, Files]] = field(default_factory=list)
    all_states: list[tuple[float, Files]] = field(default_factory=list)

    def names_of(self, name: str) -> set[str]:
        """Return a name, and those that it was renamed from, in a file or by `previous_names`."""
        names = {name}
        while True:
            before = len(names)
            for _, files in self.states:
                names |= {
                    previous
                    for file in files.values()
                    if file.name in names and not file.removed
                    for previous in file.previous
                }
            for (_, old), (_, new) in pairwise(self.states):
                declared = {file.name for file in old.values() if not file.removed}
                names |= {
                    old[path].name
                    for path in old.keys() & new.keys()
                    if not (old[path].removed or new[path].removed)
                    and new[path].name in names - declared
                }
            if len(names) == before:
                return names

    def last_declaration(self, name: str) -> tuple[int, bool]:
        """Return the last commit of all parents that declares a name, and whether it protects it.

        The commit is -1 where none does.
        """
        for index in reversed(range(len(self.all_states))):
            files = self.all_states[index][1].values()
            declaring = [file for file in files if file.name == name and not file.removed]
            if declaring:
                return index, any(file.protected for file in declaring)
        return -1, False

    def was_declared(self, name: str, record: Record) -> bool:
        """Return whether a commit declared a segment as it is, under a name or an earlier one."""
        names = self.names_of(name)
        definition = record.query, next(iter(record.parent_list_ids or ()), None)
        return any(
            file.name in names and not file.removed and (file.text, file.parent) == definition
            for _, files in self.states
            for file in files.values()
        )

    def before_handover(self, name: str) -> Model:
        """Return the model without the declarations of a name for the segment that has it now.

        It is another one than before if no file declared the name, or other files did.
        """
        paths = [
            {path for path, file in files.items() if file.name == name and not file.removed}
            for _, files in self.states
        ]
        last = max(index for index in range(1, len(paths)) if not paths[index - 1] & paths[index])
        new_paths = set().union(*paths[last:])
        return Model(
            *(
                [
                    (
                        moment,
                        {
                            path: file
                            for path, file in files.items()
                            if file.name != name or path not in new_paths
                        },
                    )
                    for moment, files in states
                ]
                for states in (self.states, self.all_states)
            )
        )

    def reason_not_to_rename(self, name: str, record: Record) -> str:
        """Return why a segment is not one of this declared name that someone renamed by hand."""
        first = min(
            moment
            for moment, files in self.states
            if {file.name for file in files.values() if not file.removed} & self.names_of(name)
        )
        if any(file.name == record.name for _, files in self.states for file in files.values()):
            return "a file had its name"
        if not first <= record.created_at < record.updated_at:
            return "it is older, or nobody edited it"
        return "" if self.was_declared(name, record) else "no commit declared it"

    def reason_to_keep(self, name: str, record: Record, ownership: Ownership) -> str:
        """Return why the segment of this name must not be deleted, empty if it may be."""
        created_at = record.created_at
        current = {file.removed for file in self.states[-1][1].values() if file.name == name}
        if current:
            return {"": "it is declared", "forget": "it is forgotten", "true": ""}[current.pop()]
        if ownership is Ownership.DECLARED:
            return "removed files delete nothing"
        declaring = [
            [file for file in files.values() if file.name == name and not file.removed]
            for _, files in self.states
        ]
        last = max((index for index, files in enumerate(declaring) if files), default=-1)
        last_of_all, was_protected = self.last_declaration(name)
        removed_at = min(
            states[index + 1][0]
            for states, index in ((self.states, last), (self.all_states, last_of_all))
        )
        is_ours = last >= 0 and created_at < removed_at
        was_forgotten = any(
            file.name == name and file.removed == "forget"
            for _, files in [*self.states[last + 1 :], *self.all_states[last_of_all + 1 :]]
            for file in files.values()
        )
        was_protected = was_protected or (last >= 0 and declaring[last][0].protected)
        if is_ours and not was_forgotten and was_protected:
            return "it was protected"
        if ownership is Ownership.EXCLUSIVE:
            return ""
        if is_ours and not was_forgotten:
            return "" if self.was_declared(name, record) else "it was edited by hand"
        return "it was forgotten" if was_forgotten else "it was never ours"


@dataclass
class World:
    """A repository and an account, with some changes that were never committed.

    `files` are those of the current branch. `stream` is what git has not written yet, and
    `continues_main` is whether it has a commit on main.
    """

    emulator: Emulator
    watch: FakeClock
    account: Writer
    ownership: Ownership
    repository: Repository
    files: Files = field(default_factory=dict)
    model: Model = field(default_factory=Model)
    stream: list[str] = field(default_factory=list)
    history: RemovalHistory | None = None
    branch: str = "main"
    branches: int = 0
    continues_main: bool = False

    @property
    def console(self) -> Console:
        return self.emulator.console

    @property
    def names(self) -> set[str]:
        return {file.name for file in self.files.values()}

    def commit(self, changes: Mapping[str, File | None], *lines: str) -> None:
        """Change files in one commit of the current branch."""
        files = {**self.files, **changes}
        self.files = {path: file for path, file in files.items() if file is not None}
        moment = int(self.watch.moment.timestamp())
        self.stream += [f"commit refs/heads/{self.branch}"]
        self.stream += [f"committer A <a@example.invalid> {moment} +0000", "data 1", "x"]
        if self.branch == "main" and not self.continues_main:
            self.stream += ["from refs/heads/main^0"] * bool(self.model.states)
            self.continues_main = True
        self.stream += lines
        for path, file in changes.items():
            if file is None:
                self.stream.append(f"D {path}")
            else:
                text = file.yaml()
                size = len(text.encode())
                self.stream += [f"M 100644 inline {path}", f"data {size}", text]
        self.model.all_states.append((moment, dict(self.files)))
        if self.branch == "main":
            self.model.states.append((moment, dict(self.files)))
        self.watch.forward(minutes=1)

    def merge(self, moves: list[Move]) -> None:
        """Make all moves on a branch, and merge it."""
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
        """Let git write the new commits, and return the removals that it then shows."""
        if self.stream or self.history is None:
            data = "".join(f"{line}\n" for line in self.stream).encode()
            self.repository.git("fast-import", "--quiet", data=data)
            self.stream, self.continues_main = [], False
            self.history = read_removal_history(self.repository.root, "segments", declared)
            assert not self.history.unavailable
        return self.history

    def plan(self) -> Plan | None:
        """Return the plan for main, `None` where the files contradict each other."""
        data = {path: file.yaml().encode() for path, file in self.files.items()}
        declarations = read_declarations(data, {}, "segments")
        if declarations.has_errors:
            return None
        removal_history = self.removal_history(
            {declared.name for declared in declarations.declared}
        )
        inputs = PlanInputs(declarations.tombstones, removal_history, self.ownership)
        snapshot = take_snapshot(
            self.account, lambda listed: definitions_to_read(declarations.declared, listed, inputs)
        )
        plan = make_plan(TargetRef("test", "test"), declarations.declared, snapshot, inputs)
        plan = apply_safety_rules(plan, NO_LIMITS, len(snapshot.remotes), References())
        return plan if plan.is_applicable else None

    def apply(self, fault: str = "") -> None:
        """Apply until nothing is left, first with a fault; check what is deleted each time."""
        for attempt in range(6):
            self.watch.forward(minutes=6)
            plan = self.plan()
            if plan is None:
                return
            if not plan.changes:
                self.check_kept()
                return
            before = {record.id: record for record in self.console.segments()}
            self.check_renamed_by_hand(plan, before)
            if fault and not attempt:
                self.emulator.faults.add(fault)
            list(perform(plan, self.account, lambda: False, FakeClock()))
            self.emulator.faults.clear()
            after = {record.id: record for record in self.console.segments()}
            names = [record.name for record in after.values()]
            for deleted_id in before.keys() - after.keys():
                self.check_deleted(plan, before[deleted_id], set(names))
            assert len(names) == len(set(names))
        raise AssertionError("applies do not converge")

    def check_renamed_by_hand(self, plan: Plan, records: Mapping[str, Record]) -> None:
        """Check that the model allows each rename that takes back one by hand."""
        for change in plan.changes:
            if change.reason is Reason.RENAMED_BY_HAND:
                assert change.id is not None
                reason = self.model.reason_not_to_rename(change.name, records[change.id])
                assert not reason, f"{change.name} was renamed back, although {reason}"

    def check_deleted(self, plan: Plan, record: Record, remaining: set[str]) -> None:
        """Check that the model allows the delete of a segment."""
        (*_, change) = [
            change
            for change in plan.changes
            if not isinstance(change, Create) and change.precondition.id == record.id
        ]
        if isinstance(change, Delete) and change.reason is not Reason.REPLACED:
            name, model = without_marker(record), self.model
            renamed = {item.name for item in plan.changes if isinstance(item, Patch | Replace)}
            if name in renamed and name in self.declared_names():
                model = model.before_handover(name)
            reason = model.reason_to_keep(name, record, self.ownership)
            assert not reason, f"{record.name} was deleted, although {reason}"
        else:
            # Replaced: a segment with a declared name has the audience now.
            assert remaining & self.declared_names()

    def declared_names(self) -> set[str]:
        """Return the names that the files declare."""
        return {file.name for file in self.files.values() if not file.removed}

    def check_kept(self) -> None:
        """Check that the model gives a reason for every segment that stays."""
        if self.ownership is Ownership.HISTORY:
            for record in self.console.segments():
                reason = self.model.reason_to_keep(record.name, record, self.ownership)
                assert reason, f"{record.name} stayed"


def without_marker(record: Record) -> str:
    """Return the declared name of a segment that may have a temporary one."""
    return record.name.partition(" ~segctl-")[0]


Move: TypeAlias = tuple[str, int, int, int]


def step(world: World, move: Move) -> None:  # noqa: C901, PLR0912 - a table
    kind, first, second, third = move
    path, other_path = (f"segments/{number}.yaml" for number in (first, second))
    name, text = NAMES[second], TEXTS[third]
    file, target = world.files.get(path), world.files.get(other_path)
    is_free = name not in world.names
    ids = {record.name: record.id for record in world.console.segments()}
    if file is not None and file.removed:
        if third and file.name not in ids:
            # A namesake is created while the tombstone exists, which is then deleted.
            world.console.create(file.name, text)
            world.watch.forward(minutes=1)
        file, kind = None, "remove"
    match kind:
        case "declare" if file is None and is_free:
            world.commit({path: File(name, text, LIST if first == 0 else None)})
        case "edit" if file is not None:
            world.commit({path: dataclasses.replace(file, text=text)})
        case "list" if file is not None and not file.protected:
            world.commit({path: dataclasses.replace(file, parent=None if file.parent else LIST)})
        case "protect" if file is not None:
            world.commit({path: dataclasses.replace(file, protected=not file.protected)})
        case "rename" if file is not None and is_free:
            world.commit({path: dataclasses.replace(file, name=name, previous=())})
        case "rename with previous_names" if file is not None and is_free:
            world.commit({path: dataclasses.replace(file, name=name, previous=(file.name,))})
        case "rename elsewhere" if file is not None and is_free and target is None:
            world.commit(
                {path: None, other_path: dataclasses.replace(file, name=name, previous=())}
            )
        case "swap" if file and target and file is not target and not target.removed:
            swapped = {
                path: dataclasses.replace(file, name=target.name, previous=(file.name,)),
                other_path: dataclasses.replace(target, name=file.name, previous=(target.name,)),
            }
            world.commit(swapped)
        case "hand over" if file and target and file is not target and not target.removed:
            previous = (file.name,) if third else ()
            taking = dataclasses.replace(file, name=target.name, previous=previous)
            world.commit({other_path: None, path: taking})
        case "move" if file is not None and target is None:
            world.commit({path: None, other_path: file})
        case "tombstone" if file is not None and not file.protected:
            world.commit({path: File(file.name, removed="forget" if third else "true")})
        case "remove" if path in world.files:
            world.commit({path: None})
        case "create by hand" if name not in ids:
            world.console.create(name, text)
        case "edit by hand" if name in ids:
            world.console.edit(ids[name], query=text)
        case "rename by hand" if name in ids and f"{name} by hand" not in ids:
            world.console.edit(ids[name], name=f"{name} by hand")
        case "delete by hand" if name in ids:
            world.console.delete(ids[name])
        case _:
            pass
    world.watch.forward(minutes=1)


KINDS = [
    *(
        "declare",
        "edit",
        "list",
        "protect",
        "rename",
        "rename with previous_names",
        "rename elsewhere",
    ),
    *("swap", "move", "tombstone", "remove", "remove", "create by hand", "create by hand"),
    *("edit by hand", "rename by hand", "delete by hand", "hand over"),
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
@example([([("hand over", 1, 2, 0)], False, "")], Ownership.HISTORY)
@example([([("hand over", 1, 2, 1)], True, "DELETE * drop #1 always")], Ownership.HISTORY)
@example([([("remove", 2, 0, 0), ("rename", 1, 1, 0)], True, "")], Ownership.HISTORY)
@example([([("rename by hand", 0, 0, 0), ("edit", 1, 0, 2)], False, "")], Ownership.HISTORY)
def test_only_segments_that_the_rule_allows_are_deleted(
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
            # One segment always remains, since no plan may empty the account; two are managed at
            # the start.
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
