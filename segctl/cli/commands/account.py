"""`segctl account pull`: the account's lists, fields and Single Sends beside the segment files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from segctl.app.account_file import pull_account
from segctl.app.connection import connect
from segctl.cli.options import with_project
from segctl.render.account_file import pulled_account_text

if TYPE_CHECKING:
    from segctl.app.console import Console
    from segctl.app.project import Project


@click.group("account", no_args_is_help=True)
def command() -> None:
    """Keep what the account has with the files.

    Queries use the account's own fields by name, and its lists and Single Sends by id. With
    accounts/TARGET.yaml in the segments folder, `segctl validate` knows them offline, so a pull
    request shows a misspelt field and a wrong list. The lists identify the account, too: with the
    key of another account, nothing is planned or applied.

    \b
    Examples:
      segctl account pull
      segctl --target shop-eu account pull
    """


@command.command("pull")
@with_project
def pull(project: Project, console: Console) -> int:
    """Write accounts/TARGET.yaml: lists, fields and Single Sends.

    The file is overwritten: it holds what the account has, and nothing else. A file that was pulled
    from another account is left alone.

    \b
    Examples:
      segctl account pull
    """
    with connect(project, console) as connection:
        pulled = pull_account(project, connection)
    console.show(pulled_account_text(pulled.path, pulled.account, pulled.before))
    return 0
