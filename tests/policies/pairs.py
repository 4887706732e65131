"""Pairs of a query and a condition: any two, and those where one implies the other as written."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import strategies as st

from tests.audience import worlds

_TEXTS = st.sampled_from(worlds.TEXT_COLUMNS)
_NUMBERS = st.sampled_from(worlds.NUMBER_COLUMNS)
_TIMES = st.sampled_from(worlds.TIME_COLUMNS)
_AMOUNTS = st.sampled_from(["-1", "0", "1", "2.5", "3", "500", "500.01"])
_SPANS = st.sampled_from([0, 1, 7, 14, 30, 90, 180, 365])
_DATES = st.sampled_from(["2024-02-29", "2025-01-01", "2026-02-28", "2026-03-01"])
_LISTS = st.lists(st.sampled_from(worlds.LISTS), min_size=1, max_size=3, unique=True)


def _items(texts: list[str]) -> str:
    return ", ".join("'" + text.replace("\\", "\\\\").replace("'", "''") + "'" for text in texts)


def _choices(least: int) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(worlds.TEXTS), min_size=least, max_size=5, unique=True)


@st.composite
def _subset_of_in(draw: st.DrawFn) -> tuple[str, str]:
    column, texts = draw(_TEXTS), draw(_choices(2))
    some = draw(st.lists(st.sampled_from(texts), min_size=1, unique=True))
    if len(some) == 1 and draw(st.booleans()):
        return f"{column} = {_items(some)}", f"{column} IN ({_items(texts)})"
    if draw(st.booleans()):
        return f"{column} NOT IN ({_items(texts)})", f"{column} NOT IN ({_items(some)})"
    return f"{column} IN ({_items(some)})", f"{column} IN ({_items(texts)})"


@st.composite
def _narrower_range(draw: st.DrawFn) -> tuple[str, str]:
    operator = draw(st.sampled_from(["<", "<=", ">", ">="]))
    kind = draw(st.integers(0, 2))
    if kind == 0:
        column = draw(_NUMBERS)
        low, high = sorted((draw(_AMOUNTS), draw(_AMOUNTS)), key=Decimal)
    elif kind == 1:
        column = draw(_TIMES)
        low, high = (f"'{text}'" for text in sorted((draw(_DATES), draw(_DATES))))
    else:
        column = draw(_TIMES)
        spans = sorted((draw(_SPANS), draw(_SPANS)), reverse=True)
        forms = "now() - {} days", "timestampadd(day, -{}, CURRENT_TIMESTAMP)"
        low, high = (draw(st.sampled_from(forms)).format(span) for span in spans)
    narrow, wide = (high, low) if operator[0] == ">" else (low, high)
    wider = f"{operator[0]}=" if draw(st.booleans()) else operator
    return f"{column} {operator} {narrow}", f"{column} {wider} {wide}"


@st.composite
def _between(draw: st.DrawFn) -> tuple[str, str]:
    column = draw(_NUMBERS)
    low, high = sorted((draw(_AMOUNTS), draw(_AMOUNTS)), key=Decimal)
    whole = f"{column} BETWEEN {low} AND {high}"
    parts = f"({high} >= {column} AND NOT ({column} < {low}))"
    return draw(st.sampled_from([(whole, parts), (parts, whole)]))


@st.composite
def _fewer_lists(draw: st.DrawFn) -> tuple[str, str]:
    column, items = draw(st.sampled_from(worlds.LIST_COLUMNS)), draw(_LISTS)
    some = draw(st.lists(st.sampled_from(items), min_size=1, unique=True))
    contains = f"array_contains({column}, [{{}}])"
    if draw(st.booleans()):
        return "NOT " + contains.format(_items(items)), "NOT " + contains.format(_items(some))
    return contains.format(_items(some)), contains.format(_items(items))


_ATOMS = worlds._of_contact("") | worlds._subqueries
_CONDITIONS = worlds.conditions(_ATOMS)
_WINDOWS = st.builds(sorted, st.tuples(_SPANS, _SPANS))
_CLICKED = (
    "contact_id {}IN (SELECT e.contact_id FROM event_data e WHERE e.event_type = 'click'"
    " AND e.timestamp >= now() - {} days)"
)
_SHAPES: dict[str, st.SearchStrategy[tuple[str, str]]] = {
    "extra conjunct": st.builds(
        lambda first, second: (f"{first} AND ({second})", first), _ATOMS, _CONDITIONS
    ),
    "narrower range": _narrower_range(),
    "subset of IN": _subset_of_in(),
    "reordered": st.builds(
        lambda a, b, c: (f"({a}) AND ({b} OR {c})", f"({c} OR {b}) AND ({a})"),
        _CONDITIONS, _ATOMS, _ATOMS,
    ),
    "double negation": st.builds(
        lambda text: (f"NOT (NOT ({text}))", text), _CONDITIONS
    ),
    "de Morgan": st.builds(
        lambda a, b: (f"NOT ({a} OR {b})", f"NOT ({a}) AND NOT ({b})"), _ATOMS, _ATOMS
    ),
    "BETWEEN": _between(),
    "wider OR": st.builds(lambda a, b: (f"({a})", f"{b} OR ({a})"), _CONDITIONS, _ATOMS),
    "lists": _fewer_lists(),
    "shorter window": _WINDOWS.map(
        lambda days: (_CLICKED.format("", days[0]), _CLICKED.format("", days[1]))
    ),
    "longer window": _WINDOWS.map(
        lambda days: (_CLICKED.format("NOT ", days[1]), _CLICKED.format("NOT ", days[0]))
    ),
    "not NULL": st.builds(
        lambda column, text: (f"{column} != {text}", f"{column} IS NOT NULL"),
        _TEXTS, worlds.text_literals,
    ),
}  # fmt: skip
_WRAPPERS = (worlds.S, worlds.S, worlds.S.format("({}) AND updated_at IS NOT NULL"))


@st.composite
def implied(draw: st.DrawFn) -> tuple[str, str, str]:
    """A shape, and a query of which every contact fulfils a condition, by construction."""
    shape = draw(st.sampled_from([*_SHAPES]))
    narrow, wide = draw(_SHAPES[shape])
    return shape, draw(st.sampled_from(_WRAPPERS)).format(narrow), wide


any_two = st.tuples(worlds.queries, st.one_of(_ATOMS, _ATOMS.map("NOT ({})".format), _CONDITIONS))
"""A query and a condition that may have nothing to do with each other."""

related = st.one_of(
    implied().map(lambda pair: pair[1:]),
    # The other way round, most are not implied.
    st.sampled_from([*_SHAPES]).flatmap(lambda shape: _SHAPES[shape]).map(
        lambda pair: (worlds.S.format(pair[1]), pair[0])
    ),
)  # fmt: skip
