"""The interpreter of SGQL and the translation in DuckDB select the same contacts."""

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
    """A world in an engine, with the events by contact."""

    def __init__(self, seed: int) -> None:
        self.world: World = worlds.world(seed, CONTACTS)
        self.engine = Engine(COLUMNS)
        self.engine.fill(self.world.contacts, self.world.events)
        self.events: dict[str, list[Row]] = {}
        for event in self.world.events:
            self.events.setdefault(event["contact_id"], []).append(event)

    def evaluate(self, texts: list[str], parents: tuple[str, ...]) -> dict[str, dict[str, SqlBool]]:
        """Return the value of each query for each contact, from DuckDB in one statement."""
        conditions = []
        for text in texts:
            translation = translate(text, parents, worlds.FIELDS)
            assert isinstance(translation, Translation), (text, translation)
            assert translation.parent_list_ids == parents
            result = to_duckdb(parse(translation.query), COLUMNS, translation.parent_list_ids)
            assert result.audience is not None, (text, translation.query, result.problems)
            conditions.append(result.audience.condition.sql)
        rows = self.engine.evaluate(conditions, self.world.now)
        return {
            text: {contact: row[number] for contact, row in rows.items()}
            for number, text in enumerate(texts)
        }


@pytest.fixture(scope="module")
def datasets() -> list[Dataset]:
    return [Dataset(seed) for seed in range(5)]


def test_on_generated_queries_contacts_and_events(datasets: list[Dataset]) -> None:
    pairs = 0
    selected = 0

    @settings(
        max_examples=BATCHES,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(
        st.lists(worlds.queries, min_size=BATCH, max_size=BATCH, unique=True),
        st.sampled_from(datasets),
        st.sampled_from([(), (), ("l-1",)]),
    )
    def agree(texts: list[str], dataset: Dataset, parents: tuple[str, ...]) -> None:
        nonlocal pairs, selected
        for text, values in dataset.evaluate(texts, parents).items():
            sgql = read_query(text, parents, dataset.world.now)
            differing = list(differences(sgql, dataset.world.contacts, dataset.events, values))
            assert not differing, (text, differing)
            condition = parse_sgql(text).condition
            assert condition is not None
            if not uses_event(condition):  # NULL and FALSE are told apart too
                contacts = dataset.world.contacts
                own = {contact["contact_id"]: sgql.evaluate(contact, ()) for contact in contacts}
                assert own == values, text
            pairs += len(values)
            selected += sum(value is True for value in values.values())

    agree()
    print(f"{pairs:,} pairs of a query and a contact agree, {selected:,} of them selected")  # noqa: T201 - for the log
    assert pairs >= 10_000
    assert 0.1 < selected / pairs < 0.9
