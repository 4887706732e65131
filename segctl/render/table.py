"""A table for the terminal, by rich. Does not clean its cells."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING

from segctl.render.terminal import cells

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

_UNLIMITED = 10_000
_NARROWEST = 60
"""The columns that a table takes on the narrowest of terminals, so that a word fits in a cell."""


def table_text(
    heads: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    right: Collection[str],
    color: bool,
    width: int | None = None,
    wrapped: Collection[str] = (),
) -> str:
    """Return a table. No cell is cut.

    Columns whose heads are in `right` are aligned to the right. Where the table is wider than
    `width`, the cells of the columns in `wrapped` go on in more lines, between words if possible.
    """
    from rich.console import Console  # noqa: PLC0415 - 60 ms, only where a table is drawn
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    rows = [*rows]
    # Columns that have to share the room still have it for their longest words, if possible.
    words = {
        head: max(cells(word) for text in (head, *column) for word in text.split() or [""])
        for head, *column in zip(heads, *rows, strict=True)
        if head in wrapped
    }
    room = _UNLIMITED if width is None else max(width, _NARROWEST)
    rest = sum(
        max(map(cells, (head, *column)))
        for head, *column in zip(heads, *rows, strict=True)
        if head not in wrapped
    )
    fits = sum(words.values()) + rest + 2 * (len(heads) - 1) <= room
    table = Table(box=None, pad_edge=False, header_style="bold")
    for head in heads:
        table.add_column(
            head,
            justify="right" if head in right else "left",
            no_wrap=head not in wrapped,
            overflow="fold",
            min_width=words.get(head) if fits else None,
        )
    for row in rows:
        table.add_row(*map(Text, row))
    out = StringIO()
    console = Console(
        file=out,
        width=room,
        force_terminal=color,
        color_system="standard" if color else None,
        highlight=False,
        emoji=False,
        markup=False,
    )
    console.print(table)
    return "".join(f"{line.rstrip()}\n" for line in out.getvalue().splitlines())
