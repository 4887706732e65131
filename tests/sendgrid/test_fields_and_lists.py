"""The account's fields and contact lists: all of them, or an error."""

from __future__ import annotations

from typing import Any

import pytest

from segctl.common.secrets import Secret
from segctl.emulator import Emulator, Settings, seed
from segctl.errors import UnexpectedResponse
from segctl.model.contact_fields import ContactList, Field, FieldType
from segctl.sendgrid.api import Reader
from segctl.sendgrid.transport import Transport
from tests.support.account import KEY
from tests.support.clock import FakeClock

from .support import answer, emulated, scripted

CUSTOM = {"id": "w1", "name": "total_spend", "field_type": "Number"}
RESERVED = {"id": "_rf0_T", "name": "first_name", "field_type": "Text", "read_only": False}


def test_fields_by_name_and_type() -> None:
    data = {"custom_fields": [CUSTOM], "reserved_fields": [RESERVED], "_metadata": {"self": "x"}}
    with scripted(answer(200, data)) as (transport, script):
        assert Reader(transport).list_fields() == (
            (Field("total_spend", FieldType.NUMBER),),
            (Field("first_name", FieldType.TEXT),),
        )
    assert [seen.target for seen in script.seen] == ["/v3/marketing/field_definitions"]


def test_a_field_of_an_unknown_type_is_left_out() -> None:
    odd = {"name": "odd", "field_type": "Boolean"}
    data = {"custom_fields": [odd, {"name": "typeless"}, CUSTOM], "reserved_fields": []}
    with scripted(answer(200, data)) as (transport, _):
        assert [field.name for field in Reader(transport).list_fields()[0]] == ["total_spend"]


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {"custom_fields": [CUSTOM]},
        {"custom_fields": None, "reserved_fields": []},
        {"custom_fields": [{"id": "w1"}], "reserved_fields": []},
        {"custom_fields": ["total_spend"], "reserved_fields": []},
    ],
)
def test_fields_that_cannot_be_read_are_never_none(data: Any) -> None:
    with (
        scripted(answer(200, data)) as (transport, _),
        pytest.raises(UnexpectedResponse, match="could not list the fields"),
    ):
        Reader(transport).list_fields()


def test_contact_lists_of_every_page() -> None:
    with Emulator(None, Settings(rate_limit=None)) as emulator:
        for number in range(1001):
            emulator.console.add_list(f"List {number}")
        with Transport(
            "https://x.invalid", Secret(KEY), FakeClock(), mount=emulated(emulator)
        ) as transport:
            lists = Reader(transport).list_contact_lists()
        assert len({contact_list.id for contact_list in lists}) == 1001
        assert {contact_list.name for contact_list in lists} == {
            f"List {number}" for number in range(1001)
        }
        assert len(emulator.log) == 2


def test_a_list_without_a_name_has_its_id_as_name() -> None:
    data = {"result": [{"id": seed.CUSTOMERS_LIST_ID, "name": ""}]}
    with scripted(answer(200, data)) as (transport, script):
        contact_lists = Reader(transport).list_contact_lists()
    assert contact_lists == (ContactList(seed.CUSTOMERS_LIST_ID, seed.CUSTOMERS_LIST_ID),)
    assert [seen.target for seen in script.seen] == ["/v3/marketing/lists?page_size=1000"]


@pytest.mark.parametrize("data", [{"results": []}, {"result": [{"name": "x"}]}, {"result": [7]}])
def test_lists_that_cannot_be_read_are_never_none(data: Any) -> None:
    with (
        scripted(answer(200, data)) as (transport, _),
        pytest.raises(UnexpectedResponse, match="could not list the contact lists"),
    ):
        Reader(transport).list_contact_lists()


def test_single_sends_are_listed_at_once_or_in_smaller_pages_where_that_is_refused() -> None:
    data = {"result": [{"id": "a", "name": "Spring", "status": "draft"}]}
    refusal = {"errors": [{"field": "page_size", "message": "must be at most 100"}]}
    for answers in ([answer(200, data)], [answer(400, refusal), answer(200, data)]):
        with scripted(*answers) as (transport, script):
            (send,) = Reader(transport).list_single_sends()
        assert send.name == "Spring"
        sizes = [seen.target.partition("=")[2] for seen in script.seen]
        assert sizes == ["1000", "100"][: len(answers)]
