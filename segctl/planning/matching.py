"""The match between declarations and segments of the account: by name, else by an earlier name.

An earlier name is one of `previous_names`, a temporary name that an unfinished run left, or one
that the history shows. An ambiguous match is an error. What follows from a match is the planner's.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from segctl.errors import Diagnostic, Severity
from segctl.model import Reason
from segctl.planning.equality import audience_key, same_audience
from segctl.planning.ownership import is_ours
from segctl.planning.temporary_names import (
    Marker,
    find_marked,
    is_marked,
    looks_like_successor,
    successors_by_name,
    successors_of,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence

    from segctl.model import Declared, Remote
    from segctl.planning.ownership import Removal


@dataclass(frozen=True, slots=True)
class Match:
    """A declaration and its segment, `None` where the account has none.

    `reason` says why a segment of another name is it, and is `None` where the names are the same.
    `v1` is the v1 segment that is still there for it to be upgraded from. `surplus` are twins that
    nobody needs any more: another run was faster.
    """

    declared: Declared
    remote: Remote | None
    reason: Reason | None = None
    v1: Remote | None = None
    surplus: tuple[Remote, ...] = ()


@dataclass(slots=True)
class Matching:
    """The matches, in the order of the declarations; those in error have none.

    `claimed` has the ids of all segments that a declaration claims, also in vain, by an error that
    is told: they are nobody's to delete or to import.
    """

    matches: list[Match] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    claimed: set[str] = field(default_factory=set)


def match_segments(
    declared: Sequence[Declared],
    remotes: Sequence[Remote],
    removals: Iterable[Removal] = (),
    graves: Collection[str] = (),
) -> Matching:
    """Match every declaration with the account.

    `removals` are those of the history by which renames may be detected, none where that is
    turned off; `graves` are the names of which files say `removed`. Segments of declarations with
    `previous_names` must carry their definitions: without them nobody can tell two names before a
    swap from the same names after it.
    """
    matcher = _Matcher(declared, remotes)
    matcher.by_name()
    matcher.by_upgrade()
    matcher.by_previous_names()
    matcher.swaps()
    matcher.left_behind(graves)
    matcher.by_history(removals)
    return matcher.result()


def find_undeclared(
    declared: Sequence[Declared], remotes: Iterable[Remote], removals: Iterable[Removal] = ()
) -> tuple[Remote, ...]:
    """Give the segments that no declaration claims by a name that it has or had.

    `removals` are as for `match_up`. Needs no definition: by whatever name a segment is declared,
    it is declared.
    """
    remotes = tuple(remotes)
    matcher = _Matcher(declared, remotes)
    matcher.by_name()
    matcher.by_upgrade()
    matcher.by_previous_names()
    matcher.by_history(removals)
    return tuple(one for one in remotes if one.id not in matcher.claimed)


def find_upgrade_segments(
    declared: Iterable[Declared], remotes: Sequence[Remote]
) -> tuple[tuple[Remote, ...], tuple[Remote, ...]]:
    """Give the v1 segments that declarations are upgraded from, and the twins that they have."""
    ids = {one.upgrade_from for one in declared if one.upgrade_from}
    if not ids:
        return (), ()
    half = [one for one in remotes if looks_like_successor(one)]
    return (
        tuple(one for one in remotes if one.is_v1 and one.id.lower() in ids),
        tuple(twin for v1_id in sorted(ids) for twin in successors_of(v1_id, half)),
    )


class _Matcher:
    """One matching in the making. `found` goes from a declared name to its segment and reason."""

    def __init__(self, declared: Sequence[Declared], remotes: Sequence[Remote]) -> None:
        self.declared = {one.name: one for one in declared}
        # Few, if any: to look for a declaration among all would take quadratic time.
        self.marked = [remote for remote in remotes if is_marked(remote)]
        self.half = [remote for remote in remotes if looks_like_successor(remote)]
        self.by_id = {remote.id.lower(): remote for remote in remotes}
        self.v1: dict[str, Remote] = {}
        self.surplus: dict[str, tuple[Remote, ...]] = {}
        self.named: dict[str, list[Remote]] = defaultdict(list)
        for remote in remotes:
            self.named[remote.name].append(remote)
        self.found: dict[str, tuple[Remote, Reason | None]] = {}
        self.owner: dict[str, str] = {}
        self.claimed: set[str] = set()
        self.broken: set[str] = set()
        self.diagnostics: list[Diagnostic] = []

    def result(self) -> Matching:
        matches = []
        for name, one in self.declared.items():
            if name not in self.broken:
                remote, reason = self.found.get(name, (None, None))
                surplus = self.surplus.get(name, ())
                matches.append(Match(one, remote, reason, self.v1.get(name), surplus))
        return Matching(matches, self.diagnostics, self.claimed)

    def take(self, name: str, remote: Remote, reason: Reason | None) -> None:
        self.found[name] = (remote, reason)
        self.owner[remote.id] = name
        self.claimed.add(remote.id)

    def fail(self, name: str, code: str, summary: str, hint: str) -> None:
        self.broken.add(name)
        span = self.declared[name].span
        self.diagnostics.append(Diagnostic(code, Severity.ERROR, summary, span, hint))

    def by_name(self) -> None:
        for name, one in self.declared.items():
            held = [
                remote
                for remote in self.named.get(name, ())
                if not (remote.is_v1 and remote.id.lower() == one.upgrade_from)
            ]
            self.claimed |= {remote.id for remote in held}
            match held:
                case [remote] if remote.is_v1:
                    self.fail(
                        name,
                        "name-held-by-v1",
                        f"the account has a v1 segment named `{name}`, which cannot be changed",
                        "names are unique in an account: declare another one, or let this segment "
                        f"take its place with `upgrade_from: {{v1_id: {remote.id}}}`, as "
                        "`segctl upgrade` writes it",
                    )
                case [remote]:
                    self.take(name, remote, None)
                case [_, *_] as several:
                    self.fail(
                        name,
                        "ambiguous-name",
                        f"the account has {len(several)} segments named `{name}`",
                        f"rename or delete all but one in SendGrid: {_ids(several)}",
                    )

    def by_upgrade(self) -> None:
        """Find the v1 segments whose places are taken, and what earlier runs made to take them."""
        for name, one in self.declared.items():
            if not one.upgrade_from:
                continue
            old = self.by_id.get(one.upgrade_from)
            if old is not None and old.is_v1:
                self.claimed.add(old.id)
                self.v1[name] = old
            elif old is not None and old.name != name:
                self.fail(
                    name,
                    "upgrade-from-v2",
                    f"`{name}` is to be upgraded from `{old.name}`, which is no v1 segment",
                    "remove `upgrade_from`; to give that one this name, write `previous_names`",
                )
                continue
            half = successors_of(one.upgrade_from, self.half)
            self.claimed |= {remote.id for remote in half}
            if name in self.broken or not half:
                continue
            if name in self.found and name not in self.v1:
                self.surplus[name] = half
            elif name in self.found or len(half) > 1:
                several = [*half, *([self.found[name][0]] if name in self.found else [])]
                self.fail(
                    name,
                    "ambiguous-upgrade",
                    f"the account has {len(several)} segments that may be the upgraded `{name}`: "
                    + ", ".join(f"`{remote.name}`" for remote in several),
                    f"delete or rename all but one in SendGrid: {_ids(several)}",
                )
            else:
                self.take(name, half[0], Reason.RESUMED)

    def by_previous_names(self) -> None:
        """Give each declaration without a segment the one that it was before.

        That one may be another declaration's by name, in the middle of a chain (A is now B, B is
        now C): then the other one must be found by its own previous names.
        """
        waiting = [n for n in self.declared if n not in self.found and n not in self.broken]
        while waiting:
            name = waiting.pop(0)
            candidates, reason = self.candidates(name)
            self.claimed |= {remote.id for remote in candidates}
            if not candidates:
                continue
            if len(candidates) > 1:
                self.fail(
                    name,
                    "ambiguous-previous-name",
                    f"the account has {len(candidates)} segments that `{name}` may have been: "
                    + ", ".join(f"`{remote.name}`" for remote in candidates),
                    f"leave the one name in `previous_names` that is meant ({_ids(candidates)})",
                )
                continue
            (remote,) = candidates
            other = self.owner.get(remote.id)
            if other is not None and not self.moves_on(other, remote):
                self.claimed_twice(name, other, remote)
                continue
            if other is not None:
                del self.found[other]
                waiting.append(other)
            self.take(name, remote, reason)

    def candidates(self, name: str) -> tuple[list[Remote], Reason]:
        """Give what a declaration may have been: the surest kind of evidence that there is."""
        previous = self.declared[name].previous_names
        moving = [one for old in previous for one in find_marked(old, self.marked, Marker.MOVING)]
        if moving:
            return moving, Reason.RESUMED
        # Before the previous names: another segment may have taken one of those since.
        replaced = find_marked(name, self.marked, Marker.OLD)
        if replaced:
            return list(replaced), Reason.RESUMED
        renamed = self.previously(name)
        if renamed:
            return renamed, Reason.RENAMED
        return list(find_marked(name, self.marked, Marker.MOVING)), Reason.RESUMED

    def previously(self, name: str) -> list[Remote]:
        """Give the segments that have one of the previous names; they can be renamed if V2."""
        previous = self.declared[name].previous_names
        return [one for old in previous for one in self.named.get(old, ()) if not one.is_v1]

    def moves_on(self, name: str, remote: Remote) -> bool:
        """Say whether a declaration that has this segment by its name must be another one's."""
        if self.found[name][1] is not None:
            return False
        previous = self.declared[name].previous_names
        moving = [one for old in previous for one in find_marked(old, self.marked, Marker.MOVING)]
        return any(one.id != remote.id for one in [*moving, *self.previously(name)])

    def claimed_twice(self, name: str, other: str, remote: Remote) -> None:
        self.fail(
            name,
            "claimed-twice",
            f"`{name}` and `{other}` both claim the segment `{remote.name}`",
            f"the other one is at {self.declared[other].span}: remove `{remote.name}` from the "
            "`previous_names` of the one that it is not",
        )

    def swaps(self) -> None:
        """Turn rings of declarations that have each other's names (A is now B, B is now A).

        Before and after, the account holds the same names: what tells is what they select.
        """
        step: dict[str, str] = {}
        for name, (_, reason) in self.found.items():
            olds = self.previously(name)
            if reason is None and len(olds) == 1 and olds[0].id in self.owner:
                step[name] = self.owner[olds[0].id]
        done: set[str] = set()
        for start in step:
            ring = [start]
            while ring[-1] in step and step[ring[-1]] not in ring:
                ring.append(step[ring[-1]])
            if step.get(ring[-1]) == start and start not in done:
                done.update(ring)
                self.turn(ring, step)

    def turn(self, ring: list[str], step: dict[str, str]) -> None:
        here = {name: self.found[name][0] for name in ring}
        there = {name: here[step[name]] for name in ring}
        staying, turning = (
            sum(same_audience(self.declared[n].segment, held[n].definition) for n in ring)
            for held in (here, there)
        )
        if staying == len(ring) or (staying and not turning):
            return
        if staying or not turning:
            names = " and ".join(f"`{name}`" for name in ring)
            for name in ring:
                self.fail(
                    name,
                    "unclear-swap",
                    f"{names} have each other's names in `previous_names`, and their queries do "
                    "not tell whether they were swapped already",
                    "remove `previous_names` if they were; if not, swap the names in one change "
                    "and the queries in another",
                )
            return
        for name in ring:
            self.take(name, there[name], Reason.RENAMED)

    def left_behind(self, graves: Collection[str]) -> None:
        """Finish upgrades whose `upgrade_from` was removed before the new segment had its name.

        Without the v1 id the digits in the name prove nothing. So it must be as the file says, and
        all that follows is that it gets its name; what differs is told, and left alone.
        """
        known = self.found.keys() | self.broken
        names = [n for n, one in self.declared.items() if n not in known and not one.upgrade_from]
        for name, half in successors_by_name(names, self.half).items():
            one = half[0]
            if len(half) > 1 or one.id in self.claimed or one.query is None or one.name in graves:
                continue
            if same_audience(self.declared[name].segment, one.definition):
                self.take(name, one, Reason.RESUMED)

    def by_history(self, removals: Iterable[Removal]) -> None:
        """Find removed declarations and new ones that are the same segment under two names."""
        new = [
            one
            for name, one in self.declared.items()
            if name not in self.found and name not in self.broken
        ]
        pairs: dict[str, list[tuple[Removal, Remote]]] = defaultdict(list)
        takers: dict[str, list[str]] = defaultdict(list)
        old = []
        known = {one.name: one for one in removals}
        for removal in known.values() if new else ():
            held = self.named.get(removal.segment.name, ())
            if (
                len(held) == 1
                and removal.segment.name not in self.declared
                and held[0].id not in self.owner
                and is_ours(removal, held[0])
            ):
                old.append((removal, held[0]))
        heirs: dict[str, list[tuple[Removal, Remote]]] = defaultdict(list)
        alike: dict[Hashable, list[tuple[Removal, Remote]]] = defaultdict(list)
        for pair in old:
            heirs[self.heir(pair[0], known)].append(pair)
            alike[audience_key(pair[0].segment)].append(pair)
        for one in new if old else ():
            for pair in heirs.get(one.name) or alike[audience_key(one.segment)]:
                pairs[one.name].append(pair)
                takers[pair[1].id].append(one.name)
        for name, found in pairs.items():
            (removal, remote), *more = found
            self.claimed |= {one.id for _, one in found}
            if more or len(takers[remote.id]) > 1:
                olds = ", ".join(f"`{one.segment.name}`" for one, _ in found)
                self.fail(
                    name,
                    "unclear-rename",
                    f"`{name}` may be {olds} under a new name, and more than one fits",
                    "write `previous_names` in the file that is meant, or turn detection off "
                    "with --no-detect-renames",
                )
                continue
            in_file = self.heir(removal, known) == name
            self.take(name, remote, Reason.RENAMED_IN_FILE if in_file else Reason.SAME_QUERY)

    def heir(self, removal: Removal, known: Mapping[str, Removal]) -> str:
        """Give the declared name to which a name was changed in its file, in one step or more."""
        # Each name on the way was removed after the one before it, so this comes to an end.
        name = removal.successor
        while name in known and name not in self.declared:
            name = known[name].successor
        return name if name in self.declared else ""


def _ids(remotes: Iterable[Remote]) -> str:
    return ", ".join(remote.id for remote in remotes)
