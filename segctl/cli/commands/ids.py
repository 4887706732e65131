"""`segctl ids`: the ids that programs send to, as code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from segctl.app.connection import connect
from segctl.app.ids_file import choose_format
from segctl.app.program_ids import check_ids, segment_ids
from segctl.cli.options import with_project
from segctl.planning.program_ids import FORMATS
from segctl.render.terminal import clean

if TYPE_CHECKING:
    from segctl.app.console import Console
    from segctl.app.project import Project


@click.command("ids")
@click.option(
    "--format",
    "format_name",
    type=click.Choice(list(FORMATS)),
    help="The format; by default that of the file, or of `ids` in segctl.yaml, by its suffix.",
)
@click.option(
    "--check",
    "checked",
    metavar="FILE",
    help="Write nothing, and fail if FILE is not what would be written after an apply.",
)
@with_project
def command(
    project: Project, console: Console, *, format_name: str | None, checked: str | None
) -> int:
    """Write the ids of segments for the programs that send to them.

    Each is called by the path of its file: segments/customers/vip.yaml is customers/vip in JSON and
    SEGMENT_CUSTOMERS_VIP in env, TypeScript and Python. So a renamed segment changes no line, and a
    replaced one changes one. A segment that is not created yet is left out.

    --check names each line that is missing, wrong or to be removed, and each id that the next apply
    ends, and exits with 1 for any. With `ids: FILE` in segctl.yaml, every plan says so as well.

    \b
    Examples:
      segctl ids --format typescript > src/segments.ts
      segctl ids --check src/segments.ts
      segctl --target shop-eu ids --format env
    """
    format_name = format_name or choose_format(project, checked)
    with connect(project, console) as connection:
        ids = segment_ids(project, connection, format_name, console)
    if checked is None:
        without = [f"`{clean(item.name)}`" for item in ids.current.ids if item.id is None]
        if without:
            console.talk(f"Left out until an apply creates them: {', '.join(without)}.")
        console.show(ids.text, as_is=True)
        return 0
    problems = check_ids(ids, checked)
    console.warn(problems)
    if not problems:
        console.talk(f"{clean(checked)} is up to date.")
    return int(bool(problems))
