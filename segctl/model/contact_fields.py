"""What an account's contacts can be asked for: its fields and its lists. Shapes only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


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


ListNames: TypeAlias = Mapping[str, str | None]
"""What contact lists are called, by id in lower case; `None` for one that the account does not
have. Of an id that is not in it nothing is known."""
