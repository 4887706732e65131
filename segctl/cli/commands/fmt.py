"""`segctl fmt`: the files in one layout. Offline; the meaning of nothing changes."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

import click

from segctl.cli.options import with_session
from segctl.common.files import write_whole
from segctl.declarations.formatting import format_segment_file, format_sql_file
from segctl.documents.document import decode_utf8
from segctl.errors import Severity
from segctl.render.terminal import clean, count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from segctl.app.session import Session
    from segctl.declarations.formatting import Formatted

_MARK = b"\xef\xbb\xbf"


@click.command("fmt")
@click.option("--check", is_flag=True, help="Change nothing; exit with 1 when a file would change.")
@click.option("--diff", is_flag=True, help="Change nothing; show what would change.")
@with_session
def command(session: Session, *, check: bool, diff: bool) -> int:
    """Write the segment files in one layout.

    Queries have one condition a line and their keywords in capitals; keys stand in a fixed order;
    comments stay. Before a file is written it is proved that nothing changed but the layout; a
    file that cannot be read is left as it is, and said.

    \b
    Examples:
      segctl fmt
      segctl fmt --check
      segctl fmt --diff
    """
    changed, broken = 0, False
    for file, before, after in _all(session):
        session.warn(after.problems)
        broken |= any(found.severity is Severity.ERROR for found in after.problems)
        if not after.changed:
            continue
        changed += 1
        if diff:
            session.show(_difference(session, file, before, after.text))
        elif check:
            session.show(f"{file}\n")
        else:
            write_whole(str(session.root / file), after.text)
            session.show(f"{file}\n")
    would = "would be formatted" if check or diff else "formatted"
    session.talk(f"{count(changed, 'file')} {would}." if changed else "All files are formatted.")
    return int(broken or (check and changed > 0))


def _all(session: Session) -> Iterator[tuple[str, str, Formatted]]:
    """Give each file with its text and with what it becomes."""
    files = session.files
    for file, data in sorted({**files.segments, **files.queries}.items()):
        text, problem = decode_utf8(file, data)
        if problem is not None:
            session.warn([problem])
            continue
        # What is not UTF-8 text is reported; a byte order mark is kept.
        text = data.decode("utf-8") if data.startswith(_MARK) else text
        is_query = file in files.queries
        yield (
            file,
            text,
            format_sql_file(text, file) if is_query else format_segment_file(file, text),
        )


def _difference(session: Session, file: str, before: str, after: str) -> str:
    style = session.style
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), f"a/{file}", f"b/{file}", lineterm=""
    )
    paints = {"+": style.green, "-": style.red, "@": style.dim}
    return "".join(f"{paints.get(line[:1], str)(clean(line))}\n" for line in lines)
