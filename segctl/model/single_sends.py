"""Single Sends and the segments that they target (sendgrid-api.md §3). Shapes only."""

from __future__ import annotations

from dataclasses import dataclass

from segctl.common.timestamps import parse_time_or_none


@dataclass(frozen=True, slots=True)
class SingleSend:
    """A Single Send. `status` is as the API sends it: `draft`, `scheduled`, `triggered`.

    `segment_ids` is empty where only the list was read, which does not contain them. `updated_at`
    and `send_at`, when it is sent, are as the API sends them, `None` where they are missing.
    """

    id: str
    name: str
    status: str
    segment_ids: tuple[str, ...] = ()
    updated_at: str | None = None
    send_at: str | None = None

    @property
    def is_pending(self) -> bool:
        """Whether it may still be sent: a status that segctl does not know counts as that."""
        return self.status != "triggered"

    @property
    def is_scheduled(self) -> bool:
        """Whether it will be sent without anybody doing anything more."""
        return self.status == "scheduled"

    @property
    def timing(self) -> str:
        """What becomes of it: "scheduled for 2026-12-01 09:00 UTC", or the status alone."""
        time = parse_time_or_none(self.send_at) if self.is_scheduled else None
        return self.status if time is None else f"{self.status} for {time:%Y-%m-%d %H:%M} UTC"
