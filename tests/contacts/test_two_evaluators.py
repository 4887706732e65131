"""Counts equal those of the reference interpreter, in every file format."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from segctl.audience.results import Counts, Uncountable
from segctl.common.folder import Folder
from segctl.contacts.counter import count_audiences
from segctl.contacts.dataset import open_dataset
from segctl.model import Segment
from segctl.query.catalogue import CONTACT_DATA, EVENT_DATA, ColumnType
from segctl.query.parser.parse import parse
from tests.audience import reference, worlds
from tests.audience.reference_functions import FALLIBLE, Uncertain

from .support import as_csv, packed, parquet, pulled, tables, written

if TYPE_CHECKING:
    from pathlib import Path

FIELDS = {name: kind for name, kind in worlds.COLUMNS.types.items() if name not in CONTACT_DATA}
KINDS = ("csv", "gzip", "parquet", "pulled")


def files(folder: Path, kind: str, world: reference.World) -> tuple[Path, Path | None]:
    """Write a world as files of a format."""
    contact_rows, event_rows = world.contacts, world.events
    columns = {**CONTACT_DATA, **FIELDS}
    match kind:
        case "csv":
            contacts = written(folder / "it's \"[1]*.csv", as_csv(contact_rows, columns))
            return contacts, written(folder / "e.csv", as_csv(event_rows, EVENT_DATA))
        case "gzip":
            contacts = packed(folder / "c.csv.gz", as_csv(contact_rows, columns))
            return contacts, packed(folder / "no-suffix", as_csv(event_rows, EVENT_DATA))
        case "parquet":
            base = tables(
                folder / "made",
                {
                    "contact_data": (contact_rows, columns),
                    "event_data": (event_rows, dict(EVENT_DATA)),
                },
            )
            contacts = parquet(folder / "c.parquet", base, "contact_data")
            return contacts, parquet(folder / "e.parquet", base, "event_data")
        case _:
            return pulled(folder / "p.duckdb", contact_rows, event_rows, FIELDS), None


def as_read(world: reference.World, kind: str) -> reference.World:
    """Return a world as files represent it: an empty text is NULL, and a missing list is empty."""
    if kind == "pulled":
        return world
    lists = {name for name, column_type in CONTACT_DATA.items() if column_type is ColumnType.ARRAY}
    contacts: list[reference.Row] = [
        {name: [] if name in lists and not value else value or None if value == "" else value
         for name, value in contact.items()}
        for contact in world.contacts
    ]  # fmt: skip
    return reference.World(contacts, world.events, world.now)


def members(world: reference.World, segment: Segment) -> set[str] | None:
    """Return who is in a segment; `None` where that is uncertain for some contact."""
    query = parse(segment.query).query
    assert query is not None
    parents = segment.parent_list_ids
    try:
        return {
            contact["contact_id"]
            for contact in world.contacts
            if reference.is_member(query, contact, world, parents)
        }
    except Uncertain:
        return None


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
        chosen = [Segment(f"s{number}", text, parents) for number, text in enumerate(texts)]
        pairs = [(None, chosen[0]), *pairwise(chosen)]
        is_pulled = kind == "pulled"
        with open_dataset(
            contacts, events, is_pulled=is_pulled, fields=FIELDS, temp_root=Folder(tmp_path)
        ) as dataset:
            counted = count_audiences(dataset, pairs, world.now, overlap=True)
        assert counted.total == len(world.contacts)
        members_of = {segment: members(seen, segment) for segment in chosen}
        for (before, after), counts in zip(pairs, counted.results, strict=True):
            old, new = members_of[before] if before else set[str](), members_of[after]
            if isinstance(counts, Uncountable):
                used = after.query + (before.query if before else "")
                assert FALLIBLE.search(used), (before, after, counts)
                continue
            assert old is not None
            assert new is not None
            expected = Counts(len(old), len(new), len(new - old), len(old - new))
            assert counts == expected, (before, after)
            compared += 1
        for overlap in counted.overlaps:
            first, second = (
                members_of[chosen[place]] or set() for place in (overlap.first, overlap.second)
            )
            shares = (len(first & second), len(first - second), len(second - first))
            assert (overlap.both, overlap.only_first, overlap.only_second) == shares
            compared += 1
        assert not [*tmp_path.glob("spill-*")]

    agree()
    assert compared >= 80


def test_file_names_are_not_patterns(tmp_path: Path) -> None:
    """Only the file itself is read, not every file that its name matches."""
    world = worlds.world(1, 3)
    contacts, events = files(tmp_path, "csv", world)
    written(tmp_path / "it's \"1-other.csv", "contact_id\nother\n")
    with open_dataset(contacts, events) as dataset:
        assert count_audiences(dataset, [], world.now).total == 3
