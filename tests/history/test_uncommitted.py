"""Renames in the work tree that no commit shows yet, over a real repository."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest

from .repository import Repository, applied_repository, ids_by_name, segment

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.support.account import Remote
    from tests.support.project import Project

CODE = "error[rename-not-committed]: `Better` may be the new name of `B`"
MOVED_AND_EDITED = {"b.yaml": None, "new.yaml": segment("Better", "total_spend > 501")}


@pytest.fixture
def repository(connected: Project, remote: Remote) -> Repository:
    """A repository with three applied segments."""
    conditions = {"A": "city = 'Brno'", "B": "total_spend > 500", "C": "orders_count > 3"}
    files = {f"{name.lower()}.yaml": segment(name, text) for name, text in conditions.items()}
    return applied_repository(connected, remote, files)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a function that lets stdin be a terminal at which someone types a text."""

    def type_text(text: str) -> None:
        stdin = io.StringIO(text)
        monkeypatch.setattr(stdin, "isatty", lambda: True)
        monkeypatch.setattr("sys.stdin", stdin)

    return type_text


@pytest.mark.parametrize("quiet", [[], ["-q"]])
@pytest.mark.parametrize(
    "files",
    [
        {"b.yaml": segment("Better", "total_spend > 501")},
        {"b.yaml": None, "new.yaml": segment("Better", "total_spend > 500")},
        MOVED_AND_EDITED,
    ],
    ids=["in its file", "moved", "moved and edited"],
)
def test_a_rename_that_is_not_committed_is_refused_without_a_terminal(
    connected: Project,
    remote: Remote,
    repository: Repository,
    files: Mapping[str, str | None],
    quiet: list[str],
) -> None:
    before = ids_by_name(remote)
    repository.write(files)
    for argv in (["plan"], ["apply", "--auto-approve"], ["apply"]):
        result = connected.run(*argv, *quiet)
        assert (result.code, CODE in result.out) == (3, True)
        assert "not-committed]" not in result.out.replace("rename-not-committed]", "")
    assert ids_by_name(remote) == before
    # What the hint says, in turn.
    repository.write({"forget.yaml": "name: B\nremoved: forget\n"})
    assert "1 to create, 0 to patch, 0 to replace, 0 to delete" in connected.run("plan").out
    repository.write({"forget.yaml": None})
    (file,) = [name for name, text in files.items() if text is not None]
    text = f"{files[file]}previous_names: [B]\n"
    repository.write({file: text})
    assert "renamed by `previous_names`" in connected.run("plan").out
    repository.commit("Rename B", {file: text})
    assert connected.run("apply", "--auto-approve").code == 0
    assert ids_by_name(remote)["Better"] == before["B"]
    assert connected.run("plan", "--detailed-exitcode").code == 0


def test_a_commit_decides(connected: Project, remote: Remote, repository: Repository) -> None:
    old = ids_by_name(remote)["B"]
    repository.write({"b.yaml": segment("Better")})
    assert CODE in connected.run("plan").out
    repository.commit("Rename B", {})
    assert connected.run("apply", "--auto-approve").code == 0
    assert ids_by_name(remote)["Better"] == old
    assert connected.run("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize("answers", ["no rename\nyes\n", "no rename\nno\n", "yes\nyes\n", "\n"])
def test_a_person_at_a_terminal_is_asked(
    connected: Project,
    remote: Remote,
    repository: Repository,
    terminal: Callable[[str], None],
    answers: str,
) -> None:
    before = ids_by_name(remote)
    repository.write({"b.yaml": segment("Better")})
    terminal(answers)
    result = connected.run("apply", "-q")
    assert CODE in result.out
    assert "Only a commit shows a rename. Is the plan right as it is?" in result.err
    is_meant = answers.startswith("no rename")
    assert ("Make these changes?" in result.err) is is_meant
    assert result.code == (3 if not is_meant else 0 if "yes" in answers else 1)
    if result.code:
        assert ids_by_name(remote) == before
        return
    assert ids_by_name(remote).keys() - before.keys() == {"Better"}
    terminal("")
    again = connected.run("apply")
    assert (again.code, "No changes." in again.out, "Type" in again.err) == (0, True, False)
    assert "warning[not-committed]" in again.out


def test_nobody_is_asked_where_a_plan_or_all_of_them_were_approved(
    connected: Project,
    remote: Remote,
    repository: Repository,
    terminal: Callable[[str], None],
) -> None:
    before = ids_by_name(remote)
    repository.write({"b.yaml": segment("Better")})
    assert connected.run("plan", "--out", str(connected.root / "plan.json")).code == 3
    digest = json.loads((connected.root / "plan.json").read_text())["digest"]
    for argv in (
        ["apply", "--auto-approve"],
        ["apply", "--expect-digest", digest],
        ["apply", str(connected.root / "plan.json")],
    ):
        terminal("no rename\nyes\n")
        result = connected.run(*argv)
        assert (result.code, "Type" in result.err) == (3, False)
    assert ids_by_name(remote) == before


def test_a_terminal_overrules_no_other_refusal(
    connected: Project,
    remote: Remote,
    repository: Repository,
    terminal: Callable[[str], None],
) -> None:
    connected.write({"segctl.yaml": "version: 1\nlimits: {max_segments: 3}\n"})
    repository.write({"b.yaml": segment("Better")})
    terminal("no rename\nyes\n")
    result = connected.run("apply")
    assert (result.code, "over-the-cap" in result.out, "Type" in result.err) == (3, True, False)


@pytest.mark.parametrize("form", ["text", "json", "markdown", "github", "sarif", "html"])
def test_every_format_shows_the_refusal(
    connected: Project, repository: Repository, form: str
) -> None:
    repository.write({"b.yaml": segment("Better")})
    result = connected.run("plan", "--format", form)
    assert (result.code, "only a commit shows a rename" in result.out) == (3, True)


def test_a_segment_that_is_likely_is_no_suspect_of_others(
    connected: Project, repository: Repository
) -> None:
    repository.write({"b.yaml": segment("Better"), "d.yaml": segment("D", "orders_count > 7")})
    plan = connected.run("plan").out
    assert plan.count("error[rename-not-committed]") == 1
    repository.write({"b.yaml": None, "c.yaml": None})
    plan = connected.run("plan").out
    assert "`D` may be the new name of `B` or `C`, which the last commit declares" in plan
    repository.commit("Decide", {})
    assert "1 to create, 0 to patch, 0 to replace, 2 to delete" in connected.run("plan").out


def test_a_removal_that_is_not_committed_is_a_warning(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    """Also beside a segment that the last commit declares and nobody applied yet."""
    repository.commit("Declare", {"d.yaml": segment("D", "orders_count > 7")})
    repository.write({"b.yaml": None})
    result = connected.run("apply", "--auto-approve")
    assert (result.code, "warning[not-committed]" in result.out) == (0, True)
    assert {"B", "D"} <= ids_by_name(remote).keys()


def test_a_selected_create_is_refused_too(connected: Project, repository: Repository) -> None:
    repository.write({"b.yaml": segment("Better"), "c.yaml": segment("C", "orders_count > 5")})
    assert CODE in connected.run("plan", "--only", "Better").out
    other = connected.run("plan", "--only", "C")
    assert (other.code, "not-committed" in other.out) == (0, False)


def test_without_detection_it_is_a_warning(connected: Project, repository: Repository) -> None:
    repository.write({"b.yaml": segment("Better")})
    plan = connected.run("plan", "--no-detect-renames")
    assert (plan.code, "+ create  Better" in plan.out) == (0, True)
    assert "warning[not-committed]" in plan.out


def test_exclusive_ownership_deletes_nothing_that_may_be_renamed(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    connected.write({"segctl.yaml": "version: 1\nownership: exclusive\n"})
    repository.write(MOVED_AND_EDITED)
    result = connected.run("apply", "--auto-approve")
    assert (result.code, CODE in result.out) == (3, True)
    assert "B" in ids_by_name(remote)
