"""The matches between declarations and segments of the account while the rules find them.

Has the bookkeeping: who claims which segment, and which declarations are in error. The rules are in
`matching` and `renames`. Pure.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from segctl.errors import Diagnostic, Severity
from segctl.planning.temporary_names import is_marked, looks_like_successor

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from segctl.model import Declared, Reason, Remote
    from segctl.model.proof import Proof
    from segctl.planning.hand_renames import HandRename
    from segctl.planning.ownership import Removal


@dataclass(frozen=True, slots=True)
class Match:
    """A declaration and its segment, `None` where the account has none.

    `reason` says why a segment with another name matches, and is `None` where the names are equal.
    `v1` is the existing v1 segment that it is upgraded from. `surplus` are successors that are not
    needed any more: another run finished first. `proof` is what git shows of a rename that it
    decides.
    """

    declared: Declared
    remote: Remote | None
    reason: Reason | None = None
    v1: Remote | None = None
    surplus: tuple[Remote, ...] = ()
    proof: Proof | None = None


@dataclass(slots=True)
class Matching:
    """The matches, in the order of the declarations. Declarations in error have none.

    `claimed` has the ids of all segments that a declaration claims, even where the claim is an
    error: they must not be deleted or imported. `unclear_hand_renames` are declarations without a
    match that may have a segment under a name that someone gave to it by hand. `displaced` maps the
    ids of segments that must free their name for another one to the removals that prove them ours.
    """

    matches: list[Match] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    claimed: set[str] = field(default_factory=set)
    unclear_hand_renames: list[HandRename] = field(default_factory=list)
    displaced: dict[str, Removal] = field(default_factory=dict)


class MatchState:
    """The declarations, the account by name and id, and the matches so far.

    `matches` maps a declared name to its segment and the reason of the match; `owners` maps the id
    of a segment to the declared name. `claimed` is as in `Matching`; `failed` has the names of the
    declarations in error.
    """

    def __init__(self, declared: Sequence[Declared], remotes: Sequence[Remote]) -> None:
        self.declared = {item.name: item for item in declared}
        # There are few, if any: a search of all segments per declaration would be quadratic.
        self.marked = [remote for remote in remotes if is_marked(remote)]
        self.successors = [remote for remote in remotes if looks_like_successor(remote)]
        self.by_id = {remote.id.lower(): remote for remote in remotes}
        self.by_name: dict[str, list[Remote]] = defaultdict(list)
        for remote in remotes:
            self.by_name[remote.name].append(remote)
        self.matches: dict[str, tuple[Remote, Reason | None]] = {}
        self.owners: dict[str, str] = {}
        self.v1_segments: dict[str, Remote] = {}
        self.surplus: dict[str, tuple[Remote, ...]] = {}
        self.proofs: dict[str, Proof | None] = {}
        self.claimed: set[str] = set()
        self.unclear_hand_renames: list[HandRename] = []
        self.displaced: dict[str, Removal] = {}
        self.failed: set[str] = set()
        self.diagnostics: list[Diagnostic] = []

    def is_open(self, name: str) -> bool:
        """Return whether a declaration has neither a match nor an error."""
        return name not in self.matches and name not in self.failed

    def missing(self) -> tuple[Declared, ...]:
        """Return the open declarations, except those that a v1 segment is upgraded to."""
        return tuple(
            declared
            for name, declared in self.declared.items()
            if self.is_open(name) and name not in self.v1_segments
        )

    def claim(self, name: str, remote: Remote, reason: Reason | None) -> None:
        """Match a declaration with a segment."""
        self.matches[name] = (remote, reason)
        self.owners[remote.id] = name
        self.claimed.add(remote.id)

    def reserve(self, remotes: Iterable[Remote]) -> None:
        """Mark segments as claimed without a match."""
        self.claimed.update(remote.id for remote in remotes)

    def fail(
        self, name: str, code: str, summary: str, hint: str, others: Iterable[str] = ()
    ) -> None:
        """Report an error of a declaration, which then has no match.

        `others` are the names of other segments that it is about.
        """
        self.failed.add(name)
        self.diagnostics.append(
            Diagnostic(
                code,
                Severity.ERROR,
                summary,
                self.declared[name].span,
                hint,
                names=(name, *others),
            )
        )

    def result(self) -> Matching:
        """Return the matches of all declarations without an error."""
        matches = []
        for name, declared in self.declared.items():
            if name not in self.failed:
                remote, reason = self.matches.get(name, (None, None))
                v1_segment, surplus = self.v1_segments.get(name), self.surplus.get(name, ())
                proof = self.proofs.get(name)
                matches.append(Match(declared, remote, reason, v1_segment, surplus, proof))
        return Matching(
            matches, self.diagnostics, self.claimed, self.unclear_hand_renames, self.displaced
        )


def join_ids(remotes: Iterable[Remote]) -> str:
    """Return the ids of segments, for a message."""
    return ", ".join(remote.id for remote in remotes)


def join_names(names: Iterable[str], separator: str = ", ") -> str:
    """Return names in backticks, for a message."""
    return separator.join(f"`{name}`" for name in names)
