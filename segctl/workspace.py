"""Reads the files of a project: the segment files and the queries beside them.

Owns the file system side of declarations; what the bytes mean is `declarations/`. Follows no
symbolic link out of the segments folder: a pull request could point one at a secret.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from segctl.declarations.document import MAX_BYTES
from segctl.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

SEGMENT_SUFFIXES = frozenset({".yaml", ".yml"})
QUERY_SUFFIX = ".sql"


@dataclass(frozen=True, slots=True)
class Files:
    """The bytes of a project's files, by path relative to the project, with forward slashes."""

    segments: dict[str, bytes] = field(default_factory=dict)
    queries: dict[str, bytes] = field(default_factory=dict)


def read_files(root: Path, folder: str) -> Files:
    """Read every segment file and `.sql` file below `folder`, at any depth.

    Hidden files and folders are passed over. Raises `UsageError` where the folder is missing, a
    file cannot be read, or a link leads out of it.
    """
    top = root / folder
    if not top.is_dir():
        raise UsageError(
            f"there is no folder {folder}/ in {root}",
            hint="create it and put a segment file in, or name another one with `segments:` in "
            "segctl.yaml, or go to the project with -C DIR",
        )
    files = Files()
    inside = top.resolve()
    for path in sorted(top.rglob("*")):
        relative = path.relative_to(top)
        if any(part.startswith(".") for part in relative.parts) or path.is_dir():
            continue
        suffix = path.suffix.lower()
        if suffix not in SEGMENT_SUFFIXES and suffix != QUERY_SUFFIX:
            continue
        name = f"{folder}/{relative.as_posix()}"
        if not path.resolve().is_relative_to(inside):
            raise UsageError(
                f"{name} is a link that leads out of {folder}/",
                hint="put the file itself there",
            )
        wanted = files.queries if suffix == QUERY_SUFFIX else files.segments
        wanted[name] = _read(path, name)
    return files


def _read(path: Path, name: str) -> bytes:
    try:
        with path.open("rb") as stream:
            # One byte more than allowed is enough to know that it is too much.
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"cannot read {name}: {error.strerror or error}") from None
