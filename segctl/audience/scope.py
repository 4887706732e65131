"""Columns by name in a translation: the tables in scope and their columns.

Resolves names only where that is certain. The resolution in the lint rules (`query.lint.scope`)
guesses for the sake of good messages; here an ambiguous name is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.audience.typed_sql import TypedSql, name_sql
from segctl.common.suggest import closest_match
from segctl.query.catalogue import CONTACT_DATA, JOIN_COLUMN, TABLES, ColumnType
from segctl.query.parser.tokens import lower
from segctl.query.value_types import VALUE_TYPES, refusal

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from segctl.query import ast
    from segctl.query.value_types import CannotTranslate


CONTACT = "c"
"""The alias of the contact that a query is about."""


class Columns:
    """The columns of `contact_data`: the standard ones and the account's own fields.

    segctl distinguishes names that differ only by case, but SendGrid may not, so a query that uses
    such a name is refused.
    """

    def __init__(
        self,
        fields: Mapping[str, ColumnType],
        *,
        complete: bool = False,
        guessed: Collection[str] = (),
    ) -> None:
        """`fields` maps the names of the account's fields, in its spelling, to types.

        `complete`: these are all the columns of a data set, so no others exist. `guessed` names
        the fields whose type is known from nothing but the values; the account may differ.
        """
        self.complete = complete
        self.guessed = frozenset(guessed)
        self.types: dict[str, ColumnType] = dict(CONTACT_DATA)
        self._spellings: dict[str, list[str]] = {name: [name] for name in CONTACT_DATA}
        for name, column_type in fields.items():
            spellings = self._spellings.setdefault(lower(name), [])
            if lower(name) not in CONTACT_DATA:
                spellings.append(name)
                if len(spellings) == 1:
                    self.types[name] = column_type

    def spelling(self, name: str) -> str | None:
        """Return the only column with this name in any case; `None` if there is none, or two."""
        spellings = self._spellings.get(lower(name), ())
        return spellings[0] if len(spellings) == 1 else None

    def spellings(self, name: str) -> list[str]:
        """Return every column with this name in any case."""
        return self._spellings.get(lower(name), [])


@dataclass(frozen=True, slots=True)
class ScopedTable:
    """A table in scope: its folded alias in the query (`name`), and its alias in the SQL."""

    name: str
    table: str
    alias: str


@dataclass(frozen=True, slots=True)
class TableScope:
    """The tables of a query, and the scope of the query around it.

    `merges_contact_id`: a bare contact_id is the same in all tables.
    """

    tables: tuple[ScopedTable, ...]
    outer: TableScope | None = None
    merges_contact_id: bool = False


@dataclass(frozen=True, slots=True)
class ColumnUse:
    """A column that a query uses, by table and spelling; `start` and `end` are offsets in the text.

    `items` are the values that are looked up in a list; `None`: the whole value may matter.
    """

    table: str
    column: str
    start: int
    end: int
    items: tuple[str, ...] | None = None


def resolve(
    column: ast.Column, scope: TableScope, columns: Columns
) -> tuple[ScopedTable, TypedSql]:
    """Return the table and the SQL of a column, without its path into DATA.

    Raises `CannotTranslate`.
    """
    visible: TableScope | None = scope
    while visible:
        if column.qualifier:
            qualifier = lower(column.qualifier.text)
            matches = [table for table in visible.tables if table.name == qualifier]
        else:
            matches = [table for table in visible.tables if _has(table, column.name, columns)]
        if visible.merges_contact_id and lower(column.name.text) == JOIN_COLUMN:
            matches = matches[:1]
        if len(matches) > 1:
            raise refusal(
                column,
                f"the column `{column.name.text}` is ambiguous: two tables have it",
                "add an alias: c.contact_id",
            )
        if matches:
            return matches[0], _typed_column(matches[0], column, columns)
        visible = visible.outer
    if column.qualifier:
        raise refusal(column, f"table `{column.qualifier.text}` not found")
    names = [name for table in scope.tables for name in _column_names(table, columns)]
    raise _unknown_column(column, names, columns)


def _has(table: ScopedTable, name: ast.Name, columns: Columns) -> bool:
    if table.table == "contact_data":
        return bool(columns.spellings(name.text))
    return lower(name.text) in TABLES[table.table]


def _column_names(table: ScopedTable, columns: Columns) -> list[str]:
    return [*(columns.types if table.table == "contact_data" else TABLES[table.table])]


def _unknown_column(column: ast.Column, known: list[str], columns: Columns) -> CannotTranslate:
    match = closest_match(column.name.text, known)
    hint = f"did you mean `{match}`?" if match else ""
    if columns.complete:
        return refusal(column, f"the contacts have no column `{column.name.text}`", hint)
    return refusal(
        column,
        f"the type of the column `{column.name.text}` is unknown",
        hint or "run `segctl account pull` to record the fields of the account",
    )


def _typed_column(table: ScopedTable, column: ast.Column, columns: Columns) -> TypedSql:
    name = column.name
    if table.table == "contact_data":
        spellings = columns.spellings(name.text)
        if not spellings:
            raise _unknown_column(column, _column_names(table, columns), columns)
        if len(spellings) > 1:
            fields = " and ".join(f"`{spelling}`" for spelling in sorted(spellings))
            raise refusal(
                column,
                f"{fields} are two fields, and whether SendGrid distinguishes them is undocumented",
            )
        spelling, value_type = spellings[0], VALUE_TYPES[columns.types[spellings[0]]]
    else:
        event_columns = TABLES[table.table]
        spelling = lower(name.text)
        if spelling not in event_columns:
            raise _unknown_column(column, [*event_columns], columns)
        value_type = VALUE_TYPES[event_columns[spelling]]
    if name.quoted and name.text != spelling:
        raise refusal(
            column,
            f'"{name.text}" in double quotes is case-sensitive, and the field is `{spelling}`',
            f'write "{spelling}"',
        )
    guessed = table.table == "contact_data" and spelling in columns.guessed
    return TypedSql(f"{table.alias}.{name_sql(spelling)}", value_type, guessed=guessed)
