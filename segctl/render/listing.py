"""The account's segments and lists as a table and as JSON. Does not read the account."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from itertools import compress
from typing import TYPE_CHECKING, Any

from segctl.model import Validation
from segctl.planfile.to_json import automation_json, document_header
from segctl.planning.references import describe_use
from segctl.render.lists import format_lists
from segctl.render.table import table_text
from segctl.render.terminal import cells, clean

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from segctl.model import Remote, TargetRef
    from segctl.model.automations import Automation
    from segctl.model.contact_fields import ContactList, ListNames
    from segctl.model.single_sends import SingleSend


@dataclass(frozen=True, slots=True)
class ListingRow:
    """A segment of the account, and whether a file declares it (`None`: unknown).

    `is_ours`: no file declares it, but git history shows that one did. `sends` are the Single Sends
    that use it, `None` where they were not read; `automations` likewise.
    """

    remote: Remote
    managed: bool | None
    is_ours: bool = False
    sends: tuple[SingleSend, ...] | None = None
    automations: tuple[Automation, ...] | None = None


_OPTIONAL = ("ID", "NEXT COUNT", "REFRESHES")
"""The columns that a narrow terminal does without, the first one first."""

_WRAPPED = ("NAME", "VALIDATION", "PARENT LIST", "USED BY")
"""The columns whose cells may take more lines than one."""

_ENOUGH = 30
"""Columns of a terminal for a cell of these, for which no other column is left out."""


def hidden_columns(
    rows: Sequence[ListingRow], lists: ListNames, width: int | None
) -> tuple[str, ...]:
    """Return the heads of the columns for which a terminal of this width has no room."""
    for number in range(len(_OPTIONAL)):
        hidden = _OPTIONAL[:number]
        if width is None or _needed_width(*_cells(rows, lists, hidden)) <= width:
            return hidden
    return _OPTIONAL


def _needed_width(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> int:
    columns = zip(heads, *lines, strict=True)
    widest = [max(map(cells, column)) for column in columns]
    needed = (
        min(size, max(_ENOUGH, len(head))) if head in _WRAPPED else size
        for head, size in zip(heads, widest, strict=True)
    )
    return sum(needed) + 2 * (len(heads) - 1)


def listing_text(
    rows: Sequence[ListingRow], lists: ListNames, *, width: int | None, color: bool
) -> str:
    """Return the table; no cell is cut.

    `lists` are the names of the parent lists. `width` is the terminal's: the hidden columns are
    left out, with the ids those of lists that have a name, and long cells are wrapped. `None` keeps
    everything, a segment on a line.
    """
    heads, lines = _cells(rows, lists, hidden_columns(rows, lists, width))
    return table_text(heads, lines, right={"CONTACTS"}, color=color, width=width, wrapped=_WRAPPED)


def _cells(
    rows: Sequence[ListingRow], lists: ListNames, hidden: Collection[str]
) -> tuple[list[str], list[tuple[str, ...]]]:
    """Return the heads and the lines of the table without the hidden columns."""
    heads = ["NAME", "MANAGED", "CONTACTS", "VALIDATION", "PARENT LIST", "REFRESHES", "NEXT COUNT"]
    if any(row.sends is not None for row in rows):
        heads.append("USED BY")
    heads.append("ID")
    shown = [head not in hidden for head in heads]
    lines = (_row_cells(row, lists, ids="ID" not in hidden) for row in rows)
    return [*compress(heads, shown)], [tuple(compress(line, shown)) for line in lines]


def listing_json(
    rows: Sequence[ListingRow],
    lists: ListNames,
    target: TargetRef,
    generated_at: str,
    not_checked: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Return the segments as JSON data.

    `not_checked` is what may use them although it was not read, `None` where no references were.
    """
    return {
        **document_header(generated_at),
        "target": dataclasses.asdict(target),
        "segments": [_row_entry(row) for row in rows],
        "lists": dict(lists),
        "not_checked": None if not_checked is None else list(not_checked),
    }


def _row_cells(row: ListingRow, lists: ListNames, *, ids: bool) -> tuple[str, ...]:
    remote = row.remote
    managed = "ours" if row.is_ours else {True: "yes", False: "no", None: "?"}[row.managed]
    validation = remote.validation.value.lower()
    if remote.validation_error:
        validation += f": {remote.validation_error}"
    refreshes = "-"
    if remote.refreshes_used is not None:
        refreshes = str(remote.refreshes_used)
        if remote.max_refreshes is not None:
            refreshes += f"/{remote.max_refreshes}"
    used_by = () if row.sends is None else (_used_by(row),)
    return (
        clean(remote.name),
        "v1" if remote.is_v1 else managed,
        "-" if remote.contacts_count is None else f"{remote.contacts_count:,}",
        "-" if remote.validation is Validation.UNKNOWN else clean(validation),
        _parents(remote, lists, ids=ids) or "-",
        refreshes,
        clean(remote.next_sample_update or "-"),
        *used_by,
        clean(remote.id),
    )


def _parents(remote: Remote, lists: ListNames, *, ids: bool) -> str:
    if ids:
        return format_lists(remote.parent_list_ids, lists)
    return ", ".join(
        clean(name) if (name := lists.get(list_id.lower())) else format_lists((list_id,), lists)
        for list_id in remote.parent_list_ids
    )


def _used_by(row: ListingRow) -> str:
    uses = [f"{send.name} ({send.status})" for send in row.sends or ()]
    uses += [
        f"{automation.name} (automation, {describe_use(automation, row.remote.id)})"
        for automation in row.automations or ()
    ]
    return clean(", ".join(uses)) or "-"


def _row_entry(row: ListingRow) -> dict[str, Any]:
    remote = row.remote
    return {
        "id": remote.id,
        "name": remote.name,
        "managed": row.managed,
        "ours": row.is_ours,
        "single_sends": (
            None
            if row.sends is None
            else [{"id": send.id, "name": send.name, "status": send.status} for send in row.sends]
        ),
        "automations": (
            None
            if row.automations is None
            else [
                automation_json(automation.limited_to([remote.id]))
                for automation in row.automations
            ]
        ),
        "v1": remote.is_v1,
        "contacts_count": remote.contacts_count,
        "query_validation": remote.validation.value,
        "error_message": remote.validation_error or None,
        "parent_list_ids": list(remote.parent_list_ids),
        "refreshes_used": remote.refreshes_used,
        "max_refreshes": remote.max_refreshes,
        "created_at": remote.created_at,
        "updated_at": remote.updated_at,
        "sample_updated_at": remote.sample_updated_at,
        "next_sample_update": remote.next_sample_update,
    }


def contact_lists_text(
    lists: Sequence[ContactList], *, width: int | None = None, color: bool
) -> str:
    """Return the contact lists as a table; for a terminal of this width, names are wrapped."""
    rows = (
        (
            clean(item.name),
            "-" if item.contacts_count is None else f"{item.contacts_count:,}",
            clean(item.id),
        )
        for item in lists
    )
    return table_text(
        ["NAME", "CONTACTS", "ID"],
        rows,
        right={"CONTACTS"},
        color=color,
        width=width,
        wrapped={"NAME"},
    )


def contact_lists_json(
    lists: Sequence[ContactList], target: TargetRef, generated_at: str
) -> dict[str, Any]:
    """Return the contact lists as JSON data."""
    return {
        **document_header(generated_at),
        "target": dataclasses.asdict(target),
        "lists": [dataclasses.asdict(contact_list) for contact_list in lists],
    }
