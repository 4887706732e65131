"""The shapes: a commit and the files that it wrote, and what it did to a segment.

Owns the reading of a commit's own words (its date, its pull request) and the list of what can
differ between two versions of a segment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segctl.model import Declared

NOT_A_FILE = ""
"""Stands for a blob where git has a link or a submodule: there is nothing to read."""

# GitHub's subjects: of a squash, the number last; of a merge.
_PULL_REQUEST = re.compile(r"\(#(\d{1,18})\)\s*$|^Merge pull request #(\d{1,18})\b", re.ASCII)
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file that a commit wrote or removed.

    `path` is relative to the project. `blob` is the id of its content, `None` where the file is
    gone, `NOT_A_FILE` where it is a link.
    """

    path: str
    blob: str | None


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit of the first-parent history, with what it changed against its first parent.

    Times are in seconds since 1970. `segments` are segment files, `queries` are `.sql` files.
    """

    id: str
    committed: int
    author: str
    subject: str
    segments: tuple[FileChange, ...] = ()
    queries: tuple[FileChange, ...] = ()

    @property
    def committed_at(self) -> datetime:
        """The committer's time, in UTC; 1970 where it is none, before which nothing was made."""
        try:
            return datetime.fromtimestamp(self.committed, UTC)
        except (OverflowError, ValueError, OSError):
            return _LONG_AGO

    @property
    def pull_request(self) -> int | None:
        """The number of the pull request that the subject names."""
        found = _PULL_REQUEST.search(self.subject)
        return int(found[1] or found[2]) if found else None


@dataclass(frozen=True, slots=True)
class SegmentEvent:
    """What a commit did to one segment: `before` is `None` for a new one, `after` for one gone."""

    commit: Commit
    before: Declared | None
    after: Declared | None

    @property
    def name(self) -> str:
        """The name it has after the commit, or had."""
        return self._any.name

    @property
    def old_name(self) -> str:
        """The name it had before the commit; that of a new one is its name."""
        return self.before.name if self.before is not None else self.name

    @property
    def file(self) -> str:
        """The file that declares it after the commit, or did."""
        return self._any.file

    @property
    def _any(self) -> Declared:
        one = self.after or self.before
        assert one is not None  # noqa: S101 - one of the two is what makes an event
        return one

    @property
    def changed_fields(self) -> tuple[str, ...]:
        """What differs, by the keys of a segment file, and `file`; empty unless it stands twice."""
        if self.before is None or self.after is None:
            return ()
        pairs = zip(_fields(self.before), _fields(self.after), strict=True)
        return tuple(key for (key, old), (_, new) in pairs if old != new)

    @property
    def kind(self) -> str:
        """The one word for it: the first that fits of created … unprotected, as listed here."""
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


def _fields(one: Declared) -> tuple[tuple[str, object], ...]:
    return (
        ("name", one.name),
        ("file", one.file),
        ("query_dsl", one.segment.query),
        ("parent_list_ids", frozenset(one.segment.parent_list_ids)),
        ("description", one.description),
        ("owner", one.owner),
        ("tags", one.tags),
        ("protected", one.protected),
        ("previous_names", one.previous_names),
        ("allow_replace", one.allow_replace),
    )
