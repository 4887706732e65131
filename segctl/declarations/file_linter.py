"""The linter of one segment file: what rules find in its declarations, as diagnostics.

Adds what the rules of `query.lint` and `lint_rules` do not know: the project's severities, the
places in files, suppression comments, and the masking of personal data. What instances have in
common is looked at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from segctl.declarations.instances import of_instances, value_path
from segctl.declarations.lint_rules import (
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
from segctl.declarations.lint_settings import ALL_RULES
from segctl.declarations.private_texts import PrivateTexts
from segctl.declarations.query_source import QuerySource
from segctl.declarations.suppressions import sql_suppressions, yaml_suppressions
from segctl.documents.yaml_positions import TextMap
from segctl.errors import Diagnostic, Severity, Span
from segctl.query.lint.rule import Needs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from segctl.declarations.lint_rules import KeyViolation
    from segctl.declarations.lint_settings import RuleSettings
    from segctl.declarations.query_classes import QueryClass
    from segctl.declarations.suppressions import Suppression
    from segctl.documents.document import Document
    from segctl.model import Declared
    from segctl.query.lint import AccountSchema, Rule
    from segctl.query.lint.rule import Finding, Violation


class ToLint(NamedTuple):
    """A declaration, the class of its query, and an earlier declaration of the same segment."""

    declared: Declared
    query_class: QueryClass
    duplicate_of: Declared | None


class _PlacedFinding(NamedTuple):
    """A finding before it becomes a diagnostic.

    `start` and `end` are indices in the text of the file: the `.sql` file if `in_query_file`,
    else the YAML file.
    """

    code: str
    default: Severity | None
    message: str
    hint: str
    in_query_file: bool
    start: int
    end: int


class _Comment(NamedTuple):
    """A comment that suppresses findings, and the query that contains it; `None` for YAML."""

    suppression: Suppression
    query: QuerySource | None


class FileLinter:
    """Checks the declarations of one file, all of them at once."""

    def __init__(
        self, document: Document, account_schema: AccountSchema, settings: RuleSettings
    ) -> None:
        self._document = document
        self._account_schema = account_schema
        self._settings = settings
        self._private = PrivateTexts()
        """The personal data in the file and its query, whichever instance has it."""
        self._comments = {
            (False, number): _Comment(comment, None)
            for number, comment in enumerate(yaml_suppressions(document))
        }
        """By whether the query has it, and its number there: all instances have the same."""
        self._used: set[tuple[bool, int, str]] = set()
        """Comments, each with a code that it has suppressed."""
        self._keys: dict[_PlacedFinding, dict[str, None]] = {}
        """What is to be reported, with the keys of the instances that have it."""

    def diagnostics(
        self,
        segments: Sequence[ToLint],
        findings: Mapping[QueryClass, tuple[Finding, ...]],
        total: int,
    ) -> Iterator[Diagnostic]:
        """Yield what is reported of these declarations of the file, which has `total` of them.

        `findings` are those in the query of each class.
        """
        members: dict[QueryClass, list[str]] = {}
        for segment, query_class, _ in segments:
            members.setdefault(query_class, []).append(segment.span.instance)
        for query_class, keys in members.items():
            self._add_query(query_class.representative, findings[query_class], keys)
        declared: dict[_PlacedFinding, list[str]] = {}
        for placed, key in self._declaration_findings(segments):
            declared.setdefault(placed, []).append(key)
        for placed, keys in declared.items():
            self._add(placed, keys)
        if self._keys or self._comments:
            yield from self._reported(segments[0].declared, total, is_whole=len(segments) == total)

    def _reported(self, declared: Declared, total: int, *, is_whole: bool) -> Iterator[Diagnostic]:
        """Yield everything as diagnostics; `declared` is any of the declarations.

        Unless it `is_whole`, other instances may use a comment that these do not use.
        """
        query = QuerySource.of(declared, self._document)
        problems: dict[Diagnostic, dict[str, None]] = {}
        for placed, keys in self._keys.items():
            diagnostic = self._diagnostic(placed, query)
            if diagnostic is not None:
                problems.setdefault(diagnostic, {}).update(keys)
        yield from of_instances({problem: [*keys] for problem, keys in problems.items()}, total)
        for placed in self._comment_findings(is_whole=is_whole):
            diagnostic = self._diagnostic(placed, query)
            if diagnostic is not None:
                yield diagnostic

    def _add_query(
        self, declared: Declared, findings: Sequence[Finding], keys: Sequence[str]
    ) -> None:
        """Add the findings in the query of a class; `keys` are those of its instances."""
        text = declared.segment.query
        comments = sql_suppressions(text)
        if not findings and not comments:
            return
        query = QuerySource.of(declared, self._document)
        for number, comment in enumerate(comments):
            self._comments.setdefault((True, number), _Comment(comment, query))
        # What is missing at the end is missing after the last word, not after the white space.
        last = len(text.rstrip())
        for finding in findings:
            start, end = query.range(min(finding.start, last), min(finding.end, last))
            placed = _PlacedFinding(
                finding.code,
                finding.severity,
                finding.message,
                self._with_value_place(finding, declared),
                query.own_file,
                start,
                end,
            )
            offset = min(finding.start, max(0, last - 1))
            covering = [
                number
                for number, comment in enumerate(comments)
                if comment.names(finding.code) and comment.covers_offset(offset)
            ]
            self._used.update((True, number, finding.code) for number in covering)
            self._add(placed, keys, is_suppressed=bool(covering))
            self._private.add(finding, text, query)

    def _with_value_place(self, finding: Finding, declared: Declared) -> str:
        """Return the hint of a finding in a value, and on which line the file sets the value."""
        names = {
            declared.written_query[splice.source_start : splice.source_end][1:]
            for splice in declared.splices
            if splice.start < finding.end and finding.start < splice.end
        }
        name = names.pop() if len(names) == 1 else ""
        path = value_path(self._document, declared.span.instance, name)
        if path is None:
            return finding.hint
        place = f"`@{name}` is set on line {self._document.span(path).line}"
        return f"{finding.hint}; {place}" if finding.hint else place

    def _add(
        self, placed: _PlacedFinding, keys: Iterable[str], *, is_suppressed: bool = False
    ) -> None:
        """Add a finding in the instances with these keys, unless a comment suppresses it."""
        for (in_query, number), (comment, _) in self._comments.items():
            if not in_query and comment.names(placed.code) and _covers(comment, placed):
                self._used.add((False, number, placed.code))
                is_suppressed = True
        if not is_suppressed:
            self._keys.setdefault(placed, {}).update(dict.fromkeys(keys))

    def _declaration_findings(
        self, segments: Sequence[ToLint]
    ) -> Iterator[tuple[_PlacedFinding, str]]:
        """Call the rules for declarations; yield each finding with the key of the instance."""
        calls = [*self._calls()]
        in_tests = [*address_in_tests.check(None, self._document.value)]
        for declared, _, duplicate_of in segments:
            key = declared.span.instance
            for rule, argument in calls:
                for violation in rule.check(declared, argument):
                    yield self._at_key(rule, violation), key
            for violation in in_tests:
                yield self._at_key(address_in_tests, violation), key
            if duplicate_of is not None:
                for violation in duplicate_definition.check(declared, duplicate_of):
                    yield self._at_key(duplicate_definition, violation), key

    def _calls(self) -> Iterator[tuple[Rule, object]]:
        """Yield the rules that are called with each declaration, and with this argument."""
        yield placeholder_in_name, None
        if self._settings.severity(missing_owner.code, missing_owner.severity) is not None:
            yield missing_owner, None
        if self._settings.owners:
            yield unknown_owner, self._settings.owners
        if self._settings.name_pattern is not None:
            yield name_pattern, self._settings.name_pattern
        if self._account_schema.lists is not None:
            yield unknown_parent, self._account_schema

    def _at_key(self, rule: Rule, violation: KeyViolation) -> _PlacedFinding:
        path, message, hint = violation
        places = self._document.places
        place = places.get(path)
        if place is None and path == ("query_dsl",):
            place = places.get(("query_file",))
        if place is None and path[:1] == ("parent_list_ids",):
            place = places.get(("parent_list",))
        place = place or places[()]
        # A value of several lines is marked at its first character only.
        end = place.end_offset if place.line == place.end_line else place.offset + 1
        return _PlacedFinding(
            rule.code,
            rule.severity,
            message,
            hint,
            in_query_file=False,
            start=place.offset,
            end=end,
        )

    def _comment_findings(self, *, is_whole: bool) -> Iterator[_PlacedFinding]:
        """Yield what is wrong with the comments: unknown codes, and those that nothing needs."""
        for (in_query, number), (comment, query) in self._comments.items():
            codes = [code for code, *_ in comment.codes if is_whole and self._can_report(code)]
            unused = [code for code in codes if (in_query, number, code) not in self._used]
            for rule, argument in ((unknown_code, ALL_RULES), (unused_ignore, unused)):
                for violation in rule.check(comment, argument):
                    yield _comment_finding(rule, violation, query)

    def _can_report(self, code: str) -> bool:
        """Return whether a rule is on and knows enough of the account to report anything."""
        rule = ALL_RULES.get(code)
        if rule is None or self._settings.severity(code, rule.severity) is None:
            return False
        match rule.needs:
            case Needs.LISTS:
                return self._account_schema.lists is not None
            case Needs.FIELDS:
                return self._account_schema.custom_fields is not None
        return True

    def _diagnostic(self, finding: _PlacedFinding, query: QuerySource) -> Diagnostic | None:
        """Return a finding as a diagnostic, `None` for a rule that is off."""
        severity = self._settings.severity(finding.code, finding.default)
        if severity is None:
            return None
        locate: Callable[[int], tuple[int, int]] = query.place
        file, text = query.file, query.text
        if query.own_file and not finding.in_query_file:
            file, text = self._document.file, self._document.text
            locate = TextMap(text).locate
        line, column = locate(finding.start)
        return Diagnostic(
            finding.code,
            severity,
            self._private.mask(finding.message),
            Span(file, line, column, *locate(finding.end)),
            self._private.mask(finding.hint),
            self._private.line(text, finding.start, line, in_query_file=finding.in_query_file),
        )


def _covers(comment: Suppression, finding: _PlacedFinding) -> bool:
    """Return whether a comment in YAML covers the place of a finding."""
    if finding.in_query_file:
        return "query_file" in comment.keys
    return comment.covers_offset(finding.start)


def _comment_finding(rule: Rule, violation: Violation, query: QuerySource | None) -> _PlacedFinding:
    start, end = violation.start, violation.end
    if query is not None:
        start, end = query.range(start, end)
    in_query_file = query is not None and query.own_file
    return _PlacedFinding(
        rule.code, rule.severity, violation.message, violation.hint, in_query_file, start, end
    )
