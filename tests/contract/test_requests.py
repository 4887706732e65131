"""Every request of every command, recorded over the socket, against the contract."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from segctl.cli.program import COMMANDS
from tests.contract import ours
from tests.contract.story import LEFT_OUT

if TYPE_CHECKING:
    from tests.contract.exchange import Exchange
    from tests.contract.openapi import Contract

AUTOMATIONS = {"GET /v3/marketing/automations", "GET /v3/marketing/automations/{automation_id}"}


def test_every_request_of_every_command_and_its_response_is_valid(
    story: tuple[list[Exchange], set[str]], contract: Contract
) -> None:
    exchanges, _ = story
    problems = Counter(text for item in exchanges for text in contract.violations(item))
    assert not problems


def test_the_story_has_every_command_and_every_operation_of_segctl(
    story: tuple[list[Exchange], set[str]],
) -> None:
    exchanges, commands = story
    assert commands == COMMANDS.keys() - LEFT_OUT, "run a new command in story.py"
    contract = ours.contract()
    operations = {
        operation.name
        for item in exchanges
        if (operation := contract.operation(item.method, item.path)) is not None
    }
    assert operations - AUTOMATIONS == {
        "GET /v3/marketing/contacts/exports/{export_id}",
        "GET /v3/marketing/field_definitions",
        "GET /v3/marketing/lists",
        "GET /v3/marketing/segments",
        "GET /v3/marketing/segments/2.0",
        "GET /v3/marketing/segments/2.0/{segment_id}",
        "GET /v3/marketing/segments/{segment_id}",
        "GET /v3/marketing/singlesends",
        "GET /v3/marketing/singlesends/{single_send_id}",
        "DELETE /v3/marketing/segments/2.0/{segment_id}",
        "DELETE /v3/marketing/segments/{segment_id}",
        "PATCH /v3/marketing/segments/2.0/{segment_id}",
        "POST /v3/marketing/contacts/exports",
        "POST /v3/marketing/segments/2.0",
        "POST /v3/marketing/segments/2.0/refresh/{segment_id}",
    }


def test_every_response_has_the_rate_headers(story: tuple[list[Exchange], set[str]]) -> None:
    for item in story[0]:
        if not item.path.startswith("/contact-exports/"):
            assert item.response.header("X-RateLimit-Remaining") is not None, item.target
