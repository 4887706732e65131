"""`segctl explain`: who is in an audience, in plain English. Offline, without a key."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import click

from segctl.app.explain import explain_segments
from segctl.cli.options import with_project
from segctl.cli.shell_completion import complete_segment_names
from segctl.render.terminal import clean, clean_lines

if TYPE_CHECKING:
    from segctl.app.console import Console
    from segctl.app.project import Project

_WIDTH = 80


@click.command("explain")
@click.argument("names", shell_complete=complete_segment_names, metavar="[NAME]...", nargs=-1)
@with_project
def command(project: Project, console: Console, *, names: tuple[str, ...]) -> int:
    """Explain in plain English who is in an audience.

    The text is derived from the query itself, for the reviewer of a pull request. NAME is a
    segment's name or file, or a shell pattern of them, or that of a condition, such as @consented;
    without one, all segments are explained.

    \b
    Examples:
      segctl explain 'VIP customers'
      segctl explain 'segments/lifecycle/*'
    """
    style = console.style
    blocks = []
    for explanation in explain_segments(project, names):
        place = clean(str(explanation.span))
        head = f"{style.bold(clean(explanation.name))}  {style.dim(place)}\n"
        blocks.append(head + _indented(console.complete(explanation.text)))
    console.show("\n".join(blocks))
    return 0


def _indented(text: str) -> str:
    lines = []
    for line in clean_lines(text):
        indent = "  " + " " * (len(line) - len(line.lstrip(" -")))
        lines += textwrap.wrap(
            f"  {line}",
            _WIDTH,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
    return "".join(f"{line}\n" for line in lines)
