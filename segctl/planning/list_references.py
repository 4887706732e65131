"""Which contact lists a segment or a plan speaks of.

Those of a segment must be known to count its contacts; those of a plan are shown by their names.
Pure. A query that cannot be read speaks of none here: what is wrong with it is said elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.query import ast
from segctl.query.parser.parse import parse
from segctl.query.parser.tokens import lower
from segctl.query.visit import walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from segctl.model import Change, Segment

LIST_IDS = "list_ids"


def list_ids_of(query: str | None, parent_list_ids: Sequence[str] = ()) -> Iterator[str]:
    """Yield the ids of its parent lists and of those in its query, each as often as it stands.

    The query may be a v1 segment's, in SGQL.
    """
    yield from parent_list_ids
    for node in walk(parsed) if (parsed := _read(query)) is not None else ():
        if isinstance(node, ast.Call):
            inside = [part for argument in node.args for part in walk(argument)]
            columns = {lower(one.name.text) for one in inside if isinstance(one, ast.Column)}
            if LIST_IDS in columns:
                yield from (one.value for one in inside if isinstance(one, ast.String))


def _read(query: str | None) -> ast.Query | ast.Expression | None:
    """Read a query where it can speak of lists, in the one language or in the other."""
    if query is None or LIST_IDS not in query.lower():
        return None
    found = parse(query).query
    if found is None:
        from segctl.sgql.parse import parse as parse_sgql  # noqa: PLC0415 - seldom one of v1

        return parse_sgql(query).condition
    return found


def definitions_of(change: Change) -> Iterator[Segment]:
    """Yield what is there before and after a change, as far as there is anything."""
    for one in (getattr(change, "before", None), getattr(change, "after", None)):
        if one is not None:
            yield one


def list_ids_in(changes: Iterable[Change]) -> Iterator[str]:
    """Yield the ids of the lists that changes speak of, before and after, as `lists_of` does."""
    for change in changes:
        for one in definitions_of(change):
            yield from list_ids_of(one.query, one.parent_list_ids)
