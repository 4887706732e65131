"""All rules for queries in a fixed order, and `lint`, which runs them.

Owns the order only. The documentation has the same order: what stops a query altogether, then
its clauses, names, types, logic and habits.
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
from segctl.query.lint.walk import rules_by_class, walk_rules
from segctl.query.parser.errors import UNCERTAIN, UNKNOWN_SYNTAX
from segctl.query.parser.tokens import TokenKind, upper

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from segctl.query.lint.account_schema import AccountSchema
    from segctl.query.lint.rule import Finding, Rule
    from segctl.query.parser.errors import Problem
    from segctl.query.parser.parse import ParsedQuery

RULES: Mapping[str, Rule] = MappingProxyType(
    {
        rule.code: rule
        for rule in (
            structure.not_select,
            structure.syntax_error,
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
            literals.placeholder,
            literals.value_too_long,
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
_MAY_BE_SELECT = ("WITH", "VALUES")
"""First words of queries that are not a SELECT and still might select: not documented."""


def lint(parsed: ParsedQuery, account_schema: AccountSchema) -> tuple[Finding, ...]:
    """Check one query; return the findings in the order of their places. Never raises.

    A query that cannot be parsed is checked for its problems, for personal data and for
    placeholders: an address stays personal in spite of a typo elsewhere.
    """
    if parsed.query is None:
        findings = [*_parse_findings(parsed)]
    else:
        findings = [*walk_rules(_BY_CLASS, parsed.query, parsed.text, account_schema)]
    findings += _personal_data_in_tokens(parsed, findings)
    findings += _placeholders_in_tokens(parsed)
    return tuple(sorted(findings, key=lambda finding: (finding.start, -finding.end)))


def _personal_data_in_tokens(parsed: ParsedQuery, findings: list[Finding]) -> Iterator[Finding]:
    """Yield personal data that is in no node of the tree, as in the later queries of a UNION."""
    rule = literals.personal_data
    reported = {finding.start for finding in findings if finding.code == rule.code}
    for violation in literals.personal_tokens(parsed.tokens):
        if violation.start not in reported:
            yield rule.finding(violation)


def _placeholders_in_tokens(parsed: ParsedQuery) -> Iterator[Finding]:
    for token in parsed.tokens:
        if token.kind in (TokenKind.STRING, TokenKind.QUOTED):
            for violation in literals.placeholder.check(token, None):
                yield literals.placeholder.finding(violation)


def _parse_findings(parsed: ParsedQuery) -> Iterator[Finding]:
    """Yield the problems of a query that cannot be parsed.

    After syntax that segctl does not know, what seems to be an error may belong to that syntax.
    """
    is_certain = True
    for problem in parsed.problems:
        is_certain = is_certain and problem.code not in UNKNOWN_SYNTAX
        rule = _parse_rule(parsed, problem, is_certain=is_certain)
        for violation in rule.check(problem, None):
            yield rule.finding(violation)


def _parse_rule(parsed: ParsedQuery, problem: Problem, *, is_certain: bool) -> Rule:
    if problem.code in ("empty-query", "not-select"):
        first_word = upper(parsed.text[problem.start : problem.end])
        is_uncertain = problem.code == "not-select" and first_word in _MAY_BE_SELECT
        return structure.unreadable_query if is_uncertain else structure.not_select
    if is_certain and problem.code not in UNCERTAIN:
        return structure.syntax_error
    return structure.unreadable_query
