"""The proof for a delete or a rename that git history decides, as a remark in the plan.

Names the commits by which a reviewer can check it. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.errors import Diagnostic, Severity
from segctl.model.proof import CommitRef
from segctl.planning.ownership import find_version
from segctl.planning.wording import date_of, short_commit

if TYPE_CHECKING:
    from segctl.model import Remote
    from segctl.planning.ownership import Removal


def proof_of(removal: Removal, remote: Remote, new_name: str = "") -> Diagnostic | None:
    """Return the proof that a segment is ours, for its rename to `new_name` or its delete.

    `None` where its definition is no proof.
    """
    if remote.query is None:
        return None
    version = find_version(removal.versions, remote.definition)
    if version is None:
        return None
    declared = describe_commit(version.commit)
    removed = describe_commit(CommitRef(removal.commit, removal.removed_at, removal.author))
    action = f"renamed to `{new_name}`" if new_name else "deleted"
    return Diagnostic(
        "proven-by-git",
        Severity.INFO,
        f"`{remote.name}` is {action}: commit {declared} declared it as it is in {version.file}, "
        f"and commit {removed} removed its name from {removal.file}",
    )


def describe_commit(commit: CommitRef) -> str:
    """Return a commit for a message, with its date and author."""
    details = ", ".join(part for part in (date_of(commit.committed_at), commit.author) if part)
    return f"{short_commit(commit.id)} ({details})"
