"""Which segments of a world a plan may delete, rename or overwrite, by the rule for people.

Written from docs/how-deletes-are-decided.md alone, on the commits as values: no git, and nothing of
segctl's own history or planner. Where the rule leaves room, as with git's detection of renames, the
oracle allows what anyone could call ours; what it calls foreign is foreign for certain.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from tests.history.worlds import OTHER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.history.worlds import Commit, Definition, File, Segment, World


@dataclass(frozen=True)
class Oracle:
    """What the rule says of the segments of a world, planned on its current branch."""

    world: World

    @cached_property
    def ancestors(self) -> set[int]:
        return self.world.ancestors(self.world.head.mark)

    @cached_property
    def every_commit(self) -> list[Commit]:
        return [self.world.commits[mark] for mark in sorted(self.ancestors)]

    @cached_property
    def commits(self) -> list[Commit]:
        """The commits of the current branch that were made for the account of now."""
        subuser = self.world.tree.subuser
        return [commit for commit in self.every_commit if commit.tree.subuser == subuser]

    @cached_property
    def own_line(self) -> list[Commit]:
        """The commits of the current branch itself, without those of merged branches."""
        subuser = self.world.tree.subuser
        line = [commit for commit in self._first_parents() if commit.tree.subuser == subuser]
        return line[::-1]

    def declared_now(self, name: str) -> File | None:
        files = self.world.tree.declared.get(name)
        return files[0] if files else None

    def lineage(self, name: str) -> set[str]:
        """Return a name and all names that it may have been renamed from."""
        names = {name}
        while True:
            before = len(names)
            for commit in self.own_line:
                declared = commit.tree.declared
                for present in names & declared.keys():
                    for file in declared[present]:
                        names |= set(file.previous)
                for parent in commit.parents[:1]:
                    tree = self.world.commits[parent].tree
                    if any(name not in tree.declared for name in names & declared.keys()):
                        names |= tree.declared.keys() - declared.keys()
                    # Several files can declare one name for a while, until someone mends it.
                    names |= {
                        tree.paths[path].name
                        for path, file in commit.tree.own.items()
                        if file.name in names and path in tree.paths
                    }
            if len(names) == before:
                return names

    def definitions(self, name: str) -> set[Definition]:
        """Return what commits declared under a name, or a name that it may have had before."""
        names = self.lineage(name)
        return {
            file.definition
            for commit in self.own_line
            for declared, files in commit.tree.declared.items()
            if declared in names
            for file in files
        }

    def first_declared(self, name: str) -> int | None:
        """Return the first time at which a commit declared a name, or one that it may have had."""
        names = self.lineage(name)
        return min(
            (commit.time for commit in self.own_line if names & commit.tree.declared.keys()),
            default=None,
        )

    def _is_last(self, commit: Commit, name: str) -> bool:
        """Return whether no later commit of the branch declares a name."""
        return not any(
            commit.mark in self.world.ancestors(later.mark)
            for later in self.commits
            if later.mark != commit.mark and name in later.tree.declared
        )

    def removed_at(self, name: str) -> int | None:
        """Return the earliest time at which a name was removed for good, `None` where it was not.

        A removal that is dated in the future proves nothing. What one parent of a merge removed
        was removed there, before the merge. That a merged branch declared it for a while since
        makes no segment older.
        """
        last = [commit.time for commit in self._removals(name) if self._is_last(commit, name)]
        if all(time > self.world.time for time in last):
            return None
        declaring = [commit.mark for commit in self.own_line if name in commit.tree.declared]
        since = max(declaring, default=-1)
        own = [c.time for c in self.own_line if c.mark > since >= 0][:1]
        return min(time for time in (*last, *own) if time <= self.world.time)

    def was_protected(self, name: str) -> bool:
        """Return whether any of the last declarations of a name protects it."""
        return any(
            file.protected
            for commit in self.commits
            if self._is_last(commit, name)
            for file in commit.tree.declared.get(name, [])
        )

    def was_forgotten(self, name: str) -> bool:
        """Return whether a file forgot a name after it was last declared."""
        return any(
            commit.tree.forgets(name) and self._is_last(commit, name) for commit in self.commits
        )

    def was_taken_by_settings(self, name: str) -> bool:
        """Return whether the files would declare a name had its group stayed what it was."""
        line = self.own_line
        last = max((n for n, c in enumerate(line) if name in c.tree.declared), default=None)
        if last is None or last + 1 == len(line):
            return False
        taken = dataclasses.replace(line[last + 1].tree, in_group=line[last].tree.in_group)
        before = {path for path, file in line[last].tree.own.items() if file.name == name}
        return any(path in before for path, file in taken.own.items() if file.name == name) and (
            name in taken.declared
        )

    def reason_to_keep(self, segment: Segment) -> str:
        """Return why a plan must not delete a segment, empty where it may."""
        name, tree = segment.name, self.world.tree
        if self.declared_now(name) is not None:
            return "a file declares it"
        if any(file.removed == "true" and file.name == name for file in tree.own.values()):
            return ""
        if self.was_protected(name):
            return "it was protected"
        return next(self._reasons_to_keep_removed(segment), "")

    def _reasons_to_keep_removed(self, segment: Segment) -> Iterator[str]:
        """Yield why the segment of a removed name is not ours, or must stay as it is."""
        name, tree = segment.name, self.world.tree
        if self.was_forgotten(name):
            yield "it is forgotten"
        if self.was_taken_by_settings(name):
            yield "only segctl.yaml took it from its file"
        if tree.other_subuser == tree.subuser and name in tree.declared_by_other:
            yield "the other project declares it"
        removed_at = self.removed_at(name)
        if removed_at is None:
            yield "no commit removed it"
        elif segment.created >= removed_at:
            yield "it is newer than the removal"
        if segment.definition not in self.definitions(name):
            yield "no commit declared it as it is"

    def reason_not_to_give_way(self, segment: Segment) -> str:
        """Return why a plan must not delete a segment whose name it gives to another one."""
        declared = [commit.tree.declared.get(segment.name, []) for commit in self.commits]
        if all(file.definition != segment.definition for files in declared for file in files):
            return "no commit declared it as it is"
        return ""

    def must_be_deleted(self, segment: Segment) -> bool:
        """Return whether a segment is certainly ours and removed, in the simplest of histories."""
        name, commits = segment.name, self.every_commit
        if (
            any(name in self.lineage(declared) for declared in self.world.tree.declared)
            or any(commit.tree.forgets(name) for commit in commits)
            or len({(commit.tree.folder, commit.tree.subuser) for commit in commits}) > 1
            or any(commit.is_dated_ahead for commit in commits)
            # A folder may have been moved over this one.
            or any(path.startswith(OTHER) for commit in commits for path in commit.tree.paths)
            or self.reason_to_keep(segment)
        ):
            return False
        line = list(self._first_parents())
        last = next((files for c in line if (files := c.tree.declared.get(name))), [])
        return (
            bool(last)
            and not any(file.protected for file in last)
            and all(segment.created < commit.time for commit in self._removals(name))
            and any(
                file.definition == segment.definition
                for commit in line
                for file in commit.tree.declared.get(name, [])
            )
        )

    def _removals(self, name: str) -> Iterator[Commit]:
        for commit in self.commits:
            parents = [self.world.commits[parent].tree for parent in commit.parents]
            if name not in commit.tree.declared and any(name in tree.declared for tree in parents):
                yield commit

    def _first_parents(self) -> Iterator[Commit]:
        commit = self.world.head
        yield commit
        while commit.parents:
            commit = self.world.commits[commit.parents[0]]
            yield commit

    def reason_not_to_overwrite(self, segment: Segment, file: File) -> str:
        """Return why a plan must not change the definition of a segment to that of a file."""
        name = file.name
        if file.adopt or segment.definition in self.definitions(name):
            return ""
        first = self.first_declared(name)
        if first is not None and segment.created >= first:
            return ""
        return "it is older than its file, and no commit declared it as it is"

    def reason_not_to_rename(self, segment: Segment, file: File) -> str:
        """Return why a plan must not give a segment the name of a file."""
        if self.declared_now(segment.name) is not None and not self._swaps(segment.name):
            return "a file declares its name"
        namesake = self.world.named(file.name)
        if namesake is not None and not self._leaves(namesake):
            return "another segment has the new name"
        # A protected segment keeps its id under another name.
        is_removed = not any(self._reasons_to_keep_removed(segment))
        if segment.name in file.previous or is_removed or not self.reason_to_keep(segment):
            return ""
        was_ours = bool(segment.applied_names & self.lineage(file.name))
        if segment.name not in self.lineage(file.name) and not was_ours:
            return "no commit renamed it"
        if segment.definition not in self.definitions(file.name):
            return "no commit declared it as it is"
        return ""

    def _swaps(self, name: str) -> bool:
        """Return whether the file that declares a name takes it from another one."""
        file = self.declared_now(name)
        return file is not None and bool(file.previous)

    def _leaves(self, segment: Segment) -> bool:
        """Return whether a segment may lose its name in the same plan."""
        if not (self.reason_to_keep(segment) and self.reason_not_to_give_way(segment)):
            return True
        return any(
            segment.name in file.previous
            for files in self.world.tree.declared.values()
            for file in files
        )
