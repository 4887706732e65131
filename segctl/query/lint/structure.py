"""Rules about the frame of a query: what is selected, and which clauses stand in it.

Owns SELECT and the clauses that SendGrid does not support. Where its documentation is silent the
server is the judge, so these warn at the most; what it plainly forbids is an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.errors import Severity
from segctl.query import ast
from segctl.query.catalogue import SELECTED_COLUMNS, ColumnType, UnsupportedKind
from segctl.query.lint.rule import Spot, listed, quoted, rule
from segctl.query.parser.tokens import lower, upper

if TYPE_CHECKING:
    from collections.abc import Iterator

    from segctl.query.lint.scope import Here
    from segctl.query.parser.errors import Problem

_OF_THEIR_OWN = (UnsupportedKind.STAR, UnsupportedKind.SECOND_STATEMENT)
_SETS = (
    UnsupportedKind.UNION,
    UnsupportedKind.INTERSECT,
    UnsupportedKind.EXCEPT,
    UnsupportedKind.MINUS,
)


@rule("not-select", Severity.ERROR)
def not_select(problem: Problem, _: object) -> Iterator[Spot]:
    """Refuse a query that is not a SELECT.

    The query of a segment says which contacts belong to it. INSERT, UPDATE, DELETE and the like
    do something else, and SendGrid runs none of them. A query that holds nothing, or nothing
    but comments, selects nobody.

    Write one SELECT of contact_id and updated_at.

    Bad::

        DELETE FROM contact_data WHERE country = 'US'

    Good::

        SELECT contact_id, updated_at FROM contact_data WHERE country = 'US'
    """
    yield Spot(problem.start, problem.end, problem.message, problem.hint)


@rule("unreadable-query")
def unreadable_query(problem: Problem, _: object) -> Iterator[Spot]:
    """Warn of a query that segctl cannot read.

    SendGrid documents its query language only in part, so what segctl cannot read may work all
    the same: the server checks the query when it is applied, and its answer counts. But an
    unreadable query is mostly a slip of the pen, and as long as it is unreadable segctl can
    neither check it nor tell a new layout from a new audience.

    Mend what the message says. If the query is right and segctl wrong, put an ignore comment
    above `query_dsl`.

    Bad::

        SELECT contact_id, updated_at FROM contact_data WHERE (country = 'US'

    Good::

        SELECT contact_id, updated_at FROM contact_data WHERE (country = 'US')
    """
    yield Spot(problem.start, problem.end, problem.message, problem.hint)


@rule("second-statement", Severity.ERROR, ast.Query)
def second_statement(query: ast.Query, _: Here) -> Iterator[Spot]:
    """Refuse anything behind the semicolon that ends the query.

    The query of a segment is one SELECT. A second statement is refused or never looked at, so
    an audience that depends on it is not the one you meant.

    Delete it, or declare a segment of its own for it.

    Bad::

        SELECT contact_id, updated_at FROM contact_data; SELECT 1 FROM contact_data

    Good::

        SELECT contact_id, updated_at FROM contact_data;
    """
    for extra in query.unsupported:
        if extra.kind is UnsupportedKind.SECOND_STATEMENT:
            yield Spot(
                extra.start,
                extra.end,
                "a second statement follows; the query of a segment is one SELECT",
                "delete all that stands behind the `;`, or declare a second segment",
            )


@rule("select-star", Severity.ERROR, ast.SelectItem)
def select_star(item: ast.SelectItem, here: Here) -> Iterator[Spot]:
    """Refuse `SELECT *`.

    SendGrid asks for exactly two columns, contact_id and updated_at: it needs to know who is in
    the segment and since when, nothing else. With a star the segment is refused.

    Name the two columns. In a query with a join, take both of contact_data.

    Bad::

        SELECT * FROM contact_data

    Good::

        SELECT contact_id, updated_at FROM contact_data
    """
    if isinstance(item.value, ast.Star):
        yield Spot(
            item.start,
            item.end,
            f"{quoted(here.source(item.value))} selects every column;"
            " a segment selects contact_id and updated_at",
            f"write SELECT {_wanted(here, *SELECTED_COLUMNS)}",
        )


@rule("select-columns", Severity.ERROR, ast.Query)
def select_columns(query: ast.Query, here: Here) -> Iterator[Spot]:
    """Refuse any selection but contact_id and updated_at.

    SendGrid reads two columns from a segment's query: who is in it, and when that contact
    changed. Only a query about somebody's last event may add MAX(e.timestamp). Without one of
    the two, or with more, the segment is refused, and no campaign can be sent to it. A comma that
    is missing makes one of the two columns another name of the other.

    Select exactly these two. To look at a column, for instance while you test, use SendGrid's
    preview instead.

    Bad::

        SELECT contact_id, email FROM contact_data

    Good::

        SELECT contact_id, updated_at FROM contact_data
    """
    values = [item.value for item in query.select]
    if here.scope.outer or any(isinstance(value, ast.Star) for value in values):
        return
    missing = [name for name in SELECTED_COLUMNS if not any(_is(value, name) for value in values)]
    seen: set[str] = set()
    for item in query.select:
        name = next((name for name in SELECTED_COLUMNS if _is(item.value, name)), "")
        alias = _swallowed(item, here) if name else None
        if alias is not None and (column := lower(alias.text)) in missing:
            missing.remove(column)
            seen.add(name)
            message = (
                f"a comma is missing: {quoted(alias.text)} is read as another name of `{name}`"
            )
            hint = f"write {here.source(item.value)}, {_wanted(here, column)}"
            yield Spot(alias.start, alias.end, message, hint)
            continue
        if name in seen:
            message = f"`{name}` is selected twice"
        elif name and item.alias and lower(item.alias.text) != name:
            message = f"`{name}` is selected under another name"
            yield Spot(item.start, item.end, message, f"write `{name}` alone", Severity.WARNING)
            continue
        elif name or _is_last_event(item.value, here):
            seen.add(name)
            continue
        else:
            message = (
                f"{quoted(here.source(item.value))} is selected;"
                " a segment selects contact_id and updated_at"
            )
        yield Spot(
            item.start, item.end, message, f"write SELECT {_wanted(here, *SELECTED_COLUMNS)}"
        )
    if missing:
        yield Spot(
            query.select[0].start,
            query.select[-1].end,
            f"{listed(missing)} must be selected",
            f"write SELECT {_wanted(here, *SELECTED_COLUMNS)}",
        )


def _swallowed(item: ast.SelectItem, here: Here) -> ast.Name | None:
    """Give what became the alias of a column without the word AS before it."""
    if item.alias is None or not isinstance(item.value, ast.Column):
        return None
    between = here.work.text[item.value.end : item.alias.start]
    return None if "AS" in upper(between).split() else item.alias


def _is(value: ast.Expression, name: str) -> bool:
    return isinstance(value, ast.Column) and lower(value.name.text) == name and not value.path


def _is_last_event(value: ast.Expression, here: Here) -> bool:
    """Tell whether a value is MAX(e.timestamp), or so like it that nothing certain is wrong."""
    match value:
        case ast.Call(name=function, args=(ast.Column() as column,)):
            resolved = here.resolve(column)
            is_time = resolved.type in (ColumnType.TIMESTAMP, None)
            return upper(function.text) == "MAX" and resolved.table != "contact_data" and is_time
    return False


def _wanted(here: Here, *names: str) -> str:
    """Write column names as this query must name them."""
    for alias, seen in here.scope.aliases.items():
        if seen.table == "contact_data" and len(here.scope.seen) > 1:
            return ", ".join(f"{alias}.{name}" for name in names)
    return ", ".join(names)


@rule("unsupported-clause", Severity.WARNING, ast.Query)
def unsupported_clause(query: ast.Query, _: Here) -> Iterator[Spot]:
    """Warn of GROUP BY, HAVING, DISTINCT, ORDER BY, LIMIT, UNION and their like.

    None of them is in SendGrid's documentation, and most are known to be refused. They would
    not help either: a contact is in a segment or not, so there is nothing to sort, and nobody
    is in it twice.

    Delete the clause. For UNION write the conditions of both queries with OR between them. To
    cap the size of an audience, narrow its conditions.

    Bad::

        SELECT contact_id, updated_at FROM contact_data ORDER BY updated_at LIMIT 100

    Good::

        SELECT contact_id, updated_at FROM contact_data WHERE updated_at > now() - 30 days
    """
    for extra in query.unsupported:
        if extra.kind in _OF_THEIR_OWN:
            continue
        hint = f"delete {extra.kind}; it does not change who is in the segment"
        if extra.kind in _SETS:
            hint = f"join the conditions of both queries with {_SET_HINTS.get(extra.kind)}"
        elif extra.kind not in (UnsupportedKind.DISTINCT, UnsupportedKind.ORDER_BY):
            hint = "delete it, and say with WHERE who belongs to the segment"
        yield Spot(
            extra.start,
            extra.end,
            f"{extra.kind} is not part of SendGrid's query language",
            hint,
        )


_SET_HINTS = {
    UnsupportedKind.UNION: "OR in one query",
    UnsupportedKind.INTERSECT: "AND in one query",
    UnsupportedKind.EXCEPT: "AND contact_id NOT IN (SELECT …)",
    UnsupportedKind.MINUS: "AND contact_id NOT IN (SELECT …)",
}


@rule(
    "undocumented-syntax",
    Severity.INFO,
    ast.Between,
    ast.Case,
    ast.Cast,
    ast.Comparison,
    ast.Derived,
    ast.Exists,
    ast.IsTruth,
    ast.Like,
    ast.Binary,
)
def undocumented_syntax(node: ast.Node, here: Here) -> Iterator[Spot]:
    """Note syntax that is neither documented nor known from real accounts.

    BETWEEN, CASE, CAST, EXISTS, ILIKE and some others are SQL, and SendGrid may well take them,
    but nobody promises it: what works today may be refused tomorrow. This is for your
    information, and only the server can tell.

    Where a documented form says the same, prefer it.

    Bad::

        total_spend BETWEEN 100 AND 200

    Good::

        total_spend >= 100 AND total_spend <= 200
    """
    if type(node) is ast.Comparison and not node.op.startswith("IS"):
        return  # nearly all that come here
    what, hint = _undocumented(node, here)
    if what:
        yield Spot(node.start, node.end, f"{what} is not documented by SendGrid", hint)


def _joins(node: ast.Expression) -> bool:
    return isinstance(node, ast.Binary) and node.op == "||"


def _undocumented(  # noqa: C901, PLR0911 - one a shape
    node: ast.Node, here: Here
) -> tuple[str, str]:
    match node:
        case ast.Between(operand=operand, low=low, high=high, negated=False):
            name, least, most = (here.source(part) for part in (operand, low, high))
            # With parentheses, since nobody looked whether a NOT stands before it.
            return "BETWEEN", f"write {quoted(f'({name} >= {least} AND {name} <= {most})')}"
        case ast.Between():
            return "NOT BETWEEN", "write < and > with OR between them"
        case ast.Case():
            return "CASE", "write its branches with AND and OR"
        case ast.Cast(form="literal", type=kind, operand=operand):
            return f"{kind} before a text", f"write {quoted(here.source(operand))} alone"
        case ast.Cast(form=form):
            return f"`{form}`", ""
        case ast.Derived():
            return "a query in the place of a table", ""
        case ast.Exists():
            return "EXISTS", "write contact_id IN (SELECT …)"
        case ast.IsTruth():
            return "IS TRUE or IS FALSE", ""
        case ast.Like(kind=kind) if kind != "LIKE":
            return kind, "write LIKE where it says the same"
        case ast.Like(escape=escape) if escape is not None:
            return "ESCAPE", ""
        case ast.Comparison(op=op):
            return op, ""
        case ast.Binary(op="||") if not (_joins(node.left) or _joins(node.right)):
            return "`||`", ""  # of a chain, its first
    return "", ""
