"""Plain English for contacts on lists: `are on the list “Newsletter”`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from segctl.query.explain.phrases import MAX_UNCOUNTED, join_with
from segctl.query.explain.values import id_text, visible_text
from segctl.query.parser.tokens import lower

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segctl.model.contact_fields import ListNames


def list_membership(ids: Sequence[str], names: ListNames, *, negated: bool = False) -> str:
    """Return the words for contacts on lists, named where the name of the list is known."""
    known = {lower(key): name for key, name in names.items()}
    shown = [known.get(lower(list_id)) or "" for list_id in ids]
    counts = Counter(known.values())
    repeated = {name for name in shown if counts[name] > 1}
    lists = [_list_name(list_id, known, repeated) for list_id in ids]
    verb = "are not" if negated else "are"
    if len(ids) == 1:
        return f"{verb} on the list {lists[0]}"
    count = f"these {len(lists)} lists: " if len(lists) > MAX_UNCOUNTED else "the lists "
    return f"{verb} on any of {count}{join_with(lists)}"


def _list_name(list_id: str, known: dict[str, str | None], repeated: set[str]) -> str:
    """Return the name of a list, or its id if its name is unknown or the list does not exist."""
    plain_id = id_text(list_id)
    if plain_id != list_id:
        plain_id = f"with the id {plain_id}"
    name = known.get(lower(list_id), "")
    if name is None:
        return f"{plain_id} (no such list)"
    if not name:
        return plain_id
    return f"“{visible_text(name)}” ({plain_id})" if name in repeated else f"“{visible_text(name)}”"
