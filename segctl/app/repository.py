"""Where a project stands in its repository, and at which commit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segctl.app.session import Session
    from segctl.render.context import RenderContext


def render_context(session: Session, generated_at: str) -> RenderContext:
    """Say where the project stands in its repository, and at which commit."""
    from segctl.history.git import current_commit, repository_root  # noqa: PLC0415 - asks git
    from segctl.render.context import RenderContext  # noqa: PLC0415

    if repository_root(session.root) is None:
        commit = session.env.get("GITHUB_SHA", "")
    else:
        commit = current_commit(session.root, env=session.env) or ""
    return RenderContext(generated_at, commit, place_in_repository(session))


def place_in_repository(session: Session) -> str:
    """Give the project's folder from the top of its repository, empty where it is that."""
    from segctl.history.git import repository_root  # noqa: PLC0415 - git's seam

    root = session.root.resolve()
    # A checkout may be without git, as the runner makes one where it has none.
    workspace = session.env.get("GITHUB_WORKSPACE", "")
    top = repository_root(root) or (Path(workspace).resolve() if workspace else root)
    place = root.relative_to(top).as_posix() if root.is_relative_to(top) else "."
    return "" if place == "." else place
