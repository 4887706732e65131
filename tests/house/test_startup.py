"""What a command imports before it does anything: each entry is time that a person waits."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from segctl.emulator import Emulator, serve
from tests.support.account import KEY, TEST_SETTINGS
from tests.support.builders import query
from tests.support.process import REPOSITORY, child_env

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.project import Project

_SCHEMAS = {
    *("jsonschema", "jsonschema_specifications", "attr", "attrs", "referencing", "rpds"),
    *("typing_extensions", "idna"),
}
LIBRARIES = {
    "--version": set[str](),
    "--help": {"click"},
    "plan --help": {"click"},
    "completion": {"click"},
    "validate": {"click", "yaml", *_SCHEMAS},
    "plan": {"click", "yaml", "httpx", "httpcore", "h11", "anyio", "certifi", "idna", *_SCHEMAS},
}
"""Everything that is not the standard library's and may be imported."""

HEAVY = {
    "asyncio",
    "concurrent",
    "ctypes",
    "dataclasses",
    "email",
    "hashlib",
    "http",
    "inspect",
    "json",
    "logging",
    "multiprocessing",
    "pydoc",
    "sqlite3",
    "ssl",
    "subprocess",
    "tempfile",
    "tomllib",
    "unittest",
    "xml",
    "zoneinfo",
}
"""What costs more than a millisecond in the standard library."""

_DATA = {"dataclasses", "inspect"}  # the one imports the other
_FILES = {*_DATA, "hashlib", "json", "tempfile"}  # importlib.resources brings tempfile along
STANDARD = {
    "--version": set[str](),
    "--help": _DATA,
    "plan --help": {*_DATA, "hashlib", "json"},
    "completion": {*_DATA, "hashlib", "json"},
    "validate": _FILES,
    "plan": {*_FILES, "email", "http", "logging", "ssl", "subprocess"},
}
"""Which of those may be imported."""

ROOMS = {
    "--version": {"cli"},
    "--help": {"app", "cli", "common", "errors", "render"},
    "validate": None,
    "plan": None,
}
"""Which rooms of segctl may be imported, where that is worth a list."""

NEVER = {
    # The rules and the reading of queries: only where a query is new or another one.
    # Nor what counts contacts: only where segctl.yaml names some.
    "plan": {
        *("declarations.linter", "query.ast", "query.parser.parse", "query.lint", "query.diff"),
        *("history.git", "app.impacts", "app.audiences", "contacts", "audience.duckdb_engine"),
    },
    "validate": {"sendgrid", "planning.planner", "history", "account"},
    "plan --help": {"sendgrid", "declarations", "query.ast"},
    "completion": {"sendgrid", "declarations", "query.ast"},
}
"""Which modules of segctl must not be imported."""

SCRIPT = """
import sys
# jsonschema imports them for its formats where something else has installed them.
for name in (
    *("fqdn", "isoduration", "jsonpointer", "rfc3339_validator", "rfc3986_validator", "rfc3987"),
    *("rfc3987_syntax", "uri_template", "webcolors"),
):
    sys.modules[name] = None
before = set(sys.modules)
from segctl.__main__ import run
sys.argv[0] = "segctl"
try:
    run()
except SystemExit as error:
    code = error.code
new = set(sys.modules) - before
tops = {name.partition(".")[0] for name in new if sys.modules[name] is not None}
own = {name for name in new if name.partition(".")[0] == "segctl"}
others = tops - set(sys.stdlib_module_names) - {"segctl"}
print("imported", code, *sorted(own), file=sys.stderr)
print("libraries", *sorted(others), file=sys.stderr)
print("standard", *sorted(tops & set(sys.stdlib_module_names)), file=sys.stderr)
"""


@pytest.fixture
def env(project: Project) -> Iterator[dict[str, str]]:
    """A project with a segment that is on its account as declared, outside of any repository."""
    text = query("total_spend > 500")
    project.declare("VIP", text, extra="owner: marketing\n")
    clean = {key: value for key, value in child_env().items() if not key.startswith("CI")}
    with Emulator(None, TEST_SETTINGS) as emulator, serve(emulator) as server:
        emulator.console.create("VIP", text)
        yield {
            **clean,
            **project.env,
            "PYTHONPATH": str(REPOSITORY),
            "SEGCTL_BASE_URL": server.url,
            "SENDGRID_API_KEY": KEY,
        }


@pytest.mark.parametrize("command", LIBRARIES)
def test_a_command_imports_what_it_needs_and_no_more(
    command: str, project: Project, env: dict[str, str]
) -> None:
    argv = ["-C", str(project.root), *command.split()]
    if command == "completion":
        argv = []
        env |= {
            "_SEGCTL_COMPLETE": "bash_complete",
            "COMP_WORDS": "segctl pl",
            "COMP_CWORD": "1",
        }
    if command == "--version":
        argv = argv[2:]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *argv],
        capture_output=True,
        text=True,
        check=True,
        cwd=project.root,
        env=env,
    )
    *said, own, libraries, standard = done.stderr.splitlines()
    _, code, *modules = own.split()
    assert code == "0", said
    # How a library was compiled leaves marks of its own.
    third = {name for name in libraries.split()[1:] if "cython" not in name}
    assert third - LIBRARIES[command] == set(), "libraries"
    assert set(standard.split()[1:]) & HEAVY - STANDARD[command] == set(), "standard library"
    inner = {name.removeprefix("segctl.") for name in modules}
    rooms = {name.partition(".")[0] for name in inner if not name.startswith("__main__")}
    allowed = ROOMS.get(command)
    if allowed is not None:
        assert rooms - allowed - {"segctl"} == set(), "rooms"
    unwanted = {
        module
        for module in inner
        for name in NEVER.get(command, ())
        if module == name or module.startswith(f"{name}.")
    }
    assert unwanted == set(), "modules"


@pytest.mark.parametrize("name", sorted({name for names in NEVER.values() for name in names}))
def test_a_module_that_must_not_be_imported_exists(name: str) -> None:
    assert importlib.util.find_spec(f"segctl.{name}") is not None


def test_what_a_plan_needs_is_found_by_this_test(project: Project, env: dict[str, str]) -> None:
    """The lists above are worth something: what they name is what is there."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, "-C", str(project.root), "plan"],
        capture_output=True,
        text=True,
        check=True,
        env=env,
    )
    assert "No changes. 1 segment matches" in done.stdout
    assert {"httpx", "yaml", "click"} <= set(done.stderr.splitlines()[-2].split())
