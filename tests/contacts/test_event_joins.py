"""Events compared with other events of the same contact: exact, without forming all pairs."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from segctl.audience.to_duckdb import translate
from segctl.contacts.count_query import CountQuery
from segctl.contacts.dataset import open_dataset
from segctl.query.parser.parse import parse
from tests.audience import reference, worlds

from .support import pulled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from segctl.contacts.dataset import Dataset

CONTACTS = 30
J2 = worlds.J2
J3 = J2.replace(" WHERE", " JOIN event_data e3 ON c.contact_id = e3.contact_id WHERE")


def world(seed: int) -> reference.World:
    """Return contacts with up to six events each, many of them at the same times."""
    random = Random(seed)  # noqa: S311 - test data
    made = worlds.world(seed, CONTACTS)
    events = []
    for contact in made.contacts:
        for _ in range(random.choice((0, 1, 2, 3, 4, 6))):
            event = dict(random.choice(made.events))
            event["contact_id"] = contact["contact_id"]
            if random.random() < 0.8:
                event["timestamp"] = worlds.NOW - timedelta(days=random.randrange(6))
            events.append(event)
    return reference.World(made.contacts, events, made.now)


@contextmanager
def dataset(folder: Path, made: reference.World) -> Iterator[Dataset]:
    path = pulled(folder / "p.duckdb", made.contacts, made.events, worlds.FIELDS)
    with open_dataset(path, is_pulled=True, fields=worlds.FIELDS, temp_root=folder) as opened:
        yield opened


def members(opened: Dataset, texts: Sequence[str], made: reference.World) -> list[set[str]]:
    """Return the members that DuckDB finds, by text; all are translated."""
    audiences = []
    for text in texts:
        translation = translate(parse(text), opened.columns, shared=True)
        assert translation.audience, (text, translation.problems)
        audiences.append(translation.audience)
    query = CountQuery(opened, audiences)
    measures = [query.measure(f"list(id) FILTER (WHERE {name})") for name in query.names]
    row = query.run(made.now)
    return [set(row[measure] or ()) for measure in measures]


def expected(text: str, made: reference.World) -> set[str]:
    query = parse(text).query
    assert query is not None
    by_contact: dict[str, list[reference.Row]] = {}
    for event in made.events:
        by_contact.setdefault(event["contact_id"], []).append(event)
    # Every event in these queries is joined to the contact.
    return {
        contact["contact_id"]
        for contact in made.contacts
        if reference.is_member(
            query,
            contact,
            reference.World([contact], by_contact.get(contact["contact_id"], []), made.now),
        )
    }


def agree(folder: Path, texts: Sequence[str], seed: int) -> None:
    made = world(seed)
    with dataset(folder, made) as opened:
        for text, found in zip(texts, members(opened, texts, made), strict=True):
            assert found == expected(text, made), text


_spans = st.sampled_from(["{}", "timestampadd(day, 2, {})", "({} - interval 1 day)"])
_orders = st.sampled_from(["<", "<=", ">", ">="])
_texts = st.sampled_from(["event_type", "event_source", "DATA:payload.campaign::varchar"])
_equalities = st.sampled_from(["=", "=", "IS NOT DISTINCT FROM"])
_inequalities = st.sampled_from(["!=", "IS DISTINCT FROM"])
_nots = st.sampled_from(["", "", "NOT "])
_truths = st.sampled_from(["{}", "{}", "({}) IS TRUE", "({}) IS NOT FALSE", "NOT (({}) IS FALSE)"])


def _event(alias: str) -> st.SearchStrategy[str]:
    return worlds.event_conditions(f"{alias}.")


def _time(alias: str) -> st.SearchStrategy[str]:
    return _spans.map(lambda span: span.format(f"{alias}.timestamp"))


def _pair(first: str, second: str) -> st.SearchStrategy[str]:
    """Return comparisons of two events that have a plan."""
    ordered = st.builds("{} {} {}".format, _time(first), _orders, _time(second))
    equal = st.builds(lambda text, op: f"{first}.{text} {op} {second}.{text}", _texts, _equalities)
    unequal = st.builds(
        lambda text, op: f"{first}.{text} {op} {second}.{text}", _texts, _inequalities
    )
    between = st.builds(
        "{}.timestamp BETWEEN {} AND {}".format, st.just(second), _time(first), _time(first)
    )
    both = st.builds("{} AND {}".format, equal, st.one_of(ordered, unequal, equal))
    nearest = st.builds(
        lambda text, rest: f"{first}.{text} = {second}.{text} AND {rest}",
        _texts, between,
    )  # fmt: skip
    single = st.one_of(ordered, equal, unequal, between)
    return st.one_of(
        single, both, nearest,
        st.builds(lambda part, negated: f"{negated}({part})", single, _nots),
        st.builds(lambda part, truth: truth.format(part), single, _truths),
        st.builds("({} OR {})".format, single, _event(first)),
    )  # fmt: skip


_two = st.builds("{} AND {} AND {}".format, _event("e"), _event("e2"), _pair("e", "e2"))
_three = st.builds("{} AND {} AND {}".format, _pair("e", "e2"), _pair("e2", "e3"), _event("e3"))
_with_contact = st.builds(
    "{} AND (e2.timestamp {} c.signed_up OR c.plan = 'pro') AND {}".format,
    _pair("e", "e2"), _orders, _event("e"),
)  # fmt: skip
compared = st.one_of(_two.map(J2.format), _three.map(J3.format), _with_contact.map(J2.format))


@pytest.mark.parametrize("number", range(4))
def test_on_generated_comparisons(tmp_path: Path, number: int) -> None:
    @settings(
        max_examples=10,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(st.lists(compared, min_size=8, max_size=8, unique=True), st.integers(0, 2**32))
    def check(texts: list[str], seed: int) -> None:
        agree(tmp_path, texts, seed)

    check()
