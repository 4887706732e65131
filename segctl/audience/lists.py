"""Which contact lists a segment speaks of: those whose members must be known to count its contacts.

Pure. A query that cannot be read speaks of none here: what is wrong with it is said elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.query import tree
from segctl.query.parse import parse
from segctl.query.walking import walk
from segctl.query.words import lower

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LIST_IDS = "list_ids"


def lists_of(query: str | None, parent_list_ids: Sequence[str] = ()) -> Iterator[str]:
    """Yield the ids of its parent lists and of those in its query, each as often as it stands."""
    yield from parent_list_ids
    parsed = None if query is None or LIST_IDS not in query.lower() else parse(query).query
    for node in walk(parsed) if parsed is not None else ():
        if isinstance(node, tree.Call):
            inside = [part for argument in node.args for part in walk(argument)]
            columns = {lower(one.name.text) for one in inside if isinstance(one, tree.Column)}
            if LIST_IDS in columns:
                yield from (one.value for one in inside if isinstance(one, tree.String))
