"""The page on deletes shows what segctl prints in a repository like the one it describes."""

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
    """The output of every plan that the page shows."""
    console = remote.emulator.console
    remote.clock.moment = datetime.fromtimestamp(START + 10, UTC)
    repository = Repository(connected.root, connected.root)
    repository.git("init", "--quiet", "--initial-branch=main")
    texts = {name: f"total_spend > {number}00" for number, name in enumerate(NAMES, 1)}
    files = {stem(name): segment(name, text) for name, text in texts.items()}
    repository.commit("Declare", files)
    assert connected.run("apply", "--auto-approve").code == 0
    console.create("Made by hand", query("city = 'Brno'"))
    for remote_segment in console.segments():
        # The page shows an id, so these need fixed ones.
        name = remote_segment.name
        if name in ("Churn risk", "Trial ending", "Newsletter readers"):
            console.delete(remote_segment.id)
            fixed_id = f"5e9c0de2-71b3-4d5a-8c44-{len(name):012}"
            console.create(name, remote_segment.query, id=fixed_id, contacts_count=1203)
    remote.clock.moment = datetime.fromtimestamp(START + 3600, UTC)
    shown = []

    def plan(*argv: str) -> None:
        shown.append(connected.run("plan", *argv).out)

    head = repository.commit("Remove", {"churn-risk.yaml": None})
    plan()
    ids = {item.name: item.id for item in console.segments()}
    remote.clock.moment = datetime.fromtimestamp(START + 40, UTC)
    edited = ("Churn risk", "Big spenders")
    for name in edited:
        console.edit(ids[name], query=query("city = 'Brno'"))
    taken = segment("Made by hand", "city = 'Praha'")
    repository.commit("Take a name", {"made-by-hand.yaml": taken})
    plan()
    repository.commit("Give it back", {"made-by-hand.yaml": None})
    # A later time, or the cache has the definition.
    remote.clock.moment = datetime.fromtimestamp(START + 50, UTC)
    for name in edited:
        console.edit(ids[name], query=query(texts[name]), contacts_count=1203)
    remote.clock.moment = datetime.fromtimestamp(START + 3600, UTC)
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
    return "\n".join(shown)


def test_the_page_shows_real_output(outputs: str) -> None:
    examples = blocks("text")
    assert len(examples) >= 6
    for block in examples:
        assert block in outputs, outputs


@pytest.mark.parametrize("block", [block for block in blocks("yaml") if "uses:" not in block])
def test_every_yaml_block_is_valid(project: Project, block: str) -> None:
    project.write({"segctl.yaml" if block.startswith("version:") else "segments/a.yaml": block})
    result = project.run("validate")
    assert result.code == 0, result.err
