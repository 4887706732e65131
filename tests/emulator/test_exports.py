"""The export of contacts: the job, its files, and their signed URLs."""

from __future__ import annotations

import csv
import gzip
import http.client
import io
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from segctl.emulator import Contact, Delivery, Settings, serve

from .account import HEADERS, Account, error

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from segctl.emulator import Response

EXPORTS = "/v3/marketing/contacts/exports"
SETTINGS = Settings(export_delay=5, export_expiry=60)
HEADER = (
    "EMAIL,FIRST_NAME,LAST_NAME,ADDRESS_LINE_1,ADDRESS_LINE_2,CITY,STATE_PROVINCE_REGION,"
    "POSTAL_CODE,COUNTRY,ALTERNATE_EMAILS,PHONE_NUMBER,WHATSAPP,LINE,FACEBOOK,UNIQUE_NAME,"
    "CREATED_AT,UPDATED_AT,CONTACT_ID,SPEND,SINCE,PHONE_NUMBER_ID,EXTERNAL_ID,ANONYMOUS_ID"
)


def populated(settings: Settings = SETTINGS) -> Account:
    """Return an account with five contacts, three of them on the list `l`."""
    account = Account(settings)
    console = account.emulator.console
    console.add_field("Spend", "Number")
    console.add_field("since", "Date")
    console.add_list("Readers", id="l")
    console.add_list("Empty", id="e")
    console.add_contacts(
        Contact(str(number), f"c{number}@x.test", {}, ("l",) if number % 2 else (), 0, 60)
        for number in (1, 2, 3)
    )
    console.add_contact(
        "d@x.test",
        id="d",
        fields={
            "city": 'České "B", Žižkov\nx',
            "Spend": 12.5,
            "since": "2026-01-02T03:04:05Z",
            "alternate_emails": ["d1@x.test", "d2@x.test"],
            "external_id": "77",
        },
        list_ids=["l"],
    )
    console.add_contact("e@x.test", fields={"Spend": 3})
    return account


@pytest.fixture
def exporting() -> Iterator[Account]:
    with populated() as account:
        yield account


def start(account: Account, content: object = None) -> str:
    reply = account.ask("POST", EXPORTS, content)
    assert reply.status == 202, reply
    return str(reply.json()["id"])


def urls(account: Account, content: object = None) -> list[str]:
    export_id = start(account, content)
    account.clock.forward(5)
    job = account.get(f"{EXPORTS}/{export_id}")
    assert job["status"] == "ready"
    return [*job["urls"]]


def fetch(account: Account, url: str, headers: Mapping[str, str] | None = None) -> Response:
    parts = urlsplit(url)
    return account.emulator.handle("GET", f"{parts.path}?{parts.query}", headers or {})


def rows(account: Account, content: object = None) -> list[dict[str, str]]:
    exported: list[dict[str, str]] = []
    for url in urls(account, content):
        text = gzip.decompress(fetch(account, url).body).decode()
        exported += csv.DictReader(io.StringIO(text, newline=""))
    return exported


def test_a_job_is_pending_then_ready_then_forgotten(exporting: Account) -> None:
    export_id = start(exporting)
    path = f"{EXPORTS}/{export_id}"
    metadata = {"self": f"https://api.sendgrid.com{path}"}
    pending = {
        "id": export_id,
        "status": "pending",
        "created_at": "2026-07-15T16:04:33Z",
        "updated_at": "2026-07-15T16:04:33Z",
        "expires_at": "2026-07-15T16:05:38Z",
        "_metadata": metadata,
    }
    assert exporting.get(path) == pending
    exporting.clock.forward(4.9)
    assert exporting.get(path) == pending
    exporting.clock.forward(0.1)
    ready = exporting.get(path)
    (url,) = ready.pop("urls")
    assert ready == pending | {
        "status": "ready",
        "updated_at": "2026-07-15T16:04:38Z",
        "completed_at": "2026-07-15T16:04:38Z",
        "contact_count": 5,
    }
    assert fetch(exporting, url).status == 200
    exporting.clock.forward(60)
    assert exporting.ask("GET", path).status == 404
    expired = fetch(exporting, url)
    assert (expired.status, b"expired" in expired.body) == (403, True)


def test_the_file_has_what_the_account_knows(exporting: Account) -> None:
    (url,) = urls(exporting)
    text = gzip.decompress(fetch(exporting, url).body).decode()
    assert text.splitlines()[0] == HEADER
    exported = rows(exporting)
    assert [row["EMAIL"][0] for row in exported] == ["c", "c", "c", "d", "e"]
    assert exported[0]["CREATED_AT"] == "1970-01-01T00:00:00Z"
    assert exported[0]["UPDATED_AT"] == "1970-01-01T00:01:00Z"
    assert {name for name, value in exported[3].items() if value} == {
        *("EMAIL", "CITY", "ALTERNATE_EMAILS", "CREATED_AT", "UPDATED_AT", "CONTACT_ID"),
        *("SPEND", "SINCE", "EXTERNAL_ID"),
    }
    assert exported[3]["CITY"] == 'České "B", Žižkov\nx'
    assert exported[3]["ALTERNATE_EMAILS"] == "d1@x.test,d2@x.test"
    assert [row["SPEND"] for row in exported] == ["", "", "", "12.5", "3"]
    assert exported[3]["SINCE"] == "2026-01-02T03:04:05Z"


def test_an_export_can_be_limited_to_lists(exporting: Account) -> None:
    assert [row["CONTACT_ID"] for row in rows(exporting, {"list_ids": ["l"]})] == ["1", "3", "d"]
    assert rows(exporting, {"list_ids": ["e"]}) == []
    assert len(rows(exporting, {"list_ids": []})) == 5


def test_an_export_has_the_contacts_of_the_moment_it_was_requested(exporting: Account) -> None:
    export_id = start(exporting)
    exporting.emulator.console.add_contact("late@x.test")
    exporting.clock.forward(5)
    assert exporting.get(f"{EXPORTS}/{export_id}")["contact_count"] == 5


def test_an_export_can_have_several_files_each_with_a_header() -> None:
    with populated(Settings(export_delay=5, export_file_contacts=2)) as account:
        addresses = urls(account)
        files = [gzip.decompress(fetch(account, url).body).decode() for url in addresses]
        assert [text.splitlines()[0] for text in files] == [HEADER] * 3
        assert len(rows(account)) == 5
        assert "/contacts-3.csv.gz?" in addresses[2]


def test_max_file_size_splits_an_export(exporting: Account) -> None:
    exporting.emulator.console.add_contacts(
        Contact(f"big{n}", f"big{n}@x.test", {"city": "x" * 600_000}, (), 0, 0) for n in range(3)
    )
    assert len(urls(exporting, {"max_file_size": 1})) == 3


def test_a_json_export_has_one_object_per_line(exporting: Account) -> None:
    (url,) = urls(exporting, {"file_type": "json", "notifications": {"email": False}})
    lines = gzip.decompress(fetch(exporting, url).body).splitlines()
    assert json.loads(lines[0]) == {
        "contact_id": "1",
        "created_at": "1970-01-01T00:00:00Z",
        "custom_fields": {},
        "email": "c1@x.test",
        "updated_at": "1970-01-01T00:01:00Z",
    }
    assert json.loads(lines[3])["custom_fields"] == {"Spend": 12.5, "since": "2026-01-02T03:04:05Z"}


def test_the_list_of_exports_has_every_job_of_the_account(exporting: Account) -> None:
    plain, of_list = start(exporting), start(exporting, {"list_ids": ["l"]})
    exporting.clock.forward(5)
    content = exporting.get(EXPORTS)
    assert content["_metadata"] == {"self": f"https://api.sendgrid.com{EXPORTS}"}
    jobs = {job["id"]: job for job in content["result"]}
    assert [*jobs] == [plain, of_list]
    assert {job["status"] for job in jobs.values()} == {"ready"}
    assert jobs[plain]["export_type"] == "contacts_export"
    assert jobs[of_list]["export_type"] == "list_export"
    assert jobs[of_list]["lists"] == [{"ID": "l", "Name": "Readers"}]
    other = exporting.ask("GET", EXPORTS, headers=HEADERS | {"on-behalf-of": "eu"})
    assert other.json()["result"] == []


def test_an_export_can_fail() -> None:
    with populated(Settings(export_failure="out of space")) as account:
        export_id = start(account)
        assert account.get(f"{EXPORTS}/{export_id}")["status"] == "pending"
        account.clock.forward(5)
        job = account.get(f"{EXPORTS}/{export_id}")
        assert (job["status"], job["message"], "urls" in job) == ("failure", "out of space", False)
        (listed,) = account.get(EXPORTS)["result"]
        assert listed["status"] == "failure"
        assert not {"message", "updated_at", "contact_count"} & listed.keys()


@pytest.mark.parametrize(
    ("content", "status", "field"),
    [
        ({"list_ids": ["nowhere"]}, 404, "list_ids"),
        ({"list_ids": "l"}, 400, "list_ids"),
        ({"segment_ids": [1]}, 400, "segment_ids"),
        ({"file_type": "xlsx"}, 400, "file_type"),
        ({"max_file_size": 0}, 400, "max_file_size"),
        ({"max_file_size": True}, 400, "max_file_size"),
        ({"lists": []}, 400, "lists"),
    ],
)
def test_an_invalid_export_request_is_refused(
    exporting: Account, content: Any, status: int, field: str
) -> None:
    reply = exporting.ask("POST", EXPORTS, content)
    assert error(reply)[:2] == (status, field)
    assert exporting.get(EXPORTS)["result"] == []


def test_an_unknown_export_is_a_404(exporting: Account) -> None:
    assert exporting.ask("GET", f"{EXPORTS}/nowhere").status == 404
    assert exporting.ask("DELETE", f"{EXPORTS}/nowhere").status == 405


def test_a_download_with_the_key_is_refused(exporting: Account) -> None:
    (url,) = urls(exporting)
    used = exporting.ask("GET", EXPORTS).header("X-RateLimit-Remaining")
    reply = fetch(exporting, url, {"authorization": "Bearer a-key"})
    assert (reply.status, reply.header("Content-Type")) == (400, "application/xml")
    assert b"Authorization" in reply.body
    assert reply.header("X-RateLimit-Limit") is None
    remaining = exporting.ask("GET", EXPORTS).header("X-RateLimit-Remaining")
    assert int(remaining or 0) == int(used or 0) - 1
    assert exporting.emulator.log[-2].target == urlsplit(url).path


def test_a_url_without_a_valid_signature_is_refused(exporting: Account) -> None:
    (url,) = urls(exporting)
    (other,) = urls(exporting)
    parts = urlsplit(url)
    later = parts.query.replace("X-Expires=", "X-Expires=9")
    for target in (
        parts.path,
        f"{parts.path}?{urlsplit(other).query}",
        f"{parts.path}?{later}",
        f"{parts.path}?X-Expires=never&X-Signature=x",
        f"{parts.path}?{parts.query}%C4%8D",
        f"{parts.path.replace('-1.', '-2.')}?{parts.query}",
        f"{parts.path}/more?{parts.query}",
    ):
        assert exporting.emulator.handle("GET", target, {}).status == 403
    target = f"{parts.path}?{parts.query}"
    assert exporting.emulator.handle("PUT", target, {}).status == 403
    assert exporting.emulator.handle("GET", target, {}).status == 200


def test_a_download_can_be_a_byte_range(exporting: Account) -> None:
    (url,) = urls(exporting)
    whole = fetch(exporting, url)
    body, tag = whole.body, whole.header("ETag") or ""
    assert whole.header("Accept-Ranges") == "bytes"
    for byte_range, expected in (
        ("bytes=10-", body[10:]),
        ("bytes=10-19", body[10:20]),
        ("bytes=10-999999", body[10:]),
        ("bytes=-7", body[-7:]),
    ):
        reply = fetch(exporting, url, {"Range": byte_range, "If-Range": tag})
        assert (reply.status, reply.body) == (206, expected)
        first = len(body) - 7 if byte_range == "bytes=-7" else 10
        last = first + len(expected) - 1
        assert reply.header("Content-Range") == f"bytes {first}-{last}/{len(body)}"
    for headers in ({"Range": "bytes=5-", "If-Range": '"old"'}, {"Range": "lines=1-2"}):
        reply = fetch(exporting, url, headers)
        assert (reply.status, reply.body) == (200, body)
    beyond = fetch(exporting, url, {"Range": f"bytes={len(body)}-"})
    assert (beyond.status, beyond.header("Content-Range")) == (416, f"bytes */{len(body)}")


def test_faults_strike_downloads_too(exporting: Account) -> None:
    (url,) = urls(exporting)
    body = fetch(exporting, url).body
    exporting.emulator.faults.add(
        "GET /contact-exports/* 500",
        "GET /contact-exports/* truncated #2",
        "GET /contact-exports/* cut #3",
        f"POST {EXPORTS} 429-empty",
        f"GET {EXPORTS}/* 502 after",
    )
    assert fetch(exporting, url).status == 500
    assert fetch(exporting, url).body == body[: len(body) // 2]
    assert fetch(exporting, url).delivery is Delivery.CUT
    assert fetch(exporting, url).body == body
    assert exporting.ask("POST", EXPORTS).status == 429
    assert exporting.ask("GET", f"{EXPORTS}/{start(exporting)}").status == 502


def test_downloads_work_over_a_socket_and_from_another_origin() -> None:
    with populated(Settings(export_delay=0)) as account, serve(account.emulator) as server:
        port = urlsplit(server.url).port
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request("POST", EXPORTS, headers=HEADERS)
        export_id = json.loads(connection.getresponse().read())["id"]
        connection.request("GET", f"{EXPORTS}/{export_id}", headers=HEADERS)
        (url,) = json.loads(connection.getresponse().read())["urls"]
        assert url.startswith(f"{server.url}/contact-exports/")
        parts = urlsplit(url)
        connection.request("GET", f"{parts.path}?{parts.query}")
        answer = connection.getresponse()
        assert answer.status == 200
        assert gzip.decompress(answer.read()).startswith(b"EMAIL,")
        connection.close()
    with populated(Settings(export_delay=5, export_origin="https://files.test")) as account:
        assert urls(account)[0].startswith("https://files.test/contact-exports/")
