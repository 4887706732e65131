"""The errors for responses that are not successes or not JSON: class, message and hint.

Covers the statuses and error shapes of sendgrid-api.md §2, and the sanitizing of foreign text.
Pure: sends nothing, waits for nothing, knows no HTTP library.
"""

from __future__ import annotations

import math
import unicodedata
from typing import TYPE_CHECKING, Any

from segctl.common.json_text import parse_json
from segctl.common.secrets import WITHHELD, has_email_address
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
from segctl.sendgrid.rate_limit_headers import read_rate_limit, requested_pause

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from segctl.common.secrets import Secret

LONGEST_MESSAGE = 300
MOST_MESSAGES = 5

_LOCKED = "update request came too soon"

FOREIGN_HINT = (
    "check SEGCTL_BASE_URL, and whether a proxy with a login page answers in place of SendGrid"
)
"""The hint for a response that SendGrid would not send."""


def sanitize(text: str, key: Secret) -> str:
    """Return a foreign text fit for display: one line of at most `LONGEST_MESSAGE` characters.

    Without keys and control characters; a text with an e-mail address is withheld.
    """
    # Masked first, so that no cut goes through the key, and again once invisible characters, which
    # could be inside it, are removed.
    head = key.mask(text)[: LONGEST_MESSAGE * 10]
    shown = "".join(_visible(char) for char in head)
    line = key.mask(" ".join(shown.split()))
    if has_email_address(text) or has_email_address(line):
        return WITHHELD
    return line if len(line) <= LONGEST_MESSAGE else line[: LONGEST_MESSAGE - 1] + "…"


def _visible(char: str) -> str:
    """Return an empty text for formatting marks (bidi, joiners), a space for other controls."""
    category = unicodedata.category(char)
    return char if category[0] != "C" else "" if category == "Cf" else " "


def error_for_response(
    status: int,
    headers: Mapping[str, str],
    content: bytes,
    *,
    method: str,
    operation: str,
    key: Secret,
    now: datetime,
    subuser: str | None = None,
) -> RemoteError:
    """Return the error for a response that is not a success.

    `operation` is part of its message ("list the segments"); `now` is needed where headers have an
    epoch. It is `ambiguous` for a write with a 5xx: the server may have acted all the same.
    """
    decoded, foreign = _decoded(content)
    messages = tuple(sanitize(text, key) for text in _messages(decoded))
    messages = tuple(message for message in messages if message)
    said = "; ".join(messages[:MOST_MESSAGES]) + (
        f"; and {len(messages) - MOST_MESSAGES} more" if len(messages) > MOST_MESSAGES else ""
    )
    pause = requested_pause(status, headers, now)
    kind, what, hint = _meaning(status, said)
    if kind is RateLimited and pause is not None:
        what += f", and SendGrid asks to wait {format_duration(pause)}"
        hint = f"run the command again in {format_duration(pause)}"
    if kind is Forbidden and method == "GET":
        hint = "grant the key at least read access to Marketing in the SendGrid settings"
    if kind in (Unauthorized, Forbidden) and subuser is not None:
        hint += f"; check that `{subuser}` is a subuser of its account"
    # Redirects, limits and failures mean the same from any server; rejections do not.
    if foreign and kind in (BadRequest, Unauthorized, Forbidden, NotFound):
        what, hint = f"the response ({status}) does not look like SendGrid's", FOREIGN_HINT
        # As a NotFound, a proxy's error page would mean that the segment is gone.
        kind = UnexpectedResponse if kind is NotFound else kind
    text = f"could not {operation}: {what}"
    # For a locked segment, the message above is clearer than SendGrid's.
    if said and said not in text and kind is not UpdateLocked:
        text += f": {said}"
    error = kind(
        text,
        hint=hint,
        operation=operation,
        status=status,
        messages=messages,
        ambiguous=method != "GET" and issubclass(kind, ServerFault),
    )
    if isinstance(error, RateLimited):
        error.retry_after = pause
        limit = read_rate_limit(headers, now)
        error.exhausted = None if limit is None else limit.remaining == 0
    return error


def data(status: int, content: bytes, method: str, operation: str) -> Any:
    """Return the decoded body of a success, `None` where a write has an empty one.

    Raises `UnexpectedResponse`.
    """
    decoded, foreign = _decoded(content)
    if foreign or (decoded is None and method == "GET"):
        raise UnexpectedResponse(
            f"could not {operation}: the response is not JSON"
            + ("" if foreign else ": it is empty"),
            hint=FOREIGN_HINT,
            operation=operation,
            status=status,
            ambiguous=method != "GET",
        )
    return decoded


def format_duration(seconds: float) -> str:
    """Return a duration in words, rounded up: `25 s`, `3 min`, `10 h`, `12 days`."""
    for unit, size, most in (("s", 1, 120), ("min", 60, 120), ("h", 3600, 48)):
        count = math.ceil(seconds / size)
        if count <= most:
            return f"{count} {unit}"
    return f"{math.ceil(seconds / 86_400)} days"


_FIXED: dict[int, tuple[type[RemoteError], str, str]] = {
    401: (Unauthorized, "the API key is not accepted", "check the key and its region"),
    403: (
        Forbidden,
        "the API key lacks the permission for this",
        "grant the key full access to Marketing in the SendGrid settings: it can perhaps only read",
    ),
    404: (NotFound, "not found on the account", ""),
    406: (
        BadRequest,
        "the server cannot respond with JSON (406)",
        "check whether a proxy removes the Accept header",
    ),
    407: (
        BadRequest,
        "the proxy requires a password",
        "check the user and password in HTTPS_PROXY or ALL_PROXY",
    ),
    429: (RateLimited, "too many requests", "wait a minute, then run the command again"),
    451: (
        BadRequest,
        "the account's data is in another region",
        "set `region: eu` (or `global`) for the target in segctl.yaml",
    ),
}


def _meaning(status: int, said: str) -> tuple[type[RemoteError], str, str]:
    """Return the error class, message and hint for a status (sendgrid-api.md §2)."""
    # Only this text is documented, not its status.
    if _LOCKED in said.lower():
        return (
            UpdateLocked,
            "it was changed less than five minutes ago, and SendGrid locks a segment for that long",
            "wait five minutes, then run the command again",
        )
    if status in _FIXED:
        return _FIXED[status]
    if status >= 500:  # noqa: PLR2004
        hint = "try again; see https://status.sendgrid.com for outages"
        return ServerFault, f"SendGrid failed ({status})", hint
    if status >= 400:  # noqa: PLR2004
        return BadRequest, f"SendGrid rejects the request ({status})", ""
    if status >= 300:  # noqa: PLR2004
        what = f"the server redirects elsewhere ({status}); the key was not sent there"
    else:
        what = f"the server sent an interim response ({status}) and no other"
    return UnexpectedResponse, what, FOREIGN_HINT


def _decoded(content: bytes) -> tuple[Any, bool]:
    """Return the body as data, and whether SendGrid would not have sent it."""
    if not content.strip():
        return None, False
    try:
        return parse_json(content), False
    except (ValueError, RecursionError):
        return None, True


def _messages(data: Any) -> list[str]:
    """Return the messages of any of the error shapes (sendgrid-api.md §2)."""
    if not isinstance(data, dict):
        return []
    messages = []
    errors = data.get("errors")
    for entry in errors if isinstance(errors, list) else []:
        if isinstance(entry, dict) and isinstance(entry.get("message"), str):
            if not entry["message"].strip():
                continue
            field = entry.get("field") or entry.get("parameter")
            messages.append(f"{field}: {entry['message']}" if field else entry["message"])
        elif isinstance(entry, str):
            messages.append(entry)
    return [
        *messages,
        *(data[key] for key in ("error", "message") if isinstance(data.get(key), str)),
    ]
