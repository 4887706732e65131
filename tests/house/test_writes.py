"""One module changes the file system: `common/folder.py`, which follows no link.

Reading is free. A database, SQLite or DuckDB, opens its files by itself: the modules that connect
are listed, and their callers check the path before.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

from tests.house.test_floors import MODULES, PACKAGE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WRITERS = {
    "common/folder.py": "the one that writes",
    "common/files.py": "writes into a pipe or device that the user named",
    "emulator/store.py": "opens SQLite, and shares nothing with the client; `app` checks the path",
    "cli/program.py": "opens the null device",
    "cli/help.py": "writes text to a formatter of click, and no file",
}
LIBRARIES = {
    "tempfile": set(),
    "shutil": {"common/folder.py", "history/git.py", "app/console.py"},
}
"""Libraries that write, and their importers; the last two ask for a program and a terminal."""

OS_CALLS = {
    *("mkdir", "makedirs", "unlink", "remove", "removedirs", "rename", "renames", "replace"),
    *("rmdir", "link", "symlink", "truncate", "utime", "chmod", "chown", "mkfifo", "mknod"),
    *("fchmod", "lchmod", "write", "setxattr"),
}
WRITE_FLAGS = {"O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND", "O_EXCL"}
PATH_METHODS = {
    *("write_text", "write_bytes", "unlink", "mkdir", "chmod", "lchmod", "touch", "rmdir"),
    *("symlink_to", "hardlink_to"),
}
JOURNAL = "applying/journal.py"
"""Writes to a descriptor that `Folder.open` returned."""


def writes(path: Path) -> Iterator[str]:
    """Yield what writes in a module: the line and the source."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if is_write(node):
            yield f"{node.lineno}: {ast.unparse(node)}"  # type: ignore[attr-defined]


def is_write(node: ast.AST) -> bool:  # noqa: PLR0911 - a table
    if isinstance(node, ast.Attribute) and node.attr in WRITE_FLAGS:
        return True
    if not isinstance(node, ast.Call):
        return False
    match node.func:
        case ast.Name("open" | "FileIO"):
            return has_writing_mode(node, 1)
        case ast.Attribute(ast.Name("os"), name) if name in OS_CALLS:
            return True
        case ast.Attribute(ast.Name("io" | "gzip"), "open"):
            return has_writing_mode(node, 1)
        case ast.Attribute(_, "open"):
            return has_writing_mode(node, 0)
        case ast.Attribute(ast.Name("sqlite3"), "connect"):
            return True
        case ast.Attribute(_, "replace" | "rename"):
            # Those of paths have one argument, those of texts and of `Folder` two.
            return len(node.args) == 1 and not node.keywords
        case ast.Attribute(_, name):
            return name in PATH_METHODS
    return False


def has_writing_mode(call: ast.Call, position: int) -> bool:
    modes = [keyword.value for keyword in call.keywords if keyword.arg == "mode"]
    modes += call.args[position : position + 1]
    return any(
        isinstance(mode, ast.Constant) and isinstance(mode.value, str) and {*mode.value} & {*"wax+"}
        for mode in modes
    )


def test_only_the_listed_modules_change_the_file_system() -> None:
    found = {}
    for path in MODULES.values():
        name = path.relative_to(PACKAGE).as_posix()
        calls = [call for call in writes(path) if not (name == JOURNAL and "os.write(" in call)]
        if calls:
            found[name] = calls
    assert found.keys() == WRITERS.keys(), found


@pytest.mark.parametrize("library", sorted(LIBRARIES))
def test_only_the_listed_modules_import_a_library_that_writes(library: str) -> None:
    importers = {
        path.relative_to(PACKAGE).as_posix()
        for path in MODULES.values()
        if any(
            isinstance(node, ast.Import | ast.ImportFrom)
            and library in {getattr(node, "module", ""), *(alias.name for alias in node.names)}
            for node in ast.walk(ast.parse(path.read_text("utf-8")))
        )
    }
    assert importers <= LIBRARIES[library]


@pytest.mark.parametrize(
    "code",
    [
        "os.open(path, os.O_RDWR)",
        "open(path, 'w')",
        "path.open('xb')",
        "path.open(mode='a')",
        "io.open(path, 'r+')",
        "gzip.open(path, 'wt')",
        "path.write_text(text)",
        "path.replace(other)",
        "os.replace(path, other)",
        "(folder / name).unlink(missing_ok=True)",
        "path.parent.mkdir(parents=True)",
        "sqlite3.connect(path)",
    ],
)
def test_a_write_is_found(code: str) -> None:
    assert any(map(is_write, ast.walk(ast.parse(code))))


@pytest.mark.parametrize(
    "code",
    ["path.open('rb')", "open(path)", "text.replace('a', 'b')", "time.replace(tzinfo=None)"],
)
def test_other_calls_are_no_writes(code: str) -> None:
    assert not any(map(is_write, ast.walk(ast.parse(code))))
