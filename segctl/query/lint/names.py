"""Rules about names: columns, qualifiers, and names where a text was meant.

Owns what a name refers to. A name that segctl does not know may be a custom field that it has not
heard of: only with a fresh list of the account's fields is that certain, and an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.common.suggest import closest_match, nearest_match
from segctl.errors import Severity
from segctl.query import ast
from segctl.query.catalogue import FUNCTIONS, TABLES
from segctl.query.lint.rule import Needs, Spot, quoted, rule
from segctl.query.lint.scope import Found, Here, Resolved
from segctl.query.parser.tokens import lower, upper

if TYPE_CHECKING:
    from collections.abc import Iterator

_PULL = "run `segctl fields pull`, so that segctl knows the account's custom fields"


@rule("unknown-alias", Severity.ERROR, ast.Column)
def unknown_alias(column: ast.Column, here: Here) -> Iterator[Spot]:
    """Refuse `e.timestamp` where no table is called `e`.

    What stands before the dot must be the alias, or without one the name, of a table in FROM or
    JOIN. Otherwise the query is refused. It is mostly a JOIN that was forgotten, or deleted.

    Give the table that alias, or use the one it has.

    Bad::

        SELECT contact_id, updated_at FROM contact_data WHERE c.country = 'US'

    Good::

        SELECT c.contact_id, c.updated_at FROM contact_data c WHERE c.country = 'US'
    """
    qualifier = column.qualifier
    if qualifier is None:
        return
    resolved = here.resolve(column)
    if resolved.found not in (Found.NO_TABLE, Found.HIDDEN):
        return
    called = lower(qualifier.text)
    aliases = list(here.scope.aliases)
    severity = None
    if resolved.found is Found.HIDDEN:
        alias = next(a for a, s in here.scope.aliases.items() if s.table == called)
        hint = f"write `{alias}.{column.name.text}`"
        severity = Severity.WARNING
    elif called == "data" or lower(column.name.text) == "data":
        hint = "parts of semi-structured data are written e.DATA:payload.part"
    else:
        meant = nearest_match(called, aliases)
        hint = f"did you mean `{meant}`?" if meant else f"the tables here are {', '.join(aliases)}"
    yield Spot(
        qualifier.start,
        qualifier.end,
        f"no table is called {quoted(qualifier.text)} here",
        hint,
        severity,
    )


@rule("ambiguous-column", Severity.WARNING, ast.Column)
def ambiguous_column(column: ast.Column, here: Here) -> Iterator[Spot]:
    """Warn of a column that two tables of the query have.

    contact_data and event_data both have a contact_id, and two joined event tables share all
    their columns. Without a table before it, the name can mean either, and the query is refused
    or means something else than you do.

    Put the alias of the table before the column.

    Bad::

        SELECT contact_id, c.updated_at FROM contact_data c
        JOIN event_data e ON c.contact_id = e.contact_id
        WHERE e.timestamp > now() - 30 days

    Good::

        SELECT c.contact_id, c.updated_at FROM contact_data c
        JOIN event_data e ON c.contact_id = e.contact_id
        WHERE e.timestamp > now() - 30 days
    """
    if column.qualifier is None and here.resolve(column).found is Found.AMBIGUOUS:
        name = lower(column.name.text)
        owners = (
            alias
            for alias, seen in here.scope.aliases.items()
            if name in TABLES.get(seen.table, ())
        )
        alias = next(owners, "c")
        yield Spot(
            column.start,
            column.end,
            f"more than one table here has a column {quoted(column.name.text)}",
            f"say whose it is: `{alias}.{column.name.text}`",
        )


@rule("unknown-column", Severity.ERROR, ast.Column, needs=Needs.FIELDS)
def unknown_column(column: ast.Column, here: Here) -> Iterator[Spot]:
    """Find columns and custom fields that do not exist.

    A misspelt field selects nobody: the campaign goes out to an empty audience, or the segment
    is refused. The list of the account's custom fields comes from `fields.yaml`, which `segctl
    fields pull` writes; while that is missing or old, and for event_data, whose columns are
    documented only in part, this is a warning. Names between double quotes are told apart by
    case.

    Correct the name, or create the custom field in SendGrid and pull the fields again.

    Bad::

        prefered_language = 'cs'

    Good::

        preferred_language = 'cs'
    """
    resolved = here.resolve(column)
    if resolved.found is Found.OTHER_CASE:
        name = resolved.spelling
        yield Spot(
            column.name.start,
            column.name.end,
            f"a name between double quotes is told apart by case, and the field is `{name}`",
            f'write "{name}"',
            Severity.WARNING,
        )
    elif resolved.found is Found.UNKNOWN and not (
        _is_value(column, here)
        # Some dialects let WHERE use the name of a selected value.
        or resolved.name in here.scope.selected
    ):
        yield _unknown(column, here, resolved)


def _unknown(column: ast.Column, here: Here, resolved: Resolved) -> Spot:
    name, table = column.name.text, resolved.table or "contact_data"
    account_schema = here.account_schema
    meant = closest_match(name, account_schema.columns(table))
    certain = account_schema.certain and table == "contact_data"
    bare = not column.qualifier and not column.name.quoted
    function = FUNCTIONS.get(upper(name)) if bare else None
    if function and function.min_args == 0:
        hint = f"write {function.name}()"
    elif bare and column.start in here.work.values:
        hint = f"to compare with a text, write '{name}'"
        hint += f"; or did you mean the column `{meant}`?" if meant else ""
    elif meant:
        hint = f"did you mean `{meant}`?"
        if account_schema.custom_fields is None and table == "contact_data":
            hint += f" If it is a custom field, {_PULL}"
    elif table == "event_data":
        hint = "it has contact_id, event_source, event_type, timestamp and data"
    elif certain:
        hint = "create the custom field in SendGrid, then run `segctl fields pull`"
    else:
        hint = _PULL
    message = f"{table} has no column {quoted(name)}"
    if not certain:
        message = f"segctl knows no column {quoted(name)} of {table}"
    return Spot(
        column.name.start,
        column.name.end,
        message,
        hint,
        Severity.ERROR if certain else Severity.WARNING,
    )


@rule("quoted-value", Severity.WARNING, ast.Column, needs=Needs.FIELDS)
def quoted_value(column: ast.Column, here: Here) -> Iterator[Spot]:
    """Find texts between double quotes.

    In SQL, "John" is the name of a column, and 'John' is a text. `first_name = "John"` compares
    the first name with a column John, which does not exist: the segment is refused, or empty.

    Put texts between single quotes. Only the names of fields go between double quotes.

    Bad::

        first_name = "John"

    Good::

        first_name = 'John'
    """
    if here.resolve(column).found is Found.UNKNOWN and _is_value(column, here):
        text = column.name.text.replace("'", "''")
        yield Spot(
            column.start,
            column.end,
            f'"{column.name.text}" between double quotes is the name of a column, not a text',
            f"write '{text}'",
            Severity.ERROR if here.account_schema.certain else Severity.WARNING,
        )


def _is_value(column: ast.Column, here: Here) -> bool:
    """Tell whether a quoted name stands where a value is expected."""
    plain = column.name.quoted and not column.qualifier and not column.path
    return plain and column.start in here.work.values
