"""Exports: what is sent, what the answers mean, and which export is found again."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from segctl.errors import NotFound, ServerFault, UnexpectedResponse
from segctl.sendgrid.exports import EXPORTS, Exports, ExportStatus
from tests.sendgrid.support import Served, answer, scripted

ID = "b1f2"
MORNING, NOON = "2026-07-15T08:00:00Z", "2026-07-15T12:00:00Z"


def export(**fields: Any) -> dict[str, Any]:
    """An export as GET gives it."""
    return {"id": ID, "status": "pending", "created_at": NOON, "expires_at": NOON, **fields}


def read(*answers: Served) -> Any:
    with scripted(*answers) as (transport, _):
        return Exports(transport).get_export(ID)


@pytest.mark.parametrize("lists", [(), ("l1",), ("l1", "l2")])
def test_a_start_asks_for_csv_and_for_no_mail(lists: tuple[str, ...]) -> None:
    with scripted(answer(202, {"id": ID, "_metadata": {}})) as (transport, script):
        assert Exports(transport).start_export(lists) == ID
    (seen,) = script.seen
    sent = json.loads(seen.body)
    assert (seen.method, seen.target) == ("POST", EXPORTS)
    assert sent.pop("list_ids", []) == [*lists]
    assert sent == {"file_type": "csv", "notifications": {"email": False}}


def test_a_plan_cannot_start_one() -> None:
    with scripted(answer(202, {"id": ID}), read_only=True) as (transport, script):
        with pytest.raises(RuntimeError, match="read-only"):
            Exports(transport).start_export()
        assert script.seen == []


@pytest.mark.parametrize(
    ("served", "kind"),
    [
        (answer(502), ServerFault),
        (answer(202, {"id": 7}), UnexpectedResponse),
        (answer(202, [ID]), UnexpectedResponse),
    ],
)
def test_a_start_of_which_nothing_is_known_is_not_repeated(
    served: Served, kind: type[ServerFault | UnexpectedResponse]
) -> None:
    with scripted(served) as (transport, script):
        with pytest.raises(kind) as caught:
            Exports(transport).start_export()
        assert (caught.value.ambiguous, len(script.seen)) == (True, 1)


def test_an_export_that_is_ready() -> None:
    found = read(
        answer(200, export(status="ready", urls=["https://x.test/1?s=0badcafe"], contact_count=7.0))
    )
    assert (found.status, found.contact_count, found.message) == (ExportStatus.READY, 7, "")
    assert found.urls[0].reveal() == "https://x.test/1?s=0badcafe"
    assert found.created_at == datetime(2026, 7, 15, 12, tzinfo=UTC)
    assert "0badcafe" not in repr(found)


@pytest.mark.parametrize("word", ["pending", "queued", None, 7])
def test_an_export_of_which_little_is_known_is_on_its_way(word: object) -> None:
    found = read(answer(200, {"id": ID, "status": word, "created_at": "soon", "urls": None}))
    assert (found.status, found.urls, found.created_at) == (ExportStatus.PENDING, (), None)
    assert found.contact_count is None


def test_why_an_export_failed_is_said_without_addresses() -> None:
    said = "no space at s3://bucket/x?sig=0badcafe for a@b.test"
    assert read(answer(200, export(status="failure", message=said))).message == (
        "(not shown, since it holds an e-mail address)"
    )
    said = "no space at\x1b[31m s3://bucket/x?sig=0badcafe"
    found = read(answer(200, export(status="FAILURE", message=said)))
    assert (found.status, found.message) == (ExportStatus.FAILURE, "no space at [31m (an address)")


@pytest.mark.parametrize(
    "data", [{}, [], {"id": ""}, export(id="other"), export(status="ready", urls=[1])]
)
def test_what_is_no_export(data: Any) -> None:
    with pytest.raises(UnexpectedResponse):
        read(answer(200, data))


def test_an_export_that_is_forgotten() -> None:
    with pytest.raises(NotFound):
        read(answer(404))


def listed(number: int, created: str, kind: str, lists: Any = None) -> dict[str, Any]:
    return {**export(id=f"e{number}", created_at=created), "export_type": kind, "lists": lists}


def test_a_lost_start_is_found_again() -> None:
    page = [
        listed(1, MORNING, "contacts_export"),
        listed(2, NOON, "contacts_export"),
        listed(3, NOON, "list_export", [{"ID": "l1", "Name": "News"}]),
        listed(4, MORNING, "contacts_export"),
        listed(5, NOON, "list_export", [{"ID": "l1"}, {"ID": "l2"}]),
        listed(6, NOON, "segment_export", []),
        listed(7, NOON, "list_export", "l9"),
        listed(8, "never", "contacts_export"),
    ]
    early = datetime(2026, 7, 15, 1, tzinfo=UTC)
    late = datetime(2026, 7, 15, 13, tzinfo=UTC)
    with scripted(answer(200, {"result": page})) as (transport, _):
        exports = Exports(transport)
        for lists, wanted in (
            ((), "e2"),
            (("l1",), "e3"),
            (("l2", "l1"), "e5"),
            (("l9",), None),
        ):
            found = exports.find_export(early, lists)
            assert (found.id if found else None) == wanted
        assert exports.find_export(late) is None
