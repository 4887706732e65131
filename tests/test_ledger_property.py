"""Any history of files and of hands on the account: what goes is what the rule allows.

The model of git is the simplest one that can be true: every change of a file is a commit of its
own, and a removal is the last commit after which a name was not declared.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from segctl.applier import perform
from segctl.clock import iso
from segctl.declarations.collection import read_declarations
from segctl.emulator import Emulator
from segctl.emulator.world import CUSTOM_FIELDS
from segctl.errors import Severity
from segctl.model import Delete, Ledger, Plan, Reason, Removal, Segment, TargetRef
from segctl.ownership import Ownership
from segctl.planner import Wishes, definitions_to_read, make_plan
from segctl.policy import Limits, judge
from segctl.secrets import Secret
from segctl.sendgrid.api import Writer
from segctl.sendgrid.transport import Transport
from segctl.sends import References
from segctl.snapshot import take_snapshot
from tests.conftest import TEST_SETTINGS, Hasty, Watch, query, segment_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segctl.emulator.ui import WebUi

LIST = "0b1f4a10-5c1d-4a6e-9f02-000000000001"
NAMES = ["A", "B", "C"]
TEXTS = [query("total_spend > 500"), query("preferred_language = 'cs'"), query("city = 'Brno'")]
NO_LIMITS = Limits(max_destroy=1000)


@dataclass
class File:
    """One segment file as it stands."""

    name: str
    text: str
    parent: str | None = None
    protected: bool = False
    previous: tuple[str, ...] = ()


@dataclass
class World:
    """A repository and an account, some of whose changes nobody committed."""

    emulator: Emulator
    watch: Watch
    account: Writer
    ownership: Ownership
    files: dict[str, File] = field(default_factory=dict)
    removed: dict[str, Removal] = field(default_factory=dict)
    deletes: int = 0

    @property
    def ui(self) -> WebUi:
        return self.emulator.ui

    @property
    def names(self) -> set[str]:
        return {one.name for one in self.files.values()}

    def commit(self, path: str, file: File | None) -> None:
        """Change one file, and note every name that is not declared any more."""
        before = self.files.get(path)
        if file is None:
            self.files.pop(path, None)
        else:
            self.files[path] = file
        if before is not None and before.name not in self.names:
            parents = (before.parent,) if before.parent else ()
            self.removed[before.name] = Removal(
                Segment(before.name, before.text, parents),
                before.protected,
                path,
                "c0ffee",
                iso(self.watch.moment),
            )

    def plan(self) -> Plan:
        data = {path: self.text(file).encode() for path, file in self.files.items()}
        read = read_declarations(data, {}, "segments")
        assert not read.has_errors, read.diagnostics
        ledger = Ledger(tuple(r for name, r in self.removed.items() if name not in self.names))
        wishes = Wishes(ledger=ledger, ownership=self.ownership)
        snapshot = take_snapshot(
            self.account, lambda listed: definitions_to_read(read.declared, listed, wishes)
        )
        plan = make_plan(TargetRef("test", "test"), read.declared, snapshot, wishes)
        return judge(plan, NO_LIMITS, len(snapshot.remotes), References())

    @staticmethod
    def text(file: File) -> str:
        extra = "allow_replace: true\n" + ("protected: true\n" if file.protected else "")
        if file.previous:
            extra += f"previous_names: [{', '.join(file.previous)}]\n"
        return segment_yaml(file.name, file.text, parent=file.parent, extra=extra)

    def apply(self) -> None:
        """Apply until nothing is left; check what went each time."""
        for _ in range(4):
            self.watch.forward(minutes=6)
            plan = self.plan()
            if plan.refusals or any(d.severity is Severity.ERROR for d in plan.diagnostics):
                return
            if not plan.changes:
                return
            before = {one.id: one for one in self.ui.segments()}
            list(perform(plan, self.account, lambda: False, Hasty()))
            after = {one.id for one in self.ui.segments()}
            told = {c.precondition.id: c for c in plan.changes if not hasattr(c, "after")}
            for gone in set(before) - after:
                change = told.get(gone)
                if isinstance(change, Delete) and change.reason is not Reason.REPLACED:
                    self.deletes += 1
                    self.may_go(before[gone].name, before[gone].created_at)
                else:
                    # Replaced: the same audience must stand under a declared name.
                    assert before[gone].name not in {one.name for one in self.ui.segments()} or (
                        before[gone].name in self.names
                    )
            names = [one.name for one in self.ui.segments()]
            assert len(names) == len(set(names))
        raise AssertionError("it never comes to rest")

    def may_go(self, name: str, created_at: float) -> None:
        """Say rule 2 once more, in other words than the program does."""
        assert self.ownership is not Ownership.DECLARED, "nothing goes by absence"
        if self.ownership is Ownership.EXCLUSIVE:
            assert name not in self.names
            assert name not in self.removed or not self.protected_before(name, created_at)
            return
        assert name in self.removed, f"{name} was never declared"
        assert name not in self.names, f"{name} is declared"
        assert created_at < self.moment(name), f"{name} is a namesake"
        assert not self.protected_before(name, created_at), f"{name} was protected"

    def moment(self, name: str) -> float:
        """When its declaration went."""
        return datetime.fromisoformat(self.removed[name].removed_at).timestamp()

    def protected_before(self, name: str, created_at: float) -> bool:
        """Whether it is the one that was protected when its declaration went."""
        return self.removed[name].is_protected and created_at < self.moment(name)


def step(world: World, move: tuple[str, int, int, int]) -> None:  # noqa: C901, PLR0912 - a table
    kind, first, second, third = move
    path, name, text = f"segments/{first}.yaml", NAMES[second], TEXTS[third]
    here = world.files.get(path)
    free = name not in world.names
    held = {one.name: one.id for one in world.ui.segments()}
    match kind:
        case "declare" if here is None and free:
            world.commit(path, File(name, text, LIST if first == 0 else None))
        case "edit" if here is not None:
            world.commit(path, dataclasses.replace(here, text=text))
        case "list" if here is not None and not here.protected:
            world.commit(path, dataclasses.replace(here, parent=None if here.parent else LIST))
        case "protect" if here is not None:
            world.commit(path, dataclasses.replace(here, protected=not here.protected))
        case "rename" if here is not None and free:
            world.commit(path, dataclasses.replace(here, name=name, previous=()))
        case "rename and say so" if here is not None and free:
            world.commit(path, dataclasses.replace(here, name=name, previous=(here.name,)))
        case "move" if here is not None and f"segments/{second}.yaml" not in world.files:
            world.files[f"segments/{second}.yaml"] = world.files.pop(path)
        case "remove":
            world.commit(path, None)
        case "make by hand" if name not in held:
            world.ui.create(name, text)
        case "edit by hand" if name in held:
            world.ui.edit(held[name], query=text)
        case "delete by hand" if name in held:
            world.ui.delete(held[name])
        case "apply":
            world.apply()
        case _:
            pass
    world.watch.forward(minutes=1)


KINDS = [
    "declare",
    "edit",
    "list",
    "protect",
    "rename",
    "rename and say so",
    "move",
    "remove",
    "remove",
    "make by hand",
    "make by hand",
    "edit by hand",
    "delete by hand",
    "apply",
    "apply",
    "apply",
]
MOVES = st.lists(
    st.tuples(st.sampled_from(KINDS), st.integers(0, 2), st.integers(0, 2), st.integers(0, 2)),
    max_size=25,
)


@settings(max_examples=300)
@given(MOVES, st.sampled_from(Ownership))
def test_nothing_goes_that_the_rule_does_not_allow(
    moves: list[tuple[str, int, int, int]], ownership: Ownership
) -> None:
    watch = Watch()
    with Emulator(None, TEST_SETTINGS, now=watch) as emulator:
        emulator.ui.add_list("A list", id=LIST)
        for name, kind in CUSTOM_FIELDS.items():
            emulator.ui.add_field(name, kind)

        def mount(
            method: str, target: str, headers: Mapping[str, str], body: bytes
        ) -> tuple[int, Mapping[str, str], bytes]:
            reply = emulator.handle(method, target, headers, body)
            return reply.status, dict(reply.headers), reply.body

        with Transport("https://x.invalid", Secret("key"), Hasty(), mount=mount) as transport:
            world = World(emulator, watch, Writer(transport), ownership)
            # Something is always left, or no plan may delete; and two are managed from the start.
            emulator.ui.create("Z", TEXTS[0])
            start = [("declare", 1, 0, 0), ("declare", 2, 1, 1), ("apply", 0, 0, 0)]
            for move in (*start, *moves):
                step(world, move)
            world.apply()
