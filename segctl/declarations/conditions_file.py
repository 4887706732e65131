"""`conditions.yaml`: conditions with names, for the queries of segment files.

Reads the file, and checks each condition where it stands. What its names stand for depends on the
segment file that uses it (`bindings`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from segctl.declarations.joined_comments import check_joined_comments
from segctl.documents.data_files import read_data_file
from segctl.documents.document import span_of
from segctl.documents.yaml_positions import ScalarMap, TextMap
from segctl.errors import Diagnostic, Severity, Span
from segctl.model.values import CONTROL, ReferenceKind
from segctl.query.conditions import CONDITION_PREFIX, query_of_condition
from segctl.query.parser.parse import parse
from segctl.query.references import Reference, find_references

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from segctl.documents.document import Document
    from segctl.query.parser.errors import Problem

_KEY = "conditions"
_MAX_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Conditions:
    """The conditions of a file by name: `sound` are those in which nothing is wrong.

    The document has everything that is wrong.
    """

    sound: Mapping[str, str]
    document: Document

    @property
    def broken(self) -> frozenset[str]:
        """The names of the others, as far as the file could be read."""
        return self._names - self.sound.keys()

    @property
    def is_unread(self) -> bool:
        """Whether the file has an error that hides which conditions there are."""
        return bool(self.document.diagnostics) and not self._names

    @property
    def _names(self) -> frozenset[str]:
        value: Any = self.document.value
        conditions = value.get(_KEY) if isinstance(value, dict) else None
        return frozenset(conditions if isinstance(conditions, dict) else ())

    def unused(self, used: Collection[str]) -> Iterator[Diagnostic]:
        """Yield a warning for each condition that no query uses; none for a file with errors."""
        for name in self._names - {*used} if not self.document.diagnostics else ():
            place = self.document.keys[_KEY, name]
            yield Diagnostic(
                "unused-condition",
                Severity.WARNING,
                f"no segment uses the condition `{name}`",
                span_of(self.document.file, place),
                f"write @{name} in a query, or remove it",
                self.document.excerpt(place.line + 1),
            )


def read_conditions(file: str, data: bytes, values: Collection[str] = ()) -> Conditions:
    """Return the conditions in the bytes of a file, and what is wrong with them.

    `file` is its path relative to the project; `values` are names that already stand for something.
    """
    hint = f"add `{_KEY}:`, or delete it"
    document, is_valid = read_data_file(file, data, _KEY, empty_hint=hint)
    if not is_valid:
        return Conditions({}, document)
    conditions: dict[str, str] = document.value[_KEY]
    sound = {}
    for name, condition in conditions.items():
        before = len(document.diagnostics)
        _check(document, name, condition, values)
        if len(document.diagnostics) == before:
            sound[name] = condition
    for name in _check_loops(document, conditions):
        sound.pop(name, None)
    return Conditions(sound, document)


def _check(
    document: Document,
    name: str,
    condition: str,
    values: Collection[str],
) -> None:
    """Report what is wrong with one condition."""
    if name in values:
        hint = "choose another name for one of the two"
        message = f"`{name}` is a value in segctl.yaml as well"
        document.report("conflicting-names", message, path=(_KEY, name), key=True, hint=hint)
    control = CONTROL.search(condition)
    if control:
        document.report(
            "control-character",
            f"the condition contains the control character U+{ord(control.group()):04X}",
            path=(_KEY, name),
            hint="remove the escape sequence for it",
        )
    check_joined_comments(document, condition, (_KEY, name))
    parsed = parse(query_of_condition(condition), references=True)
    place = document.places[_KEY, name]
    scalar = ScalarMap(document.text, place.offset, place.end_offset, place.style, condition)
    if parsed.query is None:
        for problem in parsed.problems:
            _report(document, scalar, problem)
        return
    if parsed.query.unsupported or parsed.tokens[-1].text == ";":
        document.report(
            "not-a-condition",
            "the text is more than a condition",
            path=(_KEY, name),
            hint="write what follows WHERE, without clauses such as ORDER BY",
        )


def _report(document: Document, scalar: ScalarMap, problem: Problem) -> None:
    start, end = (
        TextMap(document.text).locate(scalar.index(max(0, offset - len(CONDITION_PREFIX))))
        for offset in (problem.start, problem.end)
    )
    span = Span(document.file, *start, *end)
    document.report_at("syntax-error", problem.message, span, hint=problem.hint)


def _check_loops(document: Document, conditions: Mapping[str, str]) -> set[str]:
    """Report each loop once, at the condition that closes it; return the names in loops."""
    in_loops: set[str] = set()
    done: set[str] = set()
    for start in conditions:
        # Without recursion: a chain may be as long as the file.
        path: dict[str, Iterator[str]] = {}
        name = "" if start in done else start
        while name or path:
            if name:
                path[name] = _names_in(conditions[name])
            last = next(reversed(path))
            name = next((other for other in path[last] if other in conditions), "")
            if not name:
                done.add(last)
                del path[last]
            elif name in path or name in done:
                if name in path and name not in in_loops:
                    names = [*path]
                    loop = names[names.index(name) :]
                    in_loops.update(loop)
                    _report_loop(document, loop)
                name = ""
    return in_loops


def _names_in(condition: str) -> Iterator[str]:
    for reference in find_references(condition):
        if isinstance(reference, Reference) and reference.kind is ReferenceKind.NAME:
            yield reference.name


def _report_loop(document: Document, loop: list[str]) -> None:
    first = min(loop, key=lambda name: document.keys[_KEY, name].offset)
    at = loop.index(first)
    names = [*loop[at:], *loop[:at], first]
    shown = names if len(names) <= _MAX_SHOWN else [*names[: _MAX_SHOWN - 2], "…", first]
    document.report(
        "condition-loop",
        f"conditions refer to each other: {' → '.join(shown)}",
        path=(_KEY, first),
        hint="write one of them out",
    )
