"""Audience sizes before and after: from a team's own export to every view, and the limit."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from segctl.audience.typed_sql import NUMBER_TYPE
from segctl.cli.output import FORMATS
from segctl.common.secrets import Secret
from segctl.project.environment import account_digest
from segctl.query.catalogue import ColumnType
from tests.support.account import KEY, Remote
from tests.support.builders import query

duckdb = pytest.importorskip("duckdb")

from tests.contacts.support import pulled  # noqa: E402 - it imports duckdb

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.project import Project

PEOPLE = 20
PERSONAL = ("Kvapil", "contacts.test", "Zdenka")
SETTINGS = """\
version: 1
limits: {max_audience_change: 50%}
contacts: {contacts: exports/people.csv}
"""


def export(spends: range) -> str:
    """Return an export of contacts, each with a name and an address."""
    rows = [
        f"c{spend},Zdenka Kvapil,zdenka.{spend}@contacts.test,{spend},2026-07-01T00:00:00Z"
        for spend in spends
    ]
    head = "contact_id,first_name,email,total_spend,updated_at"
    return "\n".join([head, *rows]) + "\n"


def spends_more_than(number: int) -> str:
    return query(f"total_spend > {number}")


@pytest.fixture
def shop(connected: Project, remote: Remote) -> Project:
    """A project with twenty contacts; `VIP` selects four on the account and ten in the files."""
    connected.write({"segctl.yaml": SETTINGS, "exports/people.csv": export(range(PEOPLE))})
    remote.emulator.console.create("VIP", spends_more_than(15))
    connected.declare("VIP", spends_more_than(9))
    return connected


def impacts(project: Project, *argv: str) -> dict[str, dict[str, object] | None]:
    """Return the impact of each change of a plan, by name."""
    done = project.run("plan", "--format", "json", *argv)
    return {change["name"]: change["impact"] for change in json.loads(done.out)["changes"]}


def test_a_change_is_counted_refused_allowed_and_applied_once(
    shop: Project, remote: Remote
) -> None:
    assert impacts(shop) == {
        "VIP": {
            "before": 4, "after": 10, "gained": 6, "lost": 0, "base": PEOPLE, "as_of": None,
        }
    }  # fmt: skip
    done = shop.run("plan")
    assert done.code == 3
    assert "audience  4 -> 10 (+6, -0) of 20 contacts by segctl's count\n" in done.out
    assert "error[audience-change]: the audience of `VIP` would change by 150 %" in done.out
    assert "allow_audience_change: 150%" in done.out
    refused = shop.run("apply", "--auto-approve")
    assert refused.code == 3
    assert remote.definitions()["VIP"][0] == spends_more_than(15)

    shop.declare("VIP", spends_more_than(9), extra="allow_audience_change: 150%\n")
    shop.declare("Everybody", spends_more_than(9) + " OR total_spend < 9")
    done = shop.run("plan")
    assert "`Everybody` is empty and would reach 95 % of the pulled contacts" in done.out
    shop.declare(
        "Everybody",
        spends_more_than(9) + " OR total_spend < 9",
        extra="allow_audience_change: true\n",
    )
    applied = shop.run("apply", "--auto-approve")
    assert applied.code == 0, applied.out + applied.err
    assert "audience  19 of 20 contacts by segctl's count\n" in applied.out
    again = shop.run("plan", "--detailed-exitcode")
    assert (again.code, "No changes." in again.out) == (0, True)


def test_a_saved_plan_is_not_stale_after_another_pull(shop: Project, remote: Remote) -> None:
    shop.write({"segctl.yaml": SETTINGS.replace("50%", "150%")})
    file = str(shop.root / "plan.json")
    assert shop.run("plan", "--out", file).code == 0
    shown = shop.run("show", file)
    assert "audience  4 -> 10 (+6, -0) of 20 contacts" in shown.out
    first = json.loads(shop.run("plan", "--format", "json").out)
    shop.write({"exports/people.csv": export(range(PEOPLE + 1))})
    second = json.loads(shop.run("plan", "--format", "json").out)
    assert first["digest"] == second["digest"]
    assert first["changes"] != second["changes"]
    done = shop.run("apply", file, "--auto-approve")
    assert (done.code, "(+6, -0) of 21 contacts" in done.out) == (0, True)
    assert remote.definitions()["VIP"][0] == spends_more_than(9)


def test_apply_checks_the_audience_limit_with_current_contacts(shop: Project) -> None:
    shop.write({"segctl.yaml": SETTINGS.replace("50%", "150%")})
    file = str(shop.root / "plan.json")
    assert shop.run("plan", "--out", file).code == 0
    shop.write({"exports/people.csv": export(range(17))})
    done = shop.run("apply", file, "--auto-approve")
    assert (done.code, "would change by 600 %" in done.out) == (3, True)


def test_a_swap_and_a_delete_have_the_impacts_that_are_known(shop: Project, remote: Remote) -> None:
    remote.emulator.console.create("Regulars", spends_more_than(5))
    remote.emulator.console.create("Gone", spends_more_than(1))
    shop.declare("VIP", spends_more_than(5), extra="previous_names: [Regulars]\n")
    shop.declare("Regulars", spends_more_than(14), extra="previous_names: [VIP]\n")
    shop.write({"segments/gone.yaml": "name: Gone\nremoved: true\n"})
    steps = json.loads(shop.run("plan", "--format", "json").out)["changes"]
    by_step = {
        step["reason"] if step["reason"] != "renamed" else step["name"]: step["impact"]
        and [step["impact"][key] for key in ("before", "gained", "lost")]
        for step in steps
    }
    # A name alone lets nobody come or go, the temporary one least of all.
    assert by_step == {
        "frees-name": [4, 0, 0],
        "VIP": [14, 0, 0],
        "Regulars": [4, 1, 0],
        "removed-by-file": None,
    }
    comment = shop.run("plan", "--format", "markdown").out
    table = comment[comment.index("Audience size") : comment.index("</table>")]
    assert table.count("<tr>") == 4
    assert '<code>Gone</code></td><td align="right">0 (SendGrid)' in table


def test_no_view_of_a_plan_names_a_contact(shop: Project) -> None:
    shop.declare("New", query("email LIKE '%@contacts%'"))
    file = str(shop.root / "plan.json")
    results = [shop.run("plan", "--out", file)]
    for output in FORMATS:
        results += [
            shop.run("plan", "--format", output),
            shop.run("show", file, "--format", output),
        ]
        results.append(shop.run("apply", "--auto-approve", "--format", output))
    for result in results:
        assert not any(word in result.out + result.err for word in PERSONAL), result.out
        assert "traceback" not in result.err.lower()
    assert sum("20" in result.out for result in results) >= len(FORMATS)


# Where nobody can count


def reasons(project: Project) -> list[str]:
    """Return what a plan reports of unknown audiences, with the severity."""
    done = project.run("plan", "--format", "json")
    assert done.code == 0, done.out + done.err
    plan = json.loads(done.out)
    assert all(change["impact"] is None for change in plan["changes"])
    return [
        f"{diagnostic['severity']}: {diagnostic['summary']}"
        for diagnostic in plan["diagnostics"]
        if diagnostic["code"] == "audience-unknown"
    ]


def test_a_common_reason_for_unknown_audiences_is_reported_once(
    shop: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.declare("New", spends_more_than(9))
    unknown = "the audiences are unknown: "

    shop.write({"segctl.yaml": SETTINGS.replace("people", "nobody")})
    assert reasons(shop) == [f"warning: {unknown}nobody.csv not found"]
    shop.write({"segctl.yaml": SETTINGS.replace("{contacts: exports/people.csv}", "pulled")})
    assert reasons(shop) == [f"warning: {unknown}no contacts pulled from the target `production`"]
    shop.write({"segctl.yaml": "version: 1\nlimits: {max_audience_change: 50%}\n"})
    assert reasons(shop) == [
        "warning: `limits.max_audience_change` is not checked: segctl.yaml names no contacts"
    ]
    shop.write({"segctl.yaml": "version: 1\n"})
    assert reasons(shop) == []
    shop.write({"segctl.yaml": SETTINGS, "exports/people.csv": "who,what\n1,2\n"})
    assert reasons(shop) == [f"warning: {unknown}people.csv has no column contact_id"]
    # Without a limit, nothing depends on it.
    shop.write({"segctl.yaml": SETTINGS.replace("limits: {max_audience_change: 50%}\n", "")})
    assert reasons(shop) == [f"info: {unknown}people.csv has no column contact_id"]
    shop.write({"segctl.yaml": SETTINGS, "exports/people.csv": export(range(PEOPLE))})
    monkeypatch.setitem(sys.modules, "duckdb", None)
    [reason] = reasons(shop)
    assert "DuckDB, which is not installed" in reason


def test_an_uncountable_query_is_reported_at_its_place(shop: Project, remote: Remote) -> None:
    opened = query(
        "EXISTS (SELECT 1 FROM event_data AS e WHERE e.contact_id = contact_data.contact_id)"
    )
    remote.emulator.console.create("Odd", query("no_such_column = 1"))
    shop.declare("Odd", spends_more_than(1))
    shop.declare("Opened", opened)
    shop.declare("VIP", spends_more_than(14))
    done = shop.run("plan", "--format", "json")
    assert done.code == 0, done.out + done.err
    plan = json.loads(done.out)
    assert {item["name"]: item["impact"] is None for item in plan["changes"]} == {
        "VIP": False, "Odd": True, "Opened": True,
    }  # fmt: skip
    unknown = [item for item in plan["diagnostics"] if item["code"] == "audience-unknown"]
    odd, unasked = sorted(item["summary"] for item in unknown)
    assert odd == (
        "`Odd`: it cannot be counted: in the query on the account, the contacts have no column "
        "`no_such_column`"
    )
    assert unasked == (
        "`Opened`: it cannot be counted: it uses event_data, and there are no events"
    )
    places = {item["source"]["file"]: item["source"] for item in unknown}
    line = (shop.root / "segments/opened.yaml").read_text().split("\n")[1]
    place = places["segments/opened.yaml"]
    assert line[place["column"] - 1 : place["end_column"] - 1] == "e.contact_id"


def test_a_doubtful_number_has_a_warning_in_every_view(shop: Project) -> None:
    settings = SETTINGS.replace("{contacts: ", "{events: exports/events.csv, contacts: ")
    events = "contact_id,event_type\nc1,OPEN\n"
    shop.write({"segctl.yaml": settings, "exports/events.csv": events})
    shop.declare("VIP", spends_more_than(15))
    opened = "SELECT contact_id FROM event_data WHERE event_type = 'open'"
    shop.declare("Opened", query(f"contact_id IN ({opened})"))
    for output in FORMATS:
        done = shop.run("plan", "--format", output)
        assert done.code == 0
        words = re.sub("<[^>]*>|`", "", done.out + done.err)
        if output == "text":
            words = " ".join(words.split())
        assert "no event has event_type open, and 1 has OPEN" in words, output
    plan = json.loads(shop.run("plan", "--format", "json").out)
    assert [change["impact"]["after"] for change in plan["changes"]] == [0]


def test_contacts_of_another_account_are_not_counted_and_old_contacts_are_reported(
    shop: Project,
) -> None:
    folder = shop.root / ".segctl" / "contacts"
    folder.mkdir(parents=True)
    path = folder / "production.duckdb"
    shop.write({"segctl.yaml": SETTINGS.replace("{contacts: exports/people.csv}", "pulled")})
    facts = {"format": "1", "as_of": "2026-07-05T00:00:00Z", "account": "another", "lists": '"all"'}
    with duckdb.connect(str(path)) as base:
        base.execute(f"CREATE TABLE contact_data (contact_id VARCHAR, total_spend {NUMBER_TYPE})")
        base.execute("INSERT INTO contact_data SELECT 'c' || i, i FROM range(20) AS t(i)")
        base.execute("CREATE TABLE segctl_base (key VARCHAR PRIMARY KEY, value VARCHAR)")
        base.executemany("INSERT INTO segctl_base VALUES (?, ?)", [*facts.items()])
    [reason] = reasons(shop)
    assert reason == (
        "warning: the audiences are unknown: the contacts were pulled from another account"
    )

    account = account_digest(shop.env["SEGCTL_BASE_URL"], None, Secret(KEY))
    with duckdb.connect(str(path)) as base:
        base.execute("UPDATE segctl_base SET value = ? WHERE key = 'account'", [account])
    done = shop.run("plan")
    assert (
        "audience  4 -> 10 (+6, -0) of 20 contacts as of 2026-07-05 by segctl's count\n" in done.out
    )
    assert "info[audience-old]: audience counts use contacts pulled 10 days ago" in (done.out)


def test_empty_and_partial_contacts_are_reported(shop: Project) -> None:
    shop.write({"exports/people.csv": export(range(0))})
    assert reasons(shop) == ["warning: the audiences are unknown: the data set has no contacts"]
    folder = shop.root / ".segctl" / "contacts"
    folder.mkdir(parents=True)
    shop.write({"segctl.yaml": SETTINGS.replace("{contacts: exports/people.csv}", "pulled")})
    facts = {"only": '["Newsletter", "VIP"]'}
    people = [{"contact_id": f"c{number}", "total_spend": number} for number in range(PEOPLE)]
    fields = {"total_spend": ColumnType.NUMBER}
    account = account_digest(shop.env["SEGCTL_BASE_URL"], None, Secret(KEY))
    pulled(folder / "production.duckdb", people, None, fields, account=account, **facts)
    done = shop.run("plan")
    assert done.code == 3
    assert "warning[audience-partial]: audience counts use only the contacts of `Newsletter`, " in (
        done.out
    )


def test_queries_that_lack_events_are_reported_together(shop: Project) -> None:
    opened = query(
        "EXISTS (SELECT 1 FROM event_data AS e WHERE e.contact_id = contact_data.contact_id)"
    )
    for name in ("One", "Two", "Three"):
        shop.declare(name, opened)
    plan = json.loads(shop.run("plan", "--format", "json").out)
    [unknown] = [
        diagnostic for diagnostic in plan["diagnostics"] if diagnostic["code"] == "audience-unknown"
    ]
    assert unknown["summary"] == (
        "3 segments cannot be counted: they use event_data, and there are no events: "
        "`One`, `Three`, `Two`"
    )
    assert "contacts: {contacts: …, events: …}" in unknown["hint"]


def test_an_old_export_is_reported(shop: Project) -> None:
    now = shop.clock.now().timestamp()
    for days, is_old in ((7, False), (9, True)):
        os.utime(shop.root / "exports/people.csv", (now, now - days * 86_400))
        assert ("at least 9 days old" in shop.run("plan").out) is is_old


# What git must not have


def test_untracked_contacts_are_a_warning_and_tracked_contacts_an_error(
    shop: Project, remote: Remote, tmp_path: Path
) -> None:
    def git(*argv: str) -> None:
        subprocess.run(["git", *argv], cwd=shop.root, check=True, capture_output=True)

    shop.declare("VIP", spends_more_than(9), extra="allow_audience_change: 150%\n")
    preview = ("preview", "VIP", "--contacts", str(shop.root / "exports/people.csv"))
    untracked = "[contacts-not-ignored]: git does not ignore exports/people.csv"
    plain = shop.run(*preview)
    assert (plain.code, plain.err) == (0, "")

    git("init", "-q")
    plan, validate, shown = shop.run("plan"), shop.run("validate"), shop.run(*preview)
    assert (plan.code, validate.code, shown.code) == (0, 0, 0)
    assert all(f"warning{untracked}" in output for output in (plan.out, validate.err, shown.err))
    assert "hint: add `exports/people.csv` to .gitignore" in plan.out
    assert (shown.out, "audience  4 -> 10" in plan.out) == (plain.out, True)

    shop.write({".gitignore": "/exports/\n"})
    assert "contacts-" not in shop.run("validate").err
    assert "contacts-" not in shop.run("plan").out
    assert shop.run(*preview).err == ""

    git("add", "-f", "exports/people.csv")
    before = remote.definitions()
    plan, validate, shown = shop.run("plan"), shop.run("validate"), shop.run(*preview)
    assert (plan.code, validate.code, shown.code) == (1, 1, 3)
    message = (
        "git tracks exports/people.csv, so every clone of the repository contains the contacts"
    )
    assert all(message in output for output in (plan.out, validate.err, shown.err))
    assert "`git rm -r --cached exports/people.csv`" in plan.out
    assert shop.run("apply", "--auto-approve").code == 1
    assert remote.definitions() == before

    # So it is with a file in another repository, and one in none is nobody's concern.
    elsewhere = tmp_path.parent / f"{tmp_path.name}-elsewhere"
    elsewhere.mkdir()
    (elsewhere / "people.csv").write_text(export(range(PEOPLE)), "utf-8")
    argv = ("preview", "VIP", "--contacts", str(elsewhere / "people.csv"))
    assert (shop.run(*argv).code, shop.run(*argv).err) == (0, "")
    subprocess.run(["git", "init", "-q"], cwd=elsewhere, check=True)
    assert f"warning{untracked.replace('exports/', '')}" in shop.run(*argv).err
    # What git refuses to read is told as well.
    (elsewhere / ".git/HEAD").write_text("?", "utf-8")
    message = "cannot find out whether git ignores people.csv"
    assert (shop.run(*argv).code, message in shop.run(*argv).err) == (0, True)

    git("rm", "-q", "--cached", "exports/people.csv")
    assert shop.run("apply", "--auto-approve").code == 0
    assert "No changes." in shop.run("plan").out
