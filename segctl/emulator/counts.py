"""The counts and samples of V2 segments, which SendGrid computes on its schedule.

Decides when they are computed; what a query means is the business of `segctl.audience` and DuckDB.
This is the only module here that imports the rest of segctl, all of it on demand: without DuckDB,
or in an account without contacts, every count stays as it was. A count is computed when it is
read and a sample has become due since, for the contacts as they are then.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from segctl.emulator import catalogue, contacts, records
from segctl.emulator.records import V2
from segctl.emulator.request import timestamp
from segctl.emulator.response import refuse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from segctl.audience.duckdb_engine import Engine
    from segctl.emulator.contacts import Contact, Event
    from segctl.emulator.records import Record
    from segctl.emulator.request import Request
    from segctl.query.catalogue import ColumnType

SAMPLE_SIZE = 50
_AT_ONCE = 20
"""Conditions in one statement: DuckDB plans many subqueries on events in far more than linear time,
200 of them in a minute."""


def up_to_date(request: Request, listed: Sequence[Record]) -> list[Record]:
    """Return segments with the counts of their last samples, computing those that are due.

    A count that was set by hand stays. A query that is INVALID, or that cannot be translated,
    counts 0 (guessed).
    """
    due = {
        record.id: last
        for record in listed
        if record.version == V2
        and record.deleted_at is None
        and (last := record.last_sample(request.settings, request.now)) is not None
        and (record.counted_at is None or record.counted_at < last)
    }
    if not due or not contacts.any_of(request.db, request.account):
        return [*listed]
    inside = members(request, [record for record in listed if record.id in due])
    if inside is None:
        return [*listed]
    counted = {
        record.id: replace(record, contacts_count=len(inside[record.id]), counted_at=due[record.id])
        for record in listed
        if record.id in due
    }
    records.keep_counts(request.db, request.account, counted.values())
    return [counted.get(record.id, record) for record in listed]


def sample(request: Request, record: Record) -> list[dict[str, Any]]:
    """Return up to 50 contacts of a sampled segment, in the form of the contacts API."""
    if not _is_counted(request, record) or not contacts.any_of(request.db, request.account):
        return []
    inside = _all_members(request)
    return _with_segments(request, inside.get(record.id, ())[:SAMPLE_SIZE], inside)


def shown(request: Request, listed: Sequence[Contact]) -> list[dict[str, Any]]:
    """Return contacts in the form of the API, with the ids of their sampled segments."""
    return _with_segments(request, listed, _all_members(request))


def search(request: Request, query: str) -> list[Contact] | None:
    """Return the contacts that fulfil an SGQL query; `None` without DuckDB.

    A query that cannot be read or evaluated is a 400 (guessed).
    """
    from segctl.sgql.to_v2 import Translation, translate  # noqa: PLC0415 - seldom needed

    translation = translate(query, (), _columns(request))
    if not isinstance(translation, Translation):
        raise refuse(translation[0].message, "query")
    inside = _matching(request, {"": (translation.query, ())})
    if inside is None:
        return None
    if "" not in inside:
        raise refuse("the query cannot be evaluated", "query")
    return inside[""]


def _all_members(request: Request) -> dict[str, list[Contact]]:
    everything = records.everything(request.db, request.account)
    return members(request, [record for record in everything if _is_counted(request, record)]) or {}


def _with_segments(
    request: Request, listed: Sequence[Contact], inside: Mapping[str, Sequence[Contact]]
) -> list[dict[str, Any]]:
    """Return contacts with all that they have; fields without a value are left out (recorded)."""
    segment_ids: dict[str, list[str]] = {}
    for segment_id, contacts_inside in inside.items():
        for contact in contacts_inside:
            segment_ids.setdefault(contact.id, []).append(segment_id)
    fields = catalogue.fields(request.db, request.account)
    return [
        {
            **_shown(contact, fields),
            "segment_ids": segment_ids.get(contact.id, []),
            "_metadata": {"self": f"{request.origin}/v3/marketing/contacts/{contact.id}"},
        }
        for contact in listed
    ]


def _is_counted(request: Request, record: Record) -> bool:
    return record.version == V2 and record.last_sample(request.settings, request.now) is not None


def members(request: Request, asked: Sequence[Record]) -> dict[str, list[Contact]] | None:
    """Return the contacts in each V2 segment now, by its id; `None` without DuckDB."""
    inside = _matching(
        request,
        {
            record.id: (record.query, record.parent_list_ids or ())
            for record in asked
            if record.error is None
        },
    )
    return None if inside is None else {record.id: inside.get(record.id, []) for record in asked}


def _matching(
    request: Request, queries: Mapping[str, tuple[str, Sequence[str]]]
) -> dict[str, list[Contact]] | None:
    """Return the contacts that each query with its parent lists selects; `None` without DuckDB.

    A query that cannot be evaluated is left out.
    """
    from segctl.audience.duckdb_engine import Engine  # noqa: PLC0415
    from segctl.audience.scope import Columns  # noqa: PLC0415 - seldom needed, as all of these
    from segctl.audience.to_duckdb import translate  # noqa: PLC0415
    from segctl.errors import UsageError  # noqa: PLC0415
    from segctl.query.parser.parse import parse  # noqa: PLC0415

    columns = Columns(_columns(request))
    try:
        engine = Engine(columns)
    except UsageError:
        return None
    conditions = {}
    uses_events = False
    for key, (query, parent_list_ids) in queries.items():
        audience = translate(parse(query), columns, parent_list_ids).audience
        if audience is not None:
            conditions[key] = audience.condition.sql
            uses_events = uses_events or audience.uses_events
    by_id = {contact.id: contact for contact in contacts.read_contacts(request.db, request.account)}
    events = contacts.read_events(request.db, request.account) if uses_events else []
    engine.fill(
        [_contact_row(contact, columns.types) for contact in by_id.values()],
        map(_event_row, events),
    )
    distinct = [*dict.fromkeys(conditions.values())]
    fulfilling: dict[str, list[str]] = {}
    for start in range(0, len(distinct), _AT_ONCE):
        fulfilling |= _fulfilling(engine, distinct[start : start + _AT_ONCE], request.now)
    return {
        key: [by_id[contact_id] for contact_id in fulfilling[condition]]
        for key, condition in conditions.items()
        if condition in fulfilling
    }


def _columns(request: Request) -> dict[str, ColumnType]:
    """Return the custom fields of the account as columns of `contact_data`."""
    from segctl.query.catalogue import ColumnType  # noqa: PLC0415 - as above

    kinds = {
        "Text": ColumnType.VARCHAR,
        "Number": ColumnType.NUMBER,
        "Date": ColumnType.TIMESTAMP,
    }
    fields = catalogue.fields(request.db, request.account)
    return {name: kinds[kind] for name, kind in fields.items()}


def _fulfilling(engine: Engine, conditions: Sequence[str], now: float) -> dict[str, list[str]]:
    """Return the ids of the contacts that fulfil each condition, in one pass over the contacts.

    A condition that cannot be evaluated for some contact is fulfilled by none, and spoils no other.
    """
    from segctl.audience.duckdb_engine import EvaluationFailed  # noqa: PLC0415 - as above

    try:
        rows = engine.evaluate(conditions, datetime.fromtimestamp(now, UTC))
    except EvaluationFailed:
        if len(conditions) == 1:
            return {}
        half = len(conditions) // 2
        return _fulfilling(engine, conditions[:half], now) | _fulfilling(
            engine, conditions[half:], now
        )
    return {
        condition: [contact_id for contact_id, truths in rows.items() if truths[place] is True]
        for place, condition in enumerate(conditions)
    }


def _contact_row(contact: Contact, types: Mapping[str, ColumnType]) -> dict[str, object]:
    row: dict[str, object] = {
        name: datetime.fromisoformat(value)
        if isinstance(value, str) and types[name] == "TIMESTAMP"
        else value
        for name, value in contact.fields.items()
        if name in types
    }
    return row | {
        "contact_id": contact.id,
        "email": contact.email,
        "email_domains": contact.email_domains,
        "list_ids": contact.list_ids,
        "created_at": datetime.fromtimestamp(contact.created_at, UTC),
        "updated_at": datetime.fromtimestamp(contact.updated_at, UTC),
    }


def _event_row(event: Event) -> dict[str, object]:
    return {
        "contact_id": event.contact_id,
        "event_source": event.source,
        "event_type": event.event_type,
        "timestamp": datetime.fromtimestamp(event.at, UTC),
        "data": dict(event.data),
    }


def _shown(contact: Contact, custom: Mapping[str, str]) -> dict[str, Any]:
    own = {name: value for name, value in contact.fields.items() if name in custom}
    return {
        "id": contact.id,
        "email": contact.email,
        **{name: value for name, value in contact.fields.items() if name not in custom},
        "list_ids": [*contact.list_ids],
        **({"custom_fields": own} if own else {}),
        "created_at": timestamp(contact.created_at),
        "updated_at": timestamp(contact.updated_at),
    }
