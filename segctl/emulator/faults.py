"""Faults on demand: which request goes wrong, how, and whether the server acted before it did.

Owns `Fault`, its text form, and `Faults`, the rules an emulator consults on each request. Spoils
answers; never touches the state.

The text form, for a command line::

    METHOD PATH KIND [after] [#N] [xN | always] [SECONDSs]

    POST /v3/marketing/segments/2.0 502 x2      two creations get a 502 and create nothing
    PATCH * drop after                          one update happens and the connection breaks
    * /v3/marketing/* 429-epoch #3 4s           the third request is told to come back in 4 s
    !GET * hang after #2                        the second write happens and is never answered

METHOD is an HTTP method, `*` for any, or `!GET` for any but GET; PATH is a shell pattern on the
path without its query, in which `*` also matches `/`; KIND is a value of `Kind`. `after` lets the
server do its work first, where the kind leaves a choice. `#N` is the first matching request that
is struck, counted from 1; `xN` how many are struck from there on, 1 by default. The seconds are
those of `Fault.seconds`.
"""

from __future__ import annotations

import json
import math
import re
import threading
from dataclasses import dataclass, replace
from enum import StrEnum
from fnmatch import fnmatchcase

from segctl.emulator.response import (
    ACCESS_FORBIDDEN,
    BAD_GRANT,
    TOO_MANY_REQUESTS,
    Delivery,
    Response,
    errors_response,
    json_response,
)


class Kind(StrEnum):
    """The ways a request can go wrong.

    Numbers are answers with that status and the body of sendgrid-api.md §2; a bare `429` has a
    `Reset` in seconds. `refuse` never opens the connection, `drop` breaks it, `hang` keeps it
    silent. `empty`, `truncated` and `wrong-json` spoil the body of the answer; `cut` breaks the
    connection within it; `drip` sends it slowly; `latency` only delays it.
    """

    BAD_REQUEST = "400"
    UNAUTHORIZED = "401"
    FORBIDDEN = "403"
    NOT_FOUND = "404"
    NOT_FOUND_EMPTY = "404-empty"
    NOT_ACCEPTABLE = "406"
    RATE_LIMITED = "429"
    RATE_LIMITED_EPOCH = "429-epoch"
    RATE_LIMITED_EMPTY = "429-empty"
    RESIDENCY = "451"
    SERVER_ERROR = "500"
    BAD_GATEWAY = "502"
    BAD_GATEWAY_HTML = "502-html"
    UNAVAILABLE = "503"
    GATEWAY_TIMEOUT = "504"
    REFUSE = "refuse"
    DROP = "drop"
    HANG = "hang"
    EMPTY = "empty"
    TRUNCATED = "truncated"
    WRONG_JSON = "wrong-json"
    CUT = "cut"
    DRIP = "drip"
    LATENCY = "latency"


# The server has always acted when one of these shows.
_SPOILS = frozenset(
    [Kind.EMPTY, Kind.TRUNCATED, Kind.WRONG_JSON, Kind.CUT, Kind.DRIP, Kind.LATENCY]
)
_RATE_LIMITED = frozenset([Kind.RATE_LIMITED, Kind.RATE_LIMITED_EPOCH, Kind.RATE_LIMITED_EMPTY])
_SECONDS = {Kind.HANG: 60.0, Kind.DRIP: 5.0}
_HTML = b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body></body>\r\n</html>\r\n"

_ANSWERS: dict[Kind, Response] = {
    Kind.BAD_REQUEST: errors_response(400, "invalid request"),
    Kind.UNAUTHORIZED: errors_response(401, BAD_GRANT),
    Kind.FORBIDDEN: errors_response(403, ACCESS_FORBIDDEN),
    Kind.NOT_FOUND: errors_response(404, "resource not found"),
    Kind.NOT_FOUND_EMPTY: Response(404),
    Kind.NOT_ACCEPTABLE: errors_response(406, "not acceptable"),
    Kind.RATE_LIMITED: errors_response(429, TOO_MANY_REQUESTS),
    Kind.RATE_LIMITED_EPOCH: errors_response(429, TOO_MANY_REQUESTS),
    Kind.RATE_LIMITED_EMPTY: Response(429),
    Kind.RESIDENCY: errors_response(451, "unavailable for legal reasons"),
    Kind.SERVER_ERROR: errors_response(500, "internal server error"),
    Kind.BAD_GATEWAY: json_response(502, {"message": "Internal server error"}),
    Kind.BAD_GATEWAY_HTML: Response(502, (("Content-Type", "text/html"),), _HTML),
    Kind.UNAVAILABLE: json_response(503, {"message": "Service Unavailable"}),
    Kind.GATEWAY_TIMEOUT: json_response(504, {"message": "Endpoint request timed out"}),
}
_WRONG = json.dumps([{"unexpected": "shape"}]).encode()


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule: what goes wrong with which requests.

    `seconds` is how long a hang lasts, a drip takes, an answer is late, or what a 429 says in its
    `Reset`; `None` takes 60 for a hang, 5 for a drip, 1 for the others. `times` `None` strikes
    for ever. Raises `ValueError` when the parts do not go together.
    """

    kind: Kind
    method: str = "*"
    path: str = "*"
    after: bool = False
    nth: int = 1
    times: int | None = 1
    seconds: float | None = None

    def __post_init__(self) -> None:
        if self.after and (self.kind in _SPOILS or self.kind is Kind.REFUSE):
            raise ValueError(f"{self.kind.value} always strikes at the same point: remove 'after'")
        if self.nth < 1 or (self.times is not None and self.times < 1):
            raise ValueError("a fault strikes from request #1 on, and at least once")
        if self.seconds is not None and not (math.isfinite(self.seconds) and self.seconds >= 0):
            raise ValueError("the seconds of a fault cannot be negative or endless")

    def concerns(self, method: str, path: str) -> bool:
        """Return whether the rule counts a request; `method` is upper-case, `path` has no query."""
        if self.method.startswith("!"):
            named = method != self.method[1:]
        else:
            named = self.method in ("*", method)
        return named and fnmatchcase(path, self.path)

    @property
    def acts(self) -> bool:
        """Return whether the server does its work before things go wrong."""
        return self.after or self.kind in _SPOILS

    def spoil(self, response: Response | None, *, now: float, limit: int) -> Response:
        """Return the answer the caller gets; `response` is the server's, where it acted.

        `now`, in seconds since 1970, and `limit` fill the rate headers of a 429.
        """
        seconds = _SECONDS.get(self.kind, 1.0) if self.seconds is None else self.seconds
        answer = _ANSWERS.get(self.kind)
        if answer is not None:
            return _rate_limited(self.kind, answer, seconds, now, limit)
        if response is None or self.kind not in _SPOILS:
            delivery = {Kind.REFUSE: Delivery.REFUSED, Kind.HANG: Delivery.HUNG}
            return Response(0, delivery=delivery.get(self.kind, Delivery.DROPPED), seconds=seconds)
        return _spoiled(self.kind, response, seconds)


def _rate_limited(kind: Kind, answer: Response, seconds: float, now: float, limit: int) -> Response:
    if kind not in _RATE_LIMITED:
        return answer
    reset = now + seconds if kind is Kind.RATE_LIMITED_EPOCH else seconds
    headers = (
        ("X-RateLimit-Limit", str(limit)),
        ("X-RateLimit-Remaining", "0"),
        ("X-RateLimit-Reset", str(math.ceil(reset))),
    )
    return replace(answer, headers=answer.headers + headers)


def _spoiled(kind: Kind, response: Response, seconds: float) -> Response:
    match kind:
        case Kind.EMPTY:
            return replace(response, body=b"")
        case Kind.TRUNCATED:
            return replace(response, body=response.body[: len(response.body) // 2])
        case Kind.WRONG_JSON:
            return replace(response, body=_WRONG)
        case Kind.CUT:
            return replace(response, delivery=Delivery.CUT)
        case Kind.DRIP:
            return replace(response, delivery=Delivery.DRIPPED, seconds=seconds)
        case _:
            return replace(response, delay=response.delay + seconds)


def parse_fault(text: str) -> Fault:
    """Read the text form that the module describes. Raises `ValueError` saying what is wrong."""
    method, path, kind, *options = [*text.split(), "", "", ""][: max(3, len(text.split()))]
    if not kind:
        raise ValueError(f"fault {text!r}: expected METHOD PATH KIND, as in 'POST * 502 x2'")
    if re.fullmatch(r"!?[A-Za-z]+|\*", method) is None:
        raise ValueError(
            f"fault {text!r}: the method must be an HTTP method, '!METHOD' or '*', got {method!r}"
        )
    if not path.startswith(("/", "*")):
        raise ValueError(f"fault {text!r}: the path must start with '/' or '*', got {path!r}")
    try:
        fault = Fault(Kind(kind.lower()), method.upper(), path)
    except ValueError:
        known = ", ".join(choice.value for choice in Kind)
        raise ValueError(f"fault {text!r}: unknown kind {kind!r}; must be one of {known}") from None
    try:
        for option in options:
            fault = _with_option(fault, option)
    except ValueError as error:
        raise ValueError(f"fault {text!r}: {error}") from None
    return fault


def _with_option(fault: Fault, option: str) -> Fault:
    if option == "after":
        return replace(fault, after=True)
    if option == "always":
        return replace(fault, times=None)
    if match := re.fullmatch(r"#([0-9]{1,9})", option):
        return replace(fault, nth=int(match[1]))
    if match := re.fullmatch(r"x([0-9]{1,9})", option):
        return replace(fault, times=int(match[1]))
    if match := re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]+)?)s", option):
        return replace(fault, seconds=float(match[1]))
    raise ValueError(f"unknown option {option!r}; must be one of after, #N, xN, always, SECONDSs")


class Faults:
    """The rules in force. Safe to change while requests run.

    Every rule counts the requests that match it; of several that are due, the first
    added strikes.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[tuple[Fault, list[int]]] = []
        self._struck = 0

    @property
    def struck(self) -> int:
        """Return how many requests were struck so far, by any rule."""
        return self._struck

    def add(self, *faults: Fault | str) -> None:
        """Add rules, in their text form or not. Raises `ValueError` as `parse_fault` does."""
        rules = [parse_fault(fault) if isinstance(fault, str) else fault for fault in faults]
        with self._lock:
            self._rules.extend((rule, [0]) for rule in rules)

    def clear(self) -> None:
        """Remove all rules; `struck` keeps counting from where it is."""
        with self._lock:
            self._rules.clear()

    def strike(self, method: str, path: str) -> Fault | None:
        """Count a request; return the fault it meets, if any."""
        due = None
        with self._lock:
            for fault, seen in self._rules:
                if not fault.concerns(method, path):
                    continue
                seen[0] += 1
                last = math.inf if fault.times is None else fault.nth + fault.times - 1
                if due is None and fault.nth <= seen[0] <= last:
                    due = fault
            self._struck += due is not None
        return due
