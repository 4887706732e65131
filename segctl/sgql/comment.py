"""The query of an old segment as a comment of the file that takes its place.

Owns what such a comment may hold. The comment is for the eyes of a reviewer, so every line of the
query shows as it is, with four exceptions: what looks like an e-mail address or an API key is
masked (the query itself must hold what it asks for, a comment need not, and git never forgets),
invisible characters are written out, tabs become spaces, and words to which segctl or an editor
would listen are masked. Nothing of it can end the comment.
"""

from __future__ import annotations

from segctl.declarations.writing import COMMAND, is_seen
from segctl.query.lint import mask_personal
from segctl.secrets import redact

_MASKED = "***"


def old_query(text: str) -> str:
    """Write a query as lines of a YAML comment, each with its LF."""
    lines = redact(mask_personal(text)).splitlines() or [""]
    shown = (COMMAND.sub(_MASKED, "".join(map(_visible, line))) for line in lines)
    return "# The query of the old segment, in SGQL:\n" + "".join(
        f"#   {line}".rstrip() + "\n" for line in shown
    )


def _visible(char: str) -> str:
    if char == "\t":
        return "    "
    return char if is_seen(char) else f"\\u{{{ord(char):x}}}"
