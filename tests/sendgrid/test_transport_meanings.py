"""The error of each failed response: class, message, hint, ambiguity (sendgrid-api.md §2)."""

from __future__ import annotations

import traceback
from typing import Any

import pytest

from segctl.errors import (
    BadRequest,
    Forbidden,
    NotFound,
    RateLimited,
    RemoteError,
    ServerFault,
    Unauthorized,
    UnexpectedResponse,
    UpdateLocked,
)
from segctl.sendgrid.api import Writer
from segctl.sendgrid.transport import ATTEMPTS
from tests.support.account import KEY

from .support import PLAIN_KEY, Served, answer, scripted

HTML = b"<html><head><title>502 Bad Gateway</title></head><body>sorry</body></html>"


def errors(*messages: str, **fields: Any) -> dict[str, Any]:
    return {"errors": [{"field": None, "message": text, **fields} for text in messages]}


def failing(served: Served, method: str = "GET", *, key: str = KEY, **options: Any) -> RemoteError:
    with scripted(served, key=key, **options) as (transport, _):
        with pytest.raises(RemoteError) as caught:
            transport.send(method, "/v3/x", operation="do it", body={"a": 1})
        return caught.value


LOCKED = "Update request came too soon, please wait 5 minutes before trying again"


@pytest.mark.parametrize(
    ("served", "kind", "words", "hint"),
    [
        (answer(400, errors("bad", field="name")), BadRequest, "(400): name: bad", ""),
        (answer(400, errors("bad")), BadRequest, "SendGrid rejects the request (400): bad", ""),
        (answer(400, errors("bad", parameter="ids")), BadRequest, "ids: bad", ""),
        (answer(400, errors("one", "two")), BadRequest, "one; two", ""),
        (answer(400, {"errors": ["text"]}), BadRequest, "(400): text", ""),
        (answer(400, {"errors": {"a": 1}}), BadRequest, "rejects the request (400)", ""),
        (answer(400, {"errors": [{"message": 3}, 7]}), BadRequest, "rejects the request (400)", ""),
        (answer(400, [1]), BadRequest, "rejects the request (400)", ""),
        (answer(400), BadRequest, "rejects the request (400)", ""),
        (answer(400, errors(LOCKED)), UpdateLocked, "less than five minutes ago", "wait five"),
        (answer(409, errors(LOCKED)), UpdateLocked, "less than five minutes ago", "wait five"),
        (answer(429, errors(LOCKED)), UpdateLocked, "less than five minutes ago", "wait five"),
        (answer(500, errors(LOCKED)), UpdateLocked, "less than five minutes ago", "wait five"),
        (
            answer(401, errors("The provided authorization grant is invalid")),
            Unauthorized,
            "the API key is not accepted: The provided",
            "check the key and its region",
        ),
        (
            answer(403, errors("access forbidden")),
            Forbidden,
            "lacks the permission for this: acc",
            "access to Marketing",
        ),
        (
            answer(403),
            Forbidden,
            "the API key lacks the permission for this",
            "access to Marketing",
        ),
        (answer(404, errors("resource not found")), NotFound, "not found on the account", ""),
        (answer(404, {"error": "Segment does not exist."}), NotFound, "Segment does not", ""),
        (answer(404), NotFound, "not found on the account", ""),
        (answer(404, HTML), UnexpectedResponse, "(404) does not look like", "SEGCTL_BASE_URL"),
        (answer(403, HTML), Forbidden, "(403) does not look like", "proxy with a login page"),
        (
            answer(406, errors("not acceptable")),
            BadRequest,
            "(406): not acceptable",
            "Accept header",
        ),
        (answer(407, b""), BadRequest, "the proxy requires a password", "HTTPS_PROXY"),
        (answer(429, errors("too many requests")), RateLimited, "too many requests", "a minute"),
        (answer(429), RateLimited, "too many requests", "wait a minute"),
        (answer(429, b"", X_RateLimit_Reset="25"), RateLimited, "asks to wait 25 s", "in 25 s"),
        (answer(451, errors("legal reasons")), BadRequest, "another region: legal", "region: eu"),
        (answer(500, {"error": "oops"}), ServerFault, "SendGrid failed (500): oops", "status.send"),
        (answer(502, {"message": "Internal server error"}), ServerFault, "(502): Internal", "try"),
        (answer(502, HTML), ServerFault, "SendGrid failed (502)", "try again"),
        (answer(503), ServerFault, "SendGrid failed (503)", "try again"),
        (
            answer(302, b"", Location="https://x/"),
            UnexpectedResponse,
            "elsewhere (302)",
            "BASE_URL",
        ),
        (
            answer(307, HTML, Location="https://x/"),
            UnexpectedResponse,
            "elsewhere (307)",
            "BASE_URL",
        ),
        (answer(429, HTML, Retry_After="9"), RateLimited, "asks to wait 9 s", "in 9 s"),
        (answer(401, HTML), Unauthorized, "(401) does not look like", "login page"),
        (answer(400, b"Bad Request"), BadRequest, "(400) does not look like", "BASE_URL"),
        (answer(304), UnexpectedResponse, "elsewhere (304)", "SEGCTL_BASE_URL"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_each_response_has_its_error(
    served: Served, kind: type[RemoteError], words: str, hint: str, method: str
) -> None:
    error = failing(served, method)
    assert type(error) is kind
    assert error.message.startswith("could not do it: ")
    assert words in error.message
    assert hint in error.hint
    assert bool(hint) == bool(error.hint)
    assert error.status == served[0]
    assert error.operation == "do it"
    assert "<" not in error.message
    # A read changes nothing; neither does a refusal.
    assert error.ambiguous == (method != "GET" and kind is ServerFault)


def test_a_key_that_may_only_read_is_told_apart() -> None:
    assert "read access" in failing(answer(403), "GET").hint
    assert "full access" in failing(answer(403), "PATCH").hint


def test_a_message_is_not_repeated() -> None:
    assert failing(answer(429, errors("too many requests"))).message.count("too many") == 1


def test_the_messages_of_the_server_are_kept_separately() -> None:
    error = failing(answer(400, errors("one", "", "two", field="f") | {"message": "three"}))
    assert error.messages == ("f: one", "f: two", "three")


def test_a_subuser_is_named_where_it_may_be_the_cause() -> None:
    for status in (401, 403):
        assert "that `acme` is a subuser" in failing(answer(status), subuser="acme").hint
    assert "acme" not in failing(answer(400), subuser="acme").hint


def test_many_and_long_messages_are_cut() -> None:
    many = failing(answer(400, errors(*(f"m{n}" for n in range(1000)))))
    assert many.message.endswith("m4; and 995 more")
    long = failing(answer(400, errors("x" * 1_000_000)))
    assert len(long.messages[0]) == 300
    assert long.messages[0].endswith("…")


def test_control_characters_are_removed() -> None:
    error = failing(answer(400, errors("a\x1b[31mred\x07 \u202egnol\u2066 b\u2028c\r\nd\ud800")))
    assert error.messages == ("a [31mred gnol b c d",)


@pytest.mark.parametrize("key", [KEY, PLAIN_KEY])
@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
def test_a_key_that_the_server_echoes_is_not_shown(key: str, status: int) -> None:
    broken = "\u200b".join((key[:6], key[6:]))
    far = " " * (3000 - len(key) // 2) + key + " " * 200
    for text in (f"the key {key} is bad", far, broken, f"{key}{key}", "é" * 290 + key):
        for data in (errors(text), errors("m", field=key), {"error": text}, {"message": text}):
            error = failing(answer(status, data), key=key)
            shown = "".join(traceback.format_exception(error)) + repr(error) + str(error.args)
            shown += repr(error.messages) + error.hint + error.operation
            assert key not in shown
            assert key[:6] not in shown
    html = f"<html>{key}</html>".encode()
    assert key not in repr(failing(answer(status, html), key=key))


def test_a_key_in_an_id_is_not_shown() -> None:
    with scripted(answer(404), key=PLAIN_KEY) as (transport, _):
        account = Writer(transport)
        for act in (
            lambda: account.get_segment(PLAIN_KEY),
            lambda: account.patch_segment(PLAIN_KEY, {"name": "n"}),
            lambda: account.delete_segment(PLAIN_KEY),
            lambda: account.refresh_segment(PLAIN_KEY, "UTC"),
        ):
            with pytest.raises(NotFound) as caught:
                act()
            assert PLAIN_KEY not in caught.value.message + caught.value.operation


def test_nothing_about_a_transport_shows_the_key() -> None:
    for key in (KEY, PLAIN_KEY):
        with scripted(answer(200), key=key) as (transport, _):
            shown = repr(transport) + str(transport) + repr(vars(transport))
            shown += repr(vars(transport._client)) + repr(transport._client.headers)
        assert key not in shown


@pytest.mark.parametrize(
    "body",
    [b"{", b'{"results": [{"id": "a", ', b"\xff\xfe", b"OK", HTML, b"[" * 100_000, b"1" * 10_000],
)
def test_a_success_that_is_not_json_is_an_error(body: bytes) -> None:
    for method in ("GET", "POST"):
        error = failing(answer(200, body), method)
        assert type(error) is UnexpectedResponse
        assert "the response is not JSON" in error.message
        assert "proxy" in error.hint
        assert error.ambiguous == (method == "POST")


@pytest.mark.parametrize("served", [answer(202), answer(204), answer(200, b" \r\n")])
def test_a_success_without_a_body_has_no_data(served: Served) -> None:
    with scripted(served) as (transport, _):
        got = transport.send("DELETE", "/v3/x", operation="do it")
    assert (got.status, got.data) == (served[0], None)


def test_a_failure_is_raised_once_its_attempts_are_used_up() -> None:
    with scripted(answer(502)) as (transport, script):
        with pytest.raises(ServerFault):
            transport.send("GET", "/v3/x", operation="do it")
        assert len(script.seen) == ATTEMPTS == transport.requests
