"""The examples in docs/sgql.md are real translations."""

from __future__ import annotations

import re

import pytest

from segctl.sgql.to_v2 import Translation, translate
from tests.support.process import REPOSITORY

PAGE = (REPOSITORY / "docs/sgql.md").read_text("utf-8")
ROW = re.compile(r"^\| `(`? ?)(.+?) ?\1` \| (.+) \|$", re.MULTILINE)
ROWS = [(match[2], match[3].replace(r"\|", "|")) for match in ROW.finditer(PAGE)]
BLOCKS = re.findall(r"```text\n(.*?)\n```\n\n```sql\n(.*?)\n```", PAGE, re.DOTALL)


@pytest.mark.parametrize(("old", "new"), [row for row in ROWS if row[1].startswith("`")])
def test_a_row_of_the_table(old: str, new: str) -> None:
    result = translate(old)
    assert isinstance(result, Translation)
    _, condition = " ".join(result.query.split()).split(" WHERE ")
    assert condition == new.strip("`")


@pytest.mark.parametrize(("old", "new"), BLOCKS)
def test_a_query_in_a_block(old: str, new: str) -> None:
    result = translate(old)
    assert isinstance(result, Translation)
    assert result.query == new


@pytest.mark.parametrize("old", [row[0] for row in ROWS if not row[1].startswith("`")])
def test_a_refused_query(old: str) -> None:
    assert isinstance(translate(old), tuple)


def test_the_whole_page_is_tested() -> None:
    assert (len(ROWS), len(BLOCKS)) == (27, 2)
