"""Performs a plan, each segment re-read just before it is written.

The way into `applying/`. Decides nothing about what should be done: it walks the plan that was
shown. An action that fails does not stop the others.
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
    """Perform every change of a plan that nothing refuses.

    `clock` is waited by; `tactics` has the times and choices, its defaults unless told. Yields
    `Started` before each change that is attempted, `Waiting` when one has to, and exactly one
    `Outcome` for each as it ends; `report.in_order` puts them in the plan's order.

    A change that needs what another one did not achieve (a name that is not free, a temporary name
    that was not given) is `not_attempted`. Once `stopped()` gives true, or the
    reason ("interrupted" unless told), requests under way are finished, waits end, and the rest is
    `not_attempted`. Raises `RuntimeError` for a plan that is
    refused or could not be worked out: whoever asks has not looked at it.
    """
    if not plan.is_applicable:
        raise RuntimeError("a refused plan was handed to the applier")
    options = options or ApplyOptions()
    ignored = plan.options.ignore_references
    context = ApplyContext(
        account, clock, options, UsageChecker(account, clock), clock.now(), ignored
    )
    begin = partial(carry_out, context=context)
    scheduler = Scheduler(
        plan.changes,
        begin,
        stopped,
        clock,
        parallelism=options.parallelism,
        fail_fast=options.fail_fast,
        room=plan.headroom,
    )
    with closing(scheduler.run()) as events:
        yield from events
