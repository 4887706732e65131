"""Errors and diagnostics as data: where the problem is, what it is, what to do about it.

Has the place (`Span`), the `Diagnostic` and the tree of exceptions. Does not print, colour or exit:
that is the job of `render` and `cli`.

The tree::

    SegctlError                   exit 1
    ├── UsageError                the command line, the environment or segctl.yaml is wrong
    ├── InvalidInput              files are wrong, with every problem found in them
    ├── Refused                   a safety rule forbids it; exit 3
    └── RemoteError               the API did not respond with success
        ├── Unreachable           no response: connection, TLS, timeout
        ├── Unauthorized          401: the key
        ├── Forbidden             403: the key's scopes, or the features of the account
        ├── NotFound              404
        ├── BadRequest            400 and other rejections of the request
        │   └── UpdateLocked      the segment was written less than five minutes ago
        ├── RateLimited           429
        ├── ServerFault           5xx
        ├── Interrupted           stopped while it waited to send; exit 130
        └── UnexpectedResponse    a success whose body breaks the API's contract
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A place in a file: `line` and `column` count from 1, `end_column` is one past the last.

    `end_line` and `end_column` are `None` where only the start is known. `instance` is the key of
    the one that is meant in a file that declares several segments, else empty.
    """

    file: str
    line: int
    column: int
    end_line: int | None = None
    end_column: int | None = None
    instance: str = ""

    @property
    def source(self) -> str:
        """The file, with the instance in it: `segments/winback.yaml[acme, de]`."""
        return source_of(self.file, self.instance)

    def in_instance(self, key: str) -> Span:
        """Return the same place in the instance with a key, `self` where it is empty."""
        if not key:
            return self
        # A third of the time of `dataclasses.replace`, thousands of times in a large project.
        return Span(self.file, self.line, self.column, self.end_line, self.end_column, key)

    def __str__(self) -> str:
        return with_instance(f"{self.file}:{self.line}:{self.column}", self)


def source_of(file: str, instance: str) -> str:
    """Return the source of an instance of a file, or of a file without any (empty)."""
    return f"{file}[{instance}]" if instance else file


def split_source(source: str) -> tuple[str, str]:
    """Return the file of a `Span.source`, and the instance, empty where it has none.

    A segment file's name ends in its suffix, and no key of an instance has a bracket.
    """
    if not source.endswith("]"):
        return source, ""
    file, _, instance = source[:-1].rpartition("[")
    return file, instance


def file_of(source: str) -> str:
    """Return the file of a `Span.source`."""
    return split_source(source)[0]


def with_instance(place: str, span: Span) -> str:
    """Return a place to read, with the instance behind it: `winback.yaml:3 [acme, de]`."""
    return f"{place} [{span.instance}]" if span.instance else place


class Severity(StrEnum):
    """The severity of a diagnostic: an error stops the command, the others do not."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A problem, with its place in a file where it has one.

    `code` is stable and short (`unknown-key`); `summary` is one sentence without a full stop;
    `hint` says what to do, or is empty; `excerpt` is the source line of the span, or is empty.
    `names` are those of the segments that it is about, where the span does not show it.
    """

    code: str
    severity: Severity
    summary: str
    span: Span | None = None
    hint: str = ""
    excerpt: str = ""
    names: tuple[str, ...] = field(default=(), compare=False)


class SegctlError(Exception):
    """The root of the tree: a message for people, and a hint where there is something to do.

    `exit_code` is the exit code of the process where the error is not handled.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(SegctlError):
    """The command line, the environment or segctl.yaml is wrong."""


class MissingKey(UsageError):
    """There is no API key for the target."""


class InvalidInput(SegctlError):
    """Files are wrong. `diagnostics` holds every problem, with at least one error."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        errors = sum(item.severity is Severity.ERROR for item in diagnostics)
        super().__init__(f"{errors} error{'' if errors == 1 else 's'} found")
        self.diagnostics = tuple(diagnostics)


class Refused(SegctlError):
    """A safety rule forbids it, and nothing was changed. `diagnostics` has the details, if any."""

    exit_code = 3

    def __init__(
        self, message: str, *, hint: str = "", diagnostics: Sequence[Diagnostic] = ()
    ) -> None:
        super().__init__(message, hint=hint)
        self.diagnostics = tuple(diagnostics)


class RemoteError(SegctlError):
    """A request to the API failed.

    `status` is the HTTP status, `None` where no response came. `operation` names the request
    ("read segment 5d2c…"). `messages` are the server's own, without anything that could be a
    secret. `ambiguous` is true where the server may have acted anyway: the connection broke after
    the request was sent, or the response was a 5xx (sendgrid-api.md §2).
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
    """No response came: the connection failed or timed out."""


class Unauthorized(RemoteError):
    """401: the key is missing, wrong, expired or revoked."""


class Forbidden(RemoteError):
    """403: the key lacks a scope, or the account lacks the feature."""


class NotFound(RemoteError):
    """404: the object was not found."""


class BadRequest(RemoteError):
    """400, 406, 409, 413, 415, 422, 451: the server rejects the request."""


class UpdateLocked(BadRequest):
    """The segment was created or updated less than five minutes ago (sendgrid-api.md §1)."""


class RateLimited(RemoteError):
    """429, or a request that was not sent because the response would be 429.

    `retry_after` is in seconds, `None` where the response does not say. `exhausted` separates the
    account's rate limit from other quotas, such as that of refreshes (sendgrid-api.md §2): true
    where `X-RateLimit-Remaining` was 0, false where requests were left, so that another quota is
    the cause, `None` where the response does not say.
    """

    retry_after: float | None = None
    exhausted: bool | None = None


class ServerFault(RemoteError):
    """5xx: the server failed, possibly after it did the work."""


class Interrupted(RemoteError):
    """Someone asked to stop: nothing more was sent.

    `ambiguous` is true where a write was sent and its answer was not waited for.
    """

    exit_code = 130


class UnexpectedResponse(RemoteError):
    """A success whose body breaks the API's contract. It is never read as "not found"."""


def diagnostics_of(error: SegctlError) -> tuple[Diagnostic, ...]:
    """Return an error as diagnostics, with those that it carries."""
    if isinstance(error, InvalidInput):
        return error.diagnostics
    code = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", type(error).__name__).lower()
    diagnostic = Diagnostic(code, Severity.ERROR, error.message, hint=error.hint)
    more = error.diagnostics if isinstance(error, Refused) else ()
    return (diagnostic, *more)
