"""`segctl explain`: who is in an audience, in plain English. Offline, without a key."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import click

from segctl.app.plan import read_selection
from segctl.cli.options import with_session
from segctl.cli.shell_completion import segment_names
from segctl.query.explain import explain
from segctl.query.parser.parse import parse
from segctl.render.terminal import clean, clean_lines

if TYPE_CHECKING:
    from segctl.app.session import Session
    from segctl.model import Declared

_WIDTH = 88


@click.command("explain")
@click.argument("names", shell_complete=segment_names, metavar="[NAME]...", nargs=-1)
@with_session
def command(session: Session, names: tuple[str, ...]) -> int:
    """Say in plain English who is in an audience.

    Made from the query itself, for whoever reviews the pull request. NAME is a segment's name or
    file, and may be a shell pattern; without one, all segments are explained.

    \b
    Examples:
      segctl explain 'VIP customers'
      segctl explain 'segments/lifecycle/*'
    """
    _, picked = read_selection(session, names, what="NAME")
    blocks = []
    for one in picked:
        head = f"{session.style.bold(clean(one.name))}  {session.style.dim(clean(str(one.span)))}\n"
        blocks.append(head + _indented(_explained(one)))
    session.show("\n".join(blocks))
    return 0


def _explained(one: Declared) -> str:
    query = parse(one.segment.query).query
    if query is None:
        return "segctl cannot read this query: `segctl validate` says why."
    return explain(query, parents=one.segment.parent_list_ids)


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
