"""The operands in place of the names in one query, and what is wrong with a name, at its place.

What the names stand for is decided by `bindings`, where they come from by `collection`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.common.secrets import redact
from segctl.common.suggest import closest_match
from segctl.declarations.account_names import UnknownName
from segctl.declarations.bindings import BoundQuery
from segctl.declarations.query_source import QuerySource
from segctl.documents.document import excerpt_lines
from segctl.errors import Diagnostic, Severity, Span
from segctl.model.segments import AccountName, Splice
from segctl.model.values import VALUES, ReferenceKind
from segctl.query.parser.parse import MAX_QUERY_LENGTH, parse
from segctl.query.references import (
    Reference,
    ReferenceProblem,
    find_references,
    literal,
    replace_references,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from segctl.declarations.bindings import Bindings
    from segctl.documents.document import Document
    from segctl.model.values import Value

MAX_DEPTH = 32
"""How many conditions may lead from a query to another one; the parser ends at 64."""


class Binder:
    """Finds the operand of each reference of one query, and reports in the document what has none.

    `own` are the values of the segment file.
    """

    def __init__(
        self,
        document: Document,
        file: str,
        text: str,
        bindings: Bindings,
        own: Mapping[str, Value],
    ) -> None:
        self._document = document
        self._source = QuerySource(document, file, text)
        self._text = text
        self._bindings = bindings
        self._own = own
        self._used: set[str] = set()
        self._lacks_names = False
        self._literals: dict[tuple[str, bool], str] = {}
        self._account_names: list[AccountName] = []
        self._conditions: dict[str, str | None] = {}

    def bound(self) -> BoundQuery:
        """Return the query with the operands; report the values of the file that are not used."""
        diagnostics = self._document.diagnostics
        before = len(diagnostics)
        operands: list[tuple[Reference, str]] = []
        length = 0
        for reference, span in self._references():
            operand = self._operand(reference, span)
            if operand is None:
                continue
            length += len(operand)
            if length > MAX_QUERY_LENGTH:
                # A long list that is used often would fill the memory.
                message = f"with what its names stand for, the query exceeds {MAX_QUERY_LENGTH:,} "
                self._report("query-too-long", f"{message}characters", span, "use fewer names")
                return BoundQuery(self._text, is_broken=True)
            operands.append((reference, operand))
        text, replacements = replace_references(self._text, operands)
        if operands:
            self._check_operands(text)
        # A misspelt name is reported once.
        unused = self._own.keys() - self._used if len(diagnostics) == before else ()
        for name in sorted(unused):
            message = f"the query does not use the value `{name}`"
            hint = f"write @{name} in the query, or remove it"
            self._document.report("unused-value", message, path=(VALUES, name), hint=hint)
        return BoundQuery(
            text,
            tuple(Splice(*replacement) for replacement in replacements),
            tuple(self._account_names),
            frozenset(self._used),
            self._lacks_names or not self._used.isdisjoint(self._bindings.broken),
        )

    def _check_operands(self, bound: str) -> None:
        """Report what is an error in the text as it is written, and none in the bound one.

        There, an operand became one with what stands beside it: `1@least` is not 1500.
        """
        problems = parse(self._text, references=True).problems
        if problems and parse(bound).query is not None:
            for problem in problems:
                span = self._span(problem.start, problem.end)
                self._report("syntax-error", problem.message, span, problem.hint)

    def _span(self, start: int, end: int) -> Span:
        first, last = self._source.range(start, end)
        return Span(self._source.file, *self._source.place(first), *self._source.place(last))

    def _references(self) -> Iterator[tuple[Reference, Span]]:
        """Yield the references of the query with their places."""
        for reference in find_references(self._text):
            span = self._span(reference.start, reference.end)
            if isinstance(reference, ReferenceProblem):
                self._report("reference", reference.message, span, reference.hint)
            else:
                yield reference, span

    def _operand(self, reference: Reference, span: Span, depth: int = 0) -> str | None:
        """Return the SQL in place of a reference, `None` where it stays.

        `span` is the place in the query, `depth` how many conditions lead to the reference.
        """
        name = reference.name
        if reference.kind is not ReferenceKind.NAME:
            return self._id(reference, span)
        value = self._own.get(name, self._bindings.values.get(name))
        if value is not None:
            self._used.add(name)
            key = name, reference.after_in
            if key not in self._literals:
                self._literals[key] = literal(value, after_in=reference.after_in)
            return self._literals[key]
        if name in self._bindings.conditions:
            self._used.add(name)
            if name not in self._conditions:
                self._conditions[name] = self._condition(name, span, depth + 1)
            return self._conditions[name]
        if name in self._bindings.broken:
            self._used.add(name)
            return None
        if reference.kind in self._bindings.unread:
            self._lacks_names = True
            return None
        known = {*self._own, *self._bindings.values, *self._bindings.conditions}
        meant = closest_match(name, known)
        if meant:
            # Any other word after an @ is left to the parser, as in what an account may hold.
            message = f"unknown value or condition `@{name}`"
            self._report("unknown-name", message, span, f"did you mean `@{meant}`?")
        return None

    def _id(self, reference: Reference, span: Span) -> str | None:
        try:
            id_ = self._bindings.account.find(reference.kind, reference.name)
        except UnknownName as error:
            if reference.kind in self._bindings.unread:
                self._lacks_names = True
                return None
            message, hint = error.args
            self._report("unknown-name", message, span, hint)
            return None
        noun = reference.kind.noun
        self._account_names.append(AccountName(noun, reference.name, id_, span))
        return literal(id_)

    def _condition(self, name: str, span: Span, depth: int) -> str | None:
        """Return a condition in parentheses, with what its own references stand for."""
        text = self._bindings.conditions[name].strip()
        operands = []
        if depth > MAX_DEPTH:
            message = f"conditions are nested more than {MAX_DEPTH} levels deep"
            self._report("too-deep", message, span, "write some of them out")
            return None
        for reference in find_references(text):
            if isinstance(reference, Reference):
                operand = self._operand(reference, span, depth)
                if operand is not None:
                    operands.append((reference, operand))
        if sum(len(operand) for _, operand in operands) > MAX_QUERY_LENGTH:
            # Conditions that use others twice each grow without limit.
            message = f"`@{name}` stands for more than {MAX_QUERY_LENGTH:,} characters"
            self._report("query-too-long", message, span, "use fewer conditions")
            return None
        bound, _ = replace_references(text, operands)
        # A comment to the end of the line would swallow the parenthesis.
        return f"({bound}\n)" if "--" in bound else f"({bound})"

    def _report(self, code: str, message: str, span: Span, hint: str) -> None:
        if self._source.own_file:
            line = excerpt_lines(self._source.text)[span.line - 1]
            problem = Diagnostic(code, Severity.ERROR, redact(message), span, redact(hint), line)
            self._document.diagnostics.append(problem)
        else:
            self._document.report_at(code, message, span, hint=hint)
