"""One request on its way through the operations: what is asked, by whom, when, on which state.

`Request` reads bodies, booleans and pages out of a request. Knows no operation.
"""

from __future__ import annotations

import base64
import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from segctl.emulator.response import Response, json_response, refuse

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping, Sequence

    from segctl.emulator.settings import Settings

MAX_PAGE = 1000
DEFAULT_PAGE = 100
_MAX_ROW = 2**63


@dataclass(frozen=True, slots=True)
class Request:
    """What an operation needs to answer.

    `account` is the subuser's name, empty for the parent account. `params` holds every value of
    each query parameter. `now` is in seconds since 1970. `origin` is the scheme and host that
    links in the answer start with.
    """

    settings: Settings
    db: sqlite3.Connection
    account: str
    now: float
    origin: str
    path: str
    params: Mapping[str, Sequence[str]]
    body: bytes
    new_id: Callable[[], str]

    def json_object(self) -> dict[str, Any]:
        """Decode the body. Anything but a JSON object is a 400 (the wording is guessed)."""
        try:
            content = json.loads(self.body)
            # A lone surrogate is legal JSON and no legal text: neither UTF-8 nor SQLite takes it.
            json.dumps(content, ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            raise refuse("invalid JSON in request body") from None
        if not isinstance(content, dict):
            raise refuse("request body must be a JSON object")
        return content

    def boolean(self, name: str, *, default: bool) -> bool:
        """Read a query parameter that is `true` or `false`; anything else is a 400 (guessed)."""
        match [value.lower() for value in self.params.get(name, ()) if value]:
            case []:
                return default
            case [*_, "true"]:
                return True
            case [*_, "false"]:
                return False
            case _:
                raise refuse(f"{name} must be true or false", name)

    def items(self, name: str) -> tuple[str, ...]:
        """Read a query parameter that lists things, with commas or by being repeated.

        That `ids[]=` means `ids=` is guessed: it is how some clients repeat a parameter.
        """
        values = [*self.params.get(name, ()), *self.params.get(f"{name}[]", ())]
        parts = ",".join(values).split(",")
        return tuple(part.strip() for part in parts if part.strip())

    def page(self) -> tuple[int, int]:
        """Read `page_size` (1 to 1000, 100 by default) and the position in `page_token`.

        Documented for lists; what is out of range is a 400 (guessed).
        """
        size = self.params.get("page_size", ("",))[-1] or str(DEFAULT_PAGE)
        if not (size.isascii() and size.isdigit() and 1 <= int(size[:9]) <= MAX_PAGE):
            raise refuse(f"page_size must be between 1 and {MAX_PAGE}", "page_size")
        token = self.params.get("page_token", ("",))[-1]
        try:
            after = int(base64.urlsafe_b64decode(token)) if token else 0
        except ValueError:
            after = -1
        if not 0 <= after < _MAX_ROW:
            raise refuse("page_token is invalid", "page_token")
        return int(size), after

    def page_metadata(self, size: int, token: int, next_after: int | None) -> dict[str, str]:
        """Return the `_metadata` of a page: `self`, and `next` where there is more (§4)."""
        metadata = {"self": self._page_url(size, token)}
        if next_after is not None:
            metadata["next"] = self._page_url(size, next_after)
        return metadata

    def _page_url(self, size: int, after: int) -> str:
        token = base64.urlsafe_b64encode(str(after).encode()).decode() if after else ""
        return f"{self.origin}{self.path}?page_size={size}&page_token={token}"


def paged(
    request: Request, rows: list[sqlite3.Row], result: list[dict[str, Any]], size: int, after: int
) -> Response:
    """Answer with one page of a list, `seq` being the position of a row in the whole (§4)."""
    following = rows[size - 1]["seq"] if len(rows) > size else None
    metadata: dict[str, Any] = {
        **request.page_metadata(size, after, following),
        "count": len(result),
    }
    return json_response(HTTPStatus.OK, {"result": result, "_metadata": metadata})


def timestamp(seconds: float) -> str:
    """Write an instant as the API does, `2026-07-15T16:04:33Z` (recorded)."""
    return _written(math.floor(seconds))


@lru_cache(maxsize=1 << 12)
def _written(seconds: int) -> str:
    # Remembered, and not by strftime, which takes ten times as long: half of what a long list cost.
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:19] + "Z"
