"""Reads what `git log` prints: the commits that touched a folder, and the files that they wrote.

Owns the form of those lines and which paths count; runs nothing, and reads no content. Pure.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from segctl.common.secrets import redact
from segctl.history.commits import NOT_A_FILE, Commit, FileChange
from segctl.project.files import NO_SEGMENTS, QUERY_SUFFIX, SEGMENT_SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Iterator

_DOMAIN = re.compile(r"(?<=[^\s@])@[^\s@>]+")
_FILE_MODES = {b"100644", b"100755", b"100664"}
_ABSENT = b"000000"


def parse_log(out: bytes, inside: str) -> Iterator[Commit]:
    """Read what `git log` prints, newest commit first.

    Everything ends with a NUL: a commit's own lines, and in turn the colon's line and the path of
    each file.
    """
    head: list[str] = []
    segments: list[FileChange] = []
    queries: list[FileChange] = []
    pieces = iter(out.split(b"\0"))
    for piece in pieces:
        entry = piece.removeprefix(b"\n")
        if entry.startswith(b":"):
            path = next(pieces).decode("utf-8", "surrogateescape")
            suffix = PurePosixPath(path).suffix.lower()
            wanted = queries if suffix == QUERY_SUFFIX else segments
            if suffix in {*SEGMENT_SUFFIXES, QUERY_SUFFIX} and _counts(path, inside):
                wanted.append(FileChange(path, _blob(entry)))
            continue
        if head:
            yield _commit(head, segments, queries)
        # The last NUL ends the last commit.
        head = entry.decode("utf-8", "replace").split("\n", 2)
        segments, queries = [], []


def _commit(head: list[str], segments: list[FileChange], queries: list[FileChange]) -> Commit:
    what, author, subject = head
    commit, _, seconds = what.partition(" ")
    # A damaged date prints as nothing. At the beginning of time nothing is older, so nothing would
    # be ours to delete.
    moment = int(seconds) if seconds.isascii() and seconds.isdigit() else 0
    return Commit(commit, moment, _name(author), redact(subject), tuple(segments), tuple(queries))


def _name(author: str) -> str:
    """Keep what stands before the @ where somebody's name is given as an e-mail address."""
    return redact(_DOMAIN.sub("", author))


def _counts(path: str, inside: str) -> bool:
    """Say whether a path is one of those that `files.py` reads."""
    rest = path.removeprefix(inside)
    hidden = any(part.startswith(".") for part in rest.split("/"))
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return path.startswith(inside) and not hidden and rest not in NO_SEGMENTS


def _blob(entry: bytes) -> str | None:
    """Read `:OLDMODE NEWMODE OLDID NEWID STATUS`: the new blob."""
    _, mode, _, blob, _ = entry.split(b" ")
    if mode == _ABSENT:
        return None
    return blob.decode("ascii") if is_file(mode) else NOT_A_FILE


def is_file(mode: bytes) -> bool:
    """Say whether a mode of git's is that of a file, and not of a link, a folder or a submodule."""
    return mode in _FILE_MODES
