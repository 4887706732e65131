"""A probe in a process of its own, ended by signals."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from segctl.emulator import serve
from tests.support.held import HeldEmulator
from tests.support.process import running_segctl

from .world import CONFIG, TARGET

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("request_number", [1, 5])
def test_a_signal_ends_a_probe_and_its_segments(
    tmp_path: Path, number: signal.Signals, request_number: int
) -> None:
    (tmp_path / "segctl.yaml").write_text(CONFIG, "utf-8")
    argv = ["-C", str(tmp_path), "--target", TARGET, "probe", "--confirm", TARGET]
    with HeldEmulator("POST", request_number) as emulator, serve(emulator) as server:
        emulator.url = server.url
        env = {**emulator.env, "SEGCTL_CACHE_DIR": f"{tmp_path}-cache"}
        with running_segctl(*argv, **env) as process:
            process.wait_for(emulator.arrived)
            process.interrupt(number)
            assert process.err is not None
            process.err.wait_for("Interrupted: finishing the requests in flight")
            emulator.release()
            code, out, err = process.finish()
        assert code == 130, err
        assert "Not learnt" in out
        assert "Run `segctl" not in err
        assert emulator.console.segments() == ()
