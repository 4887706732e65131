"""What refers to segments by their ids: Single Sends and automations. Shapes only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from segctl.model.automations import Automation
    from segctl.model.single_sends import SingleSend


@dataclass(frozen=True, slots=True)
class Usage:
    """What would break without a segment, as far as that is known."""

    segment_id: str
    sends: tuple[SingleSend, ...] = ()
    automations: tuple[Automation, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.sends or self.automations)


@dataclass(frozen=True, slots=True)
class References:
    """Every Single Send of an account with the segments that it targets. Never partial.

    `automations` are all automations, `None` where they are not known; `observes_automations`:
    the project asks for them. `ignored` holds the names of segments whose references the user
    chose to ignore.
    """

    sends: tuple[SingleSend, ...] = ()
    ignored: frozenset[str] = frozenset()
    automations: tuple[Automation, ...] | None = None
    observes_automations: bool = False

    def single_sends_using(self, segment_id: str) -> tuple[SingleSend, ...]:
        """Return the Single Sends that target a segment."""
        return tuple(send for send in self.sends if segment_id in send.segment_ids)

    def automations_using(self, segment_id: str) -> tuple[Automation, ...]:
        """Return the known automations that use a segment, drafts included."""
        return tuple(item for item in self.automations or () if item.roles_of(segment_id))

    def usage_of(self, segment_id: str) -> Usage:
        """Return what would break without a segment: a draft automation would not."""
        automations = self.automations_using(segment_id)
        live = tuple(automation for automation in automations if automation.is_live)
        return Usage(segment_id, self.single_sends_using(segment_id), live)
