"""The check of a pulled data set's tables: they are what `build` creates, and nothing else.

A DuckDB file can contain programs: views, macros, generated columns. Reads the catalogue alone,
which runs none of them, before the first statement on a table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.audience.duckdb_engine import DATABASE_SIDECARS
from segctl.audience.to_duckdb import TYPES
from segctl.audience.typed_sql import name_sql
from segctl.query.catalogue import TABLES

if TYPE_CHECKING:
    from pathlib import Path

    from segctl.audience.duckdb_engine import Database
    from segctl.query.catalogue import ColumnType

METADATA = "segctl_base"
"""The table of metadata, which every data set has."""

METADATA_COLUMNS = "key VARCHAR PRIMARY KEY, value VARCHAR"

COLUMN_TYPES = {name.replace(", ", ","): column_type for column_type, name in TYPES.items()}
"""The column types by DuckDB's own names, which need no conversion."""

_EXPECTED = "expected"
_OTHER_OBJECTS = (
    ("duckdb_views()", "view_name"),
    ("duckdb_functions()", "function_name"),
    ("duckdb_types()", "type_name"),
)


class UnexpectedTables(ValueError):
    """A database is not one that `build` wrote."""


def attach_pulled(database: Database, path: Path, alias: str) -> dict[str, dict[str, ColumnType]]:
    """Attach a data set; return its tables of contacts and events, and their columns' types.

    Raises `UnexpectedTables` and `EvaluationFailed`.
    """
    if any(path.with_name(path.name + suffix).exists() for suffix in DATABASE_SIDECARS):
        # DuckDB would replay the statements in it.
        raise UnexpectedTables("changes beside the file")
    database.attach(path, alias)
    for source, name in _OTHER_OBJECTS:
        condition = f"database_name = '{alias}' AND NOT internal"
        if database.rows(f"SELECT {name} FROM {source} WHERE {condition}"):  # noqa: S608 - our own names
            raise UnexpectedTables(source)
    columns = _columns(database, alias)
    definitions = {
        table: ", ".join(f"{name_sql(name)} {TYPES[each]}" for name, each in types.items())
        for table, types in columns.items()
    }
    definitions[METADATA] = METADATA_COLUMNS
    database.rows(f"ATTACH ':memory:' AS {_EXPECTED}")
    for table, definition in definitions.items():
        database.rows(f"CREATE TABLE {_EXPECTED}.main.{table} ({definition})")
    if _definitions(database, alias) != _definitions(database, _EXPECTED):
        raise UnexpectedTables("definitions")
    database.rows(f"DETACH {_EXPECTED}")
    return columns


def _columns(database: Database, alias: str) -> dict[str, dict[str, ColumnType]]:
    """Return the columns of contacts and events. Raises `UnexpectedTables` for other types."""
    columns: dict[str, dict[str, ColumnType]] = {}
    for table, name, type_name in database.rows(
        "SELECT table_name, column_name, data_type FROM duckdb_columns()"  # noqa: S608 - our own name
        f" WHERE database_name = '{alias}' AND table_name <> '{METADATA}' ORDER BY column_index"
    ):
        column_type = COLUMN_TYPES.get(type_name)
        standard = TABLES.get(table, {}).get(name, column_type)
        if table not in TABLES or column_type is None or column_type is not standard:
            raise UnexpectedTables("columns")
        columns.setdefault(table, {})[name] = column_type
    return columns


def _definitions(database: Database, alias: str) -> list[tuple[str, ...]]:
    """Return the whole definition of each table: defaults, constraints and collations included."""
    rows: list[tuple[str, ...]] = database.rows(
        "SELECT schema_name, table_name, index_count, sql FROM duckdb_tables()"  # noqa: S608 - our own name
        f" WHERE database_name = '{alias}' ORDER BY ALL"
    )
    return rows
