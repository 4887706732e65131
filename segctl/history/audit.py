"""The audit: what each commit did to each segment, and which segment had which names.

Decides on renames in history. A name that disappears and a name that appears in the same commit are
one segment if the new one has the old one in `previous_names`, if the same file declared both, or
if their queries are equal. A segment that lists a previous name only later shares its history from
that commit on. Pure; reads the timeline on demand.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import groupby
from typing import TYPE_CHECKING

from segctl.history.commits import SegmentEvent
from segctl.query.equivalence import normal_form
from segctl.query.parser.parse import parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from segctl.history.timeline import Timeline
    from segctl.model import Declared


class Audit:
    """The events of a timeline. The events of a commit are computed when first needed."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._events: dict[int, tuple[SegmentEvent, ...]] = {}

    def events(self) -> Iterator[SegmentEvent]:
        """Yield the events of all segments, newest commit first; reads only what is consumed."""
        for index in reversed(range(len(self._timeline.commits))):
            yield from self._commit_events(index)

    def events_of(self, name: str) -> list[SegmentEvent]:
        """Return the events of every segment that ever had this name, newest commit first.

        A segment stays the same through a rename, and when it is removed and declared again under
        its name. A segment that takes a name after another gave it up does not share its history.
        """
        waiting, seen = [name], {name}
        events: dict[tuple[int, str], SegmentEvent] = {}
        while waiting:
            current = waiting.pop()
            for index, _ in self._timeline.name_timeline(current):
                for event in self._events_at(current, index):
                    events[index, event.name] = event
                    related = {event.old_name, event.name, *_new_claims(event)}
                    related |= self._timeline.claimants(current)
                    waiting += related - seen
                    seen |= related
        return _events_of_bearers(name, [events[key] for key in sorted(events)])

    def _events_at(self, name: str, index: int) -> list[SegmentEvent]:
        """Return what a commit did to the bearers of a name.

        Compares the whole commit only if the name may have come from another one or become one:
        that keeps a commit which imported a whole account fast.
        """
        commit = self._timeline.commits[index]
        before = self._timeline.declared(name, index - 1)
        after = self._timeline.declared(name, index)
        if before is not None and after is not None:
            event = SegmentEvent(commit, before, after)
            if not after.previous_names:
                return [event] if event.changed_fields else []
        elif before is None and not self._timeline.removes_any(index):
            return [SegmentEvent(commit, None, after)]
        return [
            event for event in self._commit_events(index) if name in {event.old_name, event.name}
        ]

    def _commit_events(self, index: int) -> tuple[SegmentEvent, ...]:
        if index not in self._events:
            self._events[index] = tuple(self._compare(index))
        return self._events[index]

    def _compare(self, index: int) -> list[SegmentEvent]:
        """Return the events of a commit, from every segment that it touched."""
        commit, timeline = self._timeline.commits[index], self._timeline
        names = sorted(timeline.touched(index))
        removed = {name: item for name in names if (item := timeline.declared(name, index - 1))}
        added = {name: item for name in names if (item := timeline.declared(name, index))}
        pairs = {name: name for name in removed if name in added}
        pairs |= _declared_renames(removed, added)
        events = [
            SegmentEvent(commit, removed.pop(old), added.pop(new)) for old, new in pairs.items()
        ]
        in_file = {name: timeline.renamed_to(name, index) for name in removed if added}
        events += [
            SegmentEvent(commit, before, after)
            for before, after in _pop_detected_renames(removed, added, in_file)
        ]
        events = [event for event in events if event.changed_fields]
        events += [SegmentEvent(commit, declared, None) for declared in removed.values()]
        events += [SegmentEvent(commit, None, declared) for declared in added.values()]
        return sorted(events, key=lambda event: (event.name, event.after is None))


def _events_of_bearers(name: str, events: list[SegmentEvent]) -> list[SegmentEvent]:
    """Return the events of the segments that ever had a name, newest first.

    Follows each segment through its names; `events` start with the oldest. A segment is identified
    by a number.
    """
    bearers: dict[str, int] = {}
    removed: set[str] = set()
    numbered: list[tuple[SegmentEvent, int]] = []
    next_number = 0
    for _, group in groupby(events, key=lambda event: event.commit.id):
        commit_events = list(group)
        # A commit may give a name to another segment, so look up all bearers before any changes.
        owners = [bearers.get(event.old_name) for event in commit_events]
        for event in commit_events:
            if event.old_name != event.name:
                bearers.pop(event.old_name, None)
            if event.after is None:
                removed.add(event.name)
        for event, owner in zip(reversed(commit_events), reversed(owners), strict=True):
            number = next_number if owner is None else owner
            next_number += owner is None
            if event.after is not None:
                removed.discard(event.name)
            bearers[event.name] = number
            numbered.append((event, number))
        for event in commit_events:
            for old_name in _new_claims(event) & removed & bearers.keys():
                number, merged = bearers[event.name], bearers.pop(old_name)
                bearers = {
                    bearer: number if owner == merged else owner
                    for bearer, owner in bearers.items()
                }
                numbered = [
                    (earlier, number if owner == merged else owner) for earlier, owner in numbered
                ]
    # The events of a commit were added in reverse, so this restores their order.
    wanted = {number for event, number in numbered if event.name == name}
    return [event for event, number in reversed(numbered) if number in wanted]


def _new_claims(event: SegmentEvent) -> set[str]:
    """Return the previous names that a segment lists since this commit, except its last name."""
    if event.after is None:
        return set()
    known = event.before.previous_names if event.before is not None else ()
    return {*event.after.previous_names} - {*known, event.old_name}


def _declared_renames(
    removed: Mapping[str, Declared], added: Mapping[str, Declared]
) -> dict[str, str]:
    """Return the renames in a commit that `previous_names` declare: old name to new name.

    Includes chains and swaps. A claim counts only if no segment ends up with two names and no name
    with two segments. A claim from before the commit, when both names existed, does not count: it
    was meant for an earlier commit.
    """
    renames: dict[str, str] = {}
    for name, declared in added.items():
        known = removed[name].previous_names if name in removed else ()
        for old in declared.previous_names:
            if old in removed and old not in renames and (old not in known or old not in added):
                renames[old] = name
                break
    while True:
        new_names = set(renames.values())
        invalid = [
            old
            for old, new in renames.items()
            if (old in added and old not in new_names) or (new in removed and new not in renames)
        ]
        if not invalid:
            return renames
        for old in invalid:
            del renames[old]


def _pop_detected_renames(
    removed: dict[str, Declared], added: dict[str, Declared], in_file: Mapping[str, str]
) -> list[tuple[Declared, Declared]]:
    """Remove from both the pairs that are one segment: by their file, then by an equal query."""
    pairs = [(removed.pop(old), added.pop(new)) for old, new in in_file.items() if new in added]
    by_query: dict[str, list[str]] = defaultdict(list)
    for name, declared in added.items() if removed else ():
        by_query[_query_key(declared)].append(name)
    for name, declared in [*removed.items()] if by_query else ():
        matches = by_query[_query_key(declared)]
        if matches:
            pairs.append((removed.pop(name), added.pop(matches.pop(0))))
    return pairs


def _query_key(declared: Declared) -> str:
    """Return a text that is equal for two queries where `equivalence` finds them equal."""
    text = declared.segment.query.strip()
    query = parse(text).query
    return f"normal {normal_form(query)}" if query else f"text {text}"
