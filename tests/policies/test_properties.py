"""On generated queries, conditions and contacts: no proof has a counterexample, and counts agree.

`SEGCTL_POLICY_PAIRS` sets how many pairs are generated.
"""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from segctl.audience.results import Uncountable
from segctl.common.folder import Folder
from segctl.contacts.counter import count_audiences
from segctl.contacts.dataset import open_dataset
from segctl.model import Segment
from segctl.policies.claims import Claim, Refuted, Relation, everyone, nobody, verdict_of
from segctl.policies.prover import Prover
from segctl.query.conditions import query_of_condition
from segctl.query.parser.parse import parse
from tests.audience import reference, worlds
from tests.audience.reference_functions import FALLIBLE, Uncertain
from tests.contacts.support import pulled
from tests.contacts.test_two_evaluators import FIELDS

from . import pairs

if TYPE_CHECKING:
    from pathlib import Path

PAIRS = int(os.environ.get("SEGCTL_POLICY_PAIRS", "300"))
BATCH = 15
IMPLIED = 300
LEAST_PROVEN = 0.95
WORLDS = [worlds.world(number, 20) for number in range(2)]
"""Contacts with values that conditions often just meet or just miss."""

every_run_alike = settings(
    deadline=None,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
    database=None,
)


def members(segment: Segment, world: reference.World) -> set[str] | None:
    """Return who is in a segment; `None` where that is uncertain for some contact."""
    query = parse(segment.query).query
    assert query is not None
    try:
        return {
            contact["contact_id"]
            for contact in world.contacts
            if reference.is_member(query, contact, world, segment.parent_list_ids)
        }
    except Uncertain:
        return None


def breaking(claim: Claim, world: reference.World) -> int | None:
    """Return how many contacts break a claim, by the reference."""
    segment, other = members(claim.segment, world), members(claim.other, world)
    if segment is None or other is None:
        return None
    return len(segment - other if claim.relation is Relation.SUBSET else segment & other)


def claims_of(query: str, condition: str, parents: tuple[str, ...]) -> tuple[Claim, Claim]:
    segment = Segment("s", query, parents)
    return everyone(segment, condition), nobody(segment, condition)


def test_no_proof_has_a_counterexample_and_every_refutation_counts_right(tmp_path: Path) -> None:
    verdicts: Counter[str] = Counter()

    @seed(1)
    @settings(every_run_alike, max_examples=-(-PAIRS // BATCH))
    @given(
        st.lists(
            st.tuples(
                pairs.any_two | pairs.related,
                st.sampled_from([(), (), ("l-1",), ("l-1", "l-9")]),
                st.booleans(),
            ),
            min_size=BATCH, max_size=BATCH,
        ),
        st.integers(0, 2**32),
    )  # fmt: skip
    def agree(batch: list[tuple[tuple[str, str], tuple[str, ...], bool]], number: int) -> None:
        world = worlds.world(number, 30)
        provers = {True: Prover(FIELDS), False: Prover()}
        asked = [
            (claim, provers[knows_types].proves(claim))
            for pair, parents, knows_types in batch
            for claim in claims_of(*pair, parents)
        ]
        base = pulled(tmp_path / "p.duckdb", world.contacts, world.events, FIELDS)
        with open_dataset(
            base, None, is_pulled=True, fields=FIELDS, temp_root=Folder(tmp_path)
        ) as dataset:
            counted = count_audiences(dataset, [claim.pair for claim, _ in asked], world.now)
        for (claim, is_proven), result in zip(asked, counted.results, strict=True):
            expected = breaking(claim, world)
            verdict = verdict_of(claim, proven=is_proven, result=result)
            verdicts[type(verdict).__name__] += 1
            if is_proven:
                assert not any(breaking(claim, each) for each in (world, *WORLDS)), claim
            elif isinstance(result, Uncountable):
                assert FALLIBLE.search(claim.segment.query + claim.other.query), (claim, result)
            else:
                number_of = verdict.breaking if isinstance(verdict, Refuted) else 0
                assert number_of == expected, claim

    agree()
    print(dict(verdicts))  # noqa: T201 - for the log
    assert min(verdicts[name] for name in ("Proven", "Held", "Refuted")) >= PAIRS / 20


def test_common_shapes_are_proven() -> None:
    proven: Counter[str] = Counter()
    asked: Counter[str] = Counter()

    @seed(2)
    @settings(every_run_alike, max_examples=IMPLIED)
    @given(pairs.implied(), st.booleans())
    def prove(pair: tuple[str, str, str], knows_types: bool) -> None:
        shape, query, condition = pair
        claim = everyone(Segment("s", query), condition)
        assert not any(breaking(claim, world) for world in WORLDS), claim
        asked[shape] += 1
        proven[shape] += Prover(FIELDS if knows_types else {}).proves(claim)

    prove()
    total, number = sum(asked.values()), sum(proven.values())
    missing = {shape: asked[shape] - proven[shape] for shape in asked}
    print(f"{number} of {total} are proven ({number / total:.1%}); not: {missing}")  # noqa: T201 - for the log
    assert total == IMPLIED
    assert number >= LEAST_PROVEN * total


@pytest.mark.parametrize("relation", Relation)
def test_segments_are_compared_like_conditions(relation: Relation) -> None:
    """Of two segments, also with joins and parent lists."""
    proven = 0

    @seed(3)
    @settings(every_run_alike, max_examples=150)
    @given(worlds.queries, worlds.queries, st.sampled_from([(), ("l-1",)]), st.booleans())
    def hold(first: str, second: str, parents: tuple[str, ...], is_same: bool) -> None:
        nonlocal proven
        other = first if is_same else second
        claim = Claim(relation, Segment("a", first, ("l-1",)), Segment("b", other, parents))
        if Prover(FIELDS).proves(claim):
            proven += 1
            assert not any(breaking(claim, world) for world in WORLDS), claim

    hold()
    assert proven >= 5


def test_a_condition_is_a_query() -> None:
    query = parse(query_of_condition("plan = 'pro' -- only\n OR plan = 'trial'")).query
    assert query is not None
    assert query.where is not None
