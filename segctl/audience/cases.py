"""The tests that a segment file carries: a contact, what happened to it, and what is expected.

Owns `tests:` of a segment file and `fixtures.yaml`: their values become rows for the engine, and
what is wrong in them findings. The shape is the schemas'; what is checked here needs the account's
fields. Refuses to evaluate: `segctl.audience.case_runner` does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING, Any

from segctl.audience.scope import Columns
from segctl.audience.typed_sql import DECIMALS, number_sql
from segctl.common.suggest import did_you_mean
from segctl.common.timestamps import parse_utc
from segctl.documents.document import UnquotedDate, decode_utf8, quote_value
from segctl.documents.schema import check_schema
from segctl.documents.yaml_reader import parse_document
from segctl.query.catalogue import CONTACT_DATA, ColumnType
from segctl.query.parser.tokens import lower

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from segctl.documents.document import Document, Path
    from segctl.errors import Diagnostic, Span

CONTACT_ID = "the-contact"
"""Who a contact is that has no contact_id."""

_QUOTES = "put it in quotes"
_WRITE = {
    ColumnType.VARCHAR: ("a text", _QUOTES),
    ColumnType.NUMBER: (
        "a number",
        f"write 1234.5: no quotes, no exponent, and at most {DECIMALS} decimals",
    ),
    ColumnType.TIMESTAMP: ("a time", "write it in ISO form: '2026-01-31T00:00:00Z'"),
    ColumnType.ARRAY: ("a list of texts", "write it as a list: [value]"),
    ColumnType.VARIANT: ("a mapping", "write keys and values"),
}


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
    """One test. `now` is `None` for the present; `expected` says whether the contact is in."""

    name: str
    span: Span
    contact: Mapping[str, Any]
    events: tuple[Mapping[str, Any], ...]
    now: datetime | None
    expected: bool


@dataclass(frozen=True, slots=True)
class Reason:
    """A condition that decided: as it was written, `true`, `false` or `NULL`, and its place."""

    condition: str
    truth: str
    span: Span


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What a test showed; `actual` is `None` where it could not be tried, and `problem` says why.

    `file` is that of the segment. `reasons` are empty for a test that passed.
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
    """Read the bytes of fixtures.yaml; `None`, and all that is wrong, where they are none."""
    text, broken = decode_utf8(file, data)
    if broken is not None:
        return None, [broken]
    document = parse_document(file, text)
    if document.report_api_keys(whole=True) or document.diagnostics:
        return None, document.diagnostics
    return (document if check_schema(document, "fixtures") else None), document.diagnostics


def infer_columns(documents: Iterable[Document]) -> Columns:
    """Guess at the account's fields by the values of the tests, where no fields.yaml says them.

    A field that has values of two types is left out, so whatever asks it is refused.
    """
    types: dict[str, set[ColumnType]] = {}
    for document in documents:
        for contact in _contacts(document.value):
            for name, value in contact.items():
                kind = _type_of(value)
                if kind and lower(name) not in CONTACT_DATA:
                    types.setdefault(name, set()).add(kind)
    known = {name: kinds.pop() for name, kinds in types.items() if len(kinds) == 1}
    return Columns(known, guessed=known)


def _contacts(value: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for one in (*value.get("tests", ()), *value.get("fixtures", {}).values()):
        yield one.get("contact", {})


def _type_of(value: object) -> ColumnType | None:
    match value:
        case int() | float():
            return ColumnType.NUMBER
        case str():
            return ColumnType.TIMESTAMP if parse_utc(value) else ColumnType.VARCHAR
        case list():
            return ColumnType.ARRAY
        case _:
            return None


class CaseReader:
    """Makes rows of one document's contacts and events; findings go to the document.

    `certain` says that a field which is not among the columns does not exist.
    """

    def __init__(self, document: Document, columns: Columns, *, certain: bool) -> None:
        self.document = document
        self.columns = columns
        self.certain = certain

    def fixtures(self) -> Fixtures:
        """Read fixtures.yaml."""
        value = self.document.value
        read = {
            name: Fixture(
                self._contact(one["contact"], ("fixtures", name, "contact")),
                self._events(one.get("events", ()), ("fixtures", name, "events")),
            )
            for name, one in value["fixtures"].items()
        }
        return Fixtures(read, self._now(value, ()))

    def cases(self, fixtures: Fixtures) -> tuple[Case, ...]:
        """Read the tests of a segment file."""
        found: list[Case] = []
        names: set[str] = set()
        for number, one in enumerate(self.document.value.get("tests", ())):
            path = ("tests", number)
            if one["name"] in names:
                self._report("duplicate-test", "two tests have this name", (*path, "name"))
            names.add(one["name"])
            found.append(self._case(one, path, fixtures))
        return tuple(found)

    def _case(self, one: dict[str, Any], path: Path, fixtures: Fixtures) -> Case:
        name = one.get("fixture")
        shared = fixtures.by_name.get(name, Fixture({})) if name else Fixture({})
        if name and name not in fixtures.by_name:
            hint = did_you_mean(name, fixtures.by_name, "fixtures.yaml has the fixtures")
            message = f"there is no fixture {quote_value(name)}"
            self._report("unknown-fixture", message, (*path, "fixture"), hint)
        if not name and "contact" not in one:
            hint = "add `contact:` with its columns, or `fixture:` with the name of one"
            self._report("missing-key", "the test has no contact", path, hint)
        own = self._contact(one.get("contact", {}), (*path, "contact"))
        events = shared.events
        if "events" in one:
            events = self._events(one["events"], (*path, "events"))
        contact = {"contact_id": CONTACT_ID, **shared.contact, **own}
        return Case(
            one["name"],
            self.document.span((*path, "name")),
            contact,
            tuple({"contact_id": contact["contact_id"], **event} for event in events),
            self._now(one, path) or fixtures.now,
            one["expect"] == "in",
        )

    def _contact(self, given: dict[str, Any], path: Path) -> dict[str, Any]:
        row = {}
        for key, value in given.items():
            column = self.columns.spelling(key)
            if column is None:
                if self.certain:
                    self._unknown(key, (*path, key))
                continue
            if column in row:
                self._repeated(key, column, (*path, key))
            row[column] = self._value(key, value, self.columns.types[column], (*path, key))
        if row.get("contact_id", "") is None:
            self._report("bad-value", "every contact has a contact_id", (*path, "contact_id"))
        return row

    def _repeated(self, key: str, column: str, path: Path) -> None:
        self.document.report(
            "duplicate-key",
            f"{quote_value(key)} stands here twice:"
            f" it is the column {quote_value(column)} in any case",
            path=path,
            key=True,
            hint="keep one of the two",
        )

    def _unknown(self, key: str, path: Path) -> None:
        self.document.report(
            "unknown-column",
            f"contacts have no column {quote_value(key)}",
            path=path,
            key=True,
            hint=did_you_mean(key, self.columns.types, "`segctl fields pull` reads the fields"),
        )

    def _events(self, given: Iterable[dict[str, Any]], path: Path) -> tuple[dict[str, Any], ...]:
        rows = []
        for number, event in enumerate(given):
            row = dict(event)
            self._plain(row.get("data"), (*path, number, "data"))
            if "timestamp" in row:
                where = (*path, number, "timestamp")
                kind = ColumnType.TIMESTAMP
                row["timestamp"] = self._value("timestamp", row["timestamp"], kind, where)
            rows.append(row)
        return tuple(rows)

    def _plain(self, value: Any, path: Path) -> None:
        """Refuse in semi-structured data what JSON cannot hold."""
        match value:
            case UnquotedDate():
                self._report("wrong-type", "this is a date, and JSON has none", path, _QUOTES)
            case float() if not isfinite(value):
                self._report("bad-value", "this is no number of JSON", path, _QUOTES)
            case dict():
                for key, one in value.items():
                    self._plain(one, (*path, key))
            case list():
                for number, one in enumerate(value):
                    self._plain(one, (*path, number))

    def _now(self, given: dict[str, Any], path: Path) -> datetime | None:
        if "now" not in given:
            return None
        moment: datetime | None = self._value(
            "now", given["now"], ColumnType.TIMESTAMP, (*path, "now")
        )
        return moment

    def _value(self, key: str, value: Any, kind: ColumnType, path: Path) -> Any:
        """Make a value of the type of its column, or report it and give NULL."""
        match kind, value:
            case _, None:
                return None
            case ColumnType.VARCHAR, str():
                return value
            case ColumnType.ARRAY, list():
                return list(value)
            case ColumnType.NUMBER, int() | float() if number_sql(Decimal(str(value))):
                return Decimal(str(value))
            case ColumnType.TIMESTAMP, str() if moment := parse_utc(value):
                return moment
        what, hint = _WRITE[kind]
        self._report("bad-value", f"{quote_value(key)} must be {what}", path, hint)
        return None

    def _report(self, code: str, summary: str, path: Path, hint: str = "") -> None:
        self.document.report(code, summary, path=path, hint=hint)
