"""The linter: every declaration checked by every rule, and the findings as diagnostics.

Runs the rules of `query.lint` once for each class of queries, and leaves what they find to
`file_linter`. Reads no files and fetches nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.declarations.file_linter import FileLinter, ToLint
from segctl.declarations.query_classes import QueryClass, QueryClasses
from segctl.query.equivalence import normal_form
from segctl.query.lint import lint, query_needs
from segctl.query.lint.rule import Needs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from segctl.declarations.lint_settings import RuleSettings
    from segctl.declarations.query_classes import Classified
    from segctl.documents.document import Document
    from segctl.errors import Diagnostic
    from segctl.model import Declared
    from segctl.query.lint import AccountSchema
    from segctl.query.lint.rule import Finding


def declaration_needs(declared: Iterable[Declared]) -> frozenset[Needs]:
    """Return what must be known of the account to check declarations completely."""
    needs: set[Needs] = set()
    classes, seen = QueryClasses(), set[QueryClass]()
    for segment in declared:
        query_class = classes.classify(segment).query_class
        if query_class not in seen:
            seen.add(query_class)
            needs |= query_needs(query_class.parsed)
        if segment.segment.parent_list_ids:
            needs.add(Needs.LISTS)
    return frozenset(needs)


def lint_declarations(
    declared: Iterable[Declared],
    documents: Mapping[str, Document],
    account_schema: AccountSchema,
    settings: RuleSettings,
    instances: Mapping[str, int] | None = None,
) -> tuple[Diagnostic, ...]:
    """Check declarations; return the diagnostics in the order of places, each once.

    `documents` maps the path of each YAML file to its document; a declaration without one is
    not checked. `instances` says how many segments each file declares, where `declared` lacks some.
    What several instances have is reported at the first of them.
    """
    classes = QueryClasses(account_schema.lists)
    classified = [(segment, classes.classify(segment)) for segment in declared]
    duplicates = _duplicates(classified, classes)
    by_file: dict[str, list[ToLint]] = {}
    for segment, (query_class, _) in classified:
        to_lint = ToLint(segment, query_class, duplicates.get(segment.source))
        by_file.setdefault(segment.file, []).append(to_lint)
    findings: dict[str, tuple[Finding, ...]] = {}
    diagnostics: dict[Diagnostic, None] = {}
    for file, segments in by_file.items():
        document = documents.get(file)
        if document is None:
            continue
        findings_of = {}
        for query_class in dict.fromkeys(segment.query_class for segment in segments):
            query = query_class.parsed.text
            if query not in findings:
                findings[query] = lint(query_class.parsed, account_schema)
            findings_of[query_class] = findings[query]
        linter = FileLinter(document, account_schema, settings)
        total = (instances or {}).get(file, len(segments))
        diagnostics.update(dict.fromkeys(linter.diagnostics(segments, findings_of, total)))
    return tuple(sorted(diagnostics, key=_order))


def _order(diagnostic: Diagnostic) -> tuple[str, int, int, str]:
    span = diagnostic.span
    return (span.file, span.line, span.column, diagnostic.code) if span else ("", 0, 0, "")


def _duplicates(
    classified: Iterable[tuple[Declared, Classified]], classes: QueryClasses
) -> dict[str, Declared]:
    """Return, by file and instance, the first declaration with the same definition.

    Equal normal forms have the same literals, so the costly comparison is limited to those.
    """
    groups: dict[object, list[Declared]] = {}
    for segment, (_, literals) in classified:
        parents = frozenset(map(str.lower, segment.segment.parent_list_ids))
        groups.setdefault((literals, parents), []).append(segment)
    duplicates = {}
    for group in groups.values():
        first_by_form: dict[str, Declared] = {}
        for segment in group if len(group) > 1 else ():
            query = classes.parse(segment.segment.query).query
            form = normal_form(query) if query else f"unparsed {segment.segment.query.strip()}"
            first = first_by_form.setdefault(form, segment)
            if first is not segment:
                duplicates[segment.source] = first
    return duplicates
