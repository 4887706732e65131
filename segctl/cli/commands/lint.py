"""`segctl lint`: check the queries by the rules, or explain a rule. Offline, without a key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from segctl.cli.options import format_option, with_project
from segctl.common.suggest import did_you_mean
from segctl.errors import UsageError

if TYPE_CHECKING:
    from segctl.app.console import Console
    from segctl.app.project import Project

_LIST = "*"


@click.command("lint")
@click.argument("files", metavar="[FILE]...", nargs=-1)
@click.option(
    "--explain",
    "code",
    is_flag=False,
    flag_value=_LIST,
    metavar="[CODE]",
    help="Explain a rule; without a code, list all rules.",
)
@format_option("the diagnostics")
@with_project
def command(
    project: Project,
    console: Console,
    *,
    files: tuple[str, ...],
    code: str | None,
    format_name: str,
) -> int:
    """Check the queries by the lint rules, or explain a rule.

    `segctl validate` and `segctl plan` run the rules as well; this command also shows diagnostics
    of severity info. `lint:` in segctl.yaml sets the severity of a rule, and a comment suppresses
    one: `# segctl: ignore[CODE]`. With FILE, a file or a folder, only what is wrong there is
    reported.

    \b
    Examples:
      segctl lint
      segctl lint segments/vip-customers.yaml
      segctl lint --explain
      segctl lint --explain drops-nulls
    """
    from segctl.declarations.lint_settings import ALL_RULES, explain  # noqa: PLC0415

    if code == _LIST:
        width = max(map(len, ALL_RULES))
        for name, rule in ALL_RULES.items():
            severity = project.config.lint.rules.get(name, rule.severity or "off")
            console.show(f"{name:<{width}}  {severity:<7}  {rule.help.splitlines()[0]}\n")
        return 0
    if code is not None:
        name = code.lower()
        if name not in ALL_RULES:
            # As it was written: in lower case a key would no longer look like one.
            hint = did_you_mean(code, ALL_RULES, "run `segctl lint --explain` to list the rules")
            raise UsageError(f"lint rule `{code}` not found", hint=hint)
        console.show(f"{explain(name).rstrip()}\n")
        return 0
    from segctl.cli.commands.validate import report_validation  # noqa: PLC0415

    return report_validation(project, console, "lint", format_name, files, show_info=True)
