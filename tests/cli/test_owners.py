"""`segctl owners`: who owns what, and the block of CODEOWNERS."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.support.builders import query

if TYPE_CHECKING:
    from tests.support.project import Project

VIP = query("city = 'Brno'")
SETTINGS = """\
version: 1
owners:
  sales: "@acme/sales"
  crm: jana@example.com
"""


@pytest.fixture
def owned(project: Project) -> Project:
    """A project with two owners, of which one has segments, and a segment without an owner."""
    project.write({"segctl.yaml": SETTINGS})
    for name, owner in (("VIP customers", "sales"), ("Lapsed", "sales"), ("Everybody", "")):
        project.declare(name, query(f"city = '{name}'"), extra=f"owner: {owner}\n" if owner else "")
    return project


def test_owners_are_listed_with_their_segments(owned: Project) -> None:
    result = owned.run("owners")
    assert (result.code, result.err) == (0, "")
    assert result.out == (
        "crm  jana@example.com  0 segments\n\n"
        "sales  @acme/sales  2 segments\n"
        "  Lapsed         segments/lapsed.yaml\n"
        "  VIP customers  segments/vip-customers.yaml\n\n"
        "No owner  1 segment\n"
        "  Everybody  segments/everybody.yaml\n"
    )
    data = json.loads(owned.run("owners", "--format", "json").out)
    assert data["format_version"]
    assert data["owners"] == [
        {"name": "crm", "who": "jana@example.com", "segments": []},
        {
            "name": "sales",
            "who": "@acme/sales",
            "segments": [
                {"name": "Lapsed", "file": "segments/lapsed.yaml"},
                {"name": "VIP customers", "file": "segments/vip-customers.yaml"},
            ],
        },
    ]
    assert data["unowned"] == [{"name": "Everybody", "file": "segments/everybody.yaml"}]


def test_owners_are_listed_without_settings(project: Project) -> None:
    assert project.run("owners").err == "No segments.\n"
    project.declare("A", VIP, extra="owner: sales\n")
    assert project.run("owners").out == "sales  1 segment\n  A  segments/a.yaml\n"
    result = project.run("owners", "--codeowners")
    assert result.code == 1
    assert "segctl.yaml has no `owners:`" in result.err
    assert "hint: add `owners:`" in result.err


def test_codeowners_is_written_and_checked(owned: Project) -> None:
    stale = owned.run("owners", "--codeowners", "--check")
    assert (stale.code, stale.out) == (
        1,
        "+/segments/lapsed.yaml @acme/sales\n+/segments/vip-customers.yaml @acme/sales\n",
    )
    assert "error[stale-codeowners]: .github/CODEOWNERS is out of date" in stale.err
    assert "hint: run `segctl owners --codeowners` and commit the file" in stale.err
    assert not (owned.root / ".github").exists()

    assert owned.run("owners", "--codeowners").out == ".github/CODEOWNERS\n"
    text = (owned.root / ".github/CODEOWNERS").read_text()
    assert text.splitlines()[1:-1] == [line[1:] for line in stale.out.splitlines()]
    for argv in (("--check",), ()):
        current = owned.run("owners", "--codeowners", *argv)
        assert (current.code, current.out) == (0, "")
        assert current.err == ".github/CODEOWNERS is up to date.\n"

    owned.declare("Lapsed", VIP, extra="owner: crm\n")
    changed = owned.run("owners", "--codeowners", "--check")
    assert (changed.code, changed.out) == (
        1,
        "-/segments/lapsed.yaml @acme/sales\n+/segments/lapsed.yaml jana@example.com\n",
    )
    assert (owned.root / ".github/CODEOWNERS").read_text() == text


def test_the_file_is_the_one_that_github_reads(owned: Project) -> None:
    mine = "# mine\n* @acme/all\n"
    owned.write({"docs/CODEOWNERS": mine})
    assert owned.run("owners", "--codeowners").out == "docs/CODEOWNERS\n"
    owned.write({"CODEOWNERS": mine})
    assert owned.run("owners", "--codeowners").out == "CODEOWNERS\n"
    owned.write({".github/CODEOWNERS": mine})
    assert owned.run("owners", "--codeowners").out == ".github/CODEOWNERS\n"
    assert (owned.root / ".github/CODEOWNERS").read_text().startswith(f"{mine}\n# BEGIN segctl")


def test_paths_start_at_the_top_of_the_repository(
    owned: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = owned.root / "teams/crm"
    inner.mkdir(parents=True)
    for name in ("segctl.yaml", "segments"):
        (owned.root / name).rename(inner / name)
    subprocess.run(["git", "init", "-q", str(owned.root)], check=True)
    monkeypatch.chdir(inner / "segments")
    assert owned.run_here("owners", "--codeowners").out == ".github/CODEOWNERS\n"
    text = (owned.root / ".github/CODEOWNERS").read_text()
    assert "\n/teams/crm/segments/lapsed.yaml @acme/sales\n" in text
    # A path on the command line is one from here.
    assert owned.run_here("owners", "--codeowners", "my owners").out == "my owners\n"
    assert (inner / "segments/my owners").read_text() == text
    (inner / "segments/my owners").write_text("")
    hint = owned.run_here("owners", "--codeowners", "my owners", "--check").err
    assert "run `segctl owners --codeowners 'my owners'` and commit" in hint


def test_a_damaged_block_is_an_error_and_nothing_is_written(owned: Project) -> None:
    text = "* @acme/all\n# BEGIN segctl owners\n/x @acme/x\n"
    owned.write({"CODEOWNERS": text})
    for argv in ((), ("--check",)):
        result = owned.run("owners", "--codeowners", *argv)
        assert (result.code, result.out) == (1, "")
        assert (
            "error: CODEOWNERS: the block of segctl must have one BEGIN and one END" in result.err
        )
        assert "got BEGIN in line 2" in result.err
    assert (owned.root / "CODEOWNERS").read_text() == text


def test_an_unknown_owner_gets_no_line_and_is_said(owned: Project) -> None:
    owned.declare("Mine", VIP, extra="owner: slaes\n")
    result = owned.run("owners", "--codeowners")
    assert "warning[unknown-owner]: `owners:` in segctl.yaml does not have `slaes`" in result.err
    assert "mine" not in (owned.root / ".github/CODEOWNERS").read_text()
    assert "slaes  not in `owners:`  1 segment\n" in owned.run("owners").out
    found = owned.run("validate")
    assert found.code == 1
    assert "error[unknown-owner]: `owners:` in segctl.yaml has no owner `slaes`" in found.err
    assert "hint: did you mean `sales`?" in found.err


@pytest.mark.parametrize(
    "who",
    [
        *("@acme/crm\\n* @evil", "@acme/crm @evil", "*", "* @evil", "@acme/crm #", "a@b.cz\\n"),
        *("@", "@acme/", "@acme/a/b", "acme/crm", "crm", "", "@-a", "jana@localhost"),
        *("@acme/crm\\u2028*", "jana@example.com,x@example.com", "@" + "a" * 40),
    ],
)
def test_an_owner_cannot_write_another_line(owned: Project, who: str) -> None:
    owned.write({"segctl.yaml": f'version: 1\nowners: {{sales: "{who}"}}\n'})
    result = owned.run("owners", "--codeowners")
    assert (result.code, result.out) == (1, "")
    assert "segctl.yaml:2:" in result.err
    assert not (owned.root / ".github").exists()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ('{sales: ["@acme/sales"]}', "`owners.sales` must be a string, got a list"),
        ("{sales: acme}", "`owners.sales` must be an e-mail address, @user or @org/team"),
        ("{sales: @acme/sales}", "text without quotes cannot start with `@`"),
        ('{"a\\nb": "@acme"}', "invalid owner `a\\x0ab`"),
        ('{" ": "@acme"}', "invalid owner"),
        ("{}", "`owners`"),
        ("", "`owners` must be a mapping, got nothing"),
    ],
)
def test_mistakes_in_owners_are_explained(owned: Project, settings: str, words: str) -> None:
    owned.write({"segctl.yaml": f"version: 1\nowners: {settings}\n"})
    result = owned.run("validate")
    assert result.code == 1
    assert words in result.err


def test_check_requires_codeowners(owned: Project) -> None:
    result = owned.run("owners", "--check")
    assert (result.code, result.out) == (1, "")
    assert "--check requires --codeowners" in result.err
