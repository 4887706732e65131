"""The declared segments that patterns pick by name or file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.common.suggest import did_you_mean
from segctl.errors import InvalidInput, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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
    from segctl.planning.planner import select_matching  # noqa: PLC0415 - not for `validate`

    declared = sound_declarations(project).declared
    selected, unused = select_matching(declared, patterns)
    if unused:
        raise no_match(unused[0], what, (segment.name for segment in declared))
    return selected


def no_match(pattern: str, what: str, names: Iterable[str]) -> UsageError:
    """Return the error for a pattern that matches none of these names."""
    return UsageError(
        f"{what} `{pattern}` matches no segment",
        hint=did_you_mean(
            pattern, names, "run `segctl explain` to list the segments and their files"
        ),
    )
