"""Lists by name, wherever their ids are shown: from the account, or from the file of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.history.repository import Repository, applied_repository, segment
from tests.support.builders import query

if TYPE_CHECKING:
    from tests.support.account import Remote
    from tests.support.project import Project

NEWS, STAFF = (f"0b1f4a10-5c1d-4a6e-9f02-00000000000{digit}" for digit in "ab")
ON_NEWS = f"array_contains(list_ids, ['{NEWS}'])"
TESTS = """\
tests:
  - name: staff
    contact: {list_ids: []}
    expect: in
"""


@pytest.fixture
def lists(connected: Project, remote: Remote) -> Project:
    """A project whose account has two lists, which the files know by name."""
    for list_id, name in ((NEWS, "Newsletter"), (STAFF, "Our staff")):
        remote.emulator.console.add_list(name, id=list_id)
    connected.declare("Readers", query(ON_NEWS), parent=STAFF, extra=TESTS)
    assert connected.run("account", "pull").code == 0
    return connected


def test_explain_names_them(lists: Project) -> None:
    text = " ".join(lists.run("explain").out.split())
    assert "On the list “Our staff”: contacts who are on the list “Newsletter”." in text
    assert NEWS not in text


def test_without_the_file_explain_shows_the_id(lists: Project) -> None:
    (lists.root / "segments/accounts/production.yaml").unlink()
    assert NEWS in lists.run("explain").out


@pytest.mark.parametrize("format_name", ["text", "json", "junit"])
def test_a_failed_test_names_them(lists: Project, format_name: str) -> None:
    done = lists.run("test", "--format", format_name)
    assert done.code == 1
    assert f"lists: {NEWS} “Newsletter”" in done.out


def test_history_names_them(lists: Project, remote: Remote) -> None:
    repository: Repository = applied_repository(lists, remote, {"a.yaml": segment("A", ON_NEWS)})
    other = ON_NEWS.replace(NEWS, STAFF)
    text = segment("A", other, extra=f"parent_list_ids: [{NEWS}]\n")
    repository.commit("Other lists", {"a.yaml": text})
    shown = lists.run("history", "A").out
    assert f"parent_list_ids  (none) -> {NEWS} “Newsletter”" in shown
    assert f"list  {NEWS} “Newsletter”" in shown
    assert f"list  {STAFF} “Our staff”" in shown


@pytest.mark.parametrize("format_name", ["text", "markdown", "html", "json"])
def test_drift_names_them(lists: Project, remote: Remote, format_name: str) -> None:
    remote.emulator.console.create("Readers", query(ON_NEWS.replace(NEWS, STAFF)))
    done = lists.run("drift", "--format", format_name)
    if format_name == "json":
        (drift,) = json.loads(done.out)["drift"]
        assert drift["lists"] == {NEWS: "Newsletter", STAFF: "Our staff"}
        assert drift["parents"] == [[], [STAFF]]
        return
    for name in ("Newsletter", "Our staff"):
        assert name in done.out
    if format_name == "text":
        assert f"parent list on the account none, in the file {STAFF} “Our staff”" in done.out


def test_drift_without_lists_asks_for_none(connected: Project, remote: Remote) -> None:
    connected.declare("Prague", query("city = 'Prague'"))
    remote.emulator.console.create("Prague", query("city = 'Brno'"))
    assert connected.run("drift").code == 0
    assert not any("/marketing/lists" in entry.target for entry in remote.emulator.log)
