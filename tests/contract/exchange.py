"""A request with its response, and an emulator that keeps them as they crossed the socket."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.emulator import Emulator, Response

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Exchange:
    """A request as the server read it, and what it answered."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    response: Response

    @property
    def path(self) -> str:
        """The path, without the query."""
        return self.target.partition("?")[0]


class Recorder(Emulator):
    """An emulator that keeps its exchanges."""

    exchanges: list[Exchange]

    def record(self) -> None:
        """Start to record, from nothing."""
        self.exchanges = []
        self._recording = threading.Lock()

    def handle(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes = b""
    ) -> Response:
        """Answer as an emulator does, and keep the exchange."""
        response = super().handle(method, target, headers, body)
        with self._recording:
            self.exchanges.append(Exchange(method, target, headers, body, response))
        return response
