"""The table of segments on terminals of different widths."""

from __future__ import annotations

import re

import pytest

from segctl.model import Remote
from segctl.render.listing import ListingRow, listing_text
from segctl.render.terminal import cells

SEGMENT = Remote(
    "5e9c0de2-71b3-4d5a-8c44-000000000001",
    "Newsletter readers",
    contacts_count=166,
    next_sample_update="2026-07-15T17:00:00Z",
    refreshes_used=1,
    max_refreshes=2,
)


@pytest.mark.parametrize("color", [False, True])
@pytest.mark.parametrize(
    ("width", "hidden"),
    [
        (None, set()),
        (200, set()),
        (110, {"ID"}),
        (80, {"ID", "NEXT COUNT"}),
        (70, {"ID", "NEXT COUNT", "REFRESHES"}),
        (10, {"ID", "NEXT COUNT", "REFRESHES"}),
    ],
)
def test_a_narrow_terminal_does_without_the_last_columns(
    width: int | None, hidden: set[str], color: bool
) -> None:
    table = listing_text([ListingRow(SEGMENT, managed=True)], {}, width=width, color=color)
    optional = ("ID", "NEXT COUNT", "REFRESHES")
    assert {
        head for head in optional if not re.search(rf"(?<![A-Z]){head}(?![A-Z])", table)
    } == hidden
    assert ("\x1b[" in table) == color
    assert ("0000000001" in table) == ("ID" not in hidden)
    if not color and width not in (None, 10):
        assert max(map(cells, table.splitlines())) <= (width or 0)
