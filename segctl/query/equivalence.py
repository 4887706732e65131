"""Equality of queries: which differences cannot matter.

Queries compare by their normal form, which ignores case outside quotes, white space, comments, a
final `;`, AS, INNER, `<>` for `!=`, redundant parentheses, the order of IN lists and of the
operands of AND and OR, the names of aliases, and the case of the ids of lists. Every other rewrite
is rejected, even if it is true: `NOT a = b` is not `a != b` here, nor `1.0` `1`, nor NOW()
CURRENT_TIMESTAMP, nor the join `ON contact_id` its equality (SendGrid may accept one and not the
other), and duplicates stay. A false "changed" costs a look; a false "unchanged" costs an audience.

The normal form of a query is itself a query with the same meaning, so two queries with the same
normal form mean the same. It keeps other strings and quoted names as written, and the keys of
semi-structured paths (`DATA:payload.Key`), where case matters in JSON.

Aliases. The tables of the outermost query become `t0_1`, `t0_2`, … in the order of FROM and JOIN,
those one query deeper `t1_1`, …: by depth and position, so that sorting operands cannot change
them. A table without an alias is its own alias. Aliases are only renamed where that is provably
harmless. Nothing is renamed in a query where a qualifier is quoted or names no visible table, an
alias is quoted or used twice, a bare column has the name of an alias, or there is an unsupported
clause, whose inside is not parsed. The alias of a selected value is only renamed in the outermost
query, if the value is not a plain column and nothing refers to the alias.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segctl.query.ast import Query


class Equivalence(StrEnum):
    """The result of comparing two queries."""

    IDENTICAL = "identical"  # except for surrounding white space
    COSMETIC = "cosmetic"  # the same normal form, so the same audience
    DIFFERENT = "different"  # or a different text that segctl cannot read


def compare_queries(before: str, after: str, *, references: bool = False) -> Equivalence:
    """Compare the texts of two queries.

    Texts that are the same when trimmed are IDENTICAL without the parser being imported. A text
    that segctl cannot read equals only itself. `references` are as in `parse`.
    """
    if before.strip() == after.strip():
        return Equivalence.IDENTICAL
    from segctl.query.parser.parse import parse  # noqa: PLC0415 - most pairs never need it

    old = parse(before, references=references).query
    new = parse(after, references=references).query if old else None
    if old and new and normal_form(old) == normal_form(new):
        return Equivalence.COSMETIC
    return Equivalence.DIFFERENT


def normal_form(query: Query) -> str:
    """Return the normal form of a query: a text that parses to a query with the same one."""
    from segctl.query.to_sql import SqlWriter  # noqa: PLC0415 - see `compare_queries`

    return SqlWriter.for_query(query).query(query)
