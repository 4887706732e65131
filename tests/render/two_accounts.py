"""Two accounts that differ in every way that `segctl diff` shows."""

from __future__ import annotations

from dataclasses import replace

from segctl.errors import Span
from segctl.model import Declared, Remote, Segment, TargetRef, Validation
from segctl.model.differences import TargetDifferences
from segctl.model.values import ReferenceKind
from segctl.planning.differences import AccountComparison, AccountState, Holding
from tests.support.builders import query

STAGING = TargetRef("staging", "api.sendgrid.com", "trial")
PRODUCTION = TargetRef("production", "api.sendgrid.com")
LISTS = {
    "staging": {"a1": "Newsletter", "a2": "Customers"},
    "production": {"b1": "Newsletter", "b2": "Customers"},
}


def _held(name: str, text: str, *parents: str, now: str = "", instance: str = "") -> Holding:
    """Return a declared segment; the account holds the query `now` if it is another one."""
    stem = name.split(maxsplit=1)[0].lower()
    span = Span(f"segments/{stem}.yaml", 1, 7, instance=instance)
    declared = Declared(Segment(name, text, parents), span, span)
    remote = Remote(f"id of {name}", name, parents, now or text, validation=Validation.VALID)
    return Holding(declared, remote)


def _missing(holding: Holding) -> Holding:
    return replace(holding, remote=None)


def _states() -> tuple[AccountState, AccountState]:
    buyers = query("spend > 50 AND city = 'Brno'")
    both = [
        (
            _held("Buyers", buyers),
            _held("Buyers", buyers, now=query("spend > 5 AND NOT city = 'Brno'")),
        ),
        (_held("Edited", query("spend > 1"), now=query("spend > 2")),) * 2,
        (
            _held("Matrix acme trial", query("spend > 1"), instance="acme"),
            _held("Matrix acme", query("spend > 100"), instance="acme"),
        ),
        (_held("New", query("spend > 1")), _missing(_held("New", query("spend > 1")))),
        (
            _held("Rejected", query("tier = 'gold'")),
            _rejected(_held("Rejected", query("tier = 'gold'"))),
        ),
        (
            _held("Readers", query("array_contains(list_ids, ['a1'])"), "a1"),
            _held("Readers", query("array_contains(list_ids, ['b1'])"), "b1"),
        ),
        (
            _held("Targeted", query("array_contains(list_ids, ['a1'])"), "a1"),
            _held(
                "Targeted",
                query("array_contains(list_ids, ['b1'])"),
                "b2",
                now=query("array_contains(list_ids, ['b2'])"),
            ),
        ),
    ]
    first, second = ({_source(pair[side]): pair[side] for pair in both} for side in (0, 1))
    alone = _held("Alone", query("spend > 1"))
    by_hand = Remote("id of By hand", "By hand", validation=Validation.VALID)
    gone = Remote("id of Gone", "Gone", validation=Validation.VALID)
    return (
        AccountState(first, {}, names={ReferenceKind.LIST: LISTS["staging"]}),
        AccountState(
            {**second, _source(alone): alone},
            {"By hand": by_hand, "Gone": gone},
            frozenset(("Gone",)),
            {ReferenceKind.LIST: LISTS["production"]},
        ),
    )


def _rejected(holding: Holding) -> Holding:
    assert holding.remote is not None
    complaint = "unknown column tier"
    remote = replace(holding.remote, validation=Validation.INVALID, validation_error=complaint)
    return replace(holding, remote=remote)


def _source(holding: Holding) -> str:
    assert holding.declared is not None
    return holding.declared.source


def compared(*, everything: bool = False, swapped: bool = False) -> TargetDifferences:
    """Return what differs from staging to production, or from production to staging."""
    states, targets = _states(), (STAGING, PRODUCTION)
    if swapped:
        states, targets = states[::-1], targets[::-1]
    comparison = AccountComparison(*states, everything=everything)
    return TargetDifferences(*targets, *comparison.differences(), comparison.left_out)
