"""The contact lists that a segment or a plan refers to.

A segment's lists must be known to count its contacts; a plan's lists are shown by name. Pure. A
query that cannot be parsed refers to no list: its errors are reported elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.query import ast
from segctl.query.list_ids import LIST_IDS
from segctl.query.parser.parse import parse
from segctl.query.parser.tokens import lower
from segctl.query.visit import walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from segctl.model import Change, Segment


def list_ids_of(query: str | None, parent_list_ids: Sequence[str] = ()) -> Iterator[str]:
    """Yield the ids of the parent lists and of the lists in a query, with repetitions.

    The query may be that of a v1 segment, in SGQL.
    """
    yield from parent_list_ids
    parsed = _parse(query)
    for node in walk(parsed) if parsed is not None else ():
        if isinstance(node, ast.Call):
            inside = [part for argument in node.args for part in walk(argument)]
            columns = {lower(part.name.text) for part in inside if isinstance(part, ast.Column)}
            if LIST_IDS in columns:
                yield from (part.value for part in inside if isinstance(part, ast.String))


def _parse(query: str | None) -> ast.Query | ast.Expression | None:
    """Return the tree of a query that can refer to lists, in SQL or in SGQL."""
    if query is None or LIST_IDS not in query.lower():
        return None
    parsed = parse(query).query
    if parsed is None:
        from segctl.sgql.parse import parse as parse_sgql  # noqa: PLC0415 - few queries are v1

        return parse_sgql(query).condition
    return parsed


def definitions_of(change: Change) -> Iterator[Segment]:
    """Yield the definitions before and after a change, where it has them."""
    for definition in (getattr(change, "before", None), getattr(change, "after", None)):
        if definition is not None:
            yield definition


def list_ids_in(changes: Iterable[Change]) -> Iterator[str]:
    """Yield the ids of the lists that changes refer to, before and after, with repetitions."""
    for change in changes:
        for definition in definitions_of(change):
            yield from list_ids_of(definition.query, definition.parent_list_ids)
