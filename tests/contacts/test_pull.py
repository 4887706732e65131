"""Pulls over a socket: what a data set has, which faults a pull survives, what it never shows."""

from __future__ import annotations

import _thread
import gzip
import json
import logging
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from segctl.audience.duckdb_engine import EvaluationFailed
from segctl.cli.main import main
from segctl.common.folder import Folder
from segctl.contacts import pull
from segctl.contacts.store import ContactStore
from segctl.emulator import Emulator, serve
from segctl.emulator.response import Delivery, Response
from tests.support.account import KEY, TEST_SETTINGS
from tests.support.builders import query
from tests.support.clock import FakeClock
from tests.support.process import HANG, HAS_MODES, running_segctl

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.process import Process
    from tests.support.project import Project, Result

EXPORTS = "/v3/marketing/contacts/exports"
FILES = "/contact-exports/"
NEWS, VIP, OTHER = (f"0b1f4a10-5c1d-4a6e-9f02-00000000000{number}" for number in (1, 2, 3))
SETTINGS = replace(TEST_SETTINGS, export_delay=0.0, export_file_contacts=3)
PEOPLE = 7
EVERYTHING = "SELECT * FROM contact_data ORDER BY contact_id"

Spoil = Callable[[str, str, "Response"], "Response"]


class Watched(Emulator):
    """An emulated account that records requests, and whose responses a test can change."""

    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self.asked: list[tuple[str, str, Mapping[str, str]]] = []
        self.interrupt_at = 0
        # Ctrl-C, while segctl waits for this answer.
        self.interrupt: Callable[[], None] = _thread.interrupt_main
        self.spoil: Spoil | None = None

    def handle(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes = b""
    ) -> Response:
        self.asked.append(
            (method, target, {name.lower(): value for name, value in headers.items()})
        )
        reply = super().handle(method, target, headers, body)
        if len(self.asked) == self.interrupt_at:
            self.interrupt()
            # No answer follows, so that nothing but the interruption can end the wait for one.
            return Response(0, delivery=Delivery.HUNG, seconds=HANG)
        return reply if self.spoil is None else self.spoil(method, target, reply)

    def requests(self, method: str, start: str) -> int:
        """Return the number of requests to addresses with a prefix."""
        return sum(request[0] == method and request[1].startswith(start) for request in self.asked)


@dataclass
class Place:
    """A project, and its account with seven contacts on up to two lists."""

    project: Project
    emulator: Watched
    watch: FakeClock
    said: list[str] = field(default_factory=list)

    def run(self, *argv: str) -> Result:
        """Run a contacts command, and check that it shows no secret and no contact."""
        result = self.project.run("contacts", *argv)
        self.said += [result.out, result.err]
        for text in (KEY[3:], "example.com", "X-Signature", "Person", "555-0"):
            assert text not in result.out + result.err
        return result

    def pull(self, *argv: str) -> Result:
        result = self.run("pull", *argv)
        assert result.code == 0, result.err
        return result

    @property
    def folder(self) -> Path:
        return self.project.root / ".segctl" / "contacts"

    @property
    def dataset(self) -> Path:
        return self.folder / "production.duckdb"

    def rows(self, sql: str = EVERYTHING) -> list[tuple[Any, ...]]:
        """Return rows of the data set."""
        with duckdb.connect(str(self.dataset), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def metadata(self) -> dict[str, str]:
        return dict(self.rows("SELECT key, value FROM segctl_base"))

    def file_names(self) -> set[str]:
        """Return the names of the files in the folder."""
        return {path.name for path in self.folder.iterdir()}

    def check_modes(self) -> None:
        """Check that only the owner can read the files."""
        for path in (self.folder, *self.folder.rglob("*")) if HAS_MODES else ():
            wanted = 0o700 if path.is_dir() else 0o600
            assert stat.S_IMODE(path.stat().st_mode) == wanted, path


@pytest.fixture
def place(project: Project) -> Iterator[Place]:
    watch = FakeClock()
    with Watched(None, SETTINGS, now=watch) as emulator, serve(emulator) as server:
        console = emulator.console
        for name, kind in (("Plan", "Text"), ("spend", "Number"), ("since", "Date")):
            console.add_field(name, kind)
        for name, list_id in (("News", NEWS), ("VIP", VIP), ("Other", OTHER)):
            console.add_list(name, id=list_id)
        for number in range(PEOPLE):
            lists = [list_id for list_id, step in ((NEWS, 2), (VIP, 3)) if number % step == 0]
            console.add_contact(
                f"p{number}@example.com",
                id=f"00000000-0000-4000-8000-00000000000{number}",
                fields={
                    "first_name": f'Person "{number}",\nof note',
                    "Plan": "pro" if number % 2 else "free",
                    "spend": number + 0.5,
                    "since": "2026-01-31T09:30:00Z",
                    "phone_number": f"555-0{number}",
                    "alternate_emails": [f"q{number}@b.test"] if number == 1 else [],
                },
                list_ids=lists,
            )
        project.env |= {"SEGCTL_BASE_URL": server.url, "SENDGRID_API_KEY": KEY}
        project.declare("News", query(f"array_contains(list_ids, ['{NEWS}'])"))
        project.declare("VIP", query("Plan = 'pro'"), parent=VIP)
        yield Place(project, emulator, watch)


def test_a_data_set_has_the_contacts_with_their_types_and_lists(place: Place) -> None:
    result = place.pull()
    assert result.out == (
        "7 contacts of `production`, as of 2026-07-15T16:04:33Z (2 lists), "
        "in .segctl/contacts/production.duckdb\n"
    )
    assert "add `contacts: pulled` to segctl.yaml" in result.err
    rows = place.rows(
        "SELECT first_name, Plan, spend, since, email, email_domains, list_ids, created_at, city"
        " FROM contact_data ORDER BY contact_id"
    )
    assert len(rows) == PEOPLE
    name, plan, spend, since, email, domains, lists, created, city = rows[1]
    assert (name, plan, email) == ('Person "1",\nof note', "pro", "p1@example.com")
    assert (float(spend), str(since)) == (1.5, "2026-01-31 09:30:00")
    assert (sorted(domains), lists, city) == (["b.test", "example.com"], [], None)
    assert str(created) == "2026-07-15 16:04:33"
    assert rows[0][6] == [NEWS, VIP]
    assert [len(row[6]) for row in rows] == [2, 0, 1, 1, 1, 0, 2]
    types = {row[0]: row[1] for row in place.rows("DESCRIBE contact_data")}
    assert (types["spend"], types["since"]) == ("DECIMAL(38,9)", "TIMESTAMP")
    metadata = place.metadata()
    assert json.loads(metadata["lists"]) == sorted([NEWS, VIP])
    assert (metadata["format"], metadata["as_of"], metadata["only"]) == (
        "1",
        "2026-07-15T16:04:33Z",
        "[]",
    )
    assert place.file_names() == {"production.duckdb", "production.lock"}
    place.check_modes()


def test_the_key_goes_to_the_account_and_never_to_the_files(place: Place) -> None:
    place.pull()
    assert place.emulator.requests("GET", FILES) == 3 + 2 + 1
    for _, target, headers in place.emulator.asked:
        if target.startswith(FILES):
            assert "authorization" not in headers
            assert KEY not in repr(headers)
        else:
            assert headers["authorization"] == f"Bearer {KEY}"


def test_lists_of_remote_definitions_are_pulled(place: Place) -> None:
    """Before and after: a pull request that moves a segment to another list shows both."""
    place.emulator.console.create("VIP", query(f"array_contains(list_ids, ['{OTHER}'])"))
    place.emulator.console.create("Foreign", query("city = 'x'"), parent_list_ids=[OTHER])
    place.pull()
    assert json.loads(place.metadata()["lists"]) == sorted([NEWS, VIP, OTHER])


def test_an_unknown_list_in_a_segment_is_reported(place: Place) -> None:
    gone = "0b1f4a10-5c1d-4a6e-9f02-000000000009"
    place.project.declare("VIP", query("Plan = 'pro'"), parent=gone)
    assert (
        f"warning: segments use lists that the account does not have: `{gone}`" in place.pull().err
    )
    assert json.loads(place.metadata()["lists"]) == [NEWS]


def test_a_pull_can_be_limited_to_lists(place: Place) -> None:
    result = place.pull("--list", "VIP", "--list", NEWS, "--list", "VIP")
    assert "Only the contacts on `VIP`, `News`: shares are of them.\n" in result.out
    assert place.rows("SELECT count(*), count(DISTINCT contact_id) FROM contact_data") == [(5, 5)]
    assert json.loads(place.metadata()["only"]) == ["VIP", "News"]
    shown = place.run("show").out
    assert shown.startswith("production: 5 contacts as of 2026-07-15T16:04:33Z (")
    assert "  only the contacts on `VIP`, `News`\n" in shown
    # An empty list makes a data set, too, with all the columns.
    columns = set(place.rows("DESCRIBE contact_data"))
    assert place.pull("--list", "Other").out.startswith("0 contacts of `production`")
    assert set(place.rows("DESCRIBE contact_data")) >= columns


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["vip"], "no list `vip`\n  hint: did you mean `VIP`?"),
        (["Zzz", "vip"], "no list `Zzz`, `vip`\n  hint: did you mean `VIP` for `vip`?"),
        (["News", ""], "the name of the list is empty"),
        (["Twice"], "several lists `Twice`\n  hint: use the id of one"),
    ],
)
def test_an_unknown_list_option_is_reported(place: Place, names: list[str], words: str) -> None:
    if "Twice" in names:
        place.emulator.spoil = lambda _method, _target, reply: replace(
            reply, body=reply.body.replace(b'"News"', b'"Twice"').replace(b'"VIP"', b'"Twice"')
        )
    result = place.run("pull", *(word for name in names for word in ("--list", name)))
    assert (result.code, place.emulator.requests("POST", "")) == (1, 0)
    assert words in result.err


def test_a_pull_waits_for_exports(place: Place) -> None:
    place.emulator.spoil = pending_until(8)
    assert "Waiting for SendGrid" in place.pull().err
    pauses = place.project.clock.slept
    assert pauses[:3] == [2.0, 3.0, 4.5]
    assert place.emulator.requests("POST", EXPORTS) == 3


def pending_until(looks: int) -> Spoil:
    """Keep exports pending until they were polled so many times."""
    seen = 0

    def spoil(method: str, target: str, reply: Response) -> Response:
        nonlocal seen
        if method == "GET" and target.startswith(f"{EXPORTS}/"):
            seen += 1
            if seen <= looks:
                data = {**reply.json(), "status": "pending", "urls": []}
                return replace(reply, body=json.dumps(data).encode())
        return reply

    return spoil


def test_the_next_pull_resumes_a_slow_export(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pull, "MAX_WAIT", 120.0)
    place.emulator.spoil = pending_until(10_000)
    result = place.run("pull")
    assert result.code == 1
    assert "the export is not ready after 2 minutes\n  hint: run `segctl contacts pull` again" in (
        result.err
    )
    assert place.run("show").out == (
        "production: unfinished pull; run `segctl contacts pull` to resume\n"
    )
    place.emulator.spoil = None
    assert "Resuming the earlier export of all contacts" in place.pull().err
    assert place.emulator.requests("POST", EXPORTS) == 3


def test_a_pull_resumes_after_an_interrupt_anywhere(place: Place) -> None:
    """Ctrl-C at each request; no export is requested twice, and the data set is the same."""
    place.pull()
    expected, total = place.rows(), len(place.emulator.asked)
    assert total == 15
    for number in range(1, total + 1):
        assert place.run("forget").code == 0
        place.emulator.asked.clear()
        place.emulator.interrupt_at = number
        first = place.run("pull")
        assert (first.code, place.dataset.exists()) == (130, False), first.err
        assert "run `segctl contacts pull` again to resume" in first.err
        place.check_modes()
        place.emulator.interrupt_at = 0
        place.pull()
        assert place.rows() == expected
        assert place.emulator.requests("POST", EXPORTS) == 3
        assert place.emulator.requests("GET", FILES) <= 6 + 1
        assert place.file_names() == {"production.duckdb", "production.lock"}


@pytest.mark.posix
@pytest.mark.parametrize("number", [5, 8, 12])
def test_a_pull_resumes_after_a_kill(place: Place, number: int) -> None:
    """At the start of an export, during a poll, during a download."""
    # A process uses the clock of the machine.
    place.watch.moment = place.project.clock.moment = datetime.now(UTC)
    started: SimpleQueue[Process] = SimpleQueue()
    place.emulator.interrupt_at = number
    place.emulator.interrupt = lambda: started.get().kill()
    argv = ("-C", str(place.project.root), "contacts", "pull")
    with running_segctl(*argv, **place.project.env) as process:
        started.put(process)
        code, _, err = process.finish()
    assert code == -signal.SIGKILL, err
    place.check_modes()
    place.emulator.interrupt_at = 0
    place.pull()
    assert place.emulator.requests("POST", EXPORTS) == 3
    assert place.rows("SELECT count(*), sum(len(list_ids)) FROM contact_data") == [(7, 7)]


FAULTS = [
    f"POST {EXPORTS} 502 after",
    f"POST {EXPORTS} drop after #2",
    f"POST {EXPORTS} empty #3",
    f"POST {EXPORTS} wrong-json",
    f"POST {EXPORTS} 500 #2",
    f"POST {EXPORTS} 429 #2",
    f"GET {EXPORTS}/* 404 #2",
    f"GET {EXPORTS}/* 500 #3 x9",
    f"GET {EXPORTS}/* truncated x9",
    f"GET {FILES}* cut #2",
    f"GET {FILES}* 403 #3",
    f"GET {FILES}* truncated #2",
    f"GET {FILES}* truncated #5 x2",
    f"GET {FILES}* empty",
    f"GET {FILES}* wrong-json #6",
    f"GET {FILES}* 404 always",
    f"GET {FILES}* 400",
    "GET /v3/marketing/field_definitions 451",
    f"POST {EXPORTS} 403 #2",
]


def test_the_next_pull_succeeds_after_any_fault(place: Place) -> None:
    place.pull()
    expected, before = place.rows(), place.dataset.read_bytes()
    failed = 0
    for fault in FAULTS:
        place.watch.forward(hours=1)
        place.project.clock.sleep(3600)
        place.emulator.asked.clear()
        place.emulator.faults.add(fault)
        result = place.run("pull", "-vv")
        assert place.emulator.faults.struck, fault
        place.emulator.faults.clear()
        if result.code:
            failed += 1
            assert (result.code, result.err.count("error: ")) == (1, 1), fault
            assert "fault:" not in result.err
            # The earlier data set is unchanged.
            assert place.dataset.read_bytes() == before, fault
            place.check_modes()
            place.pull()
        assert place.rows() == expected, fault
        before = place.dataset.read_bytes()
        # A failed start, and an unusable export, are followed by another export.
        more = fault.endswith((" 500 #2", " 429 #2", " 403 #2", "404 always"))
        assert place.emulator.requests("POST", EXPORTS) == 3 + more, fault
        assert place.file_names() == {"production.duckdb", "production.lock"}
    assert failed == 8


def test_a_download_resumes_where_it_was_cut(place: Place) -> None:
    place.emulator.faults.add(f"GET {FILES}* cut")
    place.pull()
    ranges = [
        headers.get("range") for _, target, headers in place.emulator.asked if FILES in target
    ]
    assert ranges[0] is None
    assert ranges[1] is not None
    assert ranges[1].startswith("bytes=")
    assert ranges[2:] == [None] * 5


def test_expired_exports_are_started_again(place: Place) -> None:
    place.emulator.faults.add(f"GET {FILES}* 400")
    assert place.run("pull").code == 1
    place.watch.forward(days=4)
    result = place.pull()
    assert "is unusable: SendGrid no longer has it" in result.err
    assert place.metadata()["as_of"] == "2026-07-19T16:04:33Z"
    assert place.emulator.requests("POST", EXPORTS) == 2 * 3


def test_exports_for_other_lists_are_reused(place: Place) -> None:
    place.emulator.faults.add(f"GET {FILES}* 400 #4")
    assert place.run("pull").code == 1
    place.emulator.asked.clear()
    place.pull("--list", "VIP", "--list", "Other")
    assert place.emulator.requests("POST", EXPORTS) == 1


def test_a_failed_export_is_reported_and_the_data_set_stays(place: Place) -> None:
    place.pull()
    before = place.dataset.read_bytes()

    def failing(method: str, target: str, reply: Response) -> Response:
        if method == "GET" and target.startswith(f"{EXPORTS}/"):
            message = "disk of https://files.test/x?X-Signature=1 is full"
            data = {**reply.json(), "status": "failure", "message": message, "urls": []}
            return replace(reply, body=json.dumps(data).encode())
        return reply

    place.emulator.spoil = failing
    result = place.run("pull")
    assert "could not export all contacts: disk of (an address) is full\n" in result.err
    assert place.dataset.read_bytes() == before


def test_a_key_without_permission_leaves_nothing_to_resume(place: Place) -> None:
    place.emulator.faults.add(f"POST {EXPORTS} 403 always")
    result = place.run("pull")
    assert result.code == 1
    assert "the API key lacks the permission for this" in result.err
    shown = place.run("show")
    assert (shown.code, shown.out) == (0, "")
    assert "No pulled contacts" in shown.err


@pytest.mark.parametrize("count", [PEOPLE - 1, PEOPLE + 1])
def test_an_incomplete_export_builds_no_data_set(place: Place, count: int) -> None:
    def miscounted(method: str, target: str, reply: Response) -> Response:
        if method == "GET" and target.startswith(f"{EXPORTS}/"):
            data = reply.json()
            if data["contact_count"] == PEOPLE:
                return replace(reply, body=json.dumps({**data, "contact_count": count}).encode())
        return reply

    place.emulator.spoil = miscounted
    result = place.run("pull")
    assert f"unusable: it has 7 contacts, but SendGrid reports {count}\n" in result.err
    assert not place.dataset.exists()
    # The next pull starts new exports.
    place.emulator.spoil = None
    place.pull()
    assert place.emulator.requests("POST", EXPORTS) == 6


def test_an_unreadable_column_is_left_out(place: Place) -> None:
    def odd(method: str, target: str, reply: Response) -> Response:
        if not target.startswith(FILES):
            return reply
        text = gzip.decompress(reply.body).replace(b"2026-01-31T09", b"last summer", 1)
        return replace(reply, body=gzip.compress(text))

    place.emulator.spoil = odd
    assert "warning: `since` is left out" in place.pull().err
    names = {row[0] for row in place.rows("DESCRIBE contact_data")}
    assert "since" not in names
    assert "spend" in names


def test_nothing_is_requested_without_duckdb(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    result = place.run("pull")
    assert (result.code, place.emulator.asked) == (1, [])
    assert "pip install 'segctl[preview]'" in result.err
    # Pulled contacts can still be removed.
    assert place.run("forget").code == 0


def test_a_pull_is_refused_where_git_does_not_ignore_the_files(place: Place) -> None:
    def git(*argv: str) -> None:
        subprocess.run(["git", *argv], cwd=place.project.root, check=True, capture_output=True)

    git("init", "-q")
    place.pull()
    assert (place.project.root / ".segctl" / ".gitignore").read_text("utf-8").endswith("*\n")
    git("add", "-f", ".segctl/contacts/production.duckdb")
    place.emulator.asked.clear()
    refused = place.run("pull")
    assert (refused.code, place.emulator.asked) == (3, [])
    assert "git tracks .segctl/contacts/production.duckdb" in refused.err
    assert "hint: run `git rm -r --cached .segctl/` and add `.segctl/` to" in refused.err
    git("rm", "-q", "-r", "--cached", ".segctl/")
    (place.project.root / ".segctl" / ".gitignore").write_text("", "utf-8")
    refused = place.run("pull")
    assert (refused.code, place.emulator.asked) == (3, [])
    assert "git does not ignore .segctl/contacts/production.duckdb" in refused.err
    place.project.write({".gitignore": "/.segctl/\n"})
    place.pull()


def test_a_repository_that_git_cannot_read_is_reported(place: Place) -> None:
    (place.project.root / ".git").mkdir()
    result = place.run("pull")
    assert (result.code, place.emulator.asked) == (1, [])
    assert "the project is not in a git repository" in result.err
    # Without git, nothing is committed.
    place.project.env["PATH"] = str(place.project.root)
    place.pull()


@pytest.mark.posix
def test_a_pull_refuses_a_link(place: Place, tmp_path: Path) -> None:
    (place.project.root / ".segctl").symlink_to(tmp_path)
    result = place.run("pull")
    assert (result.code, place.emulator.asked) == (3, [])
    assert ".segctl is a link" in result.err


def test_errors_in_the_files_are_reported_first(place: Place) -> None:
    place.project.write({"segments/broken.yaml": "name: 1\n"})
    result = place.run("pull")
    assert (result.code, place.emulator.asked) == (1, [])
    assert "segments/broken.yaml:1:7" in result.err


def test_a_second_pull_is_refused(place: Place) -> None:
    with ContactStore(Folder(place.folder), "production").locked():
        result = place.run("pull")
    assert result.code == 1
    assert "another segctl process is using the contacts of `production`" in result.err
    place.pull()


def test_a_full_disk_is_reported(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.pull()
    before = place.dataset.read_bytes()

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("segctl.sendgrid.downloads.os.fsync", full)
        result = place.run("pull")
    assert "cannot write the contacts to .segctl/contacts: No space left on device" in result.err

    def failing(*args: object) -> None:
        raise EvaluationFailed("DuckDB says nothing more")

    monkeypatch.setattr("segctl.contacts.build._Builder.build", failing)
    result = place.run("pull")
    assert "DuckDB could not write the contacts\n  hint: check the free disk space" in result.err
    assert place.dataset.read_bytes() == before


def test_forget_removes_the_contacts(place: Place) -> None:
    assert place.run("forget").err == "No contacts to remove.\n"
    assert place.run("show").err.startswith("No pulled contacts")
    place.pull()
    (place.folder / "elsewhere.duckdb").write_bytes(b"x")
    assert place.run("forget").out == "Removed the contacts of `production`.\n"
    assert place.file_names() == {"elsewhere.duckdb"}
    place.emulator.faults.add(f"GET {FILES}* 400 #2")
    assert place.run("pull").code == 1
    removed = place.run("forget", "--all").out.splitlines()
    assert removed == [
        "Removed the contacts of `elsewhere`.",
        "Removed the contacts of `production`.",
    ]
    assert not place.folder.exists()


def test_a_failed_removal_is_reported(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.pull()

    def refuse(*args: object, **options: object) -> None:
        raise OSError(13, "Permission denied")

    monkeypatch.setattr("segctl.contacts.store.ContactStore.clear", refuse)
    result = place.run("forget")
    assert result.code == 1
    assert "cannot remove the contacts of `production`: Permission denied" in result.err


def test_show_reports_the_age_of_the_contacts(place: Place) -> None:
    place.pull()
    place.project.clock.sleep(3 * 86_400)
    (place.folder / "broken.duckdb").write_bytes(place.dataset.read_bytes()[:4000])
    broken, shown = place.run("show").out.splitlines()
    assert "7 contacts as of 2026-07-15T16:04:33Z, 3 days ago (2 lists, " in shown
    assert broken == (
        "broken: broken.duckdb is damaged, or was not written by `segctl contacts pull`: "
        "run `segctl --target broken contacts pull`"
    )


def test_the_state_of_another_account_is_ignored(place: Place) -> None:
    place.emulator.faults.add(f"GET {FILES}* 400")
    assert place.run("pull").code == 1
    state = place.folder / "production.pull.json"
    for text in (
        state.read_text("ascii").replace('"account": "', '"account": "0'),
        '{"version": 1, "account": 7}',
        state.read_text("ascii").replace('"name": "', '"name": "../../'),
        "[]",
        "x",
    ):
        state.write_text(text, "ascii")
        place.emulator.asked.clear()
        place.emulator.faults.add(f"GET {FILES}* 400")
        assert place.run("pull").code == 1
        assert place.emulator.requests("POST", EXPORTS) == 3


def test_no_log_has_the_address_of_a_file(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore"):
        caplog.set_level(logging.DEBUG, name)
    place.pull("-vv")
    assert "X-Signature" not in caplog.text


def test_the_sandbox_can_be_pulled(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a network: the process serves the files, too."""
    monkeypatch.setattr(pull, "FIRST_PAUSE", 1.1)
    project.declare("Any", query("city = 'x'"))
    argv = ["-C", str(project.root), "--target", "sandbox", "contacts", "pull"]
    assert main(argv, project.env) == 0
    assert "of `sandbox`, as of " in capsys.readouterr().out


def test_the_audience_limit_applies_with_another_key(place: Place) -> None:
    """A pipeline plans with a read-only key, and applies with another one."""
    limited = "version: 1\ncontacts: pulled\nlimits: {max_audience_change: 50%}\n"
    place.project.write({"segctl.yaml": limited})
    place.pull()
    place.project.env["SENDGRID_API_KEY"] = KEY.replace("SG.", "SG.x")
    done = place.project.run("apply", "--auto-approve")
    assert done.code == 3
    assert "`News` is empty and would reach 58 % of the pulled contacts" in done.out
    # The metadata names the lists of the account, and one of them is enough.
    assert sorted(json.loads(place.metadata()["account_lists"])) == sorted([NEWS, VIP, OTHER])
    with duckdb.connect(str(place.dataset)) as connection:
        connection.execute(
            "UPDATE segctl_base SET value = '[\"gone\"]' WHERE key = 'account_lists'"
        )
    done = place.project.run("plan")
    assert (done.code, "the contacts were pulled from another account" in done.out) == (0, True)


def test_audiences_are_counted_among_pulled_contacts(place: Place) -> None:
    place.project.declare("Elsewhere", query(f"array_contains(list_ids, ['{OTHER}'])"))
    place.pull("--list", "News")
    preview = place.project.run("preview", "News", "VIP", "Elsewhere")
    heading = "4 contacts of `News` only, pulled as of 2026-07-15T16:04:33Z\n"
    assert preview.out.startswith(heading)
    assert "News" in preview.out
    assert preview.code == 1
    # The members of another list are unknown, which is not none.
    place.pull()
    rows = place.project.run("preview").out.splitlines()
    counts = [row.split()[:2] for row in rows[3:]]
    assert counts == [["Elsewhere", "0"], ["News", "4"], ["VIP", "1"]]


def of_files(
    change: Callable[[bytes], bytes], *, packed: bool = True, counted: bool = True
) -> Spoil:
    """Change the content of the first file of each export."""

    def spoil(method: str, target: str, reply: Response) -> Response:
        if target.startswith(FILES) and "contacts-1." in target and reply.status == 200:
            text = change(gzip.decompress(reply.body))
            return replace(reply, body=gzip.compress(text) if packed else text)
        if not counted and target.startswith(f"{EXPORTS}/"):
            data = {**reply.json(), "contact_count": None}
            return replace(reply, body=json.dumps(data).encode())
        return reply

    return spoil


FIRST = b"00000000-0000-4000-8000-000000000000"


def twice(text: bytes) -> bytes:
    """Return a file with each contact twice."""
    header, _, rest = text.partition(b"\n")
    return header + b"\n" + rest + rest


KINDS = {
    "plain": of_files(bytes, packed=False),
    "with a mark": of_files(lambda text: b"\xef\xbb\xbf" + text),
    "each contact twice": of_files(twice, counted=False),
}


def test_other_forms_of_exports_are_read(place: Place) -> None:
    place.pull()
    expected = place.rows()
    for name, spoil in KINDS.items():
        place.emulator.spoil = spoil
        place.pull()
        assert place.rows() == expected, name


UNUSABLE: dict[str, Callable[[bytes], bytes]] = {
    "unusable: 1 of its contacts have no id": lambda text: text.replace(FIRST, b""),
    " has a quote that does not end": lambda text: text + b'p"x,"y\n',
    "is not UTF-8": lambda text: text.replace(b"pro", b"p\xff"),
    "does not name the column contact_id": lambda text: text.replace(b"CONTACT_ID", b"KONTAKT"),
    "first line does not name": lambda text: b"\xff" + text,
    "duplicate column `email` in ": lambda text: text.replace(b"SPEND", b"email"),
}


def test_an_unusable_export_is_reported(place: Place) -> None:
    for words, change in UNUSABLE.items():
        place.emulator.spoil = of_files(change)
        result = place.run("pull")
        assert (result.code, place.dataset.exists()) == (1, False)
        assert words in result.err
    place.emulator.spoil = None
    place.pull()


def test_a_lost_export_is_reported(place: Place) -> None:
    place.emulator.faults.add(f"GET {EXPORTS}/* 404 always")
    result = place.run("pull")
    assert "was lost: SendGrid no longer has it\n  hint: check the clock" in result.err
    assert sum(place.project.clock.slept) > 60


def test_the_downloads_of_a_pull_are_checked(place: Place) -> None:
    """A truncated or missing file is downloaded again, and other files are removed."""
    place.emulator.faults.add(f"GET {FILES}* 400 #4")
    assert place.run("pull").code == 1
    parts = place.folder / "production.pull"
    first, second, *_ = sorted(parts.iterdir())
    first.write_bytes(first.read_bytes()[:-1])
    second.unlink()
    (parts / "spill").mkdir()
    (parts / "stray").touch()
    place.emulator.asked.clear()
    place.pull()
    assert place.emulator.requests("GET", FILES) == 2 + 3
    assert place.file_names() == {"production.duckdb", "production.lock"}


def test_an_expired_export_is_started_again(place: Place) -> None:
    place.emulator.faults.add(f"GET {FILES}* 400")
    assert place.run("pull").code == 1

    # SendGrid still has it, but not its files.
    place.project.clock.sleep(30 * 86_400)
    place.emulator.asked.clear()
    result = place.run("pull")
    assert "is unusable: it has expired." in result.err
    assert result.code == 1
    assert "was lost: it has expired" in result.err
