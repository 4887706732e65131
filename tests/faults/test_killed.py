"""A process of segctl, killed with SIGKILL at every request: the next applies finish its work.

The matrix kills in-process, thousands of times; a few scenarios show that real kills are alike.
"""

from __future__ import annotations

import signal
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING

import pytest

from segctl.emulator import Delivery, Response, serve
from tests.support.account import KEY
from tests.support.process import HANG, running_segctl

from .harness import wired, write
from .scenarios import SCENARIOS, Scenario
from .test_matrix import prepared, struggle, undisturbed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from segctl.emulator import Emulator
    from tests.support.process import Process

pytestmark = pytest.mark.posix

KILLED = ("create", "chain", "replace", "delete")
"""Scenarios without the update lock, which a process would wait for in real time."""


class Deadly:
    """An emulator's `handle` that kills the process at one of its requests.

    With `after` GET requests do not count, and the emulator acts on the request first.
    """

    def __init__(self, emulator: Emulator, index: int, *, after: bool) -> None:
        self._handle = emulator.handle
        self._index = index
        self._after = after
        self._seen = 0
        self._lock = threading.Lock()
        self.started: SimpleQueue[Process] = SimpleQueue()

    def __call__(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes = b""
    ) -> Response:
        with self._lock:
            self._seen += method != "GET" or not self._after
            is_last = self._seen == self._index and (method != "GET" or not self._after)
        if not is_last:
            return self._handle(method, target, headers, body)
        if self._after:
            self._handle(method, target, headers, body)
        self.started.get(timeout=HANG).kill()
        return Response(0, delivery=Delivery.DROPPED)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("name", KILLED)
def test_a_killed_process_is_finished_by_the_next_applies(
    name: str,
    after: bool,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    scenario = next(scenario for scenario in SCENARIOS if scenario.name == name)
    write(tmp_path, scenario.files())
    requests = undisturbed(name, tmp_path)
    number = sum(not request.startswith("GET") for request in requests) if after else len(requests)
    for index in range(1, number + 1):
        kill(scenario, tmp_path, index, after=after)
    record_property("count: processes killed", number)


def kill(scenario: Scenario, root: Path, index: int, *, after: bool) -> None:
    world, witness = prepared(scenario, root)
    argv = ("-C", str(root), "apply", "--auto-approve")
    with wired(world):
        with pytest.MonkeyPatch.context() as patch:
            deadly = Deadly(world.emulator, index, after=after)
            patch.setattr(world.emulator, "handle", deadly)
            with serve(world.emulator) as server:
                env = {**world.env, "SEGCTL_BASE_URL": server.url, "SENDGRID_API_KEY": KEY}
                with running_segctl(*argv, **env) as process:
                    deadly.started.put(process)
                    code, out, err = process.finish()
        assert code == -signal.SIGKILL, f"it was not killed at {index}: {out}{err}"
        world.look()
        assert not world.violations, f"killed at {index}: {world.violations}"
        result = struggle(world, scenario, root, witness)
        assert isinstance(result, int), f"killed at {index}: {result}"
