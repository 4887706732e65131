"""Comparison operators in relation to each other."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segctl.query.ast import ComparisonOperator

FLIPPED: Mapping[str, str] = MappingProxyType({"<": ">", "<=": ">=", ">": "<", ">=": "<="})
"""The operator to use when the operands change places; others stay."""

INVERSE: Mapping[str, ComparisonOperator] = MappingProxyType(
    {
        "=": "!=",
        "!=": "=",
        "<": ">=",
        "<=": ">",
        ">": "<=",
        ">=": "<",
        "IS DISTINCT FROM": "IS NOT DISTINCT FROM",
        "IS NOT DISTINCT FROM": "IS DISTINCT FROM",
    }
)
"""The operator of NOT; where one is unknown, so is the other."""
