"""JSON of every shape: what is accepted, what is refused, and that nothing reads as missing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segctl.errors import UnexpectedResponse
from segctl.model import Remote, Validation
from segctl.sendgrid import wire, wire_related

from .support import segment_json

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
FIELDS = [
    "id",
    "name",
    "query_dsl",
    "query_version",
    "parent_list_ids",
    "parent_list_id",
    "contacts_count",
    "created_at",
    "updated_at",
    "sample_updated_at",
    "next_sample_update",
    "status",
    "refreshes_used",
    "max_refreshes",
]


def test_every_field_is_read() -> None:
    read = wire.remote(
        {
            "id": "a",
            "name": "N",
            "query_dsl": " SELECT 1\r\n",
            "query_version": "2",
            "parent_list_ids": ["p"],
            "contacts_count": 7,
            "contacts_sample": [{"email": "a@b.test"}],
            "created_at": "2026-07-15T16:04:33Z",
            "updated_at": "2026-07-15T16:04:34Z",
            "sample_updated_at": "2026-07-15T16:04:35Z",
            "next_sample_update": "2026-07-15T16:04:36Z",
            "status": {"query_validation": "INVALID", "error_message": "no such column"},
            "refreshes_used": 1,
            "max_refreshes": 2,
            "last_refreshed_at": "2026-07-15T16:04:37Z",
            "identifier_counts": {"email": 7},
        },
        "read",
    )
    assert read == Remote(
        id="a",
        name="N",
        query=" SELECT 1\r\n",
        query_version="2",
        parent_list_ids=("p",),
        contacts_count=7,
        created_at="2026-07-15T16:04:33Z",
        updated_at="2026-07-15T16:04:34Z",
        sample_updated_at="2026-07-15T16:04:35Z",
        next_sample_update="2026-07-15T16:04:36Z",
        validation=Validation.INVALID,
        validation_error="no such column",
        refreshes_used=1,
        max_refreshes=2,
        last_refreshed_at="2026-07-15T16:04:37Z",
    )
    assert "a@b.test" not in repr(read)


@pytest.mark.parametrize("value", [None, "", 0.5, True, [], {}, [{}]])
def test_fields_that_only_inform_may_be_anything(value: Any) -> None:
    odd = dict.fromkeys(FIELDS, value) | {"id": "a", "name": "N", "parent_list_ids": None}
    odd["parent_list_id"] = None
    read = wire.remote(odd, "read")
    assert (read.contacts_count, read.updated_at, read.query) == (None, None, None)
    assert read.validation is Validation.UNKNOWN
    assert read.is_v1


def test_a_segment_is_its_id_and_its_name() -> None:
    assert wire.remote({"id": "a", "name": ""}, "read") == Remote("a", "", query_version=None)


@pytest.mark.parametrize(
    ("version", "is_v1"),
    [
        ("2", False),
        (2, False),
        (2.0, False),
        ("1", True),
        (1, True),
        ("", True),
        (None, True),
        (0, True),
        ("2.0", True),
        ("3", True),
        (True, True),
        ([2], True),
    ],
)
def test_the_version_marks_v1_segments(version: Any, is_v1: bool) -> None:
    assert wire.remote(segment_json(query_version=version), "read").is_v1 is is_v1


def test_a_segment_without_a_version_is_v1() -> None:
    data = segment_json()
    del data["query_version"]
    assert wire.remote(data, "read").is_v1


@pytest.mark.parametrize(
    ("fields", "parents"),
    [
        ({}, ()),
        ({"parent_list_ids": None}, ()),
        ({"parent_list_ids": []}, ()),
        ({"parent_list_ids": ""}, ()),
        ({"parent_list_ids": ["", None]}, ()),
        ({"parent_list_ids": ["a", "b"]}, ("a", "b")),
        ({"parent_list_ids": None, "parent_list_id": "a"}, ("a",)),
        ({"parent_list_ids": [], "parent_list_id": "a"}, ("a",)),
        ({"parent_list_ids": ["a"], "parent_list_id": "a"}, ("a",)),
        ({"parent_list_id": ""}, ()),
    ],
)
def test_parent_lists_are_read(fields: dict[str, Any], parents: tuple[str, ...]) -> None:
    assert wire.remote({"id": "a", "name": "N", **fields}, "read").parent_list_ids == parents


@pytest.mark.parametrize("value", [[1], ["a", 1], [["a"]], {"id": "a"}, "a", 7, True, [False]])
def test_unreadable_parent_lists_are_refused(value: Any) -> None:
    with pytest.raises(UnexpectedResponse, match="parent lists") as caught:
        wire.remote({"id": "a", "name": "N", "parent_list_ids": value}, "read it")
    assert caught.value.message.startswith("could not read it: the response is unusable")
    assert not caught.value.ambiguous


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "x",
        7,
        {},
        {"id": "a"},
        {"name": "N"},
        {"id": "", "name": "N"},
        {"id": None, "name": "N"},
        {"id": 7, "name": "N"},
        {"id": "a", "name": None},
        {"id": "a", "name": 7},
        {"results": [{"id": "a", "name": "N"}]},
    ],
)
def test_an_invalid_segment_is_refused(data: Any) -> None:
    with pytest.raises(UnexpectedResponse, match="no id or no name") as caught:
        wire.remote(data, "create it", written=True)
    assert caught.value.ambiguous


@pytest.mark.parametrize("query", [None, "", 7, []])
def test_a_definition_has_a_query(query: Any) -> None:
    with pytest.raises(UnexpectedResponse, match="has no query"):
        wire.definition(segment_json(query_dsl=query), "read")


@pytest.mark.parametrize("number", [7, 7.0])
def test_a_whole_count_is_read(number: float) -> None:
    assert wire.remote(segment_json(contacts_count=number), "read").contacts_count == 7


@pytest.mark.parametrize("number", ["7", 7.5, True, float("inf"), float("nan"), None, [7]])
def test_an_invalid_count_is_ignored(number: Any) -> None:
    assert wire.remote(segment_json(contacts_count=number), "read").contacts_count is None


@pytest.mark.parametrize(
    ("status", "validation"),
    [
        ({"query_validation": "VALID"}, Validation.VALID),
        ({"query_validation": "pending"}, Validation.PENDING),
        ({"query_validation": "BROKEN"}, Validation.UNKNOWN),
        ({"query_validation": None}, Validation.UNKNOWN),
        ({}, Validation.UNKNOWN),
        ("VALID", Validation.UNKNOWN),
        (None, Validation.UNKNOWN),
    ],
)
def test_the_validation_is_read(status: Any, validation: Validation) -> None:
    assert wire.remote(segment_json(status=status), "read").validation is validation


@pytest.mark.parametrize(
    "data", [None, [], {}, "x", 7, {"results": None}, {"results": {}}, {"result": []}, [{"id": 1}]]
)
def test_a_list_without_results_is_refused(data: Any) -> None:
    with pytest.raises(
        UnexpectedResponse, match="it is empty" if data is None else "it has no list `results`"
    ) as caught:
        wire.items(data, "results", "list")
    assert "run the command again" in caught.value.hint


@settings(max_examples=60)
@given(JSON)
def test_no_json_crashes_the_reader(data: Any) -> None:
    for read in (wire.remote, wire.definition, wire_related.contact_list, wire_related.fields):
        try:
            read(data, "read")
        except UnexpectedResponse:
            continue
    wire.next_page(data)


@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_a_segment_is_read_or_refused(data: dict[str, Any]) -> None:
    try:
        read = wire.remote(data, "read")
    except UnexpectedResponse:
        return
    assert (read.id, read.name) == (data["id"], data["name"])
    assert all(read.parent_list_ids)


@pytest.mark.parametrize(
    ("send_to", "ids"),
    [
        (None, ()),
        ({}, ()),
        ({"segment_ids": None}, ()),
        ({"segment_ids": ["a", "b"], "all": True}, ("a", "b")),
    ],
)
def test_a_single_send_has_its_segments(send_to: Any, ids: tuple[str, ...]) -> None:
    read = wire_related.audience({"id": "1", "status": "draft", "send_to": send_to}, "read it")
    assert (read.id, read.name, read.status, read.segment_ids) == ("1", "1", "draft", ids)


@pytest.mark.parametrize(
    "data",
    [
        None,
        {"name": "no id"},
        {"id": "1", "send_to": "all"},
        {"id": "1", "send_to": {"segment_ids": "a"}},
        {"id": "1", "send_to": {"segment_ids": [{"id": "a"}]}},
    ],
)
def test_an_unreadable_single_send_is_not_an_empty_one(data: Any) -> None:
    with pytest.raises(UnexpectedResponse):
        wire_related.audience(data, "read it")
