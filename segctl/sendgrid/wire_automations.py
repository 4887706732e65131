"""The JSON of automations, which SendGrid does not document, converted to the model.

Strict: what public clients read must be there and look as they read it (sendgrid-api.md §3).
Anything else is an `UnexpectedResponse`, since a part that is not understood may use a segment.
Sends nothing.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from segctl.common.uuids import UUID
from segctl.model.automations import Automation, AutomationRole, AutomationUse
from segctl.sendgrid import wire

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHAPES: tuple[tuple[AutomationRole, str, tuple[type, ...]], ...] = (
    (AutomationRole.ENTRANCE, "entrance_criteria", (dict,)),
    (AutomationRole.EXIT, "exit_criteria", (dict, list)),
    (AutomationRole.GOAL, "goal", (dict,)),
    (AutomationRole.STEP, "steps", (list,)),
)


def page(data: Any, operation: str) -> list[str]:
    """Return the ids of a page of the list. Raises `UnexpectedResponse`."""
    key = "results" if isinstance(data, dict) and "results" in data else "result"
    ids = []
    for item in wire.items(data, key, operation):
        if not isinstance(item, dict) or not wire.text(item, "id"):
            raise wire.unexpected(operation, "an automation has no id")
        ids.append(item["id"])
    return ids


def automation(data: Any, operation: str) -> Automation:
    """Return one automation with the segments that it uses.

    A segment is used where its id occurs: the shape of steps and exits is not known. Only a draft
    may lack an entrance. Raises `UnexpectedResponse` for any other shape.
    """
    if not isinstance(data, dict) or not (wire.text(data, "id") and wire.text(data, "status")):
        raise wire.unexpected(operation, "an automation has no id or no status")
    for _, key, types in _SHAPES:
        if data.get(key) is not None and not isinstance(data[key], types):
            raise wire.unexpected(operation, f"`{key}` has an unknown shape")
    entrance = data.get("entrance_criteria")
    if entrance is None and data["status"] != "draft":
        raise wire.unexpected(operation, "an automation has no entrance")
    if entrance is not None and not (wire.text(entrance, "type") and _is_known(entrance)):
        raise wire.unexpected(operation, "`entrance_criteria` has an unknown shape")
    name = wire.text(data, "name") or data["id"]
    uses = tuple(dict.fromkeys(_uses(data, operation)))
    return Automation(data["id"], name, data["status"], uses)


def _is_known(entrance: dict[str, Any]) -> bool:
    """Return whether an entrance by a segment names it."""
    return entrance["type"] != "segment" or wire.text(entrance, "id") is not None


def _uses(data: dict[str, Any], operation: str) -> Iterator[AutomationUse]:
    entrance = data.get("entrance_criteria")
    if entrance is not None and entrance["type"] == "segment":
        yield AutomationUse(AutomationRole.ENTRANCE, entrance["id"])
    for role, key, _ in _SHAPES:
        try:
            text = json.dumps(data.get(key))
        except RecursionError:
            raise wire.unexpected(operation, f"`{key}` is nested too deeply") from None
        yield from (AutomationUse(role, id_.lower()) for id_ in UUID.findall(text))
