"""The tests that a segment file carries: a contact, its events, and whether it must be in.

Reads `tests:` of a segment file and `fixtures.yaml` into rows for the engine, and reports what is
wrong with them. The schemas check the shape; the checks here need the account's fields. Does not
evaluate: `audience.case_runner` does.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING, Any

from segctl.audience.scope import Columns
from segctl.audience.typed_sql import DECIMALS, number_sql
from segctl.common.suggest import did_you_mean
from segctl.common.timestamps import parse_time_as_utc
from segctl.documents.data_files import read_data_file
from segctl.documents.document import UnquotedDate, quote_value
from segctl.query.catalogue import CONTACT_DATA, ColumnType
from segctl.query.parser.tokens import lower

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from segctl.documents.document import Document, Path
    from segctl.errors import Diagnostic, Span

CONTACT_ID = "the-contact"
"""The id of a contact in a test that sets no contact_id."""

_QUOTE_IT = "put it in quotes"
_EXPECTED = {
    ColumnType.VARCHAR: ("a string", _QUOTE_IT),
    ColumnType.NUMBER: (
        "a number",
        f"write 1234.5: no quotes, no exponent, and at most {DECIMALS} decimals",
    ),
    ColumnType.TIMESTAMP: ("a time", "write an ISO 8601 time: '2026-01-31T00:00:00Z'"),
    ColumnType.ARRAY: ("a list of strings", "write a list: [value]"),
    ColumnType.VARIANT: ("a mapping", "write keys and values"),
}
"""For each type of column: what a value must be, and a hint."""


@dataclass(frozen=True, slots=True)
class Fixture:
    """A contact and its events, as rows for the engine."""

    contact: Mapping[str, Any]
    events: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Fixtures:
    """What the tests of all files share."""

    by_name: Mapping[str, Fixture] = field(default_factory=dict)
    now: datetime | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A test. `now` is `None` for the current time; `expected`: the contact must be in."""

    name: str
    span: Span
    contact: Mapping[str, Any]
    events: tuple[Mapping[str, Any], ...]
    now: datetime | None
    expected: bool


@dataclass(frozen=True, slots=True)
class Reason:
    """A condition that decided: its text, its value (`true`, `false` or `NULL`), and its place."""

    condition: str
    truth: str
    span: Span


@dataclass(frozen=True, slots=True)
class CaseResult:
    """The result of a test; `actual` is `None` where it could not run, and `problem` says why.

    `file` is the segment's. `reasons` is empty for a test that passed.
    """

    segment: str
    file: str
    case: Case
    actual: bool | None
    reasons: tuple[Reason, ...] = ()
    problem: str = ""

    @property
    def passed(self) -> bool:
        """Whether the contact is where it was expected."""
        return self.actual is self.case.expected


def read_fixtures_document(file: str, data: bytes) -> tuple[Document | None, list[Diagnostic]]:
    """Return the document in fixtures.yaml, or `None` and what is wrong with it."""
    document, is_valid = read_data_file(file, data, "fixtures")
    return document if is_valid else None, document.diagnostics


def infer_columns(documents: Iterable[Document]) -> Columns:
    """Return the account's fields as the values in the tests suggest, where no file has them.

    A field with values of two types is left out, so queries that use it are refused.
    """
    types: dict[str, set[ColumnType]] = {}
    for document in documents:
        for contact in _contacts(document.value):
            for name, value in contact.items():
                column_type = _type_of(value)
                if column_type and lower(name) not in CONTACT_DATA:
                    types.setdefault(name, set()).add(column_type)
    known = {name: seen.pop() for name, seen in types.items() if len(seen) == 1}
    return Columns(known, guessed=known)


def _contacts(value: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for test in (*value.get("tests", ()), *value.get("fixtures", {}).values()):
        yield test.get("contact", {})


def _type_of(value: object) -> ColumnType | None:
    match value:
        case int() | float():
            return ColumnType.NUMBER
        case str():
            return ColumnType.TIMESTAMP if parse_time_as_utc(value) else ColumnType.VARCHAR
        case list():
            return ColumnType.ARRAY
        case _:
            return None


class CaseReader:
    """Reads the contacts and events of one document as rows, and reports problems to it.

    `certain`: a field that is not among the columns does not exist.
    """

    def __init__(self, document: Document, columns: Columns, *, certain: bool) -> None:
        self.document = document
        self.columns = columns
        self.certain = certain

    def fixtures(self) -> Fixtures:
        """Read fixtures.yaml."""
        value = self.document.value
        fixtures = {
            name: Fixture(
                self._contact(fixture["contact"], ("fixtures", name, "contact")),
                self._events(fixture.get("events", ()), ("fixtures", name, "events")),
            )
            for name, fixture in value["fixtures"].items()
        }
        return Fixtures(fixtures, self._now(value, ()))

    def cases(self, fixtures: Fixtures) -> tuple[Case, ...]:
        """Read the tests of a segment file."""
        cases: list[Case] = []
        names: set[str] = set()
        for index, test in enumerate(self.document.value.get("tests", ())):
            path = ("tests", index)
            if test["name"] in names:
                self._report("duplicate-test", "duplicate test name", (*path, "name"))
            names.add(test["name"])
            cases.append(self._case(test, path, fixtures))
        return tuple(cases)

    def _case(self, test: dict[str, Any], path: Path, fixtures: Fixtures) -> Case:
        name = test.get("fixture")
        fixture = fixtures.by_name.get(name, Fixture({})) if name else Fixture({})
        if name and name not in fixtures.by_name:
            hint = did_you_mean(name, fixtures.by_name, "fixtures.yaml has the fixtures")
            message = f"fixture {quote_value(name)} not found"
            self._report("unknown-fixture", message, (*path, "fixture"), hint)
        if not name and "contact" not in test:
            hint = "add `contact:` with its columns, or `fixture:` with the name of a fixture"
            self._report("missing-key", "the test has no contact", path, hint)
        own = self._contact(test.get("contact", {}), (*path, "contact"))
        events = fixture.events
        if "events" in test:
            events = self._events(test["events"], (*path, "events"))
        contact = {"contact_id": CONTACT_ID, **fixture.contact, **own}
        return Case(
            test["name"],
            self.document.span((*path, "name")),
            contact,
            tuple({"contact_id": contact["contact_id"], **event} for event in events),
            self._now(test, path) or fixtures.now,
            test["expect"] == "in",
        )

    def _contact(self, contact: dict[str, Any], path: Path) -> dict[str, Any]:
        row = {}
        for key, value in contact.items():
            self._check_reading(value, (*path, key))
            column = self.columns.spelling(key)
            if column is None:
                if self.certain:
                    self._report_unknown(key, (*path, key))
                continue
            if column in row:
                self._report_duplicate(key, column, (*path, key))
            row[column] = self._value(key, value, self.columns.types[column], (*path, key))
        if row.get("contact_id", "") is None:
            self._report("bad-value", "contact_id must not be null", (*path, "contact_id"))
        return row

    def _report_duplicate(self, key: str, column: str, path: Path) -> None:
        self.document.report(
            "duplicate-key",
            f"duplicate key {quote_value(key)}: column names ignore case, and this is "
            f"{quote_value(column)} again",
            path=path,
            key=True,
            hint="remove one of the two",
        )

    def _report_unknown(self, key: str, path: Path) -> None:
        self.document.report(
            "unknown-column",
            f"contacts have no column {quote_value(key)}",
            path=path,
            key=True,
            hint=did_you_mean(
                key, self.columns.types, "run `segctl account pull` to update the fields"
            ),
        )

    def _events(self, events: Iterable[dict[str, Any]], path: Path) -> tuple[dict[str, Any], ...]:
        rows = []
        for index, event in enumerate(events):
            row = dict(event)
            for key, value in event.items():
                self._check_json(value, (*path, index, key))
            if "timestamp" in row:
                row["timestamp"] = self._value(
                    "timestamp",
                    row["timestamp"],
                    ColumnType.TIMESTAMP,
                    (*path, index, "timestamp"),
                )
            rows.append(row)
        return tuple(rows)

    def _check_reading(self, value: Any, path: Path) -> None:
        """Report a word that YAML reads as null, true or false, unless it says so."""
        place = self.document.places.get(path)
        if place is None or place.style != "" or not (value is None or isinstance(value, bool)):
            return
        written, reading = self.document.written(path), json.dumps(value)
        if not written:
            hint = "write null, or put text that starts with # in quotes"
            self._report("empty-value", "YAML reads a missing value as null", path, hint)
        elif written.lower() != reading or written == "Null":
            summary = f"YAML reads {quote_value(written)} as {reading}"
            self._report("yaml-word", summary, path, f"{_QUOTE_IT}, or write {reading}")

    def _check_json(self, value: Any, path: Path) -> None:
        """Report what JSON cannot represent, and words that YAML reads as something else."""
        self._check_reading(value, path)
        match value:
            case UnquotedDate() as value:
                summary = f"YAML reads {quote_value(value.text)} as a date"
                self._report("wrong-type", summary, path, _QUOTE_IT)
            case float() if not isfinite(value):
                self._report("bad-value", "must be a finite number", path, _QUOTE_IT)
            case dict():
                for key, item in value.items():
                    self._check_json(item, (*path, key))
            case list():
                for index, item in enumerate(value):
                    self._check_json(item, (*path, index))

    def _now(self, mapping: dict[str, Any], path: Path) -> datetime | None:
        if "now" not in mapping:
            return None
        time: datetime | None = self._value(
            "now", mapping["now"], ColumnType.TIMESTAMP, (*path, "now")
        )
        return time

    def _value(self, key: str, value: Any, column_type: ColumnType, path: Path) -> Any:
        """Return a value in the type of its column; report it and return `None` if it has none."""
        match column_type, value:
            case _, None:
                return None
            case ColumnType.VARCHAR, str():
                return value
            case ColumnType.ARRAY, list():
                return list(value)
            case ColumnType.NUMBER, int() | float() if number_sql(Decimal(str(value))):
                return Decimal(str(value))
            case ColumnType.TIMESTAMP, str() if time := parse_time_as_utc(value):
                return time
        expected, hint = _EXPECTED[column_type]
        self._report("bad-value", f"{quote_value(key)} must be {expected}", path, hint)
        return None

    def _report(self, code: str, summary: str, path: Path, hint: str = "") -> None:
        self.document.report(code, summary, path=path, hint=hint)
