"""`segctl show`: a saved plan, as `plan` showed it. Needs no key, no network and no project."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from segctl.cli.approval import read_plan
from segctl.cli.options import format_option, with_session
from segctl.cli.output import faults_in, plan_in

if TYPE_CHECKING:
    from segctl.app.session import Session


@click.command("show")
@click.argument("file", metavar="PLAN")
@format_option("the plan")
@with_session
def command(session: Session, file: str, output: str) -> int:
    """Show a plan that was saved with `segctl plan --out`.

    Writes what `plan` wrote when the plan was made, in any format. Reads the file alone (`-` for
    stdin): no account, no key, no segment files. A file that was cut off or edited is an error.

    \b
    Examples:
      segctl show plan.json
      segctl show plan.json --format json | jq .summary
      segctl show plan.json --format markdown
      segctl plan --format json | segctl show -
    """
    with faults_in(output, session, "show"):
        saved = read_plan(file)
    session.show(
        plan_in(
            output,
            saved.plan,
            session,
            generated_at=saved.generated_at,
            version=saved.version,
        )
    )
    return 0
