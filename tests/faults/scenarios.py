"""What an account may have to go through, and what must hold on the way and at the end.

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
    """One segment: `was` on the account, `wants` in the files; `None` where it is not there."""

    was: Definition | None = None
    wants: Definition | None = None

    @property
    def is_replaced(self) -> bool:
        """Whether it can only be made anew."""
        return (
            self.was is not None
            and self.wants is not None
            and self.was.parents != self.wants.parents
        )

    @property
    def is_new(self) -> bool:
        """Whether a segment appears that was not there."""
        return self.is_replaced or self.was is None

    @property
    def writes(self) -> int:
        """How many requests change it into what is wanted, at the least."""
        return 0 if self.was == self.wants else 3 if self.is_replaced else 1

    def file(self) -> str:
        """What the file of this segment says; a file that says `removed` for one that goes."""
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
    """A query that changes."""
    return Item(Definition(name), Definition(name, query))


def renamed(old: str, new: str, query: str = BRNO, after: str | None = None) -> Item:
    """A name that changes, and a query with it unless `after` is left out."""
    return Item(Definition(old, query), Definition(new, query if after is None else after))


def moved(name: str, query: str = BRNO, *, to: str | None = None) -> Item:
    """A parent list that changes."""
    return Item(Definition(name, query, (LISTS[0],)), Definition(to or name, query, (LISTS[1],)))


def created(name: str, query: str = BRNO) -> Item:
    """One that only the files have."""
    return Item(None, Definition(name, query))


def removed(name: str) -> Item:
    """One that a file says is to go."""
    return Item(Definition(name), None)


def kept(name: str) -> Item:
    """One that is as declared."""
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
        """How many requests that are no GET an apply sends at the least."""
        return sum(one.writes for one in self.items)

    @property
    def requests(self) -> int:
        """How many requests an apply sends at the least.

        The list, the definitions, one look before what is there is written to, the writes.
        """
        there = [one for one in self.items if one.was is not None]
        return 1 + len(there) + sum(one.writes > 0 for one in there) + self.writes

    def files(self) -> dict[str, str]:
        """The project."""
        found = {f"segments/{number:02}.yaml": one.file() for number, one in enumerate(self.items)}
        return found | {"segctl.yaml": f"version: 1\n{self.config}"}

    def populate(self, world: World) -> Witness:
        """Put the account into the state before; give who remembers it."""
        console = world.emulator.console
        long_ago = world.clock.now().timestamp() - A_DAY
        for number, list_id in enumerate(LISTS):
            console.add_list(f"List {number}", id=list_id)
        console.create("By hand", BRNO, id=_id(901), at=long_ago)
        console.create("Copy ~segctl-12345678", PRAGUE, id=_id(902), at=long_ago)
        console.seed_v1("From 2022", "city = 'Brno'", id=_id(903), at=long_ago)
        unmanaged = {one.id: one for one in world.segments()}
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
    """Let somebody have written a segment through the API a moment ago."""
    headers = {"Authorization": f"Bearer {KEY}", "Accept": "application/json"}
    found = next(one for one in world.segments() if one.id == segment_id)
    target = f"/v3/marketing/segments/2.0/{segment_id}"
    body = f'{{"name": "{found.name}"}}'.encode()
    assert world.emulator.handle("PATCH", target, headers, body).status == 200


def _id(number: int) -> str:
    return f"aaaaaaaa-0000-4000-8000-{number:012}"


@dataclass(frozen=True)
class Witness:
    """Remembers what was there, and says what may not be as it is now."""

    scenario: Scenario
    ids: dict[int, str]
    unmanaged: dict[str, Record]

    def watch(self, world: World) -> str:
        """Say what does not hold that must hold at every moment."""
        now = {one.id: one for one in world.segments()}
        for segment_id, one in self.unmanaged.items():
            if now.get(segment_id) != one:
                return f"unmanaged {one.name} was touched: {now.get(segment_id)}"
        new = [one for one in now.values() if one.id not in self.known()]
        names = sorted(one.name for one in new)
        wanted = {item.wants.name for item in self.scenario.items if item.wants and item.is_new}
        if not wanted.issuperset(names) or len(set(names)) != len(names):
            return f"doubled, or made what nobody declared: {names}"
        for number, item in enumerate(self.scenario.items):
            if item.was is None or item.wants is None or self.ids[number] in now:
                continue
            if not item.is_replaced:
                return f"lost: {item.was.name} (id {self.ids[number]})"
            if item.wants.name not in names:
                return f"both absent: {item.was.name}, which is replaced"
        return ""

    def known(self) -> set[str]:
        """The ids that were there before."""
        return {*self.ids.values(), *self.unmanaged}

    def end(self, world: World) -> str:
        """Say in what the account is not as declared."""
        now = {one.id: one for one in world.segments()}
        is_ = sorted(
            (one.name, one.query, one.parent_list_ids or ())
            for one in now.values()
            if one.id not in self.unmanaged
        )
        declared = [item.wants for item in self.scenario.items if item.wants is not None]
        want = sorted((one.name, one.query, one.parents) for one in declared)
        if is_ != want:
            return f"the account holds {is_}, declared is {want}"
        for number, item in enumerate(self.scenario.items):
            if item.was is None:
                continue
            here = now.get(self.ids[number])
            if item.wants is None or item.is_replaced:
                if here is not None:
                    return f"still there: {here.name}"
            elif here is None or here.name != item.wants.name:
                return f"{item.was.name} did not keep its id"
        return self.watch(world)


def mixed() -> tuple[Item, ...]:
    """Twenty segments, of every kind."""
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
