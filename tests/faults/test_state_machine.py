"""Random edits, faults and concurrent applies: undisturbed applies then make all as declared.

A Hypothesis machine edits the files and the account by hand, applies under faults, kills applies at
any request, and runs a second apply during a first one. At no moment is a managed segment lost or
doubled, or a replaced segment absent in both its forms, and undeclared segments stay as the people
who created them left them.

`SEGCTL_STATE_MACHINE=1000` tries this many sequences of steps; the default is 25.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)

from tests.support.builders import query, segment_yaml

from .harness import OTHER_KEY, Run, World, crossed, wired, write
from .scenarios import EVENTS, LISTS, SETTINGS

if TYPE_CHECKING:
    from segctl.emulator import Record

EXAMPLES = int(os.environ.get("SEGCTL_STATE_MACHINE", "25"))
STEPS = 12
QUIET_RUNS = 8
"""The most applies, five minutes apart, until one has nothing to do."""

NAMES = ["VIP", "Brno", "Readers", "New", "Old", "Lapsed", "Autumn", "Press"]
QUERIES = [*(query(f"city = '{city}'") for city in ("Brno", "Praha", "Plzeň")), EVENTS]
FAULTS = [
    *("refuse x5", "drop", "drop x5", "hang", "429 3s", "429 600s", "500", "502-html x5"),
    *("empty", "truncated", "wrong-json", "cut", "drip 900s"),
    *("drop after", "drop after x5", "hang after", "500 after", "500 after x5"),
]
"""As in the matrix; those with `after` strike writes."""


class Declaration:
    """A segment as the files want it, with what is known of it on the account.

    `is_created` is true after an undisturbed apply: from then on it must never be absent.
    `may_be_replaced`: its parent list has changed since, so its id may change.
    """

    def __init__(self, name: str, text: str, parent: str | None) -> None:
        self.name = name
        self.query = text
        self.parent = parent
        self.previous: list[str] = []
        self.is_created = False
        self.id = ""
        self.may_be_replaced = False

    def file(self) -> str:
        extra = f"previous_names: [{', '.join(self.previous)}]\n" if self.previous else ""
        extra += "allow_replace: true\n" if self.may_be_replaced else ""
        return segment_yaml(self.name, self.query, parent=self.parent, extra=extra)

    def definition(self) -> tuple[str, str, tuple[str, ...]]:
        return self.name, self.query, () if self.parent is None else (self.parent,)


class Applying(RuleBasedStateMachine):
    """A project, its account, and everything that happens to them."""

    declarations: Bundle[Declaration] = Bundle("declarations")

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.root = Path(tempfile.mkdtemp(prefix="segctl-"))
        self.stack.callback(shutil.rmtree, self.root)
        self.world = World(SETTINGS, self.watch, cache=str(self.root / "cache"))
        self.stack.enter_context(wired(self.world))
        self.declared: list[Declaration] = []
        self.tombs: list[str] = []
        self.unmanaged: dict[str, Record] = {}
        self.last: list[Run] = []

    @initialize(target=declarations)
    def begin(self) -> MultipleResults[Declaration]:
        for number, list_id in enumerate(LISTS):
            self.world.emulator.console.add_list(f"List {number}", id=list_id)
        self.made_by_hand("By hand", QUERIES[0])
        parents = (None, LISTS[0], LISTS[1])
        self.declared += [
            Declaration(name, text, parent)
            for name, text, parent in zip(NAMES[:3], QUERIES, parents, strict=False)
        ]
        self.sync()
        self.settle()
        return multiple(*self.declared)

    def teardown(self) -> None:
        try:
            self.settle()
        finally:
            self.stack.close()

    # Edits of the files.

    def free_names(self) -> list[str]:
        """Return the names that are neither in use nor reserved."""
        used = {declaration.name for declaration in self.declared} | {*self.tombs}
        used |= {old for declaration in self.declared for old in declaration.previous}
        used |= {segment.name for segment in self.world.segments()}
        return [name for name in NAMES if name not in used]

    def sync(self) -> None:
        """Write the files."""
        shutil.rmtree(self.root / "segments", ignore_errors=True)
        files = {"segctl.yaml": "version: 1\nlimits: {max_destroy: 50}\n"}
        for number, declaration in enumerate(self.declared):
            files[f"segments/{number:02}.yaml"] = declaration.file()
        for number, name in enumerate(self.tombs):
            files[f"segments/gone-{number:02}.yaml"] = f"name: {name}\nremoved: true\n"
        (self.root / "segments").mkdir()
        write(self.root, files)

    @rule(
        target=declarations,
        text=st.sampled_from(QUERIES),
        parent=st.sampled_from([None, *LISTS]),
        number=st.integers(0, len(NAMES)),
    )
    def declare(
        self, text: str, parent: str | None, number: int
    ) -> Declaration | MultipleResults[Declaration]:
        free = self.free_names()
        if not free:
            return multiple()
        declaration = Declaration(free[number % len(free)], text, parent)
        self.declared.append(declaration)
        self.sync()
        return declaration

    @rule(declaration=declarations, text=st.sampled_from(QUERIES))
    def edit(self, declaration: Declaration, text: str) -> None:
        declaration.query = text
        self.sync()

    @rule(declaration=declarations, number=st.integers(0, len(NAMES)))
    def rename(self, declaration: Declaration, number: int) -> None:
        free = self.free_names()
        if not free:
            return
        declaration.previous.append(declaration.name)
        declaration.name = free[number % len(free)]
        self.sync()

    @rule(declaration=declarations, parent=st.sampled_from([None, *LISTS]))
    def move(self, declaration: Declaration, parent: str | None) -> None:
        if declaration.parent == parent:
            return
        declaration.parent, declaration.may_be_replaced = parent, True
        self.sync()

    @rule(declaration=consumes(declarations))
    def bury(self, declaration: Declaration) -> None:
        self.declared.remove(declaration)
        self.tombs += [declaration.name, *declaration.previous]
        self.sync()

    # Edits of the account by hand.

    def made_by_hand(self, name: str, text: str) -> None:
        segment_id = self.world.emulator.console.create(name, text)
        self.unmanaged |= {
            segment.id: segment for segment in self.world.segments() if segment.id == segment_id
        }

    @rule(text=st.sampled_from(QUERIES))
    def create_by_hand(self, text: str) -> None:
        self.made_by_hand(f"By hand {len(self.unmanaged)}", text)

    @rule(declaration=declarations, text=st.sampled_from(QUERIES))
    def edit_by_hand(self, declaration: Declaration, text: str) -> None:
        for segment in self.world.segments():
            if segment.id == declaration.id:
                self.world.emulator.console.edit(segment.id, query=text)

    @rule(declaration=declarations)
    def delete_by_hand(self, declaration: Declaration) -> None:
        for segment in self.world.segments():
            if segment.id == declaration.id:
                declaration.is_created, declaration.id = False, ""
                self.world.emulator.console.delete(segment.id)

    @rule(minutes=st.sampled_from([1, 6, 60]))
    def wait(self, minutes: int) -> None:
        self.world.clock.forward(60.0 * minutes)

    # Applies and their faults.

    def apply(self, run: Run | None = None) -> Run:
        done = self.world.run(self.root, "apply", "--auto-approve", run=run)
        self.last.append(done)
        return done

    @rule(fault=st.sampled_from(FAULTS), index=st.integers(1, 25))
    def apply_in_trouble(self, fault: str, index: int) -> None:
        methods = "!GET" if "after" in fault else "*"
        number = 1 + index // 4 if "after" in fault else index
        kind, _, options = fault.partition(" ")
        self.world.emulator.faults.add(f"{methods} * {kind} {options} #{number}")
        self.apply()
        self.world.emulator.faults.clear()

    @rule(index=st.integers(1, 25), after=st.booleans())
    def apply_killed(self, index: int, after: bool) -> None:
        self.apply(Run(kill=1 + index // 4 if after else index, kill_after=after))

    @rule(index=st.integers(1, 20))
    def apply_inside_another(self, index: int) -> None:
        """Run a whole second apply before one request of a first."""
        self.apply(Run(before={index: lambda: (self.apply(Run(key=OTHER_KEY)), None)[1]}))

    @rule(first=st.integers(1, 20), second=st.integers(1, 20))
    def two_applies_crossed(self, first: int, second: int) -> None:
        """Run an apply that begins during another and ends after it."""
        crossed(self.apply, first, second)

    @rule()
    def settle(self) -> None:
        """Apply undisturbed: the account becomes as declared, and stays so."""
        for _ in range(QUIET_RUNS):
            run = self.apply()
            if run.code == 0 and "No changes." in run.out:
                break
            self.world.clock.forward(301)
        else:
            raise AssertionError("\n".join(["it does not end", run.out, run.err, *run.requests]))
        self.at_rest()
        assert self.apply().writes == []

    def at_rest(self) -> None:
        """Check the account against the files, and record the id of each declaration."""
        now = [segment for segment in self.world.segments() if segment.id not in self.unmanaged]
        want = sorted(declaration.definition() for declaration in self.declared)
        assert (
            sorted((segment.name, segment.query, segment.parent_list_ids or ()) for segment in now)
            == want
        )
        by_name = {segment.name: segment.id for segment in now}
        for declaration in self.declared:
            assert (
                not declaration.is_created
                or declaration.may_be_replaced
                or by_name[declaration.name] == declaration.id
            ), "it changed its id"
            declaration.is_created, declaration.id, declaration.may_be_replaced = (
                True,
                by_name[declaration.name],
                False,
            )
            # A later rename is in a later commit, which need not list this name.
            declaration.previous.clear()
        self.tombs.clear()
        self.sync()

    # What must hold at every moment.

    def watch(self, world: World) -> str:
        now = {segment.id: segment for segment in world.segments()}
        for segment_id, record in self.unmanaged.items():
            if now.get(segment_id) != record:
                return f"unmanaged {record.name} was touched: {now.get(segment_id)}"
        names = [segment.name for segment in now.values()]
        for declaration in self.declared:
            if not declaration.is_created or declaration.id in now:
                continue
            if not declaration.may_be_replaced:
                return f"lost: {declaration.name}"
            if not any(self.is_its_name(name, declaration) for name in names):
                return f"both absent: {declaration.name}, which is replaced"
        if len(set(names)) != len(names):
            return f"doubled: {sorted(names)}"
        return ""

    @staticmethod
    def is_its_name(name: str, declaration: Declaration) -> bool:
        """Return whether a segment of this name is the declaration's, old or new.

        A second replacement renames the segment of the first, whose id is not recorded yet, before
        it creates the next one.
        """
        return any(
            name == known or name.startswith(f"{known} ~segctl-old-")
            for known in (declaration.name, *declaration.previous)
        )

    @invariant()
    def nothing_was_violated(self) -> None:
        assert not self.world.violations, "\n".join(
            [self.world.violations[0], *(line for run in self.last[-2:] for line in run.requests)]
        )


Applying.TestCase.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    deadline=None,
    suppress_health_check=[*HealthCheck],
)
TestApplying = Applying.TestCase
