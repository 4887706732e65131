"""What an answer means, where it is close or unclear."""

from __future__ import annotations

import pytest

from segctl.probing import judgement
from segctl.probing.assumptions import ASSUMPTIONS, Verdict
from segctl.probing.judgement import Outcome, QueryResult

AS_ASSUMED, DIFFERS, NOT_LEARNT = Verdict.AS_ASSUMED, Verdict.DIFFERS, Verdict.NOT_LEARNT


@pytest.mark.parametrize(
    ("last_locked", "first_free", "verdict", "lock"),
    [
        (240.0, 303.0, AS_ASSUMED, 300),
        (303.0, 315.0, AS_ASSUMED, 300),
        (240.0, 360.0, NOT_LEARNT, None),
        (0.0, 303.0, NOT_LEARNT, None),
        (None, 303.0, NOT_LEARNT, None),
        (None, None, NOT_LEARNT, None),
        (240.0, None, NOT_LEARNT, None),
        (360.0, None, DIFFERS, None),
        (60.0, 120.0, DIFFERS, 120),
        (330.0, 360.0, DIFFERS, 360),
        (None, 0.2, DIFFERS, 1),
        (None, 280.0, DIFFERS, 280),
    ],
)
def test_the_length_of_the_lock_is_only_confirmed_by_close_bounds(
    last_locked: float | None, first_free: float | None, verdict: Verdict, lock: int | None
) -> None:
    finding = judgement.judge_lock_length(last_locked, first_free)
    assert finding.verdict is verdict, finding.seen
    assert finding.observed.get("update_lock") == lock


@pytest.mark.parametrize(
    ("result", "verdict"),
    [
        (QueryResult(Outcome.INVALID, "no such column", 3.0, 1.0), AS_ASSUMED),
        (QueryResult(Outcome.INVALID, "no such column", 40.0, 30.0), DIFFERS),
        (QueryResult(Outcome.INVALID, "no such column", 40.0, 10.0), NOT_LEARNT),
        (QueryResult(Outcome.INVALID, "", 3.0), DIFFERS),
        (QueryResult(Outcome.VALID), DIFFERS),
        (QueryResult(Outcome.REFUSED, "no such column"), DIFFERS),
        (QueryResult(Outcome.PENDING, "", 120.0, 120.0), NOT_LEARNT),
        (QueryResult(Outcome.UNKNOWN, "the connection broke"), NOT_LEARNT),
    ],
)
def test_a_wrong_query_is_judged_by_what_was_seen_when(
    result: QueryResult, verdict: Verdict
) -> None:
    assert judgement.judge_invalid(result).verdict is verdict


def test_a_refusal_teaches_nothing_if_a_plain_query_is_refused_too() -> None:
    refused = QueryResult(Outcome.INVALID, "no")
    for control in (refused, QueryResult(Outcome.UNKNOWN, "lost")):
        assert judgement.controlled(refused, control).accepted is None
    assert judgement.controlled(QueryResult(Outcome.VALID), refused).accepted is True


def test_each_function_is_learnt_by_itself() -> None:
    results = {
        "LOWER": QueryResult(Outcome.VALID),
        "TRIM": QueryResult(Outcome.INVALID, "unknown function TRIM"),
        "UPPER": QueryResult(Outcome.UNKNOWN, "the connection broke"),
    }
    finding = judgement.judge_functions(results)
    assert finding.verdict is DIFFERS
    assert finding.observed == {"functions": {"LOWER": "accepted", "TRIM": "refused"}}
    assert "refused: TRIM" in finding.seen
    assert "not learnt: UPPER: the connection broke" in finding.seen


@pytest.mark.parametrize(
    ("status", "control", "verdict"),
    [
        (401, 404, AS_ASSUMED),
        (200, 404, AS_ASSUMED),
        (404, 404, DIFFERS),
        (404, 401, DIFFERS),
        (401, 401, NOT_LEARNT),
    ],
)
def test_a_host_that_answers_any_path_alike_teaches_nothing(
    status: int, control: int, verdict: Verdict
) -> None:
    assert judgement.judge_eu_host(status, control).verdict is verdict


def test_ids_and_long_numbers_are_masked_and_long_texts_cut() -> None:
    text = f"user 1234567 has 0e0e0e0e-0000-4000-8000-000000000001 {'x' * 400}"
    finding = judgement.not_learnt("eu-host", text)
    assert finding.seen.startswith("user … has … x")
    assert len(finding.seen) == judgement.LONGEST_SEEN


def test_only_plain_keys_of_automations_are_shown() -> None:
    data = {"result": [{"id": "x", "status": "live", "Jana.Novakova@example.com": 1}], "Jana": 2}
    finding = judgement.judge_automations(200, data)
    assert finding.verdict is AS_ASSUMED
    assert finding.seen == "an object with `result`; an item has `id`, `status`"


def test_every_assumption_says_what_it_is_for() -> None:
    for assumption in ASSUMPTIONS.values():
        assert assumption.claim
        assert assumption.test
        assert assumption.depends.startswith("none yet") == (not assumption.key) or (
            assumption.id == "automations"
        )


def test_a_change_that_was_accepted_late_says_nothing_about_the_lock() -> None:
    late, soon = judgement.SOON + 1, judgement.SOON - 1
    status = [
        judgement.judge_lock_status(200, "", is_lock=False, age=age).verdict for age in (soon, late)
    ]
    name_only = [
        judgement.judge_lock_name_only(is_locked=False, age=age).verdict for age in (soon, late)
    ]
    assert status == name_only == [DIFFERS, NOT_LEARNT]
    assert judgement.judge_lock_name_only(is_locked=True, age=late).verdict is AS_ASSUMED
