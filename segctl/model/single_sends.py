"""Single Sends, as far as they matter here: who gets them, and whether that can still change.

Shapes only (sendgrid-api.md §3).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SingleSend:
    """A Single Send. `status` is the server's own word: `draft`, `scheduled`, `triggered`.

    `segment_ids` is empty where only the list was read, which never carries them. `updated_at` is
    the server's own text, `None` where it gave none.
    """

    id: str
    name: str
    status: str
    segment_ids: tuple[str, ...] = ()
    updated_at: str | None = None


@dataclass(frozen=True, slots=True)
class References:
    """Every Single Send of an account with who gets it, read as a whole or not at all.

    `ignored` holds the names of segments whose references somebody chose to ignore.
    """

    sends: tuple[SingleSend, ...] = ()
    ignored: frozenset[str] = frozenset()

    def single_sends_using(self, segment_id: str) -> tuple[SingleSend, ...]:
        """Give the Single Sends that go to a segment."""
        return tuple(send for send in self.sends if segment_id in send.segment_ids)
