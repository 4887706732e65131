"""All segment files of a project together: what they declare, and where they contradict.

Answers what no single file can: a name that is declared twice, a `.sql` file that no segment uses.
What one file says is read by `segment_file`.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from segctl.common.secrets import redact
from segctl.declarations.account_file import UNKNOWN_TARGET, read_accounts
from segctl.declarations.account_names import AccountNames
from segctl.declarations.bindings import Bindings
from segctl.declarations.instances import FOR_EACH
from segctl.declarations.instances_file import read_instance_sets
from segctl.declarations.policies_file import bind_policies
from segctl.declarations.query_text import query_path
from segctl.declarations.segment_file import read_file
from segctl.documents.document import decode_utf8, excerpt_lines, sort_diagnostics
from segctl.errors import Diagnostic, Severity, Span
from segctl.model import Tombstone
from segctl.model.contact_fields import account_path
from segctl.model.values import CONDITIONS_FILE, INSTANCES_FILE, ReferenceKind

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from segctl.declarations.conditions_file import Conditions
    from segctl.declarations.instances import Items
    from segctl.declarations.parsed_files import ParsedFiles
    from segctl.declarations.segment_file import Declaration
    from segctl.documents.document import Document
    from segctl.model import Declared
    from segctl.model.contact_fields import KnownAccount
    from segctl.model.policies import Policy
    from segctl.model.values import Value


_Named: TypeAlias = "tuple[str, Span, Document]"
"""A name that a file declares, its place, and the document of the file."""

_MAX_ALL_QUERIES = 1 << 26
"""Characters of all queries with values in place of names: a limit on memory, however small the
files are."""

DIFFERS_BY_CASE = "name-differs-by-case"
"""The code of a warning about two declared names, which the diagnostic has in `names`."""

_SAME_NAMES = {
    "duplicate-name": (Severity.ERROR, "duplicate name `{name}`"),
    "name-looks-the-same": (
        Severity.ERROR,
        "`{name}` differs from another name only in its invisible encoding",
    ),
    DIFFERS_BY_CASE: (Severity.WARNING, "`{name}` and `{first}` differ only in case"),
}
"""The severities and messages about two names that are the same in some form, by code."""


@dataclass(frozen=True, slots=True)
class Declarations:
    """What the files declare: segments in the order of their files, diagnostics by place.

    `documents` maps the path of each file that declares a segment to its document. `tombstones`
    are the files that say `removed`. `accounts` is what the files know of accounts, by target.
    `policies` are bound for the target. `is_partial`: some files are not for the target.
    `bindings` are what names stand for, and `conditions` those of conditions.yaml.
    """

    declared: tuple[Declared, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    documents: Mapping[str, Document] = field(default_factory=dict)
    tombstones: tuple[Tombstone, ...] = ()
    accounts: Mapping[str, KnownAccount] = field(default_factory=dict)
    policies: tuple[Policy, ...] = ()
    is_partial: bool = False
    bindings: Bindings = field(default_factory=Bindings)
    conditions: Conditions | None = None

    @property
    def has_errors(self) -> bool:
        """Whether any diagnostic is an error: then nothing may be planned from these."""
        return any(diagnostic.severity is Severity.ERROR for diagnostic in self.diagnostics)


def read_declarations(
    files: Mapping[str, bytes],
    queries: Mapping[str, bytes],
    folder: str,
    *,
    accounts: Mapping[str, bytes] | None = None,
    targets: Collection[str] = (),
    target: str = "",
    values: Mapping[str, Value] | None = None,
    conditions: bytes | None = None,
    instances: bytes | None = None,
    groups: Mapping[str, Collection[str]] | None = None,
    settings_are_known: bool = True,
    policies: Collection[Document] = (),
    parsed: ParsedFiles | None = None,
) -> Declarations:
    """Read all segment files of a project, and the files of the accounts of these targets.

    Names in place of ids are those of the account of `target`, empty where none is chosen. `values`
    are those of the project for it, `conditions` and `instances` the bytes of conditions.yaml and
    instances.yaml, and `groups` targets by the names of groups. Without `settings_are_known`,
    something is wrong in segctl.yaml: names may be unknown for that alone. `policies` are documents
    that have some.

    `parsed` has the documents that other targets read already, and gets those read here.
    `files`, `queries` and `accounts` map paths relative to the project, with forward slashes, to
    bytes.
    """
    known_accounts, diagnostics = read_accounts(accounts or {}, folder, targets)
    unread: frozenset[ReferenceKind] = frozenset()
    if not settings_are_known:
        unread = frozenset(ReferenceKind)
        diagnostics = [problem for problem in diagnostics if problem.code != UNKNOWN_TARGET]
    path = account_path(folder, target) if target else ""
    if path in (accounts or {}) and target not in known_accounts:
        unread |= {ReferenceKind.LIST, ReferenceKind.SINGLE_SEND}
    values = values or {}
    named_conditions: Conditions | None = None
    if conditions is not None:
        from segctl.declarations.conditions_file import read_conditions  # noqa: PLC0415 - the parser

        named_conditions = read_conditions(f"{folder}/{CONDITIONS_FILE}", conditions, values)
        diagnostics += named_conditions.document.diagnostics
        unread |= {ReferenceKind.NAME} if named_conditions.is_unread else set()
    sets: Mapping[str, Items] | None = {}
    if instances is not None:
        sets, document = read_instance_sets(f"{folder}/{INSTANCES_FILE}", instances)
        diagnostics += document.diagnostics
    bindings = Bindings(
        account=AccountNames(path, known_accounts.get(target)),
        values=values,
        sets=sets,
        target=target,
        targets=targets if settings_are_known else (),
        groups=groups or {},
        unread=unread,
    )
    if named_conditions is not None:
        bindings = replace(
            bindings, conditions=named_conditions.sound, broken=named_conditions.broken
        )
    bound = bind_policies(policies, bindings)
    diagnostics += bound.diagnostics
    collected = _Collected()
    for file in sorted(files):
        declarations, document = read_file(
            file, files[file], queries, folder, bindings, parsed=parsed
        )
        if collected.exceeds_limit(declarations):
            message = "with what their names stand for, the queries of all files exceed "
            message += f"{_MAX_ALL_QUERIES:,} characters"
            key = FOR_EACH if FOR_EACH in document.value else "name"
            hint = "use fewer instances, or shorter values"
            document.report("query-too-long", message, path=(key,), key=True, hint=hint)
            declarations = None
        diagnostics += document.diagnostics
        collected.add(declarations, document)
    declared, tombstones, documents = collected.declared, collected.tombstones, collected.documents
    diagnostics += _duplicate_names(collected.named)
    diagnostics += _removed_and_declared(declared, tombstones, files)
    diagnostics += _duplicate_upgrades(declared, documents)
    if all(diagnostic.severity is not Severity.ERROR for diagnostic in diagnostics):
        # A broken segment file may be the one that names the query file.
        diagnostics += _unused_queries(collected.queries, queries)
        if named_conditions is not None and settings_are_known and not collected.is_partial:
            used = bound.used.union(*(segment.names for segment in declared))
            diagnostics += named_conditions.unused(used)
    return Declarations(
        tuple(declared),
        tuple(sort_diagnostics(diagnostics)),
        documents,
        tuple(tombstones),
        known_accounts,
        bound.policies,
        collected.is_partial,
        bindings,
        named_conditions,
    )


@dataclass(slots=True)
class _Collected:
    """What the files that were read declare.

    `queries` are the paths of `.sql` files that they name. `is_partial`: some files are not for the
    target, so what they use is not known.
    """

    declared: list[Declared] = field(default_factory=list)
    tombstones: list[Tombstone] = field(default_factory=list)
    documents: dict[str, Document] = field(default_factory=dict)
    named: list[_Named] = field(default_factory=list)
    queries: set[str] = field(default_factory=set)
    is_partial: bool = False
    _length: int = 0

    def exceeds_limit(self, declarations: tuple[Declaration, ...] | None) -> bool:
        """Return whether the queries of one more file are too many to keep; count them if not."""
        length = sum(
            len(declaration.segment.query)
            for declaration in declarations or ()
            if not isinstance(declaration, Tombstone) and declaration.splices
        )
        if self._length + length > _MAX_ALL_QUERIES:
            return True
        self._length += length
        return False

    def add(self, declarations: tuple[Declaration, ...] | None, document: Document) -> None:
        """Add what one file declares, `None` for a broken one."""
        if declarations is None:
            self.named += _declared_name(document)
        elif not declarations:
            self.is_partial = True
            name = document.value.get("query_file")
            self.queries |= {query_path(document, name)} if name else set()
        for declaration in declarations or ():
            if isinstance(declaration, Tombstone):
                self.tombstones.append(declaration)
                self.queries.add(declaration.query_file)
            else:
                self.declared.append(declaration)
                self.queries.add(declaration.query_span.file)
                self.named.append((declaration.name, declaration.span, document))
                self.documents[document.file] = document


def _declared_name(document: Document) -> list[_Named]:
    """Return the name in a file in which something is wrong; at most one, none of instances."""
    value = document.value if isinstance(document.value, dict) else {}
    name = value.get("name")
    if not isinstance(name, str) or not name or "removed" in value or FOR_EACH in value:
        return []
    return [(name, document.span(("name",)), document)]


def _duplicate_names(named: list[_Named]) -> list[Diagnostic]:
    """Report names that are declared twice, and names that people may take for each other.

    An account can have two names that differ only by case, so that is a warning.
    """
    first_by_form: dict[str, dict[str, _Named]] = {code: {} for code in _SAME_NAMES}
    diagnostics = []
    for entry in named:
        name, span, document = entry
        forms = (name, name, name.lower())
        if not name.isascii():
            forms = (name, unicodedata.normalize("NFC", name), fold_name(name))
        firsts = {
            code: first_by_form[code].setdefault(form, entry)
            for code, form in zip(_SAME_NAMES, forms, strict=True)
        }
        code = next((code for code in firsts if firsts[code] is not entry), "")
        if not code:
            continue
        first, other, _ = firsts[code]
        severity, summary = _SAME_NAMES[code]
        summary = summary.format(name=name, first=first)
        hint = f"rename one of the two (the other is at {other}); names are unique in an account"
        if severity is Severity.WARNING:
            hint = f"rename one of the two if people may confuse them (the other is at {other})"
        excerpt = document.excerpt(span.line)
        names = (first, name)
        diagnostics.append(
            Diagnostic(code, severity, redact(summary), span, redact(hint), excerpt, names)
        )
    return diagnostics


def fold_name(name: str) -> str:
    """Return a form that is equal for names that people cannot tell apart."""
    return unicodedata.normalize("NFC", name.casefold())


def _removed_and_declared(
    declared: list[Declared], tombstones: list[Tombstone], files: Mapping[str, bytes]
) -> list[Diagnostic]:
    """Report names that one file removes and another one declares, or removes as well."""
    used: dict[str, Declared | Tombstone] = {segment.name: segment for segment in declared}
    for segment in declared:
        for name in segment.previous_names:
            used.setdefault(name, segment)
    diagnostics = []
    for tombstone in tombstones:
        other = used.setdefault(tombstone.name, tombstone)
        if other is tombstone:
            continue
        file, line = tombstone.span.file, tombstone.span.line
        diagnostics.append(
            Diagnostic(
                "removed-and-declared",
                Severity.ERROR,
                redact(f"`{tombstone.name}` is removed by this file and used by another one"),
                tombstone.span,
                hint=f"keep one of the two files (the other is at {other.span})",
                excerpt=excerpt_lines(decode_utf8(file, files[file])[0])[line - 1],
            )
        )
    return diagnostics


def _duplicate_upgrades(
    declared: list[Declared], documents: Mapping[str, Document]
) -> list[Diagnostic]:
    """Report v1 segments that two files upgrade."""
    first_by_id: dict[str, Declared] = {}
    diagnostics = []
    for segment in declared:
        first = first_by_id.setdefault(segment.upgrade_from, segment)
        if not segment.upgrade_from or first is segment or segment.upgrade_span is None:
            continue
        span = segment.upgrade_span
        diagnostics.append(
            Diagnostic(
                "upgraded-twice",
                Severity.ERROR,
                redact(f"`{segment.name}` and `{first.name}` upgrade the same v1 segment"),
                span,
                hint=f"keep `upgrade_from` in one file (the other is at {first.upgrade_span})",
                excerpt=documents[segment.file].excerpt(span.line),
            )
        )
    return diagnostics


def _unused_queries(used: Collection[str], queries: Collection[str]) -> list[Diagnostic]:
    return [
        Diagnostic(
            "unused-query-file",
            Severity.WARNING,
            "no segment uses this query file",
            Span(path, 1, 1),
            hint="name it in `query_file` of a segment, or delete it",
        )
        for path in sorted(queries)
        if path not in used
    ]
