"""Fixtures of many tests: a project in a folder, an account on a socket, and slow-test marks."""

from __future__ import annotations

import functools
import gc
import itertools
import re
import signal
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


# A shell that starts the tests in the background ignores Ctrl-C for them and all their children.
signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("segctl", deadline=None)
settings.load_profile("segctl")

# Reading the certificate bundle takes longer than most runs of segctl in these tests.
ssl.create_default_context = functools.cache(ssl.create_default_context)  # type: ignore[assignment]

# The tests stay until the end, so that the collector would look through all of them for nothing.
gc.disable()

CACHES = itertools.count()


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep each test's caches apart: other tests' accounts have the same ids at the same moment."""
    folder = tmp_path_factory.getbasetemp() / f"caches-{next(CACHES)}"
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))


@pytest.fixture
def project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Project:
    """An empty project without an account, and a folder for caches of its own."""
    (tmp_path / "segments").mkdir()
    return Project(tmp_path, capsys, {"SEGCTL_CACHE_DIR": f"{tmp_path}-cache"})


@pytest.fixture
def remote() -> Iterator[Remote]:
    """An empty account with SendGrid's limits except the rate limit; its clock stands still."""
    clock = FakeClock()
    with Emulator(None, TEST_SETTINGS, now=clock) as emulator, serve(emulator) as server:
        for name, kind in seed.CUSTOM_FIELDS.items():
            emulator.console.add_field(name, kind)
        yield Remote(emulator, clock, server.url)
        deletions = [entry.target for entry in emulator.log if "delete_contacts" in entry.target]
        assert deletions == [], "no contact is ever deleted"


@pytest.fixture
def connected(project: Project, remote: Remote) -> Project:
    """A project whose target `production` is the emulated account."""
    project.env |= {"SEGCTL_BASE_URL": remote.url, "SENDGRID_API_KEY": KEY}
    return project


UNTRACED = (
    "action/",
    "audience/test_three_evaluators.py",
    "contacts/test_two_evaluators.py",
    "faults/",
    "history/test_many_histories.py",
    "house/test_docs.py",
    "house/test_nothing_leaks.py",
    "cli/test_story.py",
    "contract/",
    "importing/test_accounts.py",
    "importing/test_upgrade_whole_account.py",
    "probing/test_faults.py",
    "security/test_hostile_files.py",
    "sgql/test_two_answers.py",
)
UNTRACED_NAMES = re.compile("in_proportion|bounded_time|little_time|cut_and_counted|two_hundredth")
"""Long-running tests that reach no line that other tests do not reach."""

SLOW = (
    "cli/test_processes.py",
    "cli/test_shell_completion.py",
    "contacts/",
    "history/",
    "house/test_startup.py",
    "importing/test_upgrade_interference.py",
    "planning/test_scale.py",
    "render/test_html_in_browser.py",
    "render/test_pull_request_page.py",
)
"""Tests that start processes or repeat long work."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark slow tests, and skip tests marked `posix` on Windows."""
    for item in items:
        has_socket = "remote" in getattr(item, "fixturenames", ())
        if has_socket or is_untraced(item) or place_of(item).startswith(SLOW):
            item.add_marker(pytest.mark.slow)
        if sys.platform == "win32" and item.get_closest_marker("posix"):
            item.add_marker(pytest.mark.skip(reason="needs what only POSIX systems have"))


def pytest_collection_finish() -> None:
    """Leave what the collection has made out of garbage collections."""
    gc.freeze()
    gc.enable()


def place_of(item: pytest.Item) -> str:
    """Return the file of a test, relative to `tests/`, with forward slashes."""
    return item.path.relative_to(REPOSITORY / "tests").as_posix()


def is_untraced(item: pytest.Item) -> bool:
    """Return whether to run a test without coverage, since tracing would double its time.

    A property runs on a hundred examples, which reach the same lines again and again.
    """
    return (
        place_of(item).startswith(UNTRACED)
        or UNTRACED_NAMES.search(item.name) is not None
        or is_hypothesis_test(getattr(item, "obj", None))
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Turn coverage off for tests that it would slow down for no gain.

    pytest-cov's own mark has no effect in pytest-xdist's workers, where coverage is measured in two
    ways at once.
    """
    if not is_untraced(item):
        return (yield)
    trace, thread_trace = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)
    try:
        return (yield)
    finally:
        threading.settrace(thread_trace)
        sys.settrace(trace)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options that rewrite the golden files and the generated pages."""
    parser.addoption("--golden-write", action="store_true", help="rewrite the golden files")
    parser.addoption("--docs-write", action="store_true", help="rewrite the generated pages")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Report the sums of what tests counted: properties whose names start with `count: `."""
    counts: Counter[str] = Counter()
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            if name.startswith("count: "):
                counts[name.removeprefix("count: ")] += int(str(value))
    for name in sorted(counts):
        terminalreporter.write_line(f"{name}: {counts[name]:,}")
