"""The diagnostics of several targets, each once."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from segctl.common.command_text import complete_commands
from segctl.render.terminal import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from segctl.errors import Diagnostic


def merge_by_target(
    by_target: Iterable[tuple[str, Iterable[Diagnostic]]], targets: int
) -> tuple[Diagnostic, ...]:
    """Return the diagnostics of several targets, each once, in the order of the first of each.

    Those that not all of the `targets` have say in which they are, and the commands in their hints,
    which are those of the first, name it.
    """
    first: dict[tuple[object, ...], Diagnostic] = {}
    names: dict[tuple[object, ...], dict[str, None]] = {}
    for target, diagnostics in by_target:
        for diagnostic in diagnostics:
            key = (diagnostic.code, diagnostic.severity, diagnostic.summary, diagnostic.span)
            first.setdefault(key, diagnostic)
            names.setdefault(key, {})[target] = None
    return tuple(
        diagnostic if len(names[key]) == targets else _of_targets(diagnostic, [*names[key]])
        for key, diagnostic in first.items()
    )


def _of_targets(diagnostic: Diagnostic, targets: Sequence[str]) -> Diagnostic:
    return dataclasses.replace(
        diagnostic,
        summary=f"{diagnostic.summary} (in {', '.join(map(clean, targets))})",
        hint=complete_commands(diagnostic.hint, None, targets[0]),
    )
