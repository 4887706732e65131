"""`conditions.yaml`: conditions with names, for the queries of segment files.

Reads the file, and checks each condition where it stands. What its names stand for depends on the
segment file that uses it (`bindings`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from segctl.declarations.joined_comments import check_joined_comments
from segctl.declarations.query_source import QuerySource
from segctl.documents.data_files import read_data_file
from segctl.documents.document import span_of
from segctl.errors import Diagnostic, Severity
from segctl.model.values import CONTROL, ReferenceKind
from segctl.query.conditions import query_of_condition
from segctl.query.parser.parse import parse
from segctl.query.references import Reference, find_references

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from segctl.documents.document import Document, Path
    from segctl.query.parser.errors import Problem

KEY = "conditions"
"""The key of the file that has them."""

_MAX_SHOWN = 10


class Condition(NamedTuple):
    """A condition as SQL, and the names that its arguments have in it."""

    text: str
    parameters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Conditions:
    """The conditions of a file by name: `sound` are those in which nothing is wrong.

    `keys` are those of the file, with parameters, by the names of conditions. The document has
    everything that is wrong.
    """

    sound: Mapping[str, Condition]
    document: Document
    keys: Mapping[str, str] = field(default_factory=dict)

    @property
    def broken(self) -> frozenset[str]:
        """The names of the others, as far as the file could be read."""
        return frozenset(self.keys) - self.sound.keys()

    @property
    def is_unread(self) -> bool:
        """Whether the file has an error that hides which conditions there are."""
        return bool(self.document.diagnostics) and not self.keys

    def unused(self, used: Collection[str]) -> Iterator[Diagnostic]:
        """Yield a warning for each condition that no query uses; none for a file with errors."""
        for name in self.keys.keys() - {*used} if not self.document.diagnostics else ():
            place = self.document.keys[KEY, self.keys[name]]
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
    hint = f"add `{KEY}:`, or delete it"
    document, is_valid = read_data_file(file, data, KEY, empty_hint=hint)
    if not is_valid:
        return Conditions({}, document)
    keys: dict[str, str] = {}
    conditions: dict[str, Condition] = {}
    broken = set()
    for key, text in document.value[KEY].items():
        name, _, parameters = key.removesuffix(")").partition("(")
        before = len(document.diagnostics)
        condition = Condition(text, tuple(parameters.split(", ")) if parameters else ())
        if name in keys:
            message = f"duplicate condition `{name}`"
            document.report("duplicate-name", message, path=(KEY, key), key=True, hint="rename it")
            continue
        keys[name], conditions[name] = key, condition
        _check(document, name, key, condition, values)
        if len(document.diagnostics) > before:
            broken.add(name)
    broken |= _check_loops(document, conditions, keys)
    sound = {name: condition for name, condition in conditions.items() if name not in broken}
    return Conditions(sound, document, keys)


def _check(
    document: Document, name: str, key: str, condition: Condition, values: Collection[str]
) -> None:
    """Report what is wrong with one condition."""
    text, parameters = condition
    path = (KEY, key)
    if name in values:
        hint = "choose another name for one of the two"
        message = f"`{name}` is a value in segctl.yaml as well"
        document.report("conflicting-names", message, path=path, key=True, hint=hint)
    used = {*_names_in(condition, with_parameters=True)}
    for parameter in dict.fromkeys(parameters):
        if parameters.count(parameter) > 1:
            message, hint = f"duplicate parameter `{parameter}`", "remove one of the two"
            document.report("duplicate-name", message, path=path, key=True, hint=hint)
        elif parameter not in used:
            message = f"the condition does not use its parameter `{parameter}`"
            hint = f"write @{parameter} in it, or remove it"
            document.report("unused-value", message, path=path, key=True, hint=hint)
    check_condition(document, text, path)


def check_condition(document: Document, text: str, path: Path) -> None:
    """Report what is wrong with the text of a condition, whatever its names stand for."""
    control = CONTROL.search(text)
    if control:
        document.report(
            "control-character",
            f"the condition contains the control character U+{ord(control.group()):04X}",
            path=path,
            hint="remove the escape sequence for it",
        )
    check_joined_comments(document, text, path)
    parsed = parse(query_of_condition(text), references=True)
    if parsed.query is None:
        report_syntax_errors(
            document, parsed.problems, QuerySource.of_condition(document, text, path)
        )
        return
    if parsed.query.unsupported or parsed.tokens[-1].text == ";":
        document.report(
            "not-a-condition",
            "the text is more than a condition",
            path=path,
            hint="write what follows WHERE, without clauses such as ORDER BY",
        )


def report_syntax_errors(
    document: Document, problems: Iterable[Problem], source: QuerySource
) -> None:
    """Report what is wrong with a condition at its places in the file."""
    for problem in problems:
        span = source.span(problem.start, problem.end)
        document.report_at("syntax-error", problem.message, span, hint=problem.hint)


def _check_loops(
    document: Document, conditions: Mapping[str, Condition], keys: Mapping[str, str]
) -> set[str]:
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
                    _report_loop(document, loop, keys)
                name = ""
    return in_loops


def _names_in(condition: Condition, *, with_parameters: bool = False) -> Iterator[str]:
    """Yield the names that a condition uses, in arguments as well."""
    for reference in find_references(condition.text):
        if not isinstance(reference, Reference):
            continue
        arguments = (text[1:] for text in reference.arguments or () if text.startswith("@"))
        is_named = reference.kind is ReferenceKind.NAME or reference.by_value
        for name in (*((reference.name,) if is_named else ()), *arguments):
            if with_parameters or name not in condition.parameters:
                yield name


def _report_loop(document: Document, loop: list[str], keys: Mapping[str, str]) -> None:
    first = min(loop, key=lambda name: document.keys[KEY, keys[name]].offset)
    at = loop.index(first)
    names = [*loop[at:], *loop[:at], first]
    shown = names if len(names) <= _MAX_SHOWN else [*names[: _MAX_SHOWN - 2], "…", first]
    document.report(
        "condition-loop",
        f"conditions refer to each other: {' → '.join(shown)}",
        path=(KEY, keys[first]),
        hint="write one of them out",
    )
