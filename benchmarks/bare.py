"""The HTTP baseline for segctl: the same requests and nothing else.

`python -m benchmarks.bare get URL AT_ONCE` lists the segments and reads each of them;
`python -m benchmarks.bare post URL AT_ONCE COUNT` creates the first COUNT segments of `world`.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import httpx

PATH = "/v3/marketing/segments/2.0"


def client(url: str, at_once: int) -> httpx.Client:
    """Return a client that keeps one connection for each thread."""
    return httpx.Client(
        base_url=url,
        headers={"Authorization": "Bearer benchmark", "Accept": "application/json"},
        limits=httpx.Limits(max_connections=at_once, max_keepalive_connections=at_once),
        timeout=60,
        trust_env=False,
    )


def get(url: str, at_once: int) -> None:
    """Read the list, then every segment in it."""
    with client(url, at_once) as http, ThreadPoolExecutor(at_once) as pool:

        def read(segment_id: str) -> str:
            answer = http.get(f"{PATH}/{segment_id}", params={"contacts_sample": "false"})
            return str(answer.raise_for_status().json()["query_dsl"])

        listed = http.get(PATH).raise_for_status().json()["results"]
        assert all(pool.map(read, [entry["id"] for entry in listed]))


def post(url: str, at_once: int, count: int) -> None:
    """Create segments."""
    from benchmarks.world import name, queries  # noqa: PLC0415 - it imports the emulator

    bodies = [
        {"name": name(number), "query_dsl": query} for number, query in enumerate(queries(count))
    ]
    with client(url, at_once) as http, ThreadPoolExecutor(at_once) as pool:

        def make(body: dict[str, str]) -> str:
            return str(http.post(PATH, json=body).raise_for_status().json()["id"])

        assert all(pool.map(make, bodies))


if __name__ == "__main__":
    method, address, at_once, *count = sys.argv[1:]
    if method == "get":
        get(address, int(at_once))
    else:
        post(address, int(at_once), int(*count))
