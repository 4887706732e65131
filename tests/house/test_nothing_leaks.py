"""Neither the key nor a contact ever leaves segctl: not in output, not in files, not in a fault.

The server here is the worst there can be: it puts what it was sent in the Authorization header,
and what it knows of contacts, into every answer, wherever an answer has room for it. Around it
everything goes wrong that can, for every command, at every verbosity.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from dataclasses import dataclass, replace
from importlib import import_module
from itertools import count, cycle
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from segctl.cli.program import COMMANDS
from segctl.emulator import Emulator, serve
from segctl.emulator.faults import Kind
from tests.support.account import TEST_SETTINGS
from tests.support.builders import query
from tests.support.clock import FakeClock
from tests.support.process import REPOSITORY, child_env, running_segctl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from segctl.emulator.response import Response
    from tests.support.project import Project

KEY = "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"
PLAIN_KEY = "opensesame-4711-as-a-proxy-of-ours-might-want-it"
"""A key that does not look like one."""

CONTACT = {
    "email": "zdenka.kvapilova@contacts.test",
    "first_name": "Zdenka",
    "last_name": "Kvapilová",
    "phone_number": "+420555010203",
    "alternate_emails": ["zk@elsewhere.test"],
}
PERSONAL = (
    "zdenka.kvapilova", "contacts.test", "Zdenka", "Kvapilov", "420555010203", "elsewhere.test",
)  # fmt: skip
PART = 20
"""Characters of a key that are too many to show."""

VIP = query("total_spend > 500")
VERBOSITIES: tuple[list[str], ...] = ([], ["-q"], ["-v"], ["-vv"])

CALLS: dict[str, Sequence[Sequence[str]]] = {
    "validate": [["--format", "json"], []],
    "fmt": [["--diff"]],
    "lint": [[]],
    "test": [[], ["--format", "junit"], ["--require"]],
    "preview": [["--changed", "--contacts", "segments/fields.yaml"]],
    "explain": [[]],
    "plan": [[], ["--format", "json", "--out", "plan.json"]],
    "show": [["plan.json"], ["plan.json", "--format", "json"]],
    "apply": [["--auto-approve", "--refresh", "changed"]],
    "drift": [[], ["--format", "json"]],
    "import": [["--all", "--dry-run"], ["Unmanaged"]],
    "upgrade": [["--all", "--dry-run"]],
    "fields": [["pull"]],
    "contacts": [["forget", "--all"], ["pull"], ["show"], ["pull", "--list", "Newsletter"]],
    "refresh": [["Unmanaged", "Changed"], ["Changed", "--force", "--format", "json"]],
    "history": [["--format", "json"]],
    "init": [[]],
    "completion": [["bash"]],
    "list": [["--references"], ["--format", "json"]],
    # It serves until it is ended, which `test_real_processes` sees to; here it cannot begin.
    "emulator": [["--state", "segments"]],
}
"""How each command is called. What is not in it fails the first test."""

FILES = {"--journal": "journal.ndjson", "--out": "out.json"}
"""Options that write a file, for the commands that have them."""


def leak(authorization: str, *, contact: bool = True) -> str:
    """Say everything in one sentence, as a careless server would in an error message."""
    whom = f" with contact {json.dumps(CONTACT, ensure_ascii=False)}" if contact else ""
    return f" for {authorization}{whom}"


class Careless(Emulator):
    """An emulated account whose every answer says what it was sent and whom it knows.

    `names_contacts` false: its messages tell of the key alone.
    """

    names_contacts = True

    def handle(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes = b""
    ) -> Response:
        """Answer as the account does, and say too much."""
        reply = super().handle(method, target, headers, body)
        fields = {name.lower(): value for name, value in headers.items()}
        sent = fields.get("authorization", "")
        told = leak(sent)
        more = ("X-Debug", "Server", "Location", "Retry-After", "Set-Cookie", "WWW-Authenticate")
        plain = told.encode("ascii", "ignore").decode()
        said = tuple((name, plain) for name in more)
        try:
            data = json.loads(reply.body)
        except ValueError:
            content = reply.body.replace(b"<body>", f"<body>{told}".encode())
        else:
            said_all = leak(sent, contact=self.names_contacts)
            content = json.dumps(_spoken(data, sent, said_all), ensure_ascii=False).encode()
        return replace(reply, body=content, headers=(*reply.headers, *said))


def _spoken(data: Any, sent: str, told: str) -> Any:
    """Put it into everything that an answer has, at any depth."""
    if isinstance(data, list):
        return [_spoken(item, sent, told) for item in data]
    if not isinstance(data, dict):
        return data
    spoken = {key: _spoken(value, sent, told) for key, value in data.items()}
    for key in ("message", "error"):
        if isinstance(spoken.get(key), str):
            spoken[key] += told
    if "query_validation" in spoken:
        spoken["error_message"] = told
    if "id" in spoken:
        spoken["contacts_sample"] = [CONTACT]
        spoken["email_config"] = {"sender": CONTACT["email"]}
    return {**spoken, "debug": {"request": {"authorization": sent}, "contacts": [CONTACT]}}


def forbidden() -> Iterator[str]:
    """Give every text that must be nowhere: pieces of keys as they are and as others write them."""
    for key in (KEY, PLAIN_KEY):
        for text in (key, quote(key, safe=""), key.encode().hex()):
            yield from (text[at : at + PART] for at in range(len(text) - PART + 1))
        for before in ("", "x", "xx", "Bearer ", "user:", ":", "Authorization: Bearer "):
            coded = base64.b64encode(f"{before}{key}".encode()).decode()
            # The first and the last characters depend on what stands around the key.
            yield from (coded[at : at + PART] for at in range(12, len(coded) - PART - 4))
    yield from PERSONAL


FORBIDDEN = frozenset(forbidden())


def assert_silent(text: str, where: str) -> None:
    """Fail where a text holds anything forbidden."""
    found = sorted(piece for piece in FORBIDDEN if piece in text)
    assert not found, f"{where}: {found[:3]} in\n{text}"


@dataclass
class Place:
    """A project, its careless account, and the key in each of the places that can hold it."""

    project: Project
    emulator: Careless
    outside: Path
    kept: list[str]

    def sources(self) -> Iterator[dict[str, str]]:
        """Give the environment with the key in the next place, and now and then another key."""
        held = self.outside / "key"
        held.write_text(f"{KEY}\n")
        printed = self.outside / "plain"
        printed.write_text(PLAIN_KEY)
        program = f"import pathlib; print(pathlib.Path({str(printed)!r}).read_text())"
        return cycle([
            {"SENDGRID_API_KEY": KEY},
            {"SENDGRID_API_KEY": "", "SENDGRID_API_KEY_FILE": str(held)},
            {"SENDGRID_API_KEY": PLAIN_KEY},
            {
                "SENDGRID_API_KEY": "",
                "SEGCTL_API_KEY_COMMAND": f'{sys.executable} -S -c "{program}"',
            },
        ])  # fmt: skip

    def run(self, argv: Sequence[str], env: Mapping[str, str]) -> None:
        """Run a command; keep what it said."""
        result = self.project.run(*argv, **env)
        self.kept += [result.out, result.err]
        assert_silent(result.out, f"stdout of {argv}")
        assert_silent(result.err, f"stderr of {argv}")

    def search(self) -> None:
        """Search every file that segctl may have written, and the server's log."""
        cache = self.project.root.with_name(f"{self.project.root.name}-cache")
        found = [path for top in (self.project.root, cache) for path in top.rglob("*")]
        assert cache.is_dir() or not any("refreshing" in text for text in self.kept)
        for path in found:
            assert_silent(str(path), "the name of a file")
            if path.is_file():
                assert_silent(path.read_bytes().decode("utf-8", "replace"), str(path))
        assert_silent(repr(self.emulator.log), "the emulator's log")
        assert_silent(repr(self.emulator), "the emulator")


@pytest.fixture
def place(
    project: Project, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    """A project with something to create, patch, delete, read, import and refresh."""
    settings = replace(TEST_SETTINGS, rate_limit=600, export_delay=0.0)
    emulator = Careless(None, settings, now=FakeClock())
    with emulator, serve(emulator) as server:
        emulator.seed()
        day = 86_400.0
        for name in ("Changed", "Goes", "Unmanaged"):
            emulator.console.create(name, query("total_spend > 9"), at=day)
        # Pasted into the wrong field, as happens.
        emulator.console.create(f"Key {KEY}", query(f"city = '{KEY}'"), at=day)
        project.declare("New", VIP)
        project.declare("Changed", VIP)
        project.write({"segments/goes.yaml": "name: Goes\nremoved: true\n"})
        # A relative path is one from here, and nothing is to be written elsewhere.
        project.env |= {"SEGCTL_BASE_URL": server.url}
        monkeypatch.chdir(project.root)
        yield Place(project, emulator, tmp_path_factory.mktemp("outside"), [])


def calls() -> list[list[str]]:
    """Give every call, with all the options that write files."""
    found = []
    for name, some in CALLS.items():
        command = import_module(f"segctl.cli.commands.{name}").command
        known = {option for param in command.params for option in param.opts}
        for argv in some:
            extra = [
                word
                for option, file in FILES.items()
                if option in known and option not in argv
                for word in (option, file)
            ]
            found.append([name, *argv, *extra])
    return found


def test_every_command_is_called() -> None:
    assert set(CALLS) == set(COMMANDS)


@pytest.mark.parametrize("verbosity", VERBOSITIES, ids=lambda words: "".join(words) or "plain")
def test_a_server_that_says_too_much(place: Place, verbosity: list[str]) -> None:
    sources = place.sources()
    for place.emulator.names_contacts in (True, False):
        for argv in calls():
            place.run([*argv, *verbosity], next(sources))
    assert len("".join(place.kept)) > 2000
    assert any("Applied" in text for text in place.kept)
    assert list(place.project.root.glob("*.json"))
    place.search()


@pytest.mark.parametrize("kind", Kind)
def test_a_server_that_fails_and_says_too_much(place: Place, kind: Kind) -> None:
    sources, turn = place.sources(), count(list(Kind).index(kind))
    # A rate limit that never ends is waited for, which is another test's matter.
    often = "x3" if kind.value.startswith("429") else "always"
    rules = (
        [f"* * {kind.value} {often} 0.01s"],
        [f"{method} * {kind.value} {often} 0.01s" for method in ("POST", "PATCH", "DELETE")],
        [f"GET * {kind.value} #3 x3 0.01s"],
    )
    for rule in rules:
        place.emulator.names_contacts = rule is not rules[1]
        place.emulator.faults.clear()
        place.emulator.faults.add(*rule)
        for argv in calls():
            if argv[0] in OFFLINE or (rule is not rules[0] and argv[0] not in ("apply", "refresh")):
                continue
            place.run([*argv, *VERBOSITIES[next(turn) % len(VERBOSITIES)]], next(sources))
    assert place.emulator.faults.struck
    place.search()


OFFLINE = ("validate", "fmt", "lint", "explain", "history", "init", "completion", "emulator")


@pytest.mark.parametrize(
    "source",
    [
        {"SENDGRID_API_KEY": f"'{KEY}'"},
        {"SENDGRID_API_KEY": f"{KEY} {PLAIN_KEY}"},
        {"SENDGRID_API_KEY_FILE": KEY},
        {"SENDGRID_API_KEY_FILE": f"/{PLAIN_KEY}\0"},
        {"SEGCTL_API_KEY_COMMAND": KEY},
        {"SEGCTL_API_KEY_COMMAND": f"sh -c 'echo {PLAIN_KEY} >&2; exit 3'"},
        {"SEGCTL_API_KEY_COMMAND": f"echo '{KEY} {PLAIN_KEY}'"},
        {"SEGCTL_API_KEY_COMMAND": f"echo '{PLAIN_KEY}"},
        {"SEGCTL_BASE_URL": f"https://user:{PLAIN_KEY}@x.test"},
        {"SEGCTL_BASE_URL": f"https://{PLAIN_KEY}"},
        {"SEGCTL_TARGET": KEY},
        {"HTTPS_PROXY": f"nonsense://user:{PLAIN_KEY}@x.test", "SENDGRID_API_KEY": KEY},
    ],
)
def test_a_key_in_the_wrong_place(place: Place, source: dict[str, str]) -> None:
    for verbosity in VERBOSITIES:
        place.run(["plan", *verbosity], source)
    place.search()


def test_a_message_without_a_contact_is_shown_and_its_key_masked(place: Place) -> None:
    place.emulator.faults.add("GET * 400 always")
    place.emulator.names_contacts = False
    for key in (KEY, PLAIN_KEY):
        place.run(["plan"], {"SENDGRID_API_KEY": key})
        assert "rejects the request (400): invalid request for Bearer SG.***\n" in place.kept[-1]
    place.emulator.names_contacts = True
    place.run(["plan"], {"SENDGRID_API_KEY": KEY})
    assert "(400): (not shown, since it holds an e-mail address)" in place.kept[-1]


FAULTY = ("segctl.sendgrid.wire.remote", "segctl.sendgrid.wire_related.single_send")
"""Where an answer, with all that is in it, is at hand: the worst place for a fault."""


@pytest.mark.parametrize("verbosity", VERBOSITIES, ids=lambda words: "".join(words) or "plain")
def test_a_fault_of_our_own(
    place: Place, verbosity: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any, **options: Any) -> None:
        raise KeyError(args, options, KEY, PLAIN_KEY, CONTACT)

    for name in FAULTY:
        monkeypatch.setattr(name, broken)
    sources = place.sources()
    for argv in calls():
        if argv[0] not in OFFLINE:
            place.run([*argv, *verbosity], next(sources))
    confessions = [text for text in place.kept if "internal error: KeyError" in text]
    assert len(confessions) > 5
    # Enough to find it by: the file, the line, the function.
    assert all(", in broken\n" in text and "Traceback" not in text for text in confessions)
    place.search()


CHILD = """
import sys
from segctl.cli.main import main
from segctl.sendgrid import wire
if sys.argv[1] == "faulty":
    def broken(data, *args, **options):
        raise ValueError(data, args, options)
    wire.remote = broken
import os
sys.exit(main(sys.argv[2:], os.environ))
"""


@pytest.mark.parametrize("mode", ["sound", "faulty"])
def test_real_processes(place: Place, mode: str) -> None:
    """As a user runs them: what Python itself prints at the end is seen here as well."""
    sources = place.sources()
    for argv in (
        ["plan", "-vv"],
        ["apply", "--auto-approve", "--refresh", "changed", "-v"],
        ["list", "--references", "--format", "json"],
        ["refresh", "Changed", "-q"],
    ):
        env = child_env(**place.project.env, **next(sources), PYTHONPATH=str(REPOSITORY))
        done = subprocess.run(
            [sys.executable, "-X", "dev", "-c", CHILD, mode, *argv],
            env=env,
            capture_output=True,
            check=False,
            text=True,
            encoding="utf-8",
        )
        assert ("internal error: ValueError" in done.stderr) == (mode == "faulty")
        assert_silent(done.stdout, f"stdout of {argv}")
        assert_silent(done.stderr, f"stderr of {argv}")
    place.search()


@pytest.mark.posix
def test_the_emulator_as_a_process_keeps_no_key(project: Project, tmp_path: Path) -> None:
    state = tmp_path / "state" / "account.sqlite3"
    argv = ["emulator", "--port", "0", "--state", str(state), "-vv", "--fault", "PATCH * 500"]
    with running_segctl(*argv) as process:
        assert process.out is not None
        url = process.out.wait_for("http://").split()[-1]
        project.declare("VIP", VIP)
        for key in (KEY, PLAIN_KEY):
            env = {"SEGCTL_BASE_URL": url, "SENDGRID_API_KEY": key}
            assert project.run("apply", "--auto-approve", **env).code == 0
            project.declare("Another", VIP)
        process.interrupt()
        code, out, err = process.finish()
    assert code == 0
    assert_silent(out + err, "the emulator's output")
    files = [path for path in state.parent.iterdir() if path.is_file()]
    assert files
    for path in files:
        assert_silent(path.read_bytes().decode("latin-1"), str(path))
