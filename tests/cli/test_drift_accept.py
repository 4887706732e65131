"""`segctl drift --accept`: an edit made in SendGrid comes into its file; the rest stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segctl.declarations.segment_file import read_segment
from segctl.declarations.updating import update_segment_file
from segctl.model import Segment
from tests.history.repository import applied_repository, edit_by_hand, ids_by_name
from tests.support.builders import query

if TYPE_CHECKING:
    from tests.history.repository import Repository
    from tests.support.account import Remote
    from tests.support.project import Project

FILE = """\
# yaml-language-server: $schema=../schemas/segment.schema.json

# Asked for by sales.
name: "VIP customers" # as in the CRM
description: Who spends much.
owner: crm@example.com
tags: [vip, 2026-q3]

query_dsl: | # see the wiki
  SELECT contact_id, updated_at
  FROM contact_data
  WHERE total_spend > 500
tests:
  - name: just above # by one
    contact: {total_spend: 501}
    expect: in
"""
EDITED = "select contact_id, updated_at from contact_data where total_spend > 750 and city = 'Brno'"


@pytest.fixture
def repository(connected: Project, remote: Remote) -> Repository:
    """An applied project of one segment, with a file that people look after."""
    return applied_repository(connected, remote, {"vip.yaml": FILE})


def test_an_edit_by_hand_is_accepted_and_nothing_else_changes(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    edit_by_hand(remote, "VIP customers", EDITED)
    assert "drift --accept" in connected.run("drift").err
    done = connected.run("drift", "--accept", "VIP customers")
    assert (done.code, done.out) == (0, "segments/vip.yaml  VIP customers\n")
    assert done.err == "Updated 1 file.\n"
    text = (repository.root / "segments/vip.yaml").read_text("utf-8")
    assert text == FILE.replace(
        "  WHERE total_spend > 500\n", "  WHERE total_spend > 750\n    AND city = 'Brno'\n"
    ).replace("query_dsl: | # see the wiki\n", "# see the wiki\nquery_dsl: |\n")
    assert connected.run("fmt", "--check").code == 0
    assert "No drift on production." in connected.run("drift").out
    assert "No changes." in connected.run("plan").out
    assert connected.run("apply", "--auto-approve").code == 0
    assert remote.definitions()["VIP customers"][0] == EDITED


def test_a_rename_by_hand_is_accepted_by_either_name_or_the_id(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    segment_id = ids_by_name(remote)["VIP customers"]
    for number, key in enumerate(("VIP customers", "Gold 1", segment_id)):
        remote.emulator.console.edit(segment_id, name=f"Gold {number}")
        done = connected.run("drift", "--accept", key)
        assert done.code == 0, done.err
        text = (repository.root / "segments/vip.yaml").read_text("utf-8")
        assert f"# as in the CRM\nname: Gold {number}\n" in text
        repository.commit(f"Accept {number}", {})
        assert "No changes." in connected.run("plan").out
    assert ids_by_name(remote) == {"Gold 2": segment_id}


def test_a_query_in_a_file_of_its_own_is_accepted_there(connected: Project, remote: Remote) -> None:
    text = "name: Own\nquery_file: own.sql\n"
    files = {"own.yaml": text, "own.sql": query("total_spend > 1") + "\n"}
    repository = applied_repository(connected, remote, files)
    edit_by_hand(remote, "Own", EDITED)
    assert connected.run("drift", "--accept", "Own").out == "segments/own.sql  Own\n"
    assert (repository.root / "segments/own.yaml").read_text("utf-8") == text
    assert "No changes." in connected.run("plan").out


def test_what_no_commit_has_is_not_replaced(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    edit_by_hand(remote, "VIP customers", EDITED)
    mine = FILE.replace("Who spends much", "Who spends a lot")
    repository.write({"vip.yaml": mine})
    done = connected.run("drift", "--accept", "VIP customers")
    assert done.code == 1
    assert "error[not-accepted]: `VIP customers` stays as it is in the file" in done.err
    assert "hint: commit the file first" in done.err
    assert (repository.root / "segments/vip.yaml").read_text("utf-8") == mine


@pytest.mark.usefixtures("repository")
def test_a_name_that_has_no_edit_is_an_error(connected: Project, remote: Remote) -> None:
    remote.emulator.console.create("By hand", query("total_spend > 9"))
    edit_by_hand(remote, "VIP customers", EDITED)
    for name, hint in (("VIP customer", "did you mean `VIP customers`?"), ("By hand", "import")):
        done = connected.run("drift", "--accept", name)
        assert done.code == 1
        assert f"no edit of `{name}` to accept" in done.err
        assert hint in done.err


def test_a_query_that_two_segments_share_stays(connected: Project, remote: Remote) -> None:
    files = {
        "one.yaml": "name: One\nquery_file: shared.sql\n",
        "two.yaml": "name: Two\nquery_file: shared.sql\n",
        "shared.sql": query("total_spend > 1") + "\n",
    }
    repository = applied_repository(connected, remote, files)
    edit_by_hand(remote, "One", EDITED)
    done = connected.run("drift", "--accept", "One")
    assert done.code == 1
    assert "segments/shared.sql is also the query of `Two`" in done.err
    assert (repository.root / "segments/shared.sql").read_text("utf-8") == files["shared.sql"]


LAYOUTS = [
    FILE,
    FILE.replace("\n", "\r\n"),
    "\ufeff" + FILE,
    """\
name: VIP
parent_list_ids:
  - 0b1f4a10-5c1d-4a6e-9f02-000000000001 # Newsletter
query_dsl: SELECT contact_id, updated_at FROM contact_data
# The end.
""",
    "---\nquery_dsl: >\n  SELECT contact_id, updated_at\n  FROM contact_data\n\nname: VIP\n",
]
LISTS = st.sampled_from([(), ("0b1f4a10-5c1d-4a6e-9f02-000000000002",)])
TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20).filter(str.strip)


@given(st.sampled_from(LAYOUTS), TEXTS, TEXTS, LISTS)
def test_an_updated_file_declares_the_segment_and_keeps_the_rest(
    layout: str, name: str, words: str, lists: tuple[str, ...]
) -> None:
    segment = Segment(name, query(f"city = '{words.replace(chr(39), chr(39) * 2)}'"), lists)
    keys = ("name", "query_dsl", "parent_list_ids")
    updated = update_segment_file("a.yaml", layout, segment, keys, {})
    if updated.reason:
        assert updated.text == ""
        return
    before, _ = read_segment("a.yaml", layout.encode(), {}, "")
    after, _ = read_segment("a.yaml", updated.text.encode(), {}, "")
    assert before is not None
    assert after is not None
    assert after.segment == segment
    assert (after.owner, after.tags, after.description) == (
        before.owner,
        before.tags,
        before.description,
    )
    assert ("\r\n" in updated.text) == ("\r\n" in layout)
