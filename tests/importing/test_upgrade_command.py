"""`segctl upgrade`: what it writes, what it skips and why, and what it never overwrites."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from segctl.importing import v1_upgrader
from segctl.sgql.to_v2 import Translation
from tests.support.builders import query, segment_yaml

if TYPE_CHECKING:
    from tests.support.account import Remote
    from tests.support.project import Project

V1 = "0f3ba1c2-5d6e-4f70-8a9b-1c2d3e4f5a6b"
LIST = "0b1f4a10-5c1d-4a6e-9f02-00000000aaaa"
CONTACTS = "contact_id,email,city,total_spend,list_ids\n"


@pytest.fixture
def account(connected: Project, remote: Remote) -> Remote:
    """Three v1 segments: two that can be translated, one that cannot."""
    console = remote.emulator.console
    console.add_list("Customers", id=LIST)
    console.seed_v1("Brno", "city = 'Brno'", id=V1)
    console.seed_v1("Customers in Brno", '`city` = "Brno"', parent_list_id=LIST)
    console.seed_v1("Odd", "frobnicate(email) = 'jo@example.com'")
    console.create("Newer", query("city = 'Praha'"))
    return remote


def test_all_v1_segments_are_upgraded_with_all(connected: Project, account: Remote) -> None:
    dry = connected.run("upgrade", "--all", "--dry-run")
    assert (dry.code, [*(connected.root / "segments").iterdir()]) == (4, [])
    assert "Would write 2 files, skip 1: 1 that cannot be written." in dry.err
    done = connected.run("upgrade", "--all")
    assert (done.code, done.out) == (4, dry.out)
    assert done.out == (
        "segments/brno.yaml  Brno\nsegments/customers-in-brno.yaml  Customers in Brno\n"
    )
    assert "warning[not-upgraded]: `Odd` has no exact translation" in done.err
    assert "line 1, column 1 of the query" in done.err
    assert "jo@example.com" not in done.err
    text = (connected.root / "segments/customers-in-brno.yaml").read_text()
    assert '# The query of the v1 segment, in SGQL:\n#   `city` = "Brno"\nquery_dsl: ' in text
    assert f"  - {LIST} # Customers\n" in text or f"[{LIST}]" in text
    assert connected.run("validate").code == 0
    assert connected.run("fmt", "--check").code == 0
    assert all(entry.method == "GET" for entry in account.emulator.log)
    plan = connected.run("plan").out
    assert "2 to upgrade" in plan
    again = connected.run("upgrade", "--all")
    assert (again.code, again.out) == (4, "")
    assert "2 already in a file" in again.err
    assert "Brno" not in connected.run("import", "--all").out


def test_a_v1_segment_is_upgraded_by_name_or_id(connected: Project, account: Remote) -> None:
    assert connected.run("upgrade", V1).out == "segments/brno.yaml  Brno\n"
    odd = connected.run("upgrade", "Odd")
    assert (odd.code, odd.out) == (1, "")
    assert "error[not-upgraded]" in odd.err
    # Nobody can edit the old query: a hint on SGQL alone would send people there.
    assert "write its file by hand, with `upgrade_from: {v1_id: " in odd.err
    newer = connected.run("upgrade", "Newer")
    assert newer.code == 1
    assert "`Newer` is not a v1 segment\n  hint: run `segctl import`" in newer.err
    connected.declare("Newer", query("city = 'Brno'"))
    again = connected.run("upgrade", "Newer")
    assert "`Newer` is not a v1 segment\n  hint: segments/newer.yaml declares it" in again.err
    nobody = connected.run("upgrade", "Brnoo")
    assert nobody.code == 1
    assert "did you mean `Brno`" in nobody.err
    for argv in ((), ("--all", "Brno"), ("--all", "--contacts", "x.csv")):
        assert connected.run("upgrade", *argv).code == 1
    assert account.definitions().keys() == {"Newer"}


def test_every_reason_against_a_translation_is_reported(
    connected: Project, account: Remote
) -> None:
    account.emulator.console.seed_v1("Two", "city = NULL AND UPPER(city) = 'X'")
    account.emulator.console.seed_v1("Many", " AND ".join(["city = NULL"] * 20))
    result = connected.run("upgrade", "Two", "Many")
    assert "SGQL does not document NULL as a value (at line 1, column 8" in result.err
    assert "; SGQL does not document the function `UPPER` (at line 1, column 17" in result.err
    assert result.err.count("; and 12 more\n") == 1


def test_a_comment_says_how_the_query_was_read(connected: Project, account: Remote) -> None:
    text = "NOT (event_type = 'open') AND NOT (event_type = 'click' AND event_source = 'mail')"
    account.emulator.console.seed_v1("Quiet", text)
    assert "NOT before an event is read as" in connected.run("upgrade", "Quiet").err
    written = (connected.root / "segments/quiet.yaml").read_text()
    assert (
        f"#   {text}\n"
        "# What the SGQL documentation leaves open:\n"
        "#   `NOT (event_type = 'open') AND NOT (event_type = 'click' AND …`: "
        "each group in parentheses is read as a separate event\n"
        "#   `NOT (event_type = 'open')` and "
        "`NOT (event_type = 'click' AND event_source = 'mail')`: "
        "NOT before an event is read as: there is no such event\n"
        "query_dsl: "
    ) in written
    assert connected.run("fmt", "--check").code == 0


@pytest.mark.parametrize(
    "text",
    [
        "UPPER(city + city + city + city + city + ' jane.doe@example.com') = 'X'",
        "city = 'x' 'a text that comes too late jane.doe@example.com'",
    ],
)
def test_half_an_address_is_not_shown(connected: Project, account: Remote, text: str) -> None:
    account.emulator.console.seed_v1("Cut", text)
    result = connected.run("upgrade", "Cut")
    assert "`Cut` has no exact translation" in result.err
    assert "jane" not in result.err


def test_no_hint_says_to_rename_or_edit_a_v1_segment(connected: Project, account: Remote) -> None:
    console = account.emulator.console
    console.seed_v1("caf\xe9", "city = 'x'")
    console.seed_v1("cafe\u0301", "city = 'y'")
    console.seed_v1("Empty", "")
    result = connected.run("upgrade", "--all")
    (alike,) = [line for line in result.err.splitlines() if "by hand" in line and "another" in line]
    assert "`upgrade_from: {v1_id: " in alike
    assert "check it in SendGrid" in result.err
    assert "rename" not in result.err
    assert "change it" not in result.err


def test_segments_that_exclusive_ownership_would_delete_are_a_warning(
    connected: Project, account: Remote
) -> None:
    connected.write({"segctl.yaml": "version: 1\nownership: exclusive\n"})
    connected.declare("Brno", query("city = 'Brno'"))  # in the way, and claimed
    result = connected.run("upgrade", "--all")
    assert "deletes the v1 segments that no file names: `Odd`\n" in result.err
    assert "- delete  Odd" in connected.run("plan").out
    connected.write({"segments/odd.yaml": "name: Odd\nremoved: forget\n"})
    assert "would-be-deleted" not in connected.run("upgrade", "--all").err
    assert "- delete  Odd" not in connected.run("plan").out


def test_segments_that_cannot_be_upgraded_are_skipped(connected: Project, account: Remote) -> None:
    console = account.emulator.console
    console.seed_v1("Gone", "city = 'Brno'")
    console.seed_v1("Half \x00", "city = 'Brno'")
    connected.write(
        {
            "segments/mine.yaml": segment_yaml("Brno", query("city = 'Brno'")),
            "segments/gone.yaml": "name: Gone\nremoved: true\n",
        }
    )
    result = connected.run("upgrade", "--all")
    assert result.code == 4
    assert "`Brno` is declared by segments/mine.yaml" in result.err
    assert f"add `upgrade_from: {{v1_id: {V1}}}` to that file" in result.err
    assert "`Gone` is `removed` by segments/gone.yaml" in result.err
    assert "cannot be written as a file" in result.err
    assert result.out == "segments/customers-in-brno.yaml  Customers in Brno\n"
    connected.write({"segments/mine.yaml": "name: [\n"})
    assert connected.run("upgrade", "--all").code == 1


def test_unknown_fields_are_a_warning(connected: Project, account: Remote) -> None:
    account.emulator.faults.add("GET /v3/marketing/field_definitions 403 always")
    result = connected.run("upgrade", "Brno")
    assert result.code == 0
    assert "warning[account-unknown]" in result.err


def test_verify_compares_both_queries_on_contacts(
    connected: Project, account: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [f"c{n},p{n}@example.com,{'Brno' if n % 2 else 'Praha'},1,{LIST}\n" for n in range(20)]
    connected.write({"contacts.csv": CONTACTS + "".join(rows)})
    file = str(connected.root / "contacts.csv")
    (connected.root / "segments").rmdir()  # it is to be made
    fine = connected.run("upgrade", "Brno", "--verify", "--contacts", file, "--dry-run")
    assert (fine.code, fine.out) == (0, "segments/brno.yaml  Brno\n")
    assert "`Brno` selects the same of 20 contacts." in fine.err

    wrong = Translation(query("city = 'Praha'"), ())
    monkeypatch.setattr(v1_upgrader, "translate", lambda *_: wrong)
    result = connected.run("upgrade", "Brno", "--verify", "--contacts", file)
    assert (result.code, result.out) == (1, "")
    assert "only the old query selects c1, c3, c5, c7, c9 and 5 more" in result.err
    assert "only the new query selects c0, c2, c4, c6, c8 and 5 more" in result.err
    assert "@example.com" not in result.err
    assert not (connected.root / "segments").exists()


def test_verify_uses_events_and_reports_what_it_cannot_compare(
    connected: Project, account: Remote
) -> None:
    account.emulator.console.seed_v1(
        "Opened", "event_source = 'mail' AND event_type = 'open' AND lower(city) = 'brno'"
    )
    account.emulator.console.seed_v1("Spent", "total_spend > 100")
    connected.write(
        {
            "contacts.csv": CONTACTS + "a,a@example.com,Brno,x,\nb,b@example.com,BRNO,1,\n",
            "events.csv": "contact_id,event_source,event_type,timestamp,data\n"
            'a,mail,open,2026-07-01T00:00:00Z,"{""payload"": {}}"\n'
            "b,mail,click,2026-07-01T00:00:00Z,\n",
            "segctl.yaml": "version: 1\ncontacts: {contacts: contacts.csv, events: events.csv}\n",
        }
    )
    result = connected.run("upgrade", "Opened", "Spent", "--verify")
    assert (result.code, result.out) == (1, "segments/opened.yaml  Opened\n")
    assert "error[not-verified]: `Spent` cannot be verified" in result.err
    assert "1 not verified" in result.err
    for argv, said in (
        (("--contacts", "pulled"), "no contacts pulled from the target"),
        # Beside the contacts of segctl.yaml.
        (("--events", "nowhere.csv"), "nowhere.csv not found"),
    ):
        asked = connected.run("upgrade", "Spent", "--verify", *argv)
        assert asked.code == 1
        assert said in asked.err
    (connected.root / "segments/opened.yaml").unlink()
    connected.write({"nothing.csv": "contact_id,event_source,event_type,timestamp\n"})
    none = str(connected.root / "nothing.csv")
    asked = connected.run("upgrade", "Opened", "--verify", "--events", none)
    assert "it uses event_data, and there are no events" in asked.err
    (connected.root / "segctl.yaml").unlink()
    asked_before = len(account.emulator.log)
    assert "--verify needs contacts" in connected.run("upgrade", "Spent", "--verify").err
    assert len(account.emulator.log) == asked_before
