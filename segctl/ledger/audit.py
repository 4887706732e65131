"""The audit: what each commit did to each segment, and which segment was which under other names.

Owns renames. A name that went and a name that came in the same commit are one segment where the
same file declared both, or where their queries are equal.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import groupby
from typing import TYPE_CHECKING

from segctl.ledger.commits import Event
from segctl.query.normal import normal
from segctl.query.parse import parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from segctl.ledger.past import Past
    from segctl.model import Declared


class Audit:
    """Tells the events of a past, working out each commit's when it is first asked for."""

    def __init__(self, past: Past) -> None:
        self._past = past
        self._events: dict[int, tuple[Event, ...]] = {}

    def events(self) -> Iterator[Event]:
        """Give what happened to all segments, newest commit first; reads no further than asked."""
        for index in reversed(range(len(self._past.commits))):
            yield from self._commit_events(index)

    def events_of(self, name: str) -> list[Event]:
        """Give what happened to every segment that ever bore this name, newest commit first.

        A segment that is renamed stays the same one; one that is removed and declared again under
        its name, too. One that takes a name after another gave it up does not share its past.
        """
        wanted, known = [name], {name}
        found: dict[tuple[int, str], Event] = {}
        while wanted:
            one = wanted.pop()
            for index, _ in self._past.line(one):
                for event in self._events_at(one, index):
                    found[index, event.name] = event
                    both = {event.old_name, event.name}
                    wanted += both - known
                    known |= both
        return _lineages(name, [found[key] for key in sorted(found)])

    def _events_at(self, name: str, index: int) -> list[Event]:
        """Give what a commit did to the bearers of a name, without a look at what else it did.

        That is needed only where the name may have come from another one or gone to one: a commit
        that imported a whole account is quickly told.
        """
        commit = self._past.commits[index]
        before, after = self._past.declared(name, index - 1), self._past.declared(name, index)
        if before is not None and after is not None:
            event = Event(commit, before, after)
            return [event] if event.changed_fields else []
        if before is None and not self._past.took_away(index):
            return [Event(commit, None, after)]
        return [one for one in self._commit_events(index) if name in {one.old_name, one.name}]

    def _commit_events(self, index: int) -> tuple[Event, ...]:
        if index not in self._events:
            self._events[index] = tuple(self._compare(index))
        return self._events[index]

    def _compare(self, index: int) -> list[Event]:
        """Compare every segment that a commit touched with what it was before."""
        commit = self._past.commits[index]
        gone, come, events = [], [], []
        for name in sorted(self._past.touched(index)):
            before = self._past.declared(name, index - 1)
            after = self._past.declared(name, index)
            if before is not None and after is not None:
                event = Event(commit, before, after)
                if event.changed_fields:
                    events.append(event)
            elif before is not None:
                gone.append(before)
            elif after is not None:
                come.append(after)
        pairs = _renames(gone, come)
        events += [Event(commit, before, after) for before, after in pairs]
        left = {one.name for pair in pairs for one in pair}
        events += [Event(commit, one, None) for one in gone if one.name not in left]
        events += [Event(commit, None, one) for one in come if one.name not in left]
        return sorted(events, key=lambda event: (event.name, event.after is None))


def _lineages(name: str, events: list[Event]) -> list[Event]:
    """Follow each segment through its names, oldest event first; give those that bore `name`."""
    bearers: dict[str, int] = {}
    found: list[tuple[Event, int]] = []
    pasts = 0
    for _, group in groupby(events, key=lambda event: event.commit.id):
        same = list(group)
        # Another one may take a name in the commit that takes it from its bearer: first look up.
        owners = [bearers.get(event.old_name) for event in same]
        for event in same:
            if event.old_name != event.name:
                bearers.pop(event.old_name, None)
        for event, owner in zip(reversed(same), reversed(owners), strict=True):
            past = pasts if owner is None else owner
            pasts += owner is None
            bearers[event.name] = past
            found.append((event, past))
    # Within a commit they are turned round once more.
    wanted = {past for event, past in found if event.name == name}
    return [event for event, past in reversed(found) if past in wanted]


def _renames(gone: Sequence[Declared], come: Sequence[Declared]) -> list[tuple[Declared, Declared]]:
    """Pair names that went with names that came: by their file, else by an equal query."""
    if not (gone and come):
        return []
    files = {one.file: one for one in come}
    pairs = [(one, files[one.file]) for one in gone if one.file in files]
    taken = {one.name for pair in pairs for one in pair}
    waiting: dict[str, list[Declared]] = defaultdict(list)
    for one in come:
        if one.name not in taken:
            waiting[_meaning(one)].append(one)
    for one in gone if waiting else ():
        same = [] if one.name in taken else waiting[_meaning(one)]
        if same:
            pairs.append((one, same.pop(0)))
    return pairs


def _meaning(one: Declared) -> str:
    """Give a text that is equal for two queries exactly where `normal.equivalent` says so."""
    text = one.segment.query.strip()
    query = parse(text).query
    return f"normal {normal(query)}" if query else f"text {text}"
