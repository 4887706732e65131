"""The rate gate: 16 threads against an emulated account with a limit, and against one without.

With 100 requests per 2 s the ideal time is known: the rest of the first window and then as many
whole windows as it takes. The emulator runs in a process of its own, so that the interpreter's lock
does not couple the two. `python -m benchmarks.rate LIMIT WINDOW` is that process.
"""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx

from benchmarks.measure import Figure, compare
from segctl.common.clock import SystemClock
from segctl.common.secrets import Secret
from segctl.emulator import Emulator, Settings, serve
from segctl.sendgrid import CONCURRENCY
from segctl.sendgrid.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LIMIT = 100
WINDOW = 2.0
AGE = 0.5
"""Age of the first window at the start, in seconds. `Reset` is in whole seconds and so does not
reveal it."""

UNLIMITED = 0
_KEY = "SG.benchmark"
_PATH = "/v3/marketing/segments/2.0"


def figures(runs: int) -> Iterator[Figure]:
    """Yield the time of requests under a limit against the ideal, and without one against httpx."""
    yield from _limited(400 if runs < 5 else 800)  # noqa: PLR2004 - the short form of CI
    yield _unlimited(300, runs)


def _limited(requests: int) -> Iterator[Figure]:
    refused = 0

    def count(response: httpx.Response) -> None:
        nonlocal refused
        refused += response.status_code == httpx.codes.TOO_MANY_REQUESTS

    with (
        _emulator(LIMIT) as url,
        Transport(url, Secret(_KEY), SystemClock(), direct=True) as transport,
    ):
        transport._client.event_hooks["response"].append(count)  # noqa: SLF001 - counts refused requests
        time.sleep(-(time.time() - AGE) % WINDOW)
        began = time.time()
        _at_once(lambda: transport.send("GET", _PATH, operation="read"), requests)
        ended = time.time()
        sent = transport.requests
    windows = -(-requests // LIMIT)
    ideal = (began // WINDOW + windows - 1) * WINDOW - began
    name = f"{requests} requests at {LIMIT} per {WINDOW:.0f} s, {CONCURRENCY} threads"
    yield Figure(f"{name} / ideal", ended - began, ideal, (ended - began) / ideal, 1.3)
    yield Figure("  429 responses among them", refused, sent, refused / sent, 0.05, counts=True)


def _unlimited(requests: int, runs: int) -> Figure:
    with (
        _emulator(UNLIMITED) as url,
        Transport(url, Secret(_KEY), SystemClock(), direct=True) as transport,
        httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {_KEY}", "Accept": "application/json"},
            trust_env=False,
            limits=httpx.Limits(max_connections=CONCURRENCY, max_keepalive_connections=CONCURRENCY),
        ) as client,
    ):
        return compare(
            f"{requests} requests without a limit / httpx",
            lambda: _at_once(lambda: transport.send("GET", _PATH, operation="read"), requests),
            lambda: _at_once(lambda: client.get(_PATH).json(), requests),
            bound=1.35,
            runs=runs,
        )


def _at_once(send: Callable[[], object], requests: int) -> None:
    with ThreadPoolExecutor(CONCURRENCY) as pool:
        for _ in pool.map(lambda _: send(), range(requests)):
            pass


@contextmanager
def _emulator(limit: int) -> Iterator[str]:
    argv = [sys.executable, "-m", "benchmarks.rate", str(limit), str(WINDOW)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        # Leaving the block closes stdin, which ends the process.
        yield child.stdout.readline().strip()


def main(limit: str, window: str) -> None:
    """Serve an account with this limit until stdin is closed."""
    settings = dataclasses.replace(
        Settings(), rate_limit=int(limit) or None, rate_window=float(window)
    )
    with Emulator(None, settings) as emulator, serve(emulator) as server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
