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
    """Carries every request out, and keeps the answers to some until they are released.

    Those are to the `number`th request by a method and all later ones. `arrived` is set once the
    first of them has been carried out. `url` is where it is served.
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
        """What a process needs in its environment to use this account."""
        return {"SEGCTL_BASE_URL": self.url, "SENDGRID_API_KEY": KEY}

    def handle(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes = b""
    ) -> Response:
        """Carry a request out, and hold its answer back where it is one of them."""
        reply = super().handle(method, target, headers, body)
        with self._lock:
            self._seen += method == self._method
            is_held = method == self._method and self._seen >= self._number
        if is_held:
            self.arrived.set()
            self._released.wait(HANG)
        return reply

    def release(self) -> None:
        """Send the answers, and hold none back any more."""
        self._released.set()


@contextmanager
def holding(method: str, number: int = 1) -> Iterator[HeldEmulator]:
    """Serve an account that holds back the answer to the `number`th request and all later ones."""
    with HeldEmulator(method, number) as emulator, serve(emulator) as server:
        emulator.seed()
        emulator.url = server.url
        try:
            yield emulator
        finally:
            emulator.release()
