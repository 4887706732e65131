"""Whether git has, or could take, a file of contacts.

The one place that judges this, for what segctl writes (`contacts pull`) and for the team's own
files. A file that git does not ignore is one `git add .` away from the repository: a warning where
segctl only reads it. A file that git tracks is in every clone: an error. Touches neither the file
nor git.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, assert_never

from segctl.common.folder import Folder
from segctl.contacts.store import FOLDER, find_stores
from segctl.errors import Diagnostic, Refused, Severity, UsageError
from segctl.history.git import GitStatus, git_status_of
from segctl.project.config import PULLED
from segctl.project.state_folder import STATE_FOLDER
from segctl.render.terminal import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from segctl.app.project import Project


def exposure(
    root: Path, path: Path, env: Mapping[str, str], *, ignore: str, name: str = ""
) -> Diagnostic | None:
    """Return what git could do, or did, with a file of contacts; `None` if git ignores it.

    `path` is relative to `root`, and need not exist. `ignore` is what should be ignored: the file,
    or a folder around it. `name` is the file for messages, else `path`. Raises `UsageError` if git
    cannot be asked.
    """
    name = clean(name or path.as_posix())
    match git_status_of(root, path, env=env):
        case GitStatus.IGNORED:
            return None
        case GitStatus.UNTRACKED:
            return Diagnostic(
                "contacts-not-ignored",
                Severity.WARNING,
                f"git does not ignore {name}, so the contacts could be committed",
                hint=f"add `{clean(ignore)}` to .gitignore",
            )
        case GitStatus.TRACKED:
            return Diagnostic(
                "contacts-tracked",
                Severity.ERROR,
                f"git tracks {name}, so every clone of the repository contains the contacts",
                hint=f"run `git rm -r --cached {clean(quote(ignore))}` and add `{clean(ignore)}` "
                "to .gitignore; if it was pushed, remove it from the history as well",
            )
        case never:
            assert_never(never)


def configured_files(project: Project) -> Iterator[Path]:
    """Yield the files of contacts and of events that segctl.yaml names.

    Where it names the pulled contacts, these are the contacts of every target.
    """
    configured = project.config.contacts
    if configured is None:
        return
    for name in (configured.contacts, configured.events):
        if name and name != PULLED:
            yield project.root / name
    if configured.contacts == PULLED:
        folder = Folder(project.root).below(f"{STATE_FOLDER}/{FOLDER}")
        # What is behind a link is refused where it would be read.
        with suppress(Refused, UsageError):
            yield from (store.dataset for store in find_stores(folder))


def find_exposed(project: Project, files: Iterable[Path]) -> list[Diagnostic]:
    """Return the exposure of each of these files that exists, in the project or elsewhere."""
    top = project.root.resolve()
    diagnostics = []
    for file in files:
        # Unlike `Path.is_file`, this is also false for a name that is too long for the system.
        if not os.path.isfile(file):  # noqa: PTH113
            continue
        target = file.resolve()
        is_inside = target.is_relative_to(top)
        name = target.relative_to(top).as_posix() if is_inside else target.name
        try:
            # In its own folder: the file of a submodule is tracked there.
            diagnostic = exposure(
                target.parent, Path(target.name), project.env, ignore=name, name=name
            )
        except UsageError as error:
            diagnostic = Diagnostic(
                "contacts-not-ignored",
                # A data set that came with a pull request could be anything.
                Severity.ERROR if target.suffix == ".duckdb" else Severity.WARNING,
                f"cannot find out whether git ignores {clean(name)}: {error.message}",
                hint=error.hint,
            )
        if diagnostic is not None:
            diagnostics.append(diagnostic)
    return diagnostics


def refuse_tracked(exposed: Iterable[Diagnostic]) -> None:
    """Raise `Refused` if git tracks a file of contacts."""
    errors = [diagnostic for diagnostic in exposed if diagnostic.severity is Severity.ERROR]
    if errors:
        raise Refused(errors[0].summary, hint=errors[0].hint, diagnostics=errors)
