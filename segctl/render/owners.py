"""Owners and their segments, as text and JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from segctl.planfile.to_json import document_header
from segctl.render.terminal import Style, cells, clean, count

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from segctl.model import Declared

    OwnerRow = tuple[str, str, Sequence[Declared]]
    """An owner's name, who that is, and the segments. Either text may be empty."""

_NARROWEST = 20
"""The columns that names get on the narrowest of terminals."""


def owners_text(
    rows: Sequence[OwnerRow], style: Style, *, has_owners: bool, width: int | None = None
) -> str:
    """Return the owners, each with the segments below; `has_owners`: segctl.yaml lists them.

    `width` is the terminal's: the file of a segment whose name is too long is in the next line.
    """
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
        lines = _segment_lines([(clean(item.name), clean(item.file)) for item in segments], width)
        blocks.append("  ".join(parts) + "\n" + "".join(lines))
    return "\n".join(blocks)


def _segment_lines(segments: Sequence[tuple[str, str]], width: int | None) -> Iterator[str]:
    """Yield the names and files in two columns."""
    column = max((cells(name) for name, _ in segments), default=0)
    if width is not None:
        longest = max((cells(file) for _, file in segments), default=0)
        column = min(column, max(_NARROWEST, width - longest - len("    ")))
    for name, file in segments:
        gap = " " * max(2, column - cells(name) + 2)
        line = f"  {name}{gap}{file}"
        if width is not None and cells(name) > column and cells(line) > width:
            line = f"  {name}\n{' ' * (column + 4)}{file}"
        yield f"{line}\n"


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
