"""`segctl fields pull`: the account's fields beside the files, for validation offline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from segctl.app.connection import connect
from segctl.app.fields import fields_path, pull_fields
from segctl.cli.options import with_project
from segctl.render.terminal import count

if TYPE_CHECKING:
    from segctl.app.console import Console
    from segctl.app.project import Project


@click.group("fields", no_args_is_help=True)
def command() -> None:
    """Keep the account's fields with the files.

    Queries use the account's own fields by name. With fields.yaml in the segments folder,
    `segctl validate` knows them offline, so a pull request shows a misspelt one.

    \b
    Examples:
      segctl fields pull
      segctl --target shop-eu fields pull
    """


@command.command("pull")
@with_project
def pull(project: Project, console: Console) -> int:
    """Write fields.yaml: the custom and reserved fields with their types.

    The file is overwritten: it holds what the account has, and nothing else.

    \b
    Examples:
      segctl fields pull
    """
    with connect(project, console) as connection:
        fields = pull_fields(project, connection)
    custom = count(len(fields.custom), "custom field")
    console.show(f"{fields_path(project)}: {custom}, {len(fields.reserved)} reserved.\n")
    return 0
