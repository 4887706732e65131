"""The key is sent to one server only, whatever a response says; second servers prove it."""

from __future__ import annotations

import pytest

from segctl.common.secrets import Secret
from segctl.errors import UnexpectedResponse, UsageError
from segctl.sendgrid.api import MAX_PAGES, Reader
from segctl.sendgrid.transport import Transport
from tests.support.account import KEY
from tests.support.clock import FakeClock

from .support import SEGMENTS, Seen, Served, answer, listening, scripted, segment_json


def page(link: object, number: int = 1) -> Served:
    return answer(200, {"results": [segment_json(number)], "_metadata": {"next": link}})


LAST = answer(200, {"results": [segment_json(2)]})


@pytest.mark.parametrize(
    ("link", "target"),
    [
        (f"https://api.sendgrid.com{SEGMENTS}?page_token=b", f"{SEGMENTS}?page_token=b"),
        (f"HTTPS://API.SENDGRID.COM{SEGMENTS}?page_token=b", f"{SEGMENTS}?page_token=b"),
        (f"https://api.sendgrid.com:443{SEGMENTS}?page_token=b", f"{SEGMENTS}?page_token=b"),
        (f"//api.sendgrid.com{SEGMENTS}?page_token=b", f"{SEGMENTS}?page_token=b"),
        ("/elsewhere?page_token=b#frag", "/elsewhere?page_token=b"),
        ("?page_token=b", f"{SEGMENTS}?page_token=b"),
        # Unusual links are followed if they stay on the server.
        ("https:/evil.test/x", "/evil.test/x"),
        ("https:///evil.test/x", "/evil.test/x"),
    ],
)
def test_a_next_page_on_the_same_server_is_read(link: str, target: str) -> None:
    with scripted(page(link), LAST) as (transport, script):
        segments = Reader(transport).list_segments(parent_list_ids=["p"], no_parent_list=True)
    assert [segment.name for segment in segments] == ["Segment 1", "Segment 2"]
    assert script.seen[0].target == f"{SEGMENTS}?parent_list_ids=p&no_parent_list_id=true"
    assert script.seen[1].target == target
    assert {request.headers["host"] for request in script.seen} == {"api.sendgrid.com"}


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.test/v3",
        "http://api.sendgrid.com/v3",
        "https://api.sendgrid.com:444/v3",
        "https://api.sendgrid.com:99999999/v3",
        "https://api.sendgrid.com.evil.test/v3",
        "https://api.sendgrid.com./v3",
        "https://api.sendgrid.com@evil.test/v3",
        "https://evil.test#@api.sendgrid.com/",
        "https://evil.test\\@api.sendgrid.com/",
        "https://user:pass@api.sendgrid.com/v3",
        "https://user@api.sendgrid.com/v3",
        "//evil.test/v3",
        "///evil.test//x//\x00",
        "mailto:a@b",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://[bad",
        "https://[::1]:x/",
        "https://\ud800/",
        "https://exa mple.test/",
        "https://api\u3002sendgrid\u3002com.evil.test/",
        "x" * 100_000,
    ],
)
def test_a_next_page_elsewhere_is_refused(link: str) -> None:
    with scripted(page(link), LAST) as (transport, script):
        with pytest.raises(UnexpectedResponse, match="on another server") as caught:
            Reader(transport).list_segments()
        assert len(script.seen) == 1
        assert "evil" not in caught.value.message


@pytest.mark.parametrize("link", [None, "", 7, [], {}, False])
def test_an_invalid_link_is_not_a_next_page(link: object) -> None:
    with scripted(page(link)) as (transport, script):
        assert len(Reader(transport).list_segments()) == 1
    assert len(script.seen) == 1


@pytest.mark.parametrize("metadata", [None, [], "x", {}, {"self": "/a", "next": None}])
def test_metadata_of_any_shape_is_accepted(metadata: object) -> None:
    data = {"results": [], "_metadata": metadata}
    with scripted(answer(200, data)) as (transport, _):
        assert Reader(transport).list_segments() == ()


def test_endless_pages_are_refused() -> None:
    again = answer(200, {"results": [], "_metadata": {"next": "?page_token=again"}})
    with scripted(again) as (transport, script):
        with pytest.raises(UnexpectedResponse, match="more than 100 pages"):
            Reader(transport).list_segments()
        assert len(script.seen) == MAX_PAGES


def test_a_segment_on_two_pages_is_refused() -> None:
    with scripted(page("?b=1"), page(None)) as (transport, _):
        with pytest.raises(UnexpectedResponse, match="lists the same segment twice") as caught:
            Reader(transport).list_segments()
        assert "run the command again" in caught.value.hint


def test_a_base_address_with_a_path_keeps_it() -> None:
    def serve(seen: Seen) -> Served:
        return LAST if "b=1" in seen.target else page("?b=1")

    with (
        listening(serve) as server,
        Transport(server.url + "/behind/", Secret(KEY), FakeClock(), direct=True) as transport,
    ):
        assert len(Reader(transport).list_segments()) == 2
    assert [request.target for request in server.seen] == [
        f"/behind{SEGMENTS}",
        f"/behind{SEGMENTS}?b=1",
    ]


def test_links_and_redirects_never_send_the_key_to_a_second_server() -> None:
    with listening() as other, listening() as server:
        port = server.url.rpartition(":")[2]
        links = [
            other.url + SEGMENTS,
            other.url.replace("http:", ""),
            f"{server.url}@{other.url.removeprefix('http://')}/",
            other.url.replace("127.0.0.1", "localhost"),
            server.url.replace("127.0.0.1", "localhost"),
            f"http://[::ffff:127.0.0.1]:{port}/",
            f"http://2130706433:{port}/",
        ]
        with Transport(server.url, Secret(KEY), FakeClock(), direct=True) as transport:
            for link in links:
                server.answer = lambda _, link=link: page(link)  # type: ignore[misc]
                with pytest.raises(UnexpectedResponse, match="another server"):
                    Reader(transport).list_segments()
            for status in (301, 302, 303, 307, 308):
                server.answer = lambda _, status=status: answer(  # type: ignore[misc]
                    status, None, Location=other.url + "/", Refresh=f"0; url={other.url}"
                )
                for method in ("GET", "POST", "PATCH", "DELETE"):
                    with pytest.raises(UnexpectedResponse, match="redirects elsewhere") as caught:
                        transport.send(method, SEGMENTS, operation="do it", body={})
                    assert not caught.value.ambiguous
        assert len(server.seen) == len(links) + 20
        assert {request.headers["authorization"] for request in server.seen} == {f"Bearer {KEY}"}
        assert other.seen == []


def test_even_a_bug_never_sends_the_key_elsewhere() -> None:
    with scripted(LAST) as (transport, script):
        for url in (
            "https://evil.test/",
            "http://api.sendgrid.com/",
            "https://u@api.sendgrid.com/",
        ):
            with pytest.raises(RuntimeError, match="another server"):
                transport.send("GET", url, operation="do it")
        assert script.seen == []
        assert transport.requests == 0


def test_a_redirect_on_the_same_server_is_not_followed_either() -> None:
    with scripted(answer(302, None, Location="/v3/other"), LAST) as (transport, script):
        with pytest.raises(UnexpectedResponse):
            transport.send("GET", SEGMENTS, operation="do it")
        assert len(script.seen) == 1


def test_each_request_has_its_headers() -> None:
    with scripted(LAST, subuser="acme") as (transport, script):
        transport.send("GET", "/v3/x", operation="do it")
        transport.send("POST", "/v3/x", operation="do it", body={"name": "žluť", "odd": "\u2028"})
    for request in script.seen:
        assert request.headers["authorization"] == f"Bearer {KEY}"
        assert request.headers["accept"] == "application/json"
        assert request.headers["on-behalf-of"] == "acme"
        assert request.headers["user-agent"].startswith("segctl/")
        assert KEY not in request.target
    assert script.seen[1].headers["content-type"] == "application/json"
    assert script.seen[0].body == b""
    assert "žluť".encode() in script.seen[1].body


def test_without_a_subuser_its_header_is_missing() -> None:
    with scripted(LAST) as (transport, script):
        transport.send("GET", "/v3/x", operation="do it")
    assert "on-behalf-of" not in script.seen[0].headers


@pytest.mark.parametrize("bad", ["", "sécret-key-1234", "a b", "secret\r\nX-Evil: 1", "s\x00ecret"])
def test_a_value_that_no_header_can_hold_is_refused_and_not_shown(bad: str) -> None:
    with pytest.raises(UsageError, match="the API key must be ASCII without spaces") as caught:
        Transport("https://api.sendgrid.com", Secret(bad), FakeClock())
    assert caught.value.args == (caught.value.message,)
    assert not bad or bad not in caught.value.message
    with pytest.raises(UsageError, match="the subuser's name must be ASCII without spaces"):
        Transport("https://api.sendgrid.com", Secret(KEY), FakeClock(), subuser=bad)
