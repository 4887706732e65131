"""How the action installs segctl: wheels by their hashes, segctl by its commit, without a key."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree

import pytest

from tests.action.runner import ACTION
from tests.support.account import KEY

pytestmark = pytest.mark.posix

PROGRAM = """\
import sys
import flour
print("segctl, with flour", flour.GRADE, "isolated" if sys.flags.isolated else "not isolated")
"""


@dataclass
class Machine:
    """A runner without a network: an action with a lock file of one package, which is on disk."""

    folder: Path

    @property
    def action(self) -> Path:
        return self.folder / "action"

    def lock(self, digest: str) -> None:
        """Lock the one package by this hash."""
        (self.action / "requirements.txt").write_text(f"flour==1.0 --hash=sha256:{digest}\n")

    def install(self, version: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run `install.sh` as the step of the action does."""
        workspace = self.folder / "checkout"
        workspace.mkdir(exist_ok=True)
        temp = self.folder / "temp"
        temp.mkdir(exist_ok=True)
        return subprocess.run(
            ["bash", "-p", str(self.action / "install.sh")],
            cwd=workspace,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.folder),
                "PIP_NO_INDEX": "1",
                "PIP_FIND_LINKS": str(self.folder / "wheels"),
                "GITHUB_ACTION_PATH": str(self.action),
                "GITHUB_PATH": str(self.folder / "path"),
                "GITHUB_WORKSPACE": str(workspace),
                "INPUT_PYTHON": sys.executable,
                "INPUT_VERSION": version,
                "RUNNER_TEMP": str(temp),
                **env,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def segctl(self, *argv: str, **env: str) -> str:
        """Run the program that later steps find on their path."""
        program = Path((self.folder / "path").read_text("utf-8").splitlines()[-1]) / "segctl"
        more = {"PATH": os.environ["PATH"], **env}
        return subprocess.check_output([program, *argv], env=more, text=True, cwd=self.folder)


def write_wheel(folder: Path, name: str, files: dict[str, str]) -> str:
    """Write a wheel of version 1.0 and return its hash."""
    info = f"{name}-1.0.dist-info"
    files = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
    }
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def prepare_machine(folder: Path) -> Machine:
    """Return a machine in a folder."""
    machine = Machine(folder)
    copytree(ACTION, machine.action)
    wheels = folder / "wheels"
    wheels.mkdir()
    machine.lock(write_wheel(wheels, "flour", {"flour.py": "GRADE = 405\n"}))
    return machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return prepare_machine(tmp_path)


def commit_program(repository: Path, text: str) -> str:
    """Commit a segctl of one line to a repository and return the commit."""
    package = repository / "segctl"
    package.mkdir(parents=True, exist_ok=True)
    (package / "__init__.py").write_text("")
    (package / "__main__.py").write_text(text)
    git = ["git", "-C", str(repository), "-c", "user.name=Test", "-c", "user.email=t@example.com"]
    env = {"PATH": os.environ["PATH"], "HOME": str(repository)}
    for argv in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "segctl"]):
        subprocess.run([*git, *argv], env=env, check=True)
    return subprocess.check_output([*git, "rev-parse", "HEAD"], env=env, text=True).strip()


def test_a_commit_is_installed_and_nothing_newer(machine: Machine, tmp_path: Path) -> None:
    repository = tmp_path / "segctl.git"
    commit = commit_program(repository, PROGRAM)
    commit_program(repository, "raise SystemExit('a later commit')\n")
    done = machine.install(f"git+file://{repository}@{commit}")
    assert done.returncode == 0, done.stdout
    assert f"the commit {commit} of file://{repository}, since segctl has no release" in done.stdout
    assert machine.segctl() == "segctl, with flour 405 isolated\n"


def test_a_wheel_is_installed_by_its_hash(machine: Machine, tmp_path: Path) -> None:
    digest = write_wheel(
        tmp_path, "segctl", {"segctl/__init__.py": "", "segctl/__main__.py": PROGRAM}
    )
    wheel = f"segctl @ file://{tmp_path}/segctl-1.0-py3-none-any.whl"
    done = machine.install(f"{wheel} --hash=sha256:{digest}")
    assert done.returncode == 0, done.stdout
    assert machine.segctl() == "segctl, with flour 405 isolated\n"


def test_a_package_that_is_not_the_locked_one_is_refused(machine: Machine, tmp_path: Path) -> None:
    commit = commit_program(tmp_path / "segctl.git", PROGRAM)
    write_wheel(tmp_path / "wheels", "flour", {"flour.py": "GRADE = 'planted'\n"})
    done = machine.install(f"git+file://{tmp_path}/segctl.git@{commit}")
    assert done.returncode != 0
    assert "DO NOT MATCH THE HASHES" in done.stdout
    assert not (tmp_path / "path").exists()


@pytest.mark.parametrize(
    "version",
    ["0.1.0", "main", "segctl", "c0ffee", "git+https://example.com/segctl@main", "-r https://x"],
)
def test_what_is_not_pinned_is_refused(machine: Machine, version: str) -> None:
    done = machine.install(version)
    assert (done.returncode, done.stdout.startswith("::error title=segctl::the input")) == (1, True)
    assert not (machine.folder / "temp/segctl").exists()


def test_an_unknown_version_says_what_to_set(machine: Machine) -> None:
    done = machine.install("", GITHUB_REPOSITORY="shop/audiences")
    assert (done.returncode, "set the input version" in done.stdout) == (1, True)


def test_a_commit_that_does_not_exist_says_what_to_do(machine: Machine, tmp_path: Path) -> None:
    commit_program(tmp_path / "segctl.git", PROGRAM)
    done = machine.install(f"git+file://{tmp_path}/segctl.git@{'0' * 40}")
    assert done.returncode == 1
    assert "::error title=segctl::cannot fetch the commit 000" in done.stdout
    assert not (tmp_path / "temp/segctl/venv").exists()


def test_pip_does_not_run_beside_a_key(machine: Machine) -> None:
    done = machine.install("c0ffee" * 6 + "c0ff", SHOP_KEY=KEY)
    assert done.returncode == 1
    assert "SHOP_KEY holds a SendGrid key while pip runs" in done.stdout
    assert KEY not in done.stdout
    assert not (machine.folder / "temp/segctl").exists()
