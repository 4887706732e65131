"""Previews with one contact that has a million events, against the same without it.

Every account has such a contact: the team's own test address. 200,000 contacts and five million
events, a million of them the contact's or all spread evenly, in two pulled data sets. One segment
for each shape of a query on events that accounts use, and for each way to compare events.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import Figure, command, compare, peak

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTACTS = 200_000
EVENTS = 5_000_000
HOT = 1_000_000
PART = 10
"""A short run has this many times fewer contacts and events."""

LARGEST = "either of two joins"
"""The shape that needs the most memory, the only one whose memory a short run measures."""

TIME_BOUND = 3.0
MEGABYTES = 2_000

_MAKE = """\
ATTACH '{file}' AS pulled;
CREATE TABLE pulled.contact_data AS SELECT
  md5('c' || i) AS contact_id,
  'person' || i || '@example.com' AS email,
  ['CZ', 'US', 'DE', NULL][i % 4 + 1] AS country,
  TIMESTAMP '2026-01-01' + INTERVAL (i * 97 % 300000) MINUTE AS created_at,
  TIMESTAMP '2026-11-01' AS updated_at
FROM range({contacts}) AS t(i);
CREATE TABLE pulled.event_data AS SELECT
  md5('c' || CASE WHEN i < {hot} THEN 7 ELSE hash(i) % {contacts} END) AS contact_id,
  ['mail', 'mail', 'automation'][i % 3 + 1] AS event_source,
  ['processed', 'delivered', 'open', 'click'][CAST(hash(i + 1) % 4 AS INT) + 1] AS event_type,
  TIMESTAMP '2026-01-01' + INTERVAL (i * 53 % 450000) MINUTE AS "timestamp",
  json_object('payload', json_object('unique_args',
    json_object('singlesend_id', 's' || (hash(i + 2) % 20)))) AS data
FROM range({events}) AS t(i);
CREATE TABLE pulled.segctl_base (key VARCHAR PRIMARY KEY, value VARCHAR);
INSERT INTO pulled.segctl_base VALUES ('format', '1'), ('as_of', '2026-11-20T00:00:00Z'),
  ('account', ''), ('lists', '"all"'), ('distinct', 'true');
"""
_C = "SELECT c.contact_id, c.updated_at FROM contact_data c"
_J = f"{_C} JOIN event_data e ON c.contact_id = e.contact_id WHERE "
_J2 = _J.replace(" WHERE", " JOIN event_data e2 ON c.contact_id = e2.contact_id WHERE")
_SEND = "DATA:payload.unique_args.singlesend_id"
_OPENED = "e.event_source = 'mail' AND e.event_type = 'open'"
_CLICKED = "e2.event_source = 'mail' AND e2.event_type = 'click'"
_RECENT = "e2.timestamp > timestampadd(day, -200, CURRENT_TIMESTAMP)"

SHAPES = {
    "opened lately": f"{_J}{_OPENED} AND e.timestamp > timestampadd(day, -200, CURRENT_TIMESTAMP)",
    "any event": (
        "SELECT c.contact_id, c.updated_at, MAX(e.timestamp) AS x FROM contact_data c"
        " INNER JOIN event_data e ON c.contact_id = e.contact_id"
    ),
    "general form": (
        "SELECT contact_id, updated_at FROM contact_data c INNER JOIN event_data e ON contact_id"
        f" WHERE {_OPENED}"
    ),
    "not in": (
        f"{_J}e.event_type = 'processed' AND e.{_SEND} = 's1' AND c.contact_id NOT IN (SELECT"
        f" e2.contact_id FROM event_data e2 WHERE {_CLICKED} AND e2.{_SEND} = 's1')"
    ),
    "several in": (
        f"{_C} WHERE c.contact_id IN (SELECT e2.contact_id FROM event_data e2 WHERE {_CLICKED} AND"
        f" {_RECENT}) AND c.contact_id NOT IN (SELECT e2.contact_id FROM event_data e2 WHERE"
        f" e2.event_type = 'open' AND {_RECENT})"
    ),
    "with the contact": f"{_J}(c.country = 'CZ' OR {_OPENED}) AND e.timestamp > c.created_at",
    "two joins": f"{_J2}{_OPENED} AND {_CLICKED}",
    "either of two joins": f"{_J2}({_OPENED} OR {_CLICKED}) AND e2.timestamp > c.created_at",
    "later": f"{_J2}{_OPENED} AND {_CLICKED} AND e2.timestamp > e.timestamp",
    "the same send": (
        f"{_J2}{_OPENED} AND {_CLICKED} AND e.{_SEND}::varchar = e2.{_SEND}::varchar"
        " AND e2.timestamp > e.timestamp"
    ),
    "another send": f"{_J2}{_OPENED} AND {_CLICKED} AND e.{_SEND}::varchar != e2.{_SEND}::varchar",
    "within a day": (
        f"{_J2}{_OPENED} AND {_CLICKED}"
        " AND e2.timestamp BETWEEN e.timestamp AND timestampadd(day, 1, e.timestamp)"
    ),
    "none later": (
        f"{_J}{_OPENED} AND NOT EXISTS (SELECT 1 FROM event_data e2 WHERE"
        f" e2.contact_id = c.contact_id AND {_CLICKED} AND e2.timestamp > e.timestamp)"
    ),
    "the last": (
        f"{_J}{_OPENED} AND e.timestamp = (SELECT MAX(e2.timestamp) FROM event_data e2"
        " WHERE e2.contact_id = c.contact_id)"
    ),
}


def figures(runs: int, *, short: bool = False) -> Iterator[Figure]:
    """Yield the time of each shape, and the memory of the shape that needs the most."""
    part = PART if short else 1
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind, hot in (("hot", HOT // part), ("even", 0)):
            _write_project(folder / kind, CONTACTS // part, EVENTS // part, hot)
        used = {}
        for shape in SHAPES:
            hot_preview, even_preview = (_preview(folder / kind, shape) for kind in ("hot", "even"))
            yield compare(
                f"{shape}: a contact of {HOT // part:,} events / none",
                command(*hot_preview, quiet=True),
                command(*even_preview, quiet=True),
                bound=TIME_BOUND,
                runs=1 if short else runs,
                warm=not short,
            )
            if not short or shape == LARGEST:
                used[shape] = peak(*hot_preview, env={}) / 2**20
        most = max(used, key=lambda shape: used[shape])
        label = f"  memory in MB: {most}"
        ratio = used[most] / MEGABYTES
        yield Figure(label, used[most], MEGABYTES, ratio, bound=1.0, counts=True)


def _write_project(folder: Path, contacts: int, events: int, hot: int) -> None:
    """Write the contacts and a segment for each shape."""
    import duckdb  # noqa: PLC0415 - loaded only when it is needed

    dataset = folder / ".segctl/contacts/production.duckdb"
    dataset.parent.mkdir(parents=True)
    with duckdb.connect() as base:
        base.execute(_MAKE.format(file=dataset, contacts=contacts, events=events, hot=hot))
    segments = folder / "segments"
    segments.mkdir()
    for number, (name, query) in enumerate(SHAPES.items()):
        (segments / f"{number}.yaml").write_text(f"name: {name}\nquery_dsl: |\n  {query}\n")


def _preview(folder: Path, segment: str) -> tuple[str, ...]:
    argv = ("-m", "segctl", "-C", str(folder), "preview", segment, "--contacts", "pulled")
    return (sys.executable, *argv)
