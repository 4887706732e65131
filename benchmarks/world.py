"""The benchmarks' data: segments as people write them, in files and in an emulated account.

A handful of shapes that sqlglot can also read, filled in so that no two queries have the same text.
The account has no cap and no rate limit; everything else is as in a real one.
"""

from __future__ import annotations

import dataclasses
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from segctl.emulator import Emulator, Settings, serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from segctl.emulator.console import Console

FIELDS = {
    "total_spend": "Number",
    "orders_count": "Number",
    "preferred_language": "Text",
    "last_order": "Date",
}
# The account has none of the lists that the queries name.
_SETTINGS = "version: 1\nlimits: {max_segments: 100000}\nlint: {rules: {unknown-list: warning}}\n"
_A_DAY = 86_400

MARKETS = 10

SHAPES = (
    """\
SELECT contact_id, updated_at
FROM contact_data
WHERE total_spend > {n}
  AND country = 'CZ'
  AND orders_count >= 3
""",
    """\
SELECT contact_id, updated_at
FROM contact_data
WHERE preferred_language = 'cs'
  AND last_order <= now() - interval '{n} days'
""",
    """\
SELECT c.contact_id, c.updated_at
FROM contact_data AS c
WHERE array_contains(c.list_ids, ['0b1f4a10-5c1d-4a6e-9f02-{n:012}'])
  AND (c.city = 'Brno' OR c.city = 'Praha' OR c.city IS NULL)
""",
    """\
SELECT c.contact_id, c.updated_at
FROM contact_data c
JOIN event_data e ON c.contact_id = e.contact_id
WHERE e.event_source = 'mail'
  AND e.event_type = 'click'
  AND e.timestamp > timestampadd(day, -{n}, CURRENT_TIMESTAMP)
""",
    """\
SELECT c.contact_id, c.updated_at
FROM contact_data c
JOIN event_data e1 ON c.contact_id = e1.contact_id
WHERE e1.event_source = 'mail'
  AND e1.event_type = 'processed'
  AND e1.DATA:payload.unique_args.singlesend_id = 'send-{n}'
  AND e1.timestamp > timestampadd(day, -14, CURRENT_TIMESTAMP)
  AND c.contact_id NOT IN (
    SELECT e2.contact_id
    FROM event_data e2
    WHERE e2.event_source = 'mail'
      AND e2.event_type = 'open'
      AND e2.timestamp > timestampadd(day, -14, CURRENT_TIMESTAMP)
  )
""",
)


def queries(count: int) -> list[str]:
    """Return this many queries, all different."""
    return [SHAPES[n % len(SHAPES)].format(n=n + 1) for n in range(count)]


def files(count: int) -> dict[str, bytes]:
    """Return this many segment files: path to content."""
    contents = {}
    for number, query in enumerate(queries(count)):
        block = "".join(f"  {line}\n" for line in query.splitlines())
        text = (
            f"# yaml-language-server: $schema=../schemas/segment.schema.json\n"
            f"name: {name(number)}\n"
            f"description: What segment {number} is for, in a sentence of some length.\n"
            f"owner: marketing\n"
            f"tags: [benchmark, shape-{number % len(SHAPES)}]\n"
            f"query_dsl: |\n{block}"
        )
        contents[f"segments/{number % 50:02}/segment-{number:05}.yaml"] = text.encode()
    return contents


def templates(count: int, areas: int) -> dict[str, bytes]:
    """Return this many segment files with `for_each`: one instance for each market and area.

    There are `MARKETS` markets. Every query uses the values of its instance.
    """
    contents = {}
    for number, query in enumerate(queries(count)):
        c = "c." if "SELECT c." in query else ""
        lines = [
            *query.splitlines(),
            f"  AND {c}state_province_region = @market",
            f"  AND {c}postal_code = @area",
            f"  AND {c}created_at > timestampadd(day, -@days, CURRENT_TIMESTAMP)",
        ]
        block = "".join(f"  {line}\n" for line in lines)
        markets = "".join(f"    m{row}: {{days: {30 * row + 30}}}\n" for row in range(MARKETS))
        text = (
            f"name: Template {number:03} ${{market}} ${{area}}\n"
            f"description: What the segment is for in ${{market}}.\n"
            f"owner: marketing\n"
            f"tags: [benchmark, '${{area}}']\n"
            f"for_each:\n  market:\n{markets}"
            f"  area: [{', '.join(f'area-{row:03}' for row in range(areas))}]\n"
            f"query_dsl: |\n{block}"
        )
        contents[f"segments/template-{number:03}.yaml"] = text.encode()
    return contents


def name(number: int) -> str:
    """Return the name of the segment with this number."""
    return f"Segment {number:05}"


def write_project(root: Path, count: int) -> None:
    """Write a project with this many segment files."""
    root.mkdir(parents=True)
    (root / "segctl.yaml").write_text(_SETTINGS)
    for path, data in files(count).items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)


@contextmanager
def account(count: int, latency: float = 0.0) -> Iterator[str]:
    """Serve an account with this many of the segments; yield its URL, as `served` does."""
    with served(count, latency) as (_, url):
        yield url


@contextmanager
def served(count: int, latency: float = 0.0) -> Iterator[tuple[Emulator, str]]:
    """Serve an account with this many of the segments; yield the emulator and its URL.

    Each response takes `latency` seconds.
    """
    with Emulator(None, account_settings(latency)) as emulator:
        fill(emulator.console, count)
        with serve(emulator) as server:
            yield emulator, server.url


def account_settings(latency: float) -> Settings:
    """Return the settings of an account; each response takes `latency` seconds."""
    # No query stays PENDING: the benchmarks measure the work, not the wait for validation.
    return dataclasses.replace(
        Settings(),
        cap=None,
        rate_limit=None,
        latency=latency,
        event_validation_delay=0.0,
        event_sample_delay=0.0,
    )


def fill(console: Console, count: int) -> None:
    """Create this many of the segments in an account.

    They were last edited a day ago, so that their definitions can be cached.
    """
    for field, kind in FIELDS.items():
        console.add_field(field, kind)
    at = time.time() - _A_DAY
    for number, query in enumerate(queries(count)):
        console.create(name(number), query, at=at)
