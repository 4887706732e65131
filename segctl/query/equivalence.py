"""Equality of queries: which differences cannot matter.

Owns the list of harmless rewrites: case outside quotes, white space, comments, a final `;`,
AS, INNER, `<>` for `!=`, redundant parentheses, the order of IN lists and of the operands of
AND and OR, and alias names. Refuses every other one, true as it may be: `NOT a = b` is not
`a != b` here, nor `1.0` `1`, nor NOW() CURRENT_TIMESTAMP, and duplicates stay. Being told
"changed" costs a look; being told "unchanged" wrongly costs an audience.

The normal form of a query is itself a query with the same meaning; that is why two queries with
one normal form mean the same. Strings and quoted names stand in it as they were written, and so
do the keys of semi-structured paths (`DATA:payload.Key`), which JSON tells apart by case.

Alias names. The tables of the outermost query become `t0_1`, `t0_2`, … in the order of FROM
and JOIN, those one query deeper `t1_1`, …: by depth and place, so that sorting operands cannot
change them. A table without an alias is its own. This is done only where it is provably
harmless, that is, not at all in a query in which a qualifier names no table in sight or is
quoted, an alias is quoted or given twice, a bare column has the name of an alias, or an
unsupported clause stands that was not looked into. A selected value's alias is renamed only in
the outermost query, only where the value is not a plain column, and only if nothing refers to it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segctl.query.ast import Query


class Equivalence(StrEnum):
    """How two texts of a query compare."""

    IDENTICAL = "identical"  # but for white space around them
    COSMETIC = "cosmetic"  # one normal form: the same audience
    DIFFERENT = "different"  # or unreadable, and then not the same text


def compare_queries(one: str, other: str) -> Equivalence:
    """Compare two queries.

    Texts that are the same when trimmed are IDENTICAL without a parser being imported. A text
    that segctl cannot read equals only itself.
    """
    if one.strip() == other.strip():
        return Equivalence.IDENTICAL
    from segctl.query.parser.parse import parse  # noqa: PLC0415 - most pairs never need it

    before = parse(one).query
    after = parse(other).query if before else None
    if before and after and normal_form(before) == normal_form(after):
        return Equivalence.COSMETIC
    return Equivalence.DIFFERENT


def normal_form(query: Query) -> str:
    """Return the normal form of a query: a text that reads back to an equal normal form."""
    from segctl.query.to_sql import SqlWriter  # noqa: PLC0415 - see `equivalent`

    return SqlWriter.of(query).query(query)
