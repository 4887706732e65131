"""Rules about FROM and JOIN: which tables, under which aliases, joined on what.

Owns tables and their aliases; columns are `names`'.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.common.suggest import closest_match
from segctl.errors import Severity
from segctl.query import ast
from segctl.query.aliases import alias_of, sources_of
from segctl.query.catalogue import JOIN_COLUMN, TABLES
from segctl.query.lint.rule import Spot, quoted, rule
from segctl.query.parser.tokens import lower

if TYPE_CHECKING:
    from collections.abc import Iterator

    from segctl.query.lint.scope import Here


@rule("unknown-table", Severity.ERROR, ast.Table)
def unknown_table(table: ast.Table, here: Here) -> Iterator[Spot]:
    """Refuse tables other than contact_data and event_data.

    SendGrid has two tables: contact_data has one row for each contact with its fields, and
    event_data one row for each thing that happened (delivered, opened, clicked). A query of
    another table is refused.

    Write contact_data, and join event_data where you ask what somebody did.

    Bad::

        SELECT contact_id, updated_at FROM contacts

    Good::

        SELECT contact_id, updated_at FROM contact_data
    """
    written = here.work.text[table.start : table.name.end]
    if table.schema:
        yield Spot(
            table.start,
            table.name.end,
            f"the table {quoted(written)} has a qualifier, which is not documented",
            f"write {table.name.text} alone",
            Severity.WARNING,
        )
    elif lower(table.name.text) not in TABLES:
        meant = closest_match(table.name.text, TABLES)
        yield Spot(
            table.name.start,
            table.name.end,
            f"there is no table {quoted(written)}",
            f"did you mean `{meant}`?" if meant else "the tables are contact_data and event_data",
        )


@rule("repeated-alias", Severity.ERROR, ast.Query)
def repeated_alias(query: ast.Query, _: Here) -> Iterator[Spot]:
    """Refuse two tables of one name in one query.

    When two tables are called the same, nobody can tell whose column `c.contact_id` is, and the
    query is refused.

    Give each table an alias of its own: e1 for what was sent, e2 for what was clicked.

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
    seen: set[str] = set()
    for source in sources_of(query):
        called = alias_of(source)
        if called is None:
            continue
        name = lower(called.text)
        if name in seen:
            yield Spot(
                called.start,
                called.end,
                f"two tables are called `{name}`",
                f"give this one another alias, `{name}2` for instance, and use it",
            )
        seen.add(name)


@rule("join-kind", Severity.WARNING, ast.Join, ast.Query)
def join_kind(node: ast.Join | ast.Query, here: Here) -> Iterator[Spot]:
    """Warn of joins other than JOIN … ON.

    SendGrid documents the plain (inner) JOIN alone. LEFT, CROSS and NATURAL joins, USING, and
    tables after a comma may be refused; a comma without a condition even pairs each contact
    with everybody's events, so that all contacts seem to have clicked.

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
            yield Spot(
                source.start,
                source.end,
                "a second table follows a comma; SendGrid documents JOIN … ON",
                f"write JOIN {here.source(source)} ON … = …contact_id",
            )
        return
    if node.kind != "INNER":
        hint = "write JOIN … ON …contact_id = …contact_id"
        if node.kind.startswith("LEFT"):
            hint += "; to find contacts without an event, write contact_id NOT IN (SELECT …)"
        kind = f"{node.kind} JOIN"
    elif node.using:
        kind, hint = "JOIN … USING", "write ON …contact_id = …contact_id"
    else:
        return
    yield Spot(node.start, node.end, f"{kind} is not documented; JOIN … ON is", hint)


@rule("join-condition", Severity.ERROR, ast.Join)
def join_condition(join: ast.Join, here: Here) -> Iterator[Spot]:
    """Refuse joins on anything but contact_id.

    SendGrid joins its tables on contact_id alone. Joined on something else, contacts get other
    people's events, or the query is refused; and conditions beside contact_id belong into
    WHERE, where SendGrid looks for them (this part is a warning only).

    Join on contact_id, and move every other condition to WHERE.

    Bad::

        SELECT c.contact_id, c.updated_at FROM contact_data c
        JOIN event_data e ON c.external_id = e.contact_id
        WHERE e.timestamp > now() - 30 days

    Good::

        SELECT c.contact_id, c.updated_at FROM contact_data c
        JOIN event_data e ON c.contact_id = e.contact_id
        WHERE e.timestamp > now() - 30 days
    """
    if join.on is None:
        if join.kind == "INNER" and not join.using:
            yield Spot(
                join.start,
                join.end,
                "the join has no condition",
                "write ON …contact_id = …contact_id",
            )
        return
    on = join.on
    conditions = on.operands if isinstance(on, ast.And) else (on,)
    if not any(_on_contact(one) for one in conditions):
        yield Spot(
            on.start,
            on.end,
            "the tables are not joined on contact_id",
            "write ON …contact_id = …contact_id, and put other conditions into WHERE",
        )
        return
    for one in conditions:
        if not _on_contact(one):
            yield Spot(
                one.start,
                one.end,
                "a condition stands beside contact_id in the join; SendGrid joins on it alone",
                f"move {quoted(here.source(one))} to WHERE",
                Severity.WARNING,
            )


def _on_contact(condition: ast.Expression) -> bool:
    match condition:
        case ast.Comparison(op="=", left=ast.Column() as left, right=ast.Column() as right):
            names = lower(left.name.text), lower(right.name.text)
            return names == (JOIN_COLUMN, JOIN_COLUMN) and not left.path and not right.path
    return False
