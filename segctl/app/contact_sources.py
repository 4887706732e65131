"""The files to count in: which ones, where they may lie, and that git does not have them.

A pull request can edit segctl.yaml and add any file to the checkout. So a file that segctl.yaml
names lies in the project, and none that git tracks is ever opened. Opens no file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from segctl.app.git_exposure import find_exposed, refuse_tracked
from segctl.common.folder import Folder
from segctl.contacts.dataset import DatasetMissing
from segctl.contacts.store import FOLDER, ContactStore
from segctl.errors import UsageError
from segctl.project.config import PULLED
from segctl.project.files import stays_inside
from segctl.project.state_folder import STATE_FOLDER

if TYPE_CHECKING:
    from segctl.app.project import Project
    from segctl.errors import Diagnostic
    from segctl.project.config import ContactFiles


@dataclass(frozen=True, slots=True)
class ContactSource:
    """Files of contacts and of events that may be opened.

    `is_pulled`: `contacts` is the data set of `segctl contacts pull`, a DuckDB file, which no other
    path may be. `exposed` says which of them git could take.
    """

    contacts: Path
    events: Path | None
    is_pulled: bool
    exposed: tuple[Diagnostic, ...] = ()


def contact_store(project: Project) -> ContactStore:
    """Return where the contacts of the target are kept. Raises `UsageError` without a target."""
    return ContactStore(store_folder(project), project.target.name)


def store_folder(project: Project) -> Folder:
    """Return the folder of the pulled contacts of every target."""
    return Folder(project.root).below(f"{STATE_FOLDER}/{FOLDER}")


def choose_source(
    project: Project, contacts: str | None, events: str | None
) -> ContactSource | None:
    """Return the files of contacts and events: those passed, else those of segctl.yaml.

    `None` if neither names contacts. Raises what `configured_source` raises.
    """
    for option, value in (("--contacts", contacts), ("--events", events)):
        if value is not None and not value.strip():
            raise UsageError(f"{option} is empty", hint="is a variable unset?")
    if contacts is not None:
        is_pulled = contacts == PULLED
        path = _pulled_path(project) if is_pulled else Path(contacts)
        return _checked(project, path, Path(events) if events else None, is_pulled=is_pulled)
    files = project.config.contacts
    if files is None:
        return None
    return configured_source(project, files, Path(events) if events else None)


def configured_source(
    project: Project, files: ContactFiles, events: Path | None = None
) -> ContactSource:
    """Return the files that segctl.yaml names, with other `events` if passed.

    Raises `UsageError`, `DatasetMissing`, and `Refused` if git tracks one.
    """
    if events is None and files.events:
        events = path_inside(project.root, files.events)
    is_pulled = files.contacts == PULLED
    contacts = _pulled_path(project) if is_pulled else path_inside(project.root, files.contacts)
    return _checked(project, contacts, events, is_pulled=is_pulled)


def pulled_source(project: Project, events: str | None = None) -> ContactSource:
    """Return the target's pulled contacts. Raises what `configured_source` raises."""
    return _checked(
        project, _pulled_path(project), Path(events) if events else None, is_pulled=True
    )


def stored_source(project: Project, store: ContactStore) -> ContactSource:
    """Return the contacts of a store.

    Raises `UsageError`, and `Refused` for a link, or if git tracks them.
    """
    return _checked(project, store.readable_dataset(), None, is_pulled=True)


def _pulled_path(project: Project) -> Path:
    store = contact_store(project)
    dataset = store.readable_dataset()
    if not dataset.exists():
        raise DatasetMissing(
            f"no contacts pulled from the target `{project.target.name}`",
            hint="run `segctl contacts pull`",
        )
    return dataset


def path_inside(root: Path, name: str) -> Path:
    """Return the path of a file that segctl.yaml names. Raises `UsageError` if it leads outside."""
    path = root / name
    if not stays_inside(root, path):
        # A pull request could point a link at any file on this machine.
        raise UsageError(
            f"{name} is a link that leads out of the project", hint="move the file into the project"
        )
    if ".git" in map(str.casefold, path.resolve().relative_to(root.resolve()).parts):
        # The settings of a checkout may contain a token.
        raise UsageError(f"{name} is a file of git's own", hint="name another file")
    return path


def _checked(
    project: Project, contacts: Path, events: Path | None, *, is_pulled: bool
) -> ContactSource:
    exposed = find_exposed(project, [path for path in (contacts, events) if path is not None])
    refuse_tracked(exposed)
    return ContactSource(contacts, events, is_pulled, tuple(exposed))
