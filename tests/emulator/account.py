"""An emulated account for these tests: an emulator, its clock, and shortcuts for requests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Self

from segctl.emulator import Emulator, Response, Settings
from tests.support.clock import FakeClock

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

V2 = "/v3/marketing/segments/2.0"
V1 = "/v3/marketing/segments"
HEADERS = {"Authorization": "Bearer a-key", "Accept": "application/json"}
QUERY = "SELECT contact_id, updated_at FROM contact_data WHERE city = 'Brno'"


class Account:
    def __init__(
        self, settings: Settings | None = None, path: str | os.PathLike[str] | None = None
    ) -> None:
        self.clock = FakeClock()
        self.emulator = Emulator(path, settings, now=self.clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.emulator.close()

    def ask(
        self,
        method: str,
        target: str,
        content: object = None,
        headers: Mapping[str, str] = HEADERS,
    ) -> Response:
        body = b"" if content is None else json.dumps(content).encode()
        return self.emulator.handle(method, target, headers, body)

    def get(self, target: str) -> Any:
        reply = self.ask("GET", target)
        assert reply.status == 200, reply
        return reply.json()

    def create(self, name: str, query: str = QUERY, *parents: str) -> Any:
        content: dict[str, Any] = {"name": name, "query_dsl": query}
        if parents:
            content["parent_list_ids"] = [*parents]
        reply = self.ask("POST", V2, content)
        assert reply.status == 201, reply
        return reply.json()

    def names(self, query: str = "") -> list[str]:
        return [segment["name"] for segment in self.get(V2 + query)["results"]]


def error(reply: Response) -> tuple[int, str | None, str]:
    """Return the status, field and message of an error response with exactly one error."""
    content = reply.json()
    assert [*content] == ["errors"]
    (detail,) = content["errors"]
    return reply.status, detail["field"], detail["message"]
