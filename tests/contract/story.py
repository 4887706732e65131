"""One run of every command that reaches an account, so that its requests can be looked at."""

from __future__ import annotations

import dataclasses
import json
import subprocess
from typing import TYPE_CHECKING

from segctl.cli.main import main
from segctl.emulator import Settings, seed, serve
from tests.contract.exchange import Exchange, Recorder
from tests.support.account import KEY
from tests.support.builders import query, segment_yaml
from tests.support.clock import FakeClock
from tests.support.process import child_env

if TYPE_CHECKING:
    from pathlib import Path

READERS, GUESTS = seed.NEWSLETTER_LIST_ID, seed.EVENT_GUESTS_LIST_ID
CLICKED = (
    "SELECT c.contact_id, c.updated_at FROM contact_data AS c JOIN event_data AS e ON c.contact_id"
    " = e.contact_id WHERE e.event_type = 'click' AND e.timestamp > timestampadd(day, -90, "
    "CURRENT_TIMESTAMP)"
)
LEFT_OUT = {"emulator", "completion", "probe"}
"""The commands that are not run: two ask no account, and a probe has a test of its own."""


class Story:
    """A project in a folder, an account on a socket, and the commands that ran so far."""

    def __init__(self, root: Path, url: str, clock: FakeClock) -> None:
        self._root = root
        self._env = {
            "SEGCTL_BASE_URL": url,
            "SENDGRID_API_KEY": KEY,
            "SEGCTL_CACHE_DIR": f"{root}-cache",
        }
        self._clock = clock
        self.plan = f"{root}-plan.json"
        self.commands: set[str] = set()

    def run(self, *argv: str, code: int = 0) -> None:
        """Run a command; it must end with this exit code."""
        self.commands.add(argv[0])
        got = main(["-C", str(self._root), *argv], self._env, self._clock)
        assert got == code, argv

    def commit(self) -> None:
        """Commit all files of the project."""
        author = ["-c", "user.name=Test", "-c", "user.email=test@example.com"]
        for argv in (["init", "-q"], ["add", "."], [*author, "commit", "-qm", "Change segments"]):
            subprocess.run(["git", *argv], cwd=self._root, env=child_env(), check=True)

    def write(self, name: str, text: str) -> None:
        """Write a file of the project."""
        path = self._root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def tell(root: Path) -> tuple[list[Exchange], set[str]]:
    """Run every command; return the exchanges with the account, and the names of the commands."""
    root.mkdir()
    clock = FakeClock()
    settings = dataclasses.replace(Settings(), rate_limit=100_000, search_rate_limit=100_000)
    with Recorder(None, settings, now=clock) as emulator, serve(emulator) as server:
        emulator.record()
        emulator.seed()
        story = Story(root, server.url, clock)
        _look(story)
        _change(story, clock, emulator)
        _count(story)
        return emulator.exchanges, story.commands


def _look(story: Story) -> None:
    story.run("init")
    story.run("account", "pull")
    story.run("lists")
    story.run("list", "--references")
    story.run("list", "--v1")
    story.run("list", "--parent-list", READERS)
    story.run("list", "--id", seed.NEWSLETTER_READERS_ID, "--id", seed.OLD_WEBINAR_GUESTS_ID)
    story.run("import", "Newsletter readers", "Old webinar guests 2024")
    story.run("upgrade", "--all")


def _change(story: Story, clock: FakeClock, emulator: Recorder) -> None:
    story.write("segments/new.yaml", segment_yaml("New", query("city = 'Brno'"), parent=GUESTS))
    story.write("segments/clicked.yaml", segment_yaml("Clicked lately", CLICKED))
    story.write("segments/old.yaml", segment_yaml("Other", query("city = 'Praha'")))
    story.commit()
    for command in (
        "validate",
        "fmt",
        "lint",
        "test",
        "explain",
        "render",
        "history",
        "owners",
        "policy",
    ):
        story.run(command)
    story.run("plan", "--out", story.plan, "--detailed-exitcode", code=2)
    story.run("show", story.plan)
    story.run("apply", "--auto-approve", "--count-timeout", "3600")
    story.run("plan", "--detailed-exitcode")
    story.run("ids", "--format", "env")
    story.run("diff", "--from", "sandbox")
    clock.forward(hours=1)
    # The name alone, the query alone, a replacement, and removals.
    story.write(
        "segments/old.yaml",
        segment_yaml("Renamed", query("city = 'Praha'"), extra="previous_names: [Other]\n"),
    )
    replaced = query("city = 'Wien'")
    story.write(
        "segments/new.yaml",
        segment_yaml("New", replaced, parent=READERS, extra="allow_replace: true\n"),
    )
    story.write("segments/clicked.yaml", "name: Clicked lately\nremoved: true\n")
    story.commit()
    story.run("apply", "--auto-approve", "--refresh", "changed")
    clock.forward(hours=1)
    (renamed,) = (item for item in emulator.console.segments() if item.name == "Renamed")
    emulator.console.edit(renamed.id, query=query("city = 'Ostrava'"))
    story.run("drift", "--detailed-exitcode", code=2)
    story.run("drift", "--accept", "Renamed")
    story.run("refresh", "Renamed")


def _count(story: Story) -> None:
    story.write("segctl.yaml", "version: 1\nreferences: {automations: observed}\n")
    story.run("list", "--references")
    story.run("contacts", "pull")
    story.run("contacts", "show")
    story.run("preview", "Renamed")
    story.run("plan")
    story.run("contacts", "forget")


def table(exchanges: list[Exchange]) -> str:
    """Return what was exchanged, for the message of a failed test."""
    return json.dumps([(item.method, item.target, int(item.response.status)) for item in exchanges])
