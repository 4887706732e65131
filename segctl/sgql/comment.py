"""The query of a v1 segment as a comment in the file of its successor.

For reviewers: below the query, the comment lists how segctl read it where the documentation is
unclear. Every line is as it was, with four exceptions: what looks like an e-mail address or an API
key is masked (the new query needs it, a comment does not, and git never forgets), invisible
characters are escaped, tabs become spaces, and words that segctl or an editor would act on are
masked. Nothing in the query can end the comment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.common.secrets import redact
from segctl.declarations.generating import DIRECTIVE, is_visible
from segctl.query.personal_data import mask_email_addresses

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_MASK = "***"


def old_query_comment(text: str, notes: Iterable[str] = ()) -> str:
    """Return a query, and the notes on how it was read, as the lines of a YAML comment."""
    lines = ["# The query of the v1 segment, in SGQL:", *_comment_lines(text)]
    note_lines = [line for note in notes for line in _comment_lines(note)]
    if note_lines:
        lines += ["# What the SGQL documentation leaves open:", *note_lines]
    return "".join(f"{line}\n" for line in lines)


def _comment_lines(text: str) -> Iterator[str]:
    for line in redact(mask_email_addresses(text)).splitlines() or [""]:
        yield f"#   {DIRECTIVE.sub(_MASK, ''.join(map(_visible, line)))}".rstrip()


def _visible(char: str) -> str:
    if char == "\t":
        return "    "
    return char if is_visible(char) else f"\\u{{{ord(char):x}}}"
