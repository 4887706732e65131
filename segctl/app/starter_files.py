"""The first files of a repository: for its people, their editors and GitHub.

Owns which files those are, and which of them are copies that nobody edits.
"""

from __future__ import annotations

import os
import posixpath
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from segctl.app.installed_commit import installed_commit
from segctl.common.files import write_text
from segctl.common.folder import Folder
from segctl.common.package_data import read_packaged
from segctl.errors import InvalidInput, UsageError
from segctl.project.files import stays_inside
from segctl.project.state_folder import STATE_FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from segctl.app.project import Project

SETTINGS = """\
# yaml-language-server: $schema=schemas/segctl.schema.json
version: 1
segments: segments
default_target: production

targets:
  production:
    api_key_env: SENDGRID_API_KEY   # the variable that holds the key, never the key itself
    region: global                  # or eu

# Midnight here resets the quota of manual refreshes.
time_zone: UTC

# Which undeclared segments an apply deletes. history: those whose file was removed in git.
# declared: none. exclusive: all.
ownership: history
"""

EXAMPLE_FILE = "example.yaml"
EXAMPLE = """\
# yaml-language-server: $schema={schema}
# One file per segment. `segctl plan` shows what a change would do, and changes nothing.
name: "Example: added in the last 30 days"
description: Shows how to declare a segment. Delete this file when you no longer need it.
owner: marketing
tags: [example]
query_dsl: |
  SELECT contact_id, updated_at
  FROM contact_data
  WHERE created_at > timestampadd(day, -30, CURRENT_TIMESTAMP)
"""

ACTION = ".github/actions/segctl"
WORKFLOWS = tuple(f".github/workflows/segments-{name}.yml" for name in ("plan", "apply", "drift"))
GITHUB_FILES = (
    *WORKFLOWS,
    *(
        f"{ACTION}/{name}"
        for name in (
            *(".gitattributes", "action.yml", "requirements.txt", "common.sh", "github.py"),
            *("install.sh", "approve.sh", "run.sh", "report.sh"),
        )
    ),
)
"""The files in `.github/`: three workflows and the action that they use."""

VERSION_LINE = re.compile(rb"""^    default: "([^"\\]*)" # segctl init$""", re.MULTILINE)
"""The line of action.yml with what the action installs, which is empty until `init` writes it."""

SCHEMAS = ("segment.schema.json", "segctl.schema.json", "fixtures.schema.json")
"""Schemas for editors. These copies need no network, and are of the version that wrote them."""

COPIES = frozenset((*(f"schemas/{name}" for name in SCHEMAS), *GITHUB_FILES)) - {*WORKFLOWS}
"""Files that nobody edits, so `--update` may overwrite them. The workflows are the project's own:
paths, targets and the hour of the day are chosen there."""


class FileState(StrEnum):
    """What `init` did with a file, or why it left it alone."""

    WRITTEN = "written"
    UPDATED = "updated"
    CHANGED = "changed"
    EXISTS = "exists"
    DIFFERS = "differs"


@dataclass(frozen=True, slots=True)
class StarterFile:
    """A file, by its path relative to the project, and its state; `is_shown` if that matters."""

    path: str
    state: FileState
    is_shown: bool = True

    @property
    def is_written(self) -> bool:
        """Whether the file was written."""
        return self.state not in {FileState.EXISTS, FileState.DIFFERS}


def write_starter_files(
    project: Project, *, github: bool = True, update: bool = False
) -> Iterator[StarterFile]:
    """Write the first files of a repository; yield each once it is written or left alone.

    Existing files are left as they are. `update` overwrites those of `COPIES` that differ from this
    version's. Raises `UsageError` if a file cannot be written.
    """
    for path, data in _contents(project, github=github).items():
        yield StarterFile(path, _write(project, path, data, update=update))
    yield _ignore_state_folder(project)


def _contents(project: Project, *, github: bool) -> dict[str, bytes]:
    """Return the files by path, in the order in which people meet them."""
    files = _own_files(project)
    files |= {f"schemas/{name}": read_packaged("schemas", name) for name in SCHEMAS}
    if github:
        files |= {
            name: read_packaged("github", name.removeprefix(".github/")) for name in GITHUB_FILES
        }
        action = f"{ACTION}/action.yml"
        files[action] = _with_version(files[action], project.root / action, project.env)
    return files


def _with_version(data: bytes, written: Path, env: Mapping[str, str]) -> bytes:
    """Return action.yml with the commit that it installs: that of this program.

    If it is unknown, the one that is already in the `written` file stays.
    """
    version = (installed_commit(env) or "").encode()
    if not version and (match := VERSION_LINE.search(_read(written) or b"")):
        version = match[1]
    return VERSION_LINE.sub(lambda _: b'    default: "%s" # segctl init' % version, data)


def _read(path: Path) -> bytes | None:
    """Return the bytes of a file with line breaks as git has them, `None` if it cannot be read."""
    try:
        # Git may have converted line breaks.
        return path.read_bytes().replace(b"\r\n", b"\n") if path.is_file() else None
    except OSError:
        return None


def _own_files(project: Project) -> dict[str, bytes]:
    """Return the files that are the project's own from the start."""
    files = {"segctl.yaml": SETTINGS.encode()}
    folder = "segments"
    if os.path.lexists(project.root / "segctl.yaml"):
        try:
            folder = project.config.segments
        except (InvalidInput, UsageError):
            # The folder of segment files is unknown; `segctl validate` reports what is wrong.
            return files
    if not _has_segments(project.root / folder):
        schema = posixpath.relpath(f"schemas/{SCHEMAS[0]}", folder)
        files[f"{folder}/{EXAMPLE_FILE}"] = EXAMPLE.format(schema=schema).encode()
    return files


def unchanged_example(project: Project) -> str:
    """Return the path of the example if it is as `init` wrote it, or an empty text."""
    folder = project.config.segments
    schema = posixpath.relpath(f"schemas/{SCHEMAS[0]}", folder)
    path = f"{folder}/{EXAMPLE_FILE}"
    return path if _read(project.root / path) == EXAMPLE.format(schema=schema).encode() else ""


def _has_segments(folder: Path) -> bool:
    """Return whether there are segment files already, which need no example beside them."""
    return any(folder.rglob("*.yaml")) or any(folder.rglob("*.yml"))


def _write(project: Project, name: str, data: bytes, *, update: bool) -> FileState:
    """Write a file if there is none. Raises `UsageError`, and `Refused` for a link."""
    path = project.root / name
    state = FileState.WRITTEN
    if os.path.lexists(path):
        is_other = name in COPIES and _differs(project.root, path, data)
        state = FileState.DIFFERS if is_other else FileState.EXISTS
    if update and state == FileState.DIFFERS:
        state = FileState.UPDATED
    if state in {FileState.WRITTEN, FileState.UPDATED}:
        mode = 0o755 if name.endswith(".sh") else None
        write_text(Folder(project.root), name, data.decode("utf-8"), mode)
    return state


def _differs(root: Path, path: Path, data: bytes) -> bool:
    """Return whether a file differs from this version's.

    What is not a file, or leads out of the project, is not compared, so it is never overwritten.
    """
    content = _read(path) if stays_inside(root, path) else None
    return content is not None and content != data


def _ignore_state_folder(project: Project) -> StarterFile:
    """Add the state folder to .gitignore."""
    name, line = ".gitignore", f"{STATE_FOLDER}/"
    path = project.root / name
    unchanged = StarterFile(name, FileState.EXISTS, is_shown=False)
    try:
        text = path.read_text("utf-8") if path.exists() else ""
    except (OSError, UnicodeDecodeError):
        return unchanged
    if line in {entry.strip().lstrip("/") for entry in text.splitlines()}:
        return unchanged
    line_end = "" if text.endswith("\n") or not text else "\n"
    write_text(Folder(project.root), name, f"{text}{line_end}{line}\n")
    return StarterFile(name, FileState.CHANGED if text else FileState.WRITTEN)
