"""Downloads of files: resumed after a failure, never without encryption, never with a key."""

from __future__ import annotations

import ssl
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from segctl.common.folder import Folder
from segctl.common.secrets import Secret
from segctl.errors import BadRequest, NotFound, RemoteError, UnexpectedResponse, Unreachable
from segctl.sendgrid import downloads as module
from segctl.sendgrid.downloads import ATTEMPTS, Downloads
from tests.sendgrid.support import Script, Seen, Served, answer, listening
from tests.support.clock import FakeClock
from tests.support.process import HAS_MODES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from segctl.sendgrid.connection import Mount

CONTENT = bytes(range(256)) * 1000
TAG = '"v1"'
SIGNED = "/exports/1.csv.gz?X-Signature=0badcafe0badcafe"


@dataclass
class Fetching:
    """A download, with its messages, tags and progress."""

    part: Path
    clock: FakeClock = field(default_factory=FakeClock)
    messages: list[str] = field(default_factory=list)
    tags: list[str | None] = field(default_factory=list)
    reported: list[tuple[int, int]] = field(default_factory=list)

    def fetch(
        self,
        url: str,
        *,
        tag: str | None = None,
        mount: Mount | None = None,
        local: bool = True,
    ) -> int:
        with Downloads(
            self.clock, mount=mount, local=local, notify=self.messages.append
        ) as downloads:
            try:
                return downloads.fetch(
                    Secret(url),
                    Folder(self.part.parent),
                    self.part.name,
                    operation="fetch file 1 of 1",
                    tag=tag,
                    keep=self.tags.append,
                    progress=lambda done, total: self.reported.append((done, total)),
                )
            except RemoteError as error:
                self.messages += [error.message, error.hint]
                raise
            finally:
                assert "0badcafe" not in "".join(self.messages)

    def holds(self) -> bytes:
        if HAS_MODES:
            assert stat.S_IMODE(self.part.stat().st_mode) == 0o600
        return self.part.read_bytes()


@pytest.fixture
def fetching(tmp_path: Path) -> Fetching:
    return Fetching(tmp_path / "part")


def storage(seen: Seen, tag: str = TAG) -> Served:
    """Return the response of a file server that supports ranges."""
    begins = seen.headers.get("range", "bytes=0-").removeprefix("bytes=").removesuffix("-")
    if "range" in seen.headers and seen.headers.get("if-range") == tag:
        size = len(CONTENT)
        if int(begins) >= size:
            return answer(416, b"")
        headers = {"ETag": tag, "Content-Range": f"bytes {begins}-{size - 1}/{size}"}
        return 206, headers, CONTENT[int(begins) :]
    return 200, {"ETag": tag}, CONTENT


def test_a_file_is_fetched_without_the_key(fetching: Fetching) -> None:
    with listening(storage) as server:
        assert fetching.fetch(server.url + SIGNED) == len(CONTENT)
    assert fetching.holds() == CONTENT
    assert fetching.tags == [TAG]
    assert fetching.reported[-1] == (len(CONTENT), len(CONTENT))
    (seen,) = server.seen
    assert seen.target == SIGNED
    assert seen.headers.keys() == {"host", "accept", "accept-encoding", "connection", "user-agent"}
    assert seen.headers["accept-encoding"] == "identity"


END = len(CONTENT)


@pytest.mark.parametrize(
    ("size", "tag", "offsets"),
    [
        (1000, TAG, [1000]),
        (1000, '"v0"', [1000]),
        (1000, None, [None]),
        (0, TAG, [None]),
        (END, TAG, [END, None]),
        (END + 7, '"v0"', [END + 7]),
    ],
)
def test_a_partial_file_is_resumed_if_the_tag_is_the_same(
    fetching: Fetching, size: int, tag: str | None, offsets: list[int | None]
) -> None:
    beginning = CONTENT if tag == TAG else b"x" * (END + 7)
    fetching.part.touch(0o600)
    fetching.part.write_bytes(beginning[:size])
    with listening(storage) as server:
        assert fetching.fetch(server.url + SIGNED, tag=tag) == END
    assert fetching.holds() == CONTENT
    ranges = [seen.headers.get("range") for seen in server.seen]
    assert ranges == [None if offset is None else f"bytes={offset}-" for offset in offsets]


def test_a_broken_download_is_resumed_while_it_progresses(
    fetching: Fetching, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = 0

    def short(method: str, target: str, headers: Mapping[str, str], body: bytes) -> Served:
        nonlocal requests
        requests += 1
        status, more, whole = storage(Seen(method, target, headers, body))
        # It states the whole length, and sends less.
        return status, {**more, "Content-Length": str(len(whole))}, whole[:20_000]

    monkeypatch.setattr(module, "MIN_PROGRESS", END)
    with pytest.raises(Unreachable, match=r"the connection to files\.test broke"):
        fetching.fetch(f"https://files.test{SIGNED}", mount=short)
    assert (requests, fetching.part.stat().st_size) == (ATTEMPTS, ATTEMPTS * 20_000)
    monkeypatch.setattr(module, "MIN_PROGRESS", 20_000)
    assert fetching.fetch(f"https://files.test{SIGNED}", mount=short, tag=TAG) == END
    assert fetching.holds() == CONTENT
    assert requests == 13 > 2 * ATTEMPTS


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (403, NotFound, "denies access (403): the address of a file expires"),
        (404, NotFound, "(404)"),
        (503, RemoteError, "the file server failed (503)"),
        (429, RemoteError, "has reached its rate limit"),
        (400, BadRequest, "the file server rejects the request (400)"),
        (204, BadRequest, "rejects the request (204)"),
    ],
)
def test_each_status_has_its_error(
    fetching: Fetching, status: int, kind: type[RemoteError], words: str
) -> None:
    body = b"<Error>X-Signature=0badcafe0badcafe</Error>"
    mount = Script([answer(status, body)])
    with pytest.raises(kind) as caught:
        fetching.fetch(f"https://files.test{SIGNED}", mount=mount)
    assert words in caught.value.message
    assert len(mount.seen) == (ATTEMPTS if status in (503, 429) else 1)
    assert not fetching.part.exists()


ODD: dict[str, tuple[list[Served], str]] = {
    "another part": (
        [answer(206, b"x", Content_Range="bytes 7-8/9", ETag=TAG)],
        "the server sent a different part of the file than requested",
    ),
    "a part of another file": (
        [answer(206, b"x", Content_Range="bytes 3-8/9", ETag='"v2"')],
        "the server sent a different part",
    ),
    "round and round": (
        [answer(302, b"", Location="https://files.test/again")],
        "too many redirects",
    ),
    "too short, always": ([answer(416, b"")], "the file on the server became shorter"),
}


@pytest.mark.parametrize("name", ODD)
def test_an_unusable_response_of_the_file_server_is_refused(fetching: Fetching, name: str) -> None:
    answers, words = ODD[name]
    fetching.part.write_bytes(b"abc")
    with pytest.raises(UnexpectedResponse, match=words):
        fetching.fetch(f"https://files.test{SIGNED}", tag=TAG, mount=Script(answers))


def test_a_file_that_moved_is_followed(fetching: Fetching) -> None:
    script = Script([answer(307, b"", Location="https://eu.files.test/x"), answer(200, b"content")])
    assert fetching.fetch(f"https://files.test{SIGNED}", mount=script) == 7
    assert [seen.headers["host"] for seen in script.seen] == ["files.test", "eu.files.test"]


@pytest.mark.parametrize(
    ("url", "local", "words"),
    [
        ("http://files.test/x", True, "must use https"),
        ("http://127.0.0.1:9/x", False, "must use https"),
        ("ftp://files.test/x", True, "must use https"),
        ("https://me:pass@files.test/x", False, "contains a password"),
        ("https://files.test:port/x", False, "is invalid"),
        ("", False, "must use https"),
    ],
)
def test_invalid_addresses_are_refused(
    fetching: Fetching, url: str, local: bool, words: str
) -> None:
    with pytest.raises(UnexpectedResponse, match=words):
        fetching.fetch(url, local=local)


def test_a_redirect_to_http_is_refused(fetching: Fetching) -> None:
    def moved(_: Seen) -> Served:
        return answer(302, b"", Location="http://files.test/x")

    with listening(moved) as server:
        with pytest.raises(UnexpectedResponse, match="must use https"):
            fetching.fetch(server.url + SIGNED)
        assert len(server.seen) == 1


def test_an_unreachable_file_server_is_reported(fetching: Fetching) -> None:
    with listening() as server:
        url = server.url
    with pytest.raises(Unreachable) as caught:
        fetching.fetch(url + SIGNED)
    assert caught.value.message == "could not fetch file 1 of 1: no connection to 127.0.0.1"
    assert "on a different server than the API" in caught.value.hint
    assert len(fetching.clock.slept) == ATTEMPTS - 1


def test_an_untrusted_certificate_is_not_retried(
    fetching: Fetching, monkeypatch: pytest.MonkeyPatch
) -> None:
    def untrusted(*args: Any, **options: Any) -> httpx.Response:
        raise httpx.ConnectError("x", request=args[1]) from ssl.SSLCertVerificationError()

    monkeypatch.setattr(httpx.Client, "send", untrusted)
    with pytest.raises(Unreachable, match=r"the certificate of files\.test is not trusted"):
        fetching.fetch(f"https://files.test{SIGNED}")
    assert fetching.clock.slept == []


def test_an_endless_file_is_abandoned(fetching: Fetching, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST", 1000)
    with (
        listening(storage) as server,
        pytest.raises(UnexpectedResponse, match="the file is larger than"),
    ):
        fetching.fetch(server.url + SIGNED)
    assert fetching.part.stat().st_size <= 1000
