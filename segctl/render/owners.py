"""Owners and their segments, as text and JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from segctl.planfile.to_json import document_header
from segctl.render.terminal import Style, cells, clean, count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segctl.model import Declared

    OwnerRow = tuple[str, str, Sequence[Declared]]
    """An owner's name, who that is, and the segments. Either text may be empty."""


def owners_text(rows: Sequence[OwnerRow], style: Style, *, has_owners: bool) -> str:
    """Return the owners, each with the segments below; `has_owners`: segctl.yaml lists them."""
    blocks = []
    for name, who, segments in rows:
        if not name and not segments:
            continue
        parts = [style.bold(clean(name) if name else "No owner")]
        if who:
            parts.append(clean(who))
        elif name and has_owners:
            parts.append(style.red("not in `owners:`"))
        parts.append(style.dim(count(len(segments), "segment")))
        width = max((cells(clean(segment.name)) for segment in segments), default=0)
        lines = [
            f"  {clean(segment.name)}{' ' * (width - cells(clean(segment.name)))}"
            f"  {style.dim(clean(segment.file))}\n"
            for segment in segments
        ]
        blocks.append("  ".join(parts) + "\n" + "".join(lines))
    return "\n".join(blocks)


def owners_json(rows: Sequence[OwnerRow], generated_at: str) -> dict[str, Any]:
    """Return the owners as JSON data; `who` is null where segctl.yaml does not have one."""
    unowned: list[dict[str, str]] = []
    owners = []
    for name, who, segments in rows:
        entries = [{"name": segment.name, "file": segment.file} for segment in segments]
        if name:
            owners.append({"name": name, "who": who or None, "segments": entries})
        else:
            unowned = entries
    return {**document_header(generated_at), "owners": owners, "unowned": unowned}
