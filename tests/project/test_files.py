"""Which files of a project are read, and which are refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from segctl.common.files import read_bounded
from segctl.declarations.collection import read_declarations
from segctl.errors import InvalidInput, UsageError
from segctl.project import files
from segctl.project.files import read_files

GOOD = b"name: a\nquery_dsl: SELECT 1\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    (root / "segments").mkdir(parents=True)
    return root


def put(project: Path, name: str, data: bytes = GOOD) -> Path:
    path = project / "segments" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def codes(project: Path) -> list[str]:
    """Return `file code` of each problem of the project's files."""
    with pytest.raises(InvalidInput) as caught:
        read_files(project, "segments")
    assert all(problem.hint for problem in caught.value.diagnostics)
    return [f"{d.span.file} {d.code}" for d in caught.value.diagnostics if d.span]


def test_files_of_every_depth_suffix_and_name_are_read(project: Path) -> None:
    names = [
        "a.yaml",
        "b.yml",
        "C.YAML",
        "x/y/z/d.Yml",
        "with space.yaml",
        "é😀.yaml",
        "dir.yaml/e.yaml",
    ]
    for name in names:
        put(project, name)
    put(project, "x/q.sql", b"one")
    put(project, "Q.SQL", b"two")
    for name in (
        ".hidden.yaml",
        ".git/a.yaml",
        "x/.b.sql",
        "README.md",
        "a.yaml~",
        "yaml",
        ".yaml",
    ):
        put(project, name, b"not read")

    files = read_files(project, "segments")

    assert set(files.segments) == {f"segments/{name}" for name in names}
    assert files.queries == {"segments/Q.SQL": b"two", "segments/x/q.sql": b"one"}
    assert set(files.segments.values()) == {GOOD}


def test_an_empty_folder_has_no_files(project: Path) -> None:
    assert read_files(project, "segments").segments == {}


@pytest.mark.parametrize("folder", ["nothing", "file"])
def test_a_missing_folder_is_reported(project: Path, folder: str) -> None:
    (project / "file").write_text("")

    with pytest.raises(UsageError, match=f"folder {folder}/ not found") as caught:
        read_files(project, folder)
    assert "-C DIR" in caught.value.hint


def test_a_nested_folder_is_read(project: Path) -> None:
    put(project, "deep/a.yaml")

    assert list(read_files(project, "segments/deep").segments) == ["segments/deep/a.yaml"]


def test_only_the_start_of_a_huge_file_is_read(project: Path) -> None:
    put(project, "a.yaml", b"#" * (3 << 20))

    files = read_files(project, "segments")

    assert len(files.segments["segments/a.yaml"]) == (1 << 20) + 1
    (finding,) = read_declarations(files.segments, {}, "segments").diagnostics
    assert finding.code == "file-too-large"


@pytest.mark.posix
def test_links_inside_are_followed_to_files(project: Path) -> None:
    put(project, "a.yaml")
    (project / "segments" / "b.yaml").symlink_to("a.yaml")

    assert list(read_files(project, "segments").segments) == ["segments/a.yaml", "segments/b.yaml"]


@pytest.mark.posix
def test_every_unreadable_file_is_reported(project: Path) -> None:
    segments = project / "segments"
    (project / "secret.yaml").write_bytes(b"password: x")
    put(project, "ok.yaml")
    (segments / "out.yaml").symlink_to("../secret.yaml")
    (segments / "absolute.sql").symlink_to("/etc/passwd")
    (segments / "out").symlink_to(project.parent)
    (segments / "within").symlink_to(".")
    (segments / "nowhere.yaml").symlink_to("gone.yaml")
    (segments / "ring.yaml").symlink_to("ring2.yaml")
    (segments / "ring2.yaml").symlink_to("ring.yaml")
    os.mkfifo(segments / "pipe.yaml")
    (segments / ".hidden").symlink_to("/")
    (segments / "notes").symlink_to("/etc/passwd")

    assert codes(project) == [
        "segments/absolute.sql link-outside",
        "segments/nowhere.yaml not-a-file",
        "segments/out linked-folder",
        "segments/out.yaml link-outside",
        "segments/pipe.yaml not-a-file",
        "segments/ring.yaml unreadable",
        "segments/ring2.yaml unreadable",
        "segments/within linked-folder",
    ]


@pytest.mark.posix
def test_a_sibling_with_a_common_prefix_is_outside(project: Path) -> None:
    (project / "segments2").mkdir()
    (project / "segments2" / "a.yaml").write_bytes(GOOD)
    (project / "segments" / "a.yaml").symlink_to("../segments2/a.yaml")

    assert codes(project) == ["segments/a.yaml link-outside"]


@pytest.mark.posix
def test_a_folder_behind_a_link_is_refused(project: Path) -> None:
    (project / "away").symlink_to("/etc")
    (project / "near").symlink_to("segments")
    (project / "here").symlink_to(".")
    put(project, "a.yaml")

    for folder, link in (("away", "away"), ("near", "near"), ("here/segments", "here")):
        with pytest.raises(UsageError, match=f"^{link}/ is a link, which is not followed$"):
            read_files(project, folder)


@pytest.mark.posix
def test_a_project_may_be_reached_through_a_link(project: Path) -> None:
    put(project, "a.yaml")
    link = project.parent / "link"
    link.symlink_to(project)

    assert list(read_files(link, "segments").segments) == ["segments/a.yaml"]


def test_a_file_name_that_is_not_utf_8_is_reported(project: Path) -> None:
    path = os.fsencode(project / "segments") + b"/\xff.yaml"
    try:
        Path(os.fsdecode(path)).write_bytes(GOOD)
    except OSError:
        pytest.skip("this file system has no such names")

    (problem,) = codes(project)
    assert problem.encode() == b"segments/?.yaml bad-file-name"


def test_a_file_without_permission_is_reported(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(project, "a.yaml")
    put(project, "closed/b.yaml")
    scandir = os.scandir

    def refuse_folder(path: str) -> object:
        if path.endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    def refuse_file(path: str, limit: int) -> bytes:
        if path.endswith("a.yaml"):
            raise PermissionError(13, "Permission denied")
        return read_bounded(path, limit)

    monkeypatch.setattr(os, "scandir", refuse_folder)
    monkeypatch.setattr(files, "read_bounded", refuse_file)

    assert codes(project) == ["segments/a.yaml unreadable", "segments/closed unreadable"]
