"""What the shell offers after a TAB: segment names and targets, from the files alone.

Asks no network and needs no key. Whatever is wrong with the project, it offers nothing and says
nothing: the command itself will say it.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

from segctl.errors import SegctlError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import click

    from segctl.app.session import Session

SHELLS = ("bash", "zsh", "fish")
VARIABLE = "_SEGCTL_COMPLETE"
"""In the environment, it asks the program for what to offer; the scripts of the shells set it."""


def segment_names(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Offer the names that the files declare, without those that the line has already."""
    session = _session(ctx)
    try:
        names = [one.name for one in session.declarations.declared]
    except (SegctlError, OSError):
        return []
    given = ctx.params.get(param.name or "") or ()
    taken = {given} if isinstance(given, str) else set(given)
    return _offer(session, (name for name in names if name not in taken), incomplete)


def targets(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Offer the targets of segctl.yaml, and the sandbox."""
    del param
    session = _session(ctx)
    try:
        names = {*session.config.targets, "sandbox"}
    except (SegctlError, OSError):
        return []
    return _offer(session, names, incomplete)


def _session(ctx: click.Context) -> Session:
    """Give the session, on the folder that -C names: while completing, no command has run."""
    root = ctx.find_root()
    session: Session = root.obj
    # Whoever presses TAB reads no talk.
    session.verbosity = -1
    # Where there is no such folder, nothing is found in it.
    with suppress(SegctlError):
        session.enter(str(root.params.get("directory") or "."))
    return session


def _offer(session: Session, words: Iterable[str], incomplete: str) -> list[str]:
    found = sorted(word for word in words if word.startswith(incomplete) and word.isprintable())
    if session.env.get(VARIABLE) != "bash_complete":
        # zsh and fish quote what they insert.
        return found
    typed = session.env.get("COMP_WORDS", "").rpartition("\n")[2]
    if typed.startswith(("'", '"')):
        return found
    return [re.sub(r"([^\w@%+=:,./-])", r"\\\1", word) for word in found]
