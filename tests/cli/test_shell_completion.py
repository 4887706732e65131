"""What a shell offers after a TAB: in bash, if it is installed, and by the protocol of each."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.builders import query
from tests.support.process import REPOSITORY, child_env

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.project import Project

NAMES = ("VIP customers", "VIP", "Rock 'n' roll (100 %)", "Été")


@pytest.fixture
def shop(project: Project) -> Project:
    for name in NAMES:
        project.declare(name, query("total_spend > 500"))
    settings = "version: 1\ntargets:\n  production: {}\n  shop-eu: {region: eu}\n"
    project.write({"segctl.yaml": settings})
    return project


def offered(folder: Path, shell: str, *words: str) -> list[str]:
    """Return the candidates that segctl offers to a shell; the last word is incomplete."""
    line = words if shell == "fish" else ("segctl", *words)
    env = child_env(
        _SEGCTL_COMPLETE=f"{shell}_complete",
        COMP_WORDS=("\n" if shell == "bash" else " ").join(line),
        COMP_CWORD=words[-1] if shell == "fish" else str(len(words)),
        PYTHONPATH=str(REPOSITORY),
    )
    if shell == "fish":
        env["COMP_WORDS"] = " ".join(("segctl", *words))
    done = subprocess.run(
        [sys.executable, "-m", "segctl"],
        env=env,
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    if shell == "bash":
        return [line.partition(",")[2] for line in done.stdout.splitlines()]
    if shell == "zsh":
        return done.stdout.splitlines()[1::3]
    return [line.partition(",")[2].partition("\t")[0] for line in done.stdout.splitlines()]


def test_commands_options_and_targets(shop: Project) -> None:
    assert offered(shop.root, "zsh", "pl") == ["plan"]
    assert offered(shop.root, "zsh", "plan", "--only", "VIP") == ["VIP", "VIP customers"]
    assert offered(shop.root, "zsh", "--target", "") == ["production", "sandbox", "shop-eu"]
    assert offered(shop.root, "zsh", "plan", "--target", "shop") == ["shop-eu"]
    assert "--detailed-exitcode" in offered(shop.root, "zsh", "plan", "--d")


def test_segment_names_come_from_the_files_of_the_project(shop: Project) -> None:
    assert sorted(offered(shop.root, "zsh", "explain", "")) == sorted(NAMES)
    assert offered(shop.root, "zsh", "explain", "VIP", "VIP") == ["VIP customers"]
    assert offered(shop.root.parent, "zsh", "-C", str(shop.root), "history", "É") == ["Été"]
    assert offered(shop.root, "fish", "refresh", "Rock") == [NAMES[2]]


def test_an_invalid_project_completes_nothing_silently(project: Project) -> None:
    project.write({"segctl.yaml": "version: [", "segments/a.yaml": "name: ["})
    assert offered(project.root, "zsh", "explain", "") == []
    assert offered(project.root, "zsh", "--target", "") == []
    assert offered(project.root, "zsh", "-C", "nowhere", "explain", "") == []


@pytest.mark.posix
@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
@pytest.mark.parametrize(
    ("typed", "inserted"),
    [
        ("VIP", ["VIP", r"VIP\ customers"]),
        (r"VIP\ c", [r"VIP\ customers"]),
        ("'VIP c", ["VIP customers"]),
        ("Rock", [r"Rock\ \'n\'\ roll\ \(100\ %\)"]),
        ("É", ["Été"]),
    ],
)
def test_bash_inserts_names_that_it_reads_back(
    shop: Project, tmp_path: Path, typed: str, inserted: list[str]
) -> None:
    script = tmp_path / "segctl.bash"
    script.write_text(shop.run("completion", "bash").out, "utf-8")
    command = tmp_path / "bin" / "segctl"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nPYTHONPATH={REPOSITORY} exec {sys.executable} -m segctl "$@"\n')
    command.chmod(0o755)
    done = subprocess.run(
        [
            "bash",
            "-c",
            (
                f'source "{script}"\n'
                'COMP_WORDS=(segctl explain "$1")\nCOMP_CWORD=2\n'
                '_segctl_completion segctl\nprintf "%s\\n" "${COMPREPLY[@]}"\n'
            ),
            "bash",
            typed,
        ],
        env={**os.environ, "PATH": f"{command.parent}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8"},
        cwd=shop.root,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == inserted


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_a_script(project: Project, shell: str) -> None:
    done = project.run("completion", shell)
    assert (done.code, done.err) == (0, "")
    assert f"_SEGCTL_COMPLETE={shell}_complete" in done.out


def test_another_shell_has_no_script(project: Project) -> None:
    done = project.run("completion", "tcsh")
    assert (done.code, done.out) == (1, "")
    assert "'tcsh' is not one of 'bash', 'zsh', 'fish'" in done.err
