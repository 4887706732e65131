"""The contacts of an account, their lists and their events: every statement on the three tables.

Evaluates no query and answers no request: contacts leave the account by export alone.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from segctl.emulator import catalogue

if TYPE_CHECKING:
    from collections.abc import Iterable

Value = str | float | Sequence[str]
"""Text, also for a date (ISO 8601 with a zone); a number; texts for `alternate_emails`."""

TEXT_COLUMNS = (
    "first_name",
    "last_name",
    "address_line_1",
    "address_line_2",
    "city",
    "state_province_region",
    "postal_code",
    "country",
    "phone_number",
    "whatsapp",
    "line",
    "facebook",
    "unique_name",
    "phone_number_id",
    "external_id",
    "anonymous_id",
)
"""The standard columns of `contact_data` that a contact may have a text in (sendgrid-api.md §6)."""

ALTERNATE_EMAILS = "alternate_emails"
LARGEST = 10**15
"""Numbers of fields are smaller (guessed): floats below have all digits before the point."""

# One encoder for all: creating it costs as much as encoding a contact.
_written = json.JSONEncoder(ensure_ascii=False).encode


@dataclass(frozen=True, slots=True)
class Contact:
    """One contact; instants are in seconds since 1970.

    `fields` goes from standard columns and custom fields to values; what is not there is NULL.
    """

    id: str
    email: str
    fields: Mapping[str, Value]
    list_ids: tuple[str, ...]
    created_at: float
    updated_at: float

    @property
    def email_domains(self) -> list[str]:
        """Return the domains of all addresses, each once."""
        others = self.fields.get(ALTERNATE_EMAILS, ())
        addresses = [self.email, *(others if not isinstance(others, str | float) else ())]
        return list(dict.fromkeys(address.rpartition("@")[2] for address in addresses))


@dataclass(frozen=True, slots=True)
class Event:
    """An event of a contact; `data` is what queries see as `DATA`."""

    contact_id: str
    event_type: str
    at: float
    source: str = "mail"
    data: Mapping[str, object] = field(default_factory=dict)


def any_of(db: sqlite3.Connection, account: str) -> bool:
    """Return whether the account has a contact."""
    (has_contacts,) = db.execute(
        "SELECT EXISTS (SELECT 1 FROM contact WHERE account = ?)", (account,)
    ).fetchone()
    return bool(has_contacts)


def read_contacts(db: sqlite3.Connection, account: str) -> list[Contact]:
    """Return all contacts, oldest entry first."""
    rows = db.execute(
        "SELECT *, (SELECT json_group_array(list_id) FROM membership AS m "
        "WHERE m.account = c.account AND m.contact_id = c.id) AS list_ids "
        "FROM contact AS c WHERE account = ? ORDER BY seq",
        (account,),
    )
    return [
        Contact(
            row["id"],
            row["email"],
            json.loads(row["fields"]),
            tuple(json.loads(row["list_ids"])),
            row["created_at"],
            row["updated_at"],
        )
        for row in rows
    ]


def read_events(db: sqlite3.Connection, account: str) -> list[Event]:
    """Return all events, oldest entry first."""
    rows = db.execute("SELECT * FROM event WHERE account = ? ORDER BY seq", (account,))
    return [
        Event(
            row["contact_id"],
            row["event_type"],
            row["at"],
            row["event_source"],
            json.loads(row["data"]),
        )
        for row in rows
    ]


def insert(db: sqlite3.Connection, account: str, contacts: Iterable[Contact]) -> None:
    """Store new contacts; addresses become lower-case (documented).

    Raises `ValueError` for an id or address that is taken and for a value that its field cannot
    hold, `LookupError` for a list or a field that the account does not have.
    """
    new_contacts = [*contacts]
    kinds = catalogue.fields(db, account)
    for contact in new_contacts:
        for name, value in contact.fields.items():
            check_value(name, value, kinds)
    _check_known(
        (list_id for contact in new_contacts for list_id in contact.list_ids),
        db.execute("SELECT id FROM list WHERE account = ?", (account,)),
        "list",
    )
    try:
        db.executemany(
            "INSERT INTO contact (account, id, email, fields, created_at, updated_at) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            [
                (
                    account,
                    contact.id,
                    contact.email.lower(),
                    _written(dict(contact.fields)),
                    contact.created_at,
                    contact.updated_at,
                )
                for contact in new_contacts
            ],
        )
    except sqlite3.IntegrityError:
        raise ValueError("a contact with this id or address exists") from None
    db.executemany(
        "INSERT OR IGNORE INTO membership (account, contact_id, list_id) VALUES (?, ?, ?)",
        [
            (account, contact.id, list_id)
            for contact in new_contacts
            for list_id in contact.list_ids
        ],
    )


def insert_events(db: sqlite3.Connection, account: str, events: Iterable[Event]) -> None:
    """Store events. Raises `LookupError` for a contact that the account does not have."""
    new_events = [*events]
    _check_known(
        (event.contact_id for event in new_events),
        db.execute("SELECT id FROM contact WHERE account = ?", (account,)),
        "contact",
    )
    db.executemany(
        "INSERT INTO event (account, contact_id, event_source, event_type, at, data) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        [
            (
                account,
                event.contact_id,
                event.source,
                event.event_type,
                event.at,
                _written(dict(event.data)),
            )
            for event in new_events
        ],
    )


def _check_known(ids: Iterable[str], rows: Iterable[sqlite3.Row], what: str) -> None:
    unknown = set(ids).difference(row["id"] for row in rows)
    if unknown:
        raise LookupError(f"no {what} {min(unknown)}")


def check_value(name: str, value: Value, kinds: Mapping[str, str]) -> None:
    """Check that a contact can have a value; `kinds` are the types of the custom fields.

    Raises `ValueError` for a value that the field cannot hold, `LookupError` for an unknown field.
    """
    if name in TEXT_COLUMNS:
        fits = isinstance(value, str)
    elif name == ALTERNATE_EMAILS:
        fits = isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)
    elif name not in kinds:
        raise LookupError(f"no field {name}")
    elif kinds[name] == "Number":
        # Neither infinity nor NaN is smaller.
        fits = (
            isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LARGEST
        )
    elif kinds[name] == "Date":
        fits = isinstance(value, str) and _is_moment(value)
    else:
        fits = isinstance(value, str)
    if not fits:
        raise ValueError(f"{name} cannot be {value!r}")


def _is_moment(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
