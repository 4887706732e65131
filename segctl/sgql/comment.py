"""The query of an old segment as a comment of the file that takes its place.

Owns what such a comment may hold. The comment is for the eyes of a reviewer, so below the query
stands how it was read where the documentation leaves that open, and every line of it shows as it
is, with four exceptions: what looks like an e-mail address or an API key is
masked (the query itself must hold what it asks for, a comment need not, and git never forgets),
invisible characters are written out, tabs become spaces, and words to which segctl or an editor
would listen are masked. Nothing of it can end the comment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.common.secrets import redact
from segctl.declarations.generating import DIRECTIVE, is_visible
from segctl.query.personal_data import mask_email_addresses

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_MASKED = "***"


def old_query_comment(text: str, notes: Iterable[str] = ()) -> str:
    """Write a query, and what is to be known of its reading, as lines of a YAML comment."""
    written = ["# The query of the old segment, in SGQL:", *_lines(text)]
    remarks = [line for note in notes for line in _lines(note)]
    if remarks:
        written += ["# What the documentation of SGQL leaves open:", *remarks]
    return "".join(f"{line}\n" for line in written)


def _lines(text: str) -> Iterator[str]:
    for line in redact(mask_email_addresses(text)).splitlines() or [""]:
        yield f"#   {DIRECTIVE.sub(_MASKED, ''.join(map(_visible, line)))}".rstrip()


def _visible(char: str) -> str:
    if char == "\t":
        return "    "
    return char if is_visible(char) else f"\\u{{{ord(char):x}}}"
