"""The scenarios of the fault tests, and what must hold during and after each.

A `Scenario` is a list of `Item`s, each a segment as it was and as the files want it; everything
else (files, account, who keeps an id, who is replaced) follows from that.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.emulator import Settings
from tests.support.account import KEY
from tests.support.builders import query, segment_yaml

if TYPE_CHECKING:
    from segctl.emulator import Record

    from .harness import World

LISTS = ("0b1f4a10-5c1d-4a6e-9f02-00000000aaaa", "0b1f4a10-5c1d-4a6e-9f02-00000000bbbb")
SETTINGS = dataclasses.replace(Settings(), rate_limit=None)
A_DAY = 86_400.0

BRNO, PRAGUE = query("city = 'Brno'"), query("city = 'Praha'")
EVENTS = (
    "SELECT c.contact_id, c.updated_at FROM contact_data c JOIN event_data e "
    "ON c.contact_id = e.contact_id WHERE e.event_source = 'mail' AND e.event_type = 'click'"
)
"""Checked for a minute by the server before it is valid (`event_validation_delay`)."""


@dataclass(frozen=True)
class Definition:
    """A segment's three fields."""

    name: str
    query: str = BRNO
    parents: tuple[str, ...] = ()


@dataclass(frozen=True)
class Item:
    """One segment: `was` on the account, `wants` in the files; `None` where it does not exist."""

    was: Definition | None = None
    wants: Definition | None = None

    @property
    def is_replaced(self) -> bool:
        """Whether it must be deleted and re-created."""
        return (
            self.was is not None
            and self.wants is not None
            and self.was.parents != self.wants.parents
        )

    @property
    def is_new(self) -> bool:
        """Whether a segment is created."""
        return self.is_replaced or self.was is None

    @property
    def writes(self) -> int:
        """The least number of requests that make it as declared."""
        return 0 if self.was == self.wants else 3 if self.is_replaced else 1

    def file(self) -> str:
        """Return the text of its file, with `removed: true` for a segment that is deleted."""
        if self.wants is None:
            assert self.was is not None
            return f"name: {self.was.name}\nremoved: true\n"
        extra = ""
        if self.was is not None and self.was.name != self.wants.name:
            extra += f"previous_names: [{self.was.name}]\n"
        if self.is_replaced:
            extra += "allow_replace: true\n"
        parent = next(iter(self.wants.parents), None)
        return segment_yaml(self.wants.name, self.wants.query, parent=parent, extra=extra)


def patched(name: str, query: str = PRAGUE) -> Item:
    """Return an item whose query changes."""
    return Item(Definition(name), Definition(name, query))


def renamed(old: str, new: str, query: str = BRNO, after: str | None = None) -> Item:
    """Return an item whose name changes, and its query too if `after` is given."""
    return Item(Definition(old, query), Definition(new, query if after is None else after))


def moved(name: str, query: str = BRNO, *, to: str | None = None) -> Item:
    """Return an item whose parent list changes."""
    return Item(Definition(name, query, (LISTS[0],)), Definition(to or name, query, (LISTS[1],)))


def created(name: str, query: str = BRNO) -> Item:
    """Return an item that only the files have."""
    return Item(None, Definition(name, query))


def removed(name: str) -> Item:
    """Return an item that a file removes."""
    return Item(Definition(name), None)


def kept(name: str) -> Item:
    """Return an item that is as declared."""
    return Item(Definition(name), Definition(name))


@dataclass(frozen=True)
class Scenario:
    """A state of the account, the files that change it, and how.

    `pause` is how long people wait before they apply for the third time. `fresh` segments were
    written a moment ago and are locked.
    """

    name: str
    items: tuple[Item, ...]
    settings: Settings = SETTINGS
    argv: tuple[str, ...] = ()
    config: str = ""
    pause: float = 301.0
    fresh: bool = False

    @property
    def writes(self) -> int:
        """The least number of requests other than GET that an apply sends."""
        return sum(item.writes for item in self.items)

    @property
    def requests(self) -> int:
        """The least number of requests that an apply sends.

        The list, the definitions, one read before each write to an existing segment, the writes.
        """
        existing = [item for item in self.items if item.was is not None]
        return 1 + len(existing) + sum(item.writes > 0 for item in existing) + self.writes

    def files(self) -> dict[str, str]:
        """Return the files of the project by path."""
        files = {
            f"segments/{number:02}.yaml": item.file() for number, item in enumerate(self.items)
        }
        return files | {"segctl.yaml": f"version: 1\n{self.config}"}

    def populate(self, world: World) -> Witness:
        """Create the state before the apply; return the witness of it."""
        console = world.emulator.console
        long_ago = world.clock.now().timestamp() - A_DAY
        for number, list_id in enumerate(LISTS):
            console.add_list(f"List {number}", id=list_id)
        console.create("By hand", BRNO, id=_id(901), at=long_ago)
        console.create("Copy ~segctl-12345678", PRAGUE, id=_id(902), at=long_ago)
        console.seed_v1("From 2022", "city = 'Brno'", id=_id(903), at=long_ago)
        unmanaged = {segment.id: segment for segment in world.segments()}
        ids = {}
        for number, item in enumerate(self.items):
            if item.was is not None:
                ids[number] = console.create(
                    item.was.name,
                    item.was.query,
                    parent_list_ids=item.was.parents,
                    id=_id(number),
                    at=long_ago,
                )
        if self.fresh:
            for segment_id in ids.values():
                lock(world, segment_id)
        return Witness(self, ids, unmanaged)


def lock(world: World, segment_id: str) -> None:
    """Write a segment through the API, which locks it."""
    headers = {"Authorization": f"Bearer {KEY}", "Accept": "application/json"}
    segment = next(segment for segment in world.segments() if segment.id == segment_id)
    target = f"/v3/marketing/segments/2.0/{segment_id}"
    body = f'{{"name": "{segment.name}"}}'.encode()
    assert world.emulator.handle("PATCH", target, headers, body).status == 200


def _id(number: int) -> str:
    return f"aaaaaaaa-0000-4000-8000-{number:012}"


@dataclass(frozen=True)
class Witness:
    """The account before the apply, and the checks of the account against it."""

    scenario: Scenario
    ids: dict[int, str]
    unmanaged: dict[str, Record]

    def watch(self, world: World) -> str:
        """Return the violation of what must hold at every moment; an empty text if none."""
        now = {segment.id: segment for segment in world.segments()}
        for segment_id, segment in self.unmanaged.items():
            if now.get(segment_id) != segment:
                return f"unmanaged {segment.name} was touched: {now.get(segment_id)}"
        new = [segment for segment in now.values() if segment.id not in self.known()]
        names = sorted(segment.name for segment in new)
        wanted = {item.wants.name for item in self.scenario.items if item.wants and item.is_new}
        if not wanted.issuperset(names) or len(set(names)) != len(names):
            return f"duplicate or undeclared segments: {names}"
        for number, item in enumerate(self.scenario.items):
            if item.was is None or item.wants is None or self.ids[number] in now:
                continue
            if not item.is_replaced:
                return f"lost: {item.was.name} (id {self.ids[number]})"
            if item.wants.name not in names:
                return f"both absent: {item.was.name}, which is replaced"
        return ""

    def known(self) -> set[str]:
        """Return the ids of the segments before the apply."""
        return {*self.ids.values(), *self.unmanaged}

    def end(self, world: World) -> str:
        """Return how the account differs from the files; an empty text if it does not."""
        now = {segment.id: segment for segment in world.segments()}
        is_ = sorted(
            (segment.name, segment.query, segment.parent_list_ids or ())
            for segment in now.values()
            if segment.id not in self.unmanaged
        )
        declared = [item.wants for item in self.scenario.items if item.wants is not None]
        want = sorted(
            (definition.name, definition.query, definition.parents) for definition in declared
        )
        if is_ != want:
            return f"the account holds {is_}, declared is {want}"
        for number, item in enumerate(self.scenario.items):
            if item.was is None:
                continue
            current = now.get(self.ids[number])
            if item.wants is None or item.is_replaced:
                if current is not None:
                    return f"still there: {current.name}"
            elif current is None or current.name != item.wants.name:
                return f"{item.was.name} did not keep its id"
        return self.watch(world)


def mixed() -> tuple[Item, ...]:
    """Return twenty items of every kind."""
    return (
        *(created(f"New {number}", PRAGUE) for number in range(4)),
        *(patched(f"Edited {number}") for number in range(4)),
        renamed("Old name", "New name"),
        renamed("Old name 2", "New name 2", after=PRAGUE),
        renamed("Left", "Right"),
        renamed("Right", "Left", PRAGUE),
        renamed("One", "Two"),
        renamed("Two", "Three"),
        renamed("Three", "Four", PRAGUE),
        moved("Moved"),
        moved("Moved with events", EVENTS),
        removed("Gone"),
        removed("Gone too"),
        kept("As it was"),
    )


SCENARIOS = (
    Scenario("create", (created("A"), created("B", PRAGUE))),
    Scenario("create-pending", (created("A", EVENTS), created("B"))),
    Scenario("patch", (patched("A"), patched("B"), kept("C"))),
    Scenario("patch-locked", (patched("A"),), fresh=True),
    Scenario("rename", (renamed("A", "A2"), renamed("B", "B2", after=PRAGUE))),
    Scenario("swap", (renamed("A", "B"), renamed("B", "A", PRAGUE))),
    Scenario("ring", (renamed("A", "B"), renamed("B", "C", PRAGUE), renamed("C", "A", EVENTS))),
    Scenario("chain", (renamed("A", "B"), renamed("B", "C", PRAGUE), renamed("C", "D", EVENTS))),
    Scenario("replace", (moved("A"),)),
    Scenario("replace-pending", (moved("A", EVENTS), kept("B"))),
    Scenario("replace-renamed", (moved("A", to="B"), renamed("B", "C", PRAGUE))),
    Scenario("replace-freed", (moved("A", to="B"), renamed("C", "A", PRAGUE))),
    Scenario("delete", (removed("A"), removed("B"), kept("C"))),
    Scenario(
        "full",
        (removed("A"), created("B"), kept("C")),
        settings=dataclasses.replace(SETTINGS, cap=5),
        config="limits: {max_segments: 5}\n",
    ),
    Scenario("refresh", (created("A"), patched("B")), argv=("--refresh", "changed")),
    Scenario("mixed", mixed(), config="limits: {max_destroy: 9}\n"),
)
