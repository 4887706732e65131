"""Lists and Single Sends by name: the ids come from the file of the account that was reviewed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.history.repository import applied_repository, set_time
from tests.support.builders import ALL, query, segment_yaml

if TYPE_CHECKING:
    from tests.support.account import Remote
    from tests.support.project import Project

FILE = "segments/accounts/production.yaml"
NEWS, BUYERS, BLOCKED = (f"0b1f4a10-5c1d-4a6e-9f02-00000000000{number}" for number in (1, 2, 3))
SPRING = "2f1d5a60-1c7e-11f1-8a2b-000000000001"
READERS = """\
name: Readers
parent_list: Newsletter
query_dsl: |
  SELECT contact_id, updated_at
  FROM contact_data
  WHERE NOT array_contains(list_ids, [@list('Blocked')])
"""
SENT = (
    "SELECT contact_id, updated_at\nFROM contact_data\n"
    f"WHERE NOT array_contains(list_ids, ['{BLOCKED}'])\n"
)


@pytest.fixture
def named(connected: Project, remote: Remote) -> Project:
    console = remote.emulator.console
    for name, id_ in (("Newsletter", NEWS), ("Buyers", BUYERS), ("Blocked", BLOCKED)):
        console.add_list(name, id=id_)
    console.add_single_send("Spring", id=SPRING, status="triggered")
    assert connected.run("account", "pull").code == 0
    connected.write({"segments/readers.yaml": READERS})
    return connected


def test_names_are_sent_as_ids(named: Project, remote: Remote) -> None:
    assert named.run("validate").err == ""
    assert named.run("apply", "--auto-approve").code == 0
    assert remote.definitions() == {"Readers": (SENT, (NEWS,))}
    assert named.run("plan").out.startswith("No changes.")


def test_a_single_send_by_name_in_a_query_file(named: Project, remote: Remote) -> None:
    text = (
        "SELECT c.contact_id, c.updated_at FROM contact_data c JOIN event_data e\n"
        "ON c.contact_id = e.contact_id WHERE e.event_source = 'mail' AND e.event_type = 'open'\n"
        "AND e.DATA:payload.unique_args.singlesend_id = {}\n"
    )
    named.write(
        {
            "segments/opened.yaml": "name: Opened\nquery_file: opened.sql\n",
            "segments/opened.sql": text.format("@single_send('Spring')"),
        }
    )
    assert named.run("apply", "--auto-approve", "--only", "Opened").code == 0
    assert remote.definitions() == {"Opened": (text.format(f"'{SPRING}'"), ())}
    named.edit("segments/opened.sql", "'Spring'", "'Sprng'")
    result = named.run("validate")
    assert "segments/opened.sql:3:48: error[unknown-name]" in result.err
    assert "did you mean `Spring`?" in result.err
    assert "  3 | AND e.DATA:payload" in result.err


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("'Blocked'", "'Bloked'", "6:39 the file of the account has no list `Bloked`"),
        (
            "parent_list: Newsletter",
            "parent_list: News",
            "2:14 the file of the account has no list `News`",
        ),
        ("@list(", "@lst(", "6:39 unknown reference `@lst`"),
        ("@list('Blocked')", "@list(Blocked)", "6:39 `@list` needs the name of a list in"),
        ("@list('Blocked')", "@list", "6:39 `@list` needs the name of a list in"),
        ("@list('Blocked')", "@list('a', 'b')", "6:39 `@list` needs the name of a list in"),
        (
            "parent_list: Newsletter",
            f"parent_list: Newsletter\nparent_list_ids: [{BUYERS}]",
            "2:1 `parent_list` and `parent_list_ids` are both set",
        ),
    ],
)
def test_a_name_that_stands_for_nothing_is_an_error_at_its_place(
    named: Project, remote: Remote, old: str, new: str, expected: str
) -> None:
    place, _, message = expected.partition(" ")
    named.edit("segments/readers.yaml", old, new)
    for command in ("validate", "plan"):
        result = named.run(command)
        text = result.out + result.err
        assert result.code == 1
        assert text.count("error[") == 1
        assert f"segments/readers.yaml:{place}: error" in text
        assert message in text
    assert remote.definitions() == {}


def test_a_name_of_two_lists_is_an_error(named: Project, remote: Remote) -> None:
    named.edit(FILE, "Buyers", "Blocked")
    result = named.run("validate")
    assert result.code == 1
    assert "2 lists have the name `Blocked`" in result.err
    assert f"{BUYERS}, {BLOCKED}" in result.err


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("target: production", "target: staging", "other-target"),
        ("lists:", "list:", "unknown-key"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_error(
    named: Project, remote: Remote, old: str, new: str, code: str
) -> None:
    named.edit(FILE, old, new)
    result = named.run("validate")
    assert result.code == 1
    assert f"{FILE}:" in result.err
    assert f"error[{code}]" in result.err
    assert "unknown-name" not in result.err
    assert named.run("apply", "--auto-approve").code == 1
    assert remote.definitions() == {}


def test_without_the_file_the_hint_names_the_pull(named: Project) -> None:
    (named.root / FILE).unlink()
    result = named.run("validate")
    assert f"the list `Newsletter` cannot be looked up: {FILE} not found" in result.err
    assert "run `segctl account pull`" in result.err


def test_a_finding_in_the_query_is_at_its_place_in_the_file(named: Project) -> None:
    named.edit("segments/readers.yaml", "'Blocked')])", "'Blocked')]) AND contry = 'CZ'")
    result = named.run("validate")
    assert "segments/readers.yaml:6:62: error[unknown-column]" in result.err
    named.edit("segments/readers.yaml", "list_ids, [@list('Blocked')]", "plan, [@list('Blocked')]")
    assert "segments/readers.yaml:6:28: " in named.run("validate").err


def test_a_renamed_list_is_followed_by_its_id(named: Project, remote: Remote) -> None:
    named.edit(FILE, "Newsletter", "News")
    named.edit("segments/readers.yaml", "Newsletter", "News")
    result = named.run("apply", "--auto-approve")
    assert result.code == 0
    assert "warning[renamed]: SendGrid calls the list `News` `Newsletter` by now" in result.out
    assert remote.definitions()["Readers"][1] == (NEWS,)


def test_a_name_that_stands_for_another_list_is_refused(named: Project, remote: Remote) -> None:
    text = (named.root / FILE).read_text("utf-8")
    swapped = text.replace("Blocked", "x").replace("Buyers", "Blocked").replace(": x", ": Buyers")
    named.write({FILE: swapped})
    result = named.run("apply", "--auto-approve")
    assert result.code == 1
    assert (
        f"`Blocked` stands for {BUYERS} here, but SendGrid calls that list `Buyers`" in result.out
    )
    assert remote.definitions() == {}


def test_a_format_keeps_the_names(named: Project) -> None:
    text = READERS.replace(
        "SELECT contact_id, updated_at\n  FROM", "select contact_id, updated_at\n  from"
    )
    named.write({"segments/readers.yaml": text})
    assert named.run("fmt").code == 0
    assert (named.root / "segments/readers.yaml").read_text("utf-8") == READERS


def test_history_knows_what_a_name_stood_for(connected: Project, remote: Remote) -> None:
    remote.emulator.console.add_list("Blocked", id=BLOCKED)
    assert connected.run("account", "pull").code == 0
    text = READERS.replace("parent_list: Newsletter\n", "")
    files = {"readers.yaml": text, "all.yaml": segment_yaml("All", ALL)}
    repository = applied_repository(connected, remote, files)
    assert remote.definitions() == {"Readers": (SENT, ()), "All": (ALL, ())}

    text = text.replace("Readers", "Subscribers")
    repository.commit("Rename", {"readers.yaml": text})
    assert connected.run("apply", "--auto-approve").code == 0
    assert remote.definitions()["Subscribers"] == (SENT, ())

    text = text.replace("')])", "')]) AND country = 'CZ'")
    repository.commit("Narrow", {"readers.yaml": text})
    set_time(remote, 3700)
    applied = connected.run("apply", "--auto-approve")
    assert applied.code == 0, applied.out
    assert "outside git" not in applied.out
    assert connected.run("plan").out.startswith("No changes.")

    history = connected.run("history", "Subscribers")
    assert BLOCKED not in history.out or "@list" not in history.out
    repository.commit("Remove", {"readers.yaml": None})
    removed = connected.run("apply", "--auto-approve")
    assert removed.code == 0, removed.out
    assert [*remote.definitions()] == ["All"]
    assert connected.run("plan").out.startswith("No changes.")


def test_a_name_that_came_to_stand_for_another_id_is_a_change_by_git(
    connected: Project, remote: Remote
) -> None:
    remote.emulator.console.add_list("Blocked (old)", id=BLOCKED)
    assert connected.run("account", "pull").code == 0
    connected.edit(FILE, "Blocked (old)", "Blocked")
    text = READERS.replace("parent_list: Newsletter\n", "")
    repository = applied_repository(connected, remote, {"readers.yaml": text})
    remote.emulator.console.add_list("Blocked", id=BUYERS)
    account = (connected.root / FILE).read_text("utf-8").replace("Blocked", "Blocked (old)")
    new = account.replace("lists:\n", f'lists:\n  "{BUYERS}": Blocked\n')
    repository.commit("Pull", {"accounts/production.yaml": new})
    applied = connected.run("apply", "--auto-approve")
    assert applied.code == 0, applied.out
    assert "outside git" not in applied.out
    assert BUYERS in remote.definitions()["Readers"][0]
    assert "Pull" in connected.run("history", "Readers").out
    assert connected.run("plan").out.startswith("No changes.")


def test_what_the_account_has_is_never_read_as_a_reference(
    connected: Project, remote: Remote
) -> None:
    remote.emulator.console.create("Odd", f"{ALL} WHERE plan = @list('Blocked')")
    connected.run("import", "--all")
    result = connected.run("validate")
    assert result.code in {0, 1}
    assert "Traceback" not in result.err


def test_strings_and_comments_hold_no_references(named: Project, remote: Remote) -> None:
    text = query("plan = '@list(''Blocked'')' -- @list('Blocked')")
    named.declare("Plain", text)
    assert named.run("apply", "--auto-approve", "--only", "Plain").code == 0
    assert remote.definitions()["Plain"][0] == text
