"""`segctl show`: a saved plan, as `plan` showed it. Needs no key, no network and no project."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from segctl.cli.approval import read_plan
from segctl.cli.options import format_option, with_project
from segctl.cli.output import Output

if TYPE_CHECKING:
    from segctl.app.console import Console
    from segctl.app.project import Project


@click.command("show")
@click.argument("file", metavar="PLAN")
@format_option("the plan")
@with_project
def command(project: Project, console: Console, *, file: str, format_name: str) -> int:
    """Show a plan that was saved with `segctl plan --out`.

    Writes what `plan` wrote when the plan was made, in any format. Reads only the file (`-` for
    stdin): no account, no key, no segment files. A file that was edited or truncated is an error.

    \b
    Examples:
      segctl show plan.json
      segctl show plan.json --format json | jq .summary
      segctl show plan.json --format markdown
      segctl plan --format json | segctl show -
    """
    output = Output(format_name, project, console)
    with output.showing_errors("show"):
        saved = read_plan(file)
    output.show(output.plan(saved.plan, generated_at=saved.generated_at, version=saved.version))
    return 0
