"""Files that are read up to a limit, and files of one user's own."""

from __future__ import annotations

import os
import stat
import sys
from typing import TYPE_CHECKING

import pytest

from segctl.common import files
from segctl.common.files import (
    read_bounded,
    read_private_json,
    write_named,
    write_private_json,
    write_text,
)
from segctl.common.folder import Folder
from segctl.errors import Refused, UsageError

if TYPE_CHECKING:
    from pathlib import Path

posix = pytest.mark.skipif(sys.platform == "win32", reason="modes and links are another matter")


def test_one_byte_too_many_shows_that_a_file_is_too_large(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for size in (0, 1, 99_999, 100_000, 100_001, 300_000):
        path.write_bytes(b"x" * size)
        assert len(read_bounded(path, 100_000)) == min(size, 100_001)


def test_private_json_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "private.json"
    write_private_json(Folder(tmp_path), "private.json", 1, {"name": "Ž"})
    assert read_private_json(Folder(tmp_path), "private.json", 1) == {"version": 1, "name": "Ž"}
    assert [entry.name for entry in tmp_path.iterdir()] == ["private.json"]
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is damaged"),
        (b"[1]", "the file is damaged"),
        (b"\xff", "the file is damaged"),
        (b"[" * 100_000, "the file is damaged"),
        (b"{}", "written by another version of segctl"),
        (b'{"version": 2}', "written by another version of segctl"),
        (b'{"version": 1, "x": "' + b"x" * 1000 + b'"}', "the file is too large"),
    ],
)
def test_what_segctl_did_not_write_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, reason: str
) -> None:
    if reason == "the file is too large":
        monkeypatch.setattr(files, "LARGEST_PRIVATE", 500)
    path = tmp_path / "private.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"^{reason}$"):
        read_private_json(Folder(tmp_path), "private.json", 1)


@posix
def test_what_others_may_have_written_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "private.json"
    write_private_json(Folder(tmp_path), "private.json", 1, {})
    path.chmod(0o620)
    with pytest.raises(ValueError, match="not a private file of this user"):
        read_private_json(Folder(tmp_path), "private.json", 1)
    path.chmod(0o600)
    (tmp_path / "link").symlink_to(path)
    with pytest.raises(OSError, match="link"):
        read_private_json(Folder(tmp_path), "link", 1)
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(OSError, match="pipe is not a regular file"):
        read_private_json(Folder(tmp_path), "pipe", 1)


def test_more_than_is_read_back_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_private_json(Folder(tmp_path), "private.json", 1, {"name": "A"})
    monkeypatch.setattr(files, "LARGEST_PRIVATE", 100)
    with pytest.raises(ValueError, match="the file is too large"):
        write_private_json(Folder(tmp_path), "private.json", 1, {"name": "A" * 100})
    assert read_private_json(Folder(tmp_path), "private.json", 1)["name"] == "A"


def test_a_file_is_replaced_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, path = Folder(tmp_path), tmp_path / "in" / "file.txt"
    write_text(folder, "in/file.txt", "one\r\n")
    assert path.read_bytes() == b"one\r\n"

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(UsageError, match=r"cannot write in/file.txt: Permission denied"):
        write_text(folder, "in/file.txt", "two")
    assert path.read_bytes() == b"one\r\n"
    assert [entry.name for entry in path.parent.iterdir()] == ["file.txt"]


@posix
def test_a_new_file_keeps_to_the_umask_and_an_old_one_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    before = os.umask(0o027)
    try:
        write_text(Folder(tmp_path), "file.txt", "new")
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        path.chmod(0o755)
        write_text(Folder(tmp_path), "file.txt", "newer")
    finally:
        os.umask(before)
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("newer", 0o755)


@posix
def test_a_file_that_the_user_named_is_written_through_links_outside_of_the_project(
    tmp_path: Path,
) -> None:
    project, target = tmp_path / "project", tmp_path / "target.txt"
    project.mkdir()
    target.write_text("old")
    (tmp_path / "link").symlink_to(target)
    (tmp_path / "to-project").symlink_to(project)
    write_named(str(tmp_path / "link"), "new", project)
    assert (target.read_text(), (tmp_path / "link").is_symlink()) == ("new", True)
    write_named(str(tmp_path / "to-project" / "plan.json"), "plan", project)
    assert (project / "plan.json").read_text() == "plan"
    for name in ("link", "project/link", "project/in/../link", "to-project/link"):
        (project / "link").unlink(missing_ok=True)
        (project / "link").symlink_to(target)
        if name != "link":
            with pytest.raises(Refused, match="link is a link"):
                write_named(str(tmp_path / name), "planted", project)
        assert target.read_text() == "new"
    with pytest.raises(UsageError, match="empty"):
        write_named("", "text", project)
