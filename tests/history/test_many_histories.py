"""Thousands of histories: no plan deletes, renames or overwrites what the rule calls foreign.

Each has branches, merges in both directions, squashes, rebases, octopus merges, reverts, commits
dated in the future, moved folders, other accounts, a second project, and people who work in
SendGrid. `oracle` states the rule without git. git writes the histories of a batch at once, since
its processes take most of the time. The worlds are seeded, not from Hypothesis, which would need a
repository for each; a failure is shrunk by leaving out moves.

SEGCTL_HISTORIES sets how many histories are tried.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from segctl.app.connection import Connection
from segctl.app.plan import build_plan
from segctl.app.project import Project
from segctl.common.secrets import Secret
from segctl.common.stopping import Stop
from segctl.emulator import Emulator
from segctl.errors import InvalidInput
from segctl.model import Create, Delete, Patch, Reason, Replace, TargetRef
from segctl.planning import equality
from segctl.sendgrid.api import Reader, Writer
from segctl.sendgrid.transport import Transport
from tests.history.oracle import Oracle
from tests.history.repository import new_repository
from tests.history.worlds import FOLDERS, KINDS, LIST, World, moves_of
from tests.support.account import TEST_SETTINGS
from tests.support.clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from segctl.model import Plan
    from tests.history.worlds import Move, Segment

HISTORIES = int(os.environ.get("SEGCTL_HISTORIES", "5000"))
BATCH = 250
ENV = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


def new_emulator(world: World, clock: FakeClock) -> Emulator:
    """Return an account with the segments of a world."""
    emulator = Emulator(None, TEST_SETTINGS, now=clock)
    console = emulator.console
    console.add_list("A list", id=LIST)
    console.add_field("total_spend", "Number")
    console.add_field("preferred_language", "Text")
    for segment in world.segments.values():
        query, parent = segment.definition.query, segment.definition.parent
        parents = [] if parent is None else [parent]
        console.create(
            segment.name, query, parent_list_ids=parents, id=segment.id, at=segment.created
        )
        if segment.updated != segment.created:
            console.edit(segment.id, query=f"{query} ", at=segment.updated)
            console.edit(segment.id, query=query, at=segment.updated)
    return emulator


def plan_of(world: World, root: Path) -> Plan | None:
    """Return the plan for a world whose commits are checked out; `None` if its files are invalid.

    A merge can leave two files that declare one name.
    """
    clock = FakeClock()
    clock.moment = datetime.fromtimestamp(world.time, UTC)
    with new_emulator(world, clock) as emulator:

        def mount(
            method: str, target: str, headers: Mapping[str, str], body: bytes
        ) -> tuple[int, Mapping[str, str], bytes]:
            reply = emulator.handle(method, target, headers, body)
            return reply.status, dict(reply.headers), reply.body

        with Transport("https://x.invalid", Secret("key"), clock, mount=mount) as transport:
            connection = Connection(
                TargetRef("production", "x.invalid", world.tree.subuser or None),
                Reader(transport),
                Writer(transport),
                lambda: transport.requests,
                "digest",
                lambda: pytest.fail("a plan downloads nothing"),
                Stop(),
            )
            project = Project(root, env=ENV, clock=clock, use_cache=False)
            try:
                return build_plan(project, connection)
            except InvalidInput:
                return None


class Batch:
    """A repository with a branch for each of several worlds."""

    def __init__(self, top: Path, worlds: Mapping[str, World]) -> None:
        self.top = top
        self.repository = new_repository(top)
        lines, mark = [], 1
        for name, world in worlds.items():
            lines += [*world.stream(f"refs/heads/{name}", mark)]
            mark += len(world.commits)
        data = "".join(f"{line}\n" for line in lines).encode()
        self.repository.git("fast-import", "--quiet", data=data)

    def check_out(self, name: str, world: World) -> None:
        """Make the branch of a world the current one, with its files in the work tree."""
        (self.top / ".git/HEAD").write_text(f"ref: refs/heads/{name}\n", "ascii")
        for folder in (*FOLDERS, "other"):
            shutil.rmtree(self.top / folder, ignore_errors=True)
        (self.top / world.tree.folder).mkdir()
        for path, text in world.tree.texts().items():
            file = self.top / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, "utf-8")


def violations(world: World, plan: Plan | None, seen: Counter[str]) -> list[str]:
    """Return what a plan does that the rule forbids, or does not that it demands; count outcomes.

    A refused plan does nothing.
    """
    if plan is None:
        seen["invalid"] += 1
        return []
    if not plan.is_applicable:
        seen.update({refusal.code for refusal in (*plan.refusals, *plan.errors)})
        return []
    return list(_forbidden(world, plan, Oracle(world), seen))


def _forbidden(world: World, plan: Plan, oracle: Oracle, seen: Counter[str]) -> Iterator[str]:
    new_names = {
        change.after.name
        for change in plan.changes
        if isinstance(change, Patch | Replace) and change.after.name != change.before.name
    }
    changed = set()
    for change in plan.changes:
        if isinstance(change, Create):
            seen["create"] += 1
            continue
        assert isinstance(change, Patch | Replace | Delete)
        segment = world.segments[change.precondition.id]
        changed.add(segment.id)
        if isinstance(change, Delete):
            verb, reason = f"delete, {change.reason}", ""
            if change.reason is not Reason.REPLACED:
                gives_way = segment.name in new_names
                rule = oracle.reason_not_to_give_way if gives_way else oracle.reason_to_keep
                reason = rule(segment)
        else:
            verb, reason = _of_overwrite(change, segment, oracle)
        seen[verb] += 1
        if reason:
            yield f"{verb}: {segment}, although {reason}"
    for segment in world.segments.values():
        if segment.id not in changed and oracle.declared_now(segment.name) is None:
            seen["left"] += 1
            if oracle.must_be_deleted(segment):
                yield f"left: {segment}, although its removal is plain"


def _of_overwrite(change: Patch | Replace, segment: Segment, oracle: Oracle) -> tuple[str, str]:
    """Return what a change does to a segment, and why it must not, empty where it may."""
    name = change.after.name.partition(" ~segctl-")[0]
    file = oracle.world.tree.declared[name][0]
    if name != segment.name:
        return "rename", oracle.reason_not_to_rename(segment, file)
    if file.definition != segment.definition:
        return type(change).__name__.lower(), oracle.reason_not_to_overwrite(segment, file)
    return "frees its name", ""


def failures(worlds: Mapping[str, World], seen: Counter[str]) -> dict[str, list[str]]:
    """Return the violations of each world that has any."""
    with tempfile.TemporaryDirectory() as top:
        batch = Batch(Path(top), worlds)
        result = {}
        for name, world in worlds.items():
            batch.check_out(name, world)
            messages = violations(world, plan_of(world, batch.top), seen)
            if messages:
                result[name] = messages
        return result


def shrink(moves: Sequence[Move]) -> World:
    """Return the world of the fewest moves that still fails."""
    smallest, number = list(moves), 0
    while number < len(smallest):
        fewer = [*smallest[:number], *smallest[number + 1 :]]
        if failures({"world": World(fewer)}, Counter()):
            smallest, number = fewer, 0
        else:
            number += 1
    return World(smallest)


@pytest.fixture(autouse=True)
def _few_queries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parse each query once: all histories share a few, and parsing is not what they try."""
    monkeypatch.setattr(equality, "comparable_text", cache(equality.comparable_text))


@pytest.mark.parametrize("batch", range(-(-HISTORIES // BATCH)))
def test_no_plan_touches_what_is_foreign(batch: int) -> None:
    seeds = range(batch * BATCH, (batch + 1) * BATCH)
    seen: Counter[str] = Counter()
    failing = failures({f"seed{seed}": World(moves_of(seed)) for seed in seeds}, seen)
    for name in failing:
        world = shrink(moves_of(int(name.removeprefix("seed"))))
        messages = failures({"world": world}, Counter())["world"]
        stream = "\n".join(world.stream("refs/heads/main", 1))
        pytest.fail(
            f"{len(failing)} of {BATCH} histories fail, {name} first: its plan\n"
            + "\n".join(messages)
            + f"\n\n{world.describe()}\n\nfor `git fast-import`:\n{stream}"
        )
    # A test whose plans did nothing would find nothing.
    for outcome, least in LEAST.items():
        assert seen[outcome] >= least, seen


LEAST = {
    "delete, removed": 40,
    "delete, removed-by-file": 1,
    "rename": 10,
    "patch": 10,
    "replace": 10,
    "create": 10,
    "left": 150,
    "takeover": 3,
    "name-taken": 3,
}
"""How often each outcome occurs at least in a batch."""


def test_every_kind_of_move_is_made() -> None:
    done: Counter[str] = Counter()
    for seed in range(5000):
        done += World(moves_of(seed)).done
    assert [kind for kind in KINDS if done[kind] < 1] == []
