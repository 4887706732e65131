"""The layout of `--help`: click's, but it breaks no word at a hyphen, as in `--expect-digest`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from segctl.render.wrapping import wrap

if TYPE_CHECKING:
    from collections.abc import Iterable

_UNBROKEN = "\u2011"
"""A hyphen at which click does not break a line."""

_EXAMPLE = re.compile(r" *(?:\w+=\S+ )*segctl ")
"""The beginning of a command to copy, which stays on one line."""


class HelpFormatter(click.HelpFormatter):
    """Lays out a help text."""

    def write_text(self, text: str) -> None:
        """Write a paragraph."""
        super().write_text(text.replace("-", _UNBROKEN))

    def write_dl(
        self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2
    ) -> None:
        """Write options or commands, each with its description."""
        kept = [(name, text.replace("-", _UNBROKEN)) for name, text in rows]
        super().write_dl(kept, col_max, col_spacing)

    def getvalue(self) -> str:
        """Return what was written; lines with a layout of their own are broken between words."""
        lines = super().getvalue().replace(_UNBROKEN, "-").split("\n")
        return "\n".join(line if _EXAMPLE.match(line) else wrap(line, self.width) for line in lines)


class Context(click.Context):
    """A run of a command, whose help has this layout."""

    formatter_class = HelpFormatter


def with_layout(command: click.Command) -> click.Command:
    """Return a command, once it and those below it have the layout."""
    command.context_class = Context
    for inner in getattr(command, "commands", {}).values():
        with_layout(inner)
    return command
