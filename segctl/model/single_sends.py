"""Single Sends and the segments that they target (sendgrid-api.md §3). Shapes only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SingleSend:
    """A Single Send. `status` is as the API sends it: `draft`, `scheduled`, `triggered`.

    `segment_ids` is empty where only the list was read, which does not contain them. `updated_at`
    is as the API sends it, `None` where it is missing.
    """

    id: str
    name: str
    status: str
    segment_ids: tuple[str, ...] = ()
    updated_at: str | None = None


@dataclass(frozen=True, slots=True)
class References:
    """Every Single Send of an account with the segments that it targets. Never partial.

    `ignored` holds the names of segments whose references the user chose to ignore.
    """

    sends: tuple[SingleSend, ...] = ()
    ignored: frozenset[str] = frozenset()

    def single_sends_using(self, segment_id: str) -> tuple[SingleSend, ...]:
        """Return the Single Sends that target a segment."""
        return tuple(send for send in self.sends if segment_id in send.segment_ids)
