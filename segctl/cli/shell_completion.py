"""Shell completion of segment names and targets, from the files alone.

Uses no network and no key. If something is wrong with the project, it offers nothing: the command
itself reports it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from segctl.errors import SegctlError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import click

    from segctl.cli.invocation import Invocation

SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_SEGCTL_COMPLETE"
"""The environment variable by which the scripts of the shells ask for candidates."""


def complete_segment_names(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[str]:
    """Return the declared names, without those that the command line has already."""
    invocation = _invocation(ctx)
    try:
        names = [segment.name for segment in invocation.project.declarations.declared]
    except (SegctlError, OSError):
        return []
    value = ctx.params.get(param.name or "") or ()
    used = {value} if isinstance(value, str) else set(value)
    return _candidates(invocation, (name for name in names if name not in used), incomplete)


def complete_targets(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return the targets and the groups of segctl.yaml, and the sandbox."""
    del param
    invocation = _invocation(ctx)
    try:
        config = invocation.project.config
        names = {*config.targets, *config.groups, "sandbox"}
    except (SegctlError, OSError):
        return []
    return _candidates(invocation, names, incomplete)


def _invocation(ctx: click.Context) -> Invocation:
    """Return the invocation, with the folder of -C: while completing, no command has run."""
    root = ctx.find_root()
    invocation: Invocation = root.obj
    # The shell would mix remarks with the command line.
    invocation.console.verbosity = -1
    invocation.console.directory = root.params.get("directory")
    return invocation


def _candidates(invocation: Invocation, words: Iterable[str], incomplete: str) -> list[str]:
    matching = sorted(word for word in words if word.startswith(incomplete) and word.isprintable())
    if invocation.env.get(VARIABLE) != "bash_complete":
        # zsh and fish quote what they insert.
        return matching
    typed = invocation.env.get("COMP_WORDS", "").rpartition("\n")[2]
    if typed.startswith(("'", '"')):
        return matching
    return [re.sub(r"([^\w@%+=:,./-])", r"\\\1", word) for word in matching]
