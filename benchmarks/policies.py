"""Policies about people without a base: proofs from queries alone, against reading the files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.language import KNOWN, validate_files
from benchmarks.measure import Figure, compare
from benchmarks.world import files, queries
from segctl.model import Segment
from segctl.policies.claims import everyone, nobody
from segctl.policies.prover import Prover

if TYPE_CHECKING:
    from collections.abc import Iterator

SEGMENTS = 200

BOUND = 2.0
"""Of the time of `validate` in the same process."""

_EVERYONE = (
    "country = 'CZ'",
    "country IN ('CZ', 'SK')",
    "orders_count > 0",
    "preferred_language IS NOT NULL",
    "preferred_language IN ('cs', 'sk') OR country = 'CZ'",
    "last_order < now() - 1 day",
    "array_contains(list_ids, ['0b1f4a10-5c1d-4a6e-9f02-000000000001'])",
    "city IS NULL OR city LIKE 'B%' OR city LIKE 'P%'",
    "contact_id IN (SELECT contact_id FROM event_data WHERE timestamp > now() - 180 days)",
    "EXISTS (SELECT 1 FROM event_data e WHERE e.contact_id = contact_data.contact_id)",
)
_NOBODY = (
    "country = 'XX'",
    "country IS NULL",
    "total_spend < 0",
    "preferred_language = 'de'",
    "last_order > now()",
    "array_contains(list_ids, ['0b1f4a10-5c1d-4a6e-9f02-999999999999'])",
    "email LIKE '%@example.com'",
    "NOT (city = 'Brno' OR city = 'Praha')",
    "contact_id NOT IN (SELECT contact_id FROM event_data WHERE event_source = 'mail')",
    "COALESCE(orders_count, 0) = 0 AND total_spend IS NULL",
)


def figures(runs: int) -> Iterator[Figure]:
    """Yield the time in which twenty policies are judged for two hundred segments."""
    segments = [Segment(f"s{number}", query) for number, query in enumerate(queries(SEGMENTS))]
    segment_files = files(SEGMENTS)

    def prove() -> None:
        prover = Prover(KNOWN.custom_fields)
        proven = 0
        for segment in segments:
            proven += sum(prover.proves(everyone(segment, text)) for text in _EVERYONE)
            proven += sum(prover.proves(nobody(segment, text)) for text in _NOBODY)
        assert proven >= SEGMENTS

    yield compare(
        f"prove {len(_EVERYONE) + len(_NOBODY)} policies of {SEGMENTS} segments / validate",
        prove,
        lambda: validate_files(segment_files),
        bound=BOUND,
        runs=runs,
    )
