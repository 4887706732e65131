"""The application of a plan, each segment re-read just before it is written.

The entry point of `applying/`. Does not decide what should be done: it applies the plan that was
shown. A change that fails does not stop the others.
"""

from __future__ import annotations

from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

from segctl.account.references import UsageChecker
from segctl.applying.actions import carry_out
from segctl.applying.context import ApplyContext, ApplyOptions, OnInvalid
from segctl.applying.scheduler import Event, Scheduler, Started, Waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from segctl.common.clock import Clock
    from segctl.model import Plan
    from segctl.sendgrid.api import Writer

__all__ = ["ApplyOptions", "Event", "OnInvalid", "Started", "Waiting", "perform"]


def perform(
    plan: Plan,
    account: Writer,
    stopped: Callable[[], str | bool],
    clock: Clock,
    options: ApplyOptions | None = None,
) -> Generator[Event]:
    """Perform every change of an applicable plan.

    Yields `Started` before each change that is attempted, `Waiting` when one has to wait, and
    exactly one `Outcome` for each as it ends; `report.sort_outcomes` puts them in the plan's order.

    A change that depends on one that was not done, such as on a name that is not free, is
    `not_attempted`. Once `stopped()` returns true or a reason (true means "interrupted"), requests
    in flight are finished, waits end, and the rest is `not_attempted`. Raises `RuntimeError` for a
    plan with refusals or errors: the caller must check `plan.is_applicable` first.
    """
    if not plan.is_applicable:
        raise RuntimeError("the plan is not applicable")
    options = options or ApplyOptions()
    ignored = plan.options.ignore_references
    usage_checker = UsageChecker(account, clock, automations=plan.automations is not None)
    context = ApplyContext(account, clock, options, usage_checker, clock.now(), ignored)
    begin = partial(carry_out, context=context)
    scheduler = Scheduler(
        plan.changes,
        begin,
        stopped,
        clock,
        parallelism=options.parallelism,
        fail_fast=options.fail_fast,
        capacity=plan.headroom,
    )
    with closing(scheduler.run()) as events:
        yield from events
