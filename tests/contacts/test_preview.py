"""`segctl preview`: where it finds contacts, what it shows, and that it shows no contact."""

from __future__ import annotations

import json
import os
import re
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from segctl.app import project as app
from segctl.app.audiences import evaluate
from segctl.app.contact_sources import ContactSource, configured_source
from segctl.contacts.dataset import DatasetMissing
from segctl.contacts.masking import MIN_SHARED
from segctl.query.catalogue import ColumnType
from segctl.render.previews import with_age
from tests.support.account import KEY
from tests.support.builders import query

from .support import NOW, as_csv, pulled, segments, written

if TYPE_CHECKING:
    from tests.support.account import Remote
    from tests.support.project import Project

GOLDEN = Path(__file__).parent / "golden"
FIELDS = """\
target: production
pulled_at: "2026-07-15T00:00:00Z"
custom_fields: { plan: Text, total_spend: Number }
reserved_fields: {}
"""
CLICKED = (
    "SELECT c.contact_id, c.updated_at FROM contact_data c JOIN event_data e"
    " ON c.contact_id = e.contact_id WHERE e.event_type = 'click'"
)
PEOPLE: list[dict[str, Any]] = [
    {
        "contact_id": f"id-{number:04}",
        "email": f"zdenka.{number:04}@{'common.test' if number % 3 else f'own-{number}.test'}",
        "first_name": f"Zdenka{number}",
        "phone_number": f"+4205550{number:04}",
        "plan": "pro" if number % 2 else "free",
        "total_spend": str(number * 100),
    }
    for number in range(1, 31)
]
EVENTS = [{"contact_id": f"id-{number:04}", "event_type": "click"} for number in range(1, 6)]
COLUMNS = ("contact_id", "email", "first_name", "phone_number", "plan", "total_spend")


@pytest.fixture
def shop(project: Project) -> Project:
    """A project with four segments, and files of contacts and events."""
    project.declare("Pro", query("plan = 'pro'"))
    project.declare("Big & rich", query("total_spend > 1000"))
    project.declare("Clicked", CLICKED)
    project.declare("In Brno", query("city = 'Brno'"))
    project.write({"segments/fields.yaml": FIELDS})
    written(project.root / "contacts.csv", as_csv(PEOPLE, COLUMNS))
    written(project.root / "events.csv", as_csv(EVENTS, ("contact_id", "event_type")))
    for file in ("contacts.csv", "events.csv"):
        day = (project.clock.moment - timedelta(days=3)).timestamp()
        os.utime(project.root / file, (day, day))
    project.write({"segctl.yaml": "version: 1\n" + CONTACTS})
    return project


CONTACTS = "contacts: { contacts: contacts.csv, events: events.csv }\n"


def check_golden(name: str, text: str, request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--golden-write"):
        (GOLDEN / name).write_text(text, "utf-8", newline="\n")
    assert text == (GOLDEN / name).read_text("utf-8")


def test_text_shows_the_numbers(shop: Project, request: pytest.FixtureRequest) -> None:
    done = shop.run("preview", "--overlap", "--sample", "2")
    assert done.code == 0
    check_golden("preview.txt", done.out + "---\n" + done.err, request)


def test_markdown_shows_the_numbers(shop: Project, request: pytest.FixtureRequest) -> None:
    done = shop.run("preview", "--overlap", "--sample", "2", "--format", "markdown")
    assert done.code == 0
    check_golden("preview.md", done.out, request)


def test_json_has_the_numbers(shop: Project, request: pytest.FixtureRequest) -> None:
    done = shop.run("preview", "--overlap", "--sample", "2", "--format", "json")
    assert done.code == 0
    check_golden("preview.json", re.sub(r'"version": "[^"]*"', '"version": "0"', done.out), request)
    plain = json.loads(shop.run("preview", "--format", "json", "Pro").out)
    assert plain["overlaps"] is None
    assert plain["segments"][0]["sample"] is None


@pytest.fixture
def changed(shop: Project, remote: Remote) -> Project:
    """The same project, and an account with other definitions of three segments."""
    shop.env |= {"SEGCTL_BASE_URL": remote.url, "SENDGRID_API_KEY": KEY}
    remote.emulator.console.create("Pro", query("plan = 'pro' AND total_spend > 2000"))
    remote.emulator.console.create("Big & rich", query("city = 'Brno'"))
    remote.emulator.console.create("Clicked", CLICKED)
    return shop


def test_a_change_is_counted_before_and_after(
    changed: Project, request: pytest.FixtureRequest
) -> None:
    done = changed.run("preview", "--changed", "--contacts", str(changed.root / "contacts.csv"))
    assert done.code == 0
    check_golden(
        "changed.txt", done.out.replace(str(changed.root), "") + "---\n" + done.err, request
    )
    text = changed.run("preview", "--changed", "--format", "markdown").out
    check_golden("changed.md", text, request)
    data = json.loads(changed.run("preview", "--changed", "Pro", "--format", "json").out)
    (segment,) = data["segments"]
    assert segment["change"] == {"action": "patch", "before": 5, "gained": 10, "lost": 0}
    assert (segment["contacts"], segment["share"]) == (15, 0.5)
    done = changed.run("preview", "--changed", "Clicked")
    assert (done.code, "No audience changes." in done.err) == (0, True)


def test_an_upgrade_has_no_audience_before(changed: Project, remote: Remote) -> None:
    old = remote.emulator.console.seed_v1("Old", "city = 'Brno'")
    changed.declare("Old", query("plan = 'free'"), extra=f"upgrade_from: {{v1_id: {old}}}\n")
    assert "upgrade  Old" in changed.run("plan").out
    done = changed.run("preview", "--changed", "--format", "json")
    names = {segment["name"] for segment in json.loads(done.out)["segments"]}
    assert names == {"Big & rich", "In Brno", "Pro"}
    assert "account's own query" not in done.err


def test_a_named_segment_that_cannot_be_counted_fails(shop: Project) -> None:
    assert shop.run("preview", "Pro").code == 0
    done = shop.run("preview", "Pro", "In *")
    assert done.code == 1
    assert "segments/in-brno.yaml:2:" in done.err
    assert "error[no-column]: it cannot be counted: the contacts have no column `city`" in done.err
    done = shop.run("preview", "Prro")
    assert (done.code, "did you mean `Pro`?" in done.err) == (1, True)
    shop.declare("Parents", query("plan = 'pro'"), parent="0b1f4a10-5c1d-4a6e-9f02-000000000001")
    done = shop.run("preview", "Parents")
    assert "the contacts have no column `list_ids`" in done.err
    assert "segments/parents.yaml:3:1" in done.err


def test_preview_fails_if_no_segment_can_be_counted(project: Project) -> None:
    project.declare("In Brno", query("city = 'Brno'"))
    path = written(project.root / "c.csv", "contact_id\n1\n")
    done = project.run("preview", "--contacts", str(path))
    assert (done.code, done.out.splitlines()[-1].split()) == (1, ["In", "Brno", "?"])


@pytest.mark.posix
def test_without_contacts_preview_names_those_of_the_sandbox(shop: Project) -> None:
    for settings in ("version: 1\n", "version: 1\ncontacts: pulled\n"):
        shop.write({"segctl.yaml": settings})
        done = shop.run("preview")
        assert done.code == 1
        assert (
            "the sandbox, which has fictional contacts, run `segctl --target sandbox c" in done.err
        )
        done = shop.run("--target", "sandbox", "preview")
        hint = "run `segctl --target sandbox contacts pull`: the sandbox has fictional contacts"
        assert hint in done.err


@pytest.mark.posix
def test_contacts_are_found_by_option_settings_or_pull(shop: Project) -> None:
    path = shop.root / ".segctl/contacts/production.duckdb"
    shop.write({"segctl.yaml": "version: 1\n"})
    done = shop.run("preview")
    assert (done.code, "no contacts to count" in done.err) == (1, True)
    done = shop.run("preview", "--contacts", "pulled")
    assert "no contacts pulled from the target `production`" in done.err
    done = shop.run("preview", "--events", "events.csv")
    assert "no contacts to count" in done.err
    path.parent.mkdir(parents=True)
    contacts = [{key: person[key] for key in COLUMNS} for person in PEOPLE]
    fields = {"plan": ColumnType.VARCHAR, "total_spend": ColumnType.NUMBER}
    pulled(path, contacts, None, fields, as_of="2026-07-15T15:00:00Z")
    ways: list[tuple[str, ...]] = [(), ("--contacts", "pulled")]
    for argv in ways:
        done = shop.run("preview", *argv)
        assert done.out.startswith("30 contacts pulled as of 2026-07-15T15:00:00Z, 1 hour ago\n"), (
            done.err
        )
        assert "it uses event_data, and there are no events" in done.err
    # A pull has no events; the team's own complete it.
    events = str(shop.root / "events.csv")
    ways = [("--events", events), ("--events", events, "--contacts", "pulled"), ()]
    for argv in ways:
        done = shop.run("preview", "Clicked", *argv)
        assert done.code == 0, done.err
        assert done.out.splitlines()[0] == (
            "30 contacts pulled as of 2026-07-15T15:00:00Z, 1 hour ago; "
            "events in events.csv, last written 2026-07-12T16:04:33Z, 3 days ago"
        )
        assert done.out.splitlines()[-1].split() == ["Clicked", "5", "17", "%"]
        named = "contacts: { contacts: pulled, events: events.csv }\n"
        shop.write({"segctl.yaml": "version: 1\n" + named})
    shop.write({"segctl.yaml": "version: 1\ncontacts: pulled\n"})
    assert shop.run("preview").code == 0
    shop.write({"segctl.yaml": "version: 1\n" + CONTACTS})
    (shop.root / "contacts.csv").unlink()
    (shop.root / "contacts.csv").symlink_to(path)
    link = shop.root.parent / f"{shop.root.name}-outside.csv"
    link.write_text("contact_id\n1\n")
    (shop.root / "contacts.csv").unlink()
    (shop.root / "contacts.csv").symlink_to(link)
    assert "is a link that leads out of the project" in shop.run("preview").err


def test_the_time_can_be_set(project: Project) -> None:
    project.declare("New", query("created_at > now() - 7 days"))
    path = written(project.root / "c.csv", "contact_id,created_at\n1,2026-07-01\n2,2026-07-14\n")
    counted = [
        json.loads(project.run("preview", "--contacts", str(path), "--format", "json", *now).out)
        for now in ((), ("--now", "2026-07-03T00:00:00+02:00"), ("--now", "2027-01-01"))
    ]
    assert [result["segments"][0]["contacts"] for result in counted] == [1, 2, 0]
    assert counted[1]["now"] == "2026-07-02T22:00:00Z"
    done = project.run("preview", "--contacts", str(path), "--now", "soon")
    assert (done.code, "invalid time for --now" in done.err) == (1, True)
    done = project.run("preview", "--now", "soon", "--format", "markdown")
    assert "invalid time" in done.out


@pytest.mark.parametrize("option", ["--contacts", "--events"])
def test_an_empty_file_name_is_reported(shop: Project, option: str) -> None:
    done = shop.run("preview", option, "")
    assert f"{option} is empty\n  hint: is a variable unset?" in done.err


def test_contacts_of_another_account_are_reported(changed: Project, remote: Remote) -> None:
    path = changed.root / ".segctl/contacts/production.duckdb"
    path.parent.mkdir(parents=True)
    for lists, is_reported in (([], True), (["there"], True), (["there", "here"], False)):
        pulled(path, [{"contact_id": "1"}], [], {}, account_lists=json.dumps(lists))
        done = changed.run("preview", "--changed", "--contacts", "pulled")
        assert ("warning: the contacts were pulled from another account" in done.err) is is_reported
        if lists == ["there"]:
            remote.emulator.console.add_list("Here", id="here")


def test_overlap_needs_two_segments(shop: Project) -> None:
    done = shop.run("preview", "Pro", "--overlap")
    assert done.code == 0
    assert "--overlap compares segments, but only one was selected" in done.err


def test_a_sample_shows_no_rare_domain(shop: Project) -> None:
    done = shop.run("preview", "Big & rich", "--sample", "5", "--format", "json")
    (segment,) = json.loads(done.out)["segments"]
    assert sorted(set(segment["sample"])) == ["z…@common.test", "z…@….test"]
    assert sum("common" in person["email"] for person in PEOPLE) >= MIN_SHARED
    short = written(shop.root / "c.csv", "contact_id,email\n1,ab@x.test\n2,none\n3,.a.b@x.test\n")
    shop.declare("All", "SELECT contact_id, updated_at FROM contact_data")
    argv = ("preview", "All", "--contacts", str(short), "--sample", "9", "--format", "json")
    assert json.loads(shop.run(*argv).out)["segments"][0]["sample"] == ["…@….test", "…", "…@….test"]
    written(short, "contact_id,email\n1,anna@novak\n")
    assert json.loads(shop.run(*argv).out)["segments"][0]["sample"] == ["a…@…"]
    bare = written(shop.root / "c.csv", "contact_id\n1\n")
    done = shop.run("preview", "All", "--contacts", str(bare), "--sample", "1")
    assert "c.csv has no column email, which --sample needs" in done.err


OPTIONS = [(), ("--overlap",), ("--changed",), ("-vv",)]


@pytest.mark.parametrize("broken", ["", "contacts", "events", "spend"])
def test_no_output_has_a_value_of_a_contact(changed: Project, broken: str) -> None:
    """Every value of the contacts, also where the files are damaged."""
    if broken == "spend":
        contacts = [{**person, "total_spend": "n/a"} for person in PEOPLE]
        written(changed.root / "contacts.csv", as_csv(contacts, COLUMNS))
    elif broken:
        with (changed.root / f"{broken}.csv").open("a") as stream:
            stream.write("id-9999,zdenka@secret.test,Zdenka,5550,pro,1,too,many\n")
    values = {
        str(value) for person in PEOPLE for key, value in person.items() if key != "total_spend"
    }
    values -= {"pro", "free"}
    values |= {"Zdenka", "zdenka", "secret.test", "common.test", "n/a"}
    for output, options in product(("text", "json", "markdown"), OPTIONS):
        done = changed.run("preview", "--format", output, *options)
        # The changed segments use no events, so these are not read.
        unread = broken in {"", "events"} if "--changed" in options else broken in {"", "spend"}
        assert done.code == int(not unread), done.err
        for value in values:
            assert value not in done.out + done.err, (output, options)
    kept = [path for path in (changed.root / ".segctl").rglob("*") if path.is_file()]
    assert {path.name for path in kept} <= {".gitignore", "contacts-checked.json"}
    for path in kept:
        assert not any(value in path.read_text() for value in values)


def test_a_plan_counts_pairs(shop: Project) -> None:
    read = app.Project(shop.root, env={}, clock=shop.clock)
    old, new, clicked, brno = segments(
        "plan = 'free'", "total_spend > 1500", CLICKED, "city = 'Brno'"
    )
    source = ContactSource(shop.root / "contacts.csv", shop.root / "events.csv", is_pulled=False)
    results = evaluate(read, source, [(old, new), (None, clicked), (brno, new), (None, brno)])
    assert [(result.total, result.as_of) for result in results] == [(30, None)] * 4
    first, second, third, fourth = results
    assert first.counts
    assert (first.counts.before, first.counts.after) == (15, 15)
    assert (first.counts.gained, first.counts.lost) == (7, 7)
    assert second.counts
    assert (second.counts.before, second.counts.after, second.counts.gained) == (0, 5, 5)
    assert (third.counts, third.in_before, fourth.in_before) == (None, True, False)
    assert [problem.message for problem in fourth.problems] == [
        "the contacts have no column `city`"
    ]
    shop.write({"segctl.yaml": "version: 1\ncontacts: pulled\n"})
    read = app.Project(shop.root, env={}, clock=shop.clock)
    assert read.config.contacts
    with pytest.raises(DatasetMissing):
        configured_source(read, read.config.contacts)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("contacts: export.csv\n", "`contacts` must be `pulled` or name files"),
        ("contacts: { contacts: ../a.csv }\n", "must be a file inside the project"),
        ("contacts: { contacts: a.csv, events: /tmp/e }\n", "must be a file inside the project"),
        ("contacts: { events: a.csv }\n", "missing key `contacts`"),
        ("contacts: [a]\n", "must be a mapping"),
        ("contacts: { contacts: a, event: b }\n", "unknown key `event`"),
    ],
)
def test_invalid_settings_of_contacts_are_reported(
    shop: Project, settings: str, message: str
) -> None:
    shop.write({"segctl.yaml": f"version: 1\n{settings}"})
    done = shop.run("preview")
    assert (done.code, message in done.err) == (1, True), done.err


def test_invalid_fields_are_reported(shop: Project) -> None:
    shop.write({"segments/fields.yaml": "custom_fields: 5\n"})
    assert "segments/fields.yaml" in shop.run("preview").err


def test_a_time_is_shown_with_its_age() -> None:
    now = NOW
    assert with_age("2026-03-31T12:29:30Z", now) == "2026-03-31T12:29:30Z"
    assert with_age("2026-03-31T12:29:00Z", now).endswith("Z, 1 minute ago")
    assert with_age("2026-03-28T12:30:00Z", now).endswith("Z, 3 days ago")
    assert with_age("who knows", now) == "who knows"
