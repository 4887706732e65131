"""What many tests need: a project in a folder, a way to run segctl, an account on a socket."""

from __future__ import annotations

import functools
import itertools
import re
import ssl
import sys
import threading
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import is_hypothesis_test, settings

from segctl.emulator import Emulator, seed, serve
from tests.support.account import KEY, TEST_SETTINGS, Remote
from tests.support.clock import FakeClock
from tests.support.process import REPOSITORY
from tests.support.project import Project

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path


settings.register_profile("segctl", deadline=None)
settings.load_profile("segctl")

# The bundle of certificates takes longer to read than most runs of segctl here last.
ssl.create_default_context = functools.cache(ssl.create_default_context)  # type: ignore[assignment]

CACHES = itertools.count()


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no run read what another test's account, with the same ids, had at the same moment."""
    place = tmp_path_factory.getbasetemp() / f"caches-{next(CACHES)}"
    monkeypatch.setenv("XDG_CACHE_HOME", str(place))


@pytest.fixture
def project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Project:
    """An empty project without an account, and a folder for caches of its own."""
    (tmp_path / "segments").mkdir()
    return Project(tmp_path, capsys, {"SEGCTL_CACHE_DIR": f"{tmp_path}-cache"})


@pytest.fixture
def remote() -> Iterator[Remote]:
    """An empty account with the real limits, the rate limit aside; its clock stands still."""
    clock = FakeClock()
    with Emulator(None, TEST_SETTINGS, now=clock) as emulator, serve(emulator) as server:
        for name, kind in seed.CUSTOM_FIELDS.items():
            emulator.console.add_field(name, kind)
        yield Remote(emulator, clock, server.url)
        asked = [one.target for one in emulator.log if "delete_contacts" in one.target]
        assert asked == [], "no contact is ever deleted"


@pytest.fixture
def connected(project: Project, remote: Remote) -> Project:
    """A project whose target `production` is the emulated account."""
    project.env |= {"SEGCTL_BASE_URL": remote.url, "SENDGRID_API_KEY": KEY}
    return project


UNTRACED = (
    "action/",
    "audience/test_two_evaluators.py",
    "contacts/test_two_evaluators.py",
    "faults/",
    "house/test_docs.py",
    "house/test_nothing_leaks.py",
    "cli/test_story.py",
    "importing/test_accounts.py",
    "importing/test_upgrade_whole_account.py",
    "sgql/test_two_answers.py",
)
UNTRACED_NAMES = re.compile("in_proportion|bounded_time|little_time|cut_and_counted|two_hundredth")
"""Tests that run for long, and no line that others do not run, too."""

SLOW = (
    "cli/test_processes.py",
    "cli/test_shell_completion.py",
    "contacts/",
    "history/",
    "house/test_startup.py",
    "importing/test_upgrade_interference.py",
    "planning/test_scale.py",
)
"""Tests that start processes, or repeat what takes long."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is slow, and skip on Windows what is marked `posix`."""
    for item in items:
        has_socket = "remote" in getattr(item, "fixturenames", ())
        if has_socket or is_untraced(item) or place_of(item).startswith(SLOW):
            item.add_marker(pytest.mark.slow)
        if sys.platform == "win32" and item.get_closest_marker("posix"):
            item.add_marker(pytest.mark.skip(reason="needs what only POSIX systems have"))


def place_of(item: pytest.Item) -> str:
    """Return the file of a test, relative to `tests/`, with forward slashes."""
    return item.path.relative_to(REPOSITORY / "tests").as_posix()


def is_untraced(item: pytest.Item) -> bool:
    """Return whether counting a test's lines would take as long again as the test.

    A property is tried on a hundred examples, each of which goes the ways that one has gone.
    """
    return (
        place_of(item).startswith(UNTRACED)
        or UNTRACED_NAMES.search(item.name) is not None
        or is_hypothesis_test(getattr(item, "obj", None))
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Leave coverage out of tests that it would slow down for nothing.

    pytest-cov's own mark for it does nothing in the processes of pytest-xdist, where it measures in
    two ways at once.
    """
    if not is_untraced(item):
        return (yield)
    here, elsewhere = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)
    try:
        return (yield)
    finally:
        threading.settrace(elsewhere)
        sys.settrace(here)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the golden files and the generated pages be written anew."""
    parser.addoption("--golden-write", action="store_true", help="write the golden files anew")
    parser.addoption("--docs-write", action="store_true", help="write the generated pages anew")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Add up what the tests counted: properties whose names begin with `count: `."""
    counts: Counter[str] = Counter()
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name.startswith("count: "):
                counts[name.removeprefix("count: ")] += int(str(value))
    for name in sorted(counts):
        terminalreporter.write_line(f"{name}: {counts[name]:,}")
