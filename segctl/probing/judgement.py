"""What an answer of SendGrid means for an assumption. Pure: asks nothing.

Only what SendGrid clearly did counts. An answer that was lost, or a proxy's, teaches nothing, and
never makes an assumption hold or fail.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from segctl.common.uuids import UUID
from segctl.probing.assumptions import ASSUMPTIONS, Finding, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

LOCK = 300.0
"""The seconds that segctl assumes the update lock to last."""

LOCK_TOLERANCE = 5.0
LOCK_PRECISION = 75.0
"""How far apart the last refusal and the first acceptance may be, in seconds, to confirm `LOCK`."""

SOON = 60.0
"""Seconds after a creation within which a change is too soon, however long the lock lasts."""

LATE = "the first clear answer came too late"
INVALID_WITHIN = 15.0
GONE_WITHIN = 60.0
RATE_LIMIT = 600
LONGEST_SEEN = 300

_IDS = re.compile(rf"{UUID.pattern}|[0-9]{{6,}}", re.IGNORECASE)
_PLAIN_KEY = re.compile(r"_?[a-z][a-z_]{0,39}")
_MAX_KEYS = 30


class Outcome(StrEnum):
    """What became of a query: `REFUSED` is a 4xx with a reason, `UNKNOWN` no clear answer."""

    VALID = "VALID"
    INVALID = "INVALID"
    REFUSED = "refused"
    PENDING = "PENDING"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class QueryResult:
    """What became of the query of one trial; `text` is the message, for `UNKNOWN` the reason.

    It was seen after `seconds`, and was last seen PENDING after `pending_until`.
    """

    outcome: Outcome
    text: str = ""
    seconds: float = 0.0
    pending_until: float = 0.0

    @property
    def accepted(self) -> bool | None:
        """Whether SendGrid accepted the query; `None` where that is not known."""
        if self.outcome is Outcome.VALID:
            return True
        return False if self.outcome in (Outcome.INVALID, Outcome.REFUSED) else None

    def __str__(self) -> str:
        match self.outcome:
            case Outcome.VALID:
                return f"VALID{_after(self.seconds)}"
            case Outcome.INVALID:
                return f"INVALID{_after(self.seconds)}{_saying(self.text)}"
            case Outcome.REFUSED:
                return f"refused{_saying(self.text)}"
            case Outcome.PENDING:
                return f"still PENDING after {self.seconds:.0f} s"
            case Outcome.UNKNOWN:
                return self.text


def controlled(result: QueryResult, control: QueryResult) -> QueryResult:
    """Return what is known of a query, given what became of a plain one.

    If that was not accepted either, a refusal has another reason than the query.
    """
    if result.accepted is not False or control.accepted:
        return result
    return QueryResult(Outcome.UNKNOWN, f"a plain query was not accepted either: {control}")


def finding(
    id_: str, verdict: Verdict, seen: str, observed: Mapping[str, Any] | None = None
) -> Finding:
    """Return a finding whose text has no ids of the account and is not too long."""
    text = masked(seen)
    text = text if len(text) <= LONGEST_SEEN else f"{text[: LONGEST_SEEN - 1]}…"
    return Finding(ASSUMPTIONS[id_], verdict, text, observed or {})


def masked(text: str) -> str:
    """Return a text without ids and long numbers, which could identify an account."""
    return _IDS.sub("…", text)


def not_learnt(id_: str, reason: str) -> Finding:
    """Return the finding for what was not learnt."""
    return finding(id_, Verdict.NOT_LEARNT, reason)


def _compare(id_: str, seen: str, *, holds: bool, **observed: Any) -> Finding:
    verdict = Verdict.AS_ASSUMED if holds else Verdict.DIFFERS
    return finding(id_, verdict, seen, observed)


def _after(seconds: float) -> str:
    return f" after {seconds:.0f} s" if seconds >= 1 else " at once"


def _saying(text: str) -> str:
    return f": “{text}”" if text else ""


def word(accepted: bool) -> str:
    """Return the value in segctl.yaml for what was accepted or refused."""
    return "accepted" if accepted else "refused"


def judge_invalid(result: QueryResult) -> Finding:
    """Judge the query that must be INVALID."""
    if result.outcome in (Outcome.UNKNOWN, Outcome.PENDING):
        return not_learnt("invalid-query", str(result))
    if result.pending_until <= INVALID_WITHIN < result.seconds:
        return not_learnt("invalid-query", f"{result}, and nothing is known of the time before")
    is_invalid = result.outcome is Outcome.INVALID and bool(result.text)
    holds = is_invalid and result.seconds <= INVALID_WITHIN
    return _compare("invalid-query", str(result), holds=holds)


def judge_query(id_: str, result: QueryResult, *, assumed: bool) -> Finding:
    """Judge a query that segctl assumes to be accepted, or not."""
    accepted = result.accepted
    if accepted is None:
        return not_learnt(id_, str(result))
    observed = {ASSUMPTIONS[id_].key: word(accepted)}
    return _compare(id_, str(result), holds=accepted is assumed, **observed)


def judge_functions(results: Mapping[str, QueryResult]) -> Finding:
    """Judge the functions together: what was learnt of each is kept, whatever the others did."""
    learnt = {name: result.accepted for name, result in results.items()}
    refused = [name for name, accepted in learnt.items() if accepted is False]
    unknown = [name for name, accepted in learnt.items() if accepted is None]
    words = {name: word(accepted) for name, accepted in learnt.items() if accepted is not None}
    observed = {"functions": words} if words else {}
    parts = []
    if refused:
        parts.append(f"refused: {', '.join(refused)}{_saying(results[refused[0]].text)}")
    if unknown:
        parts.append(f"not learnt: {', '.join(unknown)}: {results[unknown[0]]}")
    if refused:
        return finding("functions", Verdict.DIFFERS, "; ".join(parts), observed)
    if unknown or not results:
        return finding("functions", Verdict.NOT_LEARNT, "; ".join(parts), observed)
    return finding("functions", Verdict.AS_ASSUMED, f"accepted: {', '.join(results)}", observed)


def judge_name_case(accepted: bool, text: str) -> Finding:
    """Judge whether a second name that differs only in case was accepted."""
    seen = (
        "the second name was accepted"
        if accepted
        else f"the second name was refused{_saying(text)}"
    )
    case = "significant" if accepted else "ignored"
    return _compare("name-case", seen, holds=accepted, name_case=case)


def judge_lock_status(status: int, text: str, *, is_lock: bool, age: float) -> Finding:
    """Judge the answer to a change right after a creation, `age` seconds at most.

    `is_lock`: it has the known text.
    """
    if status < 300:  # noqa: PLR2004 - success
        if age > SOON:
            return not_learnt("lock-status", LATE)
        return _compare("lock-status", "the change was accepted at once", holds=False)
    seen = f"{status}{_saying(text)}"
    return _compare("lock-status", seen, holds=status == 400 and is_lock)  # noqa: PLR2004


def judge_lock_name_only(is_locked: bool, age: float) -> Finding:
    """Judge a change of the name right after a creation, `age` seconds at most."""
    if not is_locked and age > SOON:
        return not_learnt("lock-name-only", LATE)
    seen = "refused as too soon" if is_locked else "accepted at once"
    return _compare("lock-name-only", seen, holds=is_locked)


def judge_lock_length(last_locked: float | None, first_free: float | None) -> Finding:
    """Judge how old a segment was at the last refusal and at the first acceptance, in seconds.

    `None`: there was none. Only bounds that are close together confirm the length.
    """
    if last_locked is None and first_free is None:
        return not_learnt("lock-length", "no change got a clear answer")
    if first_free is None:
        seen = f"still locked after {last_locked:.0f} s"
        is_longer = last_locked is not None and last_locked > LOCK + LOCK_TOLERANCE
        return finding("lock-length", Verdict.DIFFERS if is_longer else Verdict.NOT_LEARNT, seen)
    seen = f"between {last_locked or 0:.0f} s and {first_free:.0f} s"
    if first_free < LOCK - LOCK_TOLERANCE or (last_locked or 0) > LOCK + LOCK_TOLERANCE:
        # The longest that fits: an apply that waits too long only waits.
        seen = "no lock was seen" if last_locked is None else seen
        return _compare("lock-length", seen, holds=False, update_lock=max(1, math.ceil(first_free)))
    if last_locked is None or first_free - last_locked > LOCK_PRECISION:
        return not_learnt("lock-length", seen)
    return _compare("lock-length", seen, holds=True, update_lock=int(LOCK))


def judge_parent_list(status: int, text: str, *, has_changed: bool | None) -> Finding:
    """Judge an update with a parent list; `has_changed`: whether the parent list did."""
    if status >= 400:  # noqa: PLR2004 - refused
        return _compare("patch-parent-list", f"refused: {status}{_saying(text)}", holds=True)
    effect = {True: "and changed", False: "and ignored", None: "; the account has no list to set"}
    return _compare("patch-parent-list", f"accepted {effect[has_changed]}", holds=False)


def judge_list_after_create(missing: int, seconds: float, *, is_listed: bool) -> Finding:
    """Judge how many lists lacked a new segment, and after how many seconds one had it."""
    if not is_listed:
        return _compare("list-after-create", f"not in the list after {seconds:.0f} s", holds=False)
    seen = f"in the list{_after(seconds)}" if missing else "in the first list"
    return _compare("list-after-create", seen, holds=not missing)


def judge_list_after_delete(
    is_readable: bool | None, last_listed: float | None, first_missing: float | None
) -> Finding:
    """Judge whether a deleted segment could still be read, and how long it was in the list.

    The seconds are bounds: at most `last_listed` since the delete was sent, and at least
    `first_missing` since it was answered.
    """
    parts = []
    if is_readable is not None:
        parts.append("readable after the delete" if is_readable else "404 at once")
    if last_listed is not None and last_listed > 0:
        parts.append(f"in the list for {last_listed:.0f} s")
    if first_missing is not None:
        parts.append(f"gone from the list after {first_missing:.0f} s")
    seen = "; ".join(parts)
    if is_readable or (last_listed is not None and last_listed > GONE_WITHIN):
        return _compare("list-after-delete", seen, holds=False)
    if is_readable is None or first_missing is None or first_missing > GONE_WITHIN:
        return not_learnt("list-after-delete", seen or "no clear answer")
    return _compare("list-after-delete", seen, holds=True)


def judge_ids(id_: str, wanted: set[str], other: str, got: set[str] | None, status: int) -> Finding:
    """Judge a filtered list: the wanted ids, the id that it must leave out, and what it had."""
    if got is None:
        return _compare(id_, f"refused: {status}", holds=False)
    if got == wanted:
        return _compare(id_, "both segments and no other", holds=True)
    if other in got:
        return _compare(id_, "segments that were not asked for: it is ignored", holds=False)
    return _compare(id_, f"{len(got & wanted)} of the two segments", holds=False)


def judge_eu_host(status: int, control: int) -> Finding:
    """Judge the status of a request without a key to the European host.

    `control` is the status of a path that no server has: where that is the same, nothing is known.
    """
    if status == control and status != 404:  # noqa: PLR2004
        return not_learnt("eu-host", f"{status} without a key, to any path")
    return _compare("eu-host", f"{status} without a key", holds=status not in (404, 405))


def judge_automations(status: int, data: Any) -> Finding:
    """Judge the list of automations by its keys; values are never shown."""
    if status >= 300:  # noqa: PLR2004 - refused
        return _compare("automations", f"refused: {status}", holds=False)
    if not isinstance(data, dict):
        return _compare("automations", "the answer is not an object", holds=False)
    items = next(
        (data[key] for key in ("result", "results") if isinstance(data.get(key), list)), None
    )
    seen = f"an object with {_keys(data)}"
    if items is None:
        return _compare("automations", f"{seen}, without a list", holds=False)
    if not items:
        return _compare("automations", f"{seen}; there are no automations", holds=True)
    first = items[0] if isinstance(items[0], dict) else {}
    return _compare(
        "automations", f"{seen}; an item has {_keys(first)}", holds={"id", "status"} <= first.keys()
    )


def _keys(data: Mapping[str, Any]) -> str:
    plain = sorted(key for key in data if _PLAIN_KEY.fullmatch(str(key)))[:_MAX_KEYS]
    return ", ".join(f"`{key}`" for key in plain) or "no keys"


def judge_rate_limit(limits: list[tuple[int | None, bool] | None]) -> Finding:
    """Judge the headers of every answer: its limit and whether Reset is an epoch, or `None`."""
    if not limits:
        return not_learnt("rate-limit-headers", "no answer came")
    seen = [limit for limit in limits if limit is not None]
    if not seen:
        return _compare("rate-limit-headers", "no answer had them", holds=False)
    numbers = sorted({str(number or "none") for number, _ in seen})
    is_epoch = any(epoch for _, epoch in seen)
    meaning = "an epoch" if is_epoch else "seconds left"
    lacking = len(limits) - len(seen)
    text = f"limit {', '.join(numbers)}; Reset is {meaning}"
    text += f"; missing on {lacking} of {len(limits)} answers" if lacking else ""
    holds = not lacking and not is_epoch and numbers == [str(RATE_LIMIT)]
    return _compare("rate-limit-headers", text, holds=holds)


def judge_byte_exact(sent: str, returned: str) -> Finding:
    """Judge a query as it was sent and as it came back."""
    if sent == returned:
        return _compare("byte-exact", "returned as it was sent", holds=True)
    if sent.split() == returned.split():
        return _compare("byte-exact", "returned with other white space", holds=False)
    return _compare("byte-exact", "returned with other characters", holds=False)
