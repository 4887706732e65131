"""Masked addresses for samples, and masked values for messages; no mask can be undone.

One letter of the part before the @ stays, and none where that part is short. A rare domain
identifies a person, so a domain is shown only if at least `MIN_SHARED` contacts of the data set
share it; of any other domain only the last label is shown. Of a value that is not of its type, only
the shape is shown: that of a time with two-digit years says what is wrong with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.audience.typed_sql import text_sql

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segctl.contacts.dataset import Dataset

MIN_SHARED = 10
"""Contacts that must share a domain for it to be shown."""

_MIN_LENGTH = 3
"""Characters before the @ from which the first one is shown."""


_SHAPE_LENGTH = 30
_SHAPE_MARKS = frozenset(" .,:;-+/\\()[]{}<>'\"|_=#%@&*!?")


def mask_value(text: str) -> str:
    """Return the shape of a value: `9` for each digit, `x` for each letter, `?` for the unusual."""
    shape = "".join(map(_mask_char, text[:_SHAPE_LENGTH]))
    return f"{shape}…" if len(text) > _SHAPE_LENGTH else shape


def _mask_char(char: str) -> str:
    if char.isdigit():
        return "9"
    if char.isalpha():
        return "X" if char.isupper() else "x"
    return char if char in _SHAPE_MARKS else "?"


def mask_samples(dataset: Dataset, samples: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    """Return samples of addresses, masked. Raises `EvaluationFailed`."""
    domains = {_domain(address) for sample in samples for address in sample}
    common = _common_domains(dataset, domains) if domains else frozenset()
    return tuple(tuple(_mask(address, common) for address in sample) for sample in samples)


def _domain(address: str) -> str:
    return address.rpartition("@")[2].strip().lower()


def _common_domains(dataset: Dataset, domains: set[str]) -> frozenset[str]:
    address = dataset.contacts.columns["email"].value
    names = ", ".join(map(text_sql, sorted(domains)))
    rows = dataset.database.rows(
        f"SELECT lower(trim(split_part({address}, '@', -1))) AS domain"  # noqa: S608 - quoted texts
        f" FROM {dataset.contacts.source} GROUP BY domain"
        f" HAVING domain IN ({names}) AND count(*) >= {MIN_SHARED}"
    )
    return frozenset(row[0] for row in rows)


def _mask(address: str, common: frozenset[str]) -> str:
    local, at, _ = address.partition("@")
    domain = _domain(address)
    if not at or not domain:
        return "…"
    letter = local[:1] if len(local) >= _MIN_LENGTH and local[0].isalnum() else ""
    # Without a dot, the last label is the whole domain.
    suffix = f"….{domain.rpartition('.')[2]}" if "." in domain else "…"
    return f"{letter}…@{domain if domain in common else suffix}"
