"""The Single Sends that go to a changed segment, in words for every view.

Says how many contacts more or fewer they reach at most: a Single Send may go to other segments and
lists as well, and SendGrid leaves out who unsubscribed. Does not decide which are shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.planning.audience_limits import impact_of
from segctl.render.terminal import clean

if TYPE_CHECKING:
    from segctl.model import Change
    from segctl.model.single_sends import SingleSend


NOT_SENT_TO = "No Single Send that is still to be sent goes to it."
NO_AUTOMATION = "No automation uses it."


def describe_reach(change: Change) -> str:
    """Return "up to 312 more and 35 fewer contacts"; empty where that was not counted."""
    impact = impact_of(change)
    if impact is None:
        return ""
    numbers = ((impact.gained, "more"), (impact.lost, "fewer"))
    parts = [f"{number:,} {word}" for number, word in numbers if number]
    if not parts:
        return "the same contacts"
    noun = "contact" if impact.gained + impact.lost == 1 else "contacts"
    return f"up to {' and '.join(parts)} {noun}"


def describe_effect(send: SingleSend, change: Change) -> str:
    """Return when a Single Send is sent, and how many more or fewer contacts it reaches."""
    reach = describe_reach(change)
    return f"{clean(send.timing)}{f': {reach}' if reach else ''}"
