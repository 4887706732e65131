"""`segctl fields pull`: keep the account's fields with the files, for offline validation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from segctl.cli.options import with_session
from segctl.common.clock import format_utc
from segctl.common.files import write_whole
from segctl.declarations.fields_file import fields_text
from segctl.model.contact_fields import Fields
from segctl.project.files import FIELDS_FILE
from segctl.render.terminal import count

if TYPE_CHECKING:
    from segctl.app.session import Session


@click.group("fields", no_args_is_help=True)
def command() -> None:
    """Keep the account's fields with the files.

    Queries speak of the account's own fields by name. With fields.yaml in the segments folder,
    `segctl validate` knows them offline, and a misspelt one is found in the pull request.

    \b
    Examples:
      segctl fields pull
      segctl --target shop-eu fields pull
    """


@command.command("pull")
@with_session
def pull(session: Session) -> int:
    """Write fields.yaml: the custom and reserved fields with their types.

    The file is overwritten: it says what the account has, and nothing else.

    \b
    Examples:
      segctl fields pull
    """
    with session.connect(read_only=True) as account:
        custom, reserved = account.reader.list_fields()
    fields = Fields(custom, reserved, session.target.name, format_utc(session.clock.now()))
    file = f"{session.config.segments}/{FIELDS_FILE}"
    write_whole(str(session.root / file), fields_text(fields))
    session.show(f"{file}: {count(len(custom), 'custom field')}, {len(reserved)} reserved.\n")
    return 0
