"""Automations: strictly read, since what is not understood may use a segment."""

from __future__ import annotations

from typing import Any

import pytest

from segctl.account.references import read_automations
from segctl.errors import UnexpectedResponse
from segctl.model.automations import Automation, AutomationRole, AutomationUse
from segctl.sendgrid.api import Reader

from .support import answer, scripted

SEGMENT = "5e9c0de2-71b3-4d5a-8c44-00000000000a"
ENTRANCE = {"occurs": "once", "id": SEGMENT, "type": "segment"}
WHOLE = {"id": "a", "name": "Welcome", "status": "live", "entrance_criteria": ENTRANCE}
LIST = {"result": [{"id": "a"}]}
END: dict[str, list[Any]] = {"result": []}


def read(*pages: Any) -> tuple[Automation, ...]:
    with scripted(*(answer(200, page) for page in pages)) as (transport, _):
        return read_automations(Reader(transport))


def test_an_automation_with_everything_that_it_uses() -> None:
    parts = {
        "exit_criteria": {"any": [{"segment": SEGMENT.upper()}]},
        "steps": [{"deep": [{"er": f"x{SEGMENT}"}]}, {"id": "s"}],
        "goal": {"query_dsl": f"SELECT … '{SEGMENT}'"},
        "unknown": 1,
    }
    (automation,) = read(LIST, END, WHOLE | parts)
    assert automation.uses == tuple(
        AutomationUse(role, SEGMENT)
        for role in (
            AutomationRole.ENTRANCE,
            AutomationRole.EXIT,
            AutomationRole.GOAL,
            AutomationRole.STEP,
        )
    )
    assert automation.limited_to(["other"]).uses == ()


def test_only_an_empty_page_is_the_last_one() -> None:
    with scripted(
        answer(200, {"results": [{"id": "a"}, {"id": "b"}]}),
        answer(200, {"results": [{"id": "c"}]}),
        answer(200, {"results": []}),
    ) as (transport, script):
        assert Reader(transport).list_automation_ids() == ("a", "b", "c")
    assert [seen.target.partition("?")[2] for seen in script.seen] == [
        "offset=0&limit=50",
        "offset=2&limit=50",
        "offset=3&limit=50",
    ]


def test_a_draft_may_have_no_entrance() -> None:
    draft = {"id": "a", "name": "", "status": "draft", "entrance_criteria": None, "goal": None}
    assert read(LIST, END, draft) == (Automation("a", "a", "draft"),)
    assert not Automation("a", "a", "draft").is_live
    assert Automation("a", "a", "of another kind").is_live


@pytest.mark.parametrize(
    "pages",
    [
        [None],
        [[]],
        [{"automations": []}],
        [{"result": [{"name": "a"}]}],
        [LIST, LIST],
        [LIST, END, None],
        [LIST, END, {"result": WHOLE}],
        [LIST, END, WHOLE | {"id": "b"}],
        [LIST, END, WHOLE | {"status": None}],
        [LIST, END, WHOLE | {"entrance_criteria": None}],
        [LIST, END, WHOLE | {"entrance_criteria": "x"}],
        [LIST, END, WHOLE | {"entrance_criteria": {"id": SEGMENT}}],
        [LIST, END, WHOLE | {"entrance_criteria": {"type": "segment"}}],
        [LIST, END, WHOLE | {"entrance_criteria": {"type": "segment", "id": 1}}],
        [LIST, END, WHOLE | {"exit_criteria": "x"}],
        [LIST, END, WHOLE | {"steps": {}}],
        [LIST, END, WHOLE | {"goal": []}],
    ],
)
def test_another_shape_is_never_unused(pages: list[Any]) -> None:
    with pytest.raises(UnexpectedResponse, match=r"the response is (unusable|not JSON)"):
        read(*pages)
