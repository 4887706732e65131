"""The trials of queries: a segment for each, watched together until SendGrid has checked them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.errors import RemoteError
from segctl.model import Validation
from segctl.probing import judgement
from segctl.probing.account import Created
from segctl.probing.judgement import Outcome, QueryResult
from segctl.probing.queries import FUNCTIONS, QUERIES

if TYPE_CHECKING:
    from segctl.model import Remote
    from segctl.probing.account import ProbeAccount, Reply
    from segctl.probing.trials import Trials

PAUSE = 5.0
TIMEOUT = 120.0
_CONTROL = "control"
_ASSUMED = {
    "group-by": False,
    "bare-join": True,
    "interval": True,
    "double-quoted-text": False,
}
"""Whether segctl assumes that a query is accepted."""


def try_queries(trials: Trials, control: Created | None) -> dict[str, Created]:
    """Create a segment for each query, and watch them; return the segments.

    `control` has a plain query: if that is not accepted, a refusal says nothing about the others.
    """
    account = trials.account
    results: dict[str, QueryResult] = {}
    segments: dict[str, Created] = {}
    if control is None:
        results[_CONTROL] = QueryResult(Outcome.UNKNOWN, "a plain query could not be created")
    else:
        segments[_CONTROL] = control
        results[_CONTROL] = _first_result(account, control.reply)
    for label, query in {**QUERIES, **FUNCTIONS}.items():
        name = f"{account.prefix}{label.lower().replace('_', '-')}"
        created = account.create(name, query)
        if isinstance(created, Created):
            segments[label] = created
            results[label] = _first_result(account, created.reply)
        elif created.status in (400, 422):
            results[label] = QueryResult(Outcome.REFUSED, created.text)
        else:
            results[label] = QueryResult(Outcome.UNKNOWN, created.reason)
    _watch(account, segments, results)
    trials.store(judgement.judge_invalid(results["invalid-query"]))
    results = {
        label: judgement.controlled(result, results[_CONTROL]) for label, result in results.items()
    }
    for id_, assumed in _ASSUMED.items():
        trials.store(judgement.judge_query(id_, results[id_], assumed=assumed))
    trials.store(judgement.judge_functions({name: results[name] for name in FUNCTIONS}))
    segments.pop(_CONTROL, None)
    return segments


def _first_result(account: ProbeAccount, reply: Reply) -> QueryResult:
    """Return what the answer to a creation says of its query."""
    status = reply.data.get("status") if isinstance(reply.data, dict) else None
    status = status if isinstance(status, dict) else {}
    text = status.get("error_message")
    text = account.sanitize(text) if isinstance(text, str) else ""
    match status.get("query_validation"):
        case "VALID":
            return QueryResult(Outcome.VALID)
        case "INVALID":
            return QueryResult(Outcome.INVALID, text)
    return QueryResult(Outcome.PENDING)


def _watch(
    account: ProbeAccount, segments: dict[str, Created], results: dict[str, QueryResult]
) -> None:
    """List the segments until the last query is checked."""
    began = account.now
    while True:
        pending = [label for label in segments if results[label].outcome is Outcome.PENDING]
        if not pending or account.now - began > TIMEOUT:
            return
        account.sleep(PAUSE)
        sent = account.now
        try:
            listed = account.segments()
        except RemoteError as error:
            for label in pending:
                results[label] = QueryResult(Outcome.UNKNOWN, error.message)
            return
        for label in pending:
            born = segments[label].reply
            remote = listed.get(segments[label].id)
            earliest, latest = sent - born.answered, account.now - born.sent
            results[label] = _next_result(results[label], remote, earliest, latest)


def _next_result(
    before: QueryResult, remote: Remote | None, earliest: float, latest: float
) -> QueryResult:
    """Return what a list says of a query, between these seconds after its creation."""
    if remote is None or remote.validation is Validation.PENDING:
        return QueryResult(Outcome.PENDING, "", latest, max(before.pending_until, earliest))
    outcome = {Validation.VALID: Outcome.VALID, Validation.INVALID: Outcome.INVALID}.get(
        remote.validation
    )
    if outcome is None:
        return QueryResult(Outcome.UNKNOWN, "the list does not say whether it is valid")
    return QueryResult(outcome, remote.validation_error, latest, before.pending_until)
