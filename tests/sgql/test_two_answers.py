"""The rules of SGQL and the translation's SQL in DuckDB agree on who is in an audience."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from segctl.audience.duckdb_engine import Engine
from segctl.audience.to_duckdb import translate as to_duckdb
from segctl.query.parser.parse import parse
from segctl.sgql.interpreter import differences, read_query
from segctl.sgql.parse import parse as parse_sgql
from segctl.sgql.predicates import uses_event
from segctl.sgql.to_v2 import Translation, translate
from tests.audience.worlds import COLUMNS

from . import worlds

if TYPE_CHECKING:
    from segctl.query.value_types import SqlBool
    from tests.audience.reference import Row, World

CONTACTS = 60
BATCH = 12
BATCHES = 40
pytest.importorskip("duckdb")


class Dataset:
    """A world in an engine, and the events by contact."""

    def __init__(self, seed: int) -> None:
        self.world: World = worlds.world(seed, CONTACTS)
        self.engine = Engine(COLUMNS)
        self.engine.fill(self.world.contacts, self.world.events)
        self.events: dict[str, list[Row]] = {}
        for event in self.world.events:
            self.events.setdefault(event["contact_id"], []).append(event)

    def truths(self, texts: list[str], parents: tuple[str, ...]) -> dict[str, dict[str, SqlBool]]:
        """Translate queries twice, and ask DuckDB all of them in one statement."""
        conditions = []
        for text in texts:
            upgraded = translate(text, parents, worlds.FIELDS)
            assert isinstance(upgraded, Translation), (text, upgraded)
            assert upgraded.parent_list_ids == parents
            made = to_duckdb(parse(upgraded.query), COLUMNS, upgraded.parent_list_ids)
            assert made.audience is not None, (text, upgraded.query, made.problems)
            conditions.append(made.audience.condition.sql)
        rows = self.engine.evaluate(conditions, self.world.now)
        return {
            text: {contact: row[number] for contact, row in rows.items()}
            for number, text in enumerate(texts)
        }


@pytest.fixture(scope="module")
def bases() -> list[Dataset]:
    return [Dataset(seed) for seed in range(5)]


def test_on_generated_queries_contacts_and_events(bases: list[Dataset]) -> None:
    pairs = 0
    chosen = 0

    @settings(
        max_examples=BATCHES,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(
        st.lists(worlds.queries, min_size=BATCH, max_size=BATCH, unique=True),
        st.sampled_from(bases),
        st.sampled_from([(), (), ("l-1",)]),
    )
    def agree(texts: list[str], base: Dataset, parents: tuple[str, ...]) -> None:
        nonlocal pairs, chosen
        for text, truths in base.truths(texts, parents).items():
            asked = read_query(text, parents, base.world.now)
            found = list(differences(asked, base.world.contacts, base.events, truths))
            assert not found, (text, found)
            condition = parse_sgql(text).condition
            assert condition is not None
            if not uses_event(condition):  # nothing is lost: NULL is not FALSE
                mine = {one["contact_id"]: asked.evaluate(one, ()) for one in base.world.contacts}
                assert mine == truths, text
            pairs += len(truths)
            chosen += sum(truth is True for truth in truths.values())

    agree()
    print(f"{pairs:,} pairs of a query and a contact agree, {chosen:,} of them selected")  # noqa: T201 - for the log
    assert pairs >= 10_000
    assert 0.1 < chosen / pairs < 0.9
