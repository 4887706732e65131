"""Addresses as they may be shown when somebody asks for a sample: not to be undone.

Of the part before the @, one letter is left, and none where it is short. The domain says who
somebody is where few have it, so it is shown only where at least `COMMON` contacts of the base
share it; of any other, nothing but the end is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.audience.typed_sql import text_sql

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segctl.contacts.dataset import Dataset

COMMON = 10
"""So many contacts must share a domain for it to be shown."""

_SHORT = 3


def masked(base: Dataset, samples: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    """Mask samples of addresses. Raises `EvaluationFailed`."""
    domains = {_domain(address) for some in samples for address in some}
    common = _common(base, domains) if domains else frozenset()
    return tuple(tuple(_masked(address, common) for address in some) for some in samples)


def _domain(address: str) -> str:
    return address.rpartition("@")[2].strip().lower()


def _common(base: Dataset, domains: set[str]) -> frozenset[str]:
    address = base.contacts.columns["email"].value
    listed = ", ".join(map(text_sql, sorted(domains)))
    rows = base.database.rows(
        f"SELECT lower(trim(split_part({address}, '@', -1))) AS domain"  # noqa: S608 - quoted texts
        f" FROM {base.contacts.source} GROUP BY domain"
        f" HAVING domain IN ({listed}) AND count(*) >= {COMMON}"
    )
    return frozenset(row[0] for row in rows)


def _masked(address: str, common: frozenset[str]) -> str:
    before, at, _ = address.partition("@")
    domain = _domain(address)
    if not at or not domain:
        return "…"
    letter = before[:1] if len(before) >= _SHORT and before[0].isalnum() else ""
    # Without a dot, the end of a domain is all of it.
    end = f"….{domain.rpartition('.')[2]}" if "." in domain else "…"
    return f"{letter}…@{domain if domain in common else end}"
