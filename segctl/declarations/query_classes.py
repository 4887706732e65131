"""Classes of declared queries: those with the same findings at the same places of their file.

Instances of a file differ in literals only, and rules look at few of their traits, so a thousand
instances often are one class. Parses one query of each. Checks nothing itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from segctl.query.lint.literal_classes import LiteralClasses, literal_tokens, split_operand
from segctl.query.parser.parse import MAX_QUERY_LENGTH, parse

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Sequence

    from segctl.model import Declared
    from segctl.query.parser.parse import ParsedQuery


@dataclass(frozen=True, slots=True, eq=False)
class QueryClass:
    """Queries of one file that no rule can tell apart, with the first of them."""

    representative: Declared
    parsed: ParsedQuery


class Classified(NamedTuple):
    """The class of a query, and its own literals as written, sorted."""

    query_class: QueryClass
    literals: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Template:
    """The classes among the queries with one text around literals."""

    literals: LiteralClasses
    class_by_key: dict[Hashable, QueryClass] = field(default_factory=dict)


class QueryClasses:
    """Finds the class of each declared query.

    `known_lists` are the ids of the account's lists in lower case, `None` where they are not known.
    """

    def __init__(self, known_lists: Collection[str] | None = None) -> None:
        self._known_lists = known_lists
        self._parsed: dict[str, ParsedQuery] = {}
        self._templates: dict[Hashable, _Template] = {}

    def parse(self, query: str) -> ParsedQuery:
        """Return a parsed query; each text is parsed once."""
        parsed = self._parsed.get(query)
        if parsed is None:
            parsed = self._parsed[query] = parse(query)
        return parsed

    def classify(self, segment: Declared) -> Classified:
        """Return the class of a declaration's query, among those of its file."""
        query, splices = segment.segment.query, segment.splices
        if not segment.span.instance or not splices or len(query) > MAX_QUERY_LENGTH:
            parsed = self.parse(query)
            tokens = sorted(token.text for token in literal_tokens(parsed))
            return Classified(QueryClass(segment, parsed), tuple(tokens))
        operands = [split_operand(query[splice.start : splice.end]) for splice in splices]
        shape: Hashable = (
            segment.file,
            tuple([operand.shape for operand in operands]),
            tuple([splice.source_start for splice in splices]),
        )
        literals = [literal for operand in operands for literal in operand.literals]
        template = self._template(shape, segment, literals)
        exact = template.literals.exact
        if exact:
            # What has no class at its place is text like any other.
            shape = shape, tuple([literals[number] for number in exact])
            literals = [text for number, text in enumerate(literals) if number not in exact]
            template = self._template(shape, segment, literals, exact)
        key = template.literals.key(literals)
        query_class = template.class_by_key.get(key)
        if query_class is None:
            query_class = QueryClass(segment, self.parse(query))
            template.class_by_key[key] = query_class
        tokens = [*template.literals.other_literals, *[text.strip("(-)") for text in literals]]
        return Classified(query_class, tuple(sorted(tokens)))

    def _template(
        self,
        shape: Hashable,
        segment: Declared,
        literals: Sequence[str],
        exact: Collection[int] = (),
    ) -> _Template:
        """Return the template of a shape; a new one is read from this segment's query.

        `exact` are the numbers of those of its literals that `literals` lacks.
        """
        template = self._templates.get(shape)
        if template is None:
            query = segment.segment.query
            offsets = [
                splice.start + offset
                for splice in segment.splices
                for offset in split_operand(query[splice.start : splice.end]).offsets
            ]
            offsets = [at for number, at in enumerate(offsets) if number not in exact]
            classes = LiteralClasses(self.parse(query), literals, offsets, self._known_lists)
            template = self._templates[shape] = _Template(classes)
        return template
