"""The folder that segctl writes in: whatever changes meanwhile, it leads nowhere else."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from segctl.common import folder as folder_module
from segctl.common.folder import Folder, UnsafePath

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.posix

OPERATIONS: dict[str, Callable[[Folder], object]] = {
    "write": lambda folder: folder.write("in/file", b"new"),
    "create": lambda folder: folder.create("in/new", b"new"),
    "open": lambda folder: os.close(folder.open("in/file")),
    "open new": lambda folder: os.close(folder.open("in/new")),
    "make": lambda folder: folder.below("in/new").make(),
    "make private": lambda folder: folder.below("in").make_private(),
    "make new": lambda folder: folder.make_new("in/new"),
    "remove": lambda folder: folder.remove("in/file"),
    "remove folder": lambda folder: folder.remove_folder("in/deep"),
    "remove empty": lambda folder: folder.below("in/empty").remove_empty(),
    "clear": lambda folder: folder.below("in").clear(),
    "rename": lambda folder: folder.below("in").rename("file", "new"),
    "settle": lambda folder: folder.settle("in/file"),
}


@pytest.fixture
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the same names as the project's."""
    outside = tmp_path_factory.mktemp("outside")
    fill(outside)
    return outside


def fill(folder: Path) -> None:
    for name in ("deep", "empty"):
        (folder / name).mkdir(parents=True)
    for name in ("file", "deep/file"):
        (folder / name).write_text("old")
        (folder / name).chmod(0o644)
    folder.chmod(0o755)


def state(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return the mode and the content of everything in a folder, itself included."""
    return {
        str(path): (stat.S_IMODE(path.stat().st_mode), path.read_bytes() if path.is_file() else b"")
        for path in (folder, *folder.rglob("*"))
    }


@pytest.mark.parametrize("has_descriptors", [True, False], ids=["", "as on Windows"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_no_operation_goes_through_a_link(
    tmp_path: Path,
    outside: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    *,
    has_descriptors: bool,
) -> None:
    monkeypatch.setattr(folder_module, "_HAS_DESCRIPTORS", has_descriptors)
    (tmp_path / "in").symlink_to(outside)
    before = state(outside)
    with pytest.raises(UnsafePath, match="in is a link"):
        OPERATIONS[name](Folder(tmp_path))
    assert state(outside) == before


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_folder_that_becomes_a_link_meanwhile_leads_nowhere(
    tmp_path: Path, outside: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    fill(tmp_path / "in")
    before = state(outside)
    real = folder_module._OpenFolder.enter

    def enter(self: folder_module._OpenFolder, part: str) -> folder_module._OpenFolder:
        opened = real(self, part)
        if part == "in":
            # Another process of the machine, just after the folder was opened.
            (tmp_path / "in").rename(tmp_path / "moved")
            (tmp_path / "in").symlink_to(outside)
        return opened

    monkeypatch.setattr(folder_module._OpenFolder, "enter", enter)
    OPERATIONS[name](Folder(tmp_path))
    assert state(outside) == before
    assert (tmp_path / "in").is_symlink()


@pytest.mark.parametrize("has_descriptors", [True, False], ids=["", "as on Windows"])
@pytest.mark.parametrize("name", OPERATIONS)
def test_each_operation_works_without_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, *, has_descriptors: bool
) -> None:
    monkeypatch.setattr(folder_module, "_HAS_DESCRIPTORS", has_descriptors)
    fill(tmp_path / "in")
    before = state(tmp_path / "in")
    OPERATIONS[name](Folder(tmp_path))
    changes_nothing = name == "open" or (name in {"make private", "settle"} and not has_descriptors)
    assert (state(tmp_path / "in") == before) == changes_nothing


@pytest.mark.parametrize("name", ["", "..", "../x", "a/../x", "a/./x", "a//x", "/x", "a/", "/"])
def test_a_name_that_is_not_below_is_a_bug(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="not a name below a folder"):
        Folder(tmp_path).write(name, b"")


def test_a_file_that_is_swapped_for_a_link_is_not_opened(
    tmp_path: Path, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_module._OpenFolder, "refuse_unsafe", lambda *_, **__: None)
    (tmp_path / "file").symlink_to(outside / "file")
    with pytest.raises(OSError, match="symbolic link"):
        Folder(tmp_path).open("file")
    with pytest.raises(OSError, match="symbolic link"):
        Folder(tmp_path).open_to_read("file")
