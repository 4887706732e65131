"""The vocabulary of applying: what an action yields, what may end it, what it works with.

An action is a generator: it sends blocking requests and yields a `Wait` whenever only time has to
pass, so that its caller can run another action meanwhile. Shapes only; sends nothing and waits for
nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Generator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from segctl.planning.safety import DEFAULT_MAX_UPGRADE_DIFFERENCE

if TYPE_CHECKING:
    from datetime import datetime

    from segctl.account.references import UsageChecker
    from segctl.common.clock import Clock
    from segctl.sendgrid.api import Writer

T = TypeVar("T")


class WaitReason(StrEnum):
    """What an action waits for.

    `LOCK` and `VALIDATION`: only time has to pass, so later changes of the plan need not wait too.
    `PAUSE`: an attempt failed, and the action is about to check the account or try again.
    """

    LOCK = "lock"
    VALIDATION = "validation"
    PAUSE = "pause"


@dataclass(frozen=True, slots=True)
class Wait:
    """A request to let `seconds` pass.

    `description` completes the sentence "waiting 10 s, …". `at_most` is how long the action waits
    for the same thing in all, where it checks in between; 0 where it does not.
    """

    seconds: float
    description: str
    reason: WaitReason
    at_most: float = 0.0


Steps: TypeAlias = Generator[Wait, None, T]
"""A generator of waits that ends with a result.

`Stopped` may be thrown in at a wait; the generator then ends without another wait.
"""


class Stopped(Exception):
    """The apply was stopped, so nothing more may be sent.

    `message` is the reason ("interrupted"), `effect` what that means for the change.
    """

    hint = ""

    def __init__(self, message: str, effect: str = "nothing was sent") -> None:
        super().__init__(message)
        self.message = message
        self.effect = effect


class OnInvalid(StrEnum):
    """What to do with a segment whose new query SendGrid does not accept."""

    KEEP = "keep"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class ApplyOptions:
    """How a plan is applied. Times are in seconds.

    `parallelism`: the number of changes in progress at once; 1 keeps the order of the plan.
    `fail_fast`: begin no change after one that was not done.
    `lock_timeout`: how long to wait for SendGrid's update lock (sendgrid-api.md §1); 0 fails at
    once. `lock`: how long SendGrid holds that lock, which is shorter in the sandbox.
    `validation_timeout`: how long to watch a query that is being validated; 0 does not watch.
    `count_timeout`: how long an upgrade waits for the first count of its new segment.
    `max_upgrade_difference`: the difference in percent that its count may have from that of the v1
    segment; 100 compares nothing. `on_invalid`: whether a query that is not accepted is rolled
    back.
    """

    parallelism: int = 8
    fail_fast: bool = False
    lock_timeout: float = 360.0
    lock: float = 300.0
    validation_timeout: float = 120.0
    count_timeout: float = 120.0
    max_upgrade_difference: int = DEFAULT_MAX_UPGRADE_DIFFERENCE
    on_invalid: OnInvalid = OnInvalid.KEEP


@dataclass(frozen=True, slots=True)
class ApplyContext:
    """What an action works with.

    `usage_checker` reads which Single Sends target a segment now; what the plan read is as of
    `begun`, the start of the apply. `ignored` are the names of segments that may be deleted or
    replaced although Single Sends target them.
    """

    account: Writer
    clock: Clock
    options: ApplyOptions
    usage_checker: UsageChecker
    begun: datetime
    ignored: Collection[str] = ()
