"""Declared segments that someone renamed in SendGrid.

The account has no segment of the declared name, but one of another name that is as a commit
declared it. It is likely the one if no commit declared that other name, if it was created after the
first declaration and edited after both, and if no other pair fits. One that another project of the
repository declares is its own. Only a file can decide, unless the account belongs to the files:
someone may have made the other one by hand. Pure.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.common.timestamps import parse_time_or_none
from segctl.errors import Diagnostic, Severity
from segctl.model import Patch, Reason, Replace
from segctl.model.proof import Proof
from segctl.planning.equality import audience_key
from segctl.planning.ownership import first_declared
from segctl.planning.proofs import describe_commit
from segctl.planning.temporary_names import is_marked, looks_like_successor
from segctl.planning.wording import add_previous_name, date_of, list_names, quoted_name

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from segctl.errors import Span
    from segctl.model import Change, Declared, Remote
    from segctl.model.proof import DeclaredVersion
    from segctl.planning.ownership import RemovalHistory


@dataclass(frozen=True, slots=True)
class HandRename:
    """A declaration without a segment, and the segments that may be it under another name.

    `version` is what a commit declared as the first candidate is, `None` where only the file in the
    work tree does. `is_only_pair`: there is one candidate, and it is one of no other declaration.
    `is_likely`: it was also created after the first declaration.
    """

    declared: Declared
    candidates: tuple[Remote, ...]
    version: DeclaredVersion | None
    is_only_pair: bool
    is_likely: bool

    @property
    def proof(self) -> Proof | None:
        """What git shows of the rename, `None` where no commit shows anything."""
        return None if self.version is None else Proof(self.version.evidence)


def renamable(remotes: Iterable[Remote], tombstones: Collection[str]) -> tuple[Remote, ...]:
    """Return the undeclared segments whose name someone in SendGrid may have given to them.

    `tombstones` are the names of which files say `removed`.
    """
    return tuple(
        remote
        for remote in remotes
        if not (remote.is_v1 or is_marked(remote) or looks_like_successor(remote))
        and remote.name not in tombstones
    )


def hand_renames_to_read(
    missing: Iterable[Declared], undeclared: Iterable[Remote], history: RemovalHistory
) -> tuple[Remote, ...]:
    """Return the undeclared segments that may be a missing one, as far as the list shows.

    Their definitions decide. Few qualify: the segment was edited after the first declaration.
    """
    times = (first_declared(history.versions_of(item.name)) for item in missing)
    first = min((time for time in times if time is not None), default=None)
    return tuple(
        remote
        for remote in undeclared
        if _is_edited_since(remote, first) and not history.versions_of(remote.name)
    )


def find_hand_renames(
    missing: Sequence[Declared],
    undeclared: Sequence[Remote],
    history: RemovalHistory,
    *,
    by_file: bool = False,
) -> tuple[HandRename, ...]:
    """Return the declarations whose segment may have another name, with the candidates of each.

    `missing` are the declarations without a segment, `undeclared` the `renamable` segments without
    a declaration; one without a query cannot be compared. With `by_file`, a declaration of which
    git shows no version is compared as the file has it, which proves nothing.
    """
    comparable = [
        remote
        for remote in undeclared
        if remote.query is not None
        and (history.unavailable or not history.versions_of(remote.name))
    ]
    if not (missing and comparable):
        return ()
    by_key: dict[Hashable, list[Remote]] = defaultdict(list)
    for remote in comparable:
        by_key[audience_key(remote.definition)].append(remote)
    pairs = []
    for declared in missing:
        versions = () if history.unavailable else history.versions_of(declared.name)
        if not (versions or by_file):
            continue
        first = first_declared(versions)
        candidates = [
            (remote, version)
            for key, version in _by_audience(declared, versions).items()
            for remote in by_key.get(key, ())
            if version is None
            or (
                _is_edited_since(remote, _time_of(version))
                and not history.is_declared_elsewhere(remote.name)
            )
        ]
        if candidates:
            pairs.append((declared, candidates, first))
    claims = Counter(remote.id for _, candidates, _ in pairs for remote, _ in candidates)
    renames = []
    for declared, candidates, first in pairs:
        remote, version = candidates[0]
        is_only_pair = len(candidates) == 1 and claims[remote.id] == 1
        is_likely = is_only_pair and _is_created_since(remote, first)
        remotes = tuple(remote for remote, _ in candidates)
        renames.append(HandRename(declared, remotes, version, is_only_pair, is_likely))
    return tuple(renames)


def _by_audience(
    declared: Declared, versions: Iterable[DeclaredVersion]
) -> Mapping[Hashable, DeclaredVersion | None]:
    """Return the first version of each audience; that of the file where git shows none."""
    by_audience = {audience_key(version.segment): version for version in reversed([*versions])}
    return by_audience or {audience_key(declared.segment): None}


def _is_edited_since(remote: Remote, time: datetime | None) -> bool:
    """Return whether a segment was edited after that time, and after it was created.

    A copy that someone made by hand and never edited was not renamed.
    """
    created, updated = (parse_time_or_none(text) for text in (remote.created_at, remote.updated_at))
    if created is None or updated is None or time is None:
        return False
    return updated > created and updated >= time


def _time_of(version: DeclaredVersion) -> datetime | None:
    return parse_time_or_none(version.commit.committed_at)


def _is_created_since(remote: Remote, time: datetime | None) -> bool:
    created = parse_time_or_none(remote.created_at)
    return created is not None and time is not None and created >= time


def renamed_back(changes: Iterable[Change], severity: Severity) -> Iterator[Diagnostic]:
    """Yield a diagnostic for each rename that the plan takes back, with what decides otherwise.

    Someone may as well have made such a segment by hand, after the declared one was deleted or
    before it was created: neither git nor the account shows that.
    """
    for change in changes:
        if isinstance(change, Patch | Replace) and change.reason is Reason.RENAMED_BY_HAND:
            declared = None if change.proof is None else change.proof.declared
            assert declared is not None  # noqa: S101 - without a version, nothing is renamed back
            yield Diagnostic(
                "renamed-outside-git",
                severity,
                f"`{change.name}` may have been renamed to `{change.before.name}` outside git: "
                f"commit {describe_commit(declared.commit)} declared it as it is, and someone "
                f"changed it on {date_of(change.precondition.updated_at)}",
                change.span,
                hint=_hint(change.before.name, change.span),
                names=(change.name, change.before.name),
            )


def _hint(remote_name: str, span: Span) -> str:
    name = quoted_name(remote_name)
    return (
        f"to rename it back, {add_previous_name(remote_name, span)}; to keep its name, write "
        f"`name: {name}` there; to create another segment, add a file with `name: {name}` and "
        "`removed: forget`"
    )


def hand_rename_refusals(
    renames: Iterable[HandRename], created: Collection[str]
) -> Iterator[Diagnostic]:
    """Refuse each create of a segment that the account may have under another name."""
    for rename in renames:
        if rename.declared.name in created:
            yield _unclear(rename)


def _unclear(rename: HandRename) -> Diagnostic:
    declared, candidates = rename.declared, rename.candidates
    names = (declared.name, *(remote.name for remote in candidates))
    if len(candidates) > 1:
        return Diagnostic(
            "rename-or-create",
            Severity.ERROR,
            f"`{declared.name}` would be created, but "
            f"{list_names([remote.name for remote in candidates])} are as commits declared it: one "
            "of them may be it under another name",
            declared.span,
            hint=f"if one of them is the segment, add its name to `previous_names` in "
            f"{declared.file} to rename it back, or write it there as `name` to keep it; for each "
            "of the others, add a file with its name and `removed: forget`",
            names=names,
        )
    (remote,) = candidates
    commit = (
        "a commit" if rename.version is None else f"commit {describe_commit(rename.version.commit)}"
    )
    return Diagnostic(
        "rename-or-create",
        Severity.ERROR,
        f"`{declared.name}` would be created, but `{remote.name}` may be it under another name: "
        f"{commit} declared it as it is, and someone changed it on {date_of(remote.updated_at)}",
        declared.span,
        hint=_hint(remote.name, declared.span),
        names=names,
    )
