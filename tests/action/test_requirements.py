"""The lock file of the action: what pip installs beside segctl, each with its hashes.

Compares files of this repository with each other, and never with what an index offers today.
"""

from __future__ import annotations

import re
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.action.runner import ACTION
from tests.house.test_repository import pins, project

REFRESH = "refresh requirements.txt of the action (see CONTRIBUTING)"


@cache
def locked() -> dict[str, Requirement]:
    """Return the locked packages by normalized name."""
    text = (ACTION / "requirements.txt").read_text("utf-8").replace("\\\n", " ")
    requirements: dict[str, Requirement] = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, *hashes = line.split("    --hash=sha256:")
            assert hashes, name
            assert all(re.fullmatch(r"[0-9a-f]{64} *", digest) for digest in hashes), name
            requirement = Requirement(name)
            requirements[canonicalize_name(requirement.name)] = requirement
    return requirements


def needed() -> list[Requirement]:
    """Return what segctl needs to run, and to count audiences."""
    extras = project()["project"]["optional-dependencies"]
    return [*map(Requirement, (*project()["project"]["dependencies"], *extras["preview"]))]


@pytest.mark.parametrize("requirement", needed(), ids=str)
def test_what_segctl_needs_is_locked(requirement: Requirement) -> None:
    pinned = locked().get(canonicalize_name(requirement.name))
    assert pinned is not None, REFRESH
    (pin,) = pinned.specifier
    assert pin.operator == "==", REFRESH
    assert pin.version in requirement.specifier, REFRESH
    assert str(pinned.marker or "") == str(requirement.marker or ""), REFRESH


@pytest.mark.parametrize("name", sorted(locked()))
def test_the_action_installs_what_ci_tests(name: str) -> None:
    assert locked()[name].specifier == f"=={pins()[name]}", REFRESH


@pytest.mark.parametrize("name", sorted(locked()))
def test_what_a_locked_package_needs_is_locked(name: str) -> None:
    try:
        installed = distribution(name)
    except PackageNotFoundError:
        return
    # Another version, as with the newest ones, may need other packages.
    if installed.version in locked()[name].specifier:
        for requirement in map(Requirement, installed.requires or ()):
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                assert canonicalize_name(requirement.name) in locked(), REFRESH
