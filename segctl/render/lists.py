"""Contact lists by id and name, for every view.

Does not look names up: where a name is unknown, only the id is shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.render.terminal import clean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from segctl.model import Segment
    from segctl.model.contact_fields import ListNames


def list_name(list_id: str, names: ListNames) -> str:
    """Return the name of a list, or that it does not exist; empty where it is unknown."""
    key = list_id.lower()
    if key not in names:
        return ""
    name = names[key]
    return "(no such list)" if name is None else f"“{clean(name)}”"


def format_lists(ids: Iterable[str], names: ListNames, separator: str = ", ") -> str:
    """Return lists in a row, each by its id and its name."""
    return separator.join(
        f"{clean(list_id)} {list_name(list_id, names)}".rstrip() for list_id in ids
    )


def lists_in_text(lines: Iterable[str], names: ListNames) -> str:
    """Return the known lists whose ids are in a text, in a row; empty where there are none."""
    text = "\n".join(lines).lower()
    return format_lists([list_id for list_id in names if list_id in text], names)


def lists_in_queries(segments: Iterable[Segment], names: ListNames) -> tuple[str, ...]:
    """Return the ids in these segments' queries whose names are known, without duplicates.

    A query is shown unchanged, so the names are shown next to it.
    """
    if not names:
        return ()
    from segctl.planning.list_references import list_ids_of  # noqa: PLC0415 - query.ast: 30 ms

    list_ids = dict.fromkeys(
        list_id.lower() for segment in segments for list_id in list_ids_of(segment.query)
    )
    return tuple(list_id for list_id in list_ids if list_id in names)
