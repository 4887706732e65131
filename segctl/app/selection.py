"""What a command is limited to: segments that patterns pick, or files by their paths."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from segctl.common.suggest import did_you_mean
from segctl.errors import InvalidInput, UsageError
from segctl.planning.selection import select_matching

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from segctl.app.project import Project
    from segctl.declarations.collection import Declarations
    from segctl.model import Declared


def sound_declarations(project: Project) -> Declarations:
    """Return what the files declare. Raises `InvalidInput` with every problem of every file."""
    declarations = project.declarations
    if declarations.has_errors:
        raise InvalidInput(declarations.diagnostics)
    return declarations


def select_declared(
    project: Project, patterns: Sequence[str], what: str = "NAME"
) -> tuple[Declared, ...]:
    """Return the declared segments that the patterns pick: all, without patterns.

    `what` names the source of the patterns in messages. Raises what `sound_declarations` does, and
    `UsageError` for a pattern that matches no segment.
    """
    declared = sound_declarations(project).declared
    selected, unused = select_matching(declared, patterns)
    if unused:
        raise no_match(unused[0], what, (segment.name for segment in declared))
    return selected


class NoMatch(UsageError):
    """A pattern matches no segment of the target."""


def no_match(pattern: str, what: str, names: Iterable[str]) -> NoMatch:
    """Return the error for a pattern that matches none of these names."""
    return NoMatch(
        f"{what} `{pattern}` matches no segment",
        hint=did_you_mean(
            pattern, names, "run `segctl explain` to list the segments and their files"
        ),
    )


def select_files(project: Project, paths: Sequence[str]) -> Callable[[str], bool]:
    """Return whether a file of the project is one of `paths`, or in a folder that is; all without.

    Editors and pre-commit pass paths, relative to the current folder. The function takes the path
    of a file in the project. Raises `UsageError` with every path that does not exist or is not in
    the project.
    """
    if not paths:
        return lambda _path: True
    root = project.root.resolve()
    picked, problems = set(), []
    for path in paths:
        # A link is the file that it is in the project, not its target.
        absolute = Path(path).parent.resolve() / Path(path).name
        if path in (".", "..") or path.endswith(("/.", "/..")):
            absolute = Path(path).resolve()
        if not os.path.lexists(absolute):
            problems.append(f"`{path}` does not exist")
        elif not absolute.is_relative_to(root):
            problems.append(f"`{path}` is not in the project")
        else:
            picked.add(PurePosixPath(absolute.relative_to(root)))
    if problems:
        raise UsageError("; ".join(problems), hint="pass files or folders of the project")
    return lambda path: not picked.isdisjoint((PurePosixPath(path), *PurePosixPath(path).parents))
