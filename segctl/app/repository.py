"""Where a project lies in its git repository, and at which commit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segctl.app.project import Project
    from segctl.render.context import RenderContext


def render_context(project: Project, generated_at: str) -> RenderContext:
    """Return what views need to link to files: the commit, and the folder in the repository."""
    from segctl.history.git import current_commit  # noqa: PLC0415 - asks git
    from segctl.project.location import repository_root  # noqa: PLC0415 - not for --help
    from segctl.render.context import RenderContext  # noqa: PLC0415

    if repository_root(project.root) is None:
        commit = project.env.get("GITHUB_SHA", "")
    else:
        commit = current_commit(project.root, env=project.env) or ""
    return RenderContext(generated_at, commit, folder_in_repository(project))


def folder_in_repository(project: Project) -> str:
    """Return the project's folder relative to the top of its repository; empty at the top."""
    from segctl.project.location import repository_root  # noqa: PLC0415 - not for --help

    root = project.root.resolve()
    # GitHub's runner makes a checkout without .git if git is not installed.
    workspace = project.env.get("GITHUB_WORKSPACE", "")
    top = repository_root(root) or (Path(workspace).resolve() if workspace else root)
    folder = root.relative_to(top).as_posix() if root.is_relative_to(top) else "."
    return "" if folder == "." else folder
