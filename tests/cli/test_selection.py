"""What a command is limited to, and where it finds its project."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.builders import query

if TYPE_CHECKING:
    from tests.support.account import Remote
    from tests.support.project import Project

SPENDERS = query("total_spend > 500")
UGLY = "select contact_id, updated_at from contact_data where total_spend > 1 and city = 'Brno'"


@pytest.fixture
def shop(connected: Project) -> Project:
    connected.declare("VIP", SPENDERS, extra="tags: [vip, q3]\nowner: crm@example.com\n")
    connected.declare("Cold", SPENDERS, extra="tags: [winback]\nowner: '@team/mail'\n")
    return connected


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("tag:vip", ["VIP"]),
        ("tag:*", ["Cold", "VIP"]),
        ("owner:crm@*", ["VIP"]),
        ("owner:@team/*", ["Cold"]),
        ("./segments/vip.yaml", ["VIP"]),
        ("segments/", ["Cold", "VIP"]),
    ],
)
def test_plans_and_previews_pick_by_tag_owner_and_path(
    shop: Project, pattern: str, names: list[str]
) -> None:
    planned = shop.run("plan", "--only", pattern).out
    explained = shop.run("explain", pattern).out
    for name in ("VIP", "Cold"):
        assert (f"+ create  {name}  " in planned) == (name in names)
        assert (f"{name}  segments/" in explained) == (name in names)


def test_a_folder_picks_the_files_below_it_and_no_others(connected: Project) -> None:
    for folder in ("crm", "crm-old"):
        (connected.root / "segments" / folder).mkdir()
        (connected.root / f"segments/{folder}/a.yaml").write_text(
            f"name: Of {folder}\nquery_dsl: {SPENDERS}\n"
        )
    planned = connected.run("plan", "--only", "segments/crm").out
    assert "create  Of crm  " in planned
    assert "Of crm-old" not in planned
    # A name without a slash is never a folder.
    assert connected.run("plan", "--only", "segments").code == 1


def test_a_tag_that_no_segment_has_is_an_error(shop: Project) -> None:
    done = shop.run("plan", "--only", "tag:vips")
    assert done.code == 1
    assert "`tag:vips` matches no segment" in done.err


def test_a_removed_segment_is_not_picked_by_its_former_tag(shop: Project, remote: Remote) -> None:
    shop.run("apply", "--auto-approve")
    (shop.root / "segments/vip.yaml").unlink()
    assert "to delete" not in shop.run("plan", "--only", "tag:*").out.replace("0 to delete", "")
    assert set(remote.definitions()) == {"VIP", "Cold"}


def test_fmt_validate_and_lint_take_files_and_folders(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = "name: Bad\nquery_dsl: SELECT contact_id FROM\n"
    for name in ("a/one.yaml", "a/two.yaml", "b/three.yaml"):
        project.write({f"segments/{name}": f"name: {Path(name).stem}\nquery_dsl: {UGLY}\n"})
    project.write({"segments/b/bad.yaml": bad})
    folder = project.root / "segments"
    assert project.run("validate").code == 1
    assert "1 segment in" in project.run("validate", str(folder / "a/one.yaml")).out
    assert project.run("validate", str(folder / "a")).code == 0
    wrong = project.run("lint", str(folder / "a/one.yaml"), str(folder / "b/bad.yaml"))
    assert wrong.code == 1
    assert "segments/b/bad.yaml:2" in wrong.err
    monkeypatch.chdir(folder / "a")
    assert project.run("fmt", "--check", "one.yaml").out == "segments/a/one.yaml\n"
    assert project.run("fmt", "--check", ".").out.count("\n") == 2
    project.run("fmt", "../a/one.yaml")
    assert "AND city" in (folder / "a/one.yaml").read_text("utf-8")
    assert (folder / "a/two.yaml").read_text("utf-8").count(UGLY) == 1
    missing = project.run("fmt", "none.yaml", str(project.root.parent))
    assert missing.code == 1
    assert "`none.yaml` does not exist" in missing.err
    assert "is not in the project" in missing.err


def run_in(folder: Path, shop: Project, monkeypatch: pytest.MonkeyPatch, *argv: str) -> str:
    """Run segctl in a folder without -C; return its output."""
    monkeypatch.chdir(folder)
    done = shop.run_here(*argv)
    return done.out + done.err


def test_a_command_in_a_folder_of_the_project_finds_it(
    shop: Project, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    shop.write({"segctl.yaml": "version: 1\n", "segments/deep/er/.keep": ""})
    deep = shop.root / "segments/deep/er"
    assert "2 segments in segments/: valid" not in run_in(deep, shop, monkeypatch, "validate")
    (shop.root / ".git").mkdir()
    assert "2 segments in segments/: valid" in run_in(deep, shop, monkeypatch, "validate")
    # Beyond the repository, anyone may have put a segctl.yaml.
    (deep / ".git").mkdir()
    assert "not found" in run_in(deep, shop, monkeypatch, "validate")
    inner = deep / "inner"
    inner.mkdir()
    run_in(inner, shop, monkeypatch, "init", "--no-github")
    assert (inner / "segctl.yaml").exists()


def test_quiet_output_names_what_is_deleted_or_replaced(shop: Project, remote: Remote) -> None:
    remote.emulator.console.create("Gone", SPENDERS)
    shop.write({"segments/gone.yaml": "name: Gone\nremoved: true\n"})
    done = shop.run("-q", "plan")
    assert "  - delete  Gone  (removed)\n" in done.out
    assert "create  VIP" not in done.out
    assert "1 to delete" in done.out


@pytest.mark.parametrize(
    "argv",
    [
        ["--target", "sandbox", "validate", "--target", "production"],
        ["--target", "sandbox", "--target", "production", "validate"],
        ["validate", "--target", "sandbox", "--target", "production"],
        ["--target", "sandbox", "contacts", "show", "--target", "production"],
    ],
)
def test_two_targets_are_an_error(shop: Project, argv: list[str]) -> None:
    done = shop.run(*argv)
    assert done.code == 1
    assert "--target is given twice" in done.err
    assert shop.run("--target", "production", "validate", "--target", "production").code == 0


def test_the_lists_of_the_account_are_listed(shop: Project, remote: Remote) -> None:
    console = remote.emulator.console
    list_id = console.add_list("newsletter")
    console.add_list("Customers")
    lines = shop.run("lists").out.splitlines()
    assert [line.split()[0] for line in lines] == ["NAME", "Customers", "newsletter"]
    assert lines[2].split() == ["newsletter", "0", list_id]
    data = json.loads(shop.run("lists", "--format", "json").out)
    assert data["lists"][1] == {"id": list_id, "name": "newsletter", "contacts_count": 0}
