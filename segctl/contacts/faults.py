"""What is wrong with the rows of a file: how many, the first of them, and why.

Values are masked. Reads the file once more, up to the first such row.
"""

from __future__ import annotations

import re
from datetime import UTC
from typing import TYPE_CHECKING

from segctl.audience.duckdb_engine import EvaluationFailed
from segctl.audience.scope import CONTACT
from segctl.audience.typed_sql import DECIMALS, name_sql
from segctl.contacts.masking import mask_value
from segctl.contacts.typed_columns import NOUNS, is_written_as_time
from segctl.query.catalogue import JOIN_COLUMN, ColumnType

if TYPE_CHECKING:
    from datetime import datetime

    from segctl.audience.duckdb_engine import Database
    from segctl.audience.to_duckdb import Audience
    from segctl.contacts.dataset import Dataset
    from segctl.contacts.file_readers import Relation

_DIGITS = re.compile(r"\s*[+-]?[0-9]+(?:\.([0-9]*))?\s*")


def describe_faults(database: Database, relation: Relation, name: str, count: int) -> str:
    """Return a message that so many values of a column are not of its type.

    Raises `EvaluationFailed`.
    """
    column = relation.columns[name]
    noun, plural = NOUNS[column.type]
    ((row, raw),) = database.rows(
        f"SELECT number, raw FROM ("  # noqa: S608 - our own relation
        f"SELECT row_number() OVER () AS number, CAST({column.raw} AS VARCHAR) AS raw,"
        f" {column.fault} AS is_faulty FROM {relation.source}) WHERE is_faulty LIMIT 1"
    )
    number, text = row - 1 + relation.first_row, str(raw)
    value = f"`{mask_value(text)}`{_reason(text, column.type)}"
    if count == 1:
        return f"1 value of `{name}` in {relation.name} is not a {noun}: row {number:,} is {value}"
    return (
        f"{count:,} values of `{name}` in {relation.name} are not {plural}: the first, row "
        f"{number:,}, is {value}"
    )


def _reason(text: str, column_type: ColumnType) -> str:
    """Return, in parentheses, what a value has that is written as it should be."""
    if column_type is ColumnType.NUMBER and (digits := _DIGITS.fullmatch(text)):
        decimals = (digits[1] or "").rstrip("0")
        return f" (more than {DECIMALS} decimals)" if len(decimals) > DECIMALS else " (too large)"
    if column_type is ColumnType.TIMESTAMP and is_written_as_time(text):
        return " (not in the calendar)"
    return ""


def first_row_without_id(database: Database, relation: Relation) -> int:
    """Return the number of the first row without an id. Raises `EvaluationFailed`."""
    ((row,),) = database.rows(
        f"SELECT number FROM (SELECT row_number() OVER () AS number,"  # noqa: S608 - our own relation
        f" {relation.columns[JOIN_COLUMN].value} AS id FROM {relation.source})"
        " WHERE id IS NULL LIMIT 1"
    )
    return int(row) - 1 + relation.first_row


def first_repeating_row(database: Database, relation: Relation) -> int:
    """Return the number of the first row whose id an earlier row has. Raises `EvaluationFailed`."""
    ((row,),) = database.rows(
        f"SELECT min(number) FROM (SELECT number,"  # noqa: S608 - our own relation
        " row_number() OVER (PARTITION BY id ORDER BY number) AS occurrence FROM ("
        f"SELECT row_number() OVER () AS number, {relation.columns[JOIN_COLUMN].value} AS id"
        f" FROM {relation.source})) WHERE occurrence > 1"
    )
    return int(row) - 1 + relation.first_row


_ROW = name_sql("the row")


def failing_row(dataset: Dataset, audience: Audience, now: datetime) -> int | None:
    """Return the number of the first contact on which a condition cannot be computed.

    `None` where that cannot be told: for pulled contacts, conditions on events, and conditions that
    fail on purpose.
    """
    relation = dataset.contacts
    if dataset.is_pulled or audience.uses_events:
        return None
    names = {use.column: None for use in audience.column_uses}
    values = "".join(f", {relation.columns[name].value} AS {name_sql(name)}" for name in names)
    sql = audience.condition.sql
    parameters = {"now": now.astimezone(UTC).replace(tzinfo=None)} if "$now" in sql else {}
    try:
        ((row,),) = dataset.database.rows(
            f"SELECT {_ROW} FROM (SELECT {_ROW}, TRY(({sql}) IS NULL) AS is_known FROM ("  # noqa: S608 - translated
            f"SELECT row_number() OVER () AS {_ROW}{values} FROM {relation.source}) AS {CONTACT})"
            " WHERE is_known IS NULL LIMIT 1",
            parameters,
        )
    except (EvaluationFailed, ValueError):
        return None
    return int(row) - 1 + relation.first_row
