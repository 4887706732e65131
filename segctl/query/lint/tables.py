"""Rules about FROM and JOIN: which tables a query reads, their aliases, and how it joins them.

The columns of these tables are checked by the rules in `names`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.common.suggest import closest_match
from segctl.errors import Severity
from segctl.query import ast
from segctl.query.aliases import alias_of, sources_of
from segctl.query.catalogue import JOIN_COLUMN, TABLES
from segctl.query.joins import is_bare
from segctl.query.lint.rule import Violation, quote_sql, rule, violation_at
from segctl.query.parser.tokens import lower

if TYPE_CHECKING:
    from collections.abc import Iterator

    from segctl.query.lint.scope import NodeContext

_ON_CONTACT_ID = "write ON …contact_id = …contact_id"


@rule("unknown-table", Severity.ERROR, ast.Table)
def unknown_table(table: ast.Table, context: NodeContext) -> Iterator[Violation]:
    """Report tables other than contact_data and event_data.

    SendGrid has two tables: contact_data has one row for each contact, with its fields, and
    event_data one row for each event (delivered, open, click). It refuses a query of any other
    table.

    Write contact_data, and join event_data to ask what a contact did.

    Bad::

        SELECT contact_id, updated_at FROM contacts

    Good::

        SELECT contact_id, updated_at FROM contact_data
    """
    name = context.run.text[table.start : table.name.end]
    if lower(table.name.text) not in TABLES:
        suggestion = closest_match(table.name.text, TABLES)
        yield Violation(
            table.start,
            table.name.end,
            f"unknown table {quote_sql(name)}",
            f"did you mean `{suggestion}`?"
            if suggestion
            else "the tables are contact_data and event_data",
        )
    elif table.schema:
        yield Violation(
            table.start,
            table.name.end,
            f"the table {quote_sql(name)} has a qualifier, which SendGrid does not document",
            f"write {table.name.text} without the qualifier",
            Severity.WARNING,
        )


@rule("repeated-alias", Severity.ERROR, ast.Query)
def repeated_alias(query: ast.Query, _: NodeContext) -> Iterator[Violation]:
    """Report two tables with the same name or alias in one query.

    When two tables have the same alias, it is not clear which of them a column such as
    `e.contact_id` belongs to, and SendGrid refuses the query.

    Give each table its own alias: e1 for what was sent, e2 for what was clicked.

    Bad::

        SELECT c.contact_id, c.updated_at FROM contact_data c
        JOIN event_data e ON c.contact_id = e.contact_id
        JOIN event_data e ON c.contact_id = e.contact_id
        WHERE e.timestamp > now() - 30 days

    Good::

        SELECT c.contact_id, c.updated_at FROM contact_data c
        JOIN event_data e1 ON c.contact_id = e1.contact_id
        JOIN event_data e2 ON c.contact_id = e2.contact_id
        WHERE e1.timestamp > now() - 30 days AND e2.timestamp > now() - 30 days
    """
    used: set[str] = set()
    for source in sources_of(query):
        alias = alias_of(source)
        if alias is None:
            continue
        name = lower(alias.text)
        if name in used:
            yield violation_at(
                alias,
                f"duplicate table alias `{name}`",
                f"give this table another alias, such as `{name}2`, and use it for its columns",
            )
        used.add(name)


@rule("join-kind", Severity.WARNING, ast.Join, ast.Query)
def join_kind(node: ast.Join | ast.Query, context: NodeContext) -> Iterator[Violation]:
    """Report joins other than JOIN … ON.

    SendGrid documents only the plain (inner) JOIN. LEFT, CROSS and NATURAL joins, USING, and
    tables after a comma may be refused. A comma without a condition even pairs each contact with
    the events of every contact, so that everyone seems to have clicked.

    Write JOIN event_data e ON c.contact_id = e.contact_id. To find contacts *without* an event,
    write contact_id NOT IN (SELECT …) instead of a LEFT JOIN.

    Bad::

        SELECT c.contact_id, c.updated_at FROM contact_data c
        LEFT JOIN event_data e ON c.contact_id = e.contact_id
        WHERE e.timestamp > now() - 30 days

    Good::

        SELECT c.contact_id, c.updated_at FROM contact_data c
        JOIN event_data e ON c.contact_id = e.contact_id
        WHERE e.timestamp > now() - 30 days
    """
    if isinstance(node, ast.Query):
        for source in node.sources[1:]:
            yield violation_at(
                source,
                "a second table after a comma is not documented by SendGrid",
                f"write JOIN {context.source(source)} ON … = …contact_id",
            )
        return
    if node.kind != "INNER":
        hint = "write JOIN … ON …contact_id = …contact_id"
        if node.kind.startswith("LEFT"):
            hint += "; to find contacts without an event, write contact_id NOT IN (SELECT …)"
        syntax = f"{node.kind} JOIN"
    elif node.using:
        syntax, hint = "JOIN … USING", _ON_CONTACT_ID
    else:
        return
    yield violation_at(node, f"{syntax} is not documented by SendGrid; JOIN … ON is", hint)


@rule("join-condition", Severity.ERROR, ast.Join)
def join_condition(join: ast.Join, context: NodeContext) -> Iterator[Violation]:
    """Report joins on anything but contact_id.

    SendGrid joins its tables on contact_id only. With another join condition, contacts get other
    people's events, or SendGrid refuses the query. Further conditions belong in WHERE, where
    SendGrid looks for them (in the join, they are only a warning). SendGrid's short form, `JOIN
    event_data e ON contact_id`, is read as the equality of both tables' contact_id; it is an error
    if `segctl probe` saw SendGrid refuse it (`observed` in segctl.yaml).

    Join on contact_id, and move all other conditions to WHERE.

    Bad::

        SELECT c.contact_id, c.updated_at FROM contact_data c
        JOIN event_data e ON c.external_id = e.contact_id
        WHERE e.timestamp > now() - 30 days

    Good::

        SELECT c.contact_id, c.updated_at FROM contact_data c
        JOIN event_data e ON c.contact_id = e.contact_id
        WHERE e.timestamp > now() - 30 days
    """
    if is_bare(join):
        observed = context.account_schema.observed
        if observed.bare_join is False and join.on is not None:
            yield violation_at(
                join.on,
                f"SendGrid refused a join ON contact_id in {observed.source}",
                _ON_CONTACT_ID,
            )
        return
    if join.on is None:
        if join.kind == "INNER" and not join.using:
            yield violation_at(join, "the join has no condition", _ON_CONTACT_ID)
        return
    conditions = join.on.operands if isinstance(join.on, ast.And) else (join.on,)
    if not any(_is_on_contact_id(condition) for condition in conditions):
        yield violation_at(
            join.on,
            "the tables are not joined on contact_id",
            f"{_ON_CONTACT_ID}, and move other conditions to WHERE",
        )
        return
    for condition in conditions:
        if not _is_on_contact_id(condition):
            yield violation_at(
                condition,
                "SendGrid joins on contact_id only, and this join has another condition",
                f"move {quote_sql(context.source(condition))} to WHERE",
                Severity.WARNING,
            )


def _is_on_contact_id(condition: ast.Expression) -> bool:
    match condition:
        case ast.Comparison(op="=", left=ast.Column() as left, right=ast.Column() as right):
            names = lower(left.name.text), lower(right.name.text)
            return names == (JOIN_COLUMN, JOIN_COLUMN) and not left.path and not right.path
    return False
