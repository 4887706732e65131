"""A pull request whose files would be run, imported or read as settings: the action runs none.

The real scripts of the action run in such a checkout, without and with variables that point into
it. The checkout neither gets the key nor chooses where the key goes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.action.hub import Hub, serve_hub
from tests.action.shop import Shop, serve_shop
from tests.action.test_install import PROGRAM, Machine, commit_program, prepare_machine
from tests.security.traps import Traps

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.account import Remote

pytestmark = pytest.mark.posix


@pytest.fixture
def server() -> Iterator[Hub]:
    """Serve what the pull request wants requests to go to."""
    with serve_hub() as server:
        yield server


@pytest.fixture
def shop(tmp_path: Path, remote: Remote) -> Iterator[Shop]:
    with serve_shop(tmp_path, remote) as shop:
        yield shop


@pytest.fixture
def traps(shop: Shop, server: Hub, tmp_path: Path) -> Traps:
    traps = Traps(shop.root, tmp_path / "sprung")
    shop.commit(traps.files(server.url))
    traps.make_programs_executable()
    traps.plant_in_git()
    return traps


def test_the_traps_work(shop: Shop, traps: Traps) -> None:
    path, system = traps.variables()["PATH"], os.environ["PATH"]
    attempts = [
        (["sed", "--version"], {"PATH": path}),
        (["bash", "-c", ":"], {"PATH": system, "BASH_ENV": traps.variables()["BASH_ENV"]}),
        (["git", "status"], {"PATH": system}),
        ([sys.executable, "-c", "import yaml"], {"PATH": system}),
        ([sys.executable, "-c", ""], {"PATH": system, "PYTHONPATH": str(shop.root)}),
        ([sys.executable, "-m", "segctl"], {"PATH": system}),
    ]
    for argv, env in attempts:
        traps.clear()
        subprocess.run(argv, cwd=shop.root, env=env, capture_output=True, check=False)
        assert traps.sprung, argv


@pytest.mark.parametrize("with_variables", [False, True], ids=["files", "variables"])
@pytest.mark.parametrize("command", ["validate", "plan", "apply", "drift"])
def test_nothing_of_the_checkout_runs(
    shop: Shop, traps: Traps, server: Hub, command: str, *, with_variables: bool
) -> None:
    shop.hub.merge(7, shop.git("-c", "core.fsmonitor=false", "rev-parse", "HEAD"))
    traps.clear()
    if with_variables:
        shop.env = traps.variables()
    if command == "apply":
        shop.run(pull=7)
    done = shop.run(pull=None if command == "apply" else 7, command=command)
    assert done.code == 0, done.log
    assert traps.sprung == set()
    assert server.requests == []
    assert ("VIP" in shop.remote.definitions()) is (command == "apply")


def test_the_checkout_does_not_choose_the_variable_of_the_key(shop: Shop) -> None:
    target = "version: 1\ntargets: {production: {api_key_env: OTHER_SENDGRID_API_KEY}}\n"
    shop.commit({"segctl.yaml": target})
    shop.env = {"OTHER_SENDGRID_API_KEY": "SG.dddddddddddddddddddddd.eeeeeeeeeeeeeeeeeeeeeeeeeeee"}
    done = shop.run(pull=7)
    assert done.code == 1
    assert "no API key for the target `production`" in done.log
    assert shop.remote.emulator.log == ()
    assert shop.run(pull=7, api_key_env="OTHER_SENDGRID_API_KEY").code == 0


@pytest.mark.parametrize("with_variables", [False, True], ids=["files", "variables"])
def test_nothing_of_the_checkout_is_installed(
    tmp_path: Path, server: Hub, *, with_variables: bool
) -> None:
    machine: Machine = prepare_machine(tmp_path)
    traps = Traps(tmp_path / "checkout", tmp_path / "sprung")
    for name, text in traps.files(server.url).items():
        path = traps.checkout / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text or "", "utf-8")
    traps.make_programs_executable()
    commit = commit_program(tmp_path / "segctl.git", PROGRAM)
    version = f"git+file://{tmp_path}/segctl.git@{commit}"
    done = machine.install(version, **(traps.variables() if with_variables else {}))
    assert done.returncode == 0, done.stdout
    assert machine.segctl() == "segctl, with flour 405 isolated\n"
    assert traps.sprung == set()
    assert server.requests == []
    assert not (traps.checkout / "target").exists()
