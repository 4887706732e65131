"""The house stands: imports go down only, and the pure floors touch neither world nor clock."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "segctl"

FLOORS = {
    "segctl": 0,
    "errors": 0,
    "model": 0,
    "common": 0,
    "common.clock": 4,
    "common.stopping": 4,
    "common.files": 4,
    "account": 4,
    "audience.duckdb_engine": 4,
    "audience.case_runner": 4,
    "documents": 1,
    "declarations.linter": 2,
    "history": 2,
    "history.git": 4,
    "history.git_log": 4,
    "importing": 2,
    "planning": 2,
    "project": 4,
    "project.config": 5,
    "project.environment": 5,
    "refreshing": 4,
    "refreshing.quota": 2,
    "query": 1,
    "declarations": 1,
    "audience": 2,
    "sgql": 1,
    "planfile": 2,
    "render": 3,
    "sendgrid": 4,
    "applying": 4,
    "contacts": 4,
    "app": 5,
    "cli": 6,
    "__main__": 6,
}
LAST_PURE_FLOOR = 3
IMPURE = {"os", "time", "httpx", "subprocess", "socket", "threading", "shutil", "tempfile"}
ONLY_IMPORTERS = {
    # The account, with the key, and exported files, without it; both made of the third.
    "httpx": {"sendgrid/transport.py", "sendgrid/downloads.py", "sendgrid/connection.py"},
    "sqlglot": set(),
    "duckdb": {"audience/duckdb_engine.py"},
    "time": {"common/clock.py"},
    "subprocess": {"project/environment.py", "history/git.py"},
}

MODULES = sorted(
    path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] != "emulator"
)


@cache
def imports(path: Path) -> frozenset[str]:
    """Every module that a file imports at run time, at any depth of the code."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        for field in ("body", "orelse"):
            block = getattr(node, field, None)
            if isinstance(block, list):
                setattr(node, field, [child for child in block if not is_type_checking(child)])
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            found.add(node.module or "")
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(found)


def is_type_checking(node: object) -> bool:
    return (
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Name)
        and node.test.id == "TYPE_CHECKING"
    )


def floor_of(module: str) -> int:
    """The floor of the longest listed name that a module, or a name in one, begins with."""
    parts = module.split(".")[1:] or ["segctl"]
    for length in range(len(parts), 0, -1):
        if (name := ".".join(parts[:length])) in FLOORS:
            return FLOORS[name]
    return FLOORS["segctl"]


def module_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_only_go_down(path: Path) -> None:
    floor = floor_of(module_of(path))
    for module in imports(path):
        if module.split(".")[0] == "segctl" and not module.startswith("segctl.emulator"):
            assert floor_of(module) <= floor, f"{path.name} reaches up to {module}"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_the_pure_floors_touch_nothing(path: Path) -> None:
    if floor_of(module_of(path)) <= LAST_PURE_FLOOR:
        touched = {module.split(".")[0] for module in imports(path)} & IMPURE
        assert not touched, f"{path.name} imports {touched}"


@pytest.mark.parametrize("library", sorted(ONLY_IMPORTERS))
def test_a_library_has_one_door(library: str) -> None:
    importers = {
        path.relative_to(PACKAGE).as_posix()
        for path in MODULES
        if library in {module.split(".")[0] for module in imports(path)}
    }
    assert importers <= ONLY_IMPORTERS[library]


def test_only_the_command_line_knows_click() -> None:
    for path in MODULES:
        if room_of(path) != "cli":
            assert "click" not in {module.split(".")[0] for module in imports(path)}


# What a query means is the language's business, not the client's: whom it fits may be asked there.
COUNTED_WITH = {"audience", "engine", "errors", "query"}


def test_the_emulator_shares_nothing_with_the_client() -> None:
    for path in (PACKAGE / "emulator").rglob("*.py"):
        for module in imports(path):
            if module.startswith("segctl.") and not module.startswith("segctl.emulator"):
                assert path.name == "counts.py", f"{path.name} imports {module}"
                assert module.split(".")[1] in COUNTED_WITH, f"{path.name} imports {module}"
            assert module.split(".")[0] not in ("duckdb", "httpx")


def test_only_the_sandbox_and_its_command_know_the_emulator() -> None:
    for path in MODULES:
        if room_of(path) not in {"app", "cli"}:
            assert not any(module.startswith("segctl.emulator") for module in imports(path))


def test_modules_own_one_thing() -> None:
    long = {
        path.relative_to(PACKAGE).as_posix(): lines
        for path in PACKAGE.rglob("*.py")
        if (lines := len(path.read_text("utf-8").splitlines())) > 400
    }
    assert not long
