"""Rules about names: columns, qualifiers, and names where a string was meant.

A name that segctl does not know may be a custom field. Only a fresh list of the account's fields
makes that certain, and an unknown name an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.common.suggest import closest_match, nearest_match
from segctl.errors import Severity
from segctl.query import ast
from segctl.query.catalogue import FUNCTIONS, TABLES
from segctl.query.lint.account_schema import PULL_ACCOUNT
from segctl.query.lint.rule import Needs, Violation, quote_sql, rule, violation_at
from segctl.query.lint.scope import NodeContext, Resolution, ResolvedColumn
from segctl.query.parser.tokens import lower, upper

if TYPE_CHECKING:
    from collections.abc import Iterator

_PULL_FIELDS = f"{PULL_ACCOUNT} to fetch the account's custom fields"


@rule("unknown-alias", Severity.ERROR, ast.Column)
def unknown_alias(column: ast.Column, context: NodeContext) -> Iterator[Violation]:
    """Report `e.timestamp` where no table has the alias `e`.

    The name before the dot must be the alias of a table in FROM or JOIN, or the name of a table
    without an alias. Otherwise SendGrid refuses the query. Most often, a JOIN is missing.

    Give the table that alias, or use the alias that it has.

    Bad::

        SELECT contact_id, updated_at FROM contact_data WHERE c.country = 'US'

    Good::

        SELECT c.contact_id, c.updated_at FROM contact_data c WHERE c.country = 'US'
    """
    qualifier = column.qualifier
    if qualifier is None:
        return
    resolution = context.resolve(column).resolution
    if resolution not in (Resolution.NO_TABLE, Resolution.HIDDEN):
        return
    name = lower(qualifier.text)
    aliases = context.scope.aliases
    severity = None
    if resolution is Resolution.HIDDEN:
        alias = next(alias for alias, table in aliases.items() if table.table == name)
        hint = f"write `{alias}.{column.name.text}`"
        severity = Severity.WARNING
    elif name == "data" or lower(column.name.text) == "data":
        hint = "write e.DATA:payload.part for a part of semi-structured data"
    else:
        suggestion = nearest_match(name, list(aliases))
        known = f"the table aliases of this query are {', '.join(aliases)}"
        hint = f"did you mean `{suggestion}`?" if suggestion else known
    yield violation_at(
        qualifier, f"unknown table alias {quote_sql(qualifier.text)}", hint, severity
    )


@rule("ambiguous-column", Severity.WARNING, ast.Column)
def ambiguous_column(column: ast.Column, context: NodeContext) -> Iterator[Violation]:
    """Report a column name that two tables of the query have.

    contact_data and event_data both have a contact_id, and two joined event tables share all
    their columns. Without an alias in front of it, such a name can mean either column: SendGrid
    refuses the query, or the query means something else than you do. Only contact_id needs no
    alias in a query whose joins all are `ON contact_id`.

    Put the alias of the table in front of the column.

    Bad::

        SELECT contact_id, c.updated_at FROM contact_data c
        JOIN event_data e ON c.contact_id = e.contact_id
        WHERE e.timestamp > now() - 30 days

    Good::

        SELECT c.contact_id, c.updated_at FROM contact_data c
        JOIN event_data e ON c.contact_id = e.contact_id
        WHERE e.timestamp > now() - 30 days
    """
    if column.qualifier is None and context.resolve(column).resolution is Resolution.AMBIGUOUS:
        name = lower(column.name.text)
        owners = (
            alias
            for alias, table in context.scope.aliases.items()
            if name in TABLES.get(table.table, ())
        )
        yield violation_at(
            column,
            f"ambiguous column {quote_sql(column.name.text)}: more than one table has it",
            f"add the alias of its table, such as `{next(owners, 'c')}.{column.name.text}`",
        )


@rule("unknown-column", Severity.ERROR, ast.Column, needs=Needs.FIELDS)
def unknown_column(column: ast.Column, context: NodeContext) -> Iterator[Violation]:
    """Report columns and custom fields that do not exist.

    A misspelt field selects nobody: the campaign goes to an empty audience, or SendGrid refuses
    the segment. The account's custom fields are in the file that `segctl account pull` writes.
    While it is missing or old, this rule only warns, as it does for event_data, whose columns are
    only partly documented. Names in double quotes are
    case-sensitive.

    Correct the name, or create the custom field in SendGrid and pull the fields again.

    Bad::

        prefered_language = 'cs'

    Good::

        preferred_language = 'cs'
    """
    resolved = context.resolve(column)
    if resolved.resolution is Resolution.OTHER_CASE:
        yield violation_at(
            column.name,
            f"names in double quotes are case-sensitive, and the field is `{resolved.spelling}`",
            f'write "{resolved.spelling}"',
            Severity.WARNING,
        )
    elif resolved.resolution is Resolution.UNKNOWN and not (
        _is_quoted_value(column, context)
        # Some dialects allow the alias of a selected value in WHERE.
        or resolved.name in context.scope.selected
    ):
        yield _unknown(column, context, resolved)


def _unknown(column: ast.Column, context: NodeContext, resolved: ResolvedColumn) -> Violation:
    name, table = column.name.text, resolved.table or "contact_data"
    account_schema = context.account_schema
    suggestion = closest_match(name, account_schema.columns(table))
    is_certain = account_schema.is_complete and table == "contact_data"
    is_bare = not column.qualifier and not column.name.quoted
    function = FUNCTIONS.get(upper(name)) if is_bare else None
    if function and function.min_args == 0:
        hint = f"write {function.name}()"
    elif is_bare and column.start in context.run.value_columns:
        hint = f"write '{name}' to compare with a string"
        hint += f"; or did you mean the column `{suggestion}`?" if suggestion else ""
    elif suggestion:
        hint = f"did you mean `{suggestion}`?"
        if account_schema.custom_fields is None and table == "contact_data":
            hint += f" If it is a custom field, {_PULL_FIELDS}"
    elif table == "event_data":
        hint = "its columns are contact_id, event_source, event_type, timestamp and data"
    elif is_certain:
        hint = f"create the custom field in SendGrid, then {PULL_ACCOUNT}"
    else:
        hint = _PULL_FIELDS
    message = f"unknown column {quote_sql(name)} in {table}"
    if is_certain:
        message = f"{table} has no column {quote_sql(name)}"
    severity = Severity.ERROR if is_certain else Severity.WARNING
    return violation_at(column.name, message, hint, severity)


@rule("quoted-value", Severity.WARNING, ast.Column, needs=Needs.FIELDS)
def quoted_value(column: ast.Column, context: NodeContext) -> Iterator[Violation]:
    """Report strings in double quotes.

    In SQL, "John" is the name of a column, and 'John' is a string. `first_name = "John"` compares
    the first name with a column named John, which does not exist: SendGrid refuses the segment,
    or it is empty. If `segctl probe` saw SendGrid refuse it (`observed` in segctl.yaml), this is
    always an error; if it was accepted, this is information.

    Put strings in single quotes. Only the names of fields go in double quotes.

    Bad::

        first_name = "John"

    Good::

        first_name = 'John'
    """
    is_unknown = context.resolve(column).resolution is Resolution.UNKNOWN
    if is_unknown and _is_quoted_value(column, context):
        text = column.name.text.replace("'", "''")
        accepted = context.account_schema.observed.double_quoted_text
        is_error = accepted is False or (accepted is None and context.account_schema.is_complete)
        yield violation_at(
            column,
            f'"{column.name.text}" in double quotes is the name of a column, not a string',
            f"write '{text}'",
            Severity.ERROR if is_error else Severity.INFO if accepted else Severity.WARNING,
        )


def _is_quoted_value(column: ast.Column, context: NodeContext) -> bool:
    """Return whether a column is a quoted name where a value is expected."""
    is_bare = column.name.quoted and not column.qualifier and not column.path
    return is_bare and column.start in context.run.value_columns
