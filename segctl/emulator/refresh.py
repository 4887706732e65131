"""Manual refresh: the operation, its quotas, and the fields it leaves on a segment.

Owns the `refresh` table. Source: sendgrid-api.md §1 and §2. Never touches `updated_at`: a
refresh is no edit (recorded).
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
from segctl.emulator.response import Reply, json_reply
from segctl.emulator.settings import AccountPlan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from segctl.emulator.request import Call

_UTC = ZoneInfo("UTC")


def run(call: Call, segment_id: str) -> Reply:
    """POST a refresh: 202 with a `job_id`; the sample follows after `Settings.sample_delay`.

    403 without a body on a free plan, 404 `{"error": …}` for an unknown segment, 429 without a
    body when a quota is used up (all documented). A time zone that is missing or not an IANA
    name is a 400 `{"error": …}` (guessed), as is a v1 segment being unknown here.
    """
    settings = call.settings
    if settings.plan is AccountPlan.FREE:
        return Reply(HTTPStatus.FORBIDDEN)
    record = records.find(call.db, call.account, segment_id)
    if record is None or record.version != V2:
        return json_reply(HTTPStatus.NOT_FOUND, {"error": "Segment does not exist."})
    name = call.json_object().get("user_time_zone")
    zone = _zone(name)
    if zone is None:
        return json_reply(HTTPStatus.BAD_REQUEST, {"error": "user_time_zone is invalid"})
    earlier = [at for at, _ in uses(call, segment_id)]
    (account_today,) = call.db.execute(
        "SELECT count(*) FROM refresh WHERE account = ? AND at >= ?",
        (call.account, _midnight(call.now, _UTC)),
    ).fetchone()
    if (
        sum(at >= _midnight(call.now, zone) for at in earlier) >= settings.refreshes_per_segment_day
        or any(at > call.now - settings.refresh_interval for at in earlier)
        or account_today >= settings.refreshes_per_account_day
    ):
        return Reply(HTTPStatus.TOO_MANY_REQUESTS)
    call.db.execute(
        "INSERT INTO refresh (account, segment_id, at, time_zone) VALUES (?, ?, ?, ?)",
        (call.account, segment_id, call.now, zone.key),
    )
    records.update(call.db, call.account, replace(record, sampled_from=call.now))
    return json_reply(HTTPStatus.ACCEPTED, {"job_id": call.new_id()})


def uses(call: Call, segment_id: str) -> list[tuple[float, str]]:
    """Give the instant and the time zone of each refresh of a segment, oldest first."""
    rows = call.db.execute(
        "SELECT at, time_zone FROM refresh WHERE account = ? AND segment_id = ? ORDER BY at",
        (call.account, segment_id),
    )
    return [(row["at"], row["time_zone"]) for row in rows]


def all_uses(call: Call) -> Mapping[str, Sequence[tuple[float, str]]]:
    """Give what `uses` gives, for every segment of the account in one reading."""
    history: dict[str, list[tuple[float, str]]] = {}
    for row in call.db.execute(
        "SELECT segment_id, at, time_zone FROM refresh WHERE account = ? ORDER BY at",
        (call.account,),
    ):
        history.setdefault(row["segment_id"], []).append((row["at"], row["time_zone"]))
    return history


def fields(call: Call, history: Sequence[tuple[float, str]]) -> dict[str, Any]:
    """Give the refresh fields, which only a segment that was ever refreshed has.

    They are documented and were absent from recorded answers; that a first refresh brings them
    is guessed. The day of `refreshes_used` is that of the last `user_time_zone`.
    """
    if not history:
        return {}
    last, zone = history[-1]
    today = _midnight(call.now, ZoneInfo(zone))
    return {
        "refreshes_used": sum(at >= today for at, _ in history),
        "max_refreshes": call.settings.refreshes_per_segment_day,
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
