"""Manual refresh: the operation, its quotas, and the fields it leaves on a segment.

Owns the `refresh` table. Source: sendgrid-api.md §1 and §2. Never touches `updated_at`: a
refresh is not an edit (recorded).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from segctl.emulator import records
from segctl.emulator.records import V2
from segctl.emulator.request import timestamp
from segctl.emulator.response import RefusalError, Response, json_response
from segctl.emulator.settings import AccountPlan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from segctl.emulator.request import Request

_UTC = ZoneInfo("UTC")


def run(request: Request, segment_id: str) -> Response:
    """POST a refresh: 202 with a `job_id`; the sample follows after `Settings.sample_delay`.

    403 without a body on a free plan, 404 `{"error": …}` for an unknown segment, 429 without a
    body when a quota is used up (all documented). A body without the IANA name of a time zone is a
    400 `{"error": …}` (guessed), as is a v1 segment being unknown here.
    """
    settings = request.settings
    if settings.plan_of(request.account) is AccountPlan.FREE:
        return Response(HTTPStatus.FORBIDDEN)
    record = records.find(request.db, request.account, segment_id)
    if record is None or record.version != V2:
        return json_response(HTTPStatus.NOT_FOUND, {"error": "Segment does not exist."})
    try:
        zone = _zone(request.json_object().get("user_time_zone"))
    except RefusalError:
        zone = None
    if zone is None:
        return json_response(HTTPStatus.BAD_REQUEST, {"error": "user_time_zone is invalid"})
    earlier = [at for at, _ in uses(request, segment_id)]
    (account_today,) = request.db.execute(
        "SELECT count(*) FROM refresh WHERE account = ? AND at >= ?",
        (request.account, _midnight(request.now, _UTC)),
    ).fetchone()
    if (
        sum(at >= _midnight(request.now, zone) for at in earlier)
        >= settings.refreshes_per_segment_day
        or any(at > request.now - settings.refresh_interval for at in earlier)
        or account_today >= settings.refreshes_per_account_day
    ):
        return Response(HTTPStatus.TOO_MANY_REQUESTS)
    request.db.execute(
        "INSERT INTO refresh (account, segment_id, at, time_zone) VALUES (?, ?, ?, ?)",
        (request.account, segment_id, request.now, zone.key),
    )
    records.update(request.db, request.account, replace(record, sampled_from=request.now))
    return json_response(HTTPStatus.ACCEPTED, {"job_id": request.new_id()})


def uses(request: Request, segment_id: str) -> list[tuple[float, str]]:
    """Return the instant and the time zone of each refresh of a segment, oldest first."""
    rows = request.db.execute(
        "SELECT at, time_zone FROM refresh WHERE account = ? AND segment_id = ? ORDER BY at",
        (request.account, segment_id),
    )
    return [(row["at"], row["time_zone"]) for row in rows]


def all_uses(request: Request) -> Mapping[str, Sequence[tuple[float, str]]]:
    """Return `uses` of every segment of the account, in one query."""
    history: dict[str, list[tuple[float, str]]] = {}
    for row in request.db.execute(
        "SELECT segment_id, at, time_zone FROM refresh WHERE account = ? ORDER BY at",
        (request.account,),
    ):
        history.setdefault(row["segment_id"], []).append((row["at"], row["time_zone"]))
    return history


def fields(request: Request, history: Sequence[tuple[float, str]]) -> dict[str, Any]:
    """Return the refresh fields, which only a segment that was ever refreshed has.

    They are documented and were absent from recorded answers; that a first refresh brings them
    is guessed. The day of `refreshes_used` is that of the last `user_time_zone`.
    """
    if not history:
        return {}
    last, zone = history[-1]
    today = _midnight(request.now, ZoneInfo(zone))
    return {
        "refreshes_used": sum(at >= today for at, _ in history),
        "max_refreshes": request.settings.refreshes_per_segment_day,
        "last_refreshed_at": timestamp(last),
    }


def _zone(name: object) -> ZoneInfo | None:
    if not isinstance(name, str) or not name:
        return None
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        # Unknown names raise KeyError, impossible ones ValueError, those of a folder OSError.
        return None


def _midnight(now: float, zone: ZoneInfo) -> float:
    local = datetime.fromtimestamp(now, UTC).astimezone(zone)
    return local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0).timestamp()
