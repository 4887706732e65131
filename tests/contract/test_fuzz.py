"""Requests that schemathesis draws from `shapes.yaml`: the emulator answers all, valid or not.

Needs the extra `fuzz`, and is skipped without it. `SEGCTL_FUZZ` is the number of requests for each
operation, of either kind; `SEGCTL_FUZZ_SEED` draws other ones than always the same.
"""

from __future__ import annotations

import dataclasses
import os
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable

from segctl.emulator import Assumption, Settings, serve
from segctl.emulator import seed as seeded
from tests.contract import ours
from tests.contract.exchange import Recorder
from tests.support.clock import FakeClock
from tests.support.process import HANG

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

schemathesis = pytest.importorskip("schemathesis", reason="needs the extra `fuzz`")

EXAMPLES = int(os.environ.get("SEGCTL_FUZZ", "10"))
SEED = os.environ.get("SEGCTL_FUZZ_SEED")
OPERATIONS = {
    operation.label: operation
    for result in schemathesis.openapi.from_dict(ours.shapes()).get_all_operations()
    if (operation := result.ok()) is not None
}
KNOWN = {
    "segment_id": [seeded.NEWSLETTER_READERS_ID, seeded.GMAIL_USERS_V1_ID],
    "list_id": [seeded.CUSTOMERS_LIST_ID],
    "single_send_id": [seeded.DRAFT_SINGLE_SEND_ID],
}
"""Ids that the account has: without them, most paths would lead nowhere."""

HEADERS = {"Authorization": "Bearer x", "Accept": "application/json"}
OPEN = dataclasses.replace(Settings(), rate_limit=None, update_lock=0.0, cap=None)


@pytest.fixture(params=["as assumed", "all flipped"])
def account(request: pytest.FixtureRequest) -> Iterator[tuple[Recorder, str]]:
    """A seeded account on a socket without a rate limit and a lock, and its address."""
    flipped = frozenset(Assumption) if request.param == "all flipped" else frozenset()
    clock = FakeClock()
    given_settings = dataclasses.replace(OPEN, flipped=flipped)
    with Recorder(None, given_settings, now=clock) as emulator, serve(emulator) as server:
        emulator.record()
        emulator.seed()
        # The flips set these two.
        emulator.settings = dataclasses.replace(emulator.settings, update_lock=0.0)
        yield emulator, server.url


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("label", OPERATIONS)
def test_the_emulator_answers_every_request(
    account: tuple[Recorder, str], label: str, mode: Any
) -> None:
    emulator, url = account
    contract = ours.contract()

    @seed(int(SEED or 0))
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=SEED is None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(case=OPERATIONS[label].as_strategy(generation_mode=mode), dice=st.randoms())
    def ask(case: Any, dice: random.Random) -> None:
        for name in (case.path_parameters or {}).keys() & KNOWN.keys():
            if dice.random() < 0.7:
                case.path_parameters[name] = dice.choice(KNOWN[name])
        response = case.call(base_url=url, headers=HEADERS, timeout=HANG)
        assert response.status_code < 500, case.as_curl_command()
        exchange = emulator.exchanges[-1]
        assert contract.violations(exchange, request=False) == [], case.as_curl_command()

    try:
        ask()
    except Unsatisfiable:
        pytest.skip("nothing in a request of this operation could be invalid")
