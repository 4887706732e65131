"""Audiences in plain English. Offline, without a key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.app.account_file import read_known_account
from segctl.app.list_names import recorded_list_names
from segctl.app.selection import select_declared
from segctl.declarations.account_file import column_types
from segctl.query.explain import explain
from segctl.query.parser.parse import parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from segctl.app.project import Project
    from segctl.model import Declared

UNREADABLE = "segctl cannot read this query; run `segctl validate` to see why."


@dataclass(frozen=True, slots=True)
class Explanation:
    """A declared segment, and who is in it, as text of several lines."""

    declared: Declared
    text: str


def explain_segments(project: Project, names: Sequence[str] = ()) -> Iterator[Explanation]:
    """Yield an explanation of each segment whose name or file matches; of all, without `names`.

    The types of the account's own fields and the names of lists are those in the file of the
    account; without one, they are unknown. Raises `InvalidInput`, and `UsageError` for a name that
    matches no segment.
    """
    known, _ = read_known_account(project)
    fields = column_types((*known.reserved, *known.custom)) if known else {}
    lists = recorded_list_names(project)
    for declared in select_declared(project, names):
        query = parse(declared.segment.query).query
        parents = declared.segment.parent_list_ids
        text = UNREADABLE
        if query is not None:
            text = explain(query, lists=lists, parents=parents, fields=fields)
        yield Explanation(declared, text)
