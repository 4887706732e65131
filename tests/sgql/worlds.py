"""Strategies for SGQL queries over the contacts and events of `tests.audience.worlds`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

from segctl.query.catalogue import CONTACT_DATA
from tests.audience import worlds

if TYPE_CHECKING:
    from tests.audience.reference import World

FIELDS = {name: type_ for name, type_ in worlds.COLUMNS.types.items() if name not in CONTACT_DATA}

_TEXTS = ("email", "country", "plan", "`Nick name`", "Plan", "COUNTRY")
_NUMBERS = ("total_spend", "`orders_count`")
_TIMES = ("last_order", "signed_up", "created_at")
_LISTS = ("list_ids", "email_domains")
_PATTERNS = (
    "", "%", "%%", "%%%", "p%", "%o", "50%%", "a_b", "%_%", "_ro", "%\\%", "%a%b%", "%!%", "%'%",
    "é",
)  # fmt: skip


def world(seed: int, size: int) -> World:
    """Return contacts and events, some without a contact, with data at the place of a campaign."""
    generated = worlds.world(seed, size)
    generated.events.extend([{**event, "contact_id": None} for event in generated.events[:10]])
    for event in generated.events:
        if event["data"]:
            event["data"] = {"payload": {"unique_args": event["data"]["payload"]}}
    return generated


def _quoted(value: str, mark: str) -> str:
    return mark + value.replace("\\", "\\\\").replace(mark, f"\\{mark}") + mark


_marks = st.sampled_from("'\"")
_texts = st.builds(_quoted, st.sampled_from(worlds.TEXTS), _marks)
_numbers = st.sampled_from(["0", "1", "3", "2.5", "500", "500.01"])
_operators = st.sampled_from(["=", "!=", "<>", "<", "<=", ">", ">="])
_nots = st.sampled_from(["", "NOT "])
_moments = st.one_of(
    st.just("NOW()"),
    st.builds(
        "(now() {} interval {} {})".format,
        st.sampled_from("+-"),
        st.sampled_from([0, 1, 2, 6, 13, 30, 180]),
        st.sampled_from(["second", "minutes", "HOUR", "day", "days", "month", "months", "year"]),
    ),
    st.sampled_from(
        ["'2026-03-01T00:00:00Z'", '"2026-03-31T14:30:00+02:00"', "'2024-02-29T00:00:00-00:00'",
         "TIMESTAMP '2026-03-31T12:30:00Z'", "TIMESTAMP '2026-02-28T06:30:00-06:00'"]
    ),
)  # fmt: skip


def _tests(
    operand: st.SearchStrategy[str], value: st.SearchStrategy[str]
) -> list[st.SearchStrategy[str]]:
    return [
        st.builds("{} {} {}".format, operand, _operators, value),
        st.builds("{} {}IN ({}, {})".format, operand, _nots, value, value),
        st.builds("{} {}BETWEEN {} AND {}".format, operand, _nots, value, value),
    ]


_text_values = st.one_of(
    st.sampled_from(_TEXTS),
    st.builds("LOWER({})".format, st.sampled_from(_TEXTS)),
    st.builds("CONCAT({}, {})".format, st.sampled_from(_TEXTS), _texts),
    st.builds("{} + {}".format, st.sampled_from(_TEXTS), st.sampled_from(_TEXTS)),
)
_sums = st.builds(
    "{} {} {} {} {} {} {} % 2".format,
    st.sampled_from(_NUMBERS), st.sampled_from("+-"), _numbers, st.sampled_from("+-*"),
    st.sampled_from(_NUMBERS), st.sampled_from("+-"), _numbers,
)  # fmt: skip
_number_values = st.one_of(
    st.sampled_from(_NUMBERS),
    st.builds("-{}".format, st.sampled_from(_NUMBERS)),
    st.builds("LENGTH({})".format, st.sampled_from(_TEXTS)),
    _sums,
)
_shifted = st.builds("{} - interval {} day".format, st.sampled_from(_TIMES), st.integers(0, 40))
_of_contact = st.one_of(
    *_tests(_text_values, _texts),
    *_tests(_number_values, _numbers),
    *_tests(st.sampled_from(_TIMES) | _shifted, _moments),
    st.builds(
        "{} {}LIKE {}".format, _text_values, _nots,
        st.builds(_quoted, st.sampled_from(_PATTERNS), _marks),
    ),
    st.builds("{} IS {}NULL".format, st.sampled_from((*_TEXTS, *_NUMBERS, *_TIMES)), _nots),
    st.builds(
        "{}CONTAINS({}, {})".format, _nots, st.sampled_from(_LISTS),
        st.builds(_quoted, st.sampled_from(worlds.LISTS), _marks),
    ),
    st.sampled_from(["TRUE", "CONTAINS(list_ids, 'l-1') = false"]),
)  # fmt: skip

_types = st.sampled_from(["'click'", "'open'", '"processed"'])
_of_type = st.one_of(
    st.builds("event_type {} {}".format, _operators, _types),
    st.builds("event_type {}IN ({}, {})".format, _nots, _types, _types),
    st.builds("(event_type = {} OR event_type = {})".format, _types, _types),
)
_campaign = "event_data.payload.unique_args.campaign"
_of_event = st.one_of(
    st.builds("event_source {} {}".format, st.sampled_from(["=", "!="]), st.just("'mail'")),
    st.builds("Event_Timestamp {} {}".format, _operators, _moments),
    st.builds("event_timestamp {}BETWEEN {} AND {}".format, _nots, _moments, _moments),
    st.builds("{} {} {}".format, st.just(_campaign), st.sampled_from(["=", "!="]), _texts),
    st.builds("LOWER({}) LIKE 'p%'".format, st.just(_campaign)),
    st.just("event_source IS NOT NULL"),
)
_event = st.builds(" AND ".join, st.tuples(_of_type, _of_event) | st.tuples(_of_type))
_group = _event.map("({})".format)


def _combined(atoms: st.SearchStrategy[str], leaves: int) -> st.SearchStrategy[str]:
    return st.recursive(
        atoms,
        lambda inner: st.one_of(
            st.lists(inner, min_size=2, max_size=3).map(
                lambda operands: f"({' AND '.join(operands)})"
            ),
            st.lists(inner, min_size=2, max_size=3).map(
                lambda operands: f"({' OR '.join(operands)})"
            ),
            st.builds("NOT ({})".format, inner),
        ),
        max_leaves=leaves,
    )


contact_queries = _combined(_of_contact, 5)
queries = st.one_of(
    contact_queries,
    _event,
    st.builds("{} AND {}".format, _event, contact_queries),
    st.builds("{} AND event_timestamp > signed_up".format, _event),
    _combined(_of_contact | _group | _group, 5),
    _combined(_group, 4),
)
