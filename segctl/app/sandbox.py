"""The target `sandbox`: the emulator inside this process, its account in a file of the project."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from segctl.common.files import cannot_write, database_path
from segctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from segctl.common.folder import Folder
    from segctl.sendgrid.connection import Mount

STATE_FILE = "sandbox.sqlite3"


@contextmanager
def open_sandbox(folder: Folder) -> Iterator[Mount]:
    """Open the sandbox in a project's state folder, and close it at the end.

    It starts with fictional contacts. Raises `UsageError` if its file cannot be used, and `Refused`
    for a link.
    """
    from segctl.emulator import Emulator, Settings, StateError  # noqa: PLC0415

    try:
        path = database_path(folder, STATE_FILE)
    except OSError as error:
        raise cannot_write(STATE_FILE, error) from None
    try:
        with Emulator(path, Settings.sandbox()) as emulator:
            emulator.seed()

            def mount(
                method: str, target: str, headers: Mapping[str, str], body: bytes
            ) -> tuple[int, Mapping[str, str], bytes]:
                response = emulator.handle(method, target, headers, body)
                return response.status, dict(response.headers), response.body

            yield mount
    except StateError as error:
        is_locked = "locked" in str(error)
        hint = (
            "wait until the other segctl process ends, then try again"
            if is_locked
            else f"delete {path} to start over"
        )
        raise UsageError(f"cannot use the sandbox: {error}", hint=hint) from None


def update_lock() -> float:
    """Return for how many seconds the sandbox refuses to change a segment again."""
    from segctl.emulator import Settings  # noqa: PLC0415

    return Settings.sandbox().update_lock
