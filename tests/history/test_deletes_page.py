"""The page on deletes is true: what it shows is what segctl says in a repository like its own."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from tests.history.repository import START, Repository, segment
from tests.support.builders import query
from tests.support.process import REPOSITORY

if TYPE_CHECKING:
    from tests.support.account import Remote
    from tests.support.project import Project

PAGE = (REPOSITORY / "docs/how-deletes-are-decided.md").read_text("utf-8")
NAMES = ["Churn risk", "Trial ending", "VIP customers", "Newsletter readers", "Big spenders"]


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def stem(name: str) -> str:
    return f"{name.lower().replace(' ', '-')}.yaml"


@pytest.fixture
def outputs(connected: Project, remote: Remote) -> str:
    """Everything that segctl says in the course of the page."""
    console = remote.emulator.console
    remote.clock.moment = datetime.fromtimestamp(START - 86_400, UTC)
    repository = Repository(connected.root, connected.root)
    repository.git("init", "--quiet", "--initial-branch=main")
    texts = {name: f"total_spend > {number}00" for number, name in enumerate(NAMES, 1)}
    files = {stem(name): segment(name, text) for name, text in texts.items()}
    repository.commit("Declare", files)
    assert connected.run("apply", "--auto-approve").code == 0
    console.create("Made by hand", query("city = 'Brno'"))
    for one in console.segments():
        # The page shows an id.
        if one.name in ("Churn risk", "Trial ending", "Newsletter readers"):
            console.delete(one.id)
            made_id = f"5e9c0de2-71b3-4d5a-8c44-{len(one.name):012}"
            console.create(one.name, one.query, id=made_id, contacts_count=1203)
    remote.clock.moment = datetime.fromtimestamp(START + 3600, UTC)
    said = []

    def plan(*argv: str) -> None:
        said.append(connected.run("plan", *argv).out)

    head = repository.commit("Remove", {"churn-risk.yaml": None})
    plan()
    ids = {one.name: one.id for one in console.segments()}
    console.add_single_send("Spring sale", status="scheduled", segment_ids=[ids["Churn risk"]])
    plan()
    plan("--ignore-references", "Churn risk")
    (connected.root / ".git/shallow").write_text(f"{head}\n")
    plan()
    (connected.root / ".git/shallow").unlink()
    connected.write({"segments/churn-risk.yaml": files["churn-risk.yaml"]})
    repository.commit("Put it back", {})
    renamed = segment("Trial ends soon", texts["Trial ending"])
    repository.commit("Rename", {"trial-ending.yaml": renamed})
    plan()
    protected = segment(NAMES[2], texts[NAMES[2]], extra="protected: true\n")
    repository.commit("Protect", {stem(NAMES[2]): protected})
    repository.commit("Remove a protected one", {stem(NAMES[2]): None})
    plan()
    repository.commit("Remove all", {stem(name): None for name in NAMES if name != NAMES[2]})
    plan()
    return "\n".join(said)


def test_what_the_page_shows_is_said(outputs: str) -> None:
    shown = blocks("text")
    assert len(shown) >= 6
    for block in shown:
        assert block in outputs


@pytest.mark.parametrize("block", [one for one in blocks("yaml") if "uses:" not in one])
def test_every_yaml_block_is_valid(project: Project, block: str) -> None:
    project.write({"segctl.yaml" if block.startswith("version:") else "segments/a.yaml": block})
    result = project.run("validate")
    assert result.code == 0, result.err
