"""`segctl init`: the first files of a repository: settings, an example, the checks of GitHub."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from segctl.cli.files import write_whole
from segctl.cli.formats import place_in_repository
from segctl.cli.session import STATE_FOLDER, with_session
from segctl.errors import UsageError
from segctl.render.style import clean, count
from segctl.shipped import shipped

if TYPE_CHECKING:
    from pathlib import Path

    from segctl.cli.session import Session

SETTINGS = """\
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

ACTION = "actions/segctl"
GITHUB_FILES = (
    "workflows/segments-plan.yml",
    "workflows/segments-apply.yml",
    "workflows/segments-drift.yml",
    *(
        f"{ACTION}/{name}"
        for name in ("action.yml", "install.sh", "run.sh", "tell.sh", "github.py")
    ),
)
"""What `.github/` gets: three workflows and the action that they use."""


@click.command("init")
@click.option("--github/--no-github", default=True, help="Whether to write workflows for GitHub.")
@with_session
def command(session: Session, *, github: bool) -> int:
    """Write the first files of a repository.

    segctl.yaml, an example segment, and for GitHub a check of pull requests, an apply on merge and
    a daily look for drift. A file that exists is left as it is, whatever it says.

    \b
    Examples:
      segctl init
      segctl -C audiences init --no-github
    """
    files = {"segctl.yaml": SETTINGS.encode()}
    if not _has_segments(session.root):
        files["segments/example.yaml"] = EXAMPLE.encode()
    if github:
        files |= {f".github/{name}": shipped("github", name) for name in GITHUB_FILES}
    written = [name for name, data in files.items() if _write(session, name, data)]
    written += _ignore(session)
    session.talk(f"{count(len(written), 'file')} written." if written else "Nothing to write.")
    below = clean(place_in_repository(session))
    if github and below:
        session.talk(
            "warning: GitHub reads .github at the top of the repository alone, and this is "
            f"{below}/: move it there, and give the action `working-directory: {below}`"
        )
    session.talk("Next: segctl validate, then segctl --target sandbox plan")
    return 0


def _has_segments(root: Path) -> bool:
    """Say whether there are segment files already, which need no example beside them."""
    folder = root / "segments"
    return any(folder.rglob("*.yaml")) or any(folder.rglob("*.yml"))


def _write(session: Session, name: str, data: bytes) -> bool:
    """Write one file, unless something of that name is there. Raises `UsageError`."""
    path = session.root / name
    if os.path.lexists(path):
        session.show(f"  exists   {name}\n")
        return False
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from None
    write_whole(str(path), data.decode("utf-8"))
    if name.endswith(".sh"):
        path.chmod(0o755)
    session.show(f"  written  {name}\n")
    return True


def _ignore(session: Session) -> list[str]:
    """Keep the sandbox's account out of git."""
    path, line = session.root / ".gitignore", f"{STATE_FOLDER}/"
    try:
        text = path.read_text("utf-8") if path.exists() else ""
    except (OSError, UnicodeDecodeError):
        return []
    if line in {one.strip().lstrip("/") for one in text.splitlines()}:
        return []
    write_whole(str(path), text + ("" if text.endswith("\n") or not text else "\n") + f"{line}\n")
    session.show(f"  {'changed' if text else 'written'}  .gitignore\n")
    return [".gitignore"]
