"""Network failures over real sockets: connections that fail, break, hang or are slow."""

from __future__ import annotations

import re
import socket
import ssl
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from segctl.common.secrets import Secret
from segctl.emulator import Emulator, Settings, serve
from segctl.errors import RemoteError, UnexpectedResponse, Unreachable, UsageError
from segctl.sendgrid import transport as module
from segctl.sendgrid.api import Reader
from segctl.sendgrid.transport import ATTEMPTS, Transport
from tests.support.account import KEY
from tests.support.clock import FakeClock
from tests.support.process import HANG, eventually

from .support import SEGMENTS, Script, answer, listening

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def emulated(*faults: str) -> Iterator[tuple[Emulator, Transport]]:
    with (
        Emulator(None, Settings()) as emulator,
        serve(emulator) as server,
        Transport(server.url, Secret(KEY), FakeClock(), direct=True) as transport,
    ):
        emulator.faults.add(*faults)
        yield emulator, transport


BODY = {"name": "N", "query_dsl": "SELECT contact_id, updated_at FROM contact_data"}


@pytest.mark.parametrize("kind", ["drop", "refuse", "cut", "truncated", "wrong-json", "empty"])
def test_a_get_survives_one_broken_connection(kind: str) -> None:
    with emulated(f"GET * {kind}") as (emulator, transport):
        reader = Reader(transport)
        if kind != "wrong-json":
            assert reader.list_segments() == ()
            assert len(emulator.log) == 2
        else:
            # Complete JSON is not requested again: it is the server's response.
            with pytest.raises(UnexpectedResponse):
                reader.list_segments()


@pytest.mark.parametrize(
    ("kind", "method"),
    [
        ("drop", "POST"),
        ("drop", "PATCH"),
        ("drop", "DELETE"),
        ("drop after", "POST"),
        ("drop after", "DELETE"),
        ("refuse", "POST"),
        ("cut", "POST"),
        ("cut", "PATCH"),
    ],
)
def test_a_broken_write_is_ambiguous_and_sent_once(kind: str, method: str) -> None:
    with emulated(f"{method} * {kind} always") as (emulator, transport):
        with pytest.raises(Unreachable, match=r"the connection to 127\.0\.0\.1 broke") as caught:
            transport.send(method, SEGMENTS, operation="do it", body=BODY)
        assert len(emulator.log) == 1
    assert caught.value.ambiguous
    assert "SEGCTL_BASE_URL" in caught.value.hint


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_silent_server_times_out(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "READ_TIMEOUT", 0.1)
    with (
        emulated(f"{method} * hang always") as (emulator, transport),
        pytest.raises(Unreachable, match="did not respond within") as caught,
    ):
        transport.send(method, SEGMENTS, operation="do it", body=BODY)
    assert caught.value.ambiguous == (method == "POST")
    # The server may log the last of them after the client has given up.
    assert eventually(lambda: len(emulator.log) == (ATTEMPTS if method == "GET" else 1))


def test_a_slow_response_is_read() -> None:
    with emulated("GET * drip 0.2s") as (_, transport):
        assert Reader(transport).list_segments() == ()


def test_a_response_that_cannot_be_decompressed_is_a_broken_connection() -> None:
    with (
        listening(lambda _: answer(200, b"no gzip", Content_Encoding="gzip")) as server,
        Transport(server.url, Secret(KEY), FakeClock(), direct=True) as transport,
        pytest.raises(Unreachable, match="broke") as caught,
    ):
        transport.send("DELETE", "/v3/x", operation="do it")
    assert caught.value.ambiguous


@pytest.mark.parametrize("raw", [b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 200 OK\r\nContent-Le", b""])
def test_a_response_that_is_not_http_is_a_broken_connection(raw: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve_raw() -> None:
            for _ in range(ATTEMPTS):
                connection = listener.accept()[0]
                connection.recv(65536)
                connection.sendall(raw)
                connection.close()

        thread = threading.Thread(target=serve_raw, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with (
            Transport(url, Secret(KEY), FakeClock(), direct=True) as transport,
            pytest.raises(Unreachable, match=r"the connection to 127\.0\.0\.1 broke") as caught,
        ):
            transport.send("GET", "/v3/x", operation="do it")
        thread.join(HANG)
    assert KEY not in caught.value.message


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
def test_a_kept_connection_that_breaks_is_repeated_only_for_a_get(method: str) -> None:
    """The server responds once, reads the next request and closes without a byte."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        fine = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
        read: list[bytes] = []

        def serve_raw() -> None:
            # Only a GET is sent again.
            for answers in (1, 9) if method == "GET" else (1,):
                connection = listener.accept()[0]
                with connection:
                    while request := connection.recv(65536):
                        read.append(request)
                        if answers == 0:
                            break
                        answers -= 1  # noqa: PLW2901 - what is left of this connection
                        connection.sendall(fine)

        thread = threading.Thread(target=serve_raw, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with Transport(url, Secret(KEY), FakeClock(), direct=True) as transport:
            transport.send("GET", "/v3/x", operation="read")
            if method == "GET":
                transport.send("GET", "/v3/x", operation="read")
                assert len(read) == 3
            else:
                # The server may have acted, so the transport does not send it again.
                with pytest.raises(Unreachable, match="broke") as caught:
                    transport.send(method, "/v3/x", operation="do it")
                assert caught.value.ambiguous
                assert len(read) == 2
        thread.join(HANG)


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_connection_that_never_opened_did_nothing(method: str) -> None:
    messages: list[str] = []
    clock = FakeClock()
    url = f"http://127.0.0.1:{closed_port()}"
    with (
        Transport(url, Secret(KEY), clock, direct=True, notify=messages.append) as transport,
        pytest.raises(Unreachable, match=r"no connection to 127\.0\.0\.1") as caught,
    ):
        transport.send(method, "/v3/x", operation="list the segments")
    assert not caught.value.ambiguous
    assert len(clock.slept) == ATTEMPTS - 1
    assert "no connection to 127.0.0.1" in messages[0]
    assert "attempt 2 of 5 in 1 s" in messages[0]


def test_an_impatient_request_is_not_repeated() -> None:
    clock = FakeClock()
    url = f"http://127.0.0.1:{closed_port()}"
    with Transport(url, Secret(KEY), clock, direct=True) as transport, pytest.raises(Unreachable):
        transport.send("POST", "/v3/x", operation="do it", patient=False)
    assert clock.slept == []


def test_an_unknown_host_is_unreachable() -> None:
    with (
        Transport(
            "https://no-such-host.invalid", Secret(KEY), FakeClock(), direct=True
        ) as transport,
        pytest.raises(Unreachable, match=r"no connection to no-such-host\.invalid") as caught,
    ):
        transport.send("POST", "/v3/x", operation="do it", patient=False)
    assert not caught.value.ambiguous


def pem(what: str, text: str) -> str:
    return f"-----BEGIN {what}-----\n{text}\n-----END {what}-----\n"


def test_a_self_signed_certificate_is_not_retried(tmp_path: Path) -> None:
    certificate = tmp_path / "server.pem"
    certificate.write_text(pem("CERTIFICATE", CERTIFICATE) + pem("PRIVATE KEY", CERTIFICATE_KEY))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        received: list[bytes] = []

        def shake() -> None:
            connection = listener.accept()[0]
            try:
                with context.wrap_socket(connection, server_side=True) as secure:
                    received.append(secure.recv(65536))
            except OSError:
                connection.close()

        thread = threading.Thread(target=shake, daemon=True)
        thread.start()
        clock = FakeClock()
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        with (
            Transport(url, Secret(KEY), clock, direct=True) as transport,
            pytest.raises(
                Unreachable, match=r"certificate of 127\.0\.0\.1 is not trusted"
            ) as caught,
        ):
            transport.send("GET", "/v3/x", operation="do it")
        thread.join(HANG)
    assert "SSL_CERT_FILE" in caught.value.hint
    assert clock.slept == []
    assert received in ([], [b""])


@pytest.mark.parametrize(
    ("url", "mount", "reads"),
    [
        ("http://127.0.0.1:1", None, False),
        ("HTTP://localhost:1", None, False),
        ("https://api.sendgrid.com", Script([answer(200, {})]), False),
        ("https://api.sendgrid.com", None, True),
        ("HTTPS://127.0.0.1:1", None, True),
    ],
)
def test_certificates_are_read_for_https_only(
    url: str, mount: Script | None, reads: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[object] = []
    contexts: list[ssl.SSLContext] = []
    real = ssl.create_default_context
    client = httpx.Client

    def reading(**options: Any) -> ssl.SSLContext:
        read.append(options)
        return real(**options)

    def making(**options: Any) -> httpx.Client:
        if options["verify"] is not True:
            contexts.append(options["verify"])
        return client(**options)

    monkeypatch.setattr(ssl, "create_default_context", reading)
    monkeypatch.setattr(httpx, "Client", making)
    with Transport(url, Secret(KEY), FakeClock(), mount=mount, direct=True):
        assert bool(read) == reads
    # Without certificates none is trusted, so a handshake would fail.
    assert bool(contexts) != reads
    for context in contexts:
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname
        assert context.get_ca_certs() == []


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "ALL_PROXY", "https_proxy"])
def test_the_proxies_of_the_environment_are_used(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        requests: list[bytes] = []

        def refuse() -> None:
            for _ in range(ATTEMPTS):
                connection = listener.accept()[0]
                requests.append(connection.recv(65536))
                connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
                connection.close()

        thread = threading.Thread(target=refuse, daemon=True)
        thread.start()
        monkeypatch.setenv(variable, f"http://127.0.0.1:{listener.getsockname()[1]}")
        with (
            Transport("https://api.sendgrid.com", Secret(KEY), FakeClock()) as transport,
            pytest.raises(Unreachable, match="the proxy refused the connection") as caught,
        ):
            transport.send("POST", "/v3/x", operation="do it")
        thread.join(HANG)
    assert "407" in caught.value.message
    assert "HTTPS_PROXY" in caught.value.hint
    assert not caught.value.ambiguous
    assert len(requests) == ATTEMPTS
    assert all(request.startswith(b"CONNECT api.sendgrid.com:443") for request in requests)
    # The key is for the other end of the tunnel.
    assert not any(KEY.encode() in request for request in requests)


def test_a_direct_connection_bypasses_the_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")
    with emulated() as (_, transport):
        assert Reader(transport).list_segments() == ()


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("ALL_PROXY", "socks5://user:hunter2@127.0.0.1:1080", "SOCKS"),
        ("HTTPS_PROXY", "gopher://user:hunter2@127.0.0.1", "http://HOST:PORT"),
        ("HTTPS_PROXY", "http://user:hunter2@127.0.0.1:x", "http://HOST:PORT"),
        ("SSL_CERT_FILE", "/no/hunter2.pem", "readable PEM"),
        ("SSL_CERT_FILE", "/dev/null", "readable PEM"),
    ],
)
def test_an_unusable_environment_is_a_usage_error(
    variable: str, value: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(UsageError, match=re.compile(variable.split("_", maxsplit=1)[0])) as caught:
        Transport("https://api.sendgrid.com", Secret(KEY), FakeClock())
    assert words in caught.value.hint
    assert "hunter2" not in repr(caught.value)


def test_what_httpx_cannot_send_is_not_quoted() -> None:
    # Nothing that passes the constructor does this today; the header is put there by hand.
    with (
        listening() as server,
        Transport(server.url, Secret(KEY), FakeClock(), direct=True) as transport,
    ):
        transport._client.headers["authorization"] = f"Bearer {KEY}\x00"
        with pytest.raises(RemoteError) as caught:
            transport.send("POST", "/v3/x", operation="do it", body={})
        assert server.seen == []
    assert not caught.value.ambiguous
    assert KEY[:8] not in str(caught.value)
    assert "Illegal" not in str(caught.value)


# Made for this test and trusted nowhere: a certificate of 127.0.0.1 and its key, in base64.
CERTIFICATE = (
    "MIIBjzCCATagAwIBAgIUMwKO7vSljeeM0c9gBCOATrmoAWQwCgYIKoZIzj0EAwIwFDESMBAGA1UEAwwJ"
    "MTI3LjAuMC4xMCAXDTI2MTEyMjAxMTUzMloYDzIxMjYxMDI5MDExNTMyWjAUMRIwEAYDVQQDDAkxMjcu"
    "MC4wLjEwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASiqdyQR/6pbnwffadWIDYch5aCm8KQDNvdvqtO"
    "O3JW3pMF4Ipwv2ZsGxmftxHmbbcqob93b2b+Fl/DLSM3dLeSo2QwYjAdBgNVHQ4EFgQUYV3FXFwKzNhH"
    "+XYe1bSjgHRq5CAwHwYDVR0jBBgwFoAUYV3FXFwKzNhH+XYe1bSjgHRq5CAwDwYDVR0TAQH/BAUwAwEB"
    "/zAPBgNVHREECDAGhwR/AAABMAoGCCqGSM49BAMCA0cAMEQCICTSTYy761MN+TtzVL2wNdPtfZXtaydL"
    "Z0tXdK7vB6+dAiAmL3LnPbt++RVLcXB390tpp0Msz9SVdc1ExHVZQVe59Q=="
)
CERTIFICATE_KEY = (
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg9jq4aXjMmwXrhVyNYZNEvd1mjtsWyts7"
    "CUQ8QrcBArShRANCAASiqdyQR/6pbnwffadWIDYch5aCm8KQDNvdvqtOO3JW3pMF4Ipwv2ZsGxmftxHm"
    "bbcqob93b2b+Fl/DLSM3dLeS"
)
