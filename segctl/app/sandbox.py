"""The target `sandbox`: the emulator inside this process, its account in a file of the project."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from segctl.errors import UsageError
from segctl.project.state_folder import make_state_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from segctl.sendgrid.connection import Mount

STATE_FILE = "sandbox.sqlite3"


@contextmanager
def open_sandbox(root: Path) -> Iterator[Mount]:
    """Open the project's sandbox, seeded on its first day, and close it at the end.

    Raises `UsageError` where its file cannot be used.
    """
    from segctl.emulator import Emulator, Settings, StateError  # noqa: PLC0415

    path = make_state_folder(root) / STATE_FILE
    try:
        with Emulator(path, Settings.sandbox()) as emulator:
            emulator.seed()

            def mount(
                method: str, target: str, headers: Mapping[str, str], body: bytes
            ) -> tuple[int, Mapping[str, str], bytes]:
                reply = emulator.handle(method, target, headers, body)
                return reply.status, dict(reply.headers), reply.body

            yield mount
    except StateError as error:
        busy = "locked" in str(error)
        hint = "another segctl works in it: try again" if busy else f"delete {path} to begin anew"
        raise UsageError(f"the sandbox cannot be used: {error}", hint=hint) from None
