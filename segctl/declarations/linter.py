"""The linter: every declaration checked by every rule, and the findings as diagnostics.

Adds to the rules of `query.lint` and `lint_rules` what they do not know: the project's severities,
the places in files, suppression comments, and the masking of personal data. Reads no files and
fetches nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from segctl.common.suggest import did_you_mean
from segctl.declarations.lint_rules import (
    DECLARATION_RULES,
    address_in_tests,
    duplicate_definition,
    missing_owner,
    name_pattern,
    placeholder_in_name,
    unknown_code,
    unknown_owner,
    unknown_parent,
    unused_ignore,
)
from segctl.declarations.name_patterns import BadPattern, NamePattern
from segctl.declarations.private_texts import PrivateTexts
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

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from segctl.declarations.lint_rules import KeyViolation
    from segctl.declarations.suppressions import Suppression
    from segctl.documents.document import Document
    from segctl.model import Declared
    from segctl.query.lint import Rule
    from segctl.query.lint.rule import Violation
    from segctl.query.parser.parse import ParsedQuery

ALL_RULES: Mapping[str, Rule] = MappingProxyType({**RULES, **DECLARATION_RULES})
"""Rules by code, in the order of the documentation."""

_LITERALS = (TokenKind.STRING, TokenKind.NUMBER, TokenKind.QUOTED)
_NO_SEVERITIES: Mapping[str, Severity | None] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class RuleSettings:
    """The settings of segctl.yaml that rules use.

    `severities` maps codes to severities, `None` for off; other codes keep their default.
    `name_pattern` is what whole names must match, or `None`. `owners` are the names of owners, none
    where any is allowed.
    """

    severities: Mapping[str, Severity | None] = field(default_factory=lambda: _NO_SEVERITIES)
    name_pattern: NamePattern | None = None
    owners: Collection[str] = ()

    @classmethod
    def from_config(
        cls,
        rules: Mapping[str, str],
        name_pattern: str | None = None,
        owners: Collection[str] = (),
    ) -> RuleSettings:
        """Return the settings for values in which `settings_problems` finds no problem."""
        severities = {
            code: None if level == "off" else Severity(level) for code, level in rules.items()
        }
        pattern = None if name_pattern is None else NamePattern(name_pattern)
        return cls(severities, pattern, owners)

    def severity(self, code: str, default: Severity | None) -> Severity | None:
        """Return the severity of a finding, or `None` where it is not reported."""
        return self.severities.get(code, default)


@dataclass(frozen=True, slots=True)
class SettingProblem:
    """A problem under `lint:` in segctl.yaml; `path` is relative to `lint`.

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
    """Check what the schema of segctl.yaml cannot: the codes of rules, and the name pattern."""
    problems = [
        SettingProblem(
            "unknown-rule",
            ("rules", code),
            f"lint rule `{code}` not found",
            did_you_mean(code, ALL_RULES, "run `segctl lint --explain` to list the rules"),
            key=True,
        )
        for code in codes
        if code not in ALL_RULES
    ]
    if name_pattern is not None:
        try:
            NamePattern(name_pattern)
        except BadPattern as error:
            summary = f"invalid regular expression: {error}"
            problems.append(SettingProblem("bad-value", ("name_pattern",), summary, ""))
    return tuple(problems)


def explain(code: str) -> str:
    """Return the documentation of a rule as plain text. Raises `KeyError` for an unknown code."""
    return explanation(ALL_RULES[code])


def rules_markdown() -> str:
    """Return the documentation of all rules as one Markdown page."""
    return markdown(ALL_RULES.values())


def declaration_needs(declared: Iterable[Declared]) -> frozenset[Needs]:
    """Return what must be known of the account to check declarations completely."""
    needs: set[Needs] = set()
    for segment in declared:
        needs |= query_needs(segment.segment.query)
        if segment.segment.parent_list_ids:
            needs.add(Needs.LISTS)
    return frozenset(needs)


def lint_declarations(
    declared: Iterable[Declared],
    documents: Mapping[str, Document],
    account_schema: AccountSchema,
    settings: RuleSettings,
) -> tuple[Diagnostic, ...]:
    """Check declarations; return the diagnostics in the order of places, each once.

    `documents` maps the path of each YAML file to its document; a declaration without one is
    not checked.
    """
    parsed: dict[str, ParsedQuery] = {}
    findings: dict[str, tuple[Finding, ...]] = {}
    declared = tuple(declared)
    for segment in declared:
        query = segment.segment.query
        if query not in parsed:
            parsed[query] = parse(query)
            findings[query] = lint(parsed[query], account_schema)
    duplicates = _duplicates(declared, parsed)
    diagnostics: dict[Diagnostic, None] = {}
    for segment in declared:
        document = documents.get(segment.file)
        if document is not None:
            linter = _FileLinter(segment, document, account_schema, settings)
            reported = linter.diagnostics(
                findings[segment.segment.query], duplicates.get(segment.source)
            )
            diagnostics.update(dict.fromkeys(reported))
    return tuple(sorted(diagnostics, key=_order))


def _order(diagnostic: Diagnostic) -> tuple[str, int, int, str]:
    span = diagnostic.span
    return (span.file, span.line, span.column, diagnostic.code) if span else ("", 0, 0, "")


def _duplicates(
    declared: tuple[Declared, ...], parsed: Mapping[str, ParsedQuery]
) -> dict[str, Declared]:
    """Return, by file and instance, the first declaration with the same definition.

    Equal normal forms have the same literals, so the costly comparison is limited to those.
    """
    groups: dict[object, list[Declared]] = {}
    for segment in declared:
        tokens = parsed[segment.segment.query].tokens
        literals = tuple(sorted(token.text for token in tokens if token.kind in _LITERALS))
        parents = frozenset(parent.lower() for parent in segment.segment.parent_list_ids)
        groups.setdefault((literals, parents), []).append(segment)
    duplicates = {}
    for group in groups.values():
        first_by_form: dict[str, Declared] = {}
        for segment in group if len(group) > 1 else ():
            query = parsed[segment.segment.query].query
            form = normal_form(query) if query else f"unparsed {segment.segment.query.strip()}"
            first = first_by_form.setdefault(form, segment)
            if first is not segment:
                duplicates[segment.source] = first
    return duplicates


class _PlacedFinding(NamedTuple):
    """A finding before it becomes a diagnostic.

    `start` and `end` are indices in the text of the file: the `.sql` file if `in_query_file`,
    else the YAML file. `offset` is that in the query, -1 for a finding about something else.
    """

    code: str
    default: Severity | None
    message: str
    hint: str
    in_query_file: bool
    start: int
    end: int
    offset: int = -1


@dataclass(slots=True)
class _FileLinter:
    """Checks one declaration. `private` is the personal data in its files."""

    declared: Declared
    document: Document
    account_schema: AccountSchema
    settings: RuleSettings
    private: PrivateTexts = field(default_factory=PrivateTexts)
    query: QuerySource = field(init=False)

    def __post_init__(self) -> None:
        self.query = QuerySource.of(self.declared, self.document)

    def diagnostics(
        self, query_findings: tuple[Finding, ...], duplicate_of: Declared | None
    ) -> Iterator[Diagnostic]:
        """Yield what is reported of the declaration, given the findings in its query."""
        findings = [self._place(finding) for finding in query_findings]
        findings += self._declaration_findings(duplicate_of)
        for finding in query_findings:
            if finding.private:
                self._hide(finding)
        suppressions = [(False, comment) for comment in yaml_suppressions(self.document)]
        suppressions += [(True, sql) for sql in sql_suppressions(self.declared.segment.query)]
        if suppressions:
            findings = [*self._apply_suppressions(findings, suppressions)]
        for placed in findings:
            severity = self.settings.severity(placed.code, placed.default)
            if severity is not None:
                yield self._diagnostic(placed, severity)

    def _hide(self, finding: Finding) -> None:
        start, end = self.query.range(finding.start, finding.end)
        text = self.declared.segment.query[finding.start : finding.end].strip("'")
        self.private.add(text, start, end, in_query_file=self.query.own_file)

    def _place(self, finding: Finding) -> _PlacedFinding:
        # What is missing at the end is missing after the last word, not after the white space.
        last = len(self.declared.segment.query.rstrip())
        start, end = self.query.range(min(finding.start, last), min(finding.end, last))
        return _PlacedFinding(
            finding.code,
            finding.severity,
            finding.message,
            finding.hint,
            self.query.own_file,
            start,
            end,
            min(finding.start, max(0, last - 1)),
        )

    def _declaration_findings(self, duplicate_of: Declared | None) -> Iterator[_PlacedFinding]:
        """Call the rules for declarations, each with its second argument."""
        calls: list[tuple[Rule, object]] = [(missing_owner, None)]
        calls += [(placeholder_in_name, None), (address_in_tests, self.document.value)]
        if self.settings.owners:
            calls.append((unknown_owner, self.settings.owners))
        if self.settings.name_pattern is not None:
            calls.append((name_pattern, self.settings.name_pattern))
        if self.account_schema.lists is not None:
            calls.append((unknown_parent, self.account_schema))
        if duplicate_of is not None:
            calls.append((duplicate_definition, duplicate_of))
        for rule, argument in calls:
            violations: Iterable[KeyViolation] = rule.check(self.declared, argument)
            for path, message, hint in violations:
                place = self.document.places.get(path)
                if place is None and path == ("query_dsl",):
                    place = self.document.places.get(("query_file",))
                if place is None and path[:1] == ("parent_list_ids",):
                    place = self.document.places.get(("parent_list",))
                place = place or self.document.places[()]
                # A value of several lines is marked at its first character only.
                end = place.end_offset if place.line == place.end_line else place.offset + 1
                yield _PlacedFinding(
                    rule.code,
                    rule.severity,
                    message,
                    hint,
                    in_query_file=False,
                    start=place.offset,
                    end=end,
                )

    def _apply_suppressions(
        self, findings: list[_PlacedFinding], suppressions: list[tuple[bool, Suppression]]
    ) -> Iterator[_PlacedFinding]:
        """Yield the findings that no comment suppresses, and what is wrong with the comments.

        `suppressions` are the comments, each with whether it is in the query.
        """
        used: set[tuple[int, bool, str]] = set()
        for finding in findings:
            covering = [
                (comment.start, in_query, finding.code)
                for in_query, comment in suppressions
                if comment.names(finding.code) and _covers(comment, finding, in_query=in_query)
            ]
            used.update(covering)
            if not covering:
                yield finding
        for in_query, comment in suppressions:
            codes = [code for code, *_ in comment.codes if self._can_report(code)]
            unused = [code for code in codes if (comment.start, in_query, code) not in used]
            for rule, argument in ((unknown_code, ALL_RULES), (unused_ignore, unused)):
                for violation in rule.check(comment, argument):
                    yield self._comment_finding(rule, violation, in_query=in_query)

    def _can_report(self, code: str) -> bool:
        """Return whether a rule is on and knows enough of the account to report anything."""
        rule = ALL_RULES.get(code)
        if rule is None or self.settings.severity(code, rule.severity) is None:
            return False
        match rule.needs:
            case Needs.LISTS:
                return self.account_schema.lists is not None
            case Needs.FIELDS:
                return self.account_schema.custom_fields is not None
        return True

    def _comment_finding(
        self, rule: Rule, violation: Violation, *, in_query: bool
    ) -> _PlacedFinding:
        start, end = violation.start, violation.end
        if in_query:
            start, end = self.query.range(start, end)
        in_query_file = in_query and self.query.own_file
        return _PlacedFinding(
            rule.code, rule.severity, violation.message, violation.hint, in_query_file, start, end
        )

    def _diagnostic(self, finding: _PlacedFinding, severity: Severity) -> Diagnostic:
        locate: Callable[[int], tuple[int, int]] = self.query.place
        file, text = self.query.file, self.query.text
        if self.query.own_file and not finding.in_query_file:
            file, text = self.document.file, self.document.text
            locate = TextMap(text).locate
        line, column = locate(finding.start)
        return Diagnostic(
            finding.code,
            severity,
            self.private.mask(finding.message),
            Span(file, line, column, *locate(finding.end)),
            self.private.mask(finding.hint),
            self.private.line(text, finding.start, line, in_query_file=finding.in_query_file),
        )


def _covers(comment: Suppression, finding: _PlacedFinding, *, in_query: bool) -> bool:
    """Return whether a comment covers the place of a finding."""
    if in_query:
        return finding.offset >= 0 and comment.covers_offset(finding.offset)
    if finding.in_query_file:
        return "query_file" in comment.keys
    return comment.covers_offset(finding.start)
