"""The table of segments on terminals of different widths."""

from __future__ import annotations

import dataclasses
import re

import pytest

from segctl.model import Remote, Validation
from segctl.model.contact_fields import ContactList
from segctl.render.listing import ListingRow, contact_lists_text, listing_text
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


LIST_ID = "0b1f4a10-5c1d-4a6e-9f02-000000000002"
LISTS = {LIST_ID: "Customers of the shop in Europe"}
LONG_ROWS = [
    ListingRow(
        dataclasses.replace(
            SEGMENT,
            name=f"{number} Customers who bought twice in the last ninety days in Prague or Brno",
            parent_list_ids=(LIST_ID,),
            validation=Validation.INVALID,
            validation_error="the column shoe_size does not exist in contact_data",
        ),
        managed=True,
    )
    for number in range(200)
]


@pytest.mark.parametrize("width", [80, 100, 140])
def test_long_cells_are_wrapped_between_words(width: int) -> None:
    table = listing_text(LONG_ROWS, LISTS, width=width, color=False)
    assert max(map(cells, table.splitlines())) <= width
    words = table.split()
    for word in ("Customers", "shoe_size", "contact_data", "Europe", "ninety"):
        assert words.count(word) >= 200
    assert "…" not in table


def test_the_names_of_contact_lists_are_wrapped() -> None:
    lists = [ContactList(LIST_ID, "Customers of the shop in Europe and in America", 7)]
    table = contact_lists_text(lists, width=80, color=False)
    assert max(map(cells, table.splitlines())) <= 80
    assert LIST_ID in table
    assert len(contact_lists_text(lists, color=False).splitlines()) == 2
