"""The changed clauses between two queries, for people.

Pairs the clauses of the old query with those of the new one. Clauses compare by their normal form,
so a cosmetic difference does not count as a change. Does not word or lay out the changes:
`render` does.
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
from segctl.query.windows import window_change

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from segctl.query.ast import Node
    from segctl.query.parser.tokens import Token


def clause_changes(
    before: str, after: str, *, references: bool = False
) -> tuple[ClauseChange, ...]:
    """Return what changed from one query to another, in the order of the clauses.

    Empty if the change is only cosmetic, and also if segctl cannot read one of the queries:
    callers should then show a diff of the lines. `references` are as in `parse`.
    """
    old, new = (parse(text, references=references) for text in (before, after))
    if old.query is None or new.query is None:
        return ()
    writers = SqlWriter.for_query(old.query), SqlWriter.for_query(new.query)
    if writers[0].renames != writers[1].renames:
        writers = SqlWriter(), SqlWriter()  # under two naming schemes no clauses would be equal
    sides = _Side(old, writers[0]), _Side(new, writers[1])
    return tuple(_diff_queries(sides[0], old.query, sides[1], new.query, ()))


@dataclass(frozen=True, slots=True)
class _Side:
    """One of the two queries: its source, and the writer of its normal form."""

    parsed: ParsedQuery
    writer: SqlWriter

    def within(self, query: ast.Query) -> _Side:
        return _Side(self.parsed, self.writer.within(query))

    def source_of(self, node: Node) -> str:
        """Return a node as written, on one line, without comments."""
        tokens, end = self.parsed.tokens, node.start
        pieces: list[str] = []
        first = bisect_left(tokens, node.start, key=_start)  # called for every changed clause
        for token in tokens[first : bisect_left(tokens, node.end, key=_start)]:
            pieces += [" "] * (token.start > end) + [token.text]
            end = token.end
        return "".join(pieces)


def _start(token: Token) -> int:
    return token.start


@dataclass(frozen=True, slots=True)
class _Clause:
    """A clause with its normal form, and the key by which it pairs with its changed version."""

    node: Node
    form: str
    key: tuple[object, ...]


def _diff_queries(
    old_outer: _Side, old: ast.Query, new_outer: _Side, new: ast.Query, path: tuple[str, ...]
) -> Iterable[ClauseChange]:
    before, after = old_outer.within(old), new_outer.within(new)
    old_aliases = dict(before.writer.new_aliases(old))
    new_aliases = dict(after.writer.new_aliases(new))
    yield from _diff_clauses(
        ClauseKind.SELECT,
        path,
        (before, [_select_clause(before, item) for item in old.select]),
        (after, [_select_clause(after, item) for item in new.select]),
    )
    yield from _diff_clauses(
        ClauseKind.TABLE,
        path,
        (before, _from_clauses(old_outer, old, old_aliases)),
        (after, _from_clauses(new_outer, new, new_aliases)),
    )
    yield from _diff_clauses(
        ClauseKind.JOIN,
        path,
        (before, [_join_clause(old_outer, before, join, old_aliases) for join in old.joins]),
        (after, [_join_clause(new_outer, after, join, new_aliases) for join in new.joins]),
    )
    yield from _diff_conditions(before, _conjuncts(old.where), after, _conjuncts(new.where), path)
    yield from _diff_clauses(
        ClauseKind.OTHER,
        path,
        (before, [_Clause(clause, clause.text, (clause.kind,)) for clause in old.unsupported]),
        (after, [_Clause(clause, clause.text, (clause.kind,)) for clause in new.unsupported]),
    )


def _select_clause(side: _Side, item: ast.SelectItem) -> _Clause:
    return _Clause(item, side.writer.item(item), (side.writer.write(item.value),))


def _from_clauses(outer: _Side, query: ast.Query, aliases: dict[int, str]) -> list[_Clause]:
    return [
        _Clause(source, outer.writer.source(source, aliases), ("from",)) for source in query.sources
    ]


def _join_clause(outer: _Side, side: _Side, join: ast.Join, aliases: dict[int, str]) -> _Clause:
    name = join.source.name.text if isinstance(join.source, ast.Table) else ""
    return _Clause(join, outer.writer.join(join, side.writer, aliases), (upper(name),))


def _conjuncts(where: ast.Expression | None) -> list[ast.Expression]:
    """Return the conditions that must all hold, however they are nested."""
    if where is None:
        return []
    conditions: list[ast.Expression] = []
    pending = [where]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.And):
            pending.extend(reversed(node.operands))
        else:
            conditions.append(node)
    return conditions


def _diff_conditions(
    before: _Side,
    old: Sequence[ast.Expression],
    after: _Side,
    new: Sequence[ast.Expression],
    path: tuple[str, ...],
) -> Iterable[ClauseChange]:
    yield from _diff_clauses(
        ClauseKind.CONDITION,
        path,
        (before, [_condition_clause(before, node) for node in old]),
        (after, [_condition_clause(after, node) for node in new]),
    )


def _condition_clause(side: _Side, node: ast.Expression) -> _Clause:
    return _Clause(node, side.writer.write(node), (_category(node), _subject(side, node)))


def _category(node: ast.Expression) -> str:
    """Return what kind of condition this is, coarsely enough to survive an edit."""
    category = type(node).__name__
    match node:
        case ast.Not(operand=operand):
            category = _category(operand)
        case ast.Comparison(op="<" | "<="):
            category = "upper bound"
        case ast.Comparison(op=">" | ">="):
            category = "lower bound"
        case ast.In(items=ast.Subquery()):
            category = "subquery"
        case ast.Comparison() | ast.In():
            category = "value"
        case ast.Call(name=name):
            category = upper(name.text)
        case _:
            pass
    return category


def _subject(side: _Side, node: ast.Expression) -> tuple[str, ...]:
    """Return what a condition is about: the columns of the operand that is not a value."""
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
    columns = (descendant for descendant in walk(node) if isinstance(descendant, ast.Column))
    return tuple(dict.fromkeys(side.writer.write(column) for column in columns))


def _diff_clauses(
    kind: ClauseKind,
    path: tuple[str, ...],
    old: tuple[_Side, list[_Clause]],
    new: tuple[_Side, list[_Clause]],
) -> Iterable[ClauseChange]:
    """Yield the changes between two lists of clauses; equal clauses cancel out one by one."""
    (before, old_clauses), (after, new_clauses) = old, new
    removed = _without(old_clauses, new_clauses)
    added = _without(new_clauses, old_clauses)
    pairs = _pair(removed, added)
    paired = set(pairs.values())
    for i, clause in enumerate(removed):
        if i in pairs:
            yield from _diff_clause(kind, path, (before, clause), (after, added[pairs[i]]))
        else:
            window, _ = window_change(clause.node, None)
            source = before.source_of(clause.node)
            yield ClauseChange(ChangeKind.REMOVED, kind, source, "", path, window_before=window)
    for j, clause in enumerate(added):
        if j not in paired:
            _, window = window_change(None, clause.node)
            source = after.source_of(clause.node)
            yield ClauseChange(ChangeKind.ADDED, kind, "", source, path, window_after=window)


def _without(clauses: list[_Clause], others: list[_Clause]) -> list[_Clause]:
    """Return the clauses left when each of `others` cancels one equal clause."""
    remaining = Counter(clause.form for clause in others)
    left: list[_Clause] = []
    for clause in clauses:
        if remaining[clause.form]:
            remaining[clause.form] -= 1
        else:
            left.append(clause)
    return left


def _pair(removed: list[_Clause], added: list[_Clause]) -> dict[int, int]:
    """Return the index of the added clause for removed ones with the same key, in order."""
    waiting: dict[tuple[object, ...], list[int]] = {}
    for j in reversed(range(len(added))):
        waiting.setdefault(added[j].key, []).append(j)
    return {
        i: waiting[clause.key].pop() for i, clause in enumerate(removed) if waiting.get(clause.key)
    }


def _diff_clause(
    kind: ClauseKind,
    path: tuple[str, ...],
    old: tuple[_Side, _Clause],
    new: tuple[_Side, _Clause],
) -> Iterable[ClauseChange]:
    """Yield the changes of one clause: those inside it for an OR or a subquery."""
    (before, old_clause), (after, new_clause) = old, new
    match old_clause.node, new_clause.node:
        case ast.Or(operands=old_operands), ast.Or(operands=new_operands):
            inside = (*path, f"any of {before.source_of(old_clause.node)}")
            yield from _diff_conditions(before, old_operands, after, new_operands, inside)
        case (
            ast.In(items=ast.Subquery(query=old_query), negated=old_negated, operand=old_operand),
            ast.In(items=ast.Subquery(query=new_query), negated=new_negated, operand=new_operand),
        ) if (old_negated, before.writer.write(old_operand)) == (
            new_negated,
            after.writer.write(new_operand),
        ):
            operator = "NOT IN" if old_negated else "IN"
            inside = (*path, f"the subquery of {before.source_of(old_operand)} {operator}")
            yield from _diff_queries(before, old_query, after, new_query, inside)
        case _:
            old_items, new_items = _items(before, old_clause.node), _items(after, new_clause.node)
            has_lists = bool(old_items) and bool(new_items)
            yield ClauseChange(
                ChangeKind.CHANGED,
                kind,
                before.source_of(old_clause.node),
                after.source_of(new_clause.node),
                path,
                _sources_missing(new_items, old_items) if has_lists else (),
                _sources_missing(old_items, new_items) if has_lists else (),
                *window_change(old_clause.node, new_clause.node),
            )


def _items(side: _Side, node: Node) -> list[tuple[str, str]]:
    """Return normal form and source of the items of the only list in a condition."""
    lists: list[tuple[ast.Expression, ...]] = []
    for descendant in walk(node):
        match descendant:
            case ast.Array(items=tuple(items)) | ast.In(items=tuple(items)):
                lists.append(items)
    if len(lists) != 1:
        return []
    return [(side.writer.write(item), side.source_of(item)) for item in lists[0]]


def _sources_missing(
    items: list[tuple[str, str]], others: list[tuple[str, str]]
) -> tuple[str, ...]:
    """Return the sources of the items that `others` lacks."""
    forms = {form for form, _ in others}
    return tuple(source for form, source in items if form not in forms)
