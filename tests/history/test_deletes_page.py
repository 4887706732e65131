"""The page on deletes: its examples are real output, and its tables have what plans do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.history.page_situations import SITUATIONS, Stage
from tests.history.repository import START, Repository, ids_by_name, segment, set_time
from tests.support.builders import query
from tests.support.process import REPOSITORY

if TYPE_CHECKING:
    from tests.support.account import Remote
    from tests.support.project import Project

PAGE = (REPOSITORY / "docs/how-deletes-are-decided.md").read_text("utf-8")
ROW = re.compile(r"^\| ([^|]+) \| ([^|]+) \| ([^|]*) ?\|$", re.MULTILINE)


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def outputs(connected: Project, remote: Remote) -> str:
    """The output of every plan that the page shows."""
    console = remote.emulator.console
    set_time(remote, 0.5)
    repository = Repository(connected.root, connected.root)
    repository.git("init", "--quiet", "--initial-branch=main")
    churn_risk = segment("Churn risk", "total_spend > 100")
    repository.commit("Declare", {"churn-risk.yaml": churn_risk, "keep.yaml": segment("Keep")})
    console.create("Made by hand", query("city = 'Brno'"), at=START - 60)
    # The page shows an id, so this needs a fixed one.
    fixed_id = "5e9c0de2-71b3-4d5a-8c44-000000000010"
    console.create("Churn risk", query("total_spend > 100"), id=fixed_id, contacts_count=1203)
    set_time(remote, 60)
    repository.commit("Remove", {"churn-risk.yaml": None})
    shown = connected.run("plan").out
    taken = segment("Made by hand", "city = 'Praha'")
    repository.commit("Take a name", {"made-by-hand.yaml": taken})
    return shown + connected.run("plan").out


def test_the_page_shows_real_output(outputs: str) -> None:
    examples = blocks("text")
    assert len(examples) >= 3
    for block in examples:
        assert block in outputs, outputs


@pytest.mark.parametrize("block", [block for block in blocks("yaml") if "uses:" not in block])
def test_every_yaml_block_is_valid(project: Project, block: str) -> None:
    project.write({"segctl.yaml" if block.startswith("version:") else "segments/a.yaml": block})
    result = project.run("validate")
    assert result.code == 0, result.err


def rows() -> list[tuple[str, str, str]]:
    """Return the situation, the plan and the decision in each row of the page's tables."""
    return [row for row in ROW.findall(PAGE) if not row[1].startswith(("the plan", "---"))]


def test_every_row_has_a_situation() -> None:
    assert [situation for situation, _, _ in rows()] == [*SITUATIONS]


@pytest.mark.parametrize(("situation", "plan", "decision"), rows())
def test_every_row_is_what_a_plan_does(
    connected: Project, remote: Remote, situation: str, plan: str, decision: str
) -> None:
    SITUATIONS[situation](Stage.build(connected, remote))
    before, ids = remote.definitions(), ids_by_name(remote)
    outcome, code = re.split("[,:]", plan)[0], "".join(re.findall("`(.+)`", plan))
    exit_code = {"refused": 3, "error": 1}.get(outcome, 0)
    result = connected.run("plan")
    words = " ".join(result.out.split())
    assert (result.code, f"[{code}]" in words) == (exit_code, bool(code)), result.out
    if code and code != "proven-by-git":
        for piece in re.findall("`(.+?)`", decision):
            assert piece in words
    assert connected.run("apply", "--auto-approve").code == exit_code
    assert has_happened(outcome, ids, ids_by_name(remote), before, remote.definitions())
    assert exit_code or connected.run("plan", "--detailed-exitcode").code == 0


def has_happened(
    outcome: str,
    ids: dict[str, str],
    new_ids: dict[str, str],
    before: dict[str, tuple[str, tuple[str, ...]]],
    after: dict[str, tuple[str, tuple[str, ...]]],
) -> bool:
    """Return whether an apply did what the page says."""
    match outcome:
        case "deleted":
            return {*before} - {*after} == {"VIP"} and before.items() > after.items()
        case "renamed":
            (old,), (new,) = {*ids} - {*new_ids}, {*new_ids} - {*ids}
            return ids[old] == new_ids[new]
        case "handed over":
            rest = {name: id_ for name, id_ in ids.items() if name != "VIP"}
            return new_ids == {**rest, "A": ids["VIP"]}
        case "patched":
            return before != after and ids == new_ids
        case "created beside it" | "created":
            return before.items() < after.items()
    assert outcome in {"left", "refused", "error", "unchanged"}
    return (before, ids) == (after, new_ids)
