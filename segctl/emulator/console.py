"""The web interface of an emulated account: what a person does by hand, or a test beforehand.

Edits the state directly. They wait for no update lock and start none, are validated at
once, leave nothing lingering and count against no rate; the account's own rules about names hold.
"""

from __future__ import annotations

import json
import math
import sqlite3
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

from segctl.emulator import (
    automations,
    catalogue,
    contacts,
    records,
    segments,
    single_sends,
)
from segctl.emulator.contacts import Contact, Event
from segctl.emulator.records import V1, V2, Record
from segctl.emulator.validation import find_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager


class Console:
    """The web interface of one account.

    `at` is an instant in seconds since 1970, now by default. Ids are random by default.
    Methods raise `ValueError` for what the account does not allow, `LookupError` for ids that it
    does not have.
    """

    def __init__(
        self,
        transaction: Callable[[], AbstractContextManager[sqlite3.Connection]],
        account: str,
        now: Callable[[], float],
    ) -> None:
        self._transaction = transaction
        self._account = account
        self._now = now

    def segments(self) -> tuple[Record, ...]:
        """Return the segments of both versions as they are stored, oldest entry first."""
        with self._transaction() as db:
            return tuple(records.everything(db, self._account))

    def create(
        self,
        name: str,
        query: str,
        *,
        parent_list_ids: Sequence[str] = (),
        contacts_count: int | None = None,
        id: str | None = None,  # noqa: A002 - the name it has everywhere in the API.
        at: float | None = None,
    ) -> str:
        """Create a V2 segment, beyond the cap if need be; return its id.

        A `contacts_count` that is passed stays until the query changes, whatever contacts the
        account has.
        """
        record = _new_record(_new_id(id), V2, name, query, self._at(at))
        record = replace(
            record,
            parent_list_ids=tuple(parent_list_ids) or None,
            contacts_count=contacts_count or 0,
            counted_at=None if contacts_count is None else math.inf,
        )
        return self._insert(record, judge=True)

    def seed_v1(
        self,
        name: str,
        query: str,
        *,
        parent_list_id: str | None = None,
        contacts_count: int = 0,
        id: str | None = None,  # noqa: A002 - as in `create`.
        at: float | None = None,
    ) -> str:
        """Create a v1 segment, as if from before 2023, with SGQL for a query; return its id.

        An empty name makes one without a name, of which there are some.
        """
        record = _new_record(_new_id(id), V1, name, query, self._at(at))
        record = replace(
            record,
            parent_list_ids=None if parent_list_id is None else (parent_list_id,),
            contacts_count=contacts_count,
        )
        return self._insert(record, judge=False)

    def edit(
        self,
        segment_id: str,
        *,
        name: str | None = None,
        query: str | None = None,
        contacts_count: int | None = None,
        at: float | None = None,
    ) -> None:
        """Change a segment's name or query, which moves `updated_at`, or its count, which does not.

        v1 segments are frozen in the web interface as well.
        """
        with self._transaction() as db:
            record = self._find(db, segment_id)
            if contacts_count is not None:
                record = replace(record, contacts_count=contacts_count, counted_at=math.inf)
            if name is not None or query is not None:
                if record.version == V1:
                    raise ValueError(f"segment {segment_id} is of v1 and cannot be edited")
                if name is not None and name != record.name:
                    self._refuse_taken(db, name)
                moment = self._at(at)
                fields = catalogue.fields(db, self._account)
                record = segments.edit(
                    record,
                    name,
                    query,
                    now=moment,
                    judge=lambda text: (0, find_error(text, fields)),
                )
            records.update(db, self._account, record)

    def delete(self, segment_id: str) -> None:
        """Delete a segment of either version."""
        with self._transaction() as db:
            self._find(db, segment_id)
            records.erase(db, self._account, segment_id)

    def add_list(
        self,
        name: str,
        *,
        contact_count: int = 0,
        id: str | None = None,  # noqa: A002 - as in `create`.
    ) -> str:
        """Create a contact list; return its id."""
        list_id = _new_id(id)
        with self._transaction() as db:
            _run(
                db,
                f"list {list_id} exists",
                "INSERT INTO list (account, id, name, contact_count) VALUES (?, ?, ?, ?)",
                (self._account, list_id, name, contact_count),
            )
        return list_id

    def add_field(self, name: str, field_type: str) -> None:
        """Define a custom field, `Text`, `Number` or `Date`: a column for queries to come.

        Names are unique whatever their case (documented). Verdicts already given stay.
        """
        if field_type not in catalogue.FIELD_TYPES:
            raise ValueError(f"{field_type!r} must be one of {', '.join(catalogue.FIELD_TYPES)}")
        with self._transaction() as db:
            _run(
                db,
                f"custom field {name} exists",
                "INSERT INTO field (account, name, field_type) VALUES (?, ?, ?)",
                (self._account, name, field_type),
            )

    def add_contact(
        self,
        email: str,
        *,
        fields: Mapping[str, contacts.Value] | None = None,
        list_ids: Sequence[str] = (),
        id: str | None = None,  # noqa: A002 - as in `create`.
        at: float | None = None,
    ) -> str:
        """Create a contact; return its id. `fields` are columns of `contact_data`."""
        moment = self._at(at)
        contact = Contact(_new_id(id), email, fields or {}, tuple(list_ids), moment, moment)
        self.add_contacts([contact])
        return contact.id

    def add_contacts(self, new_contacts: Iterable[Contact]) -> None:
        """Create contacts: all of them or, where one is invalid, none."""
        with self._transaction() as db:
            contacts.insert(db, self._account, new_contacts)

    def add_event(
        self,
        contact_id: str,
        event_type: str,
        *,
        source: str = "mail",
        data: Mapping[str, object] | None = None,
        at: float | None = None,
    ) -> None:
        """Record an event of a contact: `delivered`, `open`, `click` and the like."""
        self.add_events([Event(contact_id, event_type, self._at(at), source, data or {})])

    def add_events(self, events: Iterable[Event]) -> None:
        """Record events: all of them or, where a contact does not exist, none."""
        with self._transaction() as db:
            contacts.insert_events(db, self._account, events)

    def add_single_send(
        self,
        name: str,
        *,
        status: str = "draft",
        segment_ids: Sequence[str] = (),
        list_ids: Sequence[str] = (),
        send_to_all: bool = False,
        send_at: float | None = None,
        id: str | None = None,  # noqa: A002 - as in `create`.
        at: float | None = None,
    ) -> str:
        """Create a Single Send, by default a draft; return its id. Recipients are not checked."""
        _check_status(status, single_sends.STATUSES)
        single_send_id = _new_id(id)
        moment = self._at(at)
        send_to = {
            "list_ids": [*list_ids],
            "segment_ids": [*segment_ids],
            "all": send_to_all,
        }
        with self._transaction() as db:
            _run(
                db,
                f"Single Send {single_send_id} exists",
                "INSERT INTO single_send (account, id, name, status, send_at, send_to, created_at, "
                "updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    self._account,
                    single_send_id,
                    name,
                    status,
                    send_at,
                    json.dumps(send_to),
                    moment,
                    moment,
                ),
            )
        return single_send_id

    def edit_single_send(
        self,
        single_send_id: str,
        *,
        status: str | None = None,
        segment_ids: Sequence[str] | None = None,
    ) -> None:
        """Change the status of a Single Send, or the segments that it is sent to."""
        if status is not None:
            _check_status(status, single_sends.STATUSES)
        with self._transaction() as db:
            row = db.execute(
                "SELECT * FROM single_send WHERE account = ? AND id = ?",
                (self._account, single_send_id),
            ).fetchone()
            if row is None:
                raise LookupError(f"no Single Send {single_send_id}")
            send_to = json.loads(row["send_to"])
            if segment_ids is not None:
                send_to["segment_ids"] = [*segment_ids]
            db.execute(
                "UPDATE single_send SET status = ?, send_to = ?, updated_at = ? "
                "WHERE account = ? AND id = ?",
                (
                    row["status"] if status is None else status,
                    json.dumps(send_to),
                    self._now(),
                    self._account,
                    single_send_id,
                ),
            )

    def add_automation(
        self,
        name: str,
        *,
        status: str = "live",
        entrance: str | None = None,
        exits: Sequence[str] = (),
        steps: Sequence[str] = (),
        goal: str | None = None,
        id: str | None = None,  # noqa: A002 - as in `create`.
        at: float | None = None,
    ) -> str:
        """Create an automation, by default a live one; return its id.

        The parameters are those of `automations.definition`. Segments are not checked.
        """
        _check_status(status, automations.STATUSES)
        automation = {"id": _new_id(id), "name": name, "status": status}
        parts = automations.definition(entrance, exits, steps, goal)
        with self._transaction() as db:
            try:
                automations.insert(db, self._account, automation, parts, self._at(at))
            except sqlite3.IntegrityError:
                raise ValueError(f"automation {automation['id']} exists") from None
        return automation["id"]

    def set_automation_status(self, automation_id: str, status: str) -> None:
        """Start an automation, or make it a draft again."""
        _check_status(status, automations.STATUSES)
        with self._transaction() as db:
            if not automations.set_status(db, self._account, automation_id, status, self._now()):
                raise LookupError(f"no automation {automation_id}")

    def _insert(self, record: Record, *, judge: bool) -> str:
        with self._transaction() as db:
            self._refuse_taken(db, record.name)
            if judge:
                error = find_error(record.query, catalogue.fields(db, self._account))
                record = replace(record, error=error)
            try:
                records.insert(db, self._account, record)
            except sqlite3.IntegrityError:
                raise ValueError(f"segment {record.id} exists") from None
        return record.id

    def _find(self, db: sqlite3.Connection, segment_id: str) -> Record:
        record = records.find(db, self._account, segment_id)
        if record is None:
            raise LookupError(f"no segment {segment_id}")
        return record

    def _refuse_taken(self, db: sqlite3.Connection, name: str) -> None:
        if name and records.named(db, self._account, name):
            raise ValueError(f"segment name {name!r} is in use")

    def _at(self, at: float | None) -> float:
        return self._now() if at is None else at


def _new_record(segment_id: str, version: int, name: str, query: str, at: float) -> Record:
    return Record(
        id=segment_id,
        version=version,
        name=name,
        query=query,
        parent_list_ids=None,
        created_at=at,
        updated_at=at,
        locked_from=None,
        validated_at=at,
        error=None,
        contacts_count=0,
        sampled_from=at,
    )


def _new_id(chosen: str | None) -> str:
    return str(uuid.uuid4()) if chosen is None else chosen


def _check_status(status: str, known: Sequence[str]) -> None:
    if status not in known:
        raise ValueError(f"{status!r} must be one of {', '.join(known)}")


def _run(db: sqlite3.Connection, conflict: str, statement: str, values: tuple[object, ...]) -> None:
    try:
        db.execute(statement, values)
    except sqlite3.IntegrityError:
        raise ValueError(conflict) from None
