"""Every request of every command, recorded over the socket, against the contract."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from segctl.cli.program import COMMANDS
from tests.contract import ours
from tests.contract.exchange import Exchange
from tests.contract.story import LEFT_OUT
from tests.probing.world import probe_world

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pytest

    from segctl.emulator import Response
    from tests.contract.openapi import Contract


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
    assert operations == {
        "GET /v3/marketing/automations",
        "GET /v3/marketing/automations/{automation_id}",
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


def test_a_probe_asks_for_two_things_that_the_contract_does_not_allow(
    contract: Contract, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchanges = []
    with probe_world(tmp_path) as world:
        handle = world.emulator.handle

        def recorded(
            method: str, target: str, headers: Mapping[str, str], body: bytes = b""
        ) -> Response:
            response = handle(method, target, headers, body)
            exchanges.append(Exchange(method, target, headers, body, response))
            return response

        monkeypatch.setattr(world.emulator, "handle", recorded)
        assert world.probe().code == 0
    problems = {text for item in exchanges for text in contract.violations(item)}
    on_purpose = ("parent_list_ids", "segctl-probe-no-such-path")
    assert {text for text in problems if not any(word in text for word in on_purpose)} == set()
    assert all(contract.violations(item, request=False) == [] for item in exchanges)
    assert len(exchanges) > 50
