"""The files of exports, behind addresses that are signed instead of a key.

Stands in for the storage beside the API: it knows no keys, no accounts and no rate, and its
errors are XML, as those of Amazon S3 are, where the real files lie (sendgrid-api.md §4). It has the
server of the API for a host, though, and a path of its own.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode

from segctl.emulator.response import Response

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from segctl.emulator.request import Request

FILES = "/contact-exports/"

_PATH = re.compile(
    re.escape(FILES) + r"(?P<id>[^/]+)/contacts-(?P<number>[1-9][0-9]{0,8})\.\w+\.gz"
)
_RANGE = re.compile(r"bytes=(?:(?P<first>[0-9]{1,18})-(?P<last>[0-9]{0,18})|-(?P<end>[0-9]{1,18}))")


def addresses(request: Request, row: sqlite3.Row) -> list[str]:
    """Return the addresses of a job's files; anyone who has one can read its file."""
    origin = request.settings.export_origin or request.origin
    numbers = request.db.execute(
        "SELECT number FROM export_file WHERE export_id = ? ORDER BY number", (row["id"],)
    )
    addresses = []
    for (number,) in numbers.fetchall():
        path = f"{FILES}{row['id']}/contacts-{number}.{row['file_type']}.gz"
        expires = str(int(row["expires_at"]))
        signed = {"X-Expires": expires, "X-Signature": _signature(row["secret"], path, expires)}
        addresses.append(f"{origin}{path}?{urlencode(signed)}")
    return addresses


def fetch(
    db: sqlite3.Connection, method: str, target: str, headers: Mapping[str, str], now: float
) -> Response:
    """GET a file, or a range of it; names of headers are in lower case.

    A key beside the signature is a 400, as with S3: the signature is the only proof of who asks.
    A signature that is wrong or over is a 403, and so is any method but GET.
    """
    if "authorization" in headers:
        return _error(
            HTTPStatus.BAD_REQUEST,
            "InvalidArgument",
            "The address is signed: an Authorization header must not be sent with it",
        )
    path, _, query = target.partition("?")
    parts = _PATH.fullmatch(path)
    params = parse_qs(query)
    expires, signature = (params.get(name, [""])[-1] for name in ("X-Expires", "X-Signature"))
    if method != "GET" or parts is None:
        return _error(HTTPStatus.FORBIDDEN, "AccessDenied", "Access Denied")
    if not (expires.isascii() and expires.isdigit()) or now >= int(expires[:18]):
        return _error(HTTPStatus.FORBIDDEN, "AccessDenied", "Request has expired")
    row = db.execute(
        "SELECT secret, content FROM export JOIN export_file ON id = export_id "
        "WHERE export_id = ? AND number = ?",
        (parts["id"], int(parts["number"])),
    ).fetchone()
    known = row and _signature(row["secret"], path, expires)
    if known is None or not hmac.compare_digest(known.encode(), signature.encode()):
        return _error(HTTPStatus.FORBIDDEN, "SignatureDoesNotMatch", "The signature does not fit")
    return _file(row["content"], headers)


def _file(content: bytes, headers: Mapping[str, str]) -> Response:
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    facts = (
        ("Content-Type", "binary/octet-stream"),
        ("Accept-Ranges", "bytes"),
        ("ETag", tag),
    )
    wanted = _RANGE.fullmatch(headers.get("range", ""))
    if wanted is None or headers.get("if-range", tag) != tag:
        return Response(HTTPStatus.OK, facts, content)
    size = len(content)
    if wanted["end"]:
        first, last = max(0, size - int(wanted["end"])), size - 1
    else:
        first, last = int(wanted["first"]), min(size - 1, int(wanted["last"] or size))
    if first > last:
        unmet = ("Content-Range", f"bytes */{size}")
        refused = HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
        return _error(refused, "InvalidRange", "The range is outside the file", unmet)
    given = ("Content-Range", f"bytes {first}-{last}/{size}")
    return Response(HTTPStatus.PARTIAL_CONTENT, (*facts, given), content[first : last + 1])


def _signature(secret: str, path: str, expires: str) -> str:
    return hmac.new(secret.encode(), f"{path}\n{expires}".encode(), hashlib.sha256).hexdigest()


def _error(status: int, code: str, message: str, *headers: tuple[str, str]) -> Response:
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    )
    return Response(status, (("Content-Type", "application/xml"), *headers), body.encode())
