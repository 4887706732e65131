"""What the environment and the settings of git can do to the history: nothing."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from segctl.history.git import (
    GitStatus,
    current_commit,
    find_move_out_of,
    git_status_of,
    read_removal_history,
)
from segctl.history.other_projects import find_declared_elsewhere

from .repository import Repository, new_repository, segment

if TYPE_CHECKING:
    from collections.abc import Mapping

A, B = segment("A"), segment("B", "country = 'CZ'")


@pytest.fixture
def other(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Another repository, which removed another segment."""
    other = new_repository(tmp_path_factory.mktemp("other"))
    other.commit("Add", {"a.yaml": A, "x.yaml": segment("X")})
    other.commit("Remove", {"x.yaml": None})
    return other


@pytest.fixture
def commit(repository: Repository) -> str:
    """The commit that removes B; a merge is in the history, too."""
    repository.commit("Add", {"a.yaml": A, "b.yaml": B})
    repository.git("checkout", "--quiet", "-b", "work")
    repository.commit("Edit", {"a.yaml": segment("A", "total_spend > 1")})
    repository.git("checkout", "--quiet", "main")
    repository.merge("work", "Merge")
    return repository.commit("Remove", {"b.yaml": None})


def check_everything(repository: Repository, commit: str, env: Mapping[str, str]) -> None:
    """Check the answer of each function that asks git."""
    history = read_removal_history(repository.root, "segments", {"A"}, env=env)
    assert history.unavailable == ""
    assert {removal.name: removal.commit for removal in history.removals} == {"B": commit}
    assert current_commit(repository.root, env=env) == commit
    assert find_move_out_of(repository.root, "segments", commit, env) == ""
    assert find_declared_elsewhere(repository.root, "elsewhere", {"A"}, env) == (
        "segments/a.yaml",
        "A",
    )
    file = Path("segments/a.yaml")
    assert git_status_of(repository.root, file, env=env) is GitStatus.TRACKED


def redirecting(other: Repository, trap: Path) -> dict[str, str]:
    git = other.top / ".git"
    return {
        "GIT_DIR": str(git),
        "GIT_COMMON_DIR": str(git),
        "GIT_WORK_TREE": str(other.top),
        "GIT_INDEX_FILE": str(git / "index"),
        "GIT_OBJECT_DIRECTORY": str(git / "objects"),
        "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(git / "objects"),
        "GIT_NAMESPACE": "elsewhere",
        "GIT_CEILING_DIRECTORIES": "/",
        "GIT_DISCOVERY_ACROSS_FILESYSTEM": "true",
        "GIT_SHALLOW_FILE": str(other.top / "shallow"),
        "GIT_GRAFT_FILE": str(other.top / "grafts"),
        "GIT_REPLACE_REF_BASE": "refs/heads/",
        "GIT_NO_REPLACE_OBJECTS": "0",
        "GIT_NO_LAZY_FETCH": "0",
        "GIT_ALLOW_PROTOCOL": "file",
        "GIT_EXTERNAL_DIFF": str(trap),
        "GIT_PAGER": str(trap),
        "GIT_PAGER_IN_USE": "true",
        "GIT_ASKPASS": str(trap),
        "GIT_SSH_COMMAND": str(trap),
        "GIT_EDITOR": str(trap),
        "GIT_TEMPLATE_DIR": str(other.top),
        "GIT_CONFIG": str(other.top / "config"),
        "GIT_CONFIG_PARAMETERS": f"'core.fsmonitor'='{trap}' 'core.bare'='true'",
        "GIT_TRACE": str(trap.parent / "sprung"),
        "GIT_TRACE2": str(trap.parent / "sprung"),
        "GIT_TRACE2_EVENT": str(trap.parent / "sprung"),
        "GIT_TRACE_SETUP": str(trap.parent / "sprung"),
        "GIT_PREFIX": "elsewhere/",
        "GIT_INTERNAL_SUPER_PREFIX": "elsewhere/",
        "GIT_ICASE_PATHSPECS": "1",
        "GIT_GLOB_PATHSPECS": "1",
        "GIT_DEFAULT_HASH": "sha256",
        "GIT_DIFF_OPTS": "--unified=0",
        "GIT_NOTES_REF": "refs/notes/x",
        "GIT_QUARANTINE_PATH": "x",
        "GIT_A_VARIABLE_OF_A_LATER_VERSION": str(trap),
    }


@pytest.fixture
def trap(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that leaves a file when it is run."""
    trap = tmp_path_factory.mktemp("trap") / "trap"
    trap.write_text(f"#!/bin/sh\ntouch '{trap.parent}/sprung'\nexit 1\n")
    trap.chmod(trap.stat().st_mode | stat.S_IXUSR)
    return trap


NAMES = sorted(redirecting(Repository(Path(), Path()), Path()))


@pytest.mark.posix
@pytest.mark.parametrize("name", NAMES)
def test_no_variable_of_git_changes_what_is_read(
    repository: Repository, commit: str, other: Repository, trap: Path, name: str
) -> None:
    (other.top / "shallow").write_text(f"{commit}\n")
    (other.top / "grafts").write_text(f"{commit}\n")
    (other.top / "config").write_text("[core]\n\tbare = true\n")
    # GIT_REPLACE_REF_BASE: a branch whose name is a commit would replace it.
    repository.git("branch", commit, "main~1")
    env = {**os.environ, name: redirecting(other, trap)[name]}
    check_everything(repository, commit, env)
    assert not (trap.parent / "sprung").exists()


def test_all_of_them_together_change_nothing(
    repository: Repository, commit: str, other: Repository, trap: Path
) -> None:
    check_everything(repository, commit, {**os.environ, **redirecting(other, trap)})


SECRETS = {
    "SENDGRID_API_KEY": "SG.a",
    "SENDGRID_API_KEY_FILE": "/run/secrets/key",
    "SHOP_SENDGRID_KEY": "SG.b",
    "SEGCTL_API_KEY_COMMAND": "vault read -field=key secret/sendgrid",
    "GITHUB_TOKEN": "ghs_x",
    "AWS_SECRET_ACCESS_KEY": "x",
    "VAULT_TOKEN": "x",
}


@pytest.mark.posix
def test_git_gets_no_secret(repository: Repository, commit: str, tmp_path: Path) -> None:
    log, path = tmp_path / "environments", tmp_path / "bin"
    path.mkdir()
    program = path / "git"
    program.write_text(f"#!/bin/sh\nenv >>'{log}'\nexec '{shutil.which('git')}' \"$@\"\n")
    program.chmod(0o755)
    own_path = f"{path}{os.pathsep}{os.environ['PATH']}"
    check_everything(repository, commit, {**os.environ, **SECRETS, "PATH": own_path})
    lines = log.read_text().splitlines()
    assert f"PATH={own_path}" in lines
    for name, value in SECRETS.items():
        assert not any(name in line or f"={value}" in line for line in lines)


@pytest.mark.parametrize("way", ["GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_COUNT"])
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root to chown")
def test_a_folder_can_be_trusted_by_the_environment(
    repository: Repository, commit: str, tmp_path_factory: pytest.TempPathFactory, way: str
) -> None:
    file = tmp_path_factory.mktemp("settings") / "gitconfig"
    file.write_text("[safe]\n\tdirectory = *\n")
    for path in (repository.top, repository.top / ".git"):
        os.chown(path, 12345, 12345)
    env = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null"}
    assert read_removal_history(repository.root, "segments", {"A"}, env=env).unavailable
    match way:
        case "GIT_CONFIG_COUNT":
            env |= {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory"}
            env |= {"GIT_CONFIG_VALUE_0": "*"}
        case "GIT_CONFIG_SYSTEM":
            env |= {way: str(file), "GIT_CONFIG_NOSYSTEM": "0"}
        case _:
            env |= {way: str(file)}
    check_everything(repository, commit, env)


def running(trap: Path) -> dict[str, dict[str, str]]:
    """Return settings that run a program, by what they set up."""
    program = str(trap)
    return {
        "a file system monitor": {"core.fsmonitor": program},
        "hooks": {"core.hooksPath": str(trap.parent / "hooks")},
        "a pager": {"core.pager": program, "pager.log": program},
        "an external diff": {"diff.external": program, "diff.x.command": program},
        "a text conversion": {"diff.x.textconv": program, "diff.x.cachetextconv": "true"},
        "a filter": {"filter.x.clean": program, "filter.x.smudge": program},
        "a filter process": {"filter.x.process": program, "filter.x.required": "true"},
        "signatures": {"log.showSignature": "true", "gpg.program": program},
        "SSH signatures": {"log.showSignature": "true", "gpg.ssh.program": program},
        "alternates": {"core.alternateRefsCommand": program},
        "a missing file of an order": {"diff.orderFile": str(trap.parent / "missing")},
        "an alias": {"alias.log": f"!{program}", "alias.ls-tree": f"!{program}"},
        "a helper of remotes": {"core.sshCommand": program, "credential.helper": program},
    }


HOOKS = ("post-index-change", "fsmonitor-watchman", "query-watchman", "reference-transaction")


@pytest.mark.posix
@pytest.mark.parametrize("place", ["repository", "environment"])
@pytest.mark.parametrize("what", sorted(running(Path())))
def test_no_setting_runs_a_program(
    repository: Repository, commit: str, trap: Path, what: str, place: str
) -> None:
    commit = sign(repository, "SSH" if what.startswith("SSH") else "PGP")
    attributes = repository.top / ".git/info/attributes"
    attributes.write_text("*.yaml diff=x filter=x\n")
    (trap.parent / "hooks").mkdir()
    for folder in (trap.parent / "hooks", repository.top / ".git/hooks"):
        folder.mkdir(exist_ok=True)
        for hook in HOOKS:
            (folder / hook).write_bytes(trap.read_bytes())
            (folder / hook).chmod(0o755)
    settings = running(trap)[what]
    env = dict(os.environ)
    if place == "repository":
        for key, value in settings.items():
            repository.git("config", key, value)
    else:
        env["GIT_CONFIG_COUNT"] = str(len(settings))
        for number, (key, value) in enumerate(settings.items()):
            env |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    (trap.parent / "sprung").unlink(missing_ok=True)
    check_everything(repository, commit, env)
    assert not (trap.parent / "sprung").exists()


def sign(repository: Repository, kind: str) -> str:
    """Replace the last commit by one that has a signature; return it."""
    header, _, message = repository.git("cat-file", "commit", "HEAD").partition("\n\n")
    lines = (f"-----BEGIN {kind} SIGNATURE-----", "", "x", f"-----END {kind} SIGNATURE-----")
    text = header + "\ngpgsig " + "\n ".join(lines) + f"\n\n{message}\n"
    signed = repository.git("hash-object", "-t", "commit", "-w", "--stdin", data=text.encode())
    repository.git("update-ref", "HEAD", signed)
    return signed


def test_a_file_whose_name_is_head_is_no_revision(repository: Repository, commit: str) -> None:
    (repository.top / "HEAD").write_text("x\n")
    check_everything(repository, commit, os.environ)
