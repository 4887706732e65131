"""The folders in which segctl keeps what is its own: that of the project, and the user's cache."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.common.files import locate_folder
from segctl.errors import Refused
from segctl.project import environment
from segctl.project.location import repository_root
from segctl.project.state_folder import STATE_FOLDER, make_state_folder
from segctl.render.terminal import clean

if TYPE_CHECKING:
    from pathlib import Path

    from segctl.app.project import Project
    from segctl.common.folder import Folder


def repository_top(project: Project) -> Path:
    """Return the top folder of the project's repository, else the project's own folder.

    A pull request can put a link anywhere in it.
    """
    return repository_root(project.root) or project.root


def state_folder(project: Project) -> Folder:
    """Return the folder of the project's state; create it if it does not exist.

    Raises `UsageError` if it cannot be written, and `Refused` for a link, and where git tracks a
    file in it: segctl would read what a pull request wrote, and commit what it keeps private.
    """
    from segctl.history.git import tracked_below  # noqa: PLC0415 - asks git

    folder = make_state_folder(project.root)
    tracked = tracked_below(project.root, STATE_FOLDER, project.env)
    if tracked:
        raise Refused(
            f"git tracks {clean(tracked)}, but {STATE_FOLDER}/ is for files of this machine",
            hint=f"run `git rm -r --cached {STATE_FOLDER}/` and add `{STATE_FOLDER}/` to "
            ".gitignore; then check what is in it, or delete it",
        )
    return folder


def cache_folder(project: Project) -> Folder | None:
    """Return the folder for caches, which need not exist.

    `None` if there is none, or only one behind a link in the repository.
    """
    path = environment.cache_folder(project.env)
    if path is None:
        return None
    try:
        folder = locate_folder(path, repository_top(project))
        folder.refuse_links()
    except OSError:
        return None
    return folder
