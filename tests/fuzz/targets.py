"""What the fuzzer feeds: a mutated input each, to the commands that read it.

A target is a function of a project and an input; it returns the exit codes of its commands, and
raises `AssertionError` where a promise is broken. The seeds are valid inputs.
"""

from __future__ import annotations

import contextlib
import io
import json
from typing import TYPE_CHECKING

from segctl.app.emulator_world import read_world
from segctl.cli.main import main
from segctl.emulator import Emulator
from tests.security.server import hostile_server, response
from tests.sendgrid.support import segment_json
from tests.support.account import KEY
from tests.support.builders import query, segment_yaml
from tests.support.clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

QUERY = (
    "SELECT c.contact_id, c.updated_at FROM contact_data AS c JOIN event_data AS e"
    " ON c.contact_id = e.contact_id WHERE (c.city IN ('Brno', 'O''Neil') OR NOT c.age > 30)"
    " AND e.timestamp > timestampadd(day, -30, CURRENT_TIMESTAMP) -- segctl: ignore[drops-nulls]\n"
)
CONFIG = """version: 1
default_target: sandbox
targets: {production: {api_key_env: SENDGRID_API_KEY, region: eu}}
limits: {max_destroy: 5, max_audience_change: 20 %}
lint: {rules: {drops-nulls: error}, name_pattern: "[A-Z]+(-[a-z]+)*.*"}
owners: {sales: "@acme/sales", "Jana": jana@example.com}
contacts: {contacts: contacts.csv}
time_zone: Europe/Prague
"""
MORE = "owner: sales\nprevious_names: [Old]\ntests:\n- {name: t, contact: {}, expect: out}\n"
SEGMENT = segment_yaml("VIP", QUERY, parent="0b1f4a10-5c1d-4a6e-9f02-000000000001", extra=MORE)
CONTACTS = "contact_id,email,city,created_at\n1,ann@example.com,Brno,2026-01-01T00:00:00Z\n"
FIELDS = """target: production
pulled_at: "2026-07-15T00:00:00Z"
custom_fields: {plan: Text, total_spend: Number, renewal_date: Date}
reserved_fields: {email: Text}
"""
FIXTURES = """now: "2026-03-01T00:00:00Z"
fixtures:
  loyal: &loyal
    contact: {email: a@example.com, total_spend: 900.5, plan: pro, list_ids: [x], city: null}
    events:
    - {event_source: mail, event_type: open, timestamp: "2026-02-01", data: {payload: {a: [1]}}}
  other: *loyal
"""
CASES = """- name: loyal
  fixture: loyal
  contact: {total_spend: 501, renewal_date: "2026-03-02T00:00:00+02:00"}
  now: "2026-02-28"
  expect: in
- name: nobody
  contact: {plan: 'free', city: "Brno \\u00e9", alternate_emails: []}
  events: [{event_type: click, data: {payload: {}}}]
  expect: out
"""
TESTED = segment_yaml("VIP", query("total_spend > 500 AND (plan = 'pro' OR renewal_date > now())"))
WORLD = """keys: [parent]
read_only_keys: [auditor]
lists: [{name: Newsletter, contact_count: 5}]
subusers:
  shop:
    keys: [shop]
    plan: free
    lists: [{name: Buyers, id: 0b1f4a10-5c1d-4a6e-9f02-000000000099}]
    custom_fields: {tier: Text, spend: Number, joined: Date}
    segments:
    - {name: Gold, query_dsl: "SELECT 1", parent_list: Buyers, contacts_count: 7}
    - {query_dsl: "email LIKE '%x'", v1: true}
    contacts:
    - email: ada@example.com
      lists: [Buyers]
      fields: {tier: gold, spend: 7.5, joined: "2026-01-01T00:00:00Z", alternate_emails: [a@b.test]}
      created_at: "2026-01-01"
      events: [{event_type: open, timestamp: "2026-06-01T09:00:00Z", data: {a: {b: [1]}}}]
    single_sends: [{name: Spring, status: scheduled, segments: [Gold], send_at: "2026-09-01"}]
"""
ANSWER = json.dumps({"results": [segment_json()], "result": [], **segment_json()})


READERS = (["validate"], ["fmt", "--check"], ["lint"], ["explain", "VIP"])
"""The commands that read segment files and their queries."""


def run(folder: Path, *argv: str, **env: str) -> int:
    """Run segctl in a folder, check the promises that hold for any input, return the exit code."""
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown), contextlib.redirect_stderr(shown):
        code = main(["-C", str(folder), *argv], {"SEGCTL_NO_CACHE": "1", **env}, FakeClock())
    text = shown.getvalue()
    assert code in {0, 1, 2, 3, 4}, f"{argv} ended with {code}"
    for word in ("Traceback", "internal error", KEY):
        assert word not in text, f"{argv} wrote {word}: {text[:2_000]}"
    return code


def _write(folder: Path, **files: bytes) -> None:
    (folder / "segments").mkdir(exist_ok=True)
    names = {"config": "segctl.yaml", "segment": "segments/a.yaml", "contacts": "contacts.csv"}
    names |= {"query": "segments/a.sql", "plan": "plan.json", "fields": "segments/fields.yaml"}
    names |= {"fixtures": "segments/fixtures.yaml"}
    for name, data in files.items():
        (folder / names[name]).write_bytes(data)


def segment_file(folder: Path, data: bytes) -> list[int]:
    """A segment file."""
    _write(folder, segment=data)
    return [run(folder, *command) for command in READERS]


def query_file(folder: Path, data: bytes) -> list[int]:
    """A query."""
    _write(folder, segment=b"name: VIP\nquery_file: a.sql\n", query=data)
    return [run(folder, *command) for command in READERS]


TESTERS = (["validate"], ["lint"], ["test"], ["test", "--format", "junit"])
"""The commands that read tests, and what they are written with."""


def _tested(folder: Path, **files: bytes) -> list[int]:
    """Run the tests of a segment with these files; the others are valid."""
    valid = {"fields": FIELDS.encode(), "fixtures": FIXTURES.encode()}
    _write(folder, **{"segment": f"{TESTED}tests:\n{CASES}".encode(), **valid, **files})
    return [run(folder, *command) for command in TESTERS]


def fields_file(folder: Path, data: bytes) -> list[int]:
    """The fields of the account."""
    return _tested(folder, fields=data)


def fixtures_file(folder: Path, data: bytes) -> list[int]:
    """What tests share."""
    return _tested(folder, fixtures=data)


def tested_cases(folder: Path, data: bytes) -> list[int]:
    """The tests of a segment."""
    return _tested(folder, segment=f"{TESTED}tests:\n".encode() + data)


def configuration(folder: Path, data: bytes) -> list[int]:
    """segctl.yaml."""
    _write(folder, config=data, segment=SEGMENT.encode())
    return [run(folder, "validate")]


def saved_plan(folder: Path, data: bytes) -> list[int]:
    """A saved plan."""
    _write(folder, plan=data)
    plan = str(folder / "plan.json")
    return [run(folder, "show", plan, "--format", form) for form in ("text", "json", "markdown")]


def contacts_file(folder: Path, data: bytes) -> list[int]:
    """A contacts file."""
    _write(folder, segment=segment_yaml("VIP", query("city = 'Brno'")).encode(), contacts=data)
    return [run(folder, "preview", "VIP", "--contacts", str(folder / "contacts.csv"))]


def server_answer(folder: Path, data: bytes) -> list[int]:
    """An answer of the server, to every request."""
    _write(folder, segment=segment_yaml("Segment 1", QUERY).encode())
    with hostile_server(lambda _: [response(data)]) as server:
        env = {"SEGCTL_BASE_URL": server.url, "SENDGRID_API_KEY": KEY}
        commands = (["plan"], ["list", "--references"], ["drift", "--format", "json"])
        return [run(folder, *command, **env) for command in commands]


def world_file(folder: Path, data: bytes) -> list[int]:
    """The accounts of an emulator."""
    world, diagnostics = read_world("world.yaml", data)
    assert KEY not in repr(diagnostics)
    if world is None:
        assert diagnostics
        return [1]
    with Emulator() as emulator:
        emulator.put(world)
    return [0]


def seed_of(target: str, folder: Path) -> bytes:
    """Return the seed of a target. A plan is made in the folder."""
    if target == "plan":
        _write(folder, segment=segment_yaml("VIP", query("city = 'Brno'")).encode())
        plan = folder / "seed.json"
        assert run(folder, "--target", "sandbox", "plan", "--out", str(plan)) == 0
        return plan.read_bytes()
    return SEEDS[target].encode()


SEEDS = {
    "segment": SEGMENT,
    "query": QUERY,
    "config": CONFIG,
    "fields": FIELDS,
    "fixtures": FIXTURES,
    "cases": CASES,
    "contacts": CONTACTS,
    "server": ANSWER,
    "world": WORLD,
}

TARGETS: dict[str, Callable[[Path, bytes], list[int]]] = {
    "segment": segment_file,
    "query": query_file,
    "config": configuration,
    "fields": fields_file,
    "fixtures": fixtures_file,
    "cases": tested_cases,
    "plan": saved_plan,
    "contacts": contacts_file,
    "server": server_answer,
    "world": world_file,
}
