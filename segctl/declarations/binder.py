"""The operands in place of the names in one query, and what is wrong with a name, at its place.

What the names stand for is decided by `bindings`, where they come from by `collection`.
"""

from __future__ import annotations

from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from segctl.common.secrets import redact
from segctl.common.suggest import closest_match, did_you_mean
from segctl.declarations.account_names import UnknownName
from segctl.declarations.bindings import BoundQuery
from segctl.declarations.query_source import QuerySource
from segctl.documents.document import excerpt_lines
from segctl.errors import Diagnostic, Severity
from segctl.model.segments import AccountName
from segctl.model.values import ReferenceKind
from segctl.query.conditions import query_of_condition
from segctl.query.parser.operands import string_value
from segctl.query.parser.parse import MAX_QUERY_LENGTH, parse
from segctl.query.references import (
    Reference,
    ReferenceProblem,
    find_references,
    literal,
    replace_references,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from segctl.declarations.bindings import Bindings
    from segctl.documents.document import Document, Path
    from segctl.errors import Span
    from segctl.model.values import Value
    from segctl.query.parser.errors import Problem

MAX_DEPTH = 32
"""How many conditions may lead from a query to another one; the parser ends at 64."""


class _Number(NamedTuple):
    """A number as the argument of a condition has it."""

    sql: str


Argument: TypeAlias = "Value | _Number"
"""What a parameter of a condition stands for."""


class _LimitExceeded(Exception):
    """What a name stands for is too long or too deep, and was reported: the rest would be too."""


_NO_ARGUMENTS: Mapping[str, Argument] = MappingProxyType({})


class Binder:
    """Finds the operand of each reference of a query, and reports in the document what has none.

    The query of a file with instances is bound once for each. `names` are those of all values that
    any instance has. `source` is the place of the query where the file has it under another key.
    """

    def __init__(
        self,
        document: Document,
        file: str,
        text: str,
        bindings: Bindings,
        names: Collection[str] = (),
        *,
        source: QuerySource | None = None,
    ) -> None:
        self._document = document
        self._source = source or QuerySource(document, file, text)
        self._text = text
        self._bindings = bindings
        self._names = names
        self._references_in: dict[str, tuple[Reference | ReferenceProblem, ...]] = {}
        self._literals: dict[tuple[str, bool], str] = {}
        self._own: Mapping[str, Value] = {}
        self._used: set[str] = set()
        self._lacks_names = False
        self._account_names: list[AccountName] = []
        self._conditions: dict[tuple[str, str], str] = {}

    def bound(self, own: Mapping[str, Value]) -> BoundQuery:
        """Return the query with the operands; `own` are the values of the file or the instance."""
        self._own, self._used, self._lacks_names = own, set(), False
        self._literals, self._account_names, self._conditions = {}, [], {}
        try:
            operands = self._operands()
        except _LimitExceeded:
            return BoundQuery(self._text, is_broken=True, is_too_long=True)
        text, replacements = replace_references(self._text, operands)
        if operands and self._problems:
            self._check_operands(text)
        return BoundQuery(
            text,
            replacements,
            tuple(self._account_names),
            frozenset(self._used),
            self._lacks_names or not self._used.isdisjoint(self._bindings.broken),
        )

    def _operands(self) -> list[tuple[Reference, str]]:
        """Return the references of the query that stand for something, with their operands.

        Raises `_LimitExceeded`.
        """
        operands: list[tuple[Reference, str]] = []
        length = 0
        for reference, span in self._places:
            operand = self._operand(reference, span)
            if operand is None:
                continue
            length += len(operand)
            if length > MAX_QUERY_LENGTH:
                # A long list that is used often would fill the memory.
                message = f"with what its names stand for, the query exceeds {MAX_QUERY_LENGTH:,} "
                self._report("query-too-long", f"{message}characters", span, "use fewer names")
                raise _LimitExceeded
            operands.append((reference, operand))
        return operands

    @cached_property
    def _problems(self) -> tuple[Problem, ...]:
        """What is wrong with the text as it is written."""
        return parse(self._text, references=True).problems

    def _check_operands(self, bound: str) -> None:
        """Report what is an error in the text as it is written, and none in the bound one.

        There, an operand became one with what stands beside it: `1@least` is not 1500.
        """
        if parse(bound).query is not None:
            for problem in self._problems:
                span = self._source.span(problem.start, problem.end)
                self._report("syntax-error", problem.message, span, problem.hint)

    @cached_property
    def _places(self) -> tuple[tuple[Reference, Span], ...]:
        """The references of the query with their places; what is wrong with others is reported."""
        places = []
        for reference in self._references(self._text):
            span = self._source.span(reference.start, reference.end)
            if isinstance(reference, ReferenceProblem):
                # Any other word after an @ is left to the parser, as in what an account may hold.
                name = reference.name
                if not name or name in self._bindings.conditions or name in self._bindings.broken:
                    self._report("reference", reference.message, span, reference.hint)
            else:
                places.append((reference, span))
        return tuple(places)

    def _references(self, text: str) -> tuple[Reference | ReferenceProblem, ...]:
        if text not in self._references_in:
            self._references_in[text] = tuple(find_references(text))
        return self._references_in[text]

    def _operand(
        self,
        reference: Reference,
        span: Span,
        depth: int = 0,
        arguments: Mapping[str, Argument] = _NO_ARGUMENTS,
    ) -> str | None:
        """Return the SQL in place of a reference, `None` where it stays.

        `span` is the place in the query, `depth` how many conditions lead to the reference, and
        `arguments` are those of the condition that it is in.
        """
        name = reference.name
        if reference.kind is not ReferenceKind.NAME:
            return self._id(reference, span, arguments)
        value = self._value(name, arguments)
        if value is not None:
            return self._literal(reference, value, span, is_argument=name in arguments)
        if name in self._bindings.conditions:
            self._used.add(name)
            return self._condition(reference, span, depth + 1, arguments)
        if name in self._bindings.broken:
            self._used.add(name)
        elif reference.kind in self._bindings.unread:
            self._lacks_names = True
        else:
            self._report_unknown(name, span)
        return None

    def _literal(
        self, reference: Reference, value: Argument, span: Span, *, is_argument: bool
    ) -> str | None:
        """Return a value as SQL."""
        name, after_in = reference.name, reference.after_in
        if reference.arguments is not None:
            message = f"`@{name}` is a value, which has no arguments"
            self._report("arguments", message, span, f"write @{name}")
            return None
        if isinstance(value, _Number):
            return value.sql
        if is_argument:
            return literal(value, after_in=after_in)
        if (name, after_in) not in self._literals:
            self._literals[name, after_in] = literal(value, after_in=after_in)
        return self._literals[name, after_in]

    def _report_unknown(self, name: str, span: Span) -> None:
        """Report a name that stands for nothing, unless only the parser knows that it is one."""
        known = {*self._own, *self._bindings.values, *self._bindings.conditions}
        meant = closest_match(name, known)
        if name in self._names:
            message = f"the value `@{name}` is missing"
            self._report("unknown-name", message, span, "add it to this instance, or to `values`")
        elif meant:
            # Any other word after an @ is left to the parser, as in what an account may hold.
            message = f"unknown value or condition `@{name}`"
            self._report("unknown-name", message, span, f"did you mean `@{meant}`?")

    def _value(self, name: str, arguments: Mapping[str, Argument]) -> Argument | None:
        """Return what a name stands for where it is a value, the nearest one."""
        if name in arguments:
            return arguments[name]
        value = self._own.get(name, self._bindings.values.get(name))
        if value is not None:
            self._used.add(name)
        return value

    def _id(
        self, reference: Reference, span: Span, arguments: Mapping[str, Argument]
    ) -> str | None:
        noun, name = reference.kind.noun, reference.name
        if reference.by_value:
            value = self._value(name, arguments)
            if value is None and ReferenceKind.NAME in self._bindings.unread:
                self._lacks_names = True
                return None
            if not isinstance(value, str):
                is_unknown = value is None
                message = f"`@{name}` must be a value with the name of a {noun}"
                known = (*self._own, *self._bindings.values)
                hint = did_you_mean(name, known, "add it to `values`") if is_unknown else ""
                code = "unknown-name" if is_unknown else "bad-value"
                self._report(code, message, span, hint or f"write a {noun}'s name in quotes there")
                return None
            name = value
        try:
            id_ = self._bindings.account.find(reference.kind, name)
        except UnknownName as error:
            if reference.kind in self._bindings.unread:
                self._lacks_names = True
                return None
            message, hint = error.args
            self._report("unknown-name", message, span, hint)
            return None
        self._account_names.append(AccountName(noun, name, id_, span))
        return literal(id_)

    def _condition(
        self, reference: Reference, span: Span, depth: int, outer: Mapping[str, Argument]
    ) -> str | None:
        """Return a condition in parentheses, with what its own references stand for.

        Raises `_LimitExceeded`.
        """
        name, (text, parameters) = reference.name, self._bindings.conditions[reference.name]
        arguments = self._arguments(reference, parameters, span, outer)
        if arguments is None:
            return None
        # As keys of a mapping, 1 and 1.0 are equal.
        key = name, repr(arguments) if arguments else ""
        if key in self._conditions:
            return self._conditions[key]
        if depth > MAX_DEPTH:
            message = f"conditions are nested more than {MAX_DEPTH} levels deep"
            self._report("too-deep", message, span, "write some of them out")
            raise _LimitExceeded
        operands = []
        length = 0
        for inner in self._references(text):
            if isinstance(inner, Reference):
                operand = self._operand(inner, span, depth, arguments)
                if operand is not None:
                    operands.append((inner, operand))
                    length += len(operand)
            if length > MAX_QUERY_LENGTH:
                # Conditions that use others twice each grow without limit, and the arguments of
                # each may differ: what is too long for one must not be worked out for the next.
                message = f"`@{name}` stands for more than {MAX_QUERY_LENGTH:,} characters"
                self._report("query-too-long", message, span, "use fewer conditions")
                raise _LimitExceeded
        bound, _ = replace_references(text, operands)
        # A comment to the end of the line would swallow the parenthesis.
        self._conditions[key] = f"({bound}\n)" if "--" in bound else f"({bound})"
        return self._conditions[key]

    def _arguments(
        self,
        reference: Reference,
        parameters: tuple[str, ...],
        span: Span,
        outer: Mapping[str, Argument],
    ) -> Mapping[str, Argument] | None:
        """Return the arguments of a condition by its parameters; `None` where they do not fit.

        `outer` are those of the condition that refers to it.
        """
        written = reference.arguments or ()
        if len(written) != len(parameters):
            list_of = f"({', '.join(parameters)})"
            needed = f"the arguments {list_of}" if parameters else "no arguments"
            message = f"`@{reference.name}` must have {needed}, got {len(written)}"
            hint = f"write @{reference.name}"
            hint += f"{list_of} with a value for each" if parameters else ""
            self._report("arguments", message, span, hint)
            return None
        arguments: dict[str, Argument] = {}
        for parameter, text in zip(parameters, written, strict=True):
            argument: Argument | None = _Number(text)
            if text.startswith("'"):
                argument = string_value(text[1:-1])
            elif text.startswith("@"):
                argument = self._value(text[1:], outer)
                if argument is None:
                    self._report_argument(text[1:], span, outer)
                    return None
            if argument is not None:
                arguments[parameter] = argument
        return arguments

    def _report_argument(self, name: str, span: Span, outer: Mapping[str, Argument]) -> None:
        if ReferenceKind.NAME in self._bindings.unread:
            self._lacks_names = True
            return
        known = [*outer, *self._own, *self._bindings.values]
        hint = did_you_mean(name, known, "arguments are strings, numbers and values")
        self._report("unknown-name", f"unknown value `@{name}`", span, hint)

    def _report(self, code: str, message: str, span: Span, hint: str) -> None:
        if self._source.own_file:
            line = excerpt_lines(self._source.text)[span.line - 1]
            problem = Diagnostic(code, Severity.ERROR, redact(message), span, redact(hint), line)
            self._document.diagnostics.append(problem)
        else:
            self._document.report_at(code, message, span, hint=hint)


def bind_condition(
    document: Document, text: str, path: Path, bindings: Bindings
) -> tuple[BoundQuery, QuerySource]:
    """Return a condition as the query of all its contacts, bound, and the source of that query.

    `text` is the condition as the file has it at `path`. What is wrong with its names is reported.
    """
    source = QuerySource.of_condition(document, text, path)
    query = query_of_condition(text)
    bound = Binder(document, document.file, query, bindings, source=source).bound({})
    return bound, QuerySource.of_condition(document, text, path, bound.splices)
