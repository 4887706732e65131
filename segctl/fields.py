"""What an account's contacts can be asked for: its fields and its lists. Shapes only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FieldType(StrEnum):
    """The types that a field of a contact can have (sendgrid-api.md §4)."""

    TEXT = "Text"
    NUMBER = "Number"
    DATE = "Date"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the account's contacts: a column of `contact_data` by its name."""

    name: str
    type: FieldType


@dataclass(frozen=True, slots=True)
class Fields:
    """All fields of an account, the target they were read from, and when (ISO 8601, UTC)."""

    custom: tuple[Field, ...]
    reserved: tuple[Field, ...]
    target: str
    pulled_at: str


@dataclass(frozen=True, slots=True)
class ContactList:
    """A contact list of the account."""

    id: str
    name: str
