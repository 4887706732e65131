"""What many tests need: a project in a folder, a way to run segctl, an account on a socket."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import json
import os
import re
import ssl
import sys
import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import is_hypothesis_test, settings

from segctl.cli.main import main
from segctl.emulator import Emulator, Settings, seed, serve

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

    from segctl.common.clock import Bell

settings.register_profile("segctl", deadline=None)
settings.load_profile("segctl")

# The bundle of certificates takes longer to read than most runs of segctl here last.
ssl.create_default_context = functools.cache(ssl.create_default_context)  # type: ignore[assignment]

REPOSITORY = Path(__file__).parents[1]
KEY = "SG.aaaaaaaaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

ALL = "SELECT contact_id, updated_at FROM contact_data"
CACHES = itertools.count()


def child_env(**more: str) -> dict[str, str]:
    """Give a process of segctl what this one has, without what would steer it, and with this."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SEGCTL", "SEND"))}
    return {**kept, **more}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no run read what another test's account, with the same ids, had at the same moment."""
    place = tmp_path_factory.getbasetemp() / f"caches-{next(CACHES)}"
    monkeypatch.setenv("XDG_CACHE_HOME", str(place))


def query(condition: str) -> str:
    """Write a query with this condition."""
    return f"{ALL} WHERE {condition}"


def segment_yaml(name: str, text: str, *, parent: str | None = None, extra: str = "") -> str:
    """Write a segment file, every text in double quotes, which JSON and YAML share."""
    words = [json.dumps(word, ensure_ascii=False) for word in (name, text)]
    parents = f"parent_list_ids: [{parent}]\n" if parent else ""
    return f"name: {words[0]}\nquery_dsl: {words[1]}\n{parents}{extra}"


@dataclass
class Result:
    """What a run came to."""

    code: int
    out: str
    err: str


class Hasty:
    """A clock on which waiting takes no time; `slept` has every wait in seconds."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 7, 15, 16, 4, 33, tzinfo=UTC)
        self.slept: list[float] = []

    def now(self) -> datetime:
        """Give the moment."""
        return self.moment

    def monotonic(self) -> float:
        """Give the moment in seconds."""
        return self.moment.timestamp()

    def sleep(self, seconds: float) -> None:
        """Move on at once."""
        self.slept.append(seconds)
        self.moment += timedelta(seconds=seconds)

    def wait(self, bell: Bell, seconds: float) -> bool:
        """Move on at once, unless the bell has rung."""
        if bell.wait(0):
            return True
        self.sleep(seconds)
        return False


@dataclass
class Project:
    """A folder with segment files, and segctl to run in it."""

    root: Path
    capsys: pytest.CaptureFixture[str]
    env: dict[str, str] = field(default_factory=dict)
    clock: Hasty = field(default_factory=Hasty)

    def write(self, files: Mapping[str, str]) -> None:
        """Write files, by path relative to the project."""
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")

    def declare(self, name: str, text: str, *, parent: str | None = None, extra: str = "") -> str:
        """Declare a segment in a file of its own; give the file's path."""
        stem = "".join(c if c.isalnum() else "-" for c in name.lower())
        file = f"segments/{stem}.yaml"
        self.write({file: segment_yaml(name, text, parent=parent, extra=extra)})
        return file

    def run(self, *argv: str, **env: str) -> Result:
        """Run segctl in this project."""
        self.capsys.readouterr()
        code = main(["-C", str(self.root), *argv], {**self.env, **env}, self.clock)
        captured = self.capsys.readouterr()
        return Result(code, captured.out, captured.err)


@pytest.fixture
def project(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Project:
    """An empty project without an account, and a folder for caches of its own."""
    (tmp_path / "segments").mkdir()
    return Project(tmp_path, capsys, {"SEGCTL_CACHE_DIR": f"{tmp_path}-cache"})


class Watch:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 7, 15, 16, 4, 33, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def forward(self, **time: float) -> None:
        """Move it on."""
        self.moment += timedelta(**time)


@dataclass
class Remote:
    """An emulated account on a socket."""

    emulator: Emulator
    watch: Watch
    url: str

    def definitions(self) -> dict[str, tuple[str, tuple[str, ...]]]:
        """What the account holds of V2 segments: name to query and parent lists."""
        return {
            one.name: (one.query, one.parent_list_ids or ())
            for one in self.emulator.ui.segments()
            if one.version == 2
        }


TEST_SETTINGS = dataclasses.replace(Settings(), rate_limit=None, delete_linger=0.0)


@pytest.fixture
def remote() -> Iterator[Remote]:
    """An empty account with the real limits, the rate limit aside; its clock stands still."""
    watch = Watch()
    with Emulator(None, TEST_SETTINGS, now=watch) as emulator, serve(emulator) as server:
        for name, kind in seed.CUSTOM_FIELDS.items():
            emulator.ui.add_field(name, kind)
        yield Remote(emulator, watch, server.url)
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
    "importing/test_accounts.py",
    "sgql/test_two_answers.py",
    "test_docs.py",
    "test_nothing_leaks.py",
    "test_story.py",
    "upgrading/test_whole_account.py",
)
UNTRACED_NAMES = re.compile("in_proportion|bounded_time|little_time|cut_and_counted|two_hundredth")
"""Tests that run for long, and no line that others do not run, too."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Leave coverage out where counting the lines would take as long again as the test.

    A property is tried on a hundred examples, of which each goes the ways that one has gone.
    pytest-cov's own mark for it does nothing in the processes of pytest-xdist, where it measures in
    two ways at once.
    """
    place = item.path.relative_to(REPOSITORY / "tests").as_posix()
    is_untraced = (
        place.startswith(UNTRACED)
        or UNTRACED_NAMES.search(item.name)
        or is_hypothesis_test(getattr(item, "obj", None))
    )
    if not is_untraced:
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
