"""What git shows of the segments that a plan deletes, renames or takes over.

Names the commits by which a reviewer can check it. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.errors import Diagnostic, Severity, split_source
from segctl.model import Delete, Patch, Reason, Replace
from segctl.model.proof import CommitRef, Evidence, Proof
from segctl.planning.ownership import version_of
from segctl.planning.wording import date_of, short_commit

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from segctl.model import Change, Declared, Remote, Tombstone
    from segctl.planning.ownership import Removal, RemovalHistory

BY_NAME = (Reason.DEFINITION_DIFFERS, Reason.PARENT_LIST_DIFFERS)
"""The reasons of changes that only the name of a segment asks for."""


def proof_of(removal: Removal, remote: Remote) -> Proof | None:
    """Return the proof that a segment is ours, `None` where its definition is no proof."""
    version = version_of(removal.versions, remote)
    if version is None:
        return None
    return Proof(declared=version.evidence, removed=removal.evidence)


def proof_by_file(tombstone: Tombstone, remote: Remote, history: RemovalHistory) -> Proof | None:
    """Return what git shows of a delete that a file asks for, `None` where it shows nothing."""
    removed = history.disposed_by(tombstone.source)
    if removed is None:
        return None
    version = version_of(history.versions_of(tombstone.name), remote)
    return Proof(None if version is None else version.evidence, Evidence(tombstone.source, removed))


def proof_by_previous_names(
    declared: Declared, remote: Remote, history: RemovalHistory
) -> Proof | None:
    """Return what git shows of a rename that a file asks for, `None` where it shows nothing."""
    if history.unavailable:
        return None
    # What declares it under its new name, too, is the weaker evidence.
    by_name = (history.versions_of(name) for name in (remote.name, declared.name))
    version = next(filter(None, (version_of(versions, remote) for versions in by_name)), None)
    removals = (item.evidence for item in history.removals if item.name == remote.name)
    removed = next(removals, None)
    written = history.renamed_by(declared.source, remote.name)
    proof = Proof(
        None if version is None else version.evidence,
        removed,
        None if written is None else Evidence(declared.source, written),
    )
    return None if proof == Proof() else proof


def proof_remarks(changes: Iterable[Change]) -> Iterator[Diagnostic]:
    """Yield the proof of each delete and rename for which git shows any.

    Those of takeovers are in `takeovers`, and those of renames by hand in `hand_renames`.
    """
    for change in changes:
        if not _is_takeover(change) and change.reason is not Reason.RENAMED_BY_HAND:
            yield from proof_remark(change)


def proof_remark(change: Change) -> Iterator[Diagnostic]:
    """Yield the proof of a delete, a rename or a takeover, if git shows any."""
    if isinstance(change, Patch | Replace | Delete) and change.proof is not None:
        shown = ", and ".join(_shown(change, change.proof))
        if shown:
            summary = f"`{change.before.name}` is {_action(change)}: {shown}"
            names = change.before.name, change.name
            yield Diagnostic("proven-by-git", Severity.INFO, summary, names=names)


def _is_takeover(change: Change) -> bool:
    return isinstance(change, Patch | Replace) and change.reason in BY_NAME


def _action(change: Patch | Replace | Delete) -> str:
    if isinstance(change, Delete):
        return "deleted"
    return "overwritten" if _is_takeover(change) else f"renamed to `{change.after.name}`"


def _shown(change: Patch | Replace | Delete, proof: Proof) -> Iterator[str]:
    if proof.declared is not None:
        yield f"{_commit_of(proof.declared)} declared it as it is in {proof.declared.file}"
    removed, named = proof.removed, proof.named
    if removed is not None:
        if change.reason is Reason.REMOVED_BY_FILE:
            yield f"{_commit_of(removed)} wrote `removed: true` in {removed.file}"
        else:
            yield f"{_commit_of(removed)} removed its name from {removed.file}"
    if named is None:
        return
    if _is_takeover(change):
        yield f"{_commit_of(named)} declared its name in {named.file}"
    elif removed is None or named.commit.id != removed.commit.id:
        key = "previous_keys" if split_source(named.file)[1] else "previous_names"
        yield f"{_commit_of(named)} wrote its name in `{key}` of {named.file}"


def _commit_of(evidence: Evidence) -> str:
    return f"commit {describe_commit(evidence.commit)}"


def describe_commit(commit: CommitRef) -> str:
    """Return a commit for a message, with its date and author."""
    details = ", ".join(part for part in (date_of(commit.committed_at), commit.author) if part)
    return f"{short_commit(commit.id)} ({details})"
