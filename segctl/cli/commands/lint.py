"""`segctl lint`: check the queries by the rules, or explain a rule. Offline, without a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from segctl.cli.options import format_option, with_session
from segctl.common.suggest import did_you_mean
from segctl.errors import UsageError

if TYPE_CHECKING:
    from segctl.app.session import Session

_LIST = "*"


@click.command("lint")
@click.option(
    "--explain",
    "code",
    is_flag=False,
    flag_value=_LIST,
    metavar="[CODE]",
    help="Explain a rule; without a code, list all of them.",
)
@format_option("the findings")
@with_session
def command(session: Session, code: str | None, output: str) -> int:
    """Check the queries by the lint rules, or explain a rule.

    The rules run in `segctl validate` and `segctl plan` as well; here they also say what is mere
    information. `lint:` in segctl.yaml sets what each weighs, and a comment ignores one:
    `# segctl: ignore[CODE]`.

    \b
    Examples:
      segctl lint
      segctl lint --explain
      segctl lint --explain drops-nulls
    """
    from segctl.declarations.linter import ALL_RULES, explain  # noqa: PLC0415

    if code == _LIST:
        width = max(map(len, ALL_RULES))
        for name, rule in ALL_RULES.items():
            weight = session.config.lint.rules.get(name, rule.severity or "off")
            session.show(f"{name:<{width}}  {weight:<7}  {rule.help.splitlines()[0]}\n")
        return 0
    if code is not None:
        known = code.lower()
        if known not in ALL_RULES:
            # As it was written: in lower case a key would no longer look like one.
            hint = did_you_mean(code, ALL_RULES, "`segctl lint --explain` lists the rules")
            raise UsageError(f"there is no lint rule `{code}`", hint=hint)
        session.show(f"{explain(known).rstrip()}\n")
        return 0
    from segctl.cli.commands.validate import report_findings  # noqa: PLC0415

    return report_findings(session, "lint", output=output, everything=True)
