"""Rules about the shape of a query: what it selects, and which clauses it has.

What no SQL parser accepts, and what SendGrid's documentation plainly forbids, is an error. Where
the documentation is silent, the server decides, so these rules warn at most.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.errors import Severity
from segctl.query import ast
from segctl.query.catalogue import SELECTED_COLUMNS, ColumnType, UnsupportedKind
from segctl.query.lint.rule import Violation, quote_sql, quoted_list, rule, violation_at
from segctl.query.parser.tokens import lower, upper

if TYPE_CHECKING:
    from collections.abc import Iterator

    from segctl.query.lint.scope import NodeContext
    from segctl.query.parser.errors import Problem

_HAVE_OWN_RULE = (UnsupportedKind.STAR, UnsupportedKind.SECOND_STATEMENT)


@rule("not-select", Severity.ERROR)
def not_select(problem: Problem, _: object) -> Iterator[Violation]:
    """Report a query that is not a SELECT.

    A segment's query selects the contacts that belong to it. INSERT, UPDATE, DELETE and other
    statements do something else, and SendGrid does not run them. An empty query, or one with
    only comments, selects nobody.

    Write a single SELECT of contact_id and updated_at.

    Bad::

        DELETE FROM contact_data WHERE country = 'US'

    Good::

        SELECT contact_id, updated_at FROM contact_data WHERE country = 'US'
    """
    yield Violation(problem.start, problem.end, problem.message, problem.hint)


@rule("syntax-error", Severity.ERROR)
def syntax_error(problem: Problem, _: object) -> Iterator[Violation]:
    """Report a query that is not valid SQL.

    Misspelt keywords, unbalanced parentheses, strings without an end, operators without a value:
    no SQL database accepts such a query, and neither does SendGrid. segctl reads on after an
    error, so that one run reports them all.

    Fix what the message points to. `plan` checks only what it would send, so a query that the
    account already has does not block it. If SendGrid accepts the query nevertheless, add an
    ignore comment above `query_dsl`.

    Bad::

        SELECT contact_id, updated_at FROM contact_data WHERE (country = 'US'

    Good::

        SELECT contact_id, updated_at FROM contact_data WHERE (country = 'US')
    """
    yield Violation(problem.start, problem.end, problem.message, problem.hint)


@rule("unreadable-query")
def unreadable_query(problem: Problem, _: object) -> Iterator[Violation]:
    """Report a query whose syntax segctl does not know.

    SendGrid documents only part of its query language, so a query that segctl cannot parse may
    still work: SendGrid checks it when it is applied, and its answer counts. But segctl can
    neither check such a query nor tell a change of layout from a change of audience.

    Write it in the documented language. If the query is correct, add an ignore comment above
    `query_dsl`.

    Bad::

        country = 'US' || country = 'CA'

    Good::

        country = 'US' OR country = 'CA'
    """
    yield Violation(problem.start, problem.end, problem.message, problem.hint)


@rule("second-statement", Severity.ERROR, ast.Query)
def second_statement(query: ast.Query, _: NodeContext) -> Iterator[Violation]:
    """Report anything after the semicolon that ends the query.

    A segment's query is a single SELECT. SendGrid refuses or ignores a second statement, so a
    segment that depends on it does not have the audience you expect.

    Remove the second statement, or declare another segment for it.

    Bad::

        SELECT contact_id, updated_at FROM contact_data; SELECT 1 FROM contact_data

    Good::

        SELECT contact_id, updated_at FROM contact_data;
    """
    for clause in query.unsupported:
        if clause.kind is UnsupportedKind.SECOND_STATEMENT:
            yield violation_at(
                clause,
                "a second statement follows; a segment's query must be a single SELECT",
                "remove everything after the `;`, or declare another segment for it",
            )


@rule("select-star", Severity.ERROR, ast.SelectItem)
def select_star(item: ast.SelectItem, context: NodeContext) -> Iterator[Violation]:
    """Report `SELECT *`.

    SendGrid expects exactly two columns, contact_id and updated_at: it needs to know who is in
    the segment and when that contact changed. It refuses a segment that selects `*`.

    Name the two columns. In a query with a join, take both from contact_data.

    Bad::

        SELECT * FROM contact_data

    Good::

        SELECT contact_id, updated_at FROM contact_data
    """
    if isinstance(item.value, ast.Star):
        yield violation_at(
            item,
            f"a segment must select contact_id and updated_at,"
            f" and {quote_sql(context.source(item.value))} selects every column",
            f"write SELECT {_qualified(context, *SELECTED_COLUMNS)}",
        )


@rule("select-columns", Severity.ERROR, ast.Query)
def select_columns(query: ast.Query, context: NodeContext) -> Iterator[Violation]:
    """Report selected columns other than contact_id and updated_at.

    SendGrid reads two columns from a segment's query: who is in the segment, and when that
    contact changed. Only a query about a contact's last event may add MAX(e.timestamp). If one of
    the two columns is missing, or there are others, SendGrid refuses the segment, and no campaign
    can be sent to it. A missing comma turns one of the two columns into an alias of the other.

    Select exactly these two. To look at other columns while you test, use the preview in
    SendGrid.

    Bad::

        SELECT contact_id, email FROM contact_data

    Good::

        SELECT contact_id, updated_at FROM contact_data
    """
    values = [item.value for item in query.select]
    if context.scope.outer or any(isinstance(value, ast.Star) for value in values):
        return
    missing = [name for name in SELECTED_COLUMNS if not any(_is(value, name) for value in values)]
    select_both = f"write SELECT {_qualified(context, *SELECTED_COLUMNS)}"
    selected: set[str] = set()
    for item in query.select:
        name = next((name for name in SELECTED_COLUMNS if _is(item.value, name)), "")
        alias = _alias_without_as(item, context) if name else None
        if alias is not None and (column := lower(alias.text)) in missing:
            missing.remove(column)
            selected.add(name)
            yield violation_at(
                alias,
                f"missing comma: {quote_sql(alias.text)} is read as an alias of `{name}`",
                f"write {context.source(item.value)}, {_qualified(context, column)}",
            )
        elif name in selected:
            yield violation_at(item, f"`{name}` is selected twice", select_both)
        elif name and item.alias and lower(item.alias.text) != name:
            yield violation_at(
                item,
                f"`{name}` is selected with an alias",
                f"write `{name}` without the alias",
                Severity.WARNING,
            )
        elif name or _is_last_event(item.value, context):
            selected.add(name)
        else:
            yield violation_at(
                item,
                "a segment must select only contact_id and updated_at,"
                f" not {quote_sql(context.source(item.value))}",
                select_both,
            )
    if missing:
        start, end = query.select[0].start, query.select[-1].end
        yield Violation(start, end, f"{quoted_list(missing)} must be selected", select_both)


def _alias_without_as(item: ast.SelectItem, context: NodeContext) -> ast.Name | None:
    """Return the alias of a selected column if the word AS is not in front of it."""
    if item.alias is None or not isinstance(item.value, ast.Column):
        return None
    between = context.run.text[item.value.end : item.alias.start]
    return None if "AS" in upper(between).split() else item.alias


def _is(value: ast.Expression, name: str) -> bool:
    return isinstance(value, ast.Column) and lower(value.name.text) == name and not value.path


def _is_last_event(value: ast.Expression, context: NodeContext) -> bool:
    """Return whether a value is MAX(e.timestamp), or could be."""
    match value:
        case ast.Call(name=function, args=(ast.Column() as column,)):
            resolved = context.resolve(column)
            is_time = resolved.type in (ColumnType.TIMESTAMP, None)
            return upper(function.text) == "MAX" and resolved.table != "contact_data" and is_time
    return False


def _qualified(context: NodeContext, *names: str) -> str:
    """Return columns of contact_data, separated by commas, as this query must write them."""
    for alias, table in context.scope.aliases.items():
        if table.table == "contact_data" and len(context.scope.tables) > 1:
            return ", ".join(f"{alias}.{name}" for name in names)
    return ", ".join(names)


@rule("unsupported-clause", Severity.ERROR, ast.Query)
def unsupported_clause(query: ast.Query, context: NodeContext) -> Iterator[Violation]:
    """Report GROUP BY, HAVING, DISTINCT, ORDER BY, LIMIT, UNION and similar clauses.

    They are not part of SendGrid's query language, which refuses them. They would not help either:
    a contact is in a segment or not, so there is nothing to sort, and no contact is in it twice.

    Remove the clause. Instead of UNION, combine the conditions of both queries with OR. To limit
    the size of an audience, narrow its conditions. If `segctl probe` saw SendGrid accept GROUP BY
    (`observed` in segctl.yaml), that is information only.

    Bad::

        SELECT contact_id, updated_at FROM contact_data ORDER BY updated_at LIMIT 100

    Good::

        SELECT contact_id, updated_at FROM contact_data WHERE updated_at > now() - 30 days
    """
    observed = context.account_schema.observed
    for clause in query.unsupported:
        if clause.kind is UnsupportedKind.GROUP_BY and observed.group_by:
            yield violation_at(
                clause,
                f"{clause.kind} is not documented by SendGrid, which accepted it in"
                f" {observed.source}",
                severity=Severity.INFO,
            )
        elif clause.kind not in _HAVE_OWN_RULE:
            yield violation_at(
                clause,
                f"{clause.kind} is not part of SendGrid's query language",
                _CLAUSE_HINTS.get(
                    clause.kind, "remove it, and use WHERE to choose who is in the segment"
                ),
            )


_COMBINE = "combine the conditions of both queries with"
_CLAUSE_HINTS = {
    UnsupportedKind.DISTINCT: "remove DISTINCT; it does not change who is in the segment",
    UnsupportedKind.ORDER_BY: "remove ORDER BY; it does not change who is in the segment",
    UnsupportedKind.UNION: f"{_COMBINE} OR in one query",
    UnsupportedKind.INTERSECT: f"{_COMBINE} AND in one query",
    UnsupportedKind.EXCEPT: f"{_COMBINE} AND contact_id NOT IN (SELECT …)",
    UnsupportedKind.MINUS: f"{_COMBINE} AND contact_id NOT IN (SELECT …)",
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
    ast.Interval,
    ast.IsTruth,
    ast.Like,
    ast.Binary,
)
def undocumented_syntax(node: ast.Node, context: NodeContext) -> Iterator[Violation]:
    """Report syntax that is neither documented nor known from real accounts.

    BETWEEN, CASE, CAST, EXISTS, ILIKE and some others are SQL, and SendGrid may accept them, but
    it does not promise to: what works today may be refused tomorrow. This is for information;
    only SendGrid can tell. If `segctl probe` saw it refuse `now() - 30 days` (`observed` in
    segctl.yaml), that is an error.

    Where a documented form means the same, prefer it.

    Bad::

        total_spend BETWEEN 100 AND 200

    Good::

        total_spend >= 100 AND total_spend <= 200
    """
    if type(node) is ast.Comparison and not node.op.startswith("IS"):
        return  # nearly every comparison
    if isinstance(node, ast.Interval):
        yield from _refused_interval(node, context)
        return
    syntax, hint = _undocumented(node, context)
    if syntax:
        yield violation_at(node, f"{syntax} is not documented by SendGrid", hint)


def _refused_interval(interval: ast.Interval, context: NodeContext) -> Iterator[Violation]:
    """Report an interval without the word INTERVAL, if a probe saw SendGrid refuse it."""
    observed = context.account_schema.observed
    if observed.interval is False and not interval.keyword:
        source = quote_sql(context.source(interval))
        yield violation_at(
            interval,
            f"SendGrid refused an interval such as {source} in {observed.source}",
            "write timestampadd(day, -30, CURRENT_TIMESTAMP)",
            Severity.ERROR,
        )


def _is_concatenation(node: ast.Expression) -> bool:
    return isinstance(node, ast.Binary) and node.op == "||"


def _undocumented(  # noqa: C901, PLR0911 - one return per shape
    node: ast.Node, context: NodeContext
) -> tuple[str, str]:
    """Return the undocumented syntax of a node and a hint; both are empty if there is none."""
    match node:
        case ast.Between(operand=operand, low=low, high=high, negated=False):
            name, minimum, maximum = (context.source(part) for part in (operand, low, high))
            # In parentheses, since there may be a NOT in front of it.
            replacement = quote_sql(f"({name} >= {minimum} AND {name} <= {maximum})")
            return "BETWEEN", f"write {replacement}"
        case ast.Between():
            return "NOT BETWEEN", "write < and > with OR between them"
        case ast.Case():
            return "CASE", "write its branches with AND and OR"
        case ast.Cast(form="literal", type=type_name, operand=operand):
            hint = f"write {quote_sql(context.source(operand))} without {type_name}"
            return f"{type_name} before a string", hint
        case ast.Cast(form=form):
            return f"`{form}`", ""
        case ast.Derived():
            return "a subquery in FROM or JOIN", ""
        case ast.Exists():
            return "EXISTS", "write contact_id IN (SELECT …)"
        case ast.IsTruth():
            return "IS TRUE or IS FALSE", ""
        case ast.Like(kind=kind) if kind != "LIKE":
            return kind, "write LIKE where it means the same"
        case ast.Like(escape=escape) if escape is not None:
            return "ESCAPE", ""
        case ast.Comparison(op=op):
            return op, ""
        case ast.Binary(op="||", left=left, right=right):
            # Only the first of a chain.
            is_chained = _is_concatenation(left) or _is_concatenation(right)
            return ("", "") if is_chained else ("`||`", "")
    return "", ""
