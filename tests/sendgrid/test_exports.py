"""Exports: the requests, the meaning of the responses, and finding a lost export."""

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
    """Return an export as GET returns it."""
    return {"id": ID, "status": "pending", "created_at": NOON, "expires_at": NOON, **fields}


def read(*answers: Served) -> Any:
    with scripted(*answers) as (transport, _):
        return Exports(transport).get_export(ID)


@pytest.mark.parametrize("lists", [(), ("l1",), ("l1", "l2")])
def test_an_export_is_requested_as_csv_without_an_email(lists: tuple[str, ...]) -> None:
    with scripted(answer(202, {"id": ID, "_metadata": {}})) as (transport, script):
        assert Exports(transport).start_export(lists) == ID
    (seen,) = script.seen
    sent = json.loads(seen.body)
    assert (seen.method, seen.target) == ("POST", EXPORTS)
    assert sent.pop("list_ids", []) == [*lists]
    assert sent == {"file_type": "csv", "notifications": {"email": False}}


def test_a_read_only_transport_cannot_start_an_export() -> None:
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
def test_an_ambiguous_start_is_not_repeated(
    served: Served, kind: type[ServerFault | UnexpectedResponse]
) -> None:
    with scripted(served) as (transport, script):
        with pytest.raises(kind) as caught:
            Exports(transport).start_export()
        assert (caught.value.ambiguous, len(script.seen)) == (True, 1)


def test_a_ready_export_has_its_addresses() -> None:
    job = read(
        answer(200, export(status="ready", urls=["https://x.test/1?s=0badcafe"], contact_count=7.0))
    )
    assert (job.status, job.contact_count, job.message) == (ExportStatus.READY, 7, "")
    assert job.urls[0].reveal() == "https://x.test/1?s=0badcafe"
    assert job.created_at == datetime(2026, 7, 15, 12, tzinfo=UTC)
    assert "0badcafe" not in repr(job)


@pytest.mark.parametrize("word", ["pending", "queued", None, 7])
def test_an_export_with_an_unknown_status_is_pending(word: object) -> None:
    job = read(answer(200, {"id": ID, "status": word, "created_at": "soon", "urls": None}))
    assert (job.status, job.urls, job.created_at) == (ExportStatus.PENDING, (), None)
    assert job.contact_count is None


def test_the_reason_of_a_failed_export_is_shown_without_addresses() -> None:
    reason = "no space at s3://bucket/x?sig=0badcafe for a@b.test"
    assert read(answer(200, export(status="failure", message=reason))).message == (
        "(not shown, since it holds an e-mail address)"
    )
    reason = "no space at\x1b[31m s3://bucket/x?sig=0badcafe"
    job = read(answer(200, export(status="FAILURE", message=reason)))
    assert (job.status, job.message) == (ExportStatus.FAILURE, "no space at [31m (an address)")


@pytest.mark.parametrize(
    "data", [{}, [], {"id": ""}, export(id="other"), export(status="ready", urls=[1])]
)
def test_an_invalid_export_is_refused(data: Any) -> None:
    with pytest.raises(UnexpectedResponse):
        read(answer(200, data))


def test_a_missing_export_is_not_found() -> None:
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
        for lists, export_id in (
            ((), "e2"),
            (("l1",), "e3"),
            (("l2", "l1"), "e5"),
            (("l9",), None),
        ):
            job = exports.find_export(early, lists)
            assert (job.id if job else None) == export_id
        assert exports.find_export(late) is None
