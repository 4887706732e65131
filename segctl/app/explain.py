"""Audiences in plain English. Offline, without a key."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.app.account_file import read_known_account
from segctl.app.list_names import recorded_list_names
from segctl.app.selection import select_declared, sound_declarations
from segctl.common.suggest import did_you_mean
from segctl.declarations.account_file import column_types
from segctl.errors import UsageError
from segctl.query.explain import explain
from segctl.query.parser.parse import parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from segctl.app.project import Project
    from segctl.declarations.condition_linter import BoundCondition
    from segctl.errors import Span

_OPEN_NAME = re.compile("(?:the same as )?their “(@[a-z0-9_]+)”")

UNREADABLE = "segctl cannot read this query; run `segctl validate` to see why."


@dataclass(frozen=True, slots=True)
class Explanation:
    """The name of a segment or a condition, its place, and who is in it, in several lines."""

    name: str
    span: Span
    text: str


def explain_segments(project: Project, names: Sequence[str] = ()) -> Iterator[Explanation]:
    """Yield an explanation of each segment whose name or file matches; of all, without `names`.

    A name such as `@consented` is that of a condition; they come first.

    The types of the account's own fields and the names of lists are those in the file of the
    account; without one, they are unknown. Raises `InvalidInput`, and `UsageError` for a name that
    matches no segment.
    """
    known, _ = read_known_account(project)
    fields = column_types((*known.reserved, *known.custom)) if known else {}
    lists = recorded_list_names(project)
    wanted = [name[1:] for name in names if name.startswith("@")]
    for condition in _conditions(project, wanted) if wanted else ():
        text = explain(condition.query, lists=lists, fields=fields)
        # What has no value before the condition is used is no column of a contact.
        text = _OPEN_NAME.sub(r"\1", text)
        yield Explanation(f"@{condition.name}", condition.span, text)
    names = [name for name in names if not name.startswith("@")]
    if wanted and not names:
        return
    for declared in select_declared(project, names):
        query = parse(declared.segment.query).query
        parents = declared.segment.parent_list_ids
        text = UNREADABLE
        if query is not None:
            text = explain(query, lists=lists, parents=parents, fields=fields)
        yield Explanation(declared.name, declared.span, text)


def _conditions(project: Project, names: Sequence[str]) -> list[BoundCondition]:
    """Return the conditions with these names. Raises `UsageError` for one that does not exist."""
    from segctl.declarations.condition_linter import bind_conditions  # noqa: PLC0415 - if asked

    declarations = sound_declarations(project)
    conditions = declarations.conditions
    bound_conditions = (
        () if conditions is None else bind_conditions(conditions, declarations.bindings)
    )
    bound = {condition.name: condition for condition in bound_conditions}
    for name in names:
        if name not in bound:
            raise UsageError(
                f"condition `@{name}` not found",
                hint=did_you_mean(name, bound, "conditions are in conditions.yaml"),
            )
    return [bound[name] for name in dict.fromkeys(names)]
