"""Who is reached before and after, from a team's own export to every view of a plan, and the limit."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

import pytest

from segctl.cli.formats import FORMATS
from tests.conftest import Project, Remote, query

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("duckdb")

PEOPLE = 20
PERSONAL = ("Kvapil", "contacts.test", "Zdenka")
SETTINGS = """\
version: 1
limits: {max_audience_change: 50%}
contacts: {contacts: exports/people.csv}
"""


def export(spends: range) -> str:
    """Write an export: so many contacts, each of whom has a name and an address."""
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
    """A project with twenty contacts; `VIP` has four of them on the account and asks for ten."""
    connected.write({"segctl.yaml": SETTINGS, "exports/people.csv": export(range(PEOPLE))})
    remote.emulator.ui.create("VIP", spends_more_than(15))
    connected.declare("VIP", spends_more_than(9))
    return connected


def impacts(project: Project, *argv: str) -> dict[str, dict[str, object] | None]:
    """Plan; give the impact of each change, by name."""
    done = project.run("plan", "--format", "json", *argv)
    return {one["name"]: one["impact"] for one in json.loads(done.out)["changes"]}


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
    assert "audience  4 -> 10 (+6, -0) of 20 contacts\n" in done.out
    assert "error[audience-change]: the audience of `VIP` would change by 150 %" in done.out
    assert "allow_audience_change: 150%" in done.out
    refused = shop.run("apply", "--auto-approve")
    assert refused.code == 3
    assert remote.definitions()["VIP"][0] == spends_more_than(15)

    shop.declare("VIP", spends_more_than(9), extra="allow_audience_change: 150%\n")
    shop.declare("Everybody", spends_more_than(9) + " OR total_spend < 9")
    done = shop.run("plan")
    assert "`Everybody` would reach 95 % of all contacts at once: 19 of 20" in done.out
    shop.declare(
        "Everybody", spends_more_than(9) + " OR total_spend < 9", extra="allow_audience_change: true\n"
    )
    applied = shop.run("apply", "--auto-approve")
    assert applied.code == 0, applied.out + applied.err
    assert "audience  19 of 20 contacts\n" in applied.out
    again = shop.run("plan", "--detailed-exitcode")
    assert (again.code, "No changes." in again.out) == (0, True)


def test_a_saved_plan_is_not_stale_for_another_base(shop: Project, remote: Remote) -> None:
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


def test_a_limit_is_held_at_the_apply_as_the_base_is_then(shop: Project) -> None:
    shop.write({"segctl.yaml": SETTINGS.replace("50%", "150%")})
    file = str(shop.root / "plan.json")
    assert shop.run("plan", "--out", file).code == 0
    shop.write({"exports/people.csv": export(range(17))})
    done = shop.run("apply", file, "--auto-approve")
    assert (done.code, "would change by 600 %" in done.out) == (3, True)


def test_no_view_of_a_plan_names_a_contact(shop: Project) -> None:
    shop.declare("New", query("email LIKE '%@contacts%'"))
    file = str(shop.root / "plan.json")
    said = [shop.run("plan", "--out", file)]
    for output in FORMATS:
        said += [shop.run("plan", "--format", output), shop.run("show", file, "--format", output)]
        said.append(shop.run("apply", "--auto-approve", "--format", output))
    for one in said:
        assert not any(word in one.out + one.err for word in PERSONAL), one.out
        assert "traceback" not in one.err.lower()
    assert sum("20" in one.out for one in said) >= len(FORMATS)


# Where nobody can count


def without_duckdb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)


def reasons(project: Project) -> list[str]:
    """Plan; give what is said of audiences nobody could count, with the severity."""
    done = project.run("plan", "--format", "json")
    assert done.code == 0, done.out + done.err
    plan = json.loads(done.out)
    assert all(change["impact"] is None for change in plan["changes"])
    return [
        f"{found['severity']}: {found['summary']}"
        for found in plan["diagnostics"]
        if found["code"] == "audience-unknown"
    ]
