"""A list that the account does not have is an error, in a query as in `parent_list_ids`.

Left out of the audience or required for it: to exclude it selects everybody, to include it nobody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.builders import query

if TYPE_CHECKING:
    from tests.support.account import Remote
    from tests.support.project import Project

LIST = "0b1f4a10-5c1d-4a6e-9f02-00000000000a"
EVERYBODY = query("country = 'CZ'")
WAYS = {
    "included": (query(f"array_contains(list_ids, ['{LIST}'])"), None),
    "excluded": (query(f"NOT array_contains(list_ids, ['{LIST}'])"), None),
    "one value": (query(f"NOT array_contains(list_ids, '{LIST}')"), None),
    "values first": (query(f"NOT array_contains('{LIST}', list_ids)"), None),
    "parent": (EVERYBODY, LIST),
}


@pytest.mark.parametrize(("text", "parent"), WAYS.values(), ids=WAYS)
def test_it_is_neither_planned_nor_applied(
    connected: Project, remote: Remote, text: str, parent: str | None
) -> None:
    connected.declare("VIP", text, parent=parent)
    assert connected.run("validate").code == 0
    assert connected.run("plan").code == 1
    result = connected.run("apply", "--auto-approve")
    assert result.code == 1
    assert "error[unknown-list]" in result.out
    assert remote.definitions() == {}
    remote.emulator.console.add_list("A list", id=LIST)
    assert connected.run("apply", "--auto-approve").code == 0
    assert remote.definitions()["VIP"] == (text, (parent,) if parent else ())


@pytest.mark.parametrize(("text", "parent"), WAYS.values(), ids=WAYS)
def test_the_project_may_lower_or_ignore_it(
    connected: Project, text: str, parent: str | None
) -> None:
    connected.declare("VIP", text, parent=parent)
    connected.write({"segctl.yaml": "version: 1\nlint: {rules: {unknown-list: warning}}\n"})
    assert connected.run("plan").code == 0


def test_lists_are_checked_though_the_account_denies_its_fields(
    connected: Project, remote: Remote
) -> None:
    text = query(f"plan = 'pro' AND NOT array_contains(list_ids, ['{LIST}'])")
    connected.declare("VIP", text)
    remote.emulator.faults.add("GET /v3/marketing/field_definitions 403 always")
    result = connected.run("apply", "--auto-approve")
    assert result.code == 1
    assert "warning[account-unknown]: fields were not checked" in result.out
    assert "error[unknown-list]" in result.out


def test_lists_that_cannot_be_read_are_not_called_missing(
    connected: Project, remote: Remote
) -> None:
    connected.declare("VIP", EVERYBODY, parent=LIST)
    remote.emulator.faults.add("GET /v3/marketing/lists 403 always")
    result = connected.run("plan")
    assert result.code == 0
    assert "warning[account-unknown]: lists were not checked" in result.out


@pytest.mark.parametrize("value", ["Newsletter", LIST[:-1], LIST.replace("-", "")])
def test_what_is_no_list_id_is_invalid_without_an_account(project: Project, value: str) -> None:
    project.declare("In the query", query(f"NOT array_contains(list_ids, ['{value}'])"))
    project.declare("As one value", query(f"NOT array_contains(list_ids, '{value}')"))
    project.declare("Parent", EVERYBODY, parent=f'"{value}"')
    result = project.run("validate")
    assert result.code == 1
    assert result.err.count("error[malformed-list-id]") == 2
    assert result.err.count("error[bad-uuid]") == 1


def test_a_list_that_many_files_use_is_reported_once(connected: Project) -> None:
    for number in range(36):
        text, parent = list(WAYS.values())[number % len(WAYS)]
        connected.declare(f"Segment {number:02}", text, parent=parent)
    done = connected.run("apply", "--auto-approve")
    assert done.code == 1
    assert done.out.count("error[unknown-list]") == 1
    summary = f"the account has no list `{LIST}`, which 36 files use: is it another account?"
    assert summary in done.out
    assert "the files are segments/segment-00.yaml, segments/segment-01.yaml, " in done.out
    assert ", and 26 more; the account has no lists: remove the id" in done.out


def test_two_lists_and_few_files_are_reported_one_by_one(connected: Project) -> None:
    other = LIST.replace("a", "c")
    for number in range(4):
        connected.declare(f"A{number}", EVERYBODY, parent=LIST)
    connected.declare("B", EVERYBODY, parent=other)
    done = connected.run("plan")
    assert done.out.count("error[unknown-list]") == 2
    assert f"the account has no list `{other}`\n" in done.out
