"""Values: a commit with the files that it changed, and what it did to a segment.

Also reads the date and the pull request of a commit, and compares two versions of a segment. Does
not run git.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from segctl.model.proof import CommitRef

if TYPE_CHECKING:
    from segctl.model import Declared

NOT_A_FILE = ""
"""The blob of a link or a submodule, which has no content to read."""

# The subjects that GitHub writes: the number last for a squash, or a merge.
_PULL_REQUEST = re.compile(r"\(#(\d{1,18})\)\s*$|^Merge pull request #(\d{1,18})\b", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file that a commit wrote or removed.

    `path` is relative to the project. `blob` is the id of its content, `None` where the commit
    removed the file, `NOT_A_FILE` where it is a link or a submodule.
    """

    path: str
    blob: str | None


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit of the first-parent history, with its changes against its first parent.

    `committed` is in seconds since 1970. `segments` are segment files, `queries` are `.sql` files,
    `settings` is segctl.yaml. `parents` are the ids of all parents, first the one that it is
    compared with.
    """

    id: str
    committed: int
    author: str
    subject: str
    segments: tuple[FileChange, ...] = ()
    queries: tuple[FileChange, ...] = ()
    parents: tuple[str, ...] = ()
    settings: tuple[FileChange, ...] = ()

    @property
    def committed_at(self) -> datetime:
        """The committer's time in UTC, or 1970 where it is not a valid time."""
        try:
            return datetime.fromtimestamp(self.committed, UTC)
        except (OverflowError, ValueError, OSError):
            return _EPOCH

    @property
    def ref(self) -> CommitRef:
        """What a plan shows of the commit."""
        return CommitRef(self.id, self.committed_at.strftime("%Y-%m-%dT%H:%M:%SZ"), self.author)

    @property
    def pull_request(self) -> int | None:
        """The number of the pull request that the subject names."""
        match = _PULL_REQUEST.search(self.subject)
        return int(match[1] or match[2]) if match else None


@dataclass(frozen=True, slots=True)
class SegmentEvent:
    """What a commit did to a segment.

    `before` is `None` for a new segment, `after` for a removed one.
    """

    commit: Commit
    before: Declared | None
    after: Declared | None

    @property
    def name(self) -> str:
        """The name after the commit, or the last one of a removed segment."""
        return self._latest.name

    @property
    def old_name(self) -> str:
        """The name before the commit; a new segment's is its name."""
        return self.before.name if self.before is not None else self.name

    @property
    def file(self) -> str:
        """The file after the commit, or the last one of a removed segment, with the instance."""
        return self._latest.source

    @property
    def _latest(self) -> Declared:
        declared = self.after or self.before
        assert declared is not None  # noqa: S101 - an event has at least one of the two
        return declared

    @property
    def changed_fields(self) -> tuple[str, ...]:
        """The differing keys of a segment file, and `file`; empty for a new or removed segment."""
        if self.before is None or self.after is None:
            return ()
        before, after = _fields(self.before), _fields(self.after)
        return tuple(key for key in before if before[key] != after[key])

    @property
    def kind(self) -> str:
        """The event: created, removed, renamed, moved, protected, unprotected or changed."""
        if self.before is None:
            return "created"
        if self.after is None:
            return "removed"
        changed = set(self.changed_fields)
        if "name" in changed:
            return "renamed"
        if changed == {"file"}:
            return "moved"
        if changed <= {"file", "protected"}:
            return "protected" if self.after.protected else "unprotected"
        return "changed"


def _fields(declared: Declared) -> dict[str, object]:
    return {
        "name": declared.name,
        "file": declared.source,
        "query_dsl": declared.segment.query,
        "parent_list_ids": frozenset(declared.segment.parent_list_ids),
        "description": declared.description,
        "owner": declared.owner,
        "tags": declared.tags,
        "protected": declared.protected,
        "previous_names": declared.previous_names,
        "allow_replace": declared.allow_replace,
        "adopt": declared.adopt,
    }
