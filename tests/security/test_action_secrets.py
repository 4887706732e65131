"""Who gets the secrets of a run: segctl the key, what talks to GitHub the token, and nothing both.

The real scripts of the action run with a Python that notes its arguments and its environment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.action.runner import make_venv
from tests.action.shop import TOKEN, Shop, serve_shop
from tests.security.traps import Traps
from tests.support.account import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.account import Remote

pytestmark = pytest.mark.posix

OTHER_SECRET = "a-secret-of-the-job"
STEERING = re.compile(
    r"^(PYTHON|PIP_|GIT_|BASH|LD_|DYLD_|INPUT_|ENV=|GITHUB_(ENV|PATH|OUTPUT)=)", re.MULTILINE
)


@dataclass(frozen=True)
class Program:
    """One start of Python: its arguments, and its environment as lines."""

    arguments: str
    environment: str

    @property
    def name(self) -> str:
        """The program and its command, such as `segctl plan` or `github.py comment`."""
        program = re.search(r"-m (segctl) .*--target \S+ (\w+)|/(github\.py) (\w+)", self.arguments)
        return " ".join(filter(None, program.groups())) if program else self.arguments


@pytest.fixture
def shop(tmp_path: Path, remote: Remote) -> Iterator[Shop]:
    with serve_shop(tmp_path, remote) as shop:
        yield shop


@pytest.fixture
def notes(tmp_path: Path, shop: Shop) -> Path:
    """Return a folder in which each start of the action's Python leaves a note."""
    folder = tmp_path / "notes"
    folder.mkdir()
    environment = tmp_path / "temp/segctl/venv"
    make_venv(environment)
    python = environment / "bin/python"
    python.rename(environment / "bin/noted-python")
    note = f'{{ echo "$*"; env; }} > {folder}/$$'
    python.write_text(f'#!/bin/sh\n{note}\nexec {environment}/bin/noted-python "$@"\n')
    python.chmod(0o755)
    shop.env = {"OTHER_SECRET": OTHER_SECRET, "LD_BIND_NOW": "1"}
    return folder


def programs(notes: Path) -> list[Program]:
    texts = [path.read_text("utf-8").split("\n", 1) for path in notes.iterdir()]
    return [Program(arguments, environment) for arguments, environment in texts]


@pytest.mark.parametrize(
    ("command", "with_key", "with_token"),
    [
        ("validate", set(), set()),
        ("plan", {"segctl plan"}, {"github.py comment"}),
        ("apply", {"segctl apply"}, {"github.py approved", "github.py comment"}),
        ("drift", {"segctl drift"}, {"github.py issue"}),
    ],
)
def test_each_program_gets_what_it_needs(
    shop: Shop, notes: Path, command: str, with_key: set[str], with_token: set[str]
) -> None:
    shop.run(pull=7)
    shop.hub.merge(7, shop.git("rev-parse", "HEAD"))
    for path in notes.iterdir():
        path.unlink()
    traps = Traps(shop.root, notes.parent / "sprung")
    shop.env |= {key: value for key, value in traps.variables().items() if key != "PATH"}
    done = shop.run(pull=None if command == "apply" else 7, command=command)
    assert done.code == 0, done.log
    started = programs(notes)
    assert {program.name for program in started if KEY in program.environment} == with_key
    assert {program.name for program in started if TOKEN in program.environment} == with_token
    for program in started:
        assert program.arguments.startswith("-I "), program
        assert OTHER_SECRET not in program.environment
        assert KEY not in program.arguments
        assert TOKEN not in program.arguments
        assert not STEERING.search(program.environment), program


def test_without_an_approval_nothing_gets_the_key(shop: Shop, notes: Path) -> None:
    done = shop.run(command="apply")
    assert done.code == 1
    assert [program for program in programs(notes) if KEY in program.environment] == []
    assert shop.remote.emulator.log == ()


@pytest.mark.parametrize("name", ["", "A B", "KEY=x", "1KEY", "KEY\nBASH_ENV"])
def test_the_variable_of_the_key_must_be_a_name(shop: Shop, name: str) -> None:
    done = shop.run(pull=7, api_key_env=name)
    assert done.code != 0
    assert shop.remote.emulator.log == ()
