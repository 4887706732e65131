"""What changed between two queries, clause by clause, for people.

Owns the pairing of clauses: which condition of the one became which of the other. Clauses
compare by their normal form, so a cosmetic difference is none. Refuses to judge and to lay out:
the changes are data, `render` finds the words.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.model.clauses import ChangeKind, ClauseChange, ClauseKind
from segctl.query import ast
from segctl.query.parser.parse import ParsedQuery, parse
from segctl.query.parser.tokens import upper
from segctl.query.to_sql import SqlWriter
from segctl.query.visit import walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from segctl.query.ast import Node
    from segctl.query.parser.tokens import Token


def clause_changes(before: str, after: str) -> tuple[ClauseChange, ...]:
    """Tell what changed from one query to another, in the order of the clauses.

    Empty when nothing but the looks changed, and also when segctl cannot read one of them: show
    the lines then.
    """
    old, new = parse(before), parse(after)
    if old.query is None or new.query is None:
        return ()
    writers = SqlWriter.of(old.query), SqlWriter.of(new.query)
    if writers[0].renames != writers[1].renames:
        writers = SqlWriter(), SqlWriter()  # under two naming schemes nothing would look the same
    sides = tuple(_Side(parsed, w) for parsed, w in zip((old, new), writers, strict=True))
    return tuple(_queries(sides[0], old.query, sides[1], new.query, ()))


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two queries: its text, and what writes clauses in normal form."""

    parsed: ParsedQuery
    writer: SqlWriter

    def within(self, query: ast.Query) -> _Side:
        return _Side(self.parsed, self.writer.within(query))

    def shown(self, node: Node) -> str:
        """Return what was written, on one line, without comments."""
        words, end = self.parsed.tokens, node.start
        pieces: list[str] = []
        first = bisect_left(words, node.start, key=_start)  # asked for every clause of a query
        for word in words[first : bisect_left(words, node.end, key=_start)]:
            pieces += [" "] * (word.start > end) + [word.text]
            end = word.end
        return "".join(pieces)


def _start(word: Token) -> int:
    return word.start


@dataclass(frozen=True, slots=True)
class _Clause:
    """A clause with its normal form, and what to recognise it by after a change."""

    node: Node
    form: str
    key: tuple[object, ...]


def _queries(
    one: _Side, old: ast.Query, other: _Side, new: ast.Query, path: tuple[str, ...]
) -> Iterable[ClauseChange]:
    before, after = one.within(old), other.within(new)
    owns = dict(before.writer.called(old)), dict(after.writer.called(new))
    yield from _compare(
        ClauseKind.SELECT,
        path,
        (before, [_selected(before, item) for item in old.select]),
        (after, [_selected(after, item) for item in new.select]),
    )
    yield from _compare(
        ClauseKind.TABLE,
        path,
        (before, [_Clause(s, one.writer.source(s, owns[0]), ("from",)) for s in old.sources]),
        (after, [_Clause(s, other.writer.source(s, owns[1]), ("from",)) for s in new.sources]),
    )
    yield from _compare(
        ClauseKind.JOIN,
        path,
        (before, [_joined(one, before, join, owns[0]) for join in old.joins]),
        (after, [_joined(other, after, join, owns[1]) for join in new.joins]),
    )
    yield from _conditions(before, _operands(old.where), after, _operands(new.where), path)
    yield from _compare(
        ClauseKind.OTHER,
        path,
        (before, [_Clause(extra, extra.text, (extra.kind,)) for extra in old.unsupported]),
        (after, [_Clause(extra, extra.text, (extra.kind,)) for extra in new.unsupported]),
    )


def _selected(side: _Side, item: ast.SelectItem) -> _Clause:
    form = side.writer.item(item)
    return _Clause(item, form, (side.writer.write(item.value),))


def _joined(outer: _Side, side: _Side, join: ast.Join, own: dict[int, str]) -> _Clause:
    name = join.source.name.text if isinstance(join.source, ast.Table) else ""
    return _Clause(join, outer.writer.join(join, side.writer, own), (upper(name),))


def _operands(where: ast.Expression | None) -> list[ast.Expression]:
    """Return the conditions that all have to hold, however they are nested."""
    if where is None:
        return []
    found: list[ast.Expression] = []
    pending = [where]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.And):
            pending.extend(reversed(node.operands))
        else:
            found.append(node)
    return found


def _conditions(
    before: _Side,
    old: Sequence[ast.Expression],
    after: _Side,
    new: Sequence[ast.Expression],
    path: tuple[str, ...],
) -> Iterable[ClauseChange]:
    yield from _compare(
        ClauseKind.CONDITION,
        path,
        (before, [_condition(before, node) for node in old]),
        (after, [_condition(after, node) for node in new]),
    )


def _condition(side: _Side, node: ast.Expression) -> _Clause:
    return _Clause(node, side.writer.write(node), (_family(node), _subject(side, node)))


def _family(node: ast.Expression) -> str:
    """Return what kind of statement a condition makes, coarsely enough to survive an edit."""
    family = type(node).__name__
    match node:
        case ast.Not(operand=operand):
            family = _family(operand)
        case ast.Comparison(op="<" | "<="):
            family = "upper bound"
        case ast.Comparison(op=">" | ">="):
            family = "lower bound"
        case ast.In(items=ast.Subquery()):
            family = "subquery"
        case ast.Comparison() | ast.In():
            family = "value"
        case ast.Call(name=name):
            family = upper(name.text)
        case _:
            pass
    return family


def _subject(side: _Side, node: ast.Expression) -> tuple[str, ...]:
    """Return what a condition speaks of: the columns of the side that is not a value."""
    match node:
        case ast.Not(operand=operand):
            return _subject(side, operand)
        case ast.Or() | ast.And():
            return ()
        case ast.In(operand=operand) | ast.Like(operand=operand) | ast.Between(operand=operand):
            subject: Node = operand
        case ast.Comparison(left=left, right=right):
            subject = left if _columns(side, left) else right
        case _:
            subject = node
    return _columns(side, subject)


def _columns(side: _Side, node: Node) -> tuple[str, ...]:
    found = (n for n in walk(node) if isinstance(n, ast.Column))
    return tuple(dict.fromkeys(side.writer.write(column) for column in found))


def _compare(
    kind: ClauseKind,
    path: tuple[str, ...],
    old: tuple[_Side, list[_Clause]],
    new: tuple[_Side, list[_Clause]],
) -> Iterable[ClauseChange]:
    """Yield the changes between two lists of clauses; equal ones cancel out, once for once."""
    (before, olds), (after, news) = old, new
    gone, come = _without(olds, news), _without(news, olds)
    partners = _partners(gone, come)
    taken = set(partners.values())
    for i, clause in enumerate(gone):
        if i in partners:
            yield from _changed(kind, path, (before, clause), (after, come[partners[i]]))
        else:
            shown = before.shown(clause.node)
            yield ClauseChange(ChangeKind.REMOVED, kind, shown, "", path)
    for j, clause in enumerate(come):
        if j not in taken:
            yield ClauseChange(ChangeKind.ADDED, kind, "", after.shown(clause.node), path)


def _without(clauses: list[_Clause], others: list[_Clause]) -> list[_Clause]:
    left = Counter(clause.form for clause in others)
    kept: list[_Clause] = []
    for clause in clauses:
        if left[clause.form]:
            left[clause.form] -= 1
        else:
            kept.append(clause)
    return kept


def _partners(gone: list[_Clause], come: list[_Clause]) -> dict[int, int]:
    """Pair what went with what came of the same key, in order."""
    waiting: dict[tuple[object, ...], list[int]] = {}
    for j in reversed(range(len(come))):
        waiting.setdefault(come[j].key, []).append(j)
    return {
        i: waiting[clause.key].pop() for i, clause in enumerate(gone) if waiting.get(clause.key)
    }


def _changed(
    kind: ClauseKind,
    path: tuple[str, ...],
    old: tuple[_Side, _Clause],
    new: tuple[_Side, _Clause],
) -> Iterable[ClauseChange]:
    """Yield how one clause became another: from within it where that says more."""
    (before, was), (after, now) = old, new
    match was.node, now.node:
        case ast.Or(operands=olds), ast.Or(operands=news):
            inside = (*path, f"any of {before.shown(was.node)}")
            yield from _conditions(before, olds, after, news, inside)
        case (
            ast.In(items=ast.Subquery(query=one), negated=a, operand=x),
            ast.In(items=ast.Subquery(query=other), negated=b, operand=y),
        ) if (a, before.writer.write(x)) == (b, after.writer.write(y)):
            word = "NOT IN" if a else "IN"
            inside = (*path, f"the subquery of {before.shown(x)} {word}")
            yield from _queries(before, one, after, other, inside)
        case _:
            shown = before.shown(was.node), after.shown(now.node)
            mine, theirs = _items(before, was.node), _items(after, now.node)
            listed = bool(mine) and bool(theirs)
            yield ClauseChange(
                ChangeKind.CHANGED,
                kind,
                *shown,
                path,
                _missing(theirs, mine) if listed else (),
                _missing(mine, theirs) if listed else (),
            )


def _items(side: _Side, node: Node) -> list[tuple[str, str]]:
    """Return the items of the one list in a condition: normal form, and as written."""
    lists: list[tuple[ast.Expression, ...]] = []
    for found in walk(node):
        match found:
            case ast.Array(items=tuple(items)) | ast.In(items=tuple(items)):
                lists.append(items)
    if len(lists) != 1:
        return []
    write: Callable[[ast.Expression], str] = side.writer.write
    return [(write(item), side.shown(item)) for item in lists[0]]


def _missing(items: list[tuple[str, str]], others: list[tuple[str, str]]) -> tuple[str, ...]:
    """Return the items, as written, that the others lack."""
    known = {form for form, _ in others}
    return tuple(shown for form, shown in items if form not in known)
