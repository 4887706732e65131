"""Removals from git history, and the reasons for which they are unavailable."""

from __future__ import annotations

import os
import shutil
import stat
from typing import TYPE_CHECKING

import pytest

from segctl.history.commits import Commit
from segctl.history.git import find_move_out_of, read_removal_history, read_timeline
from segctl.history.name_scan import possible_name
from segctl.model import Segment
from segctl.model.proof import CommitRef, DeclaredVersion
from segctl.planning.ownership import Removal
from tests.history.repository import Repository, new_repository, segment
from tests.support.builders import ALL, query

if TYPE_CHECKING:
    from pathlib import Path

A, B = segment("A"), segment("B", "country = 'CZ'")
BROKEN = "name: [A\n"


def removed(repository: Repository, *now: str) -> dict[str, str]:
    """Return the removed names with the commits that removed them."""
    removal_history = read_removal_history(repository.root, "segments", set(now))
    assert removal_history.unavailable == ""
    return {removal.name: removal.commit for removal in removal_history.removals}


def test_a_removed_segment_is_as_last_declared(repository: Repository) -> None:
    added = repository.commit("Add", {"a.yaml": A, "b.yaml": B})
    text = segment("A", "orders_count > 3", extra="protected: true")
    edited = repository.commit("Edit", {"a.yaml": text})
    commit = repository.commit("Remove", {"a.yaml": None})
    file, author = "segments/a.yaml", "A Committer"
    assert read_removal_history(repository.root, "segments", {"B"}).removals == (
        Removal(
            Segment("A", query("orders_count > 3")),
            is_protected=True,
            file=file,
            commit=commit,
            removed_at="2026-05-28T20:28:40Z",
            author=author,
            versions=(
                DeclaredVersion(
                    Segment("A", query("total_spend > 500")),
                    file,
                    CommitRef(added, "2026-05-28T20:26:40Z", author),
                ),
                DeclaredVersion(
                    Segment("A", query("orders_count > 3")),
                    file,
                    CommitRef(edited, "2026-05-28T20:27:40Z", author),
                ),
            ),
        ),
    )


def test_the_versions_of_a_name_include_those_of_names_it_was_renamed_from(
    repository: Repository,
) -> None:
    repository.commit("Add", {"a.yaml": segment("A", "a = 1"), "x.yaml": segment("X", "x = 1")})
    repository.commit("Edit", {"a.yaml": segment("A", "a = 2")})
    repository.commit("Rename in the file", {"a.yaml": segment("B", "a = 2")})
    moved = segment("C", "a = 3", extra="previous_names: [B]\n")
    repository.commit("Rename elsewhere", {"a.yaml": None, "c.yaml": moved})
    repository.commit("Remove", {"c.yaml": None, "x.yaml": None})
    removals = read_removal_history(repository.root, "segments", ()).removals
    versions = {removal.name: removal.versions for removal in removals}
    definitions = {
        name: [(version.segment.name, version.segment.query) for version in versions[name]]
        for name in versions
    }
    a = [("A", query("a = 1")), ("A", query("a = 2"))]
    b = [*a, ("B", query("a = 2"))]
    c = [*b, ("C", query("a = 3"))]
    assert definitions == {"A": a, "B": b, "C": c, "X": [("X", query("x = 1"))]}


def test_removals_are_in_the_order_of_commits(repository: Repository) -> None:
    repository.commit("Add", {"a.yaml": A, "b.yaml": B, "c.yaml": segment("C")})
    repository.commit("Remove one", {"b.yaml": None})
    repository.commit("Remove two", {"c.yaml": None, "a.yaml": None})
    assert list(removed(repository)) == ["B", "A", "C"]


def test_the_last_removal_counts(repository: Repository) -> None:
    repository.commit("Add", {"a.yaml": A})
    repository.commit("Remove", {"a.yaml": None})
    repository.commit("Add again elsewhere", {"deep/er/a.yml": A})
    assert removed(repository) == {}
    last = repository.commit("Remove again", {"deep/er/a.yml": None})
    assert removed(repository) == {"A": last}


def test_a_name_that_is_declared_now_is_not_removed(repository: Repository) -> None:
    repository.commit("Add", {"a.yaml": A})
    commit = repository.commit("Remove", {"a.yaml": None})
    assert removed(repository) == {"A": commit}
    assert removed(repository, "A") == {}


def test_a_file_that_only_the_work_tree_removed_is_not_removed(repository: Repository) -> None:
    repository.commit("Add", {"a.yaml": A, "b.yaml": B})
    repository.write({"a.yaml": None, "b.yaml": segment("C")})
    assert removed(repository, "C") == {}


def test_a_move_removes_nothing(repository: Repository) -> None:
    repository.commit("Add", {"a.yaml": A})
    repository.commit("Move", {"a.yaml": None, "z/é ñ\n.yaml": A})
    repository.commit("Move back, and edit", {"z/é ñ\n.yaml": None, "a.yml": segment("A", "a = 1")})
    assert removed(repository) == {}


def test_a_name_that_is_edited_is_removed(repository: Repository) -> None:
    repository.commit("Add", {"a.yaml": A})
    commit = repository.commit("Rename", {"a.yaml": segment("A2")})
    assert removed(repository) == {"A": commit}


def test_a_second_file_keeps_the_name(repository: Repository) -> None:
    repository.commit("Add", {"a.yaml": segment("A", extra="protected: true")})
    repository.commit("Copy", {"b.yaml": A})
    repository.commit("Remove one", {"a.yaml": None})
    assert removed(repository) == {}
    commit = repository.commit("Remove the other", {"b.yaml": None})
    assert removed(repository) == {"A": commit}
    (removal,) = read_removal_history(repository.root, "segments", ()).removals
    assert not removal.is_protected


@pytest.mark.parametrize(
    "broken",
    [
        BROKEN,
        "name: A\n",
        A + "unknown: 1\n",
        A.encode("utf-16"),
        f"name: A\nquery_file: missing.sql\n# {ALL}\n",
        "name: A\nname: A\nquery_dsl: SELECT 1\n",
        "",
    ],
)
def test_a_broken_file_removes_nothing_until_it_is_removed(
    repository: Repository, broken: str | bytes
) -> None:
    repository.commit("Add", {"a.yaml": A})
    repository.commit("Break", {"a.yaml": broken})
    assert removed(repository) == {}
    repository.commit("Touch", {"other.txt": "x"})
    commit = repository.commit("Remove", {"a.yaml": None})
    assert removed(repository) == {"A": commit}
    repository.commit("Add again", {"a.yaml": A})
    assert removed(repository) == {}


def test_a_broken_file_that_is_repaired_under_another_name_removes_the_first(
    repository: Repository,
) -> None:
    repository.commit("Add", {"a.yaml": A})
    repository.commit("Break", {"a.yaml": BROKEN})
    commit = repository.commit("Repair", {"a.yaml": B})
    assert removed(repository) == {"A": commit}


def test_a_file_that_was_never_valid_declared_nothing(repository: Repository) -> None:
    repository.commit("Add", {"a.yaml": "name: A\n", "b.yaml": "name: {"})
    repository.commit("Remove", {"a.yaml": None, "b.yaml": None})
    assert removed(repository) == {}


def test_other_files_declare_nothing(repository: Repository) -> None:
    others = ["fields.yaml", ".hidden.yaml", ".git-hidden/a.yaml", "a.yaml.bak", "a.json"]
    repository.commit("Add", dict.fromkeys(others, A))
    (repository.root / "elsewhere.yaml").write_text(A)
    repository.commit("Add", {})
    (repository.root / "elsewhere.yaml").unlink()
    repository.commit("Remove", dict.fromkeys(others, None))
    assert removed(repository) == {}


def test_a_name_that_is_not_a_string_is_skipped(repository: Repository) -> None:
    path = os.fsencode(repository.root) + b"/segments/\xff.yaml"
    with open(path, "w") as stream:  # noqa: PTH123 - a path of bytes
        stream.write(A)
    repository.commit("Add", {})
    os.unlink(path)  # noqa: PTH108
    repository.commit("Remove", {})
    assert removed(repository) == {}


@pytest.mark.posix
def test_a_link_declares_nothing_new(repository: Repository) -> None:
    repository.commit("Add", {"a.yaml": A, "q.sql": ALL})
    (repository.root / "segments/b.yaml").symlink_to("a.yaml")
    repository.commit("Link", {})
    repository.commit("Remove the file", {"a.yaml": None})
    (repository.root / "segments/c.yaml").symlink_to("a.yaml")
    commit = repository.commit("Link", {})
    assert removed(repository)["A"] != commit


@pytest.mark.posix
def test_a_file_that_becomes_a_link_keeps_its_declaration(repository: Repository) -> None:
    repository.commit("Add", {"a.yaml": A})
    repository.write({"a.yaml": None, "a.txt": A})
    (repository.root / "segments/a.yaml").symlink_to("a.txt")
    repository.commit("Link", {})
    assert removed(repository) == {}
    assert removed(repository, "B") == {}
    commit = repository.commit("Remove", {"a.yaml": None})
    assert removed(repository) == {"A": commit}


# Queries in files of their own


def test_a_version_is_read_with_the_query_file_of_its_time(repository: Repository) -> None:
    named = "name: A\nquery_file: ../queries/a.sql\n"
    repository.commit("Add", {"x/a.yaml": named, "queries/a.sql": query("total_spend > 1")})
    repository.commit("Edit the query alone", {"queries/a.sql": query("total_spend > 2")})
    commit = repository.commit("Remove", {"x/a.yaml": None, "queries/a.sql": None})
    repository.commit("Another one in its place", {"queries/a.sql": query("total_spend > 3")})
    (removal,) = read_removal_history(repository.root, "segments", ()).removals
    assert removal.segment == Segment("A", query("total_spend > 2"))
    assert removal.commit == commit


def test_a_query_file_that_is_removed_first_removes_nothing(repository: Repository) -> None:
    repository.commit("Add", {"a.yaml": 'name: A\n"query\\x5ffile": a.sql\n', "a.sql": ALL})
    repository.commit("Remove the query", {"a.sql": None})
    assert removed(repository) == {}
    commit = repository.commit("Remove the file", {"a.yaml": None})
    assert removed(repository) == {"A": commit}


# Shapes of repositories


def test_a_merge_adds_no_names_of_its_branch(repository: Repository) -> None:
    repository.commit("Add", {"a.yaml": A, "b.yaml": B})
    repository.git("checkout", "-qb", "work")
    commit = repository.commit("Remove", {"a.yaml": None})
    repository.commit("Add for a moment", {"c.yaml": segment("C")})
    repository.commit("Remove it", {"c.yaml": None})
    repository.git("checkout", "-q", "main")
    repository.commit("Meanwhile", {"d.yaml": segment("D")})
    repository.merge("work", "Merge pull request #5 from someone/work")
    assert removed(repository) == {"A": commit}
    repository.git("checkout", "-q", "--detach")
    assert removed(repository) == {"A": commit}
    repository.git("checkout", "-q", "work")
    assert "C" in removed(repository)


def test_a_project_can_be_in_a_subfolder_and_in_a_worktree(tmp_path: Path) -> None:
    repository = new_repository(tmp_path / "top", "some/[pro]ject *")
    (repository.top / "segments").mkdir()
    (repository.top / "segments/x.yaml").write_text(segment("X"))
    repository.commit("Add", {"a.yaml": A})
    commit = repository.commit("Remove", {"a.yaml": None})
    assert removed(repository) == {"A": commit}
    repository.git("worktree", "add", "-q", "--detach", str(tmp_path / "tree"))
    there = Repository(tmp_path / "tree", tmp_path / "tree/some/[pro]ject *")
    (there.root / "segments").mkdir(parents=True)
    assert removed(there) == {"A": commit}


@pytest.mark.posix
def test_the_settings_of_the_user_change_nothing(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    repository.commit("Add", {"a.yaml": A, "é.yaml": B})
    commit = repository.commit("Remove", {"a.yaml": None, "é.yaml": None})
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch '{tmp_path}/sprung'\nexit 1\n")
    trap.chmod(trap.stat().st_mode | stat.S_IXUSR)
    settings = {
        "core.quotePath": "true",
        "core.pager": str(trap),
        "core.fsmonitor": str(trap),
        "diff.external": str(trap),
        "diff.noprefix": "true",
        "diff.renames": "copies",
        "diff.relative": "false",
        "diff.x.textconv": str(trap),
        "color.ui": "always",
        "log.showRoot": "false",
        "log.showSignature": "true",
        "log.decorate": "full",
        "log.diffMerges": "off",
        "log.follow": "true",
        "log.date": "relative",
        "log.abbrevCommit": "true",
        "format.pretty": "oneline",
        "i18n.logOutputEncoding": "ISO-8859-1",
    }
    for key, value in settings.items():
        repository.git("config", key, value)
    (repository.top / ".git/info/attributes").write_text("*.yaml diff=x\n")
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", str(trap))
    monkeypatch.setenv("GIT_TRACE", "1")
    assert removed(repository) == {"A": commit, "B": commit}
    assert not (tmp_path / "sprung").exists()


def test_replaced_objects_are_not_followed(repository: Repository) -> None:
    first = repository.commit("Add", {"a.yaml": A})
    repository.commit("Empty", {"a.yaml": None})
    again = repository.commit("Add again", {"a.yaml": A})
    repository.git("replace", again, first)
    assert removed(repository) == {}


def test_grafts_are_not_followed(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    first = repository.commit("Add", {"a.yaml": A})
    commit = repository.commit("Remove", {"a.yaml": None})
    last = repository.commit("Add another", {"b.yaml": B})
    grafts = repository.top / ".git/info/grafts"
    grafts.write_text(f"{last} {first}\n")
    monkeypatch.setenv("GIT_GRAFT_FILE", str(grafts))
    assert removed(repository, "B") == {"A": commit}


@pytest.mark.posix
@pytest.mark.parametrize("is_repository", [True, False])
@pytest.mark.parametrize("bare", ["true", "false"])
def test_a_folder_with_the_files_of_a_repository_is_not_taken_for_one(
    tmp_path: Path, bare: str, *, is_repository: bool
) -> None:
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch '{tmp_path}/sprung'\n")
    trap.chmod(trap.stat().st_mode | stat.S_IXUSR)
    other = new_repository(tmp_path / "other")
    other.commit("Add", {"a.yaml": A, "c.yaml": segment("C")})
    other.commit("Remove", {"a.yaml": None})
    repository = new_repository(tmp_path / "top", "project")
    for name in ("HEAD", "objects", "refs"):
        source = other.top / ".git" / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, repository.root / name)
    worktree = "" if bare == "true" else "worktree = .\n"
    (repository.root / "config").write_text(
        f"[core]\nrepositoryformatversion = 0\nbare = {bare}\n{worktree}fsmonitor = {trap}\n"
        f"pager = {trap}\nsshCommand = {trap}\n[diff]\nexternal = {trap}\n"
        f"[alias]\nlog = !{trap}\n"
    )
    repository.commit("Add", {"a.yaml": A, "b.yaml": B})
    commit = repository.commit("Remove", {"b.yaml": None})
    if is_repository:
        assert removed(repository) == {"B": commit}
    else:
        shutil.rmtree(repository.top / ".git")
        history = read_removal_history(repository.root, "segments", ())
        assert history.removals == ()
        assert history.unavailable == "the project is not in a git repository"
    assert not (tmp_path / "sprung").exists()


def test_the_search_for_the_repository_ends_at_the_first_git_folder(tmp_path: Path) -> None:
    outer = new_repository(tmp_path, "inner")
    outer.commit("Add", {"a.yaml": A})
    outer.commit("Remove", {"a.yaml": None})
    (outer.root / ".git").mkdir()
    history = read_removal_history(outer.root, "segments", ())
    assert history.unavailable == "the project is not in a git repository"


def test_an_invalid_date_is_1970(repository: Repository) -> None:
    repository.commit("Add", {"a.yaml": A})
    (repository.root / "segments/a.yaml").unlink()
    repository.git("add", "--all")
    tree = repository.git("write-tree")
    raw = (
        f"tree {tree}\nparent {repository.git('rev-parse', 'HEAD')}\n"
        "author A <a@example.invalid> soon +0000\ncommitter A <a@example.invalid> soon +0000\n\nx\n"
    )
    (repository.top / "raw").write_text(raw, newline="\n")
    commit = repository.git("hash-object", "-t", "commit", "-w", "--literally", "raw")
    repository.git("reset", "-q", "--hard", commit)
    (removal,) = read_removal_history(repository.root, "segments", ()).removals
    assert removal.removed_at == "1970-01-01T00:00:00Z"
    assert Commit("c", 10**18, "a", "s").committed_at.year == 1970


# Unavailable histories


def reason(root: Path) -> str:
    removal_history = read_removal_history(root, "segments", ())
    assert removal_history.removals == ()
    return f"{removal_history.unavailable}; {removal_history.remedy}"


@pytest.mark.posix
def test_without_git_the_history_is_unavailable(repository: Repository, tmp_path: Path) -> None:
    removal_history = read_removal_history(
        repository.root, "segments", (), env={"PATH": str(tmp_path)}
    )
    assert (removal_history.unavailable, removal_history.remedy) == (
        "git is not installed",
        "install git",
    )
    (tmp_path / "git").write_text("no program")
    (tmp_path / "git").chmod(0o755)
    removal_history = read_removal_history(
        repository.root, "segments", (), env={"PATH": str(tmp_path)}
    )
    assert removal_history.unavailable.startswith("git cannot be started: ")


def test_outside_a_repository_the_history_is_unavailable(tmp_path: Path) -> None:
    os.environ["GIT_CEILING_DIRECTORIES"] = str(tmp_path.parent)
    try:
        assert reason(tmp_path).startswith("the project is not in a git repository; ")
    finally:
        del os.environ["GIT_CEILING_DIRECTORIES"]


def test_inside_the_git_folder_the_history_is_unavailable(repository: Repository) -> None:
    repository.commit("Add", {"a.yaml": A})
    assert "not in the work tree" in reason(repository.top / ".git")


def test_without_a_commit_the_history_is_unavailable(repository: Repository) -> None:
    assert "no commit" in reason(repository.root)
    repository.git("symbolic-ref", "HEAD", "refs/heads/nowhere")
    assert "no commit" in reason(repository.root)


def clone(repository: Repository, to: Path, *options: str) -> Path:
    repository.git("config", "uploadpack.allowFilter", "true")
    repository.git("clone", "--quiet", *options, f"file://{repository.top}", str(to))
    return to


def test_a_shallow_clone_is_reported(repository: Repository, tmp_path: Path) -> None:
    repository.commit("Add", {"a.yaml": A})
    repository.commit("Remove", {"a.yaml": None})
    message = reason(clone(repository, tmp_path / "shallow", "--depth=1"))
    assert "shallow clone" in message
    assert "`fetch-depth: 0`" in message


@pytest.mark.parametrize("omitted", ["blob:none", "tree:0"])
def test_a_partial_clone_is_not_completed(
    repository: Repository, tmp_path: Path, omitted: str
) -> None:
    repository.commit("Add", {"a.yaml": A})
    repository.commit("Remove", {"a.yaml": None, "b.yaml": B})
    partial = clone(repository, tmp_path / "partial", f"--filter={omitted}")
    for _ in range(2):
        message = reason(partial)
        assert "partial clone" in message
        assert "`fetch-depth: 0` and no `filter`" in message


@pytest.mark.parametrize("folder", ["segments", "segments/team"])
def test_a_submodule_that_is_not_checked_out_is_reported(
    repository: Repository, tmp_path: Path, folder: str
) -> None:
    repository.commit("Add", {"team/a.yaml": A, "b.yaml": B})
    repository.git("rm", "-rq", folder)
    # What `git submodule add` commits, without a repository to add.
    commit = repository.git("rev-parse", "HEAD")
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{commit},{folder}")
    repository.git("commit", "-qm", "Into a repository of its own")
    (repository.root / folder).mkdir(parents=True, exist_ok=True)
    message = reason(repository.root)
    assert f"`{folder}` is a submodule" in message
    assert "into this repository" in message


@pytest.mark.posix
def test_a_folder_that_is_a_link_is_reported(repository: Repository) -> None:
    repository.commit("Add", {"a.yaml": A})
    (repository.root / "segments").rename(repository.root / "audiences")
    (repository.root / "segments").symlink_to("audiences")
    # The file may have been protected since, which only the target's history shows.
    repository.commit("Link", {"a.yaml": segment("A", extra="protected: true\n")})
    repository.commit("Remove", {"a.yaml": None})
    assert "`segments` is a link" in reason(repository.root)


@pytest.mark.posix
def test_a_damaged_repository_is_reported(repository: Repository) -> None:
    repository.commit("Add", {"a.yaml": A})
    blob = repository.git("rev-parse", "HEAD:segments/a.yaml")
    tree = repository.git("rev-parse", "HEAD^{tree}")
    repository.commit("Remove", {"a.yaml": None})

    def damage(object_id: str, content: bytes | None) -> None:
        path = repository.top / ".git/objects" / object_id[:2] / object_id[2:]
        path.chmod(0o644)
        path.unlink()
        if content is not None:
            path.write_bytes(content)

    damage(blob, b"nonsense")
    assert "git cannot read the history: " in reason(repository.root)
    damage(blob, None)
    assert f"object {blob} is missing" in reason(repository.root)
    damage(tree, None)
    assert "git cannot read the history: " in reason(repository.root)


@pytest.mark.posix
def test_a_repository_of_another_user_is_reported(repository: Repository) -> None:
    repository.commit("Add", {"a.yaml": A})
    env = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null"}
    fake = repository.top / "bin"
    fake.mkdir()
    words = "fatal: detected dubious ownership in repository at '/x'"
    (fake / "git").write_text(f'#!/bin/sh\necho "{words}" >&2\nexit 128\n')
    (fake / "git").chmod(0o755)
    removal_history = read_removal_history(
        repository.root, "segments", (), env={**env, "PATH": f"{fake}:/bin"}
    )
    assert "belongs to another user" in removal_history.unavailable
    assert "safe.directory" in removal_history.remedy
    (fake / "git").write_text("#!/bin/sh\nexit 1\n")
    removal_history = read_removal_history(
        repository.root, "segments", (), env={**env, "PATH": f"{fake}:/bin"}
    )
    assert "it gives no reason" in removal_history.unavailable


@pytest.mark.posix
def test_a_timeout_is_reported(repository: Repository) -> None:
    fake = repository.top / "bin"
    fake.mkdir()
    (fake / "git").write_text("#!/bin/sh\nexec sleep 60\n")
    (fake / "git").chmod(0o755)
    removal_history = read_removal_history(
        repository.root, "segments", (), env={"PATH": f"{fake}:/bin:/usr/bin"}, timeout=0.2
    )
    assert "longer than 0.2 seconds" in removal_history.unavailable


def test_reading_changes_nothing(repository: Repository) -> None:
    repository.commit("Add", {"a.yaml": A})
    files = {p: p.stat().st_mtime_ns for p in (repository.top / ".git").rglob("*")}
    removed(repository)
    assert files == {p: p.stat().st_mtime_ns for p in (repository.top / ".git").rglob("*")}


# The quick scan for names


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (A, "A"),
        ('description: "x\nname: B\n"\nname: A\n', "A"),
        ("{owner: x, name: A}", "A"),
        ("tags: [name, B]\ndescription: {name: C}\nname: A", "A"),
        ("owner: &a A\nname: *a\n", "A"),
        ("owner: &a A\nname: *b\n", ""),
        ("name: [A]\n", ""),
        ("name:\n", ""),
        ("[name, A]", "A"),
        ("? [x]\n: y\nname: A\n", ""),
        ("*a : 1\nname: A", ""),
        ("A", ""),
        ("", ""),
        ("x: " + "[" * 100_000, ""),
        ('"na\\x6de": A', "A"),
        ("name: \x07", ""),
    ],
)
def test_the_scan_returns_the_name_that_a_file_may_declare(text: str, name: str) -> None:
    assert possible_name(text.encode()) == name


def test_the_scan_returns_nothing_for_a_file_that_is_not_utf8() -> None:
    assert possible_name(A.encode("utf-16")) == ""


def test_names_are_the_declared_ones(repository: Repository) -> None:
    repository.commit("Add", {"a.yaml": A, "b.yaml": "name: never\n"})
    assert read_timeline(repository.root, "segments").names() == ["A"]


def test_a_forgotten_segment_is_not_removed_later(repository: Repository) -> None:
    repository.commit("Add", {"a.yaml": A, "b.yaml": B})
    repository.commit("Forget A", {"a.yaml": "name: A\nremoved: forget\n"})
    repository.commit("Tidy up", {"a.yaml": None})
    assert removed(repository, "B") == {}
    repository.commit("Declare A again", {"a.yaml": A})
    last = repository.commit("Remove it for good", {"a.yaml": None})
    assert removed(repository, "B") == {"A": last}


def test_a_tombstone_is_the_removal_and_not_the_commit_that_deletes_it(
    repository: Repository,
) -> None:
    """A namesake that is created while the tombstone exists must survive its deletion."""
    repository.commit("Add", {"a.yaml": A, "b.yaml": B})
    commit = repository.commit("Remove A", {"a.yaml": "name: A\nremoved: true\n"})
    assert removed(repository, "B") == {"A": commit}
    repository.commit("Tidy up", {"a.yaml": None})
    assert removed(repository, "B") == {"A": commit}


def renames(repository: Repository) -> dict[str, str]:
    """Return the removed names with their new names."""
    removals = read_removal_history(repository.root, "segments", ()).removals
    return {removal.name: removal.renamed_to for removal in removals}


def test_a_name_that_is_changed_in_its_file_is_renamed(repository: Repository) -> None:
    repository.commit("Add", {"a.yaml": A, "b.yaml": B})
    repository.commit("Rename A", {"a.yaml": segment("A2")})
    assert renames(repository) == {"A": "A2"}
    repository.commit("And again", {"a.yaml": segment("A3")})
    repository.commit("And move it", {"a.yaml": None, "c.yaml": segment("A3")})
    assert renames(repository) == {"A": "A2", "A2": "A3"}


def test_another_segment_in_the_file_of_a_removed_one_is_not_a_rename(
    repository: Repository,
) -> None:
    repository.commit("Add", {"a.yaml": A, "b.yaml": B})
    repository.commit("Remove A", {"a.yaml": None})
    repository.commit("Use the file again", {"a.yaml": segment("New")})
    assert renames(repository) == {"A": ""}


def test_a_segment_that_moves_into_the_file_of_a_removed_one_is_not_a_rename(
    repository: Repository,
) -> None:
    repository.commit("Add", {"a.yaml": A, "b.yaml": B})
    repository.commit("Remove A, and move B", {"a.yaml": B, "b.yaml": None})
    assert renames(repository) == {"A": ""}


def test_a_broken_file_that_is_repaired_with_another_name_is_renamed(
    repository: Repository,
) -> None:
    repository.commit("Add", {"a.yaml": A})
    repository.commit("Break", {"a.yaml": BROKEN})
    repository.commit("Repair", {"a.yaml": B})
    assert renames(repository) == {"A": "B"}


def test_a_file_that_was_moved_out_of_the_folder_is_found(tmp_path: Path) -> None:
    repository = new_repository(tmp_path, "marketing")
    repository.commit("Add", {"a.yaml": A, "b.yaml": B, "deep/c.yaml": segment("C")})

    def moved(old: str, new: str) -> str:
        (repository.top / new).parent.mkdir(parents=True, exist_ok=True)
        repository.git("mv", f"marketing/segments/{old}", new)
        commit = repository.commit("Move", {})
        return find_move_out_of(repository.root, "segments", commit, os.environ)

    assert moved("a.yaml", "marketing/segments/A.yaml") == ""
    assert moved("b.yaml", "sales/segments/ b\ný.yaml") == "sales/segments/ b\ný.yaml"
    assert moved("deep/c.yaml", "marketing/c.yaml") == "marketing/c.yaml"
    dropped = repository.commit("Drop", {"A.yaml": None})
    assert find_move_out_of(repository.root, "segments", dropped, os.environ) == ""
