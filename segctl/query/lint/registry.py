"""All rules about one query in their fixed order, and `lint`, which asks them.

Owns the order and nothing else. The order is that of the documentation: what stops a query
altogether, its frame, its names, its types, its logic, its habits.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from segctl.query.lint import (
    bounds,
    events,
    functions,
    literals,
    logic,
    names,
    nulls,
    structure,
    tables,
    types,
)
from segctl.query.lint.rule import Finding
from segctl.query.lint.walk import rules_by_class, walk_rules
from segctl.query.parser.tokens import upper

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from segctl.query.lint.account_schema import AccountSchema
    from segctl.query.lint.rule import Rule
    from segctl.query.parser.errors import Problem
    from segctl.query.parser.parse import ParsedQuery

RULES: Mapping[str, Rule] = MappingProxyType(
    {
        rule.code: rule
        for rule in (
            structure.not_select,
            structure.unreadable_query,
            structure.second_statement,
            structure.select_star,
            structure.select_columns,
            structure.unsupported_clause,
            structure.undocumented_syntax,
            tables.unknown_table,
            tables.repeated_alias,
            tables.join_kind,
            tables.join_condition,
            names.unknown_alias,
            names.ambiguous_column,
            names.unknown_column,
            names.quoted_value,
            functions.unknown_function,
            functions.undocumented_function,
            functions.misplaced_aggregate,
            functions.function_arguments,
            functions.unknown_unit,
            types.type_mismatch,
            types.array_comparison,
            types.unreadable_timestamp,
            types.timestamp_zone,
            nulls.drops_nulls,
            nulls.null_comparison,
            logic.not_a_condition,
            logic.always_true,
            logic.always_false,
            bounds.contradictory_bounds,
            bounds.redundant_bound,
            bounds.future_time,
            logic.duplicate_condition,
            logic.duplicate_value,
            literals.personal_data,
            literals.leading_wildcard,
            literals.like_without_wildcard,
            literals.malformed_list_id,
            literals.unknown_list,
            events.unknown_event,
            events.unbounded_events,
        )
    }
)
"""Rules by code."""

_BY_CLASS = rules_by_class(RULES.values())
_READABLE_ELSEWHERE = ("WITH", "VALUES")
"""Beginnings of queries that are no SELECT and yet might select: not documented."""


def lint(parsed: ParsedQuery, account_schema: AccountSchema) -> tuple[Finding, ...]:
    """Check one query; give what was found in the order of places. Never raises.

    A query that could not be read gives its problems, and the personal data in it: a slip of the
    pen elsewhere makes them no less personal.
    """
    if parsed.query is None:
        found = [found for problem in parsed.problems for found in _unread(parsed, problem)]
    else:
        found = [*walk_rules(_BY_CLASS, parsed.query, parsed.text, account_schema)]
    found += _overlooked(parsed, found)
    return tuple(sorted(found, key=lambda one: (one.start, -one.end)))


def _overlooked(parsed: ParsedQuery, found: list[Finding]) -> Iterator[Finding]:
    """Find personal data where no node of a tree stands, as in the queries of a UNION."""
    rule = literals.personal_data
    known = {one.start for one in found if one.code == rule.code}
    for spot in literals.personal_words(parsed.tokens):
        if spot.start not in known:
            place = (spot.start, spot.end)
            yield Finding(rule.code, spot.message, spot.hint, *place, rule.severity, spot.private)


def _unread(parsed: ParsedQuery, problem: Problem) -> Iterator[Finding]:
    rule = structure.unreadable_query
    first = upper(parsed.text[problem.start : problem.end])
    if problem.code == "empty-query" or (
        problem.code == "not-select" and first not in _READABLE_ELSEWHERE
    ):
        rule = structure.not_select
    for spot in rule.check(problem, None):
        yield Finding(rule.code, spot.message, spot.hint, spot.start, spot.end, rule.severity)
