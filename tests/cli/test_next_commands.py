"""What segctl prints to run next, with the folder and the target that the run was called with."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING

import pytest

from segctl.cli.output import FORMATS
from tests.support.account import KEY
from tests.support.builders import ALL, query
from tests.support.project import Project, Result

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.account import Remote

TARGETS = "version: 1\ndefault_target: shop\ntargets: {shop: {}, shop-eu: {}}\n"
UNKNOWN = query("shoe_size = '42'")
"""A query with a column that no file knows, about which the hint names `account pull`."""


@pytest.fixture
def shop(tmp_path: Path, capsys: pytest.CaptureFixture[str], remote: Remote) -> Project:
    """A project with two targets, in a folder whose name needs quotes."""
    root = tmp_path / "my audiences"
    root.mkdir()
    env = {"SEGCTL_CACHE_DIR": f"{tmp_path}-cache"}
    env |= {"SEGCTL_BASE_URL": remote.url, "SENDGRID_API_KEY": KEY}
    project = Project(root, capsys, env)
    project.write({"segctl.yaml": TARGETS})
    project.declare("Big feet", UNKNOWN)
    return project


def run(project: Project, *argv: str) -> Result:
    return project.run_here("-C", str(project.root), *argv)


@pytest.mark.parametrize("format_name", [name for name in FORMATS if name != "json"])
@pytest.mark.parametrize("command", ["validate", "plan"])
def test_a_hint_repeats_the_folder_and_the_target(
    shop: Project, command: str, format_name: str
) -> None:
    done = run(shop, "--target", "shop-eu", command, "--format", format_name)
    text = f"{done.out}{done.err}".replace("&#x27;", "'").replace("&#39;", "'")
    folder = shlex.quote(str(shop.root))
    assert f"segctl -C {folder} --target shop-eu account pull" in text, text
    if format_name != "sarif":  # The general help of the rules does not know the project.
        assert "segctl account pull" not in text


def test_without_options_a_hint_is_as_short_as_the_command(
    shop: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shop.root)
    for argv in (["validate"], ["--target", "shop", "validate"]):
        assert "`segctl account pull`" in shop.run_here(*argv).err


def test_a_target_of_the_environment_is_named(
    shop: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shop.root)
    done = shop.run_here("validate", SEGCTL_TARGET="shop-eu")
    assert "`segctl --target shop-eu account pull`" in done.err


def test_json_is_the_same_however_segctl_is_called(
    shop: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shop.root)
    documents = [
        json.loads(done.out)["diagnostics"]
        for done in (
            run(shop, "--target", "shop-eu", "plan", "--format", "json"),
            shop.run_here("plan", "--format", "json"),
        )
    ]
    assert documents[0] == documents[1]
    assert any("`segctl account pull`" in diagnostic["hint"] for diagnostic in documents[0])


def test_the_command_that_applies_a_saved_plan_can_be_run(
    shop: Project, remote: Remote, tmp_path: Path
) -> None:
    shop.declare("Big feet", ALL)
    file = tmp_path / "the plan.json"
    done = run(shop, "--target", "shop-eu", "plan", "--out", str(file))
    _, _, command = done.err.strip().partition("apply it with ")
    argv = shlex.split(command.strip("`"))
    assert argv == ["segctl", "-C", str(shop.root), "--target", "shop-eu", "apply", str(file)]
    assert shop.run_here(*argv[1:], "--auto-approve").code == 0
    assert list(remote.definitions()) == ["Big feet"]


def test_a_shown_plan_names_its_own_target(shop: Project, tmp_path: Path) -> None:
    file = str(tmp_path / "plan.json")
    run(shop, "--target", "shop-eu", "plan", "--out", file)
    assert "--target shop-eu account pull`" in run(shop, "show", file).out


def test_an_error_repeats_them_too(shop: Project, tmp_path: Path) -> None:
    done = run(shop, "--target", "shop-eu", "preview")
    assert done.code == 1
    folder = shlex.quote(str(shop.root))
    assert f"`segctl -C {folder} --target shop-eu contacts pull`" in done.err
    missing = run(shop, "apply", str(tmp_path / "no.json"))
    assert f"`segctl -C {folder} plan --out FILE`" in missing.err


def test_the_next_steps_of_init_lead_to_the_new_project(shop: Project) -> None:
    (shop.root / "new").mkdir()
    done = run(Project(shop.root / "new", shop.capsys, shop.env), "init")
    folder = shlex.quote(str(shop.root / "new"))
    assert f"`segctl -C {folder} validate`" in done.err
    assert f"`segctl -C {folder} --target sandbox plan`" in done.err


def test_a_control_character_in_the_folder_does_not_reach_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "red\x1b[31m"
    root.mkdir()
    done = run(Project(root, capsys), "init")
    assert "\x1b" not in done.out + done.err
