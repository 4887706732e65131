"""The files of a project: segment files, queries, and those of accounts and fixtures.

Reads bytes; `declarations/` knows what they mean. Follows no symbolic link to the segments folder,
and none out of it: a pull request could point one at a secret.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from segctl.common.files import read_bounded
from segctl.documents.document import MAX_BYTES, sort_diagnostics
from segctl.errors import Diagnostic, InvalidInput, Severity, Span, UsageError
from segctl.model.contact_fields import ACCOUNTS
from segctl.model.values import CONDITIONS_FILE, INSTANCES_FILE

if TYPE_CHECKING:
    from collections.abc import Mapping

SEGMENT_SUFFIXES = frozenset({".yaml", ".yml"})
QUERY_SUFFIX = ".sql"
_SUFFIXES = {*SEGMENT_SUFFIXES, QUERY_SUFFIX}
FIELDS_FILE = "fields.yaml"
FIXTURES_FILE = "fixtures.yaml"
NO_SEGMENTS = frozenset((FIELDS_FILE, FIXTURES_FILE))
"""Files at the top of the segments folder that declare no segments."""


@dataclass(frozen=True, slots=True)
class Files:
    """The contents of a project's files, by path relative to it, with forward slashes."""

    segments: dict[str, bytes] = field(default_factory=dict)
    queries: dict[str, bytes] = field(default_factory=dict)
    accounts: dict[str, bytes] = field(default_factory=dict)
    fields: bytes | None = None
    fixtures: bytes | None = None
    conditions: bytes | None = None
    instances: bytes | None = None


class FolderMissing(UsageError):
    """The folder of segment files does not exist."""


def read_files(root: Path, folder: str) -> Files:
    """Read every segment file and `.sql` file below `folder`, and the files of other kinds there.

    Skips hidden files and folders. Raises `FolderMissing`, `UsageError` if the folder is behind
    a link, and `InvalidInput` with every file that cannot be read, is a link out of the
    folder, or has a name that is not UTF-8.
    """
    top = root / folder
    if not top.is_dir():
        raise FolderMissing(
            f"folder {folder}/ not found in {root}",
            hint="run `segctl init` to create it, or `segctl import --all` to fill it from the "
            "account; or set `segments:` in segctl.yaml, or open the project with -C DIR",
        )
    link = linked_part(root, folder)
    if link:
        raise UsageError(
            f"{link}/ is a link, which is not followed",
            hint="set `segments:` in segctl.yaml to the folder itself, or move it here",
        )
    walk = _Walk(os.fspath(top.resolve()))
    walk.folder(os.fspath(top), folder)
    if walk.problems:
        raise InvalidInput(sort_diagnostics(walk.problems))
    return sort_files(folder, walk.contents)


def is_read(path: str, folder: str) -> bool:
    """Return whether a file below the folder is read: YAML or SQL, and nowhere hidden."""
    inside = path.removeprefix(f"{folder}/").split("/")
    is_hidden = any(part.startswith(".") for part in inside)
    return not is_hidden and _suffix(path) in _SUFFIXES


def _suffix(path: str) -> str:
    return "".join(path.lower().rpartition(".")[1:])


def sort_files(folder: str, contents: Mapping[str, bytes]) -> Files:
    """Return files that are read, each kind in its place; `contents` are by path."""
    queries = {path: data for path, data in contents.items() if _suffix(path) == QUERY_SUFFIX}
    segments = {path: data for path, data in contents.items() if path not in queries}
    in_accounts = [path for path in segments if path.startswith(f"{folder}/{ACCOUNTS}/")]
    accounts = {path: segments.pop(path) for path in in_accounts}
    names = (FIELDS_FILE, FIXTURES_FILE, CONDITIONS_FILE, INSTANCES_FILE)
    fields, fixtures, conditions, instances = (
        segments.pop(f"{folder}/{name}", None) for name in names
    )
    return Files(segments, queries, accounts, fields, fixtures, conditions, instances)


class _Walk:
    """A walk through the folders: the contents of files by path, and what is wrong with them."""

    def __init__(self, top: str) -> None:
        self.top = top
        self.contents: dict[str, bytes] = {}
        self.problems: list[Diagnostic] = []

    def problem(self, code: str, name: str, summary: str, hint: str) -> None:
        shown = name.encode("utf-8", "replace").decode("utf-8")
        self.problems.append(Diagnostic(code, Severity.ERROR, summary, Span(shown, 1, 1), hint))

    def folder(self, path: str, name: str) -> None:
        try:
            with os.scandir(path) as unsorted:
                entries = sorted(unsorted, key=lambda entry: entry.name)
        except OSError as error:
            self.unreadable(name, error)
            return
        for entry in entries:
            if not entry.name.startswith("."):
                self.entry(entry, f"{name}/{entry.name}")

    def entry(self, entry: os.DirEntry[str], name: str) -> None:
        try:
            if entry.is_dir(follow_symlinks=False):
                self.folder(entry.path, name)
            elif entry.is_symlink() and entry.is_dir():
                self.problem(
                    "linked-folder",
                    name,
                    "links to folders are not followed, so the segments in it would be missed",
                    "replace the link by the folder",
                )
            else:
                self.file(entry, name)
        except OSError as error:
            self.unreadable(name, error)

    def file(self, entry: os.DirEntry[str], name: str) -> None:
        if _suffix(entry.name) not in _SUFFIXES:
            return
        if entry.is_symlink() and not stays_inside(Path(self.top), Path(entry.path)):
            self.problem(
                "link-outside",
                name,
                "the file is a link that leads out of the segments folder",
                "replace the link by the file",
            )
        elif not entry.is_file():
            # Reading a pipe would never end; a link may lead nowhere.
            self.problem("not-a-file", name, "not a regular file", "remove it")
        elif not _is_text(entry.name):
            self.problem("bad-file-name", name, "the file name is not UTF-8", "rename it")
        else:
            self.contents[name] = read_bounded(entry.path, MAX_BYTES)

    def unreadable(self, name: str, error: OSError) -> None:
        reason = (error.strerror or type(error).__name__).lower()
        self.problem("unreadable", name, f"cannot read the file: {reason}", "check its permissions")


def linked_part(root: Path, path: str) -> str:
    """Return the first part of a path below a folder that is a link, or an empty text.

    Raises `OSError`.
    """
    parts = path.split("/")
    inner = ("/".join(parts[:end]) for end in range(1, len(parts) + 1))
    return next((part for part in inner if (root / part).is_symlink()), "")


def stays_inside(folder: Path, path: Path) -> bool:
    """Return whether a path, with its links resolved, is in a folder; false for a link loop."""
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):
        # RuntimeError: a link to itself, before Python 3.13.
        return False


def _is_text(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
