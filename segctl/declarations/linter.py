"""Every declaration through every rule: findings with files, lines, severities and ignores.

Owns what the rules of `query.lint` and `declarations.lint` do not know: what a finding weighs in
this project, where it stands in a file, whether a comment ignores it, and that nothing personal
is shown. Refuses to read files and to fetch anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from segctl.common.secrets import redact
from segctl.common.suggest import did_you_mean
from segctl.declarations.lint_rules import (
    DECLARATION_RULES,
    address_in_tests,
    duplicate_definition,
    missing_owner,
    name_pattern,
    unknown_code,
    unknown_parent,
    unused_ignore,
)
from segctl.declarations.query_source import QuerySource
from segctl.declarations.suppressions import sql_suppressions, yaml_suppressions
from segctl.documents.yaml_positions import TextMap
from segctl.errors import Diagnostic, Severity, Span
from segctl.query.equivalence import normal_form
from segctl.query.lint import RULES, AccountSchema, lint, query_needs
from segctl.query.lint.help import explanation, markdown
from segctl.query.lint.rule import Finding, Needs
from segctl.query.parser.parse import parse
from segctl.query.parser.tokens import TokenKind
from segctl.query.personal_data import mask_email_addresses

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from segctl.declarations.lint_rules import Remark
    from segctl.declarations.suppressions import Suppression
    from segctl.documents.document import Document
    from segctl.model import Declared
    from segctl.query.lint import Rule
    from segctl.query.parser.parse import ParsedQuery

ALL_RULES: Mapping[str, Rule] = MappingProxyType({**RULES, **DECLARATION_RULES})
"""Rules by code, in the order of the documentation."""

_LITERALS = (TokenKind.STRING, TokenKind.NUMBER, TokenKind.QUOTED)
_NOTHING: Mapping[str, Severity | None] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class RuleSettings:
    """What `lint:` in segctl.yaml says.

    `severities` goes from codes to severities, `None` for off; codes that are not in it keep
    their default. `name_pattern` is a regular expression for whole names, or `None`.
    """

    severities: Mapping[str, Severity | None] = field(default_factory=lambda: _NOTHING)
    name_pattern: str | None = None

    @classmethod
    def of(cls, rules: Mapping[str, str], name_pattern: str | None = None) -> RuleSettings:
        """Make them of values in which `settings_problems` found nothing."""
        severities = {
            code: None if level == "off" else Severity(level) for code, level in rules.items()
        }
        return cls(severities, name_pattern)

    def severity(self, code: str, default: Severity | None) -> Severity | None:
        """Give what a finding weighs, or `None` where it is not reported."""
        return self.severities.get(code, default)


@dataclass(frozen=True, slots=True)
class SettingProblem:
    """Something wrong in `lint:` of segctl.yaml; `path` is below `lint`.

    `key` says that the key is wrong, not its value.
    """

    code: str
    path: tuple[str, ...]
    summary: str
    hint: str
    key: bool = False


def settings_problems(
    codes: Iterable[str], name_pattern: str | None = None
) -> tuple[SettingProblem, ...]:
    """Check what the schema of segctl.yaml cannot: rules must exist, the pattern be one."""
    found = [
        SettingProblem(
            "unknown-rule",
            ("rules", code),
            f"there is no lint rule `{code}`",
            did_you_mean(code, ALL_RULES, "`segctl lint --explain` lists the rules"),
            key=True,
        )
        for code in codes
        if code not in ALL_RULES
    ]
    if name_pattern is not None:
        try:
            re.compile(name_pattern)
        except re.error as error:
            message = f"the pattern is no regular expression: {error.msg}"
            found.append(SettingProblem("bad-value", ("name_pattern",), message, ""))
    return tuple(found)


def explain(code: str) -> str:
    """Give the documentation of a rule as plain text. Raises `KeyError` for an unknown code."""
    return explanation(ALL_RULES[code])


def rules_markdown() -> str:
    """Give the documentation of all rules as one Markdown page."""
    return markdown(ALL_RULES.values())


class _Found(NamedTuple):
    """A finding before it is a diagnostic: `start` and `end` are indices in the file's text.

    `offset` is that in the query, -1 for what is not about the query.
    """

    code: str
    default: Severity | None
    message: str
    hint: str
    in_query_file: bool
    start: int
    end: int
    offset: int = -1


def declaration_needs(declared: Iterable[Declared]) -> frozenset[Needs]:
    """Say what must be known of the account before these can be checked wholly."""
    wanted: set[Needs] = set()
    for one in declared:
        wanted |= query_needs(one.segment.query)
        if one.segment.parent_list_ids:
            wanted.add(Needs.LISTS)
    return frozenset(wanted)


def lint_declarations(
    declared: Iterable[Declared],
    documents: Mapping[str, Document],
    account_schema: AccountSchema,
    settings: RuleSettings,
) -> tuple[Diagnostic, ...]:
    """Check declarations; `documents` goes from the path of each YAML file to what was read.

    Gives diagnostics in the order of places, each once.
    """
    parsed: dict[str, ParsedQuery] = {}
    found: dict[str, tuple[Finding, ...]] = {}
    declared = tuple(declared)
    for one in declared:
        text = one.segment.query
        if text not in parsed:
            parsed[text] = parse(text)
            found[text] = lint(parsed[text], account_schema)
    twins = _twins(declared, parsed)
    diagnostics: dict[Diagnostic, None] = {}
    for one in declared:
        document = documents.get(one.file)
        if document is not None:
            job = _File(one, document, account_schema, settings)
            findings = found[one.segment.query]
            diagnostics.update(dict.fromkeys(job.diagnostics(findings, twins.get(one.file))))
    return tuple(sorted(diagnostics, key=_order))


def _order(diagnostic: Diagnostic) -> tuple[str, int, int, str]:
    span = diagnostic.span
    return (span.file, span.line, span.column, diagnostic.code) if span else ("", 0, 0, "")


def _twins(
    declared: tuple[Declared, ...], parsed: Mapping[str, ParsedQuery]
) -> dict[str, Declared]:
    """Give, by file, the first declaration of the same definition.

    Equal normal forms hold the same literals: the costly comparison is for those alone.
    """
    buckets: dict[object, list[Declared]] = {}
    for one in declared:
        tokens = parsed[one.segment.query].tokens
        literals = tuple(sorted(token.text for token in tokens if token.kind in _LITERALS))
        parents = frozenset(parent.lower() for parent in one.segment.parent_list_ids)
        buckets.setdefault((literals, parents), []).append(one)
    twins = {}
    for bucket in buckets.values():
        first: dict[str, Declared] = {}
        for one in bucket if len(bucket) > 1 else ():
            query = parsed[one.segment.query].query
            form = normal_form(query) if query else f"unread {one.segment.query.strip()}"
            other = first.setdefault(form, one)
            if other is not one:
                twins[one.file] = other
    return twins


@dataclass(slots=True)
class _File:
    """One declaration on its way through the rules."""

    declared: Declared
    document: Document
    account_schema: AccountSchema
    settings: RuleSettings
    private: list[tuple[bool, int, int]] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    query: QuerySource = field(init=False)

    def __post_init__(self) -> None:
        self.query = QuerySource(self.declared, self.document)

    def diagnostics(
        self, findings: tuple[Finding, ...], twin: Declared | None
    ) -> Iterator[Diagnostic]:
        """Give what is to be reported of one declaration."""
        found = [self._placed(one) for one in findings]
        found += self._remarks(twin)
        for one in findings:
            if one.private:
                start, end = self.query.range(one.start, one.end)
                self.private.append((self.query.own_file, start, end))
                self.secrets.append(self.declared.segment.query[one.start : one.end].strip("'"))
        in_yaml = yaml_suppressions(self.document)
        in_sql = sql_suppressions(self.declared.segment.query)
        if in_yaml or in_sql:
            found = [*self._kept(found, in_yaml, in_sql)]
        for kept in found:
            severity = self.settings.severity(kept.code, kept.default)
            if severity is not None:
                yield self._diagnostic(kept, severity)

    def _placed(self, one: Finding) -> _Found:
        # What is missing at the end is missing behind the last word, not behind the white space.
        last = len(self.declared.segment.query.rstrip())
        start, end = self.query.range(min(one.start, last), min(one.end, last))
        own_file = self.query.own_file
        place = (start, end, min(one.start, max(0, last - 1)))
        return _Found(one.code, one.severity, one.message, one.hint, own_file, *place)

    def _remarks(self, twin: Declared | None) -> Iterator[_Found]:
        """Ask the rules about declarations."""
        asked: list[tuple[Rule, object]] = [(missing_owner, None)]
        asked.append((address_in_tests, self.document.value))
        if self.settings.name_pattern is not None:
            asked.append((name_pattern, self.settings.name_pattern))
        if self.account_schema.lists is not None:
            asked.append((unknown_parent, self.account_schema))
        if twin is not None:
            asked.append((duplicate_definition, twin))
        for rule, given in asked:
            remarks: Iterable[Remark] = rule.check(self.declared, given)
            for path, message, hint in remarks:
                place = self.document.places.get(path)
                if place is None and path == ("query_dsl",):
                    place = self.document.places.get(("query_file",))
                place = place or self.document.places[()]
                # A value of several lines is marked at its first character alone.
                end = place.end_offset if place.line == place.end_line else place.offset + 1
                code, severity = rule.code, rule.severity
                yield _Found(
                    code, severity, message, hint, in_query_file=False, start=place.offset, end=end
                )

    def _kept(
        self, found: list[_Found], in_yaml: tuple[Suppression, ...], in_sql: tuple[Suppression, ...]
    ) -> Iterator[_Found]:
        """Yield what no comment ignores, and what is wrong with the comments."""
        used: set[tuple[int, bool, str]] = set()
        for one in found:
            ignored = False
            for sql, ignores in ((False, in_yaml), (True, in_sql)):
                for ignore in ignores:
                    if _covers(ignore, one, sql=sql) and one.code in {c for c, *_ in ignore.codes}:
                        ignored = True
                        used.add((ignore.start, sql, one.code))
            if not ignored:
                yield one
        for sql, ignores in ((False, in_yaml), (True, in_sql)):
            for ignore in ignores:
                codes = [code for code, *_ in ignore.codes if self._would_find(code)]
                unused = [code for code in codes if (ignore.start, sql, code) not in used]
                for rule, given in ((unknown_code, ALL_RULES), (unused_ignore, unused)):
                    for start, end, message, hint in rule.check(ignore, given):
                        yield self._about_comment(rule, start, end, message, hint, sql=sql)

    def _would_find(self, code: str) -> bool:
        """Tell whether a rule can find anything here: otherwise an ignore may wait for it."""
        rule = ALL_RULES.get(code)
        if rule is None or self.settings.severity(code, rule.severity) is None:
            return False
        lists, fields = self.account_schema.lists, self.account_schema.custom_fields
        waits = (rule.needs is Needs.LISTS and lists is None) or (
            rule.needs is Needs.FIELDS and fields is None
        )
        return not waits

    def _about_comment(
        self, rule: Rule, start: int, end: int, message: str, hint: str, *, sql: bool
    ) -> _Found:
        if sql:
            start, end = self.query.range(start, end)
        own_file = sql and self.query.own_file
        return _Found(rule.code, rule.severity, message, hint, own_file, start, end)

    def _diagnostic(self, one: _Found, severity: Severity) -> Diagnostic:
        if one.in_query_file or not self.query.own_file:
            file, text = self.query.file, self.query.text
            (line, column), (end_line, end_column) = map(self.query.place, (one.start, one.end))
        else:
            file, text = self.document.file, self.document.text
            texts = TextMap(text)
            (line, column), (end_line, end_column) = map(texts.locate, (one.start, one.end))
        return Diagnostic(
            one.code,
            severity,
            self._masked(one.message),
            Span(file, line, column, end_line, end_column),
            self._masked(one.hint),
            self._excerpt(text, one),
        )

    def _masked(self, words: str) -> str:
        """Hide keys and persons in a message."""
        for secret in self.secrets:
            words = words.replace(secret, "***")
        return mask_email_addresses(redact(words))

    def _excerpt(self, text: str, one: _Found) -> str:
        """Give the line under a finding, with persons hidden and every column where it was."""
        first = max(text.rfind("\n", 0, one.start), text.rfind("\r", 0, one.start)) + 1
        found = re.compile(r"[\r\n]").search(text, one.start)
        last = found.start() if found else len(text)
        line = list(text[first:last])
        for in_query_file, start, end in self.private:
            if in_query_file == one.in_query_file:
                for index in range(max(start, first), min(end, last)):
                    line[index - first] = "*"
        return redact(mask_email_addresses("".join(line), same_length=True))


def _covers(ignore: Suppression, one: _Found, *, sql: bool) -> bool:
    """Tell whether a comment covers the place of a finding."""
    if sql:
        return one.offset >= 0 and ignore.covers_offset(one.offset)
    if one.in_query_file:
        return "query_file" in ignore.keys
    return ignore.covers_offset(one.start)
