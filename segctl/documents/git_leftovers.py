"""What git can leave in a file instead of its content: an LFS pointer, or conflict markers.

Either makes a file invalid in ways that other messages would explain badly. Knows only the text.
"""

from __future__ import annotations

import re

from segctl.documents.document import spans_at
from segctl.errors import Diagnostic, Severity, Span

_POINTER = "version https://git-lfs.github.com/spec/"
_MARKER = re.compile(r"^(?:<{7}|>{7})(?= |\r?$)", re.MULTILINE)
"""The first or last line of a conflict. Neither YAML nor SQL has such a line; `=======` may be in
a comment."""


def git_leftover(file: str, text: str) -> Diagnostic | None:
    """Return why the text of a file is not what its author wrote, or `None`.

    The line is not shown: the name of a branch is not segctl's to repeat.
    """
    if text.startswith(_POINTER):
        return Diagnostic(
            "lfs-pointer",
            Severity.ERROR,
            "the file is a Git LFS pointer, and its content was not downloaded",
            Span(file, 1, 1),
            "run `git lfs pull`; in CI, check out with LFS (`lfs: true` of actions/checkout)",
        )
    marker = _MARKER.search(text)
    if marker is not None:
        (span,) = spans_at(file, text, [marker.start()])
        return Diagnostic(
            "conflict-markers",
            Severity.ERROR,
            f"the file contains a merge conflict: `{marker.group()}`",
            span,
            "edit the file to what it must say, remove the lines that start with <<<<<<<, =======,"
            " ||||||| and >>>>>>>, and commit it",
        )
    return None
