"""What a write raises where it was not done, or may not have been. Decides nothing about it."""

from __future__ import annotations

from segctl.applying.context import Stopped
from segctl.errors import RemoteError
from segctl.model.report import Status


class Conflict(Exception):
    """Someone else changed what the plan saw, so it is left alone. `id`: the existing segment's."""

    def __init__(self, message: str, hint: str = "", segment_id: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.id = segment_id


class Unknown(Exception):
    """The server may have acted, and the result could not be verified."""

    hint = "run `segctl plan` to see whether the request succeeded"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


WRITE_ERRORS = (Conflict, RemoteError, Unknown, Stopped)
"""What a write raises that was not done, or may not have been: each has `message` and `hint`."""


def status_of(error: BaseException) -> Status:
    """Return the status of an action that ends with one of `WRITE_ERRORS`."""
    match error:
        case Conflict():
            return Status.CONFLICT
        case Unknown():
            return Status.UNKNOWN
        case _:
            return Status.FAILED
