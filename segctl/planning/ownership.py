"""Which undeclared segments belong to this project, so that a removed file may delete them.

To have declared a name is not to own its segment: someone may have made it by hand, or edited it
since. A segment is ours if it is as a commit declared it, and older than the removal. Has the
removals of git history as values, and the rule that decides on them. Pure: does not read git
(`history`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from segctl.common.timestamps import parse_time_or_none
from segctl.model.proof import CommitRef, Evidence
from segctl.model.segments import NO_METADATA
from segctl.planning.equality import audience_key, same_parents, same_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from segctl.model import Declared, Metadata, Remote, Segment
    from segctl.model.proof import DeclaredVersion


class Ownership(StrEnum):
    """The setting `ownership` of segctl.yaml: which undeclared segments are deleted.

    `HISTORY`: those that git history shows to be ours. `DECLARED`: none. `EXCLUSIVE`: all, since
    the account belongs to this project.
    """

    HISTORY = "history"
    DECLARED = "declared"
    EXCLUSIVE = "exclusive"


@dataclass(frozen=True, slots=True)
class Removal:
    """A segment that was declared in git history and is not any more.

    `segment` and `is_protected` are as last declared, in `file`, which has the instance behind it
    where the file declares several segments. `commit` removed the declaration at `removed_at` (ISO
    8601 in UTC, the committer's time); `author` wrote it. `renamed_to` is the new name that the
    same commit gave it in its file, empty where it gave none. `versions` are all definitions that
    commits declared under this name, or under one that it was renamed from, oldest first.
    `maybe_renamed_to` is the name of a new file that git finds similar to the removed one, though
    it declares another audience, or of a new instance in its file. `metadata` is what `file` said
    of it to people. `by_settings`: only segctl.yaml changed what the file declares, which may
    rename the segment and deletes nothing.
    """

    segment: Segment
    is_protected: bool
    file: str
    commit: str
    removed_at: str
    renamed_to: str = ""
    author: str = ""
    versions: tuple[DeclaredVersion, ...] = ()
    maybe_renamed_to: str = ""
    metadata: Metadata = NO_METADATA
    by_settings: bool = False

    @property
    def name(self) -> str:
        """The declared name."""
        return self.segment.name

    @property
    def evidence(self) -> Evidence:
        """The commit that removed it, and its file."""
        return Evidence(self.file, CommitRef(self.commit, self.removed_at, self.author))


class PlaceKind(StrEnum):
    """What a commit changed about where the segments of a project are.

    `ACCOUNT`: the account of the target in segctl.yaml. `FOLDER`: `segments` in segctl.yaml, to a
    folder with other files. `FILES`: it moved another folder over that of the segment files.
    """

    ACCOUNT = "account"
    FOLDER = "folder"
    FILES = "files"


@dataclass(frozen=True, slots=True)
class PlaceChange:
    """A change after which what older commits declared proves nothing.

    `commit` is `None` where segctl.yaml is not committed as it is. `names` are those that only
    older commits declared.
    """

    kind: PlaceKind
    commit: CommitRef | None
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FormerSegment:
    """The segment that had a declared name before a commit declared the name for another one.

    `removal` is how its own declaration ended. `removed_with` are the names whose declarations
    ended in the commit that declared the name for the other segment, and `in_its_files` those of
    them that the same file had declared. `may_live_on`: it may have another name since, be
    forgotten on purpose, or belong to another project.
    """

    removal: Removal
    removed_with: frozenset[str]
    in_its_files: frozenset[str]
    may_live_on: bool


@dataclass(frozen=True, slots=True)
class RemovalHistory:
    """What git history shows of segments that are no longer declared.

    `removals` holds the latest removal of each name, in the order of commits. `unavailable` is the
    reason why the history cannot be used (no git, a shallow clone, a read error), empty where it
    is complete; `remedy` says what to do about it. `uncommitted` are the names that the last commit
    declares and the work tree does not: no commit removed or renamed them yet. `dated_ahead` holds
    the removals whose commit has a date in the future, which proves nothing. `versions_of` returns
    all definitions that commits declared under a name or one that it was renamed from, oldest
    first; it reads no more than what git returned already. `declared_at_head` returns what the last
    commit declares under a name, `None` if it declares nothing; `declared_before` what the
    commit before it declares, of a merge the first parent. `is_declared_elsewhere` returns
    whether another project of the repository may declare a name. `former_of` returns the segment
    that had a declared name before, `None` where there was none. `disposed_by` returns the commit
    that wrote `removed` in a file, and `renamed_by` the one that wrote a name in the
    `previous_names` of a file, `None` where none did.
    `declared_elsewhere` has the removed names that another project of the repository declares, each
    with that file, relative to the top. `place_change` is the last change of the account or folder,
    if there was one.
    """

    removals: tuple[Removal, ...] = ()
    unavailable: str = ""
    remedy: str = ""
    uncommitted: tuple[str, ...] = ()
    dated_ahead: tuple[Removal, ...] = ()
    declared_elsewhere: tuple[tuple[str, str], ...] = ()
    place_change: PlaceChange | None = None
    versions_of: Callable[[str], tuple[DeclaredVersion, ...]] = field(
        default=lambda _name: (), compare=False
    )
    declared_at_head: Callable[[str], Declared | None] = field(
        default=lambda _name: None, compare=False
    )
    declared_before: Callable[[str], Declared | None] = field(
        default=lambda _name: None, compare=False
    )
    disposed_by: Callable[[str], CommitRef | None] = field(
        default=lambda _file: None, compare=False
    )
    renamed_by: Callable[[str, str], CommitRef | None] = field(
        default=lambda _file, _name: None, compare=False
    )
    is_declared_elsewhere: Callable[[str], bool] = field(default=lambda _name: False, compare=False)
    former_of: Callable[[str], FormerSegment | None] = field(
        default=lambda _name: None, compare=False
    )


class Standing(StrEnum):
    """What git history shows of a segment whose name it removed.

    `OURS`: it is as a commit declared it. `NEWER`: someone created it after the removal. `EDITED`:
    it was created after the first declaration, but is as no commit declared it. `FOREIGN`: it is
    older than the first declaration, and as no commit declared it. `UNKNOWN`: a time or the
    definition is missing.
    """

    OURS = "ours"
    NEWER = "newer"
    EDITED = "edited"
    FOREIGN = "foreign"
    UNKNOWN = "unknown"


def standing_of(removal: Removal, remote: Remote) -> Standing:
    """Return whether a segment is the one whose declaration was removed.

    A time that cannot be read, or a definition that was not read, proves nothing.
    """
    created, removed = parse_time_or_none(remote.created_at), parse_time_or_none(removal.removed_at)
    if remote.is_v1 or created is None or removed is None:
        return Standing.UNKNOWN
    if created >= removed:
        return Standing.NEWER
    return standing_among(removal.versions, remote)


def standing_among(versions: Sequence[DeclaredVersion], remote: Remote) -> Standing:
    """Return whether a segment is as one of the versions of its name, whatever removed it.

    A time that cannot be read, or a definition that was not read, proves nothing.
    """
    created = parse_time_or_none(remote.created_at)
    if remote.is_v1 or created is None or remote.query is None:
        return Standing.UNKNOWN
    if find_version(versions, remote.definition) is not None:
        return Standing.OURS
    first = first_declared(versions)
    return Standing.EDITED if first is not None and created >= first else Standing.FOREIGN


def first_declared(versions: Sequence[DeclaredVersion]) -> datetime | None:
    """Return when a commit first declared any of the versions, which are oldest first."""
    return parse_time_or_none(versions[0].commit.committed_at) if versions else None


def is_edited_since_declared(
    versions: Sequence[DeclaredVersion], definition: Segment, created_at: str | None
) -> bool:
    """Return whether someone edited a segment by hand since a commit first declared its name.

    It was created after that commit, and is as no commit declared it.
    """
    created, first = parse_time_or_none(created_at), first_declared(versions)
    is_newer = created is not None and first is not None and created >= first
    return is_newer and find_version(versions, definition) is None


def is_older(removal: Removal, remote: Remote) -> bool:
    """Return whether a segment is older than the removal, so that its definition decides."""
    created, removed = parse_time_or_none(remote.created_at), parse_time_or_none(removal.removed_at)
    return not remote.is_v1 and created is not None and removed is not None and created < removed


def is_ours(removal: Removal, remote: Remote) -> bool:
    """Return whether git history proves that a segment is the one that was removed."""
    return standing_of(removal, remote) is Standing.OURS


def version_of(versions: Sequence[DeclaredVersion], remote: Remote) -> DeclaredVersion | None:
    """Return the latest version as a segment is, `None` if there is none or it was not read."""
    return None if remote.query is None else find_version(versions, remote.definition)


def find_version(
    versions: Sequence[DeclaredVersion], definition: Segment
) -> DeclaredVersion | None:
    """Return the latest version with the audience of a definition, `None` if there is none."""
    for version in reversed(versions):
        # Queries that are written alike need not be parsed.
        if same_text(version.segment, definition) and same_parents(version.segment, definition):
            return version
    key = audience_key(definition) if versions else None
    return next(
        (version for version in reversed(versions) if audience_key(version.segment) == key), None
    )
