"""`segctl init`: the first files of a repository, for its people, their editors and GitHub.

Owns which files those are, and which of them are nobody's to edit: copies of what segctl ships.
"""

from __future__ import annotations

import os
import posixpath
from enum import StrEnum
from typing import TYPE_CHECKING

import click

from segctl.app.repository import place_in_repository
from segctl.cli.options import with_session
from segctl.common.files import write_whole
from segctl.common.package_data import read_packaged
from segctl.errors import InvalidInput, UsageError
from segctl.project.files import stays_inside
from segctl.project.state_folder import STATE_FOLDER
from segctl.render.terminal import clean, count

if TYPE_CHECKING:
    from pathlib import Path

    from segctl.app.session import Session

SETTINGS = """\
# yaml-language-server: $schema=schemas/segctl.schema.json
version: 1
segments: segments
default_target: production

targets:
  production:
    api_key_env: SENDGRID_API_KEY   # the variable that holds the key, never the key
    region: global                  # or eu

# Its midnight resets the quota of manual refreshes.
time_zone: UTC

# What becomes of segments that no file declares. history: those whose file was removed in git are
# deleted, others are left alone. declared: none is deleted. exclusive: all are.
ownership: history
"""

EXAMPLE = """\
# yaml-language-server: $schema={schema}
# One file, one segment. `segctl plan` shows what a change would do, and changes nothing.
name: "Example: added in the last 30 days"
description: Shows how a segment is written. Delete this file whenever you like.
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
        for name in ("action.yml", "install.sh", "run.sh", "tell.sh", "github.py")
    ),
)
"""What `.github/` gets: three workflows and the action that they use."""

SCHEMAS = ("segment.schema.json", "segctl.schema.json", "fixtures.schema.json")
"""What people write by hand, an editor can complete and check: it reads these copies, which need
no network and are of the version that wrote them."""

COPIES = frozenset((*(f"schemas/{name}" for name in SCHEMAS), *GITHUB_FILES)) - {*WORKFLOWS}
"""What nobody edits, and so may be overwritten with this version's. The workflows are the project's
own: theirs are the paths, the targets and the hour of the day."""


class State(StrEnum):
    """How a file stands when `segctl init` is done with it."""

    WRITTEN = "written"
    UPDATED = "updated"
    CHANGED = "changed"
    EXISTS = "exists"
    DIFFERS = "differs"


@click.command("init")
@click.option("--github/--no-github", default=True, help="Whether to write workflows for GitHub.")
@click.option(
    "--update",
    is_flag=True,
    help="Bring the schemas and the action, which nobody edits, to this version.",
)
@with_session
def command(session: Session, *, github: bool, update: bool) -> int:
    """Write the first files of a repository.

    segctl.yaml, an example segment, the schemas for editors, and for GitHub a check of pull
    requests, an apply on merge and a daily look for drift. A file that exists is left as it is,
    whatever it says; --update overwrites the schemas and the action where they are of another
    version.

    \b
    Examples:
      segctl init
      segctl -C audiences init --no-github
      segctl init --update
    """
    states = {
        name: _settle(session, name, data, update=update)
        for name, data in _files(session, github=github).items()
    }
    states[".gitignore"] = _ignore(session)
    written = sum(state not in {State.EXISTS, State.DIFFERS} for state in states.values())
    session.talk(f"{count(written, 'file')} written." if written else "Nothing to write.")
    if State.DIFFERS in states.values():
        session.talk(
            "Some are of another version of segctl: segctl init --update writes this one's."
        )
    below = clean(place_in_repository(session))
    if github and below:
        session.talk(
            "warning: GitHub reads .github at the top of the repository alone, and this is "
            f"{below}/: move it there, and give the action `working-directory: {below}`"
        )
    if State.WRITTEN in states.values():
        session.talk("Next: segctl validate, then segctl --target sandbox plan")
    if State.WRITTEN in {states.get(name) for name in WORKFLOWS}:
        session.talk(
            "For GitHub: a key that reads goes into the repository's secrets, one that writes into "
            "those of its environment `production`, both as SENDGRID_API_KEY"
        )
    return 0


def _files(session: Session, *, github: bool) -> dict[str, bytes]:
    """Give what a repository begins with, by its path, in the order in which people meet it."""
    files = _own(session)
    files |= {f"schemas/{name}": read_packaged("schemas", name) for name in SCHEMAS}
    if github:
        files |= {
            name: read_packaged("github", name.removeprefix(".github/")) for name in GITHUB_FILES
        }
    return files


def _own(session: Session) -> dict[str, bytes]:
    """Give the files that are the project's own from the first minute."""
    files = {"segctl.yaml": SETTINGS.encode()}
    folder = "segments"
    if os.path.lexists(session.root / "segctl.yaml"):
        try:
            folder = session.config.segments
        except (InvalidInput, UsageError):
            # Where the segments are, nobody knows; `segctl validate` says what is wrong.
            return files
    if not _has_segments(session.root / folder):
        schema = posixpath.relpath(f"schemas/{SCHEMAS[0]}", folder)
        files[f"{folder}/example.yaml"] = EXAMPLE.format(schema=schema).encode()
    return files


def _has_segments(folder: Path) -> bool:
    """Say whether there are segment files already, which need no example beside them."""
    return any(folder.rglob("*.yaml")) or any(folder.rglob("*.yml"))


def _settle(session: Session, name: str, data: bytes, *, update: bool) -> State:
    """Write a file where there is none; say how it stands. Raises `UsageError`."""
    path = session.root / name
    state = State.WRITTEN
    if os.path.lexists(path):
        state = (
            State.DIFFERS if name in COPIES and _differs(session.root, path, data) else State.EXISTS
        )
    if update and state == State.DIFFERS:
        state = State.UPDATED
    if state in {State.WRITTEN, State.UPDATED}:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"cannot write {path}: {error.strerror or error}") from None
        write_whole(str(path), data.decode("utf-8"))
        if name.endswith(".sh"):
            path.chmod(0o755)
    session.show(f"  {state:<7}  {name}\n")
    return state


def _differs(root: Path, path: Path, data: bytes) -> bool:
    """Say whether a file is another than this version's.

    What is no file, or leads out of the project, is not compared, and so is never overwritten.
    """
    if not path.is_file() or not stays_inside(root, path):
        return False
    try:
        # Git may have written another line break.
        return path.read_bytes().replace(b"\r\n", b"\n") != data
    except OSError:
        return False


def _ignore(session: Session) -> State:
    """Keep the sandbox's account out of git; say how the list of what is out of it stands."""
    path, line = session.root / ".gitignore", f"{STATE_FOLDER}/"
    try:
        text = path.read_text("utf-8") if path.exists() else ""
    except (OSError, UnicodeDecodeError):
        return State.EXISTS
    if line in {one.strip().lstrip("/") for one in text.splitlines()}:
        return State.EXISTS
    write_whole(str(path), text + ("" if text.endswith("\n") or not text else "\n") + f"{line}\n")
    state = State.CHANGED if text else State.WRITTEN
    session.show(f"  {state}  .gitignore\n")
    return state
