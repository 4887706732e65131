"""Neither the key nor a contact ever leaves segctl: not in output, in files or in internal errors.

The server of these tests is as careless as possible: it puts the Authorization header and its
contacts into every part of every response. Every command runs against it, at every verbosity and
with every fault.
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

import pytest

from segctl.cli.program import COMMANDS
from segctl.emulator import Emulator, serve
from segctl.emulator.faults import Kind
from tests.support.account import TEST_SETTINGS
from tests.support.builders import query
from tests.support.clock import FakeClock
from tests.support.leaks import pieces_of
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

VIP = query("total_spend > 500")
VERBOSITIES: tuple[list[str], ...] = ([], ["-q"], ["-v"], ["-vv"])

CALLS: dict[str, Sequence[Sequence[str]]] = {
    "validate": [["--format", "json"], []],
    "fmt": [["--diff"]],
    "lint": [[]],
    "test": [[], ["--format", "junit"], ["--require"]],
    "policy": [[], ["--format", "json"]],
    "preview": [["--changed", "--contacts", "segments/fields.yaml"]],
    "explain": [[]],
    "render": [[], ["--format", "json"], ["--since", "HEAD"]],
    "plan": [[], ["--format", "json", "--out", "plan.json"]],
    "show": [["plan.json"], ["plan.json", "--format", "json"]],
    "apply": [["--auto-approve", "--refresh", "changed"]],
    "drift": [[], ["--format", "json"]],
    "diff": [["--from", "sandbox", "--all"]],
    "import": [["--all", "--dry-run"], ["Unmanaged"]],
    "upgrade": [["--all", "--dry-run"]],
    "account": [["pull"]],
    "contacts": [["forget", "--all"], ["pull"], ["show"], ["pull", "--list", "Newsletter"]],
    "refresh": [["Unmanaged", "Changed"], ["Changed", "--force", "--format", "json"]],
    "history": [["--format", "json"]],
    "init": [[]],
    "completion": [["bash"]],
    "list": [["--references"], ["--format", "json"]],
    "lists": [[], ["--format", "json"]],
    "probe": [
        ["--confirm", "production", "--target", "production"],
        [
            *("--confirm", "production", "--target", "production", "--allow-in-use", "--write"),
            *("--format", "markdown"),
        ],
        ["--clean-up", "--target", "production"],
    ],
    "owners": [[], ["--format", "json"], ["--codeowners"]],
    "ids": [["--format", "json"], ["--format", "env", "--check", "segments/fields.yaml"]],
    # It serves until it is stopped, so a test of its own runs it; this call fails to start.
    "emulator": [["--state", "segments"]],
}
"""The calls of each command; a command without a call fails the first test."""

FILES = {"--journal": "journal.ndjson", "--out": "out.json"}
"""Options that write a file, to the file that they write."""


def leak(authorization: str, *, contact: bool = True) -> str:
    """Return the key and a contact as part of an error message."""
    contact_text = f" with contact {json.dumps(CONTACT, ensure_ascii=False)}" if contact else ""
    return f" for {authorization}{contact_text}"


class Careless(Emulator):
    """An emulated account whose every response contains the key and contacts.

    Without `names_contacts` its messages contain only the key.
    """

    names_contacts = True

    def handle(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes = b""
    ) -> Response:
        """Return the account's response, with the key and contacts added."""
        reply = super().handle(method, target, headers, body)
        fields = {name.lower(): value for name, value in headers.items()}
        sent = fields.get("authorization", "")
        leaked = leak(sent)
        header_names = (
            *("X-Debug", "Server", "Location", "Retry-After", "Set-Cookie", "WWW-Authenticate"),
        )
        plain = leaked.encode("ascii", "ignore").decode()
        leaky_headers = tuple((name, plain) for name in header_names)
        try:
            data = json.loads(reply.body)
        except ValueError:
            content = reply.body.replace(b"<body>", f"<body>{leaked}".encode())
        else:
            message = leak(sent, contact=self.names_contacts)
            content = json.dumps(_with_leaks(data, sent, message), ensure_ascii=False).encode()
        return replace(reply, body=content, headers=(*reply.headers, *leaky_headers))


def _with_leaks(data: Any, sent: str, text: str) -> Any:
    """Return the data of a response with the key and contacts added at every depth."""
    if isinstance(data, list):
        return [_with_leaks(item, sent, text) for item in data]
    if not isinstance(data, dict):
        return data
    leaky = {key: _with_leaks(value, sent, text) for key, value in data.items()}
    for key in ("message", "error"):
        if isinstance(leaky.get(key), str):
            leaky[key] += text
    if "query_validation" in leaky:
        leaky["error_message"] = text
    if "id" in leaky:
        leaky["contacts_sample"] = [CONTACT]
        leaky["email_config"] = {"sender": CONTACT["email"]}
    return {**leaky, "debug": {"request": {"authorization": sent}, "contacts": [CONTACT]}}


def forbidden() -> Iterator[str]:
    """Yield every forbidden text: pieces of keys, in each form and reversed, and personal data."""
    for key in (KEY, PLAIN_KEY):
        yield from pieces_of(key)
    yield from PERSONAL


FORBIDDEN = frozenset(forbidden())


@pytest.mark.parametrize("key", [KEY, PLAIN_KEY])
@pytest.mark.parametrize("secret", ["{}", "Bearer {}", "user:{}", "x{}", "Authorization: {}\n"])
def test_a_key_is_found_in_each_form(key: str, secret: str) -> None:
    text = secret.format(key)
    plain = text.encode()
    for form in (
        text,
        plain.hex(),
        plain.hex().upper(),
        base64.b64encode(plain).decode(),
        base64.urlsafe_b64encode(plain).decode().rstrip("="),
        "".join(f"%{byte:02X}" for byte in plain),
        "".join(f"\\x{byte:02x}" for byte in plain),
        "".join(f"&#x{byte:02x};" for byte in plain),
        text.encode("utf-16-le").decode("latin-1"),
    ):
        for leaked in (form, form[::-1], form[len(form) // 4 :]):
            with pytest.raises(AssertionError, match="output"):
                check_silent(f"error: {leaked} refused", "output")


def check_silent(text: str, where: str) -> None:
    """Check that a text contains nothing forbidden."""
    leaked = sorted(piece for piece in FORBIDDEN if piece in text)
    assert not leaked, f"{where}: {leaked[:3]} in\n{text}"


@dataclass
class Setup:
    """A project, its careless account, and the outputs of the runs so far."""

    project: Project
    emulator: Careless
    outside: Path
    outputs: list[str]

    def sources(self) -> Iterator[dict[str, str]]:
        """Return an endless cycle of environments: two keys, in each of their possible sources."""
        key_file = self.outside / "key"
        key_file.write_text(f"{KEY}\n")
        printed_file = self.outside / "plain"
        printed_file.write_text(PLAIN_KEY)
        program = f"import pathlib; print(pathlib.Path({str(printed_file)!r}).read_text())"
        return cycle([
            {"SENDGRID_API_KEY": KEY},
            {"SENDGRID_API_KEY": "", "SENDGRID_API_KEY_FILE": str(key_file)},
            {"SENDGRID_API_KEY": PLAIN_KEY},
            {
                "SENDGRID_API_KEY": "",
                "SEGCTL_API_KEY_COMMAND": f'{sys.executable} -S -c "{program}"',
            },
        ])  # fmt: skip

    def run(self, argv: Sequence[str], env: Mapping[str, str]) -> None:
        """Run a command, check its output and keep it."""
        result = self.project.run(*argv, **env)
        self.outputs += [result.out, result.err]
        check_silent(result.out, f"stdout of {argv}")
        check_silent(result.err, f"stderr of {argv}")

    def search(self) -> None:
        """Check every file that segctl may have written, and the server's log."""
        cache = self.project.root.with_name(f"{self.project.root.name}-cache")
        paths = [path for top in (self.project.root, cache) for path in top.rglob("*")]
        assert cache.is_dir() or not any("refreshing" in text for text in self.outputs)
        for path in paths:
            check_silent(str(path), "the name of a file")
            if path.is_file():
                check_silent(path.read_bytes().decode("utf-8", "replace"), str(path))
        check_silent(repr(self.emulator.log), "the emulator's log")
        check_silent(repr(self.emulator), "the emulator")


@pytest.fixture
def setup(
    project: Project, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Setup]:
    """A project with something to create, patch, delete, read, import and refresh."""
    settings = replace(TEST_SETTINGS, rate_limit=600, export_delay=0.0)
    emulator = Careless(None, settings, now=FakeClock())
    with emulator, serve(emulator) as server:
        emulator.seed()
        day = 86_400.0
        for name in ("Changed", "Goes", "Unmanaged"):
            emulator.console.create(name, query("total_spend > 9"), at=day)
        # A key that someone pasted into the wrong field.
        emulator.console.create(f"Key {KEY}", query(f"city = '{KEY}'"), at=day)
        project.declare("New", VIP)
        project.declare("Changed", VIP)
        project.write({"segments/goes.yaml": "name: Goes\nremoved: true\n"})
        # Relative paths start at the project, so that nothing is written elsewhere.
        project.env |= {"SEGCTL_BASE_URL": server.url}
        monkeypatch.chdir(project.root)
        yield Setup(project, emulator, tmp_path_factory.mktemp("outside"), [])


def calls() -> list[list[str]]:
    """Return the arguments of every call, with all options that write files."""
    argvs = []
    for name, argvs_of_command in CALLS.items():
        command = import_module(f"segctl.cli.commands.{name}").command
        known = {option for param in command.params for option in param.opts}
        for argv in argvs_of_command:
            extra = [
                word
                for option, file in FILES.items()
                if option in known and option not in argv
                for word in (option, file)
            ]
            argvs.append([name, *argv, *extra])
    return argvs


def test_every_command_is_called() -> None:
    assert set(CALLS) == set(COMMANDS)


@pytest.mark.parametrize("verbosity", VERBOSITIES, ids=lambda words: "".join(words) or "plain")
def test_nothing_leaks_from_a_careless_server(setup: Setup, verbosity: list[str]) -> None:
    sources = setup.sources()
    for setup.emulator.names_contacts in (True, False):
        for argv in calls():
            setup.run([*argv, *verbosity], next(sources))
    assert len("".join(setup.outputs)) > 2000
    assert any("Applied" in text for text in setup.outputs)
    assert list(setup.project.root.glob("*.json"))
    setup.search()


@pytest.mark.parametrize("kind", Kind)
def test_nothing_leaks_from_a_careless_server_that_fails(setup: Setup, kind: Kind) -> None:
    sources, turn = setup.sources(), count(list(Kind).index(kind))
    # segctl would wait for a rate limit that never ends; another test covers that.
    often = "x3" if kind.value.startswith("429") else "always"
    rules = (
        [f"* * {kind.value} {often} 0.01s"],
        [f"{method} * {kind.value} {often} 0.01s" for method in ("POST", "PATCH", "DELETE")],
        [f"GET * {kind.value} #3 x3 0.01s"],
    )
    for rule in rules:
        setup.emulator.names_contacts = rule is not rules[1]
        setup.emulator.faults.clear()
        setup.emulator.faults.add(*rule)
        for argv in calls():
            if argv[0] in OFFLINE or (rule is not rules[0] and argv[0] not in ("apply", "refresh")):
                continue
            setup.run([*argv, *VERBOSITIES[next(turn) % len(VERBOSITIES)]], next(sources))
    assert setup.emulator.faults.struck
    setup.search()


OFFLINE = (
    "validate",
    "fmt",
    "lint",
    "explain",
    "render",
    "history",
    "init",
    "completion",
    "emulator",
)


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
def test_nothing_leaks_if_the_key_is_in_the_wrong_place(
    setup: Setup, source: dict[str, str]
) -> None:
    for verbosity in VERBOSITIES:
        setup.run(["plan", *verbosity], source)
    setup.search()


def test_a_message_without_a_contact_is_shown_and_its_key_masked(setup: Setup) -> None:
    setup.emulator.faults.add("GET * 400 always")
    setup.emulator.names_contacts = False
    for key in (KEY, PLAIN_KEY):
        setup.run(["plan"], {"SENDGRID_API_KEY": key})
        assert "rejects the request (400): invalid request for Bearer SG.***\n" in setup.outputs[-1]
    setup.emulator.names_contacts = True
    setup.run(["plan"], {"SENDGRID_API_KEY": KEY})
    assert "(400): (not shown, since it holds an e-mail address)" in setup.outputs[-1]


FAULTY = ("segctl.sendgrid.wire.remote", "segctl.sendgrid.wire_related.single_send")
"""Functions that hold a whole response: the worst place for an internal error."""


@pytest.mark.parametrize("verbosity", VERBOSITIES, ids=lambda words: "".join(words) or "plain")
def test_nothing_leaks_from_an_internal_error(
    setup: Setup, verbosity: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any, **options: Any) -> None:
        raise KeyError(args, options, KEY, PLAIN_KEY, CONTACT)

    for name in FAULTY:
        monkeypatch.setattr(name, broken)
    sources = setup.sources()
    for argv in calls():
        if argv[0] not in OFFLINE:
            setup.run([*argv, *verbosity], next(sources))
    reports = [text for text in setup.outputs if "internal error: KeyError" in text]
    assert len(reports) > 5
    # Enough to find the bug: the file, the line, the function.
    assert all(", in broken\n" in text and "Traceback" not in text for text in reports)
    setup.search()


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
def test_nothing_leaks_from_a_process(setup: Setup, mode: str) -> None:
    """Run segctl as a user does, to include what Python itself prints at exit."""
    sources = setup.sources()
    for argv in (
        ["plan", "-vv"],
        ["apply", "--auto-approve", "--refresh", "changed", "-v"],
        ["list", "--references", "--format", "json"],
        ["refresh", "Changed", "-q"],
    ):
        env = child_env(**setup.project.env, **next(sources), PYTHONPATH=str(REPOSITORY))
        done = subprocess.run(
            [sys.executable, "-X", "dev", "-c", CHILD, mode, *argv],
            env=env,
            capture_output=True,
            check=False,
            text=True,
            encoding="utf-8",
        )
        assert ("internal error: ValueError" in done.stderr) == (mode == "faulty")
        check_silent(done.stdout, f"stdout of {argv}")
        check_silent(done.stderr, f"stderr of {argv}")
    setup.search()


@pytest.mark.posix
def test_nothing_leaks_from_an_emulator_process(project: Project, tmp_path: Path) -> None:
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
    check_silent(out + err, "the emulator's output")
    files = [path for path in state.parent.iterdir() if path.is_file()]
    assert files
    for path in files:
        check_silent(path.read_bytes().decode("latin-1"), str(path))
