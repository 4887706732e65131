"""The audit: what each commit did to each segment, and which segment was which under other names.

Owns renames. A name that went and a name that came in the same commit are one segment where the
new one says so in `previous_names`, where the same file declared both, or where their queries are
equal. A name that says only later what it was before has that one's past from then on.
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
    """Tells the events of a past, working out each commit's when it is first asked for."""

    def __init__(self, past: Timeline) -> None:
        self._past = past
        self._events: dict[int, tuple[SegmentEvent, ...]] = {}

    def events(self) -> Iterator[SegmentEvent]:
        """Give what happened to all segments, newest commit first; reads no further than asked."""
        for index in reversed(range(len(self._past.commits))):
            yield from self._commit_events(index)

    def events_of(self, name: str) -> list[SegmentEvent]:
        """Give what happened to every segment that ever bore this name, newest commit first.

        A segment that is renamed stays the same one; one that is removed and declared again under
        its name, too. One that takes a name after another gave it up does not share its past.
        """
        wanted, known = [name], {name}
        found: dict[tuple[int, str], SegmentEvent] = {}
        while wanted:
            one = wanted.pop()
            for index, _ in self._past.line(one):
                for event in self._events_at(one, index):
                    found[index, event.name] = event
                    near = {event.old_name, event.name, *_claims(event)}
                    near |= self._past.claimants(one)
                    wanted += near - known
                    known |= near
        return _lineages(name, [found[key] for key in sorted(found)])

    def _events_at(self, name: str, index: int) -> list[SegmentEvent]:
        """Give what a commit did to the bearers of a name, without a look at what else it did.

        That is needed only where the name may have come from another one or gone to one: a commit
        that imported a whole account is quickly told.
        """
        commit = self._past.commits[index]
        before, after = self._past.declared(name, index - 1), self._past.declared(name, index)
        if before is not None and after is not None:
            event = SegmentEvent(commit, before, after)
            if not after.previous_names:
                return [event] if event.changed_fields else []
        elif before is None and not self._past.took_away(index):
            return [SegmentEvent(commit, None, after)]
        return [one for one in self._commit_events(index) if name in {one.old_name, one.name}]

    def _commit_events(self, index: int) -> tuple[SegmentEvent, ...]:
        if index not in self._events:
            self._events[index] = tuple(self._compare(index))
        return self._events[index]

    def _compare(self, index: int) -> list[SegmentEvent]:
        """Compare every segment that a commit touched with what it was before."""
        commit, past = self._past.commits[index], self._past
        names = sorted(past.touched(index))
        gone = {name: one for name in names if (one := past.declared(name, index - 1))}
        come = {name: one for name in names if (one := past.declared(name, index))}
        pairs = {name: name for name in gone if name in come} | _said(gone, come)
        events = [SegmentEvent(commit, gone.pop(old), come.pop(new)) for old, new in pairs.items()]
        successors = {name: past.renamed_to(name, index) for name in gone if come}
        events += [SegmentEvent(commit, *pair) for pair in _found(gone, come, successors)]
        events = [event for event in events if event.changed_fields]
        events += [SegmentEvent(commit, one, None) for one in gone.values()]
        events += [SegmentEvent(commit, None, one) for one in come.values()]
        return sorted(events, key=lambda event: (event.name, event.after is None))


def _lineages(name: str, events: list[SegmentEvent]) -> list[SegmentEvent]:
    """Follow each segment through its names, oldest event first; give those that bore `name`."""
    bearers: dict[str, int] = {}
    gone: set[str] = set()
    found: list[tuple[SegmentEvent, int]] = []
    pasts = 0
    for _, group in groupby(events, key=lambda event: event.commit.id):
        same = list(group)
        # Another one may take a name in the commit that takes it from its bearer: first look up.
        owners = [bearers.get(event.old_name) for event in same]
        for event in same:
            if event.old_name != event.name:
                bearers.pop(event.old_name, None)
            if event.after is None:
                gone.add(event.name)
        for event, owner in zip(reversed(same), reversed(owners), strict=True):
            past = pasts if owner is None else owner
            pasts += owner is None
            if event.after is not None:
                gone.discard(event.name)
            bearers[event.name] = past
            found.append((event, past))
        for event in same:
            for old in _claims(event) & gone & bearers.keys():
                past, other = bearers[event.name], bearers.pop(old)
                bearers |= {one: past for one, held in bearers.items() if held == other}
                found = [(one, past if held == other else held) for one, held in found]
    # Within a commit they are turned round once more.
    wanted = {past for event, past in found if event.name == name}
    return [event for event, past in reversed(found) if past in wanted]


def _claims(event: SegmentEvent) -> set[str]:
    """Give the other names that a segment says since this commit that it had before."""
    if event.after is None:
        return set()
    known = event.before.previous_names if event.before is not None else ()
    return {*event.after.previous_names} - {*known, event.old_name}


def _said(gone: Mapping[str, Declared], come: Mapping[str, Declared]) -> dict[str, str]:
    """Pair names before a commit with names after it that claim them: renames, chains and swaps.

    A claim holds only where it leaves no segment with two names and no name with two segments. One
    that stood before, when both names did, was meant for another commit.
    """
    said: dict[str, str] = {}
    for name, one in come.items():
        known = gone[name].previous_names if name in gone else ()
        for old in one.previous_names:
            if old in gone and old not in said and (old not in known or old not in come):
                said[old] = name
                break
    while True:
        news = set(said.values())
        vain = [
            old
            for old, new in said.items()
            if (old in come and old not in news) or (new in gone and new not in said)
        ]
        if not vain:
            return said
        for old in vain:
            del said[old]


def _found(
    gone: dict[str, Declared], come: dict[str, Declared], successors: Mapping[str, str]
) -> list[tuple[Declared, Declared]]:
    """Take out of both what is one segment: first by their file, then by an equal query."""
    pairs = [(gone.pop(old), come.pop(new)) for old, new in successors.items() if new in come]
    waiting: dict[str, list[str]] = defaultdict(list)
    for name, one in come.items() if gone else ():
        waiting[_meaning(one)].append(name)
    for name, one in [*gone.items()] if waiting else ():
        same = waiting[_meaning(one)]
        if same:
            pairs.append((gone.pop(name), come.pop(same.pop(0))))
    return pairs


def _meaning(one: Declared) -> str:
    """Give a text that is equal for two queries exactly where `normal.equivalent` says so."""
    text = one.segment.query.strip()
    query = parse(text).query
    return f"normal {normal_form(query)}" if query else f"text {text}"
