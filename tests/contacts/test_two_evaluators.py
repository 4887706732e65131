"""What a base counts is what the reference interpreter counts, whatever the format."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from segctl.audience.results import Counts
from segctl.contacts.counter import count_audiences
from segctl.contacts.dataset import open_dataset
from segctl.model import Segment
from segctl.query.catalogue import CONTACT_DATA, EVENT_DATA, ColumnType
from segctl.query.parser.parse import parse
from tests.audience import reference, worlds

from .support import as_csv, packed, parquet, pulled, tables, written

if TYPE_CHECKING:
    from pathlib import Path

FIELDS = {name: kind for name, kind in worlds.COLUMNS.types.items() if name not in CONTACT_DATA}
KINDS = ("csv", "gzip", "parquet", "pulled")


def files(folder: Path, kind: str, world: reference.World) -> tuple[Path, Path | None]:
    """Write a world in one of the formats."""
    people, happened = world.contacts, world.events
    columns = {**CONTACT_DATA, **FIELDS}
    match kind:
        case "csv":
            contacts = written(folder / "it's \"[1]*.csv", as_csv(people, columns))
            return contacts, written(folder / "e.csv", as_csv(happened, EVENT_DATA))
        case "gzip":
            contacts = packed(folder / "c.csv.gz", as_csv(people, columns))
            return contacts, packed(folder / "no-suffix", as_csv(happened, EVENT_DATA))
        case "parquet":
            base = tables(
                folder / "made",
                {"contact_data": (people, columns), "event_data": (happened, dict(EVENT_DATA))},
            )
            contacts = parquet(folder / "c.parquet", base, "contact_data")
            return contacts, parquet(folder / "e.parquet", base, "event_data")
        case _:
            return pulled(folder / "p.duckdb", people, happened, FIELDS), None


def as_read(world: reference.World, kind: str) -> reference.World:
    """Give a world as CSV can say it: an empty text is nothing, and no list is an empty one."""
    if kind not in {"csv", "gzip"}:
        return world
    lists = {name for name, one in CONTACT_DATA.items() if one is ColumnType.ARRAY}
    contacts: list[reference.Row] = [
        {name: [] if name in lists and not value else value or None if value == "" else value
         for name, value in contact.items()}
        for contact in world.contacts
    ]  # fmt: skip
    return reference.World(contacts, world.events, world.now)


def members(world: reference.World, segment: Segment) -> set[str]:
    query = parse(segment.query).query
    assert query is not None
    parents = segment.parent_list_ids
    return {
        one["contact_id"]
        for one in world.contacts
        if reference.is_member(query, one, world, parents)
    }


@pytest.mark.parametrize("kind", KINDS)
def test_on_generated_segments_and_contacts(tmp_path: Path, kind: str) -> None:
    compared = 0

    @settings(
        max_examples=6,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(
        st.lists(worlds.queries, min_size=6, max_size=6, unique=True),
        st.integers(0, 2**32),
        st.sampled_from([(), ("l-1", "l-9")]),
    )
    def agree(texts: list[str], seed: int, parents: tuple[str, ...]) -> None:
        nonlocal compared
        world = worlds.world(seed, 24)
        contacts, events = files(tmp_path, kind, world)
        seen = as_read(world, kind)
        some = [Segment(f"s{number}", text, parents) for number, text in enumerate(texts)]
        pairs = [(None, some[0]), *pairwise(some)]
        with open_dataset(contacts, events, fields=FIELDS, temp_root=tmp_path) as base:
            counted = count_audiences(base, pairs, world.now, overlap=True)
        assert counted.total == len(world.contacts)
        who = {one: members(seen, one) for one in some}
        for (before, after), found in zip(pairs, counted.results, strict=True):
            old, new = who[before] if before else set[str](), who[after]
            expected = Counts(len(old), len(new), len(new - old), len(old - new))
            assert found == expected, (before, after)
            compared += 1
        for one in counted.overlaps:
            first, second = (who[some[place]] for place in (one.first, one.second))
            shares = (len(first & second), len(first - second), len(second - first))
            assert (one.both, one.only_first, one.only_second) == shares
            compared += 1
        assert not [*tmp_path.glob("spill-*")]

    agree()
    assert compared >= 80


def test_names_of_files_are_no_patterns(tmp_path: Path) -> None:
    """The file itself is read, not every file that its name would match."""
    world = worlds.world(1, 3)
    contacts, events = files(tmp_path, "csv", world)
    written(tmp_path / "it's \"1-other.csv", "contact_id\nother\n")
    with open_dataset(contacts, events) as base:
        assert count_audiences(base, [], world.now).total == 3
