"""An emulated account that holds responses back, so that a test can act during a request."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from segctl.emulator import Emulator, serve
from tests.support.account import KEY
from tests.support.process import HANG

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from segctl.emulator.response import Response


class HeldEmulator(Emulator):
    """An account that carries out every request, and holds some responses until `release()`.

    Holds the responses to the `number`th request by a method and all later ones. `arrived` is set
    once the first of these requests has been carried out. `url` is the address.
    """

    def __init__(self, method: str, number: int) -> None:
        super().__init__()
        self.url = ""
        self.arrived = threading.Event()
        self._released = threading.Event()
        self._method, self._number = method, number
        self._lock = threading.Lock()
        self._seen = 0

    @property
    def env(self) -> dict[str, str]:
        """The environment variables with which a process uses this account."""
        return {"SEGCTL_BASE_URL": self.url, "SENDGRID_API_KEY": KEY}

    def handle(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes = b""
    ) -> Response:
        """Carry out a request, and hold its response if it is one of those to hold."""
        reply = super().handle(method, target, headers, body)
        with self._lock:
            self._seen += method == self._method
            is_held = method == self._method and self._seen >= self._number
        if is_held:
            self.arrived.set()
            self._released.wait(HANG)
        return reply

    def release(self) -> None:
        """Send the held responses, and hold none from now on."""
        self._released.set()


@contextmanager
def holding(method: str, number: int = 1) -> Iterator[HeldEmulator]:
    """Serve an account that holds the responses to the `number`th request and all later ones."""
    with HeldEmulator(method, number) as emulator, serve(emulator) as server:
        emulator.seed()
        emulator.url = server.url
        try:
            yield emulator
        finally:
            emulator.release()
