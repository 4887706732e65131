"""`segctl history`, as text and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from segctl.history.commits import Commit
from tests.history.repository import Repository, segment
from tests.support.builders import query

if TYPE_CHECKING:
    from typing import Any

    from tests.support.project import Project

LIST = "0b1f4a10-5c1d-4a6e-9f02-000000000001"


@pytest.fixture
def recorded(project: Project) -> tuple[Project, Repository]:
    """A project with a history."""
    repository = Repository(project.root, project.root)
    repository.git("init", "--quiet", "--initial-branch=main")
    big = segment("Big spenders", "total_spend > 500")
    repository.commit("Declare two segments (#1)", {"vip.yaml": big, "cz.yaml": segment("Czechs")})
    repository.git("checkout", "-qb", "work")
    lower = segment("Big spenders", "total_spend > 250 AND country = 'CZ'", extra="owner: sales\n")
    repository.commit("Lower the bar", {"vip.yaml": lower})
    repository.git("checkout", "-q", "main")
    repository.merge("work", "Merge pull request #2 from someone/work")
    renamed = lower.replace("Big spenders", "VIP")
    repository.commit("Rename (#3) in the file", {"vip.yaml": renamed})
    repository.commit("Break", {"vip.yaml": "name: ["})
    moved = renamed.replace(" AND ", "   and ")
    repository.commit("Move and repair", {"vip.yaml": None, "customers/vip.yaml": moved})
    repository.commit("Protect", {"customers/vip.yaml": moved + "protected: true\n"})
    repository.commit("Remove \x1b[31m", {"cz.yaml": None})
    return project, repository


TEXT = """\
{0}  2026-05-28 20:32  A Committer  Protect
  ~ protected  VIP  segments/customers/vip.yaml
      protected  false -> true

{1}  2026-05-28 20:31  A Committer  Move and repair
  ~ changed  VIP  segments/customers/vip.yaml
      file  segments/vip.yaml -> segments/customers/vip.yaml
      query_dsl  (same meaning, written differently)

{2}  2026-05-28 20:29  A Committer  Rename (#3) in the file
  ~ renamed  VIP  segments/vip.yaml
      name  Big spenders -> VIP

{3}  2026-05-28 20:28  A Committer  Merge pull request #2 from someone/work
  ~ changed  Big spenders  segments/vip.yaml
      query_dsl
        changed  total_spend > 500 -> total_spend > 250
        added    country = 'CZ'
      owner  (none) -> sales

{4}  2026-05-28 20:26  A Committer  Declare two segments (#1)
  + created  Big spenders  segments/vip.yaml
"""


@pytest.mark.parametrize("name", ["VIP", "Big spenders"])
def test_a_segment_is_followed_through_its_names(
    recorded: tuple[Project, Repository], name: str
) -> None:
    project, repository = recorded
    result = project.run("history", name)
    assert result.code == 0, result.err
    ids = [line[:10] for line in repository.git("log", "--first-parent", "--format=%H").split("\n")]
    shown = [ids[1], ids[2], ids[4], ids[5], ids[6]]
    assert result.out == TEXT.format(*shown)
    assert result.err == ""


def test_without_a_name_all_segments_are_shown(recorded: tuple[Project, Repository]) -> None:
    project, _ = recorded
    result = project.run("history")
    assert result.code == 0
    assert "- removed  Czechs  segments/cz.yaml\n" in result.out
    assert "Remove \\x1b[31m" in result.out
    assert "\x1b" not in result.out
    assert result.out.count("+ created") == 2
    assert "@" not in result.out
    colored = project.run("history", "--color", "always").out
    assert "\x1b[31m- removed\x1b[0m" in colored


def test_a_limit_leaves_out_older_events(recorded: tuple[Project, Repository]) -> None:
    project, _ = recorded
    result = project.run("history", "-n", "1")
    assert result.out.count("\n  ") == 1
    assert result.err == "Older events are not shown; run with --limit 0 to show all.\n"
    assert project.run("history", "-n", "0").out == project.run("history").out
    assert project.run("history", "VIP", "-n", "1").out.count("\n  ~") == 1
    assert project.run("history", "-n", "-1").code == 1


def test_the_json_has_every_event(recorded: tuple[Project, Repository]) -> None:
    project, _ = recorded
    data: Any = json.loads(project.run("history", "VIP", "--format", "json").out)
    assert list(data) == ["format_version", "tool", "generated_at", "name", "complete", "events"]
    assert (data["name"], data["complete"]) == ("VIP", True)
    kinds = [event["kind"] for event in data["events"]]
    assert kinds == ["protected", "changed", "renamed", "changed", "created"]
    assert [event["commit"]["pull_request"] for event in data["events"]] == [None, None, None, 2, 1]
    merged = data["events"][3]
    assert merged["commit"]["author"] == "A Committer"
    assert merged["commit"]["committed_at"] == "2026-05-28T20:28:40Z"
    assert merged["changed_fields"] == ["query_dsl", "owner"]
    assert [clause["kind"] for clause in merged["clauses"]] == ["changed", "added"]
    assert merged["before"]["query_dsl"] == query("total_spend > 500")
    assert merged["after"]["owner"] == "sales"
    assert data["events"][1]["cosmetic"] is True
    assert data["events"][4]["before"] is None
    assert "example.invalid" not in json.dumps(data)
    limited = json.loads(project.run("history", "-n", "2", "--format", "json").out)
    assert (limited["name"], limited["complete"], len(limited["events"])) == (None, False, 2)


def test_a_name_that_was_never_declared_is_an_error(recorded: tuple[Project, Repository]) -> None:
    project, _ = recorded
    result = project.run("history", "Big spender")
    assert (result.code, result.out) == (1, "")
    assert "no commit of this branch declared a segment `Big spender`" in result.err
    assert "did you mean `Big spenders`?" in result.err
    assert "run `segctl history` to list all" in project.run("history", "xxxxxxxx").err


def test_without_a_repository_there_is_an_error(project: Project) -> None:
    result = project.run("history", GIT_CEILING_DIRECTORIES=str(project.root.parent))
    assert result.code == 1
    assert "error: the project is not in a git repository" in result.err


def test_a_repository_without_segments_has_no_events(project: Project) -> None:
    repository = Repository(project.root, project.root)
    repository.git("init", "--quiet")
    repository.commit("Nothing", {})
    result = project.run("history")
    assert (result.code, result.out) == (0, "")
    assert result.err == "No commit declared a segment in segments/.\n"


def kinds(project: Project, *argv: str) -> list[tuple[str, str]]:
    data: Any = json.loads(project.run("history", *argv, "--format", "json").out)
    return [(event["kind"], event["name"]) for event in data["events"]]


@pytest.fixture
def empty_repository(project: Project) -> tuple[Project, Repository]:
    repository = Repository(project.root, project.root)
    repository.git("init", "--quiet", "--initial-branch=main")
    return project, repository


def test_a_rename_across_files_is_detected_by_its_query(
    empty_repository: tuple[Project, Repository],
) -> None:
    project, repository = empty_repository
    repository.commit(
        "Add", {"a.yaml": segment("A"), "b.yaml": segment("B", "x = 1"), "c.yaml": segment("C")}
    )
    new = {
        "d.yaml": segment("D", "(total_spend  > 500)"),
        "e.yaml": segment("E", "'' '"),
        "f.yaml": segment("F"),
        "g.yaml": segment("G"),
    }
    repository.commit("Rename", {"a.yaml": None, "b.yaml": None, "c.yaml": None, **new})
    assert kinds(project, "-n", "5") == [
        ("removed", "B"),
        ("renamed", "D"),
        ("created", "E"),
        ("renamed", "F"),
        ("created", "G"),
    ]
    assert kinds(project, "A") == [("renamed", "D"), ("created", "A")]
    assert kinds(project, "D") == [("renamed", "D"), ("created", "A")]
    unreadable = segment("E", "' changed")
    repository.commit("Change what cannot be read", {"e.yaml": unreadable})
    assert "segctl cannot parse one of the two" in project.run("history", "E").out


def test_a_segment_that_takes_a_name_later_has_its_own_history(
    empty_repository: tuple[Project, Repository],
) -> None:
    project, repository = empty_repository
    repository.commit("Add", {"a.yaml": segment("A")})
    repository.commit("Rename", {"a.yaml": segment("B")})
    repository.commit("Another A", {"a2.yaml": segment("A", "x = 1")})
    repository.commit("Remove", {"a2.yaml": None})
    repository.commit("Add again", {"a3.yaml": segment("A", "x = 1")})
    own = [("created", "A"), ("removed", "A"), ("created", "A")]
    assert kinds(project, "B") == [("renamed", "B"), ("created", "A")]
    assert kinds(project, "A") == [*own, ("renamed", "B"), ("created", "A")]


def test_a_swap_without_previous_names_is_two_edits(
    empty_repository: tuple[Project, Repository],
) -> None:
    project, repository = empty_repository
    repository.commit("Add", {"a.yaml": segment("A"), "b.yaml": segment("B", "x = 1")})
    repository.commit("Swap", {"a.yaml": segment("B"), "b.yaml": segment("A", "x = 1")})
    assert kinds(project, "A") == [("changed", "A"), ("created", "A")]


def segment_with_previous(name: str, condition: str, *previous: str) -> str:
    return segment(name, condition, extra=f"previous_names: [{', '.join(previous)}]\n")


def test_a_rename_that_the_file_declares_is_followed(
    empty_repository: tuple[Project, Repository],
) -> None:
    project, repository = empty_repository
    repository.commit("Add", {"a.yaml": segment("A", "x = 1"), "b.yaml": segment("Z", "x = 1")})
    # Neither the file nor the query shows the rename, and the query of Z suggests another one.
    new = {"a.yaml": None, "b.yaml": None, "new.yaml": segment_with_previous("B", "x = 2", "A")}
    repository.commit("Rename", {**new, "z.yaml": segment("C", "x = 3")})
    assert kinds(project, "A") == kinds(project, "B") == [("renamed", "B"), ("created", "A")]
    assert kinds(project, "Z") == [("removed", "Z"), ("created", "Z")]


def test_a_previous_name_that_is_added_later_joins_the_histories(
    empty_repository: tuple[Project, Repository],
) -> None:
    project, repository = empty_repository
    repository.commit("Add", {"a.yaml": segment("A", "x = 1")})
    repository.commit("Remove", {"a.yaml": None})
    repository.commit("Add another", {"b.yaml": segment("B", "x = 2")})
    assert kinds(project, "A") == [("removed", "A"), ("created", "A")]
    repository.commit("It was A", {"b.yaml": segment_with_previous("B", "x = 2", "A")})
    both = [("changed", "B"), ("created", "B"), ("removed", "A"), ("created", "A")]
    assert kinds(project, "A") == kinds(project, "B") == both
    assert "previous_names  (none) -> A" in project.run("history", "B").out
    repository.commit("A new A", {"a.yaml": segment("A", "x = 3")})
    assert kinds(project, "B") == both
    assert kinds(project, "A") == [("created", "A"), *both]


@pytest.mark.parametrize("queries", [(1, 2), (3, 4)], ids=["pure", "with edits"])
def test_a_declared_swap_and_a_chain_are_followed(
    empty_repository: tuple[Project, Repository], queries: tuple[int, int]
) -> None:
    project, repository = empty_repository
    repository.commit("A", {"a.yaml": segment("A", "x = 1")})
    repository.commit("B", {"b.yaml": segment("B", "x = 2")})
    swap = {
        "a.yaml": segment_with_previous("A", f"x = {queries[1]}", "B"),
        "b.yaml": segment_with_previous("B", f"x = {queries[0]}", "A"),
    }
    repository.commit("Swap", swap)
    chain = {
        "a.yaml": None,
        "b.yaml": segment_with_previous("B", f"x = {queries[1]}", "A"),
        "c.yaml": segment_with_previous("C", f"x = {queries[0]}", "B"),
    }
    repository.commit("Move along", chain)
    shown = project.run("history", "C").out
    assert kinds(project, "C") == [("renamed", "C"), ("renamed", "B"), ("created", "A")]
    assert "name  B -> C" in shown
    assert "name  A -> B" in shown


def test_a_claim_of_a_name_that_still_exists_renames_nothing(
    empty_repository: tuple[Project, Repository],
) -> None:
    project, repository = empty_repository
    repository.commit("Add", {"a.yaml": segment("A", "x = 1"), "b.yaml": segment("B", "x = 2")})
    repository.commit("Claim", {"b.yaml": segment_with_previous("B", "x = 2", "A")})
    assert kinds(project, "A") == [("created", "A")]
    assert kinds(project, "B") == [("changed", "B"), ("created", "B")]


def test_every_field_is_shown(empty_repository: tuple[Project, Repository]) -> None:
    project, repository = empty_repository
    repository.commit("Add", {"a.yaml": segment("A", extra="protected: true\n")})
    repository.commit("Free", {"a.yaml": segment("A")})
    more = f"parent_list_ids: [{LIST}]\ntags: [x, y]\nowner: sales\ndescription: |\n  Why.\n"
    repository.commit("Tell", {"a.yaml": segment("A", extra=more)})
    repository.commit("Move", {"a.yaml": None, "b.yaml": segment("A", extra=more)})
    both = {"x.yaml": segment("A", "x IN (SELECT contact_id FROM contact_data WHERE y = 1)")}
    repository.commit("Change", {"b.yaml": None, **both})
    again = {"x.yaml": segment("A", "x IN (SELECT contact_id FROM contact_data WHERE z = 1)")}
    repository.commit("Change again", again)
    out = project.run("history", "A").out
    assert "~ unprotected  A" in out
    assert f"parent_list_ids  (none) -> {LIST}\n" in out
    assert (
        "description  (none) -> Why.\n      owner  (none) -> sales\n      tags  (none) -> x, y"
        in out
    )
    assert "~ moved  A" in out
    assert "(in " in out
    assert "removed  total_spend > 500" in out


def test_a_query_file_belongs_to_its_segment(empty_repository: tuple[Project, Repository]) -> None:
    project, repository = empty_repository
    named = "name: A\nquery_file: a.sql\n"
    repository.commit("Add", {"a.yaml": named, "a.sql": query("x = 1"), "b.yaml": segment("B")})
    repository.commit("Edit the query", {"a.sql": query("x = 2"), "unused.sql": "x"})
    assert kinds(project, "-n", "1") == [("changed", "A")]
    assert "changed  x = 1 -> x = 2" in project.run("history", "A").out


def test_a_copy_and_an_edit_without_effect_are_not_events(
    empty_repository: tuple[Project, Repository],
) -> None:
    project, repository = empty_repository
    repository.commit("Add", {"a.yaml": segment("A")})
    repository.commit("Copy", {"b.yaml": segment("A")})
    repository.commit("Comment", {"a.yaml": segment("A") + "# more\n"})
    repository.commit("Remove the first", {"a.yaml": None})
    assert kinds(project) == [("moved", "A"), ("created", "A")]


@pytest.mark.parametrize(
    ("subject", "number"),
    [
        ("Do it (#12)", 12),
        ("Revert #1 (#2) (#34) ", 34),
        ("Merge pull request #7 from a/b", 7),
        ("Fix (#12) and more", None),
        ("See #12", None),
        ("(#٣)", None),
        (f"(#{'9' * 30})", None),
    ],
)
def test_the_pull_request_is_read_from_the_subject(subject: str, number: int | None) -> None:
    assert Commit("c", 0, "a", subject).pull_request == number


def test_addresses_and_keys_are_not_shown(
    empty_repository: tuple[Project, Repository],
) -> None:
    project, repository = empty_repository
    key = "SG.aaaaaaaaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
    repository.write({"a.yaml": segment("A")})
    repository.git("add", "--all")
    who = "--author=person@mail.example.invalid <person@mail.example.invalid>"
    repository.git("commit", "-q", "-m", f"Add {key}", who)
    out = project.run("history").out
    assert "  person  Add SG.***\n" in out
