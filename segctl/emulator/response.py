"""The answers: what goes back to the caller, how it travels, and the shapes errors have.

Owns `Response`, `Delivery` and the error bodies of sendgrid-api.md §2. Decides nothing: which
answer is due is the operations' business.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Any

ACCESS_FORBIDDEN = "access forbidden"
BAD_GRANT = "The provided authorization grant is invalid, expired, or revoked"
TOO_MANY_REQUESTS = "too many requests"


class Delivery(StrEnum):
    """What happens to an answer on its way. A carrier (socket server, in-memory mount) obeys it.

    `WHOLE`: it arrives. `REFUSED`: the connection never opened; a socket that already listens
    can only reset it. `DROPPED`: the connection breaks and nothing arrives. `CUT`: half of the
    body arrives under the full `Content-Length`, then the connection breaks. `HUNG`: nothing
    arrives for `Response.seconds`, then the connection breaks. `DRIPPED`: it arrives, its body
    spread over `Response.seconds`.
    """

    WHOLE = "whole"
    REFUSED = "refused"
    DROPPED = "dropped"
    CUT = "cut"
    HUNG = "hung"
    DRIPPED = "dripped"


@dataclass(frozen=True, slots=True)
class Response:
    """One answer.

    `headers` are pairs in order, without `Content-Length`, which belongs to the carrier.
    `delay` is the latency in seconds that the carrier waits before anything is sent; `seconds`
    belongs to `delivery`. `status` is 0 where no answer arrives at all.
    """

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    delivery: Delivery = Delivery.WHOLE
    delay: float = 0.0
    seconds: float = 0.0

    def header(self, name: str) -> str | None:
        """Return the value of a header, whatever its case, or `None`."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)

    def json(self) -> Any:
        """Decode the body. Raises `ValueError` when it is not JSON, an empty one included."""
        return json.loads(self.body)


class RefusalError(Exception):
    """A request that is refused; `response` is the answer it gets."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


def json_response(status: int, content: object) -> Response:
    """Answer with JSON, as UTF-8 without escapes for letters outside ASCII."""
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return Response(status, (("Content-Type", "application/json"),), body.encode())


def errors_response(status: int, message: str, field: str | None = None) -> Response:
    """Answer with the common error body, `{"errors": [{"field": …, "message": …}]}`."""
    return json_response(status, {"errors": [{"field": field, "message": message}]})


def refuse(message: str, field: str | None = None, *, status: int = 400) -> RefusalError:
    """Return the exception that refuses a request with the common error body."""
    return RefusalError(errors_response(status, message, field))


def not_found() -> RefusalError:
    """Return the exception for the 404 of an unknown object or path.

    The body is guessed: only its shape is documented, and it "can be empty" (sendgrid-api.md §2).
    """
    return refuse("resource not found", status=HTTPStatus.NOT_FOUND)
