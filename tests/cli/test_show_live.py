"""`segctl show --live`: a segment as it is on the account, in the form of its file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.builders import query

if TYPE_CHECKING:
    from tests.support.account import Remote
    from tests.support.project import Project

LIST = "0b1f4a10-5c1d-4a6e-9f02-000000000001"
SQL = "select contact_id, updated_at from contact_data where total_spend > 750 and city = 'Brno'"


@pytest.fixture
def segment_id(remote: Remote) -> str:
    console = remote.emulator.console
    console.add_list("Customers", id=LIST)
    return console.create("VIP customers", SQL, parent_list_ids=[LIST])


@pytest.mark.parametrize("by", ["name", "id"])
def test_a_segment_that_no_file_declares_is_shown_as_import_writes_it(
    connected: Project, segment_id: str, by: str
) -> None:
    done = connected.run("show", "--live", "VIP customers" if by == "name" else segment_id)
    assert done.code == 0
    head, _, text = done.out.partition("\n")
    assert head.startswith(f"# id {segment_id}, changed 20")
    assert connected.run("import", "VIP customers").code == 0
    assert text == (connected.root / "segments/vip-customers.yaml").read_text("utf-8")
    # Also once a file declares it, and when it was edited since.
    assert connected.run("show", "--live", "VIP customers").out == done.out


def test_an_edit_a_second_ago_is_shown(connected: Project, remote: Remote, segment_id: str) -> None:
    connected.run("show", "--live", segment_id)
    remote.emulator.console.edit(segment_id, query=query("total_spend > 1"))
    assert "total_spend > 1\n" in connected.run("show", "--live", segment_id).out


def test_the_json_has_the_query_as_it_is_and_the_file(connected: Project, segment_id: str) -> None:
    done = connected.run("show", "--live", segment_id, "--format", "json")
    document = json.loads(done.out)
    (entry,) = document["segments"]
    assert (entry["query_dsl"], entry["sgql"], entry["v1"]) == (SQL, None, False)
    assert entry["file"].startswith("name: VIP customers\n")
    assert document["lists"] == {LIST: "Customers"}
    assert "contacts_sample" not in done.out


def test_a_v1_segment_is_shown_with_its_sgql(connected: Project, remote: Remote) -> None:
    v1_id = remote.emulator.console.seed_v1("Old", "city = 'Brno'")
    done = connected.run("show", "--live", "Old")
    assert f"# id {v1_id}" in done.out
    assert "# A v1 segment, which no file can declare.\nname: Old\nsgql: " in done.out
    assert "query_dsl" not in done.out
    assert "segctl upgrade" in done.err
    (entry,) = json.loads(connected.run("show", "--live", "Old", "--format", "json").out)[
        "segments"
    ]
    assert (entry["query_dsl"], entry["sgql"], entry["file"]) == (None, "city = 'Brno'", None)


@pytest.mark.usefixtures("segment_id")
def test_a_typo_names_the_segment_that_was_meant(connected: Project) -> None:
    done = connected.run("show", "--live", "VIP custmers")
    assert done.code == 1
    assert "the account has no segment `VIP custmers`" in done.err
    assert "did you mean `VIP customers`?" in done.err


@pytest.mark.usefixtures("segment_id")
def test_other_formats_are_for_plans(connected: Project) -> None:
    done = connected.run("show", "--live", "VIP customers", "--format", "html")
    assert done.code != 0
    assert "--live writes text or json, not html" in done.err


def test_a_query_that_no_file_can_hold_is_said_to_be_one(
    connected: Project, remote: Remote
) -> None:
    remote.emulator.console.create("Odd", "")
    done = connected.run("show", "--live", "Odd")
    assert done.code == 0
    assert "no file can declare it: " in done.out
