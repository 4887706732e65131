"""Keeps contacts out of git: says of a file with personal data whether git has it or could take it.

The one place that judges this, for what segctl writes (`contacts pull`) and for what a team brings
itself. A file that nobody ignores is one `git add .` away from the repository: a warning where
segctl only reads it. One that git tracks is there already, and goes to everybody who clones: an
error. Touches neither the file nor git.
"""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING, assert_never

from segctl.errors import Diagnostic, Refused, Severity, UsageError
from segctl.history.git import GitStatus, git_status_of
from segctl.project.config import PULLED
from segctl.render.terminal import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from segctl.app.session import Session


def exposure(session: Session, root: Path, path: Path, *, ignore: str) -> Diagnostic | None:
    """Say what git could do with a file of contacts, or did; nothing where it leaves it alone.

    `path` is relative to `root`, and need not exist. `ignore` is what should be ignored: the file,
    or a folder around it. Raises `UsageError` where git cannot tell.
    """
    name = clean(path.as_posix())
    match git_status_of(root, path, env=session.env):
        case GitStatus.IGNORED:
            return None
        case GitStatus.UNTRACKED:
            return Diagnostic(
                "contacts-not-ignored",
                Severity.WARNING,
                f"git does not ignore {name}, so the contacts could be committed",
                hint=f"write `{clean(ignore)}` into .gitignore",
            )
        case GitStatus.TRACKED:
            return Diagnostic(
                "contacts-tracked",
                Severity.ERROR,
                f"git tracks {name}, and whoever clones the repository gets the contacts",
                hint=f"`git rm -r --cached {clean(quote(ignore))}`, and write `{clean(ignore)}` "
                "into .gitignore; if it was pushed, remove it from the history as well",
            )
        case never:
            assert_never(never)


def own_files(session: Session) -> Iterator[Path]:
    """Give the team's own files of contacts and of events that segctl.yaml names."""
    named = session.config.contacts
    if named is not None:
        for name in (named.contacts, named.events):
            if name and name != PULLED:
                yield session.root / name


def exposures(session: Session, files: Iterable[Path]) -> list[Diagnostic]:
    """Say it of files that exist, in the project or elsewhere."""
    project = session.root.resolve()
    found = []
    for file in files:
        if not file.is_file():
            continue
        place = file.resolve()
        root = project if place.is_relative_to(project) else place.parent
        path = place.relative_to(root)
        try:
            one = exposure(session, root, path, ignore=path.as_posix())
        except UsageError as error:
            summary = (
                f"git cannot tell whether it ignores {clean(path.as_posix())}: {error.message}"
            )
            one = Diagnostic("contacts-not-ignored", Severity.WARNING, summary, hint=error.hint)
        if one is not None:
            found.append(one)
    return found


def refuse_tracked(found: Iterable[Diagnostic]) -> None:
    """Raise `Refused` where git has a file of contacts."""
    for one in found:
        if one.severity is Severity.ERROR:
            raise Refused(one.summary, hint=one.hint)
