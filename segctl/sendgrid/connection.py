"""How httpx is set up, and what its errors mean in words.

Owns the client that both doors to the network are made of: whose certificates count, which proxy
is used, and the way to a server inside this process. Sends nothing by itself, and knows no key:
what stands in the headers is given to it.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import httpx

from segctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

CONNECT_TIMEOUT = 10.0
"""Seconds."""


class Mount(Protocol):
    """A server inside this process: what the emulator is for the sandbox."""

    def __call__(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Answer one request; `target` is the path with the query."""


def open_client(
    base_url: str,
    headers: Mapping[str, str],
    *,
    connections: int,
    read_timeout: float,
    mount: Mount | None,
    direct: bool,
) -> httpx.Client:
    """Make a client, which follows no redirect. `direct` passes the environment's proxies by.

    Raises `UsageError` where the environment's proxy or certificates cannot be used.
    """
    try:
        return httpx.Client(
            base_url=base_url,
            headers=dict(headers),
            # No limit on waiting for a free connection: those who hold one have theirs.
            timeout=httpx.Timeout(read_timeout, connect=CONNECT_TIMEOUT, pool=None),
            limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
            follow_redirects=False,
            trust_env=not direct,
            verify=_trust(base_url, mounted=mount is not None),
            transport=_Mounted(mount) if mount is not None else None,
        )
    except OSError:
        raise UsageError(
            "the certificates in SSL_CERT_FILE or SSL_CERT_DIR cannot be used",
            hint="set the variable to a readable PEM file, or unset it",
        ) from None
    except (ImportError, ValueError, httpx.InvalidURL):
        # The message of the cause would show the proxy's password.
        raise UsageError(
            "the proxy in HTTPS_PROXY or ALL_PROXY cannot be used",
            hint="use the form http://HOST:PORT; for SOCKS, run `pip install 'httpx[socks]'`",
        ) from None


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why no answer came: in words, with a hint where there is a certain one.

    `never_sent` says that the server cannot have got the request, `untrusted` that its certificate
    is to blame, which does not become good by asking again.
    """

    what: str
    hint: str
    never_sent: bool
    untrusted: bool


def explain(error: httpx.RequestError, host: str, read_timeout: float) -> Trouble:
    """Say in words why a request got no answer. Nothing of the error's own text is in them."""
    never_sent = isinstance(error, _NEVER_SENT)
    untrusted = _is_untrusted(error)
    hint = ""
    if "WRONG_VERSION_NUMBER" in str(error):
        what = f"{host} does not use https on this port"
        hint = "check the port in SEGCTL_BASE_URL; http:// is allowed for this machine only"
    elif untrusted:
        what = f"the certificate of {host} is not trusted"
        hint = "if your own proxy signs certificates, set SSL_CERT_FILE to its certificate"
    elif isinstance(error, httpx.ProxyError):
        what = "the proxy refused the connection"
        hint = "check HTTPS_PROXY and ALL_PROXY in the environment"
    elif isinstance(error, httpx.TimeoutException):
        limit = CONNECT_TIMEOUT if never_sent else read_timeout
        what = f"{host} did not respond within {limit:.0f} s"
    elif never_sent:
        what = f"no connection to {host}"
    else:
        what = f"the connection to {host} broke"
    return Trouble(what, hint, never_sent, untrusted)


_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)


def _trust(base_url: str, *, mounted: bool) -> ssl.SSLContext | bool:
    """Choose whose certificates count.

    Reading the bundle takes longer than many a run lasts. Plain http and a mounted server never
    shake hands: nobody is trusted there, so that a handshake would fail rather than pass.
    """
    plain = mounted or base_url.lower().startswith("http:")
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if plain else True


def _is_untrusted(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


class _Mounted(httpx.BaseTransport):
    """Lets httpx speak to a server in this process."""

    def __init__(self, mount: Mount) -> None:
        self._mount = mount

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        status, headers, body = self._mount(
            request.method,
            request.url.raw_path.decode("ascii"),
            dict(request.headers),
            request.read(),
        )
        # A stream, as from a socket: what is given as content counts as read.
        stream = httpx.ByteStream(body)
        return httpx.Response(status, headers=dict(headers), stream=stream, request=request)
