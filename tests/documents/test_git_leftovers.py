"""What git leaves in files instead of their content: Git LFS pointers and merge conflicts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from segctl.declarations.segment_file import read_file
from segctl.errors import Diagnostic, Severity
from tests.declarations.reading import QUERY
from tests.support.builders import ALL

if TYPE_CHECKING:
    from tests.support.project import Project

POINTER = (
    "version https://git-lfs.github.com/spec/v1\n"
    "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\n"
    "size 12345\n"
)
CONFLICT = "<<<<<<< HEAD\nname: a\n=======\nname: b\n>>>>>>> topic\n"


def problems(text: str, sql: str = "") -> list[Diagnostic]:
    queries = {"segments/q.sql": sql.encode()}
    declared, document = read_file("segments/a.yaml", text.encode(), queries, "segments")
    assert (declared is None) == bool(document.diagnostics)
    return document.diagnostics


def test_an_lfs_pointer_is_named_as_such() -> None:
    (problem,) = problems(POINTER)
    assert (problem.code, problem.severity) == ("lfs-pointer", Severity.ERROR)
    assert "git lfs pull" in problem.hint
    (problem,) = problems("name: a\nquery_file: q.sql\n", POINTER)
    assert (problem.code, str(problem.span)) == ("lfs-pointer", "segments/q.sql:1:1")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (CONFLICT + QUERY, "1:1"),
        (CONFLICT.replace("\n", "\r\n") + QUERY, "1:1"),
        (QUERY + CONFLICT, "2:1"),
        (f"name: a\n{QUERY}>>>>>>> topic\n", "3:1"),
        (f"name: a\n{QUERY}<<<<<<<\n", "3:1"),
    ],
)
def test_a_merge_conflict_is_reported_at_its_first_marker(text: str, place: str) -> None:
    (problem,) = problems(text)
    assert (problem.code, problem.severity) == ("conflict-markers", Severity.ERROR)
    assert str(problem.span) == f"segments/a.yaml:{place}"
    assert "remove the lines" in problem.hint


def test_a_merge_conflict_in_a_query_file_is_reported() -> None:
    select = "SELECT contact_id, updated_at FROM contact_data\n"
    (problem,) = problems("name: a\nquery_file: q.sql\n", f"{select}<<<<<<< HEAD\nWHERE 1 = 1\n")
    assert (problem.code, str(problem.span)) == ("conflict-markers", "segments/q.sql:2:1")


def test_a_key_in_a_conflict_is_reported_instead() -> None:
    key = "SG." + "a" * 22 + "." + "b" * 43
    (problem,) = problems(f"{CONFLICT}description: {key}\n{QUERY}")
    assert problem.code not in ("conflict-markers", "lfs-pointer")
    assert key not in repr(problem)


@pytest.mark.parametrize(
    "text",
    [
        f"name: a\n# =======\n# <<<<<<< HEAD\n{QUERY}",
        f"name: a\ndescription: |\n  <<<<<<< HEAD\n{QUERY}",
        f"name: version https://git-lfs.github.com/spec/v1\n{QUERY}",
    ],
)
def test_other_files_are_read(text: str) -> None:
    assert problems(text) == []


def test_a_ruler_in_a_comment_of_a_query_file_is_no_conflict() -> None:
    sql = "/*\n=======\n*/\nSELECT contact_id, updated_at FROM contact_data\n"
    assert problems("name: a\nquery_file: q.sql\n", sql) == []


@pytest.mark.parametrize(("leftover", "code"), [(POINTER, "lfs-pointer"), (CONFLICT, "conflict")])
@pytest.mark.parametrize(
    ("file", "commands"),
    [
        ("segctl.yaml", ["validate", "plan", "test", "lint", "account pull", "history"]),
        ("segments/fields.yaml", ["validate", "lint"]),
        ("segments/accounts/production.yaml", ["validate", "plan", "test", "lint"]),
        ("segments/fixtures.yaml", ["validate", "test"]),
        ("segments/a.yaml", ["validate", "plan", "test", "lint", "fmt", "explain"]),
        ("segments/q.sql", ["validate", "plan", "test", "lint", "fmt", "explain"]),
    ],
)
def test_every_file_of_a_project_is_reported_by_every_command(
    project: Project, leftover: str, code: str, file: str, commands: list[str]
) -> None:
    project.write({"segments/a.yaml": "name: A\nquery_file: q.sql\n", "segments/q.sql": ALL})
    project.write({file: leftover})
    for command in commands:
        result = project.run(*command.split())
        text = result.out + result.err
        shown = (result.code, f"error[{code}" in text, f"{file}:1:1" in text)
        assert shown == (1, True, True), f"{command}: {text}"
