"""The waits, results and interruptions of an apply."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from segctl.applying.applier import ApplyOptions, OnInvalid, Started, Waiting, perform
from segctl.applying.context import WaitReason
from segctl.errors import Span
from segctl.model import Plan, Precondition, Replace, Segment
from segctl.model.plan_options import PlanOptions
from segctl.model.report import Outcome, Status, sort_outcomes
from segctl.planning.equality import changed_fields
from segctl.planning.temporary_names import Marker, temporary_name

from .test_applier import (
    LIST,
    OTHER,
    QUERY,
    SPAN,
    TARGET,
    Account,
    account,
    create,
    delete,
    patch,
)

if TYPE_CHECKING:
    from segctl.model import Change, Remote
    from tests.sendgrid.support import Seen

__all__ = ["account"]

WRONG = "SELECT contact_id, updated_at FROM contact_data WHERE no_such_field = 1"
QUERY_SPAN = Span("segments/a.sql", 3, 1)
ONE = ApplyOptions(parallelism=1)


def configure(account: Account, **settings: Any) -> None:
    """Change settings of the emulated account."""
    account.emulator.settings = dataclasses.replace(account.emulator.settings, **settings)


def fresh(account: Account, name: str = "N", query: str = QUERY) -> Remote:
    """Create a segment through the API, which locks it."""
    return account.writer.create_segment(Segment(name, query))


def replacement(remote: Remote, query: str = QUERY, name: str | None = None) -> Replace:
    before = remote.definition
    after = Segment(name or before.name, query, (LIST,))
    return Replace(
        before=before,
        after=after,
        changed_fields=changed_fields(before, after),
        precondition=Precondition.of(remote),
        span=SPAN,
        query_span=QUERY_SPAN,
        is_allowed=True,
    )


def names(account: Account) -> Counter[str]:
    return Counter(segment.name for segment in account.console.segments())


# The update lock


def test_a_change_waits_for_a_lock_while_others_continue(account: Account) -> None:
    remote = fresh(account)
    gone = account.has("Gone")
    plan = Plan(TARGET, (patch(remote, query=OTHER), create("New"), delete(gone)))
    events = list(perform(plan, account.writer, lambda: False, account.clock, ONE))
    done = [event.change.name for event in events if isinstance(event, Outcome)]
    assert done == ["New", "N", "Gone"]
    assert {event.status for event in events if isinstance(event, Outcome)} == {Status.DONE}
    (waiting,) = [event for event in events if isinstance(event, Waiting)]
    assert waiting.wait.reason is WaitReason.LOCK
    assert 295 < waiting.wait.seconds < 305
    assert "five minutes between two changes" in waiting.wait.description
    assert account.writer.get_segment(remote.id).query == OTHER


@pytest.mark.parametrize("ignored", [(), ("Gone",)])
def test_a_single_send_created_during_a_wait_keeps_its_segment(
    account: Account, ignored: tuple[str, ...]
) -> None:
    remote, gone = fresh(account), account.has("Gone")
    sends: list[str] = []

    def intervene(_: Seen) -> None:
        if account.clock.slept and not sends:
            sends.append(account.console.add_single_send("Spring", segment_ids=[gone.id]))

    account.before = intervene
    options = PlanOptions(ignore_references=ignored)
    plan = Plan(TARGET, (patch(remote, query=OTHER), delete(gone)), options=options)
    events = perform(plan, account.writer, lambda: False, account.clock, ONE)
    last = [event for event in events if isinstance(event, Outcome)][-1]
    assert ("Gone" in names(account)) == (not ignored)
    if ignored:
        assert last.status is Status.DONE
    else:
        assert last.status is Status.CONFLICT
        assert last.message == (
            "the Single Send `Spring` (draft) now targets the segment, so it was left alone"
        )
        assert "--ignore-references 'Gone'" in last.hint


def test_a_segment_is_read_again_after_a_wait(account: Account) -> None:
    remote = fresh(account)
    by_hand = QUERY + " AND country = 'CZ'"

    def intervene(seen: Seen) -> None:
        if seen.method == "GET" and account.clock.slept:
            account.console.edit(remote.id, query=by_hand)

    account.before = intervene
    (outcome,) = account.perform(patch(remote, query=OTHER))
    assert (outcome.status, outcome.id) == (Status.CONFLICT, remote.id)
    assert account.writer.get_segment(remote.id).query == by_hand
    assert [method for method, _ in account.sent()] == ["PATCH"]


@pytest.mark.parametrize(("timeout", "status"), [(60, Status.FAILED), (330, Status.DONE)])
def test_the_wait_for_a_lock_has_a_limit(account: Account, timeout: float, status: Status) -> None:
    remote = fresh(account)
    options = ApplyOptions(parallelism=1, lock_timeout=timeout)
    (outcome,) = account.perform(patch(remote, query=OTHER), options=options)
    assert outcome.status is status
    assert sum(account.clock.slept) <= timeout + 1


def test_a_lock_that_outlasts_its_time_is_tried_again(account: Account) -> None:
    configure(account, update_lock=395.0)
    remote = fresh(account)
    options = ApplyOptions(parallelism=1, lock_timeout=500)
    (outcome,) = account.perform(patch(remote, query=OTHER), options=options)
    assert outcome.status is Status.DONE
    assert 395 <= sum(account.clock.slept) < 420


# Validation


@pytest.mark.parametrize("kind", ["create", "patch"])
@pytest.mark.parametrize(
    ("delay", "timeout", "message"),
    [
        (0, 120, ""),
        (30, 120, ""),
        (1000, 120, "SendGrid is still validating its query"),
        (30, 0, "SendGrid is still validating its query"),
    ],
)
def test_an_apply_waits_until_a_query_is_valid(
    account: Account, kind: str, delay: float, timeout: float, message: str
) -> None:
    remote = account.has()
    configure(account, validation_delay=delay)
    change = create("New") if kind == "create" else patch(remote, query=OTHER)
    options = ApplyOptions(parallelism=1, validation_timeout=timeout)
    (outcome,) = account.perform(change, options=options)
    assert (outcome.status, outcome.message) == (Status.DONE, message)
    assert delay == 0 or timeout == 0 or min(delay, timeout) <= sum(account.clock.slept) <= timeout
    assert timeout != 0 or account.clock.slept == []


def test_a_rename_does_not_wait_for_validation(account: Account) -> None:
    remote = account.has("N", WRONG)
    (outcome,) = account.perform(patch(remote, name="M"))
    assert (outcome.status, outcome.message) == (Status.DONE, "")


@pytest.mark.parametrize("delay", [0, 10])
@pytest.mark.parametrize("on_invalid", OnInvalid)
@pytest.mark.parametrize("kind", ["create", "patch"])
def test_an_invalid_query_is_a_failure(
    account: Account, kind: str, on_invalid: OnInvalid, delay: float
) -> None:
    remote = account.has()
    configure(account, validation_delay=delay)
    change: Change = dataclasses.replace(create("New", WRONG), query_span=QUERY_SPAN)
    if kind == "patch":
        change = dataclasses.replace(patch(remote, query=WRONG), query_span=QUERY_SPAN)
    options = ApplyOptions(parallelism=1, on_invalid=on_invalid)
    (outcome,) = account.perform(change, options=options)
    assert outcome.status is Status.FAILED
    assert "SendGrid does not accept its query (" in outcome.message
    assert "no_such_field" in outcome.message.lower()
    assert outcome.span == QUERY_SPAN
    queries = {segment.name: segment.query for segment in account.console.segments()}
    if on_invalid is OnInvalid.KEEP:
        assert queries["New" if kind == "create" else "N"] == WRONG
        assert "the segment stays on the account" in outcome.message
    elif kind == "create":
        assert "New" not in queries
        assert outcome.id is None
        assert outcome.message.endswith("the new segment was deleted")
    else:
        assert queries["N"] == QUERY
        assert outcome.message.endswith("the previous query was restored")
        assert sum(account.clock.slept) >= 295


def test_a_failed_rollback_is_reported(account: Account) -> None:
    remote = account.has()
    options = ApplyOptions(parallelism=1, on_invalid=OnInvalid.ROLLBACK, lock_timeout=10)
    (outcome,) = account.perform(patch(remote, query=WRONG), options=options)
    assert outcome.status is Status.FAILED
    assert "the rollback failed: could not change segment" in outcome.message
    assert account.writer.get_segment(remote.id).query == WRONG


def test_a_segment_deleted_during_validation_is_a_conflict(account: Account) -> None:
    configure(account, validation_delay=30)

    def intervene(seen: Seen) -> None:
        if seen.method == "GET":
            account.console.delete(seen.target)

    account.before = intervene
    (outcome,) = account.perform(create("New"))
    assert (outcome.status, outcome.id) == (Status.CONFLICT, None)


def test_an_address_in_a_validation_error_is_masked(account: Account) -> None:
    query = "SELECT contact_id, updated_at FROM contact_data WHERE \"ann@example.com\" = 'x'"
    (outcome,) = account.perform(create("New", query))
    assert outcome.status is Status.FAILED
    assert "ann@" not in outcome.message


def test_an_invalid_query_does_not_block_a_name(account: Account) -> None:
    first, second = account.has("A"), account.has("B")
    changes = (patch(first, name="C", query=WRONG), patch(second, name="A"))
    outcomes = account.perform(*changes)
    assert [outcome.status for outcome in outcomes] == [Status.FAILED, Status.DONE]
    assert {"A", "C"} <= set(names(account))


# Lost responses


@pytest.mark.parametrize("when", ["before", "after", "later", "much later", "at the second"])
def test_a_create_without_a_response_is_never_doubled(account: Account, when: str) -> None:
    """The server acts never, at once, while segctl verifies, or at the second request."""
    acts = {"later": 5, "much later": 20}

    def intervene(seen: Seen) -> None:
        posts = [request for request in account.seen if request.method == "POST"]
        if seen.method == "POST" and len(posts) == 1:
            if when == "after":
                account.console.create("N", QUERY)
            raise httpx.ReadTimeout("nothing came")
        due = when in acts and sum(account.clock.slept) >= acts[when]
        second = when == "at the second" and seen.method == "POST"
        if (due or second) and "N" not in names(account):
            account.console.create("N", QUERY)

    account.before = intervene
    (outcome,) = account.perform(create("N"))
    assert outcome.status is Status.DONE
    assert names(account)["N"] == 1
    posts = [request for request in account.seen if request.method == "POST"]
    assert len(posts) == (2 if when in {"before", "at the second"} else 1)
    assert bool(outcome.message) is (when != "before")


@pytest.mark.parametrize("kind", ["create", "patch", "delete"])
def test_a_write_without_any_response_stays_unknown(account: Account, kind: str) -> None:
    remote = account.has()
    changes: dict[str, Change] = {
        "create": create("New"),
        "patch": patch(remote, query=OTHER),
        "delete": delete(remote),
    }

    def intervene(seen: Seen) -> None:
        if seen.method != "GET":
            raise httpx.ReadError("it broke")

    account.before = intervene
    (outcome,) = account.perform(changes[kind])
    assert outcome.status is Status.UNKNOWN
    assert "(in each of 3 attempts), and the account does not show the change" in outcome.message
    assert names(account)["New"] == 0


def test_a_refusal_after_a_lost_response_stays_unknown(account: Account) -> None:
    def intervene(seen: Seen) -> None:
        if seen.method == "POST" and sum(request.method == "POST" for request in account.seen) == 1:
            account.emulator.faults.add("POST * 403")
            raise httpx.ReadTimeout("nothing came")

    account.before = intervene
    (outcome,) = account.perform(create("N"))
    assert outcome.status is Status.UNKNOWN
    assert "the next attempt failed: could not create" in outcome.message


def test_another_segment_after_a_lost_response_is_a_conflict(account: Account) -> None:
    def intervene(seen: Seen) -> None:
        if seen.method == "POST":
            account.console.create("N", OTHER)
            raise httpx.ReadTimeout("nothing came")

    account.before = intervene
    (outcome,) = account.perform(create("N"))
    assert outcome.status is Status.CONFLICT
    assert names(account)["N"] == 1


def test_an_edit_by_hand_after_a_lost_response_is_left_alone(account: Account) -> None:
    remote = account.has()

    def intervene(seen: Seen) -> None:
        if seen.method == "PATCH":
            account.console.edit(remote.id, query=QUERY + " AND country = 'CZ'")
            raise httpx.ReadTimeout("nothing came")

    account.before = intervene
    (outcome,) = account.perform(patch(remote, query=OTHER))
    assert outcome.status is Status.CONFLICT
    assert len(account.sent()) == 1


def test_a_change_that_another_apply_made_is_done(account: Account) -> None:
    remote = account.has()
    change = patch(remote, query=OTHER)
    account.console.edit(remote.id, query=OTHER)
    (outcome,) = account.perform(change)
    assert (outcome.status, outcome.message) == (Status.DONE, "the segment was already as declared")
    assert account.sent() == []


# Stopping


@pytest.mark.parametrize("parallelism", [1, 4])
def test_a_stop_ends_a_wait_for_a_lock_and_sends_nothing(
    account: Account, parallelism: int
) -> None:
    remote = fresh(account)
    options = ApplyOptions(parallelism=parallelism)
    (outcome,) = account.perform(
        patch(remote, query=OTHER), stopped=lambda: sum(account.clock.slept) > 10, options=options
    )
    assert outcome.status is Status.NOT_ATTEMPTED
    assert outcome.message == (
        "interrupted while waiting for SendGrid's update lock; nothing was changed"
    )
    assert sum(account.clock.slept) < 12
    assert account.writer.get_segment(remote.id).query == QUERY


def test_a_stop_ends_a_wait_for_validation(account: Account) -> None:
    configure(account, validation_delay=100)
    first, second = account.perform(
        create("A"),
        create("B"),
        stopped=lambda: "the disk is full" if sum(account.clock.slept) > 3 else False,
    )
    for outcome in (first, second):
        assert outcome.status is Status.DONE
        assert outcome.message.startswith("the disk is full while SendGrid was still validating")


def test_a_stop_leaves_a_replacement_pending(account: Account) -> None:
    configure(account, validation_delay=100)
    remote = account.has()
    (outcome,) = account.perform(replacement(remote), stopped=lambda: sum(account.clock.slept) > 3)
    aside = temporary_name("N", remote.id, Marker.OLD)
    assert outcome.status is Status.WAITING
    assert outcome.message.startswith("interrupted; SendGrid is still validating")
    assert aside in outcome.message
    assert names(account)["N"] == names(account)[aside] == 1


def test_a_stop_during_verification_leaves_a_write_unknown(account: Account) -> None:
    def intervene(seen: Seen) -> None:
        if seen.method == "POST":
            raise httpx.ReadTimeout("nothing came")

    account.before = intervene
    (outcome,) = account.perform(create("N"), stopped=lambda: bool(account.clock.slept))
    assert outcome.status is Status.UNKNOWN
    assert "interrupted before the result was verified" in outcome.message


@pytest.mark.parametrize("fail_fast", [True, False])
def test_fail_fast_begins_no_further_change(account: Account, *, fail_fast: bool) -> None:
    account.emulator.faults.add("POST * 403 #2")
    outcomes = account.perform(
        *map(create, "ABCD"), options=ApplyOptions(parallelism=1, fail_fast=fail_fast)
    )
    statuses = [outcome.status for outcome in outcomes]
    rest = Status.NOT_ATTEMPTED if fail_fast else Status.DONE
    assert statuses == [Status.DONE, Status.FAILED, rest, rest]
    assert ("--fail-fast" in outcomes[2].message) is fail_fast


# Replacing


def test_replacements_in_a_nearly_full_account_run_one_at_a_time(account: Account) -> None:
    remotes = [account.has(f"S{number}") for number in range(5)]
    configure(account, cap=len(account.console.segments()) + 1)
    outcomes = account.perform(*map(replacement, remotes), options=ApplyOptions(parallelism=8))
    assert {outcome.status for outcome in outcomes} == {Status.DONE}


@pytest.mark.parametrize("method", ["PATCH", "POST", "DELETE"])
@pytest.mark.parametrize("fault", ["500", "500 after", "empty", "truncated", "502-html after"])
def test_every_unclear_write_of_a_replacement_is_verified(
    account: Account, method: str, fault: str
) -> None:
    remote = account.has()
    account.emulator.faults.add(f"{method} * {fault}")
    (outcome,) = account.perform(replacement(remote))
    assert outcome.status is Status.DONE
    (segment,) = [
        segment
        for segment in account.console.segments()
        if segment.name == "N" or "~" in segment.name
    ]
    assert segment.parent_list_ids == (LIST,)
    assert segment.id == outcome.id != remote.id


def test_a_replacement_with_an_invalid_query_restores_the_name(account: Account) -> None:
    remote = account.has()
    (outcome,) = account.perform(replacement(remote, WRONG))
    assert (outcome.status, outcome.id, outcome.span) == (Status.FAILED, remote.id, QUERY_SPAN)
    assert outcome.message.endswith("the old one stays as `N`")
    assert names(account)["N"] == 1
    assert account.writer.get_segment(remote.id).name == "N"
    # SendGrid requires five minutes between two changes of a segment.
    assert sum(account.clock.slept) >= 295


# The order of events


def test_outcomes_arrive_as_changes_end_and_can_be_sorted(account: Account) -> None:
    remote = fresh(account)
    changes = (patch(remote, query=OTHER), create("A"), create("B"))
    plan = Plan(TARGET, changes)
    events = list(perform(plan, account.writer, lambda: False, account.clock))
    started = [event.change for event in events if isinstance(event, Started)]
    outcomes = [event for event in events if isinstance(event, Outcome)]
    assert started == list(changes)
    assert outcomes[-1].change is changes[0]
    assert [outcome.change for outcome in sort_outcomes(changes, outcomes)] == list(changes)
