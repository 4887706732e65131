"""A sentence, read back without the query, says exactly who is in the audience of the query."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from segctl.query.explain import explain_lines
from segctl.query.parser.parse import parse
from tests.audience import reference, worlds
from tests.audience.reference_functions import Uncertain

from .sentence_reader import read_sentence
from .sentence_values import literal

if TYPE_CHECKING:
    from segctl.query.explain import ExplanationLine

CONTACTS = 16
NAMES = (
    "Bob", "bob", "Bob ", " Bob", "Bob  B", "Bob B", "Bob\t", "Bob\n", "Bob\u00a0B", "or", "is", "",
    "a” or “b", "a", "b", "Zürich", "Zu\u0308rich", "back\\slash", "10", "2024-02-29", "␣", "`",
)  # fmt: skip
SINGLE_SENDS = ("one", "two", "two three")
FIELDS = {
    "e-mail address": "email",
    "first name": "first_name",
    "last name": "last_name",
    "country": "country",
    "plan": "plan",
    "Nick name": '"Nick name"',
    "total spend": "total_spend",
    "orders count": "orders_count",
    "last order": "last_order",
    "“signed up”": "signed_up",
    "time of creation": "created_at",
    "time of the last update": "updated_at",
    "lists": "list_ids",
    "e-mail domains": "email_domains",
}
MASKED = {"x…@example.com": "x@example.com"}


def world(seed: int) -> reference.World:
    """Return a world in which nothing happened in the future, or a whole span of time ago.

    Now is not the exact end of a span: sentences do not say whether that instant counts.
    """
    now, random = worlds.NOW + timedelta(microseconds=3), Random(seed)  # noqa: S311 - test data
    generated = worlds.world(seed, CONTACTS)
    contacts, events = generated.contacts, generated.events
    for contact in contacts:
        for name in ("first_name", "last_name"):
            contact[name] = random.choice((*NAMES, None))
    for event in events:
        if event["data"]:
            arguments = {"singlesend_id": random.choice(SINGLE_SENDS), "to": random.choice(NAMES)}
            event["data"]["payload"]["unique_args"] = arguments
    for rows, column in ((contacts, "created_at"), (events, "timestamp")):
        for row in rows:
            row[column] = min(row[column], worlds.NOW) if row[column] else None
    return reference.World(contacts, events, now)


def sentence(text: str) -> tuple[ExplanationLine, ...]:
    query = parse(text).query
    assert query, parse(text).problems
    return explain_lines(query, fields=worlds.COLUMNS.types)


def check(text: str, world: reference.World) -> None:
    query, lines = parse(text).query, sentence(text)
    said = read_sentence(lines, FIELDS, MASKED)
    read_back = parse(said)
    assert query
    assert read_back.query, (said, read_back.problems)
    for contact in world.contacts:
        try:
            expected = reference.is_member(query, contact, world)
            is_member = reference.is_member(read_back.query, contact, world)
        except Uncertain:
            continue
        assert is_member == expected, (text, lines, said, contact)


names = st.sampled_from(NAMES).map(literal)
single_sends = st.sampled_from(SINGLE_SENDS).map(literal)
_operators = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])
_not = st.sampled_from(["", "NOT "])
_columns = st.sampled_from(["first_name", "last_name", "plan"])
_patterns = st.builds("{}{}{}".format, st.sampled_from(["", "%"]), st.sampled_from(NAMES),
                      st.sampled_from(["", "%"])).map(literal)  # fmt: skip


def of_contact(alias: str) -> st.SearchStrategy[str]:
    columns = _columns.map(lambda name: f"{alias}{name}")
    return st.one_of(
        st.builds("{} {} {}".format, columns, _operators, st.one_of(names, columns)),
        st.builds("{} {}IN ({}, {}, {})".format, columns, _not, names, names, names),
        st.builds("{} {}LIKE {}".format, columns, _not, _patterns),
        st.builds("{} {}BETWEEN {} AND {}".format, columns, _not, names, names),
        st.builds("lower({}) = {}".format, columns, names.map(str.lower)),
        st.builds("lower({}) {}IN ({}, 'bob')".format, columns, _not, names),
        st.builds("COALESCE({}, {}) = {}".format, columns, names, names),
        st.builds("{} || {} != {}".format, columns, columns, names),
        st.builds("{}orders_count % {} = 0".format, st.just(alias), st.sampled_from("125")),
        st.builds("{}last_order {} {}signed_up".format, st.just(alias), _operators, st.just(alias)),
    )


def of_event(alias: str, other: str) -> st.SearchStrategy[str]:
    argument = st.just(f"{alias}DATA:payload.unique_args.to")
    return st.one_of(
        st.builds("{}event_type = {}".format, st.just(alias),
                  st.sampled_from(["'click'", "'open'", "'processed'", "'bounce'"])),
        st.builds("{}event_source = {}".format, st.just(alias), st.sampled_from(["'mail'", "'x'"])),
        st.builds("{}DATA:payload.unique_args.singlesend_id = {}".format, st.just(alias),
                  single_sends),
        st.builds("{} {} {}".format, argument, st.sampled_from(["=", "!="]), names),
        st.builds("{}timestamp {} {}".format, st.just(alias), _operators, st.just(other)),
        st.builds("{}timestamp {} {}".format, st.just(alias), _operators, worlds.moments),
    )  # fmt: skip


def every(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(parts, min_size=1, max_size=4).map(" AND ".join)


_event = every(of_event("e.", "c.last_order"))
_subquery = st.builds(
    "{}EXISTS (SELECT 1 FROM event_data e WHERE e.contact_id = c.contact_id AND {})".format, _not,
    _event,
) | st.builds(
    "c.contact_id {}IN (SELECT e.contact_id FROM event_data e WHERE {})".format, _not,
    every(of_event("e.", "now() - 30 days")),
)  # fmt: skip
_select = "SELECT c.contact_id, c.updated_at FROM contact_data c WHERE {}".format
_two_events = every(of_event("e.", "c.last_order") | of_event("e2.", "e.timestamp"))
queries = st.one_of(
    worlds.conditions(of_contact("c.")).map(_select),
    worlds.conditions(of_contact("c.") | _subquery).map(_select),
    st.builds("{} AND {}".format, of_contact("c."), _event).map(worlds.J.format),
    worlds.conditions(of_event("e.", "c.last_order")).map(worlds.J.format),
    _two_events.map(worlds.J2.format),
    worlds.conditions(of_event("e.", "c.last_order") | of_event("e2.", "e.timestamp"))
    .map(worlds.J2.format),
)  # fmt: skip
CHECKS = settings(
    max_examples=250, deadline=None, phases=(Phase.generate, Phase.shrink), database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


@CHECKS
@given(worlds.queries, st.integers(0, 2**32))
def test_a_sentence_read_back_selects_the_same_contacts(text: str, seed: int) -> None:
    check(text, world(seed))


@CHECKS
@given(queries, st.integers(0, 2**32))
def test_blanks_single_sends_and_several_events_are_read_back(text: str, seed: int) -> None:
    check(text, world(seed))
