"""Events compared with other events of the same contact: exact, without forming all pairs."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from segctl.audience import duckdb_engine
from segctl.audience.duckdb_engine import Database, EvaluationFailed
from segctl.audience.to_duckdb import translate
from segctl.common.folder import Folder
from segctl.contacts.count_query import CountQuery
from segctl.contacts.dataset import open_dataset
from segctl.query.parser.parse import parse
from tests.audience import reference, transpiled, worlds

from .support import pulled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from segctl.contacts.dataset import Dataset

CONTACTS = 30
REFUSAL = "only all pairs of a contact's events could tell"
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
    with open_dataset(
        path, is_pulled=True, fields=worlds.FIELDS, temp_root=Folder(folder)
    ) as opened:
        yield opened


def members(
    opened: Dataset, texts: Sequence[str], made: reference.World
) -> dict[str, set[str] | str]:
    """Return the members that DuckDB finds, or why none are looked for, by text."""
    audiences = {}
    refused: dict[str, set[str] | str] = {}
    for text in texts:
        translation = translate(parse(text), opened.columns, shared=True)
        if translation.audience:
            audiences[text] = translation.audience
        else:
            refused[text] = translation.problems[0].message
    query = CountQuery(opened, [*audiences.values()])
    measures = [query.measure(f"list(id) FILTER (WHERE {name})") for name in query.names]
    row = query.run(made.now)
    found = (set(row[measure] or ()) for measure in measures)
    return refused | dict(zip(audiences, found, strict=True))


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


def agree(folder: Path, texts: Sequence[str], seed: int) -> int:
    """Compare the members of queries; return how many queries were translated."""
    made = world(seed)
    with dataset(folder, made) as opened:
        found = members(opened, texts, made)
    for text, ids in found.items():
        assert isinstance(ids, set) or REFUSAL in ids, (text, ids)
        if isinstance(ids, set):
            assert ids == expected(text, made), text
    with duckdb.connect(str(folder / "p.duckdb"), read_only=True) as base:

        def rows(sql: str) -> list[tuple[Any, ...]]:
            try:
                return base.execute(sql).fetchall()
            except duckdb.Error:
                raise EvaluationFailed("not in DuckDB") from None

        for text, ids in found.items():
            third = transpiled.members(rows, text, made)
            assert third in (ids, None) or isinstance(ids, str), text
    return sum(isinstance(ids, set) for ids in found.values())


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


def _single(first: str, second: str) -> st.SearchStrategy[str]:
    """Return one comparison of two events."""
    ordered = st.builds("{} {} {}".format, _time(first), _orders, _time(second))
    texts = st.builds(
        lambda text, op: f"{first}.{text} {op} {second}.{text}", _texts, _equalities | _inequalities
    )
    items = st.builds(
        "{}.timestamp {}IN ({}, {})".format, st.just(second), _nots, _time(first), _time(first)
    )
    return st.one_of(ordered, texts, items)


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
_later = st.builds("{} AND {}".format, _event("e2"), _pair("e", "e2"))
_about_an_event = st.one_of(
    st.builds(
        "{}EXISTS (SELECT 1 FROM event_data e2 WHERE e2.contact_id = c.contact_id AND {})".format,
        _nots, _later,
    ),
    st.builds(
        "c.contact_id {}IN (SELECT e2.contact_id FROM event_data e2 WHERE {})".format,
        _nots, _later,
    ),
    st.builds(
        "NOT EXISTS (SELECT 1 FROM event_data e2 JOIN event_data e3 ON e2.contact_id ="
        " e3.contact_id WHERE e2.contact_id = c.contact_id AND {} AND {})".format,
        _later, _pair("e2", "e3"),
    ),
    st.builds(
        "e.timestamp {} (SELECT MAX(e2.timestamp) FROM event_data e2"
        " WHERE e2.contact_id = c.contact_id AND {})".format,
        _orders, _event("e2"),
    ),
)  # fmt: skip
_nested = st.builds("{} AND {}".format, _event("e"), _about_an_event)
_inside = st.builds(
    "contact_id {}IN (SELECT e2.contact_id FROM event_data e JOIN event_data e2"
    " ON e.contact_id = e2.contact_id WHERE {} AND {})".format,
    _nots, _pair("e", "e2"), _event("e"),
).map(worlds.S.format)  # fmt: skip
compared = st.one_of(
    _two.map(J2.format),
    _three.map(J3.format),
    _with_contact.map(J2.format),
    _nested.map(worlds.J.format),
    _inside,
)
# Some of these compare two events by several values, and are refused.
mixed = worlds.conditions(st.one_of(_single("e", "e2"), worlds.of_event("e."))).map(J2.format)


@pytest.mark.parametrize("number", range(2))
@pytest.mark.parametrize(("queries", "translated"), [(compared, 80), (mixed, 40)])
def test_on_generated_comparisons(
    tmp_path: Path, number: int, queries: st.SearchStrategy[str], translated: int
) -> None:
    compared = 0

    @settings(
        max_examples=10,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @seed(number)
    @given(st.lists(queries, min_size=8, max_size=8, unique=True), st.integers(0, 2**32))
    def check(texts: list[str], seed: int) -> None:
        nonlocal compared
        compared += agree(tmp_path, texts, seed)

    check()
    assert compared >= translated


LAST = "SELECT MAX(e3.timestamp) FROM event_data e3 WHERE e3.contact_id = c.contact_id"
JOIN = " JOIN event_data e4 ON e3.contact_id = e4.contact_id WHERE"


@pytest.mark.parametrize(
    ("where", "place"),
    [
        (
            "e.timestamp < e2.timestamp AND e.event_type < e2.event_type",
            "e.timestamp < e2.timestamp",
        ),
        ("e.event_type || e2.event_type = 'x'", "e.event_type || e2.event_type = 'x'"),
        ("startswith(e.event_type, e2.event_type)", "startswith(e.event_type, e2.event_type)"),
        (f"e.timestamp > ({LAST} AND e3.timestamp < e2.timestamp)", "e3.timestamp < e2.timestamp"),
        (f"c.signed_up > ({LAST.replace(' WHERE', JOIN)})", "SELECT MAX"),
        (
            "EXISTS (SELECT 1 FROM event_data e3 WHERE e3.timestamp > c.signed_up)",
            "e3.timestamp > c.signed_up",
        ),
    ],
)
def test_what_needs_all_pairs_is_refused(where: str, place: str) -> None:
    text = J2.format(where)
    translation = translate(parse(text), worlds.COLUMNS, shared=True)
    assert translation.audience is None
    (problem,) = translation.problems
    assert problem.message.startswith(REFUSAL)
    assert text[problem.start : problem.end].startswith(place)
    assert translate(parse(text), worlds.COLUMNS).audience, "a few contacts can be paired"


def test_a_contact_with_very_many_events(tmp_path: Path) -> None:
    """All pairs of 200,000 events would take hours."""
    made = world(1)
    path = pulled(tmp_path / "p.duckdb", made.contacts, made.events, worlds.FIELDS)
    with duckdb.connect(str(path)) as base:
        base.execute(
            "INSERT INTO event_data (contact_id, event_source, event_type, timestamp)"
            " SELECT 'contact-0', 'mail', ['open', 'click'][i % 2 + 1],"
            " TIMESTAMP '2026-03-01' - INTERVAL (i % 1000) MINUTE FROM range(200000) AS t(i)"
        )
    texts = [
        J2.format("e.event_type = 'open' AND e2.event_type = 'click'"),
        J2.format("e.event_type = 'open' AND e2.timestamp > e.timestamp"),
        J2.format("e.event_type = e2.event_type AND e.timestamp > e2.timestamp"),
        J2.format("(e.event_type = 'open' OR e2.event_type = 'click')"),
        J2.format("e2.timestamp BETWEEN e.timestamp AND e.timestamp + interval 1 hour"),
        worlds.J.format(
            "NOT EXISTS (SELECT 1 FROM event_data e2 WHERE e2.contact_id = c.contact_id"
            " AND e2.timestamp > e.timestamp)"
        ),
    ]
    with open_dataset(
        path, is_pulled=True, fields=worlds.FIELDS, temp_root=Folder(tmp_path)
    ) as opened:
        found = members(opened, texts, made)
    assert [text for text in texts if "contact-0" not in found[text]] == []


def test_too_little_memory_is_reported_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(duckdb_engine._SETTINGS, "memory_limit", "20MB")
    database = Database(threads=1)
    with pytest.raises(EvaluationFailed, match="needs more memory"):
        database.rows("SELECT list(i) FROM range(10000000) AS t(i)")
