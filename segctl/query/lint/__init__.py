"""Finding mistakes in a query before SendGrid does, or nobody does.

Owns the rules about one query: one small function each, whose docstring is its help. Knows
offsets, never files; `segctl.declarations.linter` has severities, files and ignore comments. What
is not documented is unknown, not wrong (sendgrid-api.md §6), so a rule that is not sure stays
silent.
"""

from __future__ import annotations

from segctl.query.lint.account_schema import AccountSchema, query_needs
from segctl.query.lint.registry import RULES, lint
from segctl.query.lint.rule import Finding, Needs, Rule

__all__ = [
    "RULES",
    "AccountSchema",
    "Finding",
    "Needs",
    "Rule",
    "lint",
    "query_needs",
]
