"""The output of `git log`: the commits that touched a folder, and the files that they changed.

Decides which paths count. Pure: runs no git and reads no file.
"""

from __future__ import annotations

import re
from posixpath import splitext
from typing import TYPE_CHECKING

from segctl.common.secrets import redact
from segctl.history.commits import NOT_A_FILE, Commit, FileChange
from segctl.project.files import NO_SEGMENTS, QUERY_SUFFIX, SEGMENT_SUFFIXES
from segctl.project.location import FILE as SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LOG = (
    "log",
    "--diff-merges=first-parent",
    "--root",
    "--raw",
    "-z",
    "--no-abbrev",
    "--no-renames",
    "--no-ext-diff",
    "--no-textconv",
    "--no-color",
    "--no-decorate",
    "--no-notes",
    "--no-show-signature",
    "--encoding=UTF-8",
    "--format=tformat:%H %ct %P%n%an%n%s",
)
"""The command whose output `parse_log` reads. Compares merges with their first parents."""

_DOMAIN = re.compile(r"(?<=[^\s@])@[^\s@>]+")
_FILE_MODES = {b"100644", b"100755", b"100664"}
_ABSENT = b"000000"


def parse_log(output: bytes, *folders: str) -> Iterator[Commit]:
    """Yield the commits in the output of `git log --raw -z`, newest first.

    Each of the folders ends with a slash. A NUL ends a commit's header, and for each file the line
    with the colon and then the path.
    """
    header: list[str] = []
    segments: list[FileChange] = []
    queries: list[FileChange] = []
    settings: list[FileChange] = []
    pieces = iter(output.split(b"\0"))
    for piece in pieces:
        entry = piece.removeprefix(b"\n")
        if entry.startswith(b":"):
            path = next(pieces).decode("utf-8", "surrogateescape")
            suffix = splitext(path)[1].lower()
            changes = queries if suffix == QUERY_SUFFIX else segments
            if path == SETTINGS:
                settings.append(FileChange(path, _blob(entry)))
            elif suffix in {*SEGMENT_SUFFIXES, QUERY_SUFFIX} and counts(path, folders):
                changes.append(FileChange(path, _blob(entry)))
            continue
        if header:
            yield _commit(header, segments, queries, settings)
        # The last NUL ends the last commit.
        header = entry.decode("utf-8", "replace").split("\n", 2)
        segments, queries, settings = [], [], []


def parse_moves(output: bytes) -> dict[str, dict[str, str]]:
    """Return the new path of each renamed file in `git log --name-status -z`, by commit and path.

    A NUL ends a commit's id, and each of the three pieces of a file: the status with the
    similarity, the old path and the new one.
    """
    moves: dict[str, dict[str, str]] = {}
    commit = ""
    pieces = iter(output.decode("utf-8", "surrogateescape").split("\0"))
    for piece in pieces:
        status = piece.removeprefix("\n")
        if status.startswith("R"):
            old = next(pieces)
            moves[commit][old] = next(pieces)
        elif status:
            commit = status
            moves[commit] = {}
    return moves


def renamed_paths(output: str) -> Iterator[tuple[str, str]]:
    """Yield the old and the new path of each file in `git diff-tree --name-status -z`.

    The output has renames alone.
    """
    # Three pieces per file: the status, the old path and the new path. The last piece is empty.
    pieces = output.split("\0")
    return zip(pieces[1::3], pieces[2::3], strict=False)


def _commit(
    header: list[str],
    segments: list[FileChange],
    queries: list[FileChange],
    settings: list[FileChange],
) -> Commit:
    id_and_time, author, subject = header
    commit_id, seconds, *parents = id_and_time.split(" ")
    # A damaged date prints as nothing. No segment is older than 1970, so none would be deleted.
    committed = int(seconds) if seconds.isascii() and seconds.isdigit() else 0
    return Commit(
        commit_id,
        committed,
        _without_domain(author),
        redact(subject),
        tuple(segments),
        tuple(queries),
        tuple(filter(None, parents)),
        tuple(settings),
    )


def _without_domain(author: str) -> str:
    """Return an author's name; of an e-mail address, the part before the @."""
    return redact(_DOMAIN.sub("", author))


def counts(path: str, folders: Iterable[str]) -> bool:
    """Return whether a project reads the file at a path, as `project.files` does.

    `folders`, which end with a slash, are those that it reads.
    """
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return any(path.startswith(folder) and _is_read(path[len(folder) :]) for folder in folders)


def _is_read(path: str) -> bool:
    """Return whether a folder's file is neither hidden nor one without segments."""
    return path not in NO_SEGMENTS and not any(part.startswith(".") for part in path.split("/"))


def _blob(entry: bytes) -> str | None:
    """Return the new blob in `:OLDMODE NEWMODE OLDID NEWID STATUS`."""
    _, mode, _, blob, _ = entry.split(b" ")
    if mode == _ABSENT:
        return None
    return blob.decode("ascii") if is_file(mode) else NOT_A_FILE


def is_segment_file(path: str) -> bool:
    """Return whether a path has the suffix of a segment file."""
    return splitext(path)[1].lower() in SEGMENT_SUFFIXES


def is_file(mode: bytes) -> bool:
    """Return whether a git mode is that of a file, not of a link, a folder or a submodule."""
    return mode in _FILE_MODES
