"""A world: the accounts that an emulator serves, with all that is in them.

A value without I/O, and how it gets into an emulator. What a world file looks like is the business
of its reader, outside of this package.
"""

from __future__ import annotations

import uuid
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from segctl.emulator import catalogue
from segctl.emulator.console import Console
from segctl.emulator.contacts import Contact, Event
from segctl.emulator.settings import AccountPlan, Settings

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

AGE = 86_400.0
"""How long ago everything in a world was created, in seconds: no segment is locked."""

_NAMESPACE = uuid.UUID("5e9c0de2-71b3-4d5a-8c44-0000000000ff")


@dataclass(frozen=True, slots=True)
class WorldList:
    """A contact list; `contact_count` is what it shows while no contact is on it."""

    id: str
    name: str
    contact_count: int = 0


@dataclass(frozen=True, slots=True)
class WorldSegment:
    """A segment. `contacts_count` `None`: its contacts are counted."""

    id: str
    name: str
    query: str
    parent_list_id: str | None = None
    contacts_count: int | None = None
    is_v1: bool = False


@dataclass(frozen=True, slots=True)
class WorldContact:
    """A contact with its events: instants in seconds since 1970, `None` for `AGE` ago."""

    contact_id: str
    email: str
    fields: Mapping[str, str | float | list[str]] = field(default_factory=dict)
    list_ids: tuple[str, ...] = ()
    created_at: float | None = None
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class WorldSingleSend:
    """A Single Send; `send_at` is in seconds since 1970."""

    id: str
    name: str
    status: str = "draft"
    segment_ids: tuple[str, ...] = ()
    list_ids: tuple[str, ...] = ()
    send_at: float | None = None


@dataclass(frozen=True, slots=True)
class WorldAutomation:
    """An automation, which contacts enter by a segment, if it has one."""

    id: str
    name: str
    status: str = "live"
    segment_id: str | None = None


@dataclass(frozen=True, slots=True)
class WorldAccount:
    """One account: the parent account, or that of a subuser."""

    keys: frozenset[str] = field(default=frozenset(), repr=False)
    read_only_keys: frozenset[str] = field(default=frozenset(), repr=False)
    plan: AccountPlan = AccountPlan.ADVANCED
    lists: tuple[WorldList, ...] = ()
    custom_fields: Mapping[str, str] = field(default_factory=dict)
    segments: tuple[WorldSegment, ...] = ()
    contacts: tuple[WorldContact, ...] = ()
    single_sends: tuple[WorldSingleSend, ...] = ()
    automations: tuple[WorldAutomation, ...] = ()


@dataclass(frozen=True, slots=True)
class World:
    """The accounts by the name of their subuser, the parent account under an empty one."""

    accounts: Mapping[str, WorldAccount]

    def settings(self, settings: Settings) -> Settings:
        """Return settings with the keys, plans and subusers of this world.

        Where no account has a key, any is accepted.
        """
        keys = {key for account in self.accounts.values() for key in account.keys}
        readers = {key for account in self.accounts.values() for key in account.read_only_keys}
        return replace(
            settings,
            keys=frozenset(keys) if keys or readers else None,
            read_only_keys=frozenset(readers),
            key_accounts={
                key: name
                for name, account in self.accounts.items()
                for key in account.keys | account.read_only_keys
                if name
            },
            subusers=frozenset(filter(None, self.accounts)),
            plans={name: account.plan for name, account in self.accounts.items()},
        )


def derived_id(account: str, kind: str, name: str) -> str:
    """Return an id that depends on nothing but these: it is the same whenever the world starts."""
    return str(uuid.uuid5(_NAMESPACE, f"{account}\0{kind}\0{name}"))


def put(db: sqlite3.Connection, world: World, now: float) -> None:
    """Put what a world has into its accounts; one that holds something already stays as it is."""
    for name, account in world.accounts.items():
        if catalogue.is_empty(db, name):
            _fill(Console(lambda: nullcontext(db), name, lambda: now), account, now - AGE)


def _fill(console: Console, account: WorldAccount, at: float) -> None:
    for contact_list in account.lists:
        console.add_list(
            contact_list.name, contact_count=contact_list.contact_count, id=contact_list.id
        )
    for name, field_type in account.custom_fields.items():
        console.add_field(name, field_type)
    console.add_contacts(
        Contact(
            contact.contact_id,
            contact.email,
            contact.fields,
            contact.list_ids,
            at if contact.created_at is None else contact.created_at,
            at if contact.created_at is None else contact.created_at,
        )
        for contact in account.contacts
    )
    console.add_events(event for contact in account.contacts for event in contact.events)
    for segment in account.segments:
        parent = segment.parent_list_id
        if segment.is_v1:
            count = segment.contacts_count or 0
            console.seed_v1(
                segment.name,
                segment.query,
                parent_list_id=parent,
                contacts_count=count,
                id=segment.id,
                at=at,
            )
        else:
            console.create(
                segment.name,
                segment.query,
                parent_list_ids=[] if parent is None else [parent],
                contacts_count=segment.contacts_count,
                id=segment.id,
                at=at,
            )
    for send in account.single_sends:
        console.add_single_send(
            send.name,
            status=send.status,
            segment_ids=send.segment_ids,
            list_ids=send.list_ids,
            send_at=send.send_at,
            id=send.id,
            at=at,
        )
    for automation in account.automations:
        console.add_automation(
            automation.name,
            status=automation.status,
            entrance=automation.segment_id,
            id=automation.id,
            at=at,
        )
