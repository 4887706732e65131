"""Random contacts, events and queries whose conditions are often met or just missed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from segctl.audience.scope import Columns
from segctl.query.catalogue import ColumnType

from . import function_queries
from .reference import World

if TYPE_CHECKING:
    from .reference import Row

NOW = datetime(2026, 3, 31, 12, 30, tzinfo=UTC)
FIELDS = {
    "plan": ColumnType.VARCHAR,
    "Nick name": ColumnType.VARCHAR,
    "total_spend": ColumnType.NUMBER,
    "orders_count": ColumnType.NUMBER,
    "last_order": ColumnType.TIMESTAMP,
    "signed_up": ColumnType.TIMESTAMP,
}
COLUMNS = Columns(FIELDS)
TEXTS = (
    "", "pro", "Pro", "50%", "a_b", "it's", " pro ", "Weiß", "\tp", 'say "vip"', "é", "back\\slash",
    "x@example.com",
)  # fmt: skip
NUMBERS = tuple(map(Decimal, ("0", "-1", "1", "2.5", "3", "500", "500.01", "0.000000001")))
TIMES = (
    NOW,
    *(NOW - timedelta(days=days) for days in (1, 14, 28, 30, 31, 180, 365)),
    NOW + timedelta(seconds=1),
    NOW - timedelta(hours=1, microseconds=1),
    datetime(2024, 2, 29, tzinfo=UTC),
    datetime(2026, 2, 28, 12, 30, tzinfo=UTC),
)
LISTS = ("l-1", "L-2", "l-3")
KEYS = ("campaign", "Odd key")
TEXT_COLUMNS = ("email", "country", "plan", '"Nick name"')
NUMBER_COLUMNS = ("total_spend", "orders_count")
TIME_COLUMNS = ("last_order", "signed_up", "created_at")
LIST_COLUMNS = ("list_ids", "email_domains")


def world(seed: int, size: int, now: datetime = NOW) -> World:
    random = Random(seed)  # noqa: S311 - test data

    def perhaps(choices: tuple[Any, ...]) -> Any:
        return random.choice(choices) if random.random() < 0.8 else None

    contacts: list[Row] = []
    events: list[Row] = []
    for number in range(size):
        contact: Row = {"contact_id": f"contact-{number}"}
        for columns, values in (
            (TEXT_COLUMNS, TEXTS), (NUMBER_COLUMNS, NUMBERS), (TIME_COLUMNS, TIMES),
        ):  # fmt: skip
            contact.update({name.strip('"'): perhaps(values) for name in columns})
        for name in LIST_COLUMNS:
            lists = [name for name in LISTS if random.random() < 0.4]
            contact[name] = lists if random.random() < 0.9 else None
        contacts.append(contact)
        for _ in range(random.choice((0, 0, 1, 2))):
            data = {"payload": {key: random.choice(TEXTS) for key in KEYS if random.random() < 0.7}}
            events.append(
                {
                    "contact_id": contact["contact_id"],
                    "event_source": perhaps(("mail", "automation")),
                    "event_type": perhaps(("click", "open", "processed")),
                    "timestamp": perhaps(TIMES),
                    "data": data if random.random() < 0.8 else None,
                }
            )
    return World(contacts, events, now)


def _text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


text_literals = st.sampled_from(TEXTS).map(_text)
number_literals = st.sampled_from(NUMBERS).map(lambda number: f"{number:f}")
_units = st.sampled_from(
    ["second", "minutes", "HOUR", "day", "days", "week", "month", "months", "quarter", "year"]
)
_amounts = st.sampled_from([0, 1, 2, 6, 13, 30, 180])
moments = st.one_of(
    st.just("CURRENT_TIMESTAMP"),
    st.builds("timestampadd({}, -{}, CURRENT_TIMESTAMP)".format, _units, _amounts),
    st.builds("timestampadd({}, {}, now())".format, _units, _amounts),
    st.builds("now() - {} {}".format, _amounts, _units),
    st.builds("now() - interval {} {}".format, _amounts, _units),
    st.builds("now() + interval '{} {}'".format, _amounts, _units),
    st.builds("now() - interval '{}' {}".format, _amounts, _units),
    st.builds("timestampadd({}, {}, signed_up)".format, _units, _amounts),
    st.sampled_from(
        ["'2026-03-01T00:00:00Z'", "'2026-03-31T14:30:00+02:00'", "'2024-02-29'",
         "'2026-02-28 12:30:00Z'", "TIMESTAMP '2026-03-31T12:30:00Z'"]
    ),
)  # fmt: skip
_operators = st.sampled_from(["=", "!=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM"])
_nots = st.sampled_from(["", "NOT "])


def _column(names: tuple[str, ...], alias: str) -> st.SearchStrategy[str]:
    return st.sampled_from(names).map(lambda name: f"{alias}{name}")


def _atoms(
    texts: st.SearchStrategy[str], numbers: st.SearchStrategy[str], times: st.SearchStrategy[str]
) -> st.SearchStrategy[str]:
    null = st.just("NULL")
    patterns = st.sampled_from(
        ["'%'", "'p%'", "'%@example.com'", "'_ro'", "'a!_b' ESCAPE '!'", "'50x%' ESCAPE 'x'",
         "'%\\\"vip\\\"%'", "''"]
    )  # fmt: skip
    whole = [
        (texts, text_literals),
        (times, moments.filter(lambda moment: "signed_up" not in moment)),
    ]
    parts = [
        st.builds("{} {}LIKE {}".format, texts, _nots, patterns),
        st.builds("{} IS {}NULL".format, st.one_of(texts, times), _nots),
    ]
    for column, value in whole:
        parts.append(st.builds("{} {} {}".format, column, _operators, st.one_of(value, null)))
        parts.append(st.builds("{} {}IN ({}, {})".format, column, _nots, value, value | null))
        parts.append(st.builds("{} {}BETWEEN {} AND {}".format, column, _nots, value, value))
    sums = st.builds("({} {} {})".format, numbers, st.sampled_from("+-*"), number_literals)
    amounts = st.one_of(
        numbers, number_literals, sums, st.builds("-{}".format, numbers), null,
        st.builds("{} % 2".format, numbers), st.builds("COALESCE({}, 1)".format, numbers),
    )  # fmt: skip
    parts += [
        st.builds("{} {} {}".format, amounts, _operators, amounts),
        st.builds("{} {}IN ({}, {})".format, numbers, _nots, number_literals, amounts),
        st.builds(
            "CASE WHEN {} > {} THEN {} ELSE {} END = {}".format,
            numbers, number_literals, texts, texts, text_literals,
        ),
        st.builds("lower({}) || 'x' = {} || 'x'".format, texts, text_literals),
        st.builds("startswith({}, {})".format, texts, text_literals),
    ]  # fmt: skip
    return st.one_of(parts)


def conditions(atoms: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Return combinations of conditions with AND, OR, NOT and IS."""
    return st.recursive(
        atoms,
        lambda inner: st.one_of(
            st.builds("({} AND {})".format, inner, inner),
            st.builds("({} OR {})".format, inner, inner),
            st.builds("NOT ({})".format, inner),
            st.builds(
                "({}) IS {}{}".format, inner, _nots, st.sampled_from(["TRUE", "FALSE"])
            ),
        ),
        max_leaves=5,
    )  # fmt: skip


def _of_contact(alias: str) -> st.SearchStrategy[str]:
    plain = _atoms(
        _column(TEXT_COLUMNS, alias), _column(NUMBER_COLUMNS, alias), _column(TIME_COLUMNS, alias)
    )
    items = st.lists(st.sampled_from(LISTS), min_size=1, max_size=3).map(
        lambda names: "[" + ", ".join(map(_text, names)) + "]"
    )
    # The ids of lists compare in any case, other lists exactly.
    items = st.builds(lambda text, spell: spell(text), items, st.sampled_from([str, str.upper]))
    contains = st.builds(
        "{}array_contains({}, {})".format, _nots, _column(LIST_COLUMNS, alias),
        st.one_of(items, st.sampled_from(LISTS).map(_text)),
    )  # fmt: skip
    size = st.builds(
        "array_size({}) {} {}".format, _column(LIST_COLUMNS, alias), _operators, st.integers(0, 3)
    )
    overlaps = st.builds(
        "{}ARRAYS_OVERLAP({}, {})".format, _nots, _column(LIST_COLUMNS, alias),
        st.one_of(items, items.map(lambda text: f"array_construct({text[1:-1]})"), st.just("[]")),
    )  # fmt: skip
    computed = function_queries.conditions(
        _column(TEXT_COLUMNS, alias), text_literals,
        _column(NUMBER_COLUMNS, alias), number_literals, _column(TIME_COLUMNS, alias),
    )  # fmt: skip
    return st.one_of(plain, plain, plain, computed, computed, contains, overlaps, size)


def of_event(alias: str) -> st.SearchStrategy[str]:
    """Return one condition on one event."""
    texts = _column(("event_source", "event_type"), alias)
    inside = st.sampled_from(["campaign", '"Odd key"', "absent"]).map(
        lambda key: f"{alias}DATA:payload.{key}"
    )
    kinds = st.sampled_from(["'mail'", "'click'", "'open'", "'processed'", "NULL"])
    times = _column(("timestamp",), alias)
    since = moments.filter(lambda moment: "signed_up" not in moment)
    return st.one_of(
        st.builds("{} {} {}".format, texts, _operators, kinds),
        st.builds("{} {}IN ({}, {})".format, texts, _nots, kinds, kinds),
        st.builds("{} {} {}".format, times, _operators, since),
        st.builds("{} {} {}".format, inside, st.sampled_from(["=", "!="]), text_literals),
        st.builds("{} IS {}NULL".format, inside, _nots),
    )


def event_conditions(alias: str) -> st.SearchStrategy[str]:
    """Return conditions on one event."""
    return conditions(of_event(alias))


_event_conditions = event_conditions("e.")
_subqueries = st.one_of(
    st.builds(
        "contact_id {}IN (SELECT e.contact_id FROM event_data e WHERE {})".format,
        _nots, _event_conditions,
    ),
    st.builds(
        "{}EXISTS (SELECT 1 FROM event_data e WHERE e.contact_id = contact_data.contact_id"
        " AND {})".format,
        _nots, _event_conditions,
    ),
    st.builds(
        "event_type_of {}IN (SELECT e.event_type FROM event_data e WHERE {})".format,
        _nots, _event_conditions,
    ).map(lambda text: text.replace("event_type_of", "country")),
    st.builds(
        "signed_up {} (SELECT MAX(e.timestamp) FROM event_data e WHERE {})".format,
        _operators, _event_conditions,
    ),
)  # fmt: skip
S = "SELECT contact_id, updated_at FROM contact_data WHERE {}"
J = (
    "SELECT c.contact_id, c.updated_at FROM contact_data c"
    " JOIN event_data e ON c.contact_id = e.contact_id WHERE {}"
)
J2 = J.replace(" WHERE", " JOIN event_data e2 ON c.contact_id = e2.contact_id WHERE")
B = (
    "SELECT contact_id, updated_at FROM contact_data c"
    " INNER JOIN event_data e ON contact_id WHERE {}"
)
B2 = B.replace(" WHERE", " JOIN event_data e2 ON contact_id WHERE")
plain_queries = conditions(_of_contact("")).map(S.format)
queries = st.one_of(
    plain_queries,
    conditions(_of_contact("") | _subqueries).map(S.format),
    conditions(_of_contact("c.") | of_event("e.")).map(J.format),
    st.builds("{} AND {}".format, _of_contact("c."), _event_conditions).map(J.format),
    conditions(of_event("e.") | of_event("e2.")).map(J2.format),
    conditions(_of_contact("c.") | of_event("e.")).map(B.format),
    conditions(of_event("e.") | of_event("e2.")).map(B2.format),
)
