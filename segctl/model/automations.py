"""Automations and the segments that they use (sendgrid-api.md §3). Shapes only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


class AutomationRole(StrEnum):
    """How an automation uses a segment: contacts enter by it, leave by it, or a part names it."""

    ENTRANCE = "entrance"
    EXIT = "exit"
    GOAL = "goal"
    STEP = "step"


@dataclass(frozen=True, slots=True)
class AutomationUse:
    """A segment in a part of an automation."""

    role: AutomationRole
    segment_id: str


@dataclass(frozen=True, slots=True)
class Automation:
    """An automation. `status` is as the API sends it: `draft`, `live`."""

    id: str
    name: str
    status: str
    uses: tuple[AutomationUse, ...] = ()

    @property
    def is_live(self) -> bool:
        """Whether it may be running: a status that segctl does not know counts as that."""
        return self.status != "draft"

    def roles_of(self, segment_id: str) -> tuple[AutomationRole, ...]:
        """Return how it uses a segment; empty where it does not."""
        return tuple(use.role for use in self.uses if use.segment_id.lower() == segment_id.lower())

    def limited_to(self, segment_ids: Collection[str]) -> Automation:
        """Return the automation with its uses of these segments alone."""
        wanted = {id_.lower(): id_ for id_ in segment_ids}
        uses = (
            replace(use, segment_id=wanted[use.segment_id.lower()])
            for use in self.uses
            if use.segment_id.lower() in wanted
        )
        return replace(self, uses=tuple(dict.fromkeys(uses)))
