"""Promise: what anybody wrote on the account controls neither a file nor which file is written.

Against `segctl drift --accept`: queries that a `.sql` file cannot hold or would hide, where nothing
is escaped, and names that mean another segment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from segctl.declarations.generating import query_file_text
from tests.history.repository import applied_repository, edit_by_hand, ids_by_name, segment
from tests.support.account import KEY
from tests.support.builders import query

if TYPE_CHECKING:
    from tests.support.account import Remote
    from tests.support.project import Project

SQL = query("total_spend > 1") + "\n"
UNWRITABLE = {
    "NUL": query("city = 'a\x00b'"),
    "escape sequence": query("city = '\x1b[2J'"),
    "key": query(f"city = '{KEY}'"),
    "byte order mark": "\ufeff" + query("city = 'a'"),
    "bidirectional marks": query("city = '\u202e\u2066a'"),
    "zero-width space": query("city = '\u200b'"),
    "carriage return": query("city = 'a\rb'"),
    "line separator": query("city = 'a\u2028b'"),
    "conflict marker": query("city = '\n<<<<<<< HEAD\n=======\n>>>>>>> main\n'"),
}


@pytest.mark.parametrize("text", UNWRITABLE.values(), ids=UNWRITABLE)
def test_a_query_file_gets_nothing_that_it_cannot_show(
    connected: Project, remote: Remote, text: str
) -> None:
    files = {"own.yaml": "name: Own\nquery_file: own.sql\n", "own.sql": SQL}
    repository = applied_repository(connected, remote, files)
    edit_by_hand(remote, "Own", text)
    done = connected.run("drift", "--accept", "Own")
    assert done.code == 1
    assert "error[not-accepted]: `Own` stays as it is in the file: " in done.err
    assert KEY not in done.out + done.err
    assert (repository.root / "segments/own.sql").read_text("utf-8") == SQL
    assert connected.run("plan").code == 0


def test_a_query_file_that_can_be_written_is_the_query() -> None:
    assert query_file_text("SELECT '\ud800'").reason == "it contains half a character (U+D800)"
    for text in (SQL, SQL.replace(" WHERE", "\r\nWHERE"), query("city = 'Ústí \u200d🙂\t'")):
        assert query_file_text(text).text == f"{text.removesuffix(chr(10))}\n"


def test_a_name_on_the_account_stands_for_no_other_segment(
    connected: Project, remote: Remote
) -> None:
    files = {"one.yaml": segment("One"), "two.yaml": segment("Two", "total_spend > 1")}
    repository = applied_repository(connected, remote, files)
    ids = ids_by_name(remote)
    edit_by_hand(remote, "One", query("total_spend > 9"))
    remote.emulator.console.edit(ids["Two"], name=ids["One"])
    assert connected.run("drift", "--accept", ids["One"]).out == "segments/one.yaml  One\n"
    assert (repository.root / "segments/two.yaml").read_text("utf-8") == files["two.yaml"]
