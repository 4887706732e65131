"""Previews of audiences: a million contacts and five million events, against SQL by hand.

Both halves are whole processes, their start included. The SQL is one statement, as somebody who
knows DuckDB would write it into a script of a few lines: it reads each file as little as it can,
takes the types that DuckDB sniffs, and checks nothing. DuckDB makes the contacts, the same in each
run, and what they do, and writes them in all three formats.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import Figure, command, compare, peak

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTACTS = 1_000_000
PART = 10
"""In a short run, there are so many times fewer."""

BOUNDS = {"csv": 1.2, "parquet": 1.5, "pulled": 1.9}
SHORT_BOUNDS = {"csv": 1.7, "pulled": 2.2}
"""Where DuckDB has little to do, as with a pulled base, most of the time is the start."""

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
name: Spenders
query_dsl: |
  SELECT contact_id, updated_at
  FROM contact_data
  WHERE plan = 'pro'
    AND total_spend > 500
    AND last_order > '2026-03-01T00:00:00Z'
"""
_CLICKED = """\
name: Clicked
query_dsl: |
  SELECT c.contact_id, c.updated_at
  FROM contact_data c
  JOIN event_data e ON c.contact_id = e.contact_id
  WHERE c.country = 'CZ'
    AND e.event_type = 'click'
    AND e.timestamp > '2026-09-01T00:00:00Z'
"""
_BY_HAND = """\
import duckdb
base = duckdb.connect({file})
print(base.sql('''
SELECT
  count(*),
  count(*) FILTER (
    WHERE plan = 'pro' AND total_spend > 500 AND last_order > TIMESTAMP '2026-03-01'
  ),
  count(*) FILTER (WHERE country = 'CZ' AND contact_id IN (
    SELECT contact_id FROM {events}
    WHERE event_type = 'click' AND "timestamp" > TIMESTAMP '2026-09-01'
  ))
FROM {contacts}
''').fetchall())
"""
_MANY = 200


def figures(runs: int, *, short: bool = False) -> Iterator[Figure]:
    """Time previews in each format, and one of 200 segments against one of two.

    With a tenth of the data, most of the time is the start of the programs, so bounds are wider.
    """
    contacts = CONTACTS // PART if short else CONTACTS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder, contacts)
        sizes = f"{contacts:,} contacts"
        for kind in SHORT_BOUNDS if short else BOUNDS:
            preview, by_hand = _preview(folder, kind), _by_hand(folder, kind)
            yield compare(
                f"preview of 2, {sizes}, {kind} / SQL by hand",
                command(*preview),
                command(*by_hand),
                bound=(SHORT_BOUNDS if short else BOUNDS)[kind],
                runs=runs,
                warm=not short,
            )
            if not short:
                used, other = (peak(*argv, env={}) / 2**20 for argv in (preview, by_hand))
                what = f"the same in MB, {kind}"
                yield Figure(what, used, other, used / other, bound=1.5, counts=True)
        if not short:
            yield compare(
                f"preview of {_MANY}, {sizes}, parquet / of 2",
                command(*_preview(folder, "parquet", many=True)),
                command(*_preview(folder, "parquet")),
                bound=30.0,
                runs=1,
            )


def make(folder: Path, contacts: int) -> None:
    """Make the contacts in all formats, and two projects."""
    import duckdb  # noqa: PLC0415 - not before it is needed

    with duckdb.connect() as base:
        base.execute(_MAKE.format(folder=folder, contacts=contacts, iso="%Y-%m-%dT%H:%M:%SZ"))
    for project in ("two", "many"):
        segments = folder / project / "segments"
        segments.mkdir(parents=True)
        (segments / "fields.yaml").write_text(_FIELDS)
        (segments / "spenders.yaml").write_text(_SPENDERS)
        (segments / "clicked.yaml").write_text(_CLICKED)
    for number in range(1, _MANY // 2):
        for name, text, old, new in (
            ("Spenders", _SPENDERS, "> 500", f"> {500 + number}"),
            ("Clicked", _CLICKED, "09-01T00", f"0{number // 12 + 1}-{number % 12 + 1:02}T12"),
        ):
            made = text.replace(f"name: {name}", f"name: {name} {number}").replace(old, new)
            (segments / f"{name}-{number}.yaml".lower()).write_text(made)


def _preview(folder: Path, kind: str, *, many: bool = False) -> tuple[str, ...]:
    files: tuple[str, ...] = (
        "--contacts",
        f"{folder}/contacts.{kind}",
        "--events",
        f"{folder}/events.{kind}",
    )
    if kind == "pulled":
        files = ("--contacts", f"{folder}/pulled.duckdb")
    project = folder / ("many" if many else "two")
    return (sys.executable, "-m", "segctl", "-C", str(project), "preview", *files)


def _by_hand(folder: Path, kind: str) -> tuple[str, ...]:
    if kind == "pulled":
        file = f"{str(folder / 'pulled.duckdb')!r}, read_only=True"
        text = _BY_HAND.format(file=file, contacts="contact_data", events="event_data")
    else:
        names = {one: f"'{folder}/{one}.{kind}'" for one in ("contacts", "events")}
        text = _BY_HAND.format(file="", **names)
    return (sys.executable, "-c", text)
