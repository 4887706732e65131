"""How many requests a plan sends in an account with many Single Sends.

Counts, not times. A plan without changes lists the segments; one with changes lists the Single
Sends, too, and reads those that are not cached. A changed query that names custom fields or lists
would cost one request for each kind: this one does not.
"""

from __future__ import annotations

import json
import sysconfig
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import Figure, output
from benchmarks.world import name, served, write_project

if TYPE_CHECKING:
    from collections.abc import Iterator

SEGMENTS = 200
SENDS = 500
EDITED = 7
_A_DAY = 86_400
_QUERY = "SELECT contact_id, updated_at FROM contact_data WHERE country = "


def figures() -> Iterator[Figure]:
    """Yield the requests of plans in an account with 500 Single Sends, each against its limit."""
    with tempfile.TemporaryDirectory() as folder, served(SEGMENTS) as (emulator, url):
        root, console, at = Path(folder), emulator.console, time.time() - _A_DAY
        write_project(root / "project", SEGMENTS)
        file = root / "project/segments/countries.yaml"
        console.create("By country", f"{_QUERY}'CZ'", at=at)
        ids = {record.name: record.id for record in console.segments()}
        sends = [
            console.add_single_send(
                f"Send {number}",
                status="scheduled",
                segment_ids=[ids[name(number % SEGMENTS)], ids["By country"]],
                at=at,
            )
            for number in range(SENDS)
        ]

        def requests(country: str, *options: str) -> int:
            file.write_text(f"name: By country\nquery_dsl: {_QUERY}'{country}'\n", "utf-8")
            program = str(Path(sysconfig.get_path("scripts")) / "segctl")
            argv = (program, "-C", str(root / "project"), "plan", "--format", "json", *options)
            env = {
                "SEGCTL_BASE_URL": url,
                "SENDGRID_API_KEY": "benchmark",
                "SEGCTL_CACHE_DIR": str(root / "cache"),
            }
            plan = json.loads(output(*argv, env=env))
            expected = int(country != "CZ")
            if len(plan["changes"]) != expected:
                raise RuntimeError(f"the plan must have {expected} changes")
            return int(plan["requests"])

        requests("CZ")
        yield _figure("plan without changes", requests("CZ"), 1)
        yield _figure("first plan with a change", requests("SK"), 2 + SENDS)
        yield _figure("plan with a change", requests("SK"), 2)
        for send_id in sends[:EDITED]:
            console.edit_single_send(send_id, status="draft")
        yield _figure(f"plan with a change, {EDITED} sends edited", requests("SK"), 2 + EDITED)


def _figure(what: str, number: int, most: int) -> Figure:
    title = f"requests, {what} / allowed"
    return Figure(title, number, most, number / most, 1.0, counts=True)
