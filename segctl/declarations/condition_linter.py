"""Conditions with names where they stand: bound for the target, checked by the lint rules.

A query that uses one is checked as a whole by `linter`. What has no value before it is used, such
as a parameter or a value of a segment file, stays a name here, about which no rule says anything.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, NamedTuple

from segctl.declarations.binder import bind_condition
from segctl.declarations.conditions_file import KEY
from segctl.declarations.private_texts import PrivateTexts
from segctl.declarations.suppressions import sql_suppressions, yaml_suppressions
from segctl.errors import Diagnostic, Span
from segctl.query.lint import lint
from segctl.query.parser.parse import ParsedQuery, is_reference, parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from segctl.declarations.bindings import Bindings
    from segctl.declarations.conditions_file import Conditions
    from segctl.declarations.lint_settings import RuleSettings
    from segctl.declarations.query_source import QuerySource
    from segctl.query.ast import Query
    from segctl.query.lint import AccountSchema


class BoundCondition(NamedTuple):
    """A condition as the query of all its contacts, with the place of its name.

    `query` is the tree of `parsed`. It may have names that stand for nothing yet.
    """

    name: str
    span: Span
    parsed: ParsedQuery
    query: Query
    source: QuerySource


def bind_conditions(conditions: Conditions, bindings: Bindings) -> Iterator[BoundCondition]:
    """Yield the sound conditions in the order of the file."""
    for name, condition in conditions.sound.items():
        # Names that stand for nothing here are reported where the condition is used.
        document = dataclasses.replace(conditions.document, diagnostics=[])
        path = (KEY, conditions.keys[name])
        bound, source = bind_condition(document, condition.text, path, bindings)
        parsed = parse(bound.text, references=True)
        if parsed.query is not None and not bound.is_broken:
            span = document.span(path, key=True)
            yield BoundCondition(name, span, parsed, parsed.query, source)


def lint_conditions(
    conditions: Conditions,
    bindings: Bindings,
    account_schema: AccountSchema,
    settings: RuleSettings,
) -> Iterator[Diagnostic]:
    """Yield what the rules find in conditions of which every name stands for something."""
    document = conditions.document
    in_yaml = yaml_suppressions(document)
    for name, _, parsed, _, source in bind_conditions(conditions, bindings):
        if any(map(is_reference, parsed.tokens)):
            continue
        private = PrivateTexts()
        findings = lint(parsed, account_schema)
        comments = sql_suppressions(parsed.text)
        for finding in findings:
            private.add(finding, parsed.text, source)
        for finding in findings:
            severity = settings.severity(finding.code, finding.severity)
            start, _ = source.range(finding.start, finding.end)
            is_suppressed = any(
                comment.names(finding.code) and comment.covers_offset(offset)
                for suppressions, offset in ((in_yaml, start), (comments, finding.start))
                for comment in suppressions
            )
            if severity is None or is_suppressed:
                continue
            span = source.span(finding.start, finding.end)
            yield Diagnostic(
                finding.code,
                severity,
                private.mask(f"the condition `{name}`: {finding.message}"),
                span,
                private.mask(finding.hint),
                private.line(document.text, start, span.line, in_query_file=False),
            )
