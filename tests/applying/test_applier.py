"""The applier: what it sends, and that its report is true."""

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
    """An emulated account, the requests it received, and a hook before each of them."""

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
        """Return the methods and bodies of the writes."""
        return [
            (seen.method, json.loads(seen.body) if seen.body else None)
            for seen in self.seen
            if seen.method != "GET"
        ]


@pytest.fixture
def account() -> Iterator[Account]:
    account = Account()
    with account.emulator, account.transport:
        yield account


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
    first, second = account.perform(create("A"), create("B", OTHER, LIST))
    assert account.sent() == [
        ("POST", {"name": "A", "query_dsl": QUERY}),
        ("POST", {"name": "B", "query_dsl": OTHER, "parent_list_ids": [LIST]}),
    ]
    assert (first.status, first.message, first.hint) == (Status.DONE, "", "")
    assert second.id is not None
    assert account.writer.get_segment(second.id).definition == Segment("B", OTHER, (LIST,))


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ({"query": OTHER}, {"query_dsl": OTHER}),
        ({"name": "M"}, {"name": "M"}),
        ({"name": "M", "query": OTHER}, {"name": "M", "query_dsl": OTHER}),
    ],
)
def test_a_patch_reads_the_segment_and_sends_only_the_differences(
    account: Account, fields: dict[str, str], body: dict[str, str]
) -> None:
    remote = account.has("N", QUERY, LIST)
    (outcome,) = account.perform(patch(remote, **fields))
    assert (outcome.status, outcome.id, outcome.message) == (Status.DONE, remote.id, "")
    assert account.sent() == [("PATCH", body)]
    assert [seen.method for seen in account.seen] == ["GET", "PATCH"]


def test_a_delete_reads_the_segment_first(account: Account) -> None:
    remote = account.has()
    (outcome,) = account.perform(delete(remote))
    assert (outcome.status, outcome.id, outcome.message) == (Status.DONE, None, "")
    assert [(seen.method, seen.target) for seen in account.seen] == [
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
def test_a_segment_changed_after_the_plan_is_left_alone(
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


def test_a_new_sample_is_not_a_conflict(account: Account) -> None:
    remote = account.has()
    account.clock.sleep(7200)
    assert account.perform(patch(remote, query=OTHER))[0].status is Status.DONE


def test_a_patch_of_a_deleted_segment_is_a_conflict(account: Account) -> None:
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


def test_a_segment_deleted_between_read_and_patch_is_a_conflict(account: Account) -> None:
    remote = account.has()

    def intervene(seen: Seen) -> None:
        if seen.method == "PATCH":
            account.console.delete(remote.id)

    account.before = intervene
    assert account.perform(patch(remote, query=OTHER))[0].status is Status.CONFLICT


def test_a_delete_of_a_deleted_segment_is_done(account: Account) -> None:
    remote, other = account.has(), account.has("O")

    def intervene(seen: Seen) -> None:
        if seen.method == "DELETE":
            account.console.delete(other.id)

    account.console.delete(remote.id)
    account.before = intervene
    for outcome in account.perform(delete(remote), delete(other)):
        assert (outcome.status, outcome.message) == (Status.DONE, "already deleted")


def test_a_404_of_a_gateway_is_not_a_successful_delete(account: Account) -> None:
    remote = account.has()
    account.before = lambda seen: answer(404, b"<html>") if seen.method == "DELETE" else None
    (outcome,) = account.perform(delete(remote))
    assert outcome.status is Status.FAILED
    assert "does not look like SendGrid's" in outcome.message


@pytest.mark.parametrize("fault", ["400", "401", "403", "406", "429 always", "451"])
@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_a_refused_write_fails_and_the_others_continue(
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
    assert sum(seen.method == method for seen in account.seen) == tries


UNCLEAR = ["500", "502", "503", "504"]
DONE_UNSEEN = ["500 after", "502-html after", "504 after", "truncated", "wrong-json", "empty"]


@pytest.mark.parametrize("fault", [*UNCLEAR, *DONE_UNSEEN])
@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_a_write_without_a_clear_response_is_verified_and_done_once(
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
    by_name = {segment.name: segment for segment in account.console.segments()}
    assert [segment.name for segment in account.console.segments()].count("New") == (
        method == "POST"
    )
    assert ("N" in by_name) is (method != "DELETE")
    if method == "PATCH":
        assert by_name["N"].query == OTHER
    if method == "POST":
        assert outcome.id == by_name["New"].id
    unseen = fault in DONE_UNSEEN
    if method != "DELETE" or not fault.startswith(("truncated", "wrong", "empty")):
        # The body of a 202 means nothing.
        assert outcome.message == (SUCCEEDED_UNSEEN if unseen else "")
    writes = [seen for seen in account.seen if seen.method == method]
    assert len(writes) == (1 if unseen else 2) + (method == "POST")


@pytest.mark.parametrize("fault", ["500", "502-html"])
@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_a_write_that_always_fails_has_changed_nothing(
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
    assert [
        segment.name for segment in account.console.segments() if segment.name in {"N", "New"}
    ] == ["N"]


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_a_write_that_cannot_be_verified_stays_unknown(account: Account, method: str) -> None:
    remote = account.has("N")
    changes: dict[str, Change] = {
        "POST": create("New"),
        "PATCH": patch(remote, query=OTHER),
        "DELETE": delete(remote),
    }

    def intervene(seen: Seen) -> None:
        if seen.method == method:
            account.emulator.faults.add("GET * 403 always")

    account.before = intervene
    account.emulator.faults.add(f"{method} * 500 after")
    (outcome,) = account.perform(changes[method])
    assert outcome.status is Status.UNKNOWN
    assert "and the result could not be verified" in outcome.message
    assert "to see whether the request succeeded" in outcome.hint
    assert len(account.sent()) == 1


@pytest.mark.parametrize("kind", ["patch", "delete"])
@pytest.mark.parametrize(
    "fault", ["403", *(f"{body} always" for body in ("500", "502-html", "truncated", "empty"))]
)
def test_a_write_that_was_never_sent_is_not_unknown(
    account: Account, kind: str, fault: str
) -> None:
    remote = account.has()
    account.emulator.faults.add(f"GET * {fault}")
    (outcome,) = account.perform(delete(remote) if kind == "delete" else patch(remote, query=OTHER))
    assert outcome.status is Status.FAILED
    assert outcome.message.startswith(f"could not read segment {remote.id}")
    assert account.sent() == []


def test_an_update_lock_without_a_wait_is_a_failure(account: Account) -> None:
    (created,) = account.perform(create())
    assert created.id is not None
    remote = account.writer.get_segment(created.id)
    options = ApplyOptions(parallelism=1, lock_timeout=0)
    (outcome,) = account.perform(patch(remote, query=OTHER), options=options)
    assert account.clock.slept == []
    assert outcome.status is Status.FAILED
    assert "less than five minutes ago" in outcome.message
    assert "wait five minutes and apply again" in outcome.hint
    assert "--lock-timeout" in outcome.hint


def test_a_missing_parent_list_is_a_failure_not_a_conflict(account: Account) -> None:
    (outcome,) = account.perform(create("N", QUERY, "0b1f4a10-5c1d-4a6e-9f02-00000000ffff"))
    assert outcome.status is Status.FAILED
    assert "its parent list 0b1f4a10-5c1d-4a6e-9f02-00000000ffff may have" in outcome.message


@pytest.mark.parametrize(
    ("query", "parents", "status"),
    [
        (QUERY, [], Status.DONE),
        (f" {QUERY} ;", [], Status.DONE),
        (OTHER, [], Status.CONFLICT),
        (QUERY, [LIST], Status.CONFLICT),
    ],
)
def test_a_create_of_an_existing_name_is_done_only_if_the_segment_is_as_declared(
    account: Account, query: str, parents: list[str], status: Status
) -> None:
    existing = account.has("N", query, *parents)
    (outcome,) = account.perform(create("N"))
    assert (outcome.status, outcome.id) == (status, existing.id)
    message = (
        "the segment already existed"
        if status is Status.DONE
        else "someone created another segment"
    )
    assert outcome.message.startswith(message)
    assert len(account.sent()) == 1


@pytest.mark.parametrize("lost", ["", "500", "502-html"])
@pytest.mark.parametrize("version", [1, 2])
def test_a_rename_to_a_name_taken_after_the_plan_is_a_conflict(
    account: Account, version: int, lost: str
) -> None:
    remote = account.has("N")
    change = patch(remote, name="M", query=OTHER)
    if version == 1:
        account.console.seed_v1("M", "email LIKE '%x'")
    else:
        account.has("M")
    holder = next(segment for segment in account.console.segments() if segment.name == "M")
    if lost:
        account.emulator.faults.add(f"PATCH * {lost}")
    (outcome,) = account.perform(change)
    assert (outcome.status, outcome.id) == (Status.CONFLICT, remote.id)
    assert "took the name `M` after the plan was made" in outcome.message
    assert holder.id in outcome.message
    assert ("a v1 segment" in outcome.message) == (version == 1)
    assert account.writer.get_segment(remote.id).definition == remote.definition


def test_a_rename_refused_for_another_reason_is_a_failure(account: Account) -> None:
    remote = account.has("N")
    account.emulator.faults.add("PATCH * 400 always")
    (outcome,) = account.perform(patch(remote, name="M"))
    assert outcome.status is Status.FAILED
    account.emulator.faults.clear()
    account.has("M")
    account.emulator.faults.add("GET */segments/2.0 403 always")
    (outcome,) = account.perform(patch(remote, name="M"))
    assert outcome.status is Status.FAILED


def test_a_create_with_the_name_of_a_v1_segment_is_a_conflict(account: Account) -> None:
    account.console.seed_v1("N", "email LIKE '%x'")
    (outcome,) = account.perform(create("N"))
    assert outcome.status is Status.CONFLICT


@pytest.mark.parametrize(
    ("stored", "message"),
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
def test_a_server_that_stores_another_definition_is_reported(
    account: Account, kind: str, stored: dict[str, Any], message: str
) -> None:
    remote = account.has("Was")
    data = segment_json(id=remote.id, name="N", query_dsl=OTHER) | stored
    account.before = lambda seen: None if seen.method == "GET" else answer(200, data)
    (outcome,) = account.perform(
        create("N", OTHER) if kind == "create" else patch(remote, name="N", query=OTHER)
    )
    assert outcome.status is Status.DONE
    assert outcome.id == remote.id
    assert message in outcome.message
    assert bool(message) == bool(outcome.message) == bool(outcome.hint)


def test_fields_that_a_patch_does_not_send_are_not_compared(account: Account) -> None:
    remote = account.has("N", QUERY, LIST)
    data = segment_json(id=remote.id, name="renamed by hand", query_dsl=OTHER)
    account.before = lambda seen: None if seen.method == "GET" else answer(200, data)
    assert account.perform(patch(remote, query=OTHER))[0].message == ""


def test_changes_after_a_stop_are_not_attempted(account: Account) -> None:
    outcomes = account.perform(
        create("A"), create("B"), create("C"), stopped=lambda: len(account.seen) >= 1
    )
    assert [outcome.status for outcome in outcomes] == [
        Status.DONE,
        Status.NOT_ATTEMPTED,
        Status.NOT_ATTEMPTED,
    ]
    assert len(account.seen) == 1
    assert outcomes[1].message == "interrupted; nothing was sent"


def test_an_unattempted_change_keeps_its_id(account: Account) -> None:
    first, second = account.has("N"), account.has("M")
    changes = (patch(first, query=OTHER), delete(second))
    outcomes = account.perform(*changes, stopped=lambda: True)
    assert [outcome.id for outcome in outcomes] == [first.id, second.id]


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
def test_a_plan_that_is_not_applicable_is_an_internal_error(account: Account, plan: Plan) -> None:
    with pytest.raises(RuntimeError, match="not applicable"):
        list(perform(plan, account.writer, lambda: False, account.clock))
    assert account.seen == []


def test_a_plan_with_warnings_is_performed(account: Account) -> None:
    plan = Plan(TARGET, (create(),), diagnostics=(finding(Severity.WARNING),))
    assert len(list(perform(plan, account.writer, lambda: False, account.clock))) == 2
