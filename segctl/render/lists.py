"""Contact lists as people know them: by their names, with the ids by which they are found.

Owns the words for a list, in every view. Asks nobody: where a name is not known, the id stands
alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.render.terminal import clean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from segctl.model import Segment
    from segctl.model.contact_fields import ListNames


def list_name(list_id: str, names: ListNames) -> str:
    """Say what a list is called, or that there is none; empty where nobody knows."""
    key = list_id.lower()
    if key not in names:
        return ""
    name = names[key]
    return "(no such list)" if name is None else f"“{clean(name)}”"


def format_lists(ids: Iterable[str], names: ListNames, between: str = ", ") -> str:
    """Give lists in a row, each by its id and what it is called."""
    return between.join(f"{clean(one)} {list_name(one, names)}".rstrip() for one in ids)


def queried(segments: Iterable[Segment], names: ListNames) -> tuple[str, ...]:
    """Give the ids in these segments' queries of which something is known, each once.

    A query is shown as it is written: the words stand beside it.
    """
    if not names:
        return ()
    from segctl.planning.list_references import list_ids_of  # noqa: PLC0415 - query.tree: 30 ms

    asked = dict.fromkeys(one.lower() for segment in segments for one in list_ids_of(segment.query))
    return tuple(one for one in asked if one in names)
