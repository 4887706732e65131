"""The rooms of the package: what each may import, and which modules do I/O."""

from __future__ import annotations

import ast
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "segctl"

PURE, WORLD = "pure", "world"

ROOMS = {
    # A room imports only rooms above it in this table.
    # A pure one does no I/O and asks no clock; `WORLD_MODULES` are its exceptions.
    "errors": PURE,
    "common": PURE,
    "model": PURE,
    "query": PURE,
    "documents": PURE,
    "declarations": PURE,
    "sgql": PURE,
    "planning": PURE,
    "audience": PURE,
    "policies": PURE,
    "planfile": PURE,
    "importing": PURE,
    "render": PURE,
    "project": WORLD,
    "history": PURE,
    "sendgrid": WORLD,
    "account": WORLD,
    "refreshing": WORLD,
    "probing": WORLD,
    "applying": WORLD,
    "contacts": WORLD,
    "emulator": WORLD,
    "app": WORLD,
    "cli": WORLD,
    "__main__": WORLD,
}

WORLD_MODULES = {
    "segctl.common.clock",
    "segctl.common.files",
    "segctl.common.folder",
    "segctl.common.stopping",
    "segctl.audience.duckdb_engine",
    "segctl.audience.case_runner",
    "segctl.history.before",
    "segctl.history.committed",
    "segctl.history.folder_history",
    "segctl.history.git",
    "segctl.history.git_log",
    "segctl.history.git_process",
    "segctl.history.moved_over",
    "segctl.history.other_projects",
    "segctl.history.places",
    "segctl.history.revisions",
    "segctl.history.split_renames",
}
PURE_MODULES = {
    "segctl.refreshing.quota",
    "segctl.probing.assumptions",
    "segctl.probing.judgement",
    "segctl.probing.queries",
    "segctl.probing.report",
}
"""The exceptions in rooms that touch the world."""

WORLD_LIBRARIES = {
    *("os", "time", "httpx", "subprocess", "socket", "threading", "shutil", "tempfile")
}
ONLY_IMPORTERS = {
    # The account, with the key, and exported files, without it; both use the other two.
    "httpx": {
        *("sendgrid/transport.py", "sendgrid/downloads.py"),
        *("sendgrid/connection.py", "sendgrid/exchange.py"),
    },
    "sqlglot": set(),
    "duckdb": {"audience/duckdb_engine.py"},
    "time": {"common/clock.py"},
    "subprocess": {"project/environment.py", "history/git_process.py"},
}
LOOSE = {"__init__.py", "__main__.py", "errors.py"}


def module_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module: str) -> str:
    return ([*module.split("."), "segctl"])[1]


MODULES = {module_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}
CLIENT = {module: path for module, path in MODULES.items() if room_of(module) != "emulator"}


@cache
def imports(path: Path) -> frozenset[str]:
    """Return every module that a file imports at run time, at any depth of the code."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        for field in ("body", "orelse"):
            block = getattr(node, field, None)
            if isinstance(block, list):
                setattr(node, field, [child for child in block if not is_type_checking(child)])
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                imported.add(name if name in MODULES else node.module or "")
    return frozenset(imported)


def is_type_checking(node: object) -> bool:
    return (
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Name)
        and node.test.id == "TYPE_CHECKING"
    )


def own_imports(path: Path) -> set[str]:
    return {module for module in imports(path) if module in MODULES}


def libraries(path: Path) -> set[str]:
    return {module.split(".")[0] for module in imports(path)}


def is_pure(module: str) -> bool:
    if module in WORLD_MODULES or module in PURE_MODULES:
        return module in PURE_MODULES
    return ROOMS.get(room_of(module), PURE) == PURE


def test_every_module_lies_in_a_room() -> None:
    assert {path.name for path in PACKAGE.glob("*.py")} == LOOSE
    rooms = {path.name for path in PACKAGE.iterdir() if any(path.glob("*.py"))}
    assert rooms | {"errors", "__main__"} == set(ROOMS)


def test_every_exception_names_a_module() -> None:
    assert set(MODULES) >= WORLD_MODULES | PURE_MODULES


@pytest.mark.parametrize("module", MODULES)
def test_a_room_imports_only_rooms_above_it(module: str) -> None:
    order = ["segctl", *ROOMS]
    place = order.index(room_of(module))
    for imported in own_imports(MODULES[module]):
        assert order.index(room_of(imported)) <= place, f"{module} imports {imported}"


def test_no_imports_are_circular() -> None:
    graph = {module: own_imports(path) - {module} for module, path in MODULES.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


@pytest.mark.parametrize("module", CLIENT)
def test_a_pure_module_does_not_touch_the_world(module: str) -> None:
    if is_pure(module):
        path = MODULES[module]
        assert libraries(path) & WORLD_LIBRARIES == set()
        assert {imported for imported in own_imports(path) if not is_pure(imported)} == set()


@pytest.mark.parametrize("library", sorted(ONLY_IMPORTERS))
def test_only_the_listed_modules_import_a_library(library: str) -> None:
    importers = {
        path.relative_to(PACKAGE).as_posix()
        for path in CLIENT.values()
        if library in libraries(path)
    }
    assert importers <= ONLY_IMPORTERS[library]


def test_only_the_command_line_imports_click() -> None:
    knows = {room_of(module) for module, path in MODULES.items() if "click" in libraries(path)}
    assert knows == {"cli"}


def test_only_app_imports_the_emulator() -> None:
    knows = {
        room_of(module)
        for module, path in CLIENT.items()
        if any(room_of(imported) == "emulator" for imported in own_imports(path))
    }
    assert knows == {"app"}


# Evaluating a query belongs to the language, not to the client: the emulator may use it.
COUNTED_WITH = {"audience", "errors", "query", "sgql"}


def test_the_emulator_shares_nothing_with_the_client() -> None:
    for path in (PACKAGE / "emulator").rglob("*.py"):
        for imported in own_imports(path):
            if room_of(imported) != "emulator":
                assert path.name == "counts.py", f"{path.name} imports {imported}"
                assert room_of(imported) in COUNTED_WITH, f"{path.name} imports {imported}"
        assert libraries(path) & {"duckdb", "httpx"} == set()


def test_no_module_is_longer_than_400_lines() -> None:
    long = {
        path.relative_to(PACKAGE).as_posix(): lines
        for path in PACKAGE.rglob("*.py")
        if (lines := len(path.read_text("utf-8").splitlines())) > 400
    }
    assert not long
