"""Lint rules for queries: mistakes that SendGrid would refuse, or that nobody would notice.

One small function per rule; its docstring is the rule's help. Works on offsets in a query and
knows no files: `segctl.declarations.linter` adds severities, files and suppression comments. What
SendGrid does not document is unknown, not wrong (sendgrid-api.md §6), so a rule that is not sure
reports nothing.
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
