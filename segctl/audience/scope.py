"""Which column a name means in a translation: the tables in sight and what they hold.

Owns the resolution of names where only certainty counts. The lint rules' own (`query.lint.sight`)
guesses for the sake of good messages; here a name that could mean two things is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.audience.typed_sql import TypedSql, name_sql
from segctl.common.suggest import closest_match
from segctl.query.catalogue import CONTACT_DATA, TABLES, ColumnType
from segctl.query.parser.tokens import lower
from segctl.query.value_types import VALUE_TYPES, refusal

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from segctl.query import ast
    from segctl.query.value_types import CannotTranslate


class Columns:
    """The columns of `contact_data`: the standard ones, and those that an account has beside them.

    Names that differ by nothing but case are kept apart by segctl, but perhaps not by the server,
    so a query that uses one of them is refused.
    """

    def __init__(
        self,
        others: Mapping[str, ColumnType],
        *,
        complete: bool = False,
        guessed: Collection[str] = (),
    ) -> None:
        """`others` goes from names, as the account spells them, to types.

        `complete` says that these are those of a base of contacts, so others do not exist. Of
        those `guessed`, the values alone tell the type: the account may call it another.
        """
        self.complete = complete
        self.guessed = frozenset(guessed)
        self.types: dict[str, ColumnType] = dict(CONTACT_DATA)
        self._spellings: dict[str, list[str]] = {name: [name] for name in CONTACT_DATA}
        for name, kind in others.items():
            spelled = self._spellings.setdefault(lower(name), [])
            if lower(name) not in CONTACT_DATA:
                spelled.append(name)
                if len(spelled) == 1:
                    self.types[name] = kind

    def spelling(self, name: str) -> str | None:
        """Give the one column that a name means, whatever its case; `None` where none, or two."""
        spelled = self._spellings.get(lower(name), ())
        return spelled[0] if len(spelled) == 1 else None

    def spellings(self, name: str) -> list[str]:
        """Give every column that a name could mean."""
        return self._spellings.get(lower(name), [])


@dataclass(frozen=True, slots=True)
class ScopedTable:
    """A table in sight: its folded alias in the query, and its name in the translation."""

    called: str
    table: str
    alias: str


@dataclass(frozen=True, slots=True)
class TableScope:
    """The tables of a query, and the scope around it."""

    tables: tuple[ScopedTable, ...]
    outer: TableScope | None = None


@dataclass(frozen=True, slots=True)
class ColumnUse:
    """A column that a query asks, by table and spelling; `start` and `end` are offsets in its text.

    `items` are what is looked for in a list; `None` says that anything of the value may matter.
    """

    table: str
    column: str
    start: int
    end: int
    items: tuple[str, ...] | None = None


def resolve(
    column: ast.Column, scope: TableScope, columns: Columns
) -> tuple[ScopedTable, TypedSql]:
    """Find the table and the column; the path into DATA is not looked at. Or refuse it."""
    around: TableScope | None = scope
    while around:
        if column.qualifier:
            qualifier = lower(column.qualifier.text)
            hits = [seen for seen in around.tables if seen.called == qualifier]
        else:
            hits = [seen for seen in around.tables if _has(seen, column.name, columns)]
        if len(hits) > 1:
            raise refusal(
                column,
                f"two tables have a column `{column.name.text}`",
                "write the alias of one before it: c.contact_id",
            )
        if hits:
            return hits[0], _piece(hits[0], column, columns)
        around = around.outer
    if column.qualifier:
        raise refusal(column, f"no table in sight is called `{column.qualifier.text}`")
    names = [name for seen in scope.tables for name in _names(seen, columns)]
    raise _unknown(column, names, columns)


def _has(seen: ScopedTable, name: ast.Name, columns: Columns) -> bool:
    if seen.table == "contact_data":
        return bool(columns.spellings(name.text))
    return lower(name.text) in TABLES[seen.table]


def _names(seen: ScopedTable, columns: Columns) -> list[str]:
    return [*(columns.types if seen.table == "contact_data" else TABLES[seen.table])]


def _unknown(column: ast.Column, known: list[str], columns: Columns) -> CannotTranslate:
    meant = closest_match(column.name.text, known)
    hint = f"did you mean `{meant}`?" if meant else ""
    if columns.complete:
        return refusal(column, f"the base has no column `{column.name.text}`", hint)
    return refusal(
        column,
        f"the type of the column `{column.name.text}` is not known",
        hint or "`segctl fields pull` writes down the fields of the account",
    )


def _piece(seen: ScopedTable, column: ast.Column, columns: Columns) -> TypedSql:
    name = column.name
    if seen.table == "contact_data":
        spelled = columns.spellings(name.text)
        if not spelled:
            raise _unknown(column, _names(seen, columns), columns)
        if len(spelled) > 1:
            raise refusal(
                column,
                f"{' and '.join(f'`{one}`' for one in sorted(spelled))} are two fields, and"
                " whether SendGrid tells them apart is not known",
            )
        spelling, kind = spelled[0], VALUE_TYPES[columns.types[spelled[0]]]
    else:
        table = TABLES[seen.table]
        spelling = lower(name.text)
        if spelling not in table:
            raise _unknown(column, [*table], columns)
        kind = VALUE_TYPES[table[spelling]]
    if name.quoted and name.text != spelling:
        raise refusal(
            column,
            f'"{name.text}" in double quotes means exactly that, and the field is `{spelling}`',
            f'write "{spelling}"',
        )
    guessed = seen.table == "contact_data" and spelling in columns.guessed
    return TypedSql(f"{seen.alias}.{name_sql(spelling)}", kind, guessed=guessed)
