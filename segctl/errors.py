"""Everything that can be wrong, as data: where it is, what it is, what to do about it.

Owns the place (`Span`), the finding (`Diagnostic`) and the error tree. Nothing here prints,
colours or exits: the words on a screen belong to `render/`, the exit to `cli/`.

The tree::

    SegctlError                   exit 1
    ├── UsageError                the command line, the environment or segctl.yaml asks for nonsense
    ├── InvalidInput              files that people wrote, with every problem found in them
    ├── Refused                   a safety rule said no; exit 3
    └── RemoteError               the account answered with something other than success
        ├── Unreachable           no answer: connection, TLS, time-out
        ├── Unauthorized          401: the key
        ├── Forbidden             403: the key's scope, or the plan of the account
        ├── NotFound              404
        ├── BadRequest            400 and the other refusals of what was sent
        │   └── UpdateLocked      the segment was written less than five minutes ago
        ├── RateLimited           429
        ├── ServerFault           5xx
        ├── Interrupted           told to stop while it waited to send; exit 130
        └── UnexpectedAnswer      a success that does not hold what the contract promises
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A place in a file: `line` and `column` count from 1, `end_column` is one past the last.

    `end_line` and `end_column` are `None` where only the start is known.
    """

    file: str
    line: int
    column: int
    end_line: int | None = None
    end_column: int | None = None

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Severity(StrEnum):
    """How much a finding weighs: an error stops the command, the others do not."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding.

    `code` is stable and short (`unknown-key`); `summary` is one sentence without a final stop;
    `hint` says what to do, or is empty; `excerpt` is the source line under the span, or is empty.
    """

    code: str
    severity: Severity
    summary: str
    span: Span | None = None
    hint: str = ""
    excerpt: str = ""


class SegctlError(Exception):
    """The root: a failure with a message for a person and, where there is one, a way out.

    `exit_code` is what the process ends with when nobody handles the error.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(SegctlError):
    """The command line, the environment or segctl.yaml asks for something that cannot be."""


class InvalidInput(SegctlError):
    """Files that people wrote are wrong; `diagnostics` holds every problem, errors among them."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        errors = sum(d.severity is Severity.ERROR for d in diagnostics)
        super().__init__(f"{errors} error{'' if errors == 1 else 's'} found")
        self.diagnostics = tuple(diagnostics)


class Refused(SegctlError):
    """A safety rule said no. Nothing was changed. `diagnostics` say why, where there is more."""

    exit_code = 3

    def __init__(
        self, message: str, *, hint: str = "", diagnostics: Sequence[Diagnostic] = ()
    ) -> None:
        super().__init__(message, hint=hint)
        self.diagnostics = tuple(diagnostics)


class RemoteError(SegctlError):
    """The account did not do what was asked.

    `status` is the HTTP status, or `None` when no answer came. `operation` names what was being
    done ("read segment 5d2c…"). `messages` are the server's own words, each already stripped of
    anything that could be a secret. `ambiguous` is true when the server may have acted all the
    same: the connection broke after the request was sent, or the answer was a 5xx
    (sendgrid-api.md §2).
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        operation: str = "",
        status: int | None = None,
        messages: Sequence[str] = (),
        ambiguous: bool = False,
    ) -> None:
        super().__init__(message, hint=hint)
        self.operation = operation
        self.status = status
        self.messages = tuple(messages)
        self.ambiguous = ambiguous


class Unreachable(RemoteError):
    """No answer came: the connection failed, or time ran out."""


class Unauthorized(RemoteError):
    """401: the key is missing, wrong, expired or revoked."""


class Forbidden(RemoteError):
    """403: the key may not do this, or the account's plan has no such thing."""


class NotFound(RemoteError):
    """404: there is no such object."""


class BadRequest(RemoteError):
    """400, 406, 409, 413, 415, 422, 451: the server refuses what was sent."""


class UpdateLocked(BadRequest):
    """The segment was created or updated less than five minutes ago (sendgrid-api.md §1)."""


class RateLimited(RemoteError):
    """429, or no request at all since one would be answered so.

    `retry_after` is in seconds, or `None` when the answer does not say. `exhausted` tells the
    account's rate limit from any other quota, such as that of refreshes (sendgrid-api.md §2): true
    where `X-RateLimit-Remaining` was 0, false where something was left, so that the refusal must
    have another ground, `None` where the answer does not say.
    """

    retry_after: float | None = None
    exhausted: bool | None = None


class ServerFault(RemoteError):
    """5xx: the server failed, perhaps after it did the work."""


class Interrupted(RemoteError):
    """Whoever waits for the result told the transport to stop waiting: nothing more was sent.

    `ambiguous` is that of the attempt before the wait; false where there was none.
    """

    exit_code = 130


class UnexpectedResponse(RemoteError):
    """A success whose body is not what the contract promises. Never read as "nothing there"."""
