"""The comparison of two accounts: what one holds that the other does not, and what is meant so.

Segments match by the file that declares them for both targets, else by name. Lists and Single Sends
compare by name, since their ids differ between accounts. What the files declare differently for the
two targets is told apart from what one account lacks. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from segctl.model import Delete, Segment
from segctl.model.differences import STATUS, Difference, DifferenceKind, Side
from segctl.model.values import ReferenceKind
from segctl.planning.equality import changed_fields
from segctl.planning.promotion import by_source
from segctl.query.diff import clause_changes
from segctl.query.equivalence import Equivalence, compare_queries
from segctl.query.list_ids import LIST_IDS
from segctl.query.references import find_references, literal, with_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from segctl.model import Declared, Plan, Remote, Snapshot
    from segctl.model.clauses import ClauseChange


SINGLE_SEND_ID = "singlesend_id"
"""The key of events with the id of a Single Send (sendgrid-api.md §6)."""


@dataclass(frozen=True, slots=True)
class Holding:
    """A segment on one account: as the files declare it, and as the account holds it."""

    declared: Declared | None = None
    remote: Remote | None = None

    @property
    def name(self) -> str:
        """The declared name, else that on the account, else nothing."""
        item = self.declared or self.remote
        return "" if item is None else item.name

    @property
    def definition(self) -> Segment:
        """The definition on the account. Raises `ValueError` where it was not read."""
        if self.remote is None:
            raise ValueError("the account does not hold the segment")
        return self.remote.definition

    def off(self) -> tuple[str, ...]:
        """Return the fields in which the account differs from the files."""
        if self.declared is None or self.remote is None:
            return ()
        return changed_fields(self.remote.definition, self.declared.segment)


@dataclass(frozen=True, slots=True)
class AccountState:
    """One of two accounts: its declared segments by file and instance, and the others by name.

    `removed` are the names of segments whose files were removed. `names` are those of the lists and
    the Single Sends of the account by kind and id.
    """

    declared: Mapping[str, Holding]
    others: Mapping[str, Remote]
    removed: frozenset[str] = frozenset()
    names: Mapping[ReferenceKind, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, declared: Iterable[Declared], plan: Plan, snapshot: Snapshot) -> AccountState:
        """Return the state of an account by its plan, which matches declarations and segments."""
        remotes = {remote.id: remote for remote in snapshot.remotes}
        ids = {keep.span.source: keep.id for keep in plan.kept}
        # A segment that takes two steps is the same in both.
        for change in plan.changes:
            if not isinstance(change, Delete) and change.id is not None:
                ids[change.span.source] = change.id
        removed = {change.id for change in plan.changes if isinstance(change, Delete)}
        undeclared = removed | {ignored.id for ignored in plan.ignored}
        return cls(
            {
                source: Holding(segment, remotes.get(ids.get(source, "")))
                for source, segment in by_source(declared).items()
            },
            {
                remote.name: remote
                for remote in snapshot.remotes
                if remote.id in undeclared and not remote.is_v1
            },
            frozenset(remotes[id_].name for id_ in removed if id_ in remotes),
        )


class AccountComparison:
    """The comparison of the account to promote from, `source`, with the one to promote to.

    `everything` compares the segments that no file declares as well, by their names.
    """

    def __init__(
        self, source: AccountState, destination: AccountState, *, everything: bool = False
    ) -> None:
        self._source, self._destination = source, destination
        unmatched = _unmatched(source, destination), _unmatched(destination, source)
        names = source.removed | destination.removed
        names |= {name for side in unmatched for name, item in side.items() if item.declared}
        if everything:
            names |= unmatched[0].keys() | unmatched[1].keys()
        self.left_out = len(unmatched[0].keys() - names), len(unmatched[1].keys() - names)
        self.pairs = (
            *(
                (holding, destination.declared[place])
                for place, holding in source.declared.items()
                if place in destination.declared
            ),
            *(
                (unmatched[0].get(name, Holding()), unmatched[1].get(name, Holding()))
                for name in sorted(names)
            ),
        )

    def differences(self) -> tuple[tuple[Difference, ...], int]:
        """Return the differences in the order of names, and how many segments do not differ.

        The segments of `pairs` that both accounts hold need their definitions.
        """
        differences, same = [], 0
        for source, destination in self.pairs:
            if source.remote is None and destination.remote is None:
                continue
            difference = self._compare(source, destination)
            if difference is None:
                same += 1
            else:
                differences.append(difference)
        return tuple(sorted(differences, key=lambda item: item.name)), same

    def _compare(self, source: Holding, destination: Holding) -> Difference | None:
        declared = destination.declared or source.declared
        name = (destination if destination != Holding() else source).name
        difference = Difference(
            DifferenceKind.CHANGED,
            name,
            _side(source, self._source),
            _side(destination, self._destination),
            is_removed=declared is None
            and name in self._source.removed | self._destination.removed,
            span=None if declared is None else declared.span,
        )
        if source.remote is not None and destination.remote is not None:
            return self._changed(difference, source, destination)
        absent, present = (source, destination) if source.remote is None else (destination, source)
        return replace(
            difference,
            kind=DifferenceKind.EXTRA if absent is source else DifferenceKind.MISSING,
            is_declared=present.declared is not None and absent.declared is None,
        )

    def _changed(
        self, difference: Difference, source: Holding, destination: Holding
    ) -> Difference | None:
        """Return the difference of a segment that both accounts hold, `None` if there is none."""
        held = self._differing(source.definition, destination.definition)
        verdicts = difference.source.validation, difference.destination.validation
        status = () if verdicts[0] is verdicts[1] else (STATUS,)
        rest = held
        if source.declared is not None and destination.declared is not None:
            meant = self._differing(source.declared.segment, destination.declared.segment)
            off = {*source.off(), *destination.off()}
            rest = {
                name: left
                for name, clauses in held.items()
                if name in off
                and (
                    (left := tuple(item for item in clauses if item not in meant.get(name, ())))
                    or not clauses
                )
            }
        if not held and not status:
            return None
        is_declared = not rest and not status
        shown = held if is_declared else rest
        return replace(
            difference,
            changed_fields=(*shown, *status),
            clauses=shown.get("query_dsl", ()),
            is_declared=is_declared,
        )

    def _differing(
        self, source: Segment, destination: Segment
    ) -> dict[str, tuple[ClauseChange, ...]]:
        """Return the fields in which two definitions differ, with the clauses of the query."""
        first, second = _named(source, self._source), _named(destination, self._destination)
        if any(any(find_references(item.query)) for item in (source, destination)):
            # SendGrid knows none: it must not look like a name in place of an id.
            first = replace(first, query=source.query)
            second = replace(second, query=destination.query)
        differing: dict[str, tuple[ClauseChange, ...]] = {}
        if first.name != second.name:
            differing["name"] = ()
        if compare_queries(first.query, second.query, references=True) is Equivalence.DIFFERENT:
            differing["query_dsl"] = clause_changes(second.query, first.query, references=True)
        if set(first.parent_list_ids) != set(second.parent_list_ids):
            differing["parent_list_ids"] = ()
        return differing


def _unmatched(state: AccountState, other: AccountState) -> dict[str, Holding]:
    """Return the segments of an account that no file declares for both, by name."""
    return {
        **{name: Holding(None, remote) for name, remote in state.others.items()},
        **{
            holding.name: holding
            for place, holding in state.declared.items()
            if place not in other.declared
        },
    }


def _side(holding: Holding, state: AccountState) -> Side:
    declared, remote = holding.declared, holding.remote
    if remote is None:
        return Side(is_as_declared=None if declared is None else False)
    return Side(
        remote.id,
        None if remote.query is None else _named(remote.definition, state),
        remote.validation,
        remote.validation_error,
        None if declared is None else not holding.off(),
    )


def _named(definition: Segment, state: AccountState) -> Segment:
    """Return a definition with names in place of ids."""
    lists = state.names.get(ReferenceKind.LIST, {})
    parents = (list_id.lower() for list_id in definition.parent_list_ids)
    return Segment(
        definition.name,
        with_names(definition.query, state.names),
        tuple(
            f"@{ReferenceKind.LIST}({literal(lists[list_id])})" if list_id in lists else list_id
            for list_id in parents
        ),
    )


def uses_ids(pairs: Iterable[tuple[Holding, Holding]]) -> frozenset[ReferenceKind]:
    """Return the kinds of ids in segments that look different, whose names are then needed."""
    kinds = set()
    for pair in pairs:
        remotes = [holding.remote for holding in pair if holding.remote is not None]
        held = [remote.definition for remote in remotes if remote.query is not None]
        if len(held) == len(pair) and held[0] == held[1]:
            continue
        for definition in held:
            if definition.parent_list_ids or LIST_IDS in definition.query.lower():
                kinds.add(ReferenceKind.LIST)
            if SINGLE_SEND_ID in definition.query.lower():
                kinds.add(ReferenceKind.SINGLE_SEND)
    return frozenset(kinds)
