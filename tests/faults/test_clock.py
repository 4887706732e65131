"""The clock of the fault tests: no thread that waits keeps another from waking up."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from tests.faults import harness
from tests.faults.harness import A_NAP, Clock
from tests.support.process import HANG, eventually

if TYPE_CHECKING:
    import pytest


def test_a_nap_lets_a_wait_that_ends_earlier_end(monkeypatch: pytest.MonkeyPatch) -> None:
    # Long enough for the nap to begin during the wait.
    monkeypatch.setattr(harness, "A_MOMENT", 1.0)
    clock = Clock()
    wait = threading.Thread(target=clock.sleep, args=(A_NAP + 0.05,), daemon=True)
    wait.start()
    assert eventually(lambda: clock._sleeping != [])
    clock.moment += 0.1
    nap = threading.Thread(target=clock.sleep, args=(A_NAP,), daemon=True)
    nap.start()
    for thread in (wait, nap):
        thread.join(HANG)
        assert not thread.is_alive()
