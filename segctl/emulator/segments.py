"""The five operations on V2 segments: create, list, get, update, delete.

Owns their rules: names, parent lists, the cap, the update lock, the filters of LIST. Refresh has
a module of its own, and so does the judgement of queries. Source: sendgrid-api.md §1; what is
guessed says so.
"""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from segctl.emulator import assumptions, catalogue, counts, records, refresh, validation
from segctl.emulator.records import V2, Record
from segctl.emulator.response import (
    RefusalError,
    Response,
    errors_response,
    json_response,
    refuse,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from segctl.emulator.request import Request

MAX_NAME = 100
MAX_PARENT_FILTER = 50
TOO_SOON = "Update request came too soon, please wait 5 minutes before trying again"


def create(request: Request) -> Response:
    """POST: 201 with the segment.

    Refusals, in this order (the order and every wording are guessed): unknown keys, name, query,
    parent lists (400), a parent list that the account does not have (404 without a body, documented
    for this operation, which nothing else explains), a name in use, the cap (400).
    """
    content = request.json_object()
    _refuse_unknown(content, ("name", "query_dsl", "parent_list_ids"))
    name = _name(content.get("name"))
    query = _query(content.get("query_dsl"))
    parents = _parents(content.get("parent_list_ids"))
    for list_id in parents or ():
        if not catalogue.has_list(request.db, request.account, list_id):
            raise RefusalError(Response(HTTPStatus.NOT_FOUND))
    _refuse_taken(request, name, own_id=None)
    cap = request.settings.cap
    if cap is not None and records.count(request.db, request.account) >= cap:
        raise refuse(f"segment limit reached: an account can have at most {cap} segments")
    delay, error = judge(request, query)
    record = Record(
        id=request.new_id(),
        version=V2,
        name=name,
        query=query,
        parent_list_ids=parents,
        created_at=request.now,
        updated_at=request.now,
        locked_from=request.now,
        validated_at=request.now + delay,
        error=error,
        contacts_count=0,
        sampled_from=request.now,
    )
    records.insert(request.db, request.account, record)
    sample = {"contacts_sample": counts.sample(request, record)}
    return json_response(HTTPStatus.CREATED, _full(request, record) | sample)


def list_all(request: Request) -> Response:
    """GET the list: `{"results": […]}` without `query_dsl`, `_metadata` and pages (recorded).

    The five rows of the filter table are documented. The order, oldest first, is guessed. v1
    segments show without `query_version` unless the settings keep them out.
    """
    listed = counts.up_to_date(request, filtered(request))
    history = refresh.all_uses(request)
    results = [
        {**_short(request, record), **refresh.fields(request, history.get(record.id, ()))}
        for record in listed
        if record.version == V2 or request.settings.v1_in_v2_list
    ]
    return json_response(HTTPStatus.OK, {"results": results})


def get(request: Request, segment_id: str) -> Response:
    """GET a segment: with `query_dsl` byte for byte, and `contacts_sample` unless that is `false`.

    A v1 segment can be read here too (sendgrid-api.md §1) and has no `query_version`. An unknown
    id is a 404 without a body, whatever it looks like (guessed).
    """
    sample = request.boolean("contacts_sample", default=True)
    (record,) = counts.up_to_date(request, [_existing(request, segment_id)])
    content = _full(request, record)
    if sample:
        content["contacts_sample"] = counts.sample(request, record)
    if record.version == V2 and request.settings.extra_fields:
        content["identifier_counts"] = _identifier_counts(record)
    return json_response(HTTPStatus.OK, content)


def update(request: Request, segment_id: str) -> Response:
    """PATCH: 200 with the segment; `updated_at` moves and the update lock starts.

    The answer has an empty sample and no time of the next one (recorded for a change of the name).

    `parent_list_ids` and unknown keys are a 400 (guessed; the contract has no such fields), as
    is an empty object (guessed) and any change of a v1 segment. The text of the update lock is
    attested, its status is a setting. Which refusal wins when several apply is guessed.
    """
    content = request.json_object()
    _refuse_unknown(content, ("name", "query_dsl"))
    if not content:
        raise refuse("at least one of name, query_dsl is required")
    name = _name(content["name"]) if "name" in content else None
    query = _query(content["query_dsl"]) if "query_dsl" in content else None
    record = _existing(request, segment_id)
    if record.version != V2:
        raise refuse("segment was created with the v1 API and cannot be updated")
    lock = request.settings.update_lock
    if record.locked_from is not None and request.now < record.locked_from + lock:
        raise RefusalError(errors_response(request.settings.update_lock_status, TOO_SOON))
    if name is not None:
        _refuse_taken(request, name, own_id=record.id)
    edited = edit(record, name, query, now=request.now, judge=lambda text: judge(request, text))
    edited = replace(edited, locked_from=request.now)
    records.update(request.db, request.account, edited)
    unsampled: dict[str, Any] = {"contacts_sample": [], "next_sample_update": None}
    return json_response(HTTPStatus.OK, _full(request, edited) | unsampled)


def remove(request: Request, segment_id: str) -> Response:
    """DELETE: 202 without a body (recorded).

    From then on GET answers 404 and the name is free (guessed), while LIST goes on showing the
    segment for `Settings.delete_linger` (recorded: under a minute). Nothing protects a segment
    that a Single Send uses (sendgrid-api.md §3).
    """
    _existing(request, segment_id)
    records.purge(request.db, deleted_until=request.now - request.settings.delete_linger)
    records.delete(request.db, request.account, segment_id, at=request.now)
    return Response(HTTPStatus.ACCEPTED)


def judge(request: Request, query: str) -> tuple[float, str | None]:
    """Return how long a query stays PENDING, in seconds, and what is wrong with it, if anything."""
    fields = catalogue.fields(request.db, request.account)
    settings = request.settings
    slow = validation.uses_events(query)
    delay = settings.event_validation_delay if slow else settings.validation_delay
    return delay, assumptions.verdict(
        settings.flipped, query, lambda text: validation.find_error(text, fields)
    )


def edit(
    record: Record,
    name: str | None,
    query: str | None,
    *,
    now: float,
    judge: Callable[[str], tuple[float, str | None]],
) -> Record:
    """Apply an edit; only a query that really changes is validated and sampled again (guessed)."""
    edited = replace(record, updated_at=now, name=record.name if name is None else name)
    if query is None or query == record.query:
        return edited
    delay, error = judge(query)
    return replace(
        edited,
        query=query,
        validated_at=now + delay,
        error=error,
        sampled_from=now,
        counted_at=None,
    )


def filtered(request: Request) -> list[Record]:
    """Return the segments of both versions that the filters of a LIST request select (documented).

    Over 50 parent lists are a 400 (documented limit, guessed answer).
    """
    lingering = request.now - request.settings.delete_linger
    ids = request.items("ids")
    parents = frozenset(request.items("parent_list_ids"))
    orphans = request.boolean("no_parent_list_id", default=False)
    if ids:
        return records.by_ids(request.db, request.account, ids, deleted_after=lingering)
    if len(parents) > MAX_PARENT_FILTER:
        raise refuse(f"at most {MAX_PARENT_FILTER} ids are allowed", "parent_list_ids")
    listed = records.everything(request.db, request.account, deleted_after=lingering)
    if not parents and not orphans:
        return listed
    return [
        record
        for record in listed
        if (parents.intersection(record.parent_list_ids) if record.parent_list_ids else orphans)
    ]


def _existing(request: Request, segment_id: str) -> Record:
    """Return the segment, or answer 404 without a body, as documented for DELETE."""
    record = records.find(request.db, request.account, segment_id)
    if record is None:
        raise RefusalError(Response(HTTPStatus.NOT_FOUND))
    return record


def _refuse_unknown(content: dict[str, Any], known: Sequence[str]) -> None:
    for key in content:
        if key not in known:
            raise refuse(f"unknown field {key}", key)


def _name(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise refuse("name is required", "name")
    if len(value) > MAX_NAME:
        raise refuse(f"name must be between 1 and {MAX_NAME} characters", "name")
    return value


def _query(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise refuse("query_dsl is required", "query_dsl")
    return value


def _parents(value: object) -> tuple[str, ...] | None:
    """Read `parent_list_ids`; null and an empty array mean none and are stored as null."""
    if value is None or value == []:
        return None
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise refuse("parent_list_ids must be an array of list ids", "parent_list_ids")
    if len(value) > 1:
        raise refuse("only one parent list id is supported", "parent_list_ids")
    return tuple(value)


def _refuse_taken(request: Request, name: str, *, own_id: str | None) -> None:
    """Refuse a name in use; that letters of another case make another name is guessed."""
    for other in records.named(request.db, request.account, name):
        if other.id != own_id and (other.version == V2 or request.settings.v1_holds_names):
            raise refuse("segment name already exists", "name")


def _short(request: Request, record: Record) -> dict[str, Any]:
    """Return the form of LIST."""
    content = records.summary(record, request.settings, request.now)
    if record.version != V2:
        return content
    content["query_version"] = "2"
    content["status"] = record.validation(request.now)
    return content


def _full(request: Request, record: Record) -> dict[str, Any]:
    content = _short(request, record) | {"query_dsl": record.query}
    return content | refresh.fields(request, refresh.uses(request, record.id))


def _identifier_counts(record: Record) -> dict[str, int]:
    """Return how many contacts each kind of identifier names; that all have an address is guessed.

    The keys are recorded: anonymous, e-mail, external and phone number ids.
    """
    return {"AID": 0, "EID": record.contacts_count, "EXTID": 0, "PHNID": 0}
