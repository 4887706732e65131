"""A throw-away account on which a probe runs, with the real limits and a clock without waits."""

from __future__ import annotations

import json
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from itertools import count
from typing import TYPE_CHECKING, Any

from segctl.emulator import Settings
from tests.faults.harness import Output, Run, World, wired
from tests.support.account import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TARGET = "scratch"
CONFIG = f"version: 1\ntargets:\n  {TARGET}: {{}}\n"
NO_KEY = "segctl-probe-sends-no-key"
PREFIX = "segctl-probe-"
NUMBERS = count()


class ProbeWorld(World):
    """The account of a probe. `mine` and `other` are segments that no probe created."""

    def __init__(self, root: Path, *flipped: str, used: bool = False, **settings: Any) -> None:
        super().__init__(
            Settings(keys=frozenset({KEY}), flipped=frozenset(flipped), **settings),
            cache=f"{root}-cache/{next(NUMBERS)}",
        )
        # The real hosts: every request ends on the wire of this world, also that to Europe.
        self.env.pop("SEGCTL_BASE_URL")
        self.root = root
        (root / "segctl.yaml").write_text(CONFIG, "utf-8")
        if used:
            for name in ("Mine", "segctl-probe-of-mine", "SEGCTL-PROBE-LOUD"):
                self.emulator.console.create(
                    name, "SELECT contact_id, updated_at FROM contact_data"
                )
        self.before = self.segments()
        self.watch = lambda _: "" if self.others() == self.before else "others were touched"

    def run(self, root: Path, *argv: str, run: Run | None = None, env: Any = None) -> Run:
        """Run segctl; its output is kept even where pytest has replaced the streams since."""
        with redirect_stdout(Output("out")), redirect_stderr(Output("err")):
            return super().run(root, *argv, run=run, env=env)

    def others(self) -> tuple[Any, ...]:
        """The segments that were there at the start, as they are now."""
        ids = {segment.id for segment in self.before}
        return tuple(segment for segment in self.segments() if segment.id in ids)

    def left(self) -> set[str]:
        """The names of the segments that probes left."""
        ids = {segment.id for segment in self.before}
        return {segment.name for segment in self.segments() if segment.id not in ids}

    def probe(self, *argv: str, run: Run | None = None) -> Run:
        """Run a probe with these arguments; without any, confirmed and with JSON."""
        run = Run() if run is None else run
        self.runs[NO_KEY] = run
        argv = argv or ("--confirm", TARGET, "--format", "json", "--allow-in-use")
        return self.run(self.root, "--target", TARGET, "probe", *argv, run=run)


@contextmanager
def probe_world(
    root: Path, *flipped: str, used: bool = False, **settings: Any
) -> Iterator[ProbeWorld]:
    world = ProbeWorld(root, *flipped, used=used, **settings)
    with wired(world):
        yield world


def verdicts(run: Run) -> dict[str, str]:
    """Return the verdict of each assumption in the JSON of a run."""
    return {item["id"]: item["verdict"] for item in json.loads(run.out)["assumptions"]}
