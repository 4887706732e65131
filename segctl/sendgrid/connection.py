"""The setup of httpx, and its errors in plain words.

Both `transport.py` and `downloads.py` get their clients here: which certificates count, which proxy
is used, and how to reach a server inside this process. Sends nothing and knows no key: the caller
passes the headers.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Protocol

import httpx

from segctl.errors import UsageError
from segctl.sendgrid.exchange import TooSlow, bound_connections

if TYPE_CHECKING:
    from collections.abc import Mapping

CONNECT_TIMEOUT = 10.0
"""Seconds."""


class Mount(Protocol):
    """A server inside this process, such as the emulator of the sandbox."""

    def __call__(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Respond to one request; `target` is the path with the query."""


def open_client(
    base_url: str,
    headers: Mapping[str, str],
    *,
    connections: int,
    read_timeout: float,
    mount: Mount | None,
    direct: bool,
) -> httpx.Client:
    """Return a client that follows no redirect. `direct` bypasses the environment's proxies.

    Raises `UsageError` where the environment's proxy or certificates cannot be used.
    """
    try:
        client = httpx.Client(
            base_url=base_url,
            headers=dict(headers),
            # The API needs no cookies, and a server could fill every later request with them.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            # Waiting for a free connection has no limit: the requests that use them have one.
            timeout=httpx.Timeout(read_timeout, connect=CONNECT_TIMEOUT, pool=None),
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            follow_redirects=False,
            trust_env=not direct,
            verify=_trusted_certificates(base_url, mounted=mount is not None),
            transport=_MountTransport(mount) if mount is not None else None,
        )
        bound_connections(client)
    except OSError:
        raise UsageError(
            "the certificates in SSL_CERT_FILE or SSL_CERT_DIR cannot be used",
            hint="set the variable to a readable PEM file, or unset it",
        ) from None
    except (ImportError, ValueError, httpx.InvalidURL):
        # The message of the original error contains the proxy's password.
        raise UsageError(
            "the proxy in HTTPS_PROXY or ALL_PROXY cannot be used",
            hint="use the form http://HOST:PORT; for SOCKS, run `pip install 'httpx[socks]'`",
        ) from None
    return client


@dataclass(frozen=True, slots=True)
class ConnectionFailure:
    """Why no response came, with a hint where the cause is certain.

    `never_sent`: the server cannot have received the request. `untrusted`: its certificate is the
    cause, so a retry cannot help.
    """

    message: str
    hint: str
    never_sent: bool
    untrusted: bool


def describe_failure(
    error: httpx.RequestError, host: str, read_timeout: float
) -> ConnectionFailure:
    """Return why a request got no response, without the text of the error itself."""
    never_sent = isinstance(error, _NEVER_SENT)
    untrusted = _is_untrusted(error)
    hint = ""
    if "WRONG_VERSION_NUMBER" in str(error):
        message = f"{host} does not use https on this port"
        hint = "check the port in SEGCTL_BASE_URL; http:// is allowed for this machine only"
    elif untrusted:
        message = f"the certificate of {host} is not trusted"
        hint = "if your own proxy signs certificates, set SSL_CERT_FILE to its certificate"
    elif isinstance(error, httpx.ProxyError):
        message = "the proxy refused the connection"
        hint = "check HTTPS_PROXY and ALL_PROXY in the environment"
    elif isinstance(error, TooSlow):
        message = f"{host} did not complete its response within {error.seconds:.0f} s"
    elif isinstance(error, httpx.TimeoutException):
        limit = CONNECT_TIMEOUT if never_sent else read_timeout
        message = f"{host} did not respond within {limit:.0f} s"
    elif never_sent:
        message = f"no connection to {host}"
    else:
        message = f"the connection to {host} broke"
    return ConnectionFailure(message, hint, never_sent, untrusted)


_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)


def _trusted_certificates(base_url: str, *, mounted: bool) -> ssl.SSLContext | bool:
    """Return the certificates to trust.

    Reading the bundle takes longer than many a run. Plain http and a mounted server have no
    handshake, so an empty context is used there, with which any handshake would fail.
    """
    plain = mounted or base_url.lower().startswith("http:")
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if plain else True


def _is_untrusted(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


class _MountTransport(httpx.BaseTransport):
    """Sends the requests of httpx to a server in this process."""

    def __init__(self, mount: Mount) -> None:
        self._mount = mount

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        status, headers, body = self._mount(
            request.method,
            request.url.raw_path.decode("ascii"),
            dict(request.headers),
            request.read(),
        )
        # A stream, as from a socket: a response made from `content` counts as read.
        stream = httpx.ByteStream(body)
        return httpx.Response(status, headers=dict(headers), stream=stream, request=request)
