"""`account pull`: the account in a file. Checks offline know it, and another account is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.builders import FIELDS, query

if TYPE_CHECKING:
    from tests.support.account import Remote
    from tests.support.project import Project

FILE = "segments/accounts/production.yaml"
LIST = "0b1f4a10-5c1d-4a6e-9f02-000000000001"
OTHER_LIST = "0b1f4a10-5c1d-4a6e-9f02-000000000002"
WRITING = ("apply --auto-approve", "refresh VIP", "drift --accept VIP")
READING = ("plan", "drift", "import --all", "upgrade --all", "account pull")


def in_list(list_id: str) -> str:
    return query(f"array_contains(list_ids, ['{list_id}'])")


@pytest.fixture
def pulled(connected: Project, remote: Remote) -> Project:
    remote.emulator.console.add_list("Newsletter", id=LIST)
    assert connected.run("account", "pull").code == 0
    return connected


def requests(remote: Remote, project: Project, *argv: str) -> list[str]:
    remote.emulator.clear_log()
    assert project.run(*argv).code == 0
    return [entry.target.partition("?")[0].rpartition("/")[2] for entry in remote.emulator.log]


def of_another_account(project: Project) -> None:
    path = project.root / FILE
    path.write_text(path.read_text("utf-8").replace(LIST, OTHER_LIST), "utf-8")


def test_validate_knows_the_pulled_fields_and_lists(connected: Project, remote: Remote) -> None:
    remote.emulator.console.add_list("Newsletter", id=LIST)
    connected.declare("VIP", query("total_spend > 500 AND prefered_language = 'cs'"))
    connected.declare("Readers", in_list(LIST))
    connected.declare("Others", in_list(OTHER_LIST), parent=OTHER_LIST)
    before = connected.run("validate")
    assert before.code == 0
    assert before.err.count("warning[unknown-column]") == 2
    remote.emulator.clear_log()
    assert connected.run("account", "pull").out == (
        f"{FILE}: 1 list, 11 custom fields, 29 reserved, 0 Single Sends.\n"
    )
    assert {entry.method for entry in remote.emulator.log} == {"GET"}
    after = connected.run("validate")
    assert after.code == 1
    assert after.err.count("[unknown-column]") == 1
    assert "error[unknown-column]: contact_data has no column `prefered_language`" in after.err
    assert "did you mean `preferred_language`?" in after.err
    assert after.err.count("error[unknown-list]") == 2
    assert f"`Newsletter` is {LIST}. If it is new, run `segctl account pull`" in after.err


def test_a_file_that_is_old_decides_nothing(pulled: Project) -> None:
    pulled.declare("VIP", query("prefered_language = 'cs'"))
    pulled.declare("Others", in_list(OTHER_LIST))
    pulled.clock.sleep(31 * 86_400)
    result = pulled.run("validate")
    assert result.code == 0
    assert "warning[unknown-column]" in result.err
    assert "unknown-list" not in result.err


def test_the_file_takes_the_place_of_fields_yaml(pulled: Project) -> None:
    pulled.write({"segments/fields.yaml": FIELDS})
    result = pulled.run("validate")
    assert "segments/fields.yaml:1:1: warning[unused-fields-file]" in result.err
    (pulled.root / FILE).unlink()
    assert pulled.run("validate").err == ""


@pytest.mark.parametrize(("file", "missing"), [(FILE, 5), ("segments/fields.yaml", 3)])
def test_an_invalid_file_is_reported_once(connected: Project, file: str, missing: int) -> None:
    connected.declare("VIP", query("country = 'CZ'"))
    connected.write({file: "target: production\n"})
    result = connected.run("validate")
    assert result.code == 1
    assert result.err.count(f"{file}:1:1: error[missing-key]") == missing


def test_a_segment_among_the_accounts_is_no_removal(connected: Project, remote: Remote) -> None:
    connected.declare("VIP", query("country = 'CZ'"))
    assert connected.run("apply", "--auto-approve").code == 0
    (connected.root / "segments/accounts").mkdir()
    (connected.root / "segments/vip.yaml").rename(connected.root / "segments/accounts/vip.yaml")
    result = connected.run("plan")
    assert result.code == 1
    assert "segments/accounts/vip.yaml:1:1: error[unknown-target]" in result.err
    assert "move a segment file to another folder" in result.err
    assert [*remote.definitions()] == ["VIP"]


def test_a_pull_tells_what_changed(pulled: Project, remote: Remote) -> None:
    path = pulled.root / FILE
    text = path.read_text("utf-8").replace("Newsletter", "News")
    path.write_text(text.replace("  plan: Text\n", "  old: Text\n"), "utf-8")
    remote.emulator.console.add_list("Customers", id=OTHER_LIST)
    assert pulled.run("account", "pull").out.splitlines()[1:] == [
        f"  renamed list: News is now Newsletter ({LIST})",
        f"  new list: Customers ({OTHER_LIST})",
        "  new field: plan (Text)",
        "  deleted field: old",
    ]


@pytest.mark.parametrize("argv", [*WRITING, *READING])
def test_another_account_is_refused(pulled: Project, remote: Remote, argv: str) -> None:
    remote.emulator.console.create("VIP", query("total_spend > 15"))
    pulled.declare("VIP", query("total_spend > 9"))
    of_another_account(pulled)
    before = (pulled.root / FILE).read_bytes()
    remote.emulator.clear_log()
    result = pulled.run(*argv.split())
    assert result.code == 3
    assert "the key is for another account than target `production`" in result.err
    assert f"none of the lists in {FILE}" in result.err.replace("\n", " ")
    assert {entry.method for entry in remote.emulator.log} == {"GET"}
    assert remote.definitions()["VIP"][0] == query("total_spend > 15")
    assert (pulled.root / FILE).read_bytes() == before


def test_a_list_that_was_deleted_makes_no_other_account(pulled: Project, remote: Remote) -> None:
    remote.emulator.console.add_list("Customers", id=OTHER_LIST)
    of_another_account(pulled)
    assert pulled.run("plan").code == 0
    assert pulled.run("account", "pull").code == 0


def test_the_account_is_asked_once(pulled: Project, remote: Remote) -> None:
    assert requests(remote, pulled, "plan") == ["lists", "2.0"]
    assert requests(remote, pulled, "plan") == ["2.0"]
    assert requests(remote, pulled, "plan", "--no-cache") == ["lists", "2.0"]


def test_a_first_plan_with_a_change_reads_the_lists_once(pulled: Project, remote: Remote) -> None:
    pulled.declare("Readers", in_list(LIST), parent=LIST)
    for argv in (["plan"], ["plan"], ["drift"]):
        assert requests(remote, pulled, *argv, "--no-cache").count("lists") == 1


def test_lists_that_cannot_be_read_prove_nothing(pulled: Project, remote: Remote) -> None:
    remote.emulator.faults.add("GET /v3/marketing/lists 403 always")
    result = pulled.run("plan")
    assert result.code == 1
    assert "could not list the contact lists" in result.err


def test_without_a_file_nothing_is_asked(connected: Project, remote: Remote) -> None:
    remote.emulator.console.add_list("Newsletter", id=LIST)
    assert requests(remote, connected, "plan") == ["2.0"]
