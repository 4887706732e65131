"""Carrying a plan out: what is sent, and that the report tells the truth about it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from segctl.applying.applier import ApplyOptions, Started, perform
from segctl.applying.writes import SUCCEEDED_UNSEEN
from segctl.common.secrets import Secret
from segctl.emulator import Emulator, Settings, seed
from segctl.errors import Diagnostic, Severity, Span
from segctl.model import (
    Change,
    Create,
    Delete,
    Patch,
    Plan,
    Precondition,
    Remote,
    Segment,
    TargetRef,
)
from segctl.model.report import Outcome, Status, sort_outcomes
from segctl.planning.equality import changed_fields
from segctl.sendgrid.api import Writer
from segctl.sendgrid.transport import ATTEMPTS, Transport
from tests.sendgrid.support import Seen, answer, emulated, segment_json
from tests.support.account import KEY
from tests.support.clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.sendgrid.support import Served

TARGET = TargetRef("production", "api.sendgrid.com")
SPAN = Span("segments/a.yaml", 1, 7)
QUERY = "SELECT contact_id, updated_at FROM contact_data WHERE city = 'Brno'"
OTHER = "SELECT contact_id, updated_at FROM contact_data WHERE city = 'Plzeň'"
ONE_BY_ONE = ApplyOptions(parallelism=1)
LIST = seed.NEWSLETTER_LIST_ID


class Account:
    """An emulated account, what was sent to it, and a way to step in between."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.emulator = Emulator(None, Settings(), now=self.clock.now)
        self.emulator.seed()
        self.console = self.emulator.console
        self.mount = emulated(self.emulator)
        self.seen: list[Seen] = []
        self.before: Callable[[Seen], Served | None] = lambda _: None
        self.transport = Transport(
            "https://api.sendgrid.com", Secret(KEY), self.clock, mount=self._serve
        )
        self.writer = Writer(self.transport)

    def _serve(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Served:
        seen = Seen(method, target.partition("?")[0].rpartition("/")[2], headers, body)
        self.seen.append(seen)
        return self.before(seen) or self.mount(method, target, headers, body)

    def has(self, name: str = "N", query: str = QUERY, *parents: str) -> Remote:
        return self.writer.get_segment(self.console.create(name, query, parent_list_ids=parents))

    def perform(
        self,
        *changes: Change,
        stopped: Callable[[], str | bool] = lambda: False,
        options: ApplyOptions | None = None,
    ) -> list[Outcome]:
        self.seen.clear()
        plan = Plan(TARGET, changes)
        events = list(perform(plan, self.writer, stopped, self.clock, options or ONE_BY_ONE))
        return [*sort_outcomes(changes, [event for event in events if isinstance(event, Outcome)])]

    def sent(self) -> list[tuple[str, Any]]:
        """The writes and their bodies."""
        return [
            (one.method, json.loads(one.body) if one.body else None)
            for one in self.seen
            if one.method != "GET"
        ]


@pytest.fixture
def account() -> Iterator[Account]:
    made = Account()
    with made.emulator, made.transport:
        yield made


def create(name: str = "N", query: str = QUERY, *parents: str) -> Create:
    return Create(Segment(name, query, parents), SPAN)


def patch(remote: Remote, *, name: str | None = None, query: str | None = None) -> Patch:
    before = remote.definition
    after = Segment(name or before.name, query or before.query, before.parent_list_ids)
    return Patch(
        before=before,
        after=after,
        changed_fields=changed_fields(before, after),
        precondition=Precondition.of(remote),
        span=SPAN,
    )


def delete(remote: Remote) -> Delete:
    return Delete(remote.definition, Precondition.of(remote), SPAN)


def test_a_create_sends_what_is_declared(account: Account) -> None:
    one, two = account.perform(create("A"), create("B", OTHER, LIST))
    assert account.sent() == [
        ("POST", {"name": "A", "query_dsl": QUERY}),
        ("POST", {"name": "B", "query_dsl": OTHER, "parent_list_ids": [LIST]}),
    ]
    assert (one.status, one.message, one.hint) == (Status.DONE, "", "")
    assert two.id is not None
    assert account.writer.get_segment(two.id).definition == Segment("B", OTHER, (LIST,))


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ({"query": OTHER}, {"query_dsl": OTHER}),
        ({"name": "M"}, {"name": "M"}),
        ({"name": "M", "query": OTHER}, {"name": "M", "query_dsl": OTHER}),
    ],
)
def test_a_patch_sends_what_differs_after_a_look(
    account: Account, fields: dict[str, str], body: dict[str, str]
) -> None:
    remote = account.has("N", QUERY, LIST)
    (outcome,) = account.perform(patch(remote, **fields))
    assert (outcome.status, outcome.id, outcome.message) == (Status.DONE, remote.id, "")
    assert account.sent() == [("PATCH", body)]
    assert [one.method for one in account.seen] == ["GET", "PATCH"]


def test_a_delete_looks_first_too(account: Account) -> None:
    remote = account.has()
    (outcome,) = account.perform(delete(remote))
    assert (outcome.status, outcome.id, outcome.message) == (Status.DONE, None, "")
    assert [(one.method, one.target) for one in account.seen] == [
        ("GET", remote.id),
        ("DELETE", remote.id),
    ]


@pytest.mark.parametrize("kind", ["patch", "delete"])
@pytest.mark.parametrize(
    ("edit", "fields"),
    [
        ({"name": "Mine"}, "name"),
        ({"query": OTHER}, "query_dsl"),
        ({"name": "Mine", "query": OTHER}, "name, query_dsl"),
        ({"query": QUERY + " "}, "query_dsl"),
    ],
)
def test_what_somebody_changed_is_left_alone(
    account: Account, kind: str, edit: dict[str, str], fields: str
) -> None:
    remote = account.has()
    change = delete(remote) if kind == "delete" else patch(remote, query=OTHER + " -- ours")
    account.console.edit(remote.id, name=edit.get("name"), query=edit.get("query"))
    (outcome,) = account.perform(change)
    assert outcome.status is Status.CONFLICT
    assert outcome.id == remote.id
    assert outcome.message == (
        f"someone changed the segment after the plan was made ({fields}), so it was left alone"
    )
    assert "segctl plan" in outcome.hint
    assert account.sent() == []


@pytest.mark.parametrize(
    ("before", "now", "fields"),
    [
        ([], [LIST], "parent_list_ids"),
        ([LIST], None, "parent_list_ids"),
        ([LIST], ["x"], "parent_list_ids"),
        (["a", "b"], ["b", "c"], "parent_list_ids"),
        (["a"], ["a", "a"], "parent_list_ids"),
    ],
)
def test_other_parent_lists_are_a_conflict(
    account: Account, before: list[str], now: list[str] | None, fields: str
) -> None:
    remote = Remote(segment_json()["id"], "N", tuple(before), QUERY)
    data = segment_json(name="N", query_dsl=QUERY, parent_list_ids=now)
    account.before = lambda _: answer(200, data)
    (outcome,) = account.perform(patch(remote, query=OTHER))
    assert outcome.status is Status.CONFLICT
    assert f"({fields})" in outcome.message


def test_parent_lists_in_another_order_are_the_same(account: Account) -> None:
    remote = Remote(segment_json()["id"], "N", ("b", "a"), QUERY)
    data = segment_json(name="N", query_dsl=QUERY, parent_list_ids=["a", "b"])
    account.before = lambda seen: answer(
        200, data if seen.method == "GET" else data | {"query_dsl": OTHER}
    )
    (outcome,) = account.perform(patch(remote, query=OTHER))
    assert (outcome.status, outcome.message) == (Status.DONE, "")


def test_a_new_sample_is_no_conflict(account: Account) -> None:
    remote = account.has()
    account.clock.sleep(7200)
    assert account.perform(patch(remote, query=OTHER))[0].status is Status.DONE


def test_a_segment_deleted_meanwhile_is_a_conflict_for_a_patch(account: Account) -> None:
    remote = account.has()
    account.console.delete(remote.id)
    (outcome,) = account.perform(patch(remote, query=OTHER))
    assert outcome.status is Status.CONFLICT
    assert outcome.id is None
    assert outcome.message == (
        "someone deleted the segment after the plan was made; nothing was changed"
    )
    assert "would re-create" in outcome.hint
    assert account.sent() == []


def test_so_is_one_deleted_between_the_look_and_the_patch(account: Account) -> None:
    remote = account.has()

    def step_in(seen: Seen) -> None:
        if seen.method == "PATCH":
            account.console.delete(remote.id)

    account.before = step_in
    assert account.perform(patch(remote, query=OTHER))[0].status is Status.CONFLICT


def test_a_segment_deleted_meanwhile_is_deleted(account: Account) -> None:
    remote, other = account.has(), account.has("O")

    def step_in(seen: Seen) -> None:
        if seen.method == "DELETE":
            account.console.delete(other.id)

    account.console.delete(remote.id)
    account.before = step_in
    for outcome in account.perform(delete(remote), delete(other)):
        assert (outcome.status, outcome.message) == (Status.DONE, "already deleted")


def test_a_gateways_404_is_no_success_of_a_delete(account: Account) -> None:
    remote = account.has()
    account.before = lambda seen: answer(404, b"<html>") if seen.method == "DELETE" else None
    (outcome,) = account.perform(delete(remote))
    assert outcome.status is Status.FAILED
    assert "does not look like SendGrid's" in outcome.message


@pytest.mark.parametrize("fault", ["400", "401", "403", "406", "429 always", "451"])
@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_what_is_refused_has_failed_and_stops_nothing(
    account: Account, method: str, fault: str
) -> None:
    remote = account.has("N")
    changes: dict[str, Change] = {
        "POST": create("New"),
        "PATCH": patch(remote, query=OTHER),
        "DELETE": delete(remote),
    }
    account.emulator.faults.add(f"{method} * {fault}")
    outcome, after = account.perform(changes[method], create("Next"))
    assert outcome.status is Status.FAILED
    assert outcome.id == (None if method == "POST" else remote.id)
    assert outcome.message.startswith("could not ")
    assert "whether the request succeeded" not in outcome.hint
    tries = ATTEMPTS if fault == "429 always" else 1
    if method == "POST" and fault == "429 always":
        assert after.status is Status.FAILED
        tries *= 2
    else:
        assert after.status is Status.DONE
        tries += method == "POST"
    assert sum(one.method == method for one in account.seen) == tries


UNCLEAR = ["500", "502", "503", "504"]
DONE_UNSEEN = ["500 after", "502-html after", "504 after", "truncated", "wrong-json", "empty"]


@pytest.mark.parametrize("fault", [*UNCLEAR, *DONE_UNSEEN])
@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_a_write_without_a_clear_answer_is_looked_up_and_done_once(
    account: Account, method: str, fault: str
) -> None:
    remote = account.has("N")
    changes: dict[str, Change] = {
        "POST": create("New"),
        "PATCH": patch(remote, query=OTHER),
        "DELETE": delete(remote),
    }
    account.emulator.faults.add(f"{method} * {fault}")
    outcome, after = account.perform(changes[method], create("Next"))
    assert (outcome.status, after.status) == (Status.DONE, Status.DONE)
    held = {one.name: one for one in account.console.segments()}
    assert [one.name for one in account.console.segments()].count("New") == (method == "POST")
    assert ("N" in held) is (method != "DELETE")
    if method == "PATCH":
        assert held["N"].query == OTHER
    if method == "POST":
        assert outcome.id == held["New"].id
    unseen = fault in DONE_UNSEEN
    if method != "DELETE" or not fault.startswith(("truncated", "wrong", "empty")):
        # The body of a 202 means nothing.
        assert outcome.message == (SUCCEEDED_UNSEEN if unseen else "")
    writes = [one for one in account.seen if one.method == method]
    assert len(writes) == (1 if unseen else 2) + (method == "POST")


@pytest.mark.parametrize("fault", ["500", "502-html"])
@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_a_server_that_fails_for_good_has_done_nothing(
    account: Account, method: str, fault: str
) -> None:
    remote = account.has("N")
    changes: dict[str, Change] = {
        "POST": create("New"),
        "PATCH": patch(remote, query=OTHER),
        "DELETE": delete(remote),
    }
    account.emulator.faults.add(f"{method} * {fault} always")
    (outcome,) = account.perform(changes[method])
    assert outcome.status is Status.FAILED
    assert outcome.message.endswith("(in each of 3 attempts); nothing was changed")
    assert len(account.sent()) == 3
    assert [one.name for one in account.console.segments() if one.name in {"N", "New"}] == ["N"]


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_what_cannot_be_looked_up_stays_unknown(account: Account, method: str) -> None:
    remote = account.has("N")
    changes: dict[str, Change] = {
        "POST": create("New"),
        "PATCH": patch(remote, query=OTHER),
        "DELETE": delete(remote),
    }

    def step_in(seen: Seen) -> None:
        if seen.method == method:
            account.emulator.faults.add("GET * 403 always")

    account.before = step_in
    account.emulator.faults.add(f"{method} * 500 after")
    (outcome,) = account.perform(changes[method])
    assert outcome.status is Status.UNKNOWN
    assert "and the result could not be verified" in outcome.message
    assert "to see whether the request succeeded" in outcome.hint
    assert len(account.sent()) == 1


@pytest.mark.parametrize("kind", ["patch", "delete"])
@pytest.mark.parametrize(
    "fault", ["403", *(f"{one} always" for one in ("500", "502-html", "truncated", "empty"))]
)
def test_what_was_never_sent_is_not_unknown(account: Account, kind: str, fault: str) -> None:
    remote = account.has()
    account.emulator.faults.add(f"GET * {fault}")
    (outcome,) = account.perform(delete(remote) if kind == "delete" else patch(remote, query=OTHER))
    assert outcome.status is Status.FAILED
    assert outcome.message.startswith(f"could not read segment {remote.id}")
    assert account.sent() == []


def test_an_update_lock_that_is_not_waited_for_is_a_failure(account: Account) -> None:
    (made,) = account.perform(create())
    assert made.id is not None
    remote = account.writer.get_segment(made.id)
    options = ApplyOptions(parallelism=1, lock_timeout=0)
    (outcome,) = account.perform(patch(remote, query=OTHER), options=options)
    assert account.clock.slept == []
    assert outcome.status is Status.FAILED
    assert "less than five minutes ago" in outcome.message
    assert "wait five minutes and apply again" in outcome.hint
    assert "--lock-timeout" in outcome.hint


def test_a_parent_list_that_is_not_there_is_a_failure_not_a_conflict(account: Account) -> None:
    (outcome,) = account.perform(create("N", QUERY, "0b1f4a10-5c1d-4a6e-9f02-00000000ffff"))
    assert outcome.status is Status.FAILED
    assert "parent list does not exist" in outcome.message


@pytest.mark.parametrize(
    ("query", "parents", "status"),
    [
        (QUERY, [], Status.DONE),
        (f" {QUERY} ;", [], Status.DONE),
        (OTHER, [], Status.CONFLICT),
        (QUERY, [LIST], Status.CONFLICT),
    ],
)
def test_a_name_that_was_taken_meanwhile(
    account: Account, query: str, parents: list[str], status: Status
) -> None:
    there = account.has("N", query, *parents)
    (outcome,) = account.perform(create("N"))
    assert (outcome.status, outcome.id) == (status, there.id)
    said = (
        "the segment already existed"
        if status is Status.DONE
        else "someone created another segment"
    )
    assert outcome.message.startswith(said)
    assert len(account.sent()) == 1


@pytest.mark.parametrize("lost", ["", "500", "502-html"])
@pytest.mark.parametrize("version", [1, 2])
def test_a_new_name_that_was_taken_meanwhile_is_a_conflict(
    account: Account, version: int, lost: str
) -> None:
    remote = account.has("N")
    change = patch(remote, name="M", query=OTHER)
    if version == 1:
        account.console.seed_v1("M", "email LIKE '%x'")
    else:
        account.has("M")
    holder = next(one for one in account.console.segments() if one.name == "M")
    if lost:
        account.emulator.faults.add(f"PATCH * {lost}")
    (outcome,) = account.perform(change)
    assert (outcome.status, outcome.id) == (Status.CONFLICT, remote.id)
    assert "took the name `M` after the plan was made" in outcome.message
    assert holder.id in outcome.message
    assert ("a v1 segment" in outcome.message) == (version == 1)
    assert account.writer.get_segment(remote.id).definition == remote.definition


def test_a_renaming_that_is_refused_for_another_reason_is_a_failure(account: Account) -> None:
    remote = account.has("N")
    account.emulator.faults.add("PATCH * 400 always")
    (outcome,) = account.perform(patch(remote, name="M"))
    assert outcome.status is Status.FAILED
    account.emulator.faults.clear()
    account.has("M")
    account.emulator.faults.add("GET */segments/2.0 403 always")
    (outcome,) = account.perform(patch(remote, name="M"))
    assert outcome.status is Status.FAILED


def test_a_name_that_a_v1_segment_holds_is_a_conflict(account: Account) -> None:
    account.console.seed_v1("N", "email LIKE '%x'")
    (outcome,) = account.perform(create("N"))
    assert outcome.status is Status.CONFLICT


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        ({}, ""),
        ({"query_dsl": None}, ""),
        ({"query_dsl": OTHER + "\n"}, ""),
        ({"query_dsl": OTHER + " LIMIT 1"}, "a different query_dsl than"),
        ({"name": "n"}, "a different name than"),
        ({"name": "n", "query_dsl": "x"}, "a different name and query_dsl than"),
    ],
)
@pytest.mark.parametrize("kind", ["create", "patch"])
def test_a_server_that_keeps_something_else_is_told_on(
    account: Account, kind: str, stored: dict[str, Any], said: str
) -> None:
    remote = account.has("Was")
    data = segment_json(id=remote.id, name="N", query_dsl=OTHER) | stored
    account.before = lambda seen: None if seen.method == "GET" else answer(200, data)
    (outcome,) = account.perform(
        create("N", OTHER) if kind == "create" else patch(remote, name="N", query=OTHER)
    )
    assert outcome.status is Status.DONE
    assert outcome.id == remote.id
    assert said in outcome.message
    assert bool(said) == bool(outcome.message) == bool(outcome.hint)


def test_a_patch_is_not_held_to_what_it_did_not_send(account: Account) -> None:
    remote = account.has("N", QUERY, LIST)
    data = segment_json(id=remote.id, name="renamed by hand", query_dsl=OTHER)
    account.before = lambda seen: None if seen.method == "GET" else answer(200, data)
    assert account.perform(patch(remote, query=OTHER))[0].message == ""


def test_what_was_not_begun_when_it_was_stopped_is_not_attempted(account: Account) -> None:
    outcomes = account.perform(
        create("A"), create("B"), create("C"), stopped=lambda: len(account.seen) >= 1
    )
    assert [one.status for one in outcomes] == [
        Status.DONE,
        Status.NOT_ATTEMPTED,
        Status.NOT_ATTEMPTED,
    ]
    assert len(account.seen) == 1
    assert outcomes[1].message == "interrupted; nothing was sent"


def test_what_was_not_begun_keeps_its_id(account: Account) -> None:
    one, two = account.has("N"), account.has("M")
    changes = (patch(one, query=OTHER), delete(two))
    outcomes = account.perform(*changes, stopped=lambda: True)
    assert [outcome.id for outcome in outcomes] == [one.id, two.id]


def test_each_action_is_announced_before_it_is_sent(account: Account) -> None:
    events = perform(
        Plan(TARGET, (create("A"), create("B"))),
        account.writer,
        lambda: False,
        account.clock,
        ONE_BY_ONE,
    )
    assert account.seen == []
    for name in "AB":
        before = len(account.seen)
        started = next(events)
        assert isinstance(started, Started)
        assert started.change.name == name
        assert len(account.seen) == before
        outcome = next(events)
        assert isinstance(outcome, Outcome)
        assert outcome.change is started.change
    assert next(events, None) is None


def finding(severity: Severity) -> Diagnostic:
    return Diagnostic("some-rule", severity, "no")


@pytest.mark.parametrize(
    "plan",
    [
        Plan(TARGET, (create(),), refusals=(finding(Severity.ERROR),)),
        Plan(TARGET, (create(),), refusals=(finding(Severity.WARNING),)),
        Plan(TARGET, (create(),), diagnostics=(finding(Severity.ERROR),)),
    ],
)
def test_a_plan_that_must_not_be_performed_is_a_mistake_of_ours(
    account: Account, plan: Plan
) -> None:
    with pytest.raises(RuntimeError, match="not applicable"):
        list(perform(plan, account.writer, lambda: False, account.clock))
    assert account.seen == []


def test_a_plan_with_warnings_is_performed(account: Account) -> None:
    plan = Plan(TARGET, (create(),), diagnostics=(finding(Severity.WARNING),))
    assert len(list(perform(plan, account.writer, lambda: False, account.clock))) == 2
