"""Previews of audiences: a million contacts and five million events, against hand-written SQL.

Both sides are whole processes, start-up included. The SQL is what someone who knows DuckDB would
write in a short script: it reads the columns that it needs from each file once, takes the types
that DuckDB sniffs, counts every segment in one statement and checks nothing. DuckDB generates the
contacts and their events, the same in each run, and writes them in all three formats.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from shutil import copyfile
from typing import TYPE_CHECKING

from benchmarks.measure import Figure, command, compare, peak

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTACTS = 1_000_000
PART = 10
"""A short run has this many times fewer contacts."""

BOUND = 1.2
SHORT_BOUND = 1.8
FEW_BOUND = 2.0
"""Where DuckDB has little to do, most of the time is start-up."""

MANY_BOUND = 10.0
"""Ten times the segments, on the same contacts, take at most ten times as long."""

_MAKE = """\
CREATE TABLE contact_data AS SELECT
  md5('c' || i) AS contact_id,
  'person' || i || '@' || ['example.com', 'shop.test', 'mail.test'][i % 3 + 1] AS email,
  'First' || (i * 7 % 1000) AS first_name,
  'Last' || (i * 13 % 5000) AS last_name,
  ['CZ', 'US', 'DE', 'FR', NULL][i % 5 + 1] AS country,
  'City ' || (i % 300) AS city,
  [['l-1'], CAST([] AS VARCHAR[]), ['l-1', 'l-3']][i % 3 + 1] AS list_ids,
  TIMESTAMP '2020-01-01' + INTERVAL (i * 97 % 3000000) MINUTE AS created_at,
  TIMESTAMP '2026-01-01' + INTERVAL (i * 31 % 200000) MINUTE AS updated_at,
  ['free', 'trial', 'pro', NULL][i * 11 % 4 + 1] AS plan,
  CAST((i * 37 % 200000) / 100 AS DECIMAL(38, 9)) AS total_spend,
  CAST(i % 40 AS DECIMAL(38, 9)) AS orders_count,
  CASE WHEN i % 3 > 0 THEN TIMESTAMP '2026-01-01' + INTERVAL (i * 17 % 400000) MINUTE END
    AS last_order
FROM range({contacts}) AS t(i);
CREATE TABLE event_data AS SELECT
  md5('c' || (i * 7919 % {contacts})) AS contact_id,
  'mail' AS event_source,
  ['processed', 'delivered', 'open', 'click'][i * 3 % 4 + 1] AS event_type,
  TIMESTAMP '2026-01-01' + INTERVAL (i * 53 % 450000) MINUTE AS "timestamp",
  CAST('{{"payload":{{"unique_args":{{"singlesend_id":"s' || (i % 20) || '"}}}}}}' AS JSON) AS data
FROM range({contacts} * 5) AS t(i);
COPY contact_data TO '{folder}/contacts.parquet' (FORMAT parquet);
COPY event_data TO '{folder}/events.parquet' (FORMAT parquet);
COPY (SELECT * REPLACE (
  to_json(list_ids) AS list_ids, strftime(created_at, '{iso}') AS created_at,
  strftime(updated_at, '{iso}') AS updated_at, strftime(last_order, '{iso}') AS last_order
) FROM contact_data) TO '{folder}/contacts.csv' (FORMAT csv, HEADER);
COPY (SELECT * REPLACE (strftime("timestamp", '{iso}') AS "timestamp") FROM event_data)
  TO '{folder}/events.csv' (FORMAT csv, HEADER);
ATTACH '{folder}/pulled.duckdb' AS pulled;
CREATE TABLE pulled.contact_data AS FROM contact_data;
CREATE TABLE pulled.event_data AS FROM event_data;
CREATE TABLE pulled.segctl_base (key VARCHAR PRIMARY KEY, value VARCHAR);
INSERT INTO pulled.segctl_base VALUES ('format', '1'), ('as_of', '2026-11-20T00:00:00Z'),
  ('account', ''), ('lists', '"all"'), ('distinct', 'true');
"""
_FIELDS = """\
target: production
pulled_at: "2026-11-20T00:00:00Z"
custom_fields: {plan: Text, total_spend: Number, orders_count: Number, last_order: Date}
reserved_fields: {}
"""
_SPENDERS = """\
name: Spenders {number}
query_dsl: |
  SELECT contact_id, updated_at
  FROM contact_data
  WHERE plan = 'pro'
    AND total_spend > {spend}
    AND last_order > '2026-03-01T00:00:00Z'
"""
_CLICKED = """\
name: Clicked {number}
query_dsl: |
  SELECT c.contact_id, c.updated_at
  FROM contact_data c
  JOIN event_data e ON c.contact_id = e.contact_id
  WHERE c.country = 'CZ'
    AND e.event_type = 'click'
    AND e.timestamp > '{day}T12:00:00Z'
"""
_SPENDERS_BY_HAND = """
  count(*) FILTER (
    WHERE plan = 'pro' AND total_spend > {spend} AND last_order > TIMESTAMP '2026-03-01'
  )"""
_CLICKED_BY_HAND = """
  count(*) FILTER (WHERE country = 'CZ' AND contact_id IN (
    SELECT contact_id FROM {{events}}
    WHERE event_type = 'click' AND "timestamp" > TIMESTAMP '{day} 12:00'
  ))"""
_READ = """\
base.execute("CREATE TEMP TABLE contacts AS "
  "SELECT contact_id, country, plan, total_spend, last_order FROM '{folder}/contacts.{kind}'")
base.execute("CREATE TEMP TABLE events AS "
  "SELECT contact_id, event_type, timestamp FROM '{folder}/events.{kind}'")
"""
"""A temporary table, since a query for each segment would read the files each time."""

_PROJECTS = {"few": 2, "project": 20, "many": 200}
"""Folder name to number of segments; half of the segments query events."""


def figures(runs: int, *, short: bool = False) -> Iterator[Figure]:
    """Yield the time and the memory of previews in each format, and of a tiny project.

    A short run has a tenth of the data, so start-up is a larger share of the time.
    """
    contacts = CONTACTS // PART if short else CONTACTS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder, contacts)
        for kind in ("csv", "pulled") if short else ("csv", "parquet", "pulled"):
            yield _against_sql(folder, kind, "project", SHORT_BOUND if short else BOUND, runs)
            if not short:
                argvs = (_preview(folder, kind, "project"), _by_hand(folder, kind, "project"))
                used, baseline = (peak(*argv, env={}) / 2**20 for argv in argvs)
                label = f"  the same in MB, {kind}"
                yield Figure(label, used, baseline, used / baseline, bound=1.5, counts=True)
        if not short:
            yield _against_sql(folder, "pulled", "few", FEW_BOUND, runs)
            yield compare(
                f"preview of {_PROJECTS['many']}, parquet / of {_PROJECTS['project']}",
                command(*_preview(folder, "parquet", "many")),
                command(*_preview(folder, "parquet", "project")),
                bound=MANY_BOUND,
                runs=1,
            )


def _against_sql(folder: Path, kind: str, project: str, bound: float, runs: int) -> Figure:
    return compare(
        f"preview of {_PROJECTS[project]} segments, {kind} / hand-written SQL",
        command(*_preview(folder, kind, project)),
        command(*_by_hand(folder, kind, project)),
        bound=bound,
        runs=runs,
    )


def make(folder: Path, contacts: int) -> None:
    """Write the contacts in all formats, and the projects."""
    import duckdb  # noqa: PLC0415 - loaded only when it is needed

    with duckdb.connect() as base:
        base.execute(_MAKE.format(folder=folder, contacts=contacts, iso="%Y-%m-%dT%H:%M:%SZ"))
    for project, count in _PROJECTS.items():
        segments = folder / project / "segments"
        segments.mkdir(parents=True)
        (segments / "fields.yaml").write_text(_FIELDS)
        for number, (text, values) in enumerate(_segments(count, _SPENDERS, _CLICKED)):
            document = text.format(number=number, **values)
            (segments / f"{number}.yaml").write_text(document)
        dataset = folder / project / ".segctl/contacts/production.duckdb"
        dataset.parent.mkdir(parents=True)
        # segctl opens no hard link.
        copyfile(folder / "pulled.duckdb", dataset)


def _segments(count: int, spenders: str, clicked: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the template and the values of each segment; no two segments are the same."""
    for number in range(count // 2):
        yield spenders, {"spend": str(500 + number)}
        yield clicked, {"day": f"2026-0{number // 12 + 1}-{number % 12 + 1:02}"}


def _preview(folder: Path, kind: str, project: str) -> tuple[str, ...]:
    files: tuple[str, ...] = (
        "--contacts",
        f"{folder}/contacts.{kind}",
        "--events",
        f"{folder}/events.{kind}",
    )
    if kind == "pulled":
        files = ("--contacts", "pulled")
    return (sys.executable, "-m", "segctl", "-C", str(folder / project), "preview", *files)


def _by_hand(folder: Path, kind: str, project: str) -> tuple[str, ...]:
    file, read, contacts, events = "", _READ.format(folder=folder, kind=kind), "contacts", "events"
    if kind == "pulled":
        file, read = f"{str(folder / 'pulled.duckdb')!r}, read_only=True", ""
        contacts, events = "contact_data", "event_data"
    counts = ",".join(
        text.format(**values).replace("{events}", events)
        for text, values in _segments(_PROJECTS[project], _SPENDERS_BY_HAND, _CLICKED_BY_HAND)
    )
    text = (
        f"import duckdb\nbase = duckdb.connect({file})\n{read}"
        f"print(base.sql('''\nSELECT\n  count(*),{counts}\nFROM {contacts}\n''').fetchall())\n"
    )
    return (sys.executable, "-c", text)
