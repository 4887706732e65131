"""Statements about contacts, and how those that stand together become fewer and truer.

Owns the vocabulary between the conditions of a query (`audience`) and the text (`explain`), the
joining of bounds to ranges, and the words of one statement. Refuses to know SQL.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, TypeAlias, assert_never

from segctl.query.explain.phrases import is_plural, listed, plain, without
from segctl.query.explain.times import when
from segctl.query.parser.tokens import lower

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segctl.model.contact_fields import ListNames
    from segctl.query.explain.events import Event
    from segctl.query.explain.times import Bound


@dataclass(frozen=True, slots=True)
class Fact:
    """`whose` field `predicate`. `trap`: those without a value are left out, and no one says so.

    `unset`: it says that there is no value. `low` and `high` are set where it bounds a number:
    operator and value; `after` and `before` where it bounds a time, `past` if that cannot lie in
    the future. `timed`: the predicate is `is` and a time.
    """

    field: str
    predicate: str
    trap: bool = False
    unset: bool = False
    low: tuple[str, str] | None = None
    high: tuple[str, str] | None = None
    after: Bound | None = None
    before: Bound | None = None
    past: bool = False
    timed: bool = False


@dataclass(frozen=True, slots=True)
class Being:
    """`who …`: a verb in the plural and the rest."""

    text: str


@dataclass(frozen=True, slots=True)
class Holding:
    """`for whom … holds`: a quotation."""

    text: str


@dataclass(frozen=True, slots=True)
class Doing:
    """`who …`: an event that they have, or have not."""

    event: Event
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Statements of which every one holds, or at least one."""

    every: bool
    parts: tuple[Statement, ...]


Statement: TypeAlias = Fact | Being | Holding | Doing | Group


TRIED = 8
"""A bound is tried with so many opposite ones of its field at the most: more are not a range."""

_OPPOSITE = {"low": "high", "high": "low", "after": "before", "before": "after"}
_HAPPENED = {
    "time of creation": "were created",
    "time of the last update": "were last updated",
}


def on_lists(ids: Sequence[str], names: ListNames, *, negated: bool = False) -> str:
    """Say that contacts are on lists: `are on the list “Newsletter”`."""
    known = {lower(key): name for key, name in names.items()}
    shown = [_list_words(one, known) for one in ids]
    if len(ids) == 1:
        return f"are {'not ' if negated else ''}on the list {shown[0]}"
    return f"are on {'none' if negated else 'any'} of the lists {listed(shown)}"


def _list_words(list_id: str, known: ListNames) -> str:
    """Name a list: by its id where its name is not known, and where it has none."""
    name = known.get(lower(list_id), "")
    if name is None:
        return f"{plain(list_id)} (no such list)"
    return f"“{plain(name)}”" if name else plain(list_id)


def be(field: str) -> str:
    """Return the form of "to be" for a field."""
    return "are" if is_plural(field) else "is"


def verb_of(field: str, verb: str, *, no: bool) -> str:
    """Return a verb in its form for a field: `contains`, `do not contain`."""
    if no:
        return f"{'do' if is_plural(field) else 'does'} not {verb}"
    first, _, rest = verb.partition(" ")
    ending = "" if is_plural(field) else "es" if first.endswith("ch") else "s"
    return f"{first}{ending}{' ' + rest if rest else ''}"


def grouped(*, every: bool, parts: Sequence[Statement]) -> Group:
    """Make a group, with the groups of its own kind dissolved in it."""
    flat: list[Statement] = []
    for part in parts:
        flat += part.parts if isinstance(part, Group) and part.every == every else [part]
    return Group(every, tuple(_merged(flat) if every else _with_unset(flat)))


def _merged(parts: list[Statement]) -> list[Statement]:
    """Join a lower and an upper bound of one field; drop warnings that another part makes idle."""
    set_ = {p.field for p in parts if isinstance(p, Fact) and p.predicate in ("is set", "are set")}
    merged: list[Statement] = []
    waiting: dict[tuple[str, str], list[int]] = {}
    for part in parts:
        if not isinstance(part, Fact):
            merged.append(part)
            continue
        side = _side(part)
        others = waiting.get((part.field, _OPPOSITE[side]), []) if side else []
        for number_ in others[:TRIED]:
            joined = _range(merged[number_], part) or _range(part, merged[number_])
            if joined:
                merged[number_] = joined
                others.remove(number_)
                break
        else:
            if side:
                waiting.setdefault((part.field, side), []).append(len(merged))
            merged.append(replace(part, trap=part.trap and part.field not in set_))
    return merged


def _side(fact: Fact) -> str:
    """Return which end of a range a fact is; empty for one that is none."""
    sides = {"low": fact.low, "high": fact.high, "after": fact.after, "before": fact.before}
    return next((side for side, bound in sides.items() if bound), "")


def _range(low: Statement, high: Statement) -> Fact | None:
    if not isinstance(low, Fact) or not isinstance(high, Fact) or low.field != high.field:
        return None
    verb = be(low.field)
    if low.after and high.before and not (low.before or high.after):
        text = when(low.after, high.before, past=low.past)
        if " and " not in text or text.startswith("between"):
            return Fact(low.field, f"{verb} {text}", timed=True)
    if low.low and high.high and not (low.high or high.low):
        start, end = low.low[1], high.high[1]
        if not _less(start, end):
            return None
        notes = {
            (">=", "<="): "", (">", "<="): f" ({start} not included)",
            (">=", "<"): f" ({end} not included)", (">", "<"): " (neither included)",
        }  # fmt: skip
        return Fact(low.field, f"{verb} between {start} and {end}{notes[low.low[0], high.high[0]]}")
    return None


def _less(one: str, other: str) -> bool:
    try:
        return Decimal(one) < Decimal(other)
    except InvalidOperation:
        return False


def _with_unset(parts: list[Statement]) -> list[Statement]:
    """Join `is not US` and `is not set` of one field, which leaves nobody out."""
    unset = {p.field for p in parts if isinstance(p, Fact) and p.unset}
    joined = {p.field for p in parts if isinstance(p, Fact) and p.trap and p.field in unset}
    kept: list[Statement] = []
    for part in parts:
        match part:
            case Fact(field=field, trap=True) if field in joined:
                tail = f" or {be(field)} not set"
                kept.append(replace(part, predicate=part.predicate + tail, trap=False))
            case Fact(field=field, unset=True) if field in joined:
                pass
            case Fact() | Being() | Holding() | Doing() | Group():
                kept.append(part)
            case _:
                assert_never(part)
    return kept


def relative_clause(part: Fact | Being | Holding | Doing, known: str | None = None) -> str:
    """Say a statement after the word "contacts": `whose country is US`."""
    match part:
        case Fact(field=field, predicate=predicate, timed=True) if field in _HAPPENED:
            return f"who {_HAPPENED[field]} {predicate.removeprefix('is ')}"
        case Fact(field=field, predicate=predicate, trap=trap):
            note = f" (not those {without(field)})" if trap else ""
            return f"whose {field} {predicate}{note}"
        case Being(text=text):
            return f"who {text}"
        case Holding(text=text):
            return f"for whom {text} holds"
        case Doing(event=event, negated=negated):
            return f"who {event.said(negated=negated, known=known)}"
        case _:
            assert_never(part)
