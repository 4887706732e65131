"""Values and conditions by name: from files alone, and every error at its place."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from tests.history.repository import applied_repository, set_time
from tests.support.builders import ALL, query, segment_yaml

if TYPE_CHECKING:
    from tests.support.account import Remote
    from tests.support.project import Project

SETTINGS = """\
version: 1
default_target: production
values:
  language: cs
  least: 100
targets:
  production:
    values: { least: 500 }
  staging: {}
"""
CONDITIONS = """\
conditions:
  consented: plan = 'pro' OR plan = 'team'
  # What counts as a customer of ours.
  spends: total_spend > @least -- in the currency of the account
  good: "@consented AND @spends"
"""
VIP = """\
name: VIP
values:
  countries: [CZ, SK]
query_dsl: |
  SELECT contact_id, updated_at
  FROM contact_data
  WHERE @good
    AND country IN @countries
    AND preferred_language = @language
"""
SENT = (
    f"{ALL.replace(' FROM', chr(10) + 'FROM')}\n"
    "WHERE ((plan = 'pro' OR plan = 'team') AND (total_spend > 500 -- in the currency of the "
    "account\n)\n)\n"
    "  AND country IN ('CZ', 'SK')\n"
    "  AND preferred_language = 'cs'\n"
)


@pytest.fixture
def shop(connected: Project) -> Project:
    connected.write(
        {
            "segctl.yaml": SETTINGS,
            "segments/conditions.yaml": CONDITIONS,
            "segments/vip.yaml": VIP,
        }
    )
    return connected


def test_names_are_sent_as_what_they_stand_for(shop: Project, remote: Remote) -> None:
    assert "error" not in shop.run("validate").err
    assert shop.run("apply", "--auto-approve").code == 0
    assert remote.definitions() == {"VIP": (SENT, ())}
    assert shop.run("plan").out.startswith("No changes.")
    explained = shop.run("explain").out
    assert "total spend is more than 500" in explained
    assert "@" not in explained


def test_the_nearest_value_wins(shop: Project, remote: Remote) -> None:
    shop.edit("segctl.yaml", "values: { least: 500 }", "values: { least: 500, language: de }")
    shop.edit("segments/vip.yaml", "  countries:", "  language: sk\n  countries:")
    assert shop.run("apply", "--auto-approve").code == 0
    text = remote.definitions()["VIP"][0]
    assert "preferred_language = 'sk'" in text
    assert "total_spend > 500" in text
    other = shop.run("--target", "staging", "validate")
    assert other.code == 0


@pytest.mark.parametrize(
    ("file", "edits", "expected"),
    [
        ("vip", ("@countries", "@contries"), "8:20 unknown value or condition `@contries`"),
        ("vip", ("WHERE @good", "WHERE @goood"), "7:9 unknown value or condition `@goood`"),
        (
            "vip",
            ("IN @countries", "IN ('CZ')"),
            "3:14 nothing uses the value `countries`",
        ),
        ("vip", ("[CZ, SK]", "[]"), "3:14 `countries` is an empty list"),
        ("vip", ("[CZ, SK]", "{ a: b }"), "3:14 "),
        ("vip", ("[CZ, SK]", ".inf"), "3:14 `countries` is not a number that a query can contain"),
        ("conditions", ("plan = 'pro' OR", "plan = 'pro' ORR"), "2:"),
        ("conditions", ("plan = 'team'", "plan = 'team') OR (TRUE"), "2:43 "),
        (
            "conditions",
            ("plan = 'team'", "plan = 'team' ORDER BY plan"),
            "2:14 the text is",
        ),
        ("conditions", ("@spends", "@good"), "5:9 conditions refer to each other: good → good"),
        ("conditions", ("@least", "@good"), "4:11 conditions refer to each other: spends → good"),
        ("conditions", ("consented:", "least:"), "2:3 `least` is a value in segctl.yaml as well"),
        ("conditions", ("conditions:", "name: x\nconditions:"), "1:1 unknown key `name`"),
        ("conditions", ("plan = 'team'", "plan = 'team';"), "2:14 the text is more than"),
        (
            "conditions",
            ("plan = 'pro' OR plan", "plan = 'pro' -- or\n    AND plan"),
            "2:27 the comment also hides line 3",
        ),
        ("conditions", ("plan = 'pro' OR", "total_spend > 1@least OR"), "2:29 "),
        ("conditions", ("consented:", "Consented:"), "2:3 invalid name `Consented`"),
        ("vip", ("countries:", "list: a\n  countries:"), "3:3 invalid name `list`"),
    ],
)
def test_what_is_wrong_with_a_name_is_an_error_at_its_place(
    shop: Project, remote: Remote, file: str, edits: tuple[str, str], expected: str
) -> None:
    shop.edit(f"segments/{file}.yaml", *edits)
    place, _, message = expected.partition(" ")
    result = shop.run("validate")
    assert result.code == 1
    assert f"segments/{file}.yaml:{place}" in result.err
    assert message in result.err
    assert shop.run("apply", "--auto-approve").code == 1
    assert remote.definitions() == {}


def test_a_segment_in_the_file_of_conditions_is_an_error(shop: Project) -> None:
    shop.write({"segments/conditions.yaml": segment_yaml("Other", ALL)})
    result = shop.run("plan")
    assert result.code == 1
    assert "segments/conditions.yaml:1:1: error" in result.out + result.err


def test_a_condition_that_no_segment_uses_is_a_warning(shop: Project) -> None:
    shop.edit("segments/vip.yaml", "@good", "@consented")
    result = shop.run("validate")
    assert result.code == 0
    assert "segments/conditions.yaml:4:3: warning[unused-condition]" in result.err
    assert "segments/conditions.yaml:5:3: warning[unused-condition]" in result.err


def test_a_finding_is_at_the_name_in_the_file(shop: Project) -> None:
    shop.edit("segments/vip.yaml", "preferred_language = @language", "created_at > @language")
    result = shop.run("validate")
    assert "segments/vip.yaml:9:22: " in result.err


def test_a_broken_segctl_yaml_makes_no_value_of_a_text_unknown(shop: Project) -> None:
    shop.edit("segments/vip.yaml", "name: VIP", "name: VIP ${language}")
    assert shop.run("validate").code == 0
    shop.edit("segctl.yaml", "version: 1", "version: 1\nnonsense: 1")
    result = shop.run("validate")
    assert result.code == 1
    assert result.err.count(": error[") == 1
    assert "segctl.yaml:2:1: error[unknown-key]" in result.err


def test_loops_that_share_a_condition_end(shop: Project) -> None:
    loops = "conditions:\n  a: '@b OR @c'\n  b: '@a'\n  c: '@a'\n  d: '@c'\n"
    shop.write({"segments/conditions.yaml": loops})
    shop.edit("segments/vip.yaml", "@good", "@d")
    result = shop.run("validate")
    assert result.code == 1
    assert "conditions refer to each other: a → b → a" in result.err


def test_conditions_that_grow_without_limit_are_refused(shop: Project) -> None:
    names = [f"c{number}" for number in range(30)]
    lines = [f"  {name}: '@{after} OR @{after}'" for name, after in pairwise(names)]
    text = "\n".join(["conditions:", *lines, f"  {names[-1]}: plan = 'x'", ""])
    shop.write({"segments/conditions.yaml": text, "segments/vip.yaml": ""})
    (shop.root / "segments/vip.yaml").unlink()
    shop.declare("Growing", query("@c0"))
    result = shop.run("validate")
    assert result.code == 1
    assert "stands for more than 1,048,576 characters" in result.err


@pytest.mark.parametrize(
    ("condition", "column"),
    [
        ("total_spend > 1@least", 24),
        ("total_spend > @least@least", 29),
        ("total_spend > @least.5", 30),
        ("total_spend > spend@least", 28),
        ("country = @language'x'", 19),
        ("IFF @consented", 13),
    ],
)
def test_a_value_does_not_become_one_with_what_stands_beside_it(
    shop: Project, condition: str, column: int
) -> None:
    shop.edit("segments/vip.yaml", "@good", condition)
    result = shop.run("validate")
    assert result.code == 1
    assert f"segments/vip.yaml:7:{column}: error[syntax-error]" in result.err


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("segctl.yaml", "version: 1", "version: 1\nversion: 1"),
        ("segctl.yaml", "least: 100", "least: .inf"),
        ("segctl.yaml", "least: 100", "Least: 100"),
        ("segments/conditions.yaml", "conditions:\n", "conditions:\nconditions:\n"),
        ("segments/conditions.yaml", "consented: plan", "consented: &plan"),
    ],
)
def test_a_file_that_cannot_be_read_does_not_make_its_names_unknown(
    shop: Project, file: str, old: str, new: str
) -> None:
    assert shop.run("--target", "staging", "account", "pull").code == 0
    shop.edit(file, old, new)
    result = shop.run("validate")
    assert result.code == 1
    errors = [line for line in result.err.splitlines() if ": error[" in line]
    assert errors
    assert all(line.startswith(f"{file}:") for line in errors), errors


def test_a_control_character_in_a_condition_is_an_error(shop: Project) -> None:
    shop.edit("segments/conditions.yaml", "plan = 'pro' OR plan = 'team'", r'''"plan = 'a\0'"''')
    result = shop.run("validate")
    assert result.code == 1
    assert "segments/conditions.yaml:2:14: error[control-character]" in result.err


@pytest.mark.parametrize("last", ["plan = 'x'", "'@c0'"])
def test_a_long_chain_of_conditions_is_an_error(shop: Project, last: str) -> None:
    names = [f"c{number}" for number in range(4000)]
    lines = [f"  {name}: '@{after}'" for name, after in pairwise(names)]
    text = "\n".join(["conditions:", *lines, f"  {names[-1]}: {last}", ""])
    shop.write({"segments/conditions.yaml": text})
    shop.edit("segments/vip.yaml", "@good", "@c0")
    result = shop.run("validate")
    assert result.code == 1
    assert result.err.count(": error[") == 1
    if "@" in last:
        assert "segments/conditions.yaml:2:7: error[condition-loop]" in result.err
        assert "c0 → c1 → c2 → c3 → c4 → c5 → c6 → c7 → … → c0" in result.err
    else:
        assert "segments/vip.yaml:7:9: error[too-deep]" in result.err


def test_a_long_list_that_is_used_often_is_an_error(shop: Project) -> None:
    countries = ", ".join(f"'{number:0100}'" for number in range(2000))
    shop.edit("segments/vip.yaml", "[CZ, SK]", f"[{countries}]")
    conditions = " OR ".join(["country IN @countries"] * 20_000)
    shop.edit("segments/vip.yaml", "country IN @countries", conditions)
    result = shop.run("validate")
    assert result.code == 1
    assert result.err.count(": error[") == 1
    assert "segments/vip.yaml:8:145: error[query-too-long]" in result.err


def test_values_never_come_from_the_environment(shop: Project) -> None:
    shop.edit("segctl.yaml", "  language: cs\n", "")
    result = shop.run("validate", language="cs", LANGUAGE="cs")
    assert result.code == 1
    assert "unknown reference `@language`" in result.err


def test_a_format_keeps_the_names(shop: Project) -> None:
    shop.edit("segments/vip.yaml", "WHERE @good\n    AND", "where @good and")
    assert shop.run("fmt").code == 0
    assert (shop.root / "segments/vip.yaml").read_text("utf-8") == VIP


def test_an_edit_by_hand_comes_into_the_file(shop: Project, remote: Remote) -> None:
    assert shop.run("apply", "--auto-approve").code == 0
    (record,) = remote.emulator.console.segments()
    edited = query("plan = 'free'")
    remote.emulator.console.edit(record.id, query=edited)
    assert shop.run("drift").code == 0
    accepted = shop.run("drift", "--accept", "VIP")
    assert accepted.code != 0
    assert "has names in place of values" in accepted.err
    assert (shop.root / "segments/vip.yaml").read_text("utf-8") == VIP


def test_history_knows_what_names_stood_for(connected: Project, remote: Remote) -> None:
    (connected.root / "segments").mkdir(exist_ok=True)
    (connected.root / "segctl.yaml").write_text(SETTINGS, "utf-8")
    files = {"conditions.yaml": CONDITIONS, "vip.yaml": VIP, "all.yaml": segment_yaml("All", ALL)}
    repository = applied_repository(connected, remote, files)
    assert remote.definitions()["VIP"] == (SENT, ())
    for minutes, subject, old, new in (
        (3700, "Narrow", "least: 500", "least: 900"),
        (3800, "Widen", "least: 900", "least: 50"),
    ):
        connected.edit("segctl.yaml", old, new)
        repository.commit(subject, {})
        set_time(remote, minutes)
        applied = connected.run("apply", "--auto-approve")
        assert applied.code == 0, applied.out
        assert "outside git" not in applied.out
        assert connected.run("plan").out.startswith("No changes.")
    connected.edit("segments/conditions.yaml", "'team'", "'firm'")
    repository.commit("Other plan", {})
    set_time(remote, 3900)
    assert connected.run("apply", "--auto-approve").code == 0
    text = connected.run("history", "VIP").out
    assert all(subject in text for subject in ("Narrow", "Widen", "Other plan"))
    repository.commit("Remove", {"vip.yaml": None})
    removed = connected.run("apply", "--auto-approve")
    assert removed.code == 0, removed.out
    assert [*remote.definitions()] == ["All"]
