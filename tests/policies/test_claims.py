"""Verdicts on claims, from a proof or from counts."""

from __future__ import annotations

import pytest

from segctl.audience.results import Counts, Uncountable
from segctl.model import Segment
from segctl.policies.claims import (
    Claim,
    Held,
    Proven,
    Refuted,
    Unknown,
    disjoint,
    everyone,
    nobody,
    subset_of,
    verdict_of,
)
from segctl.query.parser.errors import Problem

SEGMENT = Segment("s", "SELECT contact_id, updated_at FROM contact_data")
COUNTS = Counts(before=10, after=8, gained=2, lost=4)
PROBLEM = Problem("no-column", "the contacts have no column `plan`", "", 0, 4)


@pytest.mark.parametrize(
    ("claim", "number"),
    [
        (everyone(SEGMENT, "country = 'US'"), 4),
        (subset_of(SEGMENT, SEGMENT), 4),
        (nobody(SEGMENT, "country = 'US'"), 6),
        (disjoint(SEGMENT, SEGMENT), 6),
    ],
)
def test_contacts_that_break_a_claim(claim: Claim, number: int) -> None:
    assert verdict_of(claim, proven=False, result=COUNTS) == Refuted(number, 10)


def test_other_verdicts() -> None:
    claim = everyone(SEGMENT, "country = 'US'")
    assert verdict_of(claim, proven=True, result=COUNTS) == Proven()
    assert verdict_of(claim, proven=True, result=None) == Proven()
    assert verdict_of(claim, proven=False, result=None) == Unknown()
    assert verdict_of(claim, proven=False, result=Counts(10, 12, 2, 0)) == Held(10)
    for in_before in (True, False):
        verdict = verdict_of(claim, proven=False, result=Uncountable((PROBLEM,), in_before))
        assert verdict == Unknown((PROBLEM,), in_other=not in_before)
