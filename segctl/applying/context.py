"""The vocabulary of applying: what an action yields, what may end it, what it works with.

An action is a generator: it sends blocking requests by itself and yields a `Wait` whenever there is
nothing to do but to let time pass, so that whoever runs it can do something else meanwhile. Owns
shapes only; sends nothing and waits for nothing.
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

    `LOCK` and `VALIDATION`: only time is missing, and nothing that comes later in the plan needs to
    wait as well. `PAUSE`: the action is in trouble and about to try again.
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

`Stopped` may be thrown in where it waits: it then ends without another wait.
"""


class Stopped(Exception):
    """Nothing more may be sent. `message` begins a sentence that `when` ends: "interrupted"."""

    hint = ""

    def __init__(self, message: str, when: str = "before it was sent") -> None:
        super().__init__(message)
        self.message = message
        self.when = when


class OnInvalid(StrEnum):
    """What to do with a segment whose new query SendGrid does not accept."""

    KEEP = "keep"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class ApplyOptions:
    """How a plan is performed. Times are in seconds.

    `parallelism`: how many requests may be under way at once; with 1 the order is the plan's and
    nothing is left to chance. `fail_fast`: begin nothing more once an action was not done.
    `lock_timeout`: how long to wait for SendGrid to let a segment be changed again (sendgrid-api.md
    §1); 0 fails at once. `lock`: how long it does not, which is shorter in the sandbox.
    `validation_timeout`: how long a query that is being checked is watched; 0 does not
    watch. `count_timeout`: how long an upgrade waits for the first count of its new segment;
    `max_upgrade_difference`: by how many percent that may differ from the v1 one's, 100 compares
    nothing. `on_invalid`: whether a query that is not accepted is taken back.
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

    `usage_checker` knows which Single Sends go to a segment by now, `begun` is when the apply
    began, for which the plan knew; `ignored` are the names of segments that may go all the same.
    """

    account: Writer
    clock: Clock
    options: ApplyOptions
    usage_checker: UsageChecker
    begun: datetime
    ignored: Collection[str] = ()
