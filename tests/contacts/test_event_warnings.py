"""Conditions that events cannot meet: the number stays, with a warning at the condition."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import TYPE_CHECKING, Any

import pytest

from .support import J, count, numbers, segments, written
from .support import S as WHERE

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.project import Project

CONTACTS = "contact_id,updated_at\n1,\n2,\n3,\n"
HEAD = "contact_id,event_source,event_type,timestamp,data\n"
PATH = "e.DATA:payload.unique_args.singlesend_id"

PARTLY = (
    f"only 1 of 3 events have {PATH}; 1 has it at e.DATA:unique_args.singlesend_id;"
    " 1 has a string as DATA"
)
NEVER = WHERE + "contact_id NOT IN (SELECT contact_id FROM event_data WHERE {})"  # noqa: S608 - test data


def row(contact: int, event_type: str, data: Any, source: str = "mail") -> str:
    cell = json.dumps(data).replace('"', '""')
    return f'{contact},{source},{event_type},2026-03-30T10:00:00Z,"{cell}"\n'


def send(name: str) -> dict[str, Any]:
    return {"payload": {"unique_args": {"singlesend_id": name}}}


def warnings(folder: Path, events: str, *conditions: str) -> list[tuple[str, str, str]]:
    """Return the warnings about conditions: the place in the query, the message and the hint."""
    contacts = written(folder / "c.csv", CONTACTS)
    used = segments(*conditions)
    counted = count(contacts, written(folder / "e.csv", HEAD + events), used)
    assert all(hasattr(result, "after") for result in counted.results), counted.results
    return [
        (segment.query[warning.start : warning.end], warning.message, warning.hint)
        for segment, found in zip(used, counted.warnings, strict=True)
        for warning in found
    ]


def test_what_matches_has_no_warning(tmp_path: Path) -> None:
    events = row(1, "open", send("x")) + row(2, "click", send("y"))
    conditions = [
        f"{J}e.event_type = 'open' AND e.event_source = 'mail' AND {PATH} = 'x'",
        f"{J}e.event_type IN ('open', 'click') AND {PATH} IS NOT NULL",
        NEVER.format("event_type = 'click'"),
        f"{WHERE}contact_id = 'x'",
    ]
    assert warnings(tmp_path, events, *conditions) == []


@pytest.mark.parametrize(
    ("condition", "place", "message", "hint"),
    [
        (
            "e.event_type = 'open'",
            "'open'",
            "no event has e.event_type `open`, and 2 have `OPEN`",
            "query each spelling that the events have: IN ('open', 'OPEN')",
        ),
        (
            "e.event_type != 'clik'",
            "'clik'",
            "no event has e.event_type `clik`",
            "did you mean `click`?",
        ),
        ("'bounce' = e.event_type", "'bounce'", "no event has e.event_type `bounce`", ""),
        (
            "e.event_source IN ('mail', 'automation')",
            "'automation'",
            "no event has e.event_source `automation`",
            "",
        ),
        (
            "e.event_type = 'click'",
            "'click'",
            "some events have e.event_type `click`, and 1 has `Click`",
            "query each spelling that the events have: IN ('click', 'Click')",
        ),
        (f"{PATH} = 'X'", "'X'", f"no event has {PATH} `X`, and 4 have `x`", "IN ('X', 'x')"),
        (f"{PATH}::varchar = 'gone'", "'gone'", f"no event has {PATH} `gone`", ""),
    ],
)
def test_a_value_that_no_event_has(
    tmp_path: Path, condition: str, place: str, message: str, hint: str
) -> None:
    types = ("OPEN", "OPEN", "click", "Click")
    events = "".join(row(number % 3 + 1, each, send("x")) for number, each in enumerate(types))
    (warning,) = warnings(tmp_path, events, J + condition)
    assert warning[:2] == (place, message)
    assert hint in warning[2]


@pytest.mark.parametrize(
    ("data", "message", "hint"),
    [
        ([{}], f"no event has {PATH}", "check the spelling; case matters in a path"),
        (
            [{"unique_args": {"singlesend_id": "x"}}],
            f"no event has {PATH}; 1 has it at e.DATA:unique_args.singlesend_id",
            "query that path",
        ),
        (
            [json.dumps(send("x")), json.dumps(send("y"))],
            f"no event has {PATH}; 2 have a string as DATA",
            "export DATA as an object, not as a string with JSON in it",
        ),
        (
            [send("x"), {"unique_args": {"singlesend_id": "x"}}, json.dumps(send("x"))],
            PARTLY,
            "query that path",
        ),
    ],
)
def test_a_path_that_no_event_has_or_only_some(
    tmp_path: Path, data: list[Any], message: str, hint: str
) -> None:
    events = "".join(row(1, "open", each) for each in data)
    expected = [(PATH, message, hint)]
    assert warnings(tmp_path, events, f"{J}{PATH} = 'x'") == expected
    assert warnings(tmp_path, events, f"{J}NOT ({PATH} = 'x')") == expected


def test_a_path_without_the_payload(tmp_path: Path) -> None:
    (warning,) = warnings(tmp_path, row(1, "open", send("x")), f"{J}e.DATA:unique_args.x = 'x'")
    assert warning[1] == "no event has e.DATA:unique_args.x"
    condition = "e.DATA:unique_args.singlesend_id = 'x'"
    (warning,) = warnings(tmp_path, row(1, "open", send("x")), J + condition)
    assert warning[1].endswith("; 1 has it at e.DATA:payload.unique_args.singlesend_id")


def test_events_of_which_many_belong_to_no_contact(tmp_path: Path) -> None:
    condition = f"{J}e.event_type = 'open'"
    events = row(1, "open", {}) + row(2, "open", {}) + row(7, "open", {})
    (warning,) = warnings(tmp_path, events, condition)
    assert warning[1] == "1 of 3 contacts with such events in e.csv are not in c.csv"
    few = "".join(row(number, "open", {}) for number in (1, 2, 3))
    assert warnings(tmp_path, few, condition) == []


def test_values_of_other_events_are_not_shown(tmp_path: Path) -> None:
    events = row(1, "zdenka@contacts.test", send("zdenka@contacts.test"))
    conditions = [f"{J}e.event_type = 'open'", f"{J}{PATH} = 'x'"]
    assert "zdenka" not in str(warnings(tmp_path, events, *conditions))


def test_every_format_shows_it_beside_the_number(project: Project) -> None:
    project.write({
        "segctl.yaml": "version: 1\ncontacts: { contacts: c.csv, events: e.csv }\n",
        "c.csv": CONTACTS,
        "e.csv": HEAD + row(1, "OPEN", {}),
    })  # fmt: skip
    project.declare("Never opened", NEVER.format("event_type = 'open'"))
    words = "its number may be wrong: no event has event_type open, and 1 has OPEN"
    for output_format in ("text", "json", "markdown"):
        done = project.run("preview", "--format", output_format)
        assert done.code == 0
        assert words in unescape(re.sub("<[^>]*>|`", "", done.out + done.err))
        assert "3" in done.out
    assert numbers(project.root / "c.csv", project.root / "e.csv", "contact_id = '1'") == [1]
