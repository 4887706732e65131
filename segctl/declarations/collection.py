"""Every segment file together: what they declare, and where they contradict each other.

Owns the questions that one file cannot answer: a name twice, a `.sql` file that nobody names.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from segctl.common.secrets import redact
from segctl.declarations.segment_file import read_file
from segctl.documents.document import decode_utf8, excerpt_lines, sort_diagnostics
from segctl.errors import Diagnostic, Severity, Span
from segctl.model import Tombstone

if TYPE_CHECKING:
    from collections.abc import Mapping

    from segctl.documents.document import Document
    from segctl.model import Declared


@dataclass(frozen=True, slots=True)
class Declarations:
    """What the files say: segments in the order of their files, findings in the order of places.

    `documents` goes from the path of each file that declares a segment to what was read of it.
    `tombstones` are the files that say `removed`.
    """

    declared: tuple[Declared, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    documents: Mapping[str, Document] = field(default_factory=dict)
    tombstones: tuple[Tombstone, ...] = ()

    @property
    def has_errors(self) -> bool:
        """Whether any finding is an error: then nothing may be planned from these."""
        return any(d.severity is Severity.ERROR for d in self.diagnostics)


def read_declarations(
    files: Mapping[str, bytes], queries: Mapping[str, bytes], folder: str
) -> Declarations:
    """Read all segment files of a project.

    `files` and `queries` go from paths relative to the project (forward slashes) to bytes.
    """
    declared: list[Declared] = []
    tombstones: list[Tombstone] = []
    diagnostics: list[Diagnostic] = []
    documents: dict[str, Document] = {}
    named: list[tuple[str, Document]] = []
    for file in sorted(files):
        one, document = read_file(file, files[file], queries, folder)
        diagnostics += document.diagnostics
        if isinstance(one, Tombstone):
            tombstones.append(one)
            continue
        named += _names(document)
        if one is not None:
            declared.append(one)
            documents[file] = document
    diagnostics += _repeated_names(named)
    diagnostics += _contradictions(declared, tombstones, files)
    diagnostics += _repeated_upgrades(declared, documents)
    if all(d.severity is not Severity.ERROR for d in diagnostics):
        # A broken segment file may be the one that names it.
        diagnostics += _unused_queries(declared, queries)
    return Declarations(
        tuple(declared), tuple(sort_diagnostics(diagnostics)), documents, tuple(tombstones)
    )


def _names(document: Document) -> list[tuple[str, Document]]:
    """Give the name that a file has, whatever else is wrong in it."""
    name = document.value.get("name") if isinstance(document.value, dict) else None
    return [(name, document)] if isinstance(name, str) and name else []


def _repeated_names(named: list[tuple[str, Document]]) -> list[Diagnostic]:
    first: dict[str, tuple[str, Document]] = {}
    found = []
    for name, document in named:
        other, elsewhere = first.setdefault(fold_name(name), (name, document))
        if elsewhere is document:
            continue
        if other == name:
            code, summary = "duplicate-name", f"the name `{name}` is declared twice"
        elif unicodedata.normalize("NFC", name) == unicodedata.normalize("NFC", other):
            code = "name-looks-the-same"
            summary = f"`{name}` differs from another name by nothing but invisible encoding"
        else:
            code = "name-differs-by-case"
            summary = f"`{name}` and `{other}` differ by nothing but case"
        span = document.span(("name",))
        place = elsewhere.span(("name",))
        hint = f"the other one is at {place}; a name must be unique in the account"
        excerpt = document.excerpt(span.line)
        found.append(Diagnostic(code, Severity.ERROR, redact(summary), span, redact(hint), excerpt))
    return found


def fold_name(name: str) -> str:
    """Give the form in which names that people cannot tell apart are equal."""
    return unicodedata.normalize("NFC", name.casefold())


def _contradictions(
    declared: list[Declared], tombstones: list[Tombstone], files: Mapping[str, bytes]
) -> list[Diagnostic]:
    """Find names that one file declares, or had, and another one says are removed."""
    wanted: dict[str, Declared | Tombstone] = {one.name: one for one in declared}
    for one in declared:
        for name in one.previous_names:
            wanted.setdefault(name, one)
    found = []
    for grave in tombstones:
        other = wanted.setdefault(grave.name, grave)
        if other is grave:
            continue
        lines = excerpt_lines(decode_utf8(grave.span.file, files[grave.span.file])[0])
        found.append(
            Diagnostic(
                "removed-and-declared",
                Severity.ERROR,
                redact(f"`{grave.name}` is removed here and stands in another file, too"),
                grave.span,
                hint=f"the other one is at {other.span}: keep one of the two",
                excerpt=lines[grave.span.line - 1],
            )
        )
    return found


def _repeated_upgrades(
    declared: list[Declared], documents: Mapping[str, Document]
) -> list[Diagnostic]:
    """Find v1 segments whose place two files want."""
    first: dict[str, Declared] = {}
    found = []
    for one in declared:
        other = first.setdefault(one.upgrade_from, one)
        if not one.upgrade_from or other is one or one.upgrade_span is None:
            continue
        found.append(
            Diagnostic(
                "upgraded-twice",
                Severity.ERROR,
                redact(f"`{one.name}` and `{other.name}` are upgraded from the same v1 segment"),
                one.upgrade_span,
                hint=f"the other one is at {other.upgrade_span}: keep `upgrade_from` in one",
                excerpt=documents[one.file].excerpt(one.upgrade_span.line),
            )
        )
    return found


def _unused_queries(declared: list[Declared], queries: Mapping[str, bytes]) -> list[Diagnostic]:
    used = {one.query_span.file for one in declared}
    return [
        Diagnostic(
            "unused-query-file",
            Severity.WARNING,
            "no segment names this file",
            Span(path, 1, 1),
            hint="name it with `query_file`, or delete it",
        )
        for path in sorted(queries)
        if path not in used
    ]
