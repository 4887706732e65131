"""What git shows of the segments that a plan deletes, renames or takes over.

Names the commits by which a reviewer can check it. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.errors import Diagnostic, Severity
from segctl.model import Delete, Patch, Reason, Replace
from segctl.model.proof import CommitRef, Evidence, Proof
from segctl.planning.ownership import version_of
from segctl.planning.wording import date_of, short_commit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from segctl.model import Change, Remote, Tombstone
    from segctl.planning.ownership import Removal, RemovalHistory


def proof_of(removal: Removal, remote: Remote) -> Proof | None:
    """Return the proof that a segment is ours, `None` where its definition is no proof."""
    version = version_of(removal.versions, remote)
    if version is None:
        return None
    commit = CommitRef(removal.commit, removal.removed_at, removal.author)
    return Proof(declared=version.evidence, removed=Evidence(removal.file, commit))


def proof_by_file(tombstone: Tombstone, remote: Remote, history: RemovalHistory) -> Proof | None:
    """Return what git shows of a delete that a file asks for, `None` where it shows nothing."""
    removed = history.disposed_by(tombstone.file)
    if removed is None:
        return None
    version = version_of(history.versions_of(tombstone.name), remote)
    return Proof(None if version is None else version.evidence, Evidence(tombstone.file, removed))


def proof_remarks(changes: Iterable[Change]) -> Iterator[Diagnostic]:
    """Yield the proof of each delete and each rename for which git shows any."""
    for change in changes:
        if isinstance(change, Patch | Replace | Delete) and change.proof is not None:
            shown = ", and ".join(_shown(change, change.proof))
            if shown and change.proof.named is None:
                yield Diagnostic(
                    "proven-by-git",
                    Severity.INFO,
                    f"`{change.before.name}` is {_action(change)}: {shown}",
                )


def _action(change: Patch | Replace | Delete) -> str:
    if isinstance(change, Delete):
        return "deleted"
    return f"renamed to `{change.name}`"


def _shown(change: Patch | Replace | Delete, proof: Proof) -> Iterator[str]:
    if proof.declared is not None:
        file = proof.declared.file
        yield f"commit {describe_commit(proof.declared.commit)} declared it as it is in {file}"
    if proof.removed is not None:
        commit, file = describe_commit(proof.removed.commit), proof.removed.file
        if change.reason is Reason.REMOVED_BY_FILE:
            yield f"commit {commit} wrote `removed: true` in {file}"
        else:
            yield f"commit {commit} removed its name from {file}"
    elif change.reason is Reason.RENAMED_BY_HAND:
        yield f"no commit declared the name `{change.before.name}`"


def describe_commit(commit: CommitRef) -> str:
    """Return a commit for a message, with its date and author."""
    details = ", ".join(part for part in (date_of(commit.committed_at), commit.author) if part)
    return f"{short_commit(commit.id)} ({details})"
