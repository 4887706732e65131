"""The fields and the contact lists that queries can refer to. Shapes only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

ACCOUNTS = "accounts"
"""The folder in the segments folder with a `KnownAccount` for each target, and no segments."""


def account_path(folder: str, target: str) -> str:
    """Return the path of the file of a target's account, relative to the project."""
    return f"{folder}/{ACCOUNTS}/{target}.yaml"


class FieldType(StrEnum):
    """The types of a contact field (sendgrid-api.md §4)."""

    TEXT = "Text"
    NUMBER = "Number"
    DATE = "Date"


@dataclass(frozen=True, slots=True)
class Field:
    """A contact field: the column of `contact_data` with its name."""

    name: str
    type: FieldType


@dataclass(frozen=True, slots=True)
class KnownAccount:
    """What a file keeps of an account: the target it was read from, and when (ISO 8601 in UTC).

    `lists` and `single_sends` are names by id, `None` where the file has only the fields.
    """

    custom: tuple[Field, ...]
    reserved: tuple[Field, ...]
    target: str
    pulled_at: str
    lists: Mapping[str, str] | None = None
    single_sends: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class ContactList:
    """A contact list of the account; `contacts_count` is `None` where the account has none."""

    id: str
    name: str
    contacts_count: int | None = None


ListNames: TypeAlias = Mapping[str, str | None]
"""The names of contact lists by lower-case id; `None` for a list that the account does not have.
A list that was not looked up has no entry."""
