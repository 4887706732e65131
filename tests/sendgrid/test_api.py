"""The operations of the API: the request of each, and how it reads the response."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest

from segctl.common.secrets import Secret
from segctl.emulator import Emulator, Settings, seed
from segctl.errors import (
    BadRequest,
    Forbidden,
    NotFound,
    RateLimited,
    RemoteError,
    ServerFault,
    UnexpectedResponse,
    UpdateLocked,
    UsageError,
)
from segctl.model import Remote, Segment, Validation
from segctl.sendgrid.api import Reader, Writer
from segctl.sendgrid.transport import ATTEMPTS, Transport
from tests.support.account import KEY
from tests.support.clock import FakeClock

from .support import SEGMENTS, Seen, Served, answer, emulated, scripted, segment_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

ID = segment_json()["id"]
QUERY = "SELECT contact_id, updated_at FROM contact_data WHERE city = 'Plzeň'\n  -- \"x\""
EMPTY = answer(200, {"results": []})


def sent(act: Callable[[Writer], object], *served: Served) -> list[Seen]:
    with scripted(*served) as (transport, script):
        act(Writer(transport))
        return script.seen


@pytest.mark.parametrize(
    ("parents", "orphans", "ids", "query"),
    [
        ([], False, [], ""),
        (["a", "b"], False, [], "?parent_list_ids=a%2Cb"),
        (["a"], True, [], "?parent_list_ids=a&no_parent_list_id=true"),
        ([], True, [], "?no_parent_list_id=true"),
        ([], False, ["x", "y"], "?ids=x&ids=y"),
        (["a"], True, ["x"], "?parent_list_ids=a&no_parent_list_id=true&ids=x"),
        ([], False, ["a b&c=d/é"], "?ids=a+b%26c%3Dd%2F%C3%A9"),
    ],
)
def test_filters_become_query_parameters(
    parents: Sequence[str], orphans: bool, ids: Sequence[str], query: str
) -> None:
    request, *_ = sent(
        lambda account: account.list_segments(
            parent_list_ids=parents, no_parent_list=orphans, ids=ids
        ),
        EMPTY,
    )
    assert (request.method, request.target.replace("%20", "+"), request.body) == (
        "GET",
        SEGMENTS + query,
        b"",
    )


@pytest.mark.parametrize(
    "read",
    [
        lambda ids: ids,  # `ids=` repeated, as documented
        lambda ids: ids[:1],
        lambda ids: ids[-1:],
        lambda ids: [",".join(ids)],
        lambda _: [],  # only `ids[]=` counts
    ],
)
def test_segments_are_found_by_their_ids_however_the_server_reads_several(
    read: Callable[[list[str]], list[str]],
) -> None:
    segments = [segment_json(number) for number in (1, 2, 3)]
    targets = []

    def serve(method: str, target: str, headers: Mapping[str, str], body: bytes) -> Served:
        targets.append(target)
        asked = parse_qs(target.partition("?")[2]).get("ids", [])
        ids = read(asked) if asked else []
        kept = [segment for segment in segments if segment["id"] in ids or not ids]
        return answer(200, {"results": kept})

    first, second, third = (segment["id"] for segment in segments)
    with Transport("https://api.sendgrid.com", Secret(KEY), FakeClock(), mount=serve) as transport:
        reader = Reader(transport)
        for list_segments in (reader.list_segments, reader.list_v1_segments):
            listed = list_segments(ids=[first, second])
            assert [segment.name for segment in listed] == ["Segment 1", "Segment 2"]
            targets.clear()
            assert [segment.name for segment in list_segments(ids=[third])] == ["Segment 3"]
            assert len(targets) == 1


def test_more_than_fifty_parent_lists_are_refused() -> None:
    many = [f"p{n}" for n in range(51)]
    assert len(sent(lambda account: account.list_segments(parent_list_ids=many[:50]), EMPTY)) == 1
    with scripted(EMPTY) as (transport, script):
        with pytest.raises(UsageError, match="more than the limit of 50"):
            Reader(transport).list_segments(parent_list_ids=many)
        assert script.seen == []


@pytest.mark.parametrize(
    ("segment_id", "path"),
    [
        (ID, ID),
        ("a/b", "a%2Fb"),
        ("../lists/1", "..%2Flists%2F1"),
        ("..", "%2E%2E"),
        (".", "%2E"),
        ("a?b=c#d", "a%3Fb%3Dc%23d"),
        ("a b%2F", "a%20b%252F"),
        ("é\ud800", "%C3%A9%ED%A0%80"),
        ("//evil.test", "%2F%2Fevil.test"),
        ("https://evil.test", "https%3A%2F%2Fevil.test"),
    ],
)
def test_an_id_cannot_change_the_path(segment_id: str, path: str) -> None:
    whole = answer(200, segment_json(id=segment_id))
    seen = [
        *sent(lambda account: account.get_segment(segment_id), whole),
        *sent(lambda account: account.patch_segment(segment_id, {"name": "N"}), whole),
        *sent(lambda account: account.delete_segment(segment_id), answer(202)),
        *sent(lambda account: account.refresh_segment(segment_id, "UTC"), answer(202)),
    ]
    assert [(request.method, request.target) for request in seen] == [
        ("GET", f"{SEGMENTS}/{path}?contacts_sample=false"),
        ("PATCH", f"{SEGMENTS}/{path}"),
        ("DELETE", f"{SEGMENTS}/{path}"),
        ("POST", f"{SEGMENTS}/refresh/{path}"),
    ]


def test_writes_send_only_their_fields() -> None:
    whole = answer(201, segment_json())
    bodies = [
        json.loads(request.body)
        for request in (
            *sent(lambda account: account.create_segment(Segment("N", QUERY)), whole),
            *sent(lambda account: account.create_segment(Segment("N", QUERY, ("p",))), whole),
            *sent(lambda account: account.patch_segment(ID, {"query_dsl": QUERY}), whole),
            *sent(lambda account: account.refresh_segment(ID, "Europe/Prague"), answer(202)),
        )
    ]
    assert bodies == [
        {"name": "N", "query_dsl": QUERY},
        {"name": "N", "query_dsl": QUERY, "parent_list_ids": ["p"]},
        {"query_dsl": QUERY},
        {"user_time_zone": "Europe/Prague"},
    ]
    (gone,) = sent(lambda account: account.delete_segment(ID), answer(202))
    assert (gone.body, gone.target) == (b"", f"{SEGMENTS}/{ID}")


@pytest.mark.parametrize("served", [answer(202), answer(204), answer(200, {}), answer(202, [])])
def test_a_delete_and_a_refresh_need_no_response_body(served: Served) -> None:
    sent(lambda account: account.delete_segment(ID), served)
    sent(lambda account: account.refresh_segment(ID, "UTC"), served)


BROKEN: list[Any] = [None, [], {}, "x", {"results": []}, [segment_json()], b"{", b"<html>"]


@pytest.mark.parametrize("data", BROKEN)
def test_an_unusable_response_to_a_read_is_never_a_missing_segment(data: Any) -> None:
    with scripted(answer(200, data)) as (transport, _):
        account = Reader(transport)
        with pytest.raises(UnexpectedResponse) as caught:
            account.get_segment(ID)
        assert not caught.value.ambiguous
        if data != {"results": []}:
            with pytest.raises(UnexpectedResponse) as caught:
                account.list_segments()
            assert not caught.value.ambiguous


@pytest.mark.parametrize("data", BROKEN)
def test_an_unusable_response_to_a_write_is_ambiguous(data: Any) -> None:
    with scripted(answer(201, data)) as (transport, script):
        account = Writer(transport)
        for act in (
            partial(account.create_segment, Segment("N", QUERY)),
            partial(account.patch_segment, ID, {"name": "N"}),
        ):
            with pytest.raises(UnexpectedResponse) as caught:
                act()
            assert caught.value.ambiguous
        assert len(script.seen) == 2


def test_a_response_about_another_segment_is_refused() -> None:
    with scripted(answer(200, segment_json(2))) as (transport, _):
        account = Writer(transport)
        with pytest.raises(UnexpectedResponse, match="another segment") as read:
            account.get_segment(ID)
        with pytest.raises(UnexpectedResponse, match="another segment") as written:
            account.patch_segment(ID, {"name": "N"})
    assert (read.value.ambiguous, written.value.ambiguous) == (False, True)


def test_a_list_with_a_duplicate_segment_is_refused() -> None:
    twice = {"results": [segment_json(), segment_json(name="Other")]}
    with (
        scripted(answer(200, twice)) as (transport, _),
        pytest.raises(UnexpectedResponse, match="twice"),
    ):
        Reader(transport).list_segments()


@pytest.mark.parametrize("served", [answer(404), answer(404, {"errors": [{"message": "no"}]})])
def test_a_404_of_the_list_means_the_wrong_server(served: Served) -> None:
    with (
        scripted(served) as (transport, _),
        pytest.raises(NotFound, match="not found on this server") as caught,
    ):
        Reader(transport).list_segments()
    assert caught.value.hint == "check SEGCTL_BASE_URL"


@pytest.mark.parametrize("served", [answer(429), answer(429, {"errors": []}, Retry_After="5")])
def test_a_refresh_is_sent_once(served: Served) -> None:
    clock = FakeClock()
    with scripted(served, clock=clock) as (transport, script):
        with pytest.raises(RateLimited):
            Writer(transport).refresh_segment(ID, "UTC")
        assert (len(script.seen), clock.slept) == (1, [])


# Against the emulator: the same operations, with a server that has rules.


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def emulator(clock: FakeClock) -> Iterator[Emulator]:
    with Emulator(None, Settings(), now=clock.now) as emulator:
        emulator.seed()
        yield emulator


@pytest.fixture
def account(emulator: Emulator, clock: FakeClock) -> Iterator[Writer]:
    with Transport(
        "https://api.sendgrid.com", Secret(KEY), clock, mount=emulated(emulator)
    ) as transport:
        yield Writer(transport)


def test_a_segment_is_created_read_refreshed_and_deleted(account: Writer) -> None:
    created = account.create_segment(Segment("N", QUERY, (seed.NEWSLETTER_LIST_ID,)))
    read = account.get_segment(created.id)
    assert read.definition == Segment("N", QUERY, (seed.NEWSLETTER_LIST_ID,))
    assert read.validation is Validation.VALID
    assert created.id in {segment.id for segment in account.list_segments()}
    with pytest.raises(UpdateLocked, match="less than five minutes ago") as caught:
        account.patch_segment(created.id, {"name": "M"})
    assert not caught.value.ambiguous
    account.refresh_segment(created.id, "Europe/Prague")
    with pytest.raises(RateLimited):
        account.refresh_segment(created.id, "Europe/Prague")
    account.delete_segment(created.id)
    with pytest.raises(NotFound):
        account.get_segment(created.id)
    with pytest.raises(NotFound):
        account.delete_segment(created.id)


def test_listed_segments_have_no_queries_and_include_v1(account: Writer) -> None:
    listed = account.list_segments()
    assert {segment.query for segment in listed} == {None}
    assert [segment.id for segment in listed if segment.is_v1] == [seed.GMAIL_USERS_V1_ID]


def test_the_emulator_applies_the_filters(account: Writer) -> None:
    ours = account.create_segment(Segment("N", QUERY, (seed.NEWSLETTER_LIST_ID,)))
    everything = {segment.id for segment in account.list_segments()}
    of_list = account.list_segments(parent_list_ids=[seed.NEWSLETTER_LIST_ID])
    orphans = {segment.id for segment in account.list_segments(no_parent_list=True)}
    both = account.list_segments(parent_list_ids=[seed.NEWSLETTER_LIST_ID], no_parent_list=True)
    ids = account.list_segments(ids=[ours.id, seed.OLD_WEBINAR_GUESTS_ID], no_parent_list=True)
    assert [segment.id for segment in of_list] == [ours.id]
    assert orphans == everything - {ours.id}
    assert {segment.id for segment in both} == everything
    assert {segment.id for segment in ids} == {ours.id, seed.OLD_WEBINAR_GUESTS_ID}


@pytest.mark.parametrize(
    ("fault", "kind", "ambiguous"),
    [
        ("POST * 400", BadRequest, False),
        ("POST * 403", Forbidden, False),
        ("POST * 429 always", RateLimited, False),
        ("POST * 429-epoch always 40s", RateLimited, False),
        ("POST * 500", ServerFault, True),
        ("POST * 502-html after", ServerFault, True),
        ("POST * truncated", UnexpectedResponse, True),
        ("POST * wrong-json", UnexpectedResponse, True),
        ("POST * empty", UnexpectedResponse, True),
    ],
)
def test_a_failed_create_raises_the_error_of_its_cause(
    emulator: Emulator, account: Writer, fault: str, kind: type[RemoteError], *, ambiguous: bool
) -> None:
    emulator.faults.add(fault)
    with pytest.raises(RemoteError) as caught:
        account.create_segment(Segment("N", QUERY))
    assert type(caught.value) is kind
    assert caught.value.ambiguous is ambiguous
    assert "could not create `N`" in caught.value.message
    assert len(emulator.log) == (ATTEMPTS if kind is RateLimited else 1)


def test_v1_segments_have_separate_paths(account: Writer) -> None:
    (listed,) = account.list_v1_segments()
    assert (listed.id, listed.is_v1) == (seed.GMAIL_USERS_V1_ID, True)
    read = account.get_segment(listed.id, v1=True)
    assert (read.query, read.is_v1) == ("email LIKE '%@gmail.example'", True)
    with pytest.raises(NotFound):
        account.get_segment(seed.NEWSLETTER_READERS_ID, v1=True)
    account.delete_segment(listed.id, v1=True)
    with pytest.raises(NotFound):
        account.get_segment(listed.id, v1=True)


@pytest.mark.parametrize(
    ("parents", "expected"),
    [
        ({"parent_list_id": ID}, (ID,)),
        ({"parent_list_id": ID, "parent_list_ids": [ID]}, (ID,)),
        ({"parent_list_id": "", "parent_list_ids": None}, ()),
    ],
)
def test_a_v1_segment_is_read(parents: dict[str, Any], expected: tuple[str, ...]) -> None:
    data = {
        "id": ID,
        "name": "Old",
        "query_dsl": "email = 'x'",
        "query_json": {"type": "binary", "left": {"name": "email"}},
        "contacts_count": 3,
        "contacts_sample": [{"email": "jo@example.com"}],
        "next_sample_update": "2026-07-15T16:04:33Z",
        **parents,
    }
    read: list[Remote] = []
    requests = sent(
        lambda account: read.append(account.get_segment(ID, v1=True)), answer(200, data)
    )
    assert requests[0].target.partition("?")[0] == f"/v3/marketing/segments/{ID}"
    (segment,) = read
    assert (segment.parent_list_ids, segment.next_sample_update) == (
        expected,
        "2026-07-15T16:04:33Z",
    )
    assert (segment.query, segment.contacts_count) == ("email = 'x'", 3)
    assert "jo@example.com" not in repr(segment)
