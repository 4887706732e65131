"""What docs/sgql.md shows is what the translation does."""

from __future__ import annotations

import re

import pytest

from segctl.sgql.to_v2 import Translation, translate
from tests.support.process import REPOSITORY

PAGE = (REPOSITORY / "docs/sgql.md").read_text("utf-8")
ROW = re.compile(r"^\| `(`? ?)(.+?) ?\1` \| (.+) \|$", re.MULTILINE)
ROWS = [(found[2], found[3].replace(r"\|", "|")) for found in ROW.finditer(PAGE)]
BLOCKS = re.findall(r"```text\n(.*?)\n```\n\n```sql\n(.*?)\n```", PAGE, re.DOTALL)


@pytest.mark.parametrize(("old", "new"), [row for row in ROWS if row[1].startswith("`")])
def test_a_row(old: str, new: str) -> None:
    found = translate(old)
    assert isinstance(found, Translation)
    _, condition = " ".join(found.query.split()).split(" WHERE ")
    assert condition == new.strip("`")


@pytest.mark.parametrize(("old", "new"), BLOCKS)
def test_a_block(old: str, new: str) -> None:
    found = translate(old)
    assert isinstance(found, Translation)
    assert found.query == new


@pytest.mark.parametrize("old", [row[0] for row in ROWS if not row[1].startswith("`")])
def test_what_is_refused(old: str) -> None:
    assert isinstance(translate(old), tuple)


def test_all_of_it_is_tried() -> None:
    assert (len(ROWS), len(BLOCKS)) == (27, 2)
