"""The imports of a command before it does anything: each costs the user time."""

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
"""Third-party packages that each command may import."""

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
"""Modules of the standard library whose import takes more than a millisecond."""

_DATA = {"dataclasses", "inspect"}  # dataclasses imports inspect
_FILES = {*_DATA, "hashlib", "json", "tempfile"}  # importlib.resources imports tempfile
STANDARD = {
    "--version": set[str](),
    "--help": _DATA,
    "plan --help": {*_DATA, "hashlib", "json"},
    "completion": {*_DATA, "hashlib", "json"},
    "validate": _FILES,
    "plan": {*_FILES, "email", "http", "logging", "ssl", "subprocess"},
}
"""Modules of `HEAVY` that each command may import."""

ROOMS = {
    "--version": {"cli"},
    "--help": {"app", "cli", "common", "errors", "render"},
    "validate": None,
    "plan": None,
}
"""Rooms of segctl that each command may import; None for any."""

NEVER = {
    # The rules and the query parser are needed only for a new or changed query, and the code that
    # counts contacts only if segctl.yaml names contacts.
    "plan": {
        *("declarations.linter", "query.ast", "query.parser.parse", "query.lint", "query.diff"),
        *("history.git", "app.impacts", "app.audiences", "contacts", "audience.duckdb_engine"),
    },
    "validate": {"sendgrid", "planning.planner", "history", "account"},
    "plan --help": {"sendgrid", "declarations", "query.ast"},
    "completion": {"sendgrid", "declarations", "query.ast"},
}
"""Modules of segctl that each command must not import."""

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
libraries = tops - set(sys.stdlib_module_names) - {"segctl"}
print("imported", code, *sorted(own), file=sys.stderr)
print("libraries", *sorted(libraries), file=sys.stderr)
print("standard", *sorted(tops & set(sys.stdlib_module_names)), file=sys.stderr)
"""


@pytest.fixture
def env(project: Project) -> Iterator[dict[str, str]]:
    """The environment of a project whose account has its one segment as declared; no git."""
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
def test_a_command_imports_only_what_it_needs(
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
    *messages, own, libraries, standard = done.stderr.splitlines()
    _, code, *modules = own.split()
    assert code == "0", messages
    # Libraries compiled with Cython register helper modules.
    third_party = {name for name in libraries.split()[1:] if "cython" not in name}
    assert third_party - LIBRARIES[command] == set(), "libraries"
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


def test_the_script_reports_the_imports_of_a_plan(project: Project, env: dict[str, str]) -> None:
    """Check that the script reports imports at all, so that the tests above can fail."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, "-C", str(project.root), "plan"],
        capture_output=True,
        text=True,
        check=True,
        env=env,
    )
    assert "No changes. 1 segment of production matches" in done.stdout
    assert {"httpx", "yaml", "click"} <= set(done.stderr.splitlines()[-2].split())
