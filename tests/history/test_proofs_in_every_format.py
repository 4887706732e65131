"""Every format names the commits of each delete, rename and takeover, with file, date, author."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.builders import query

from .repository import Repository, applied_repository, ids_by_name, segment, set_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.account import Remote
    from tests.support.project import Project

FORMATS = ["text", "json", "markdown", "html", "github", "sarif"]
VIP, BRNO = "total_spend > 500", "city = 'Brno'"


@dataclass(frozen=True)
class Case:
    """Commits after the first one, and what a plan says of the commits, for each changed segment.

    In the sentences, D stands for the commit that declared a segment, and a number for one of
    `steps`. `proofs` has the same by the name of a change, as in JSON.
    """

    steps: tuple[Mapping[str, str | None], ...]
    sentences: tuple[str, ...]
    proofs: Mapping[str, Mapping[str, tuple[str, str]]]


VIP_DECLARED = "D declared it as it is in segments/vip.yaml"
VIP_REMOVED = "0 removed its name from segments/vip.yaml"
KEEP_DECLARED = "D declared it as it is in segments/keep.yaml"
KEEP_REMOVED = "0 removed its name from segments/keep.yaml"
RENAMED = "`VIP` is renamed to `Best`"
GUESTS_RENAMED = "`Guests` is renamed to `Visitors`: 0 declared it as it is in segments/guests.yaml"
BY_NAME = "wrote its name in `previous_names` of segments"
CASES = {
    "delete": Case(
        ({"vip.yaml": None},),
        (f"`VIP` is deleted: {VIP_DECLARED}, and 0 removed its name from segments/vip.yaml",),
        {"VIP": {"declared": ("D", "vip.yaml"), "removed": ("0", "vip.yaml")}},
    ),
    "delete, removed: true": Case(
        ({"vip.yaml": None}, {"gone.yaml": "name: VIP\nremoved: true\n"}),
        (f"`VIP` is deleted: {VIP_DECLARED}, and 1 wrote `removed: true` in segments/gone.yaml",),
        {"VIP": {"declared": ("D", "vip.yaml"), "removed": ("1", "gone.yaml")}},
    ),
    "rename in its file": Case(
        ({"vip.yaml": segment("Best", VIP)},),
        (f"{RENAMED}: {VIP_DECLARED}, and {VIP_REMOVED}",),
        {"Best": {"declared": ("D", "vip.yaml"), "removed": ("0", "vip.yaml")}},
    ),
    "rename by previous_names": Case(
        ({"vip.yaml": segment("Best", VIP, extra="previous_names: [VIP]\n")},),
        (f"{RENAMED}: {VIP_DECLARED}, and {VIP_REMOVED}",),
        {
            "Best": {
                "declared": ("D", "vip.yaml"),
                "removed": ("0", "vip.yaml"),
                "named": ("0", "vip.yaml"),
            }
        },
    ),
    "rename by previous_names, later": Case(
        (
            {"vip.yaml": None},
            {"best.yaml": segment("Best", "city = 'Praha'", extra="previous_names: [VIP]\n")},
        ),
        (f"{RENAMED}: {VIP_DECLARED}, and {VIP_REMOVED}, and 1 {BY_NAME}/best.yaml",),
        {
            "Best": {
                "declared": ("D", "vip.yaml"),
                "removed": ("0", "vip.yaml"),
                "named": ("1", "best.yaml"),
            }
        },
    ),
    "rename of a segment of someone else by previous_names": Case(
        ({"guests.yaml": segment("Visitors", BRNO, extra="previous_names: [Guests]\n")},),
        (f"{GUESTS_RENAMED}, and 0 {BY_NAME}/guests.yaml",),
        {"Visitors": {"declared": ("0", "guests.yaml"), "named": ("0", "guests.yaml")}},
    ),
    "handover": Case(
        ({"vip.yaml": None, "keep.yaml": segment("VIP", "orders_count > 3")},),
        (
            f"`VIP` is deleted: {VIP_DECLARED}, and {VIP_REMOVED}",
            f"`Keep` is renamed to `VIP`: {KEEP_DECLARED}, and {KEEP_REMOVED}",
        ),
        {"VIP": {"declared": ("D", "keep.yaml"), "removed": ("0", "keep.yaml")}},
    ),
    "chain by previous_names": Case(
        (
            {
                "vip.yaml": segment("Keep", VIP, extra="previous_names: [VIP]\n"),
                "keep.yaml": segment("Rest", "orders_count > 3", extra="previous_names: [Keep]\n"),
            },
        ),
        (
            f"`VIP` is renamed to `Keep`: {VIP_DECLARED}, and {VIP_REMOVED}",
            f"`Keep` is renamed to `Rest`: {KEEP_DECLARED}, and 0 {BY_NAME}/keep.yaml",
        ),
        {"Rest": {"declared": ("D", "keep.yaml"), "named": ("0", "keep.yaml")}},
    ),
}
TAKEOVER = "0 declared its name in segments/guests.yaml"


@pytest.fixture
def repository(connected: Project, remote: Remote) -> Repository:
    """A repository with two applied segments, and one that someone made by hand before."""
    set_time(remote, -60)
    remote.emulator.console.create("Guests", query(BRNO))
    remote.emulator.console.create("By hand", query(BRNO))
    files = {"vip.yaml": segment("VIP", VIP), "keep.yaml": segment("Keep", "orders_count > 3")}
    return applied_repository(connected, remote, files)


def commit(repository: Repository, case: Case) -> dict[str, str]:
    """Commit the steps of a case; return the commits by what stands for them."""
    declared = repository.git("rev-parse", "HEAD")
    steps = enumerate(case.steps)
    return {"D": declared} | {str(n): repository.commit("Change", files) for n, files in steps}


def with_commits(sentence: str, commits: Mapping[str, str]) -> str:
    """Return a sentence as a plan has it."""
    return re.sub(
        r"\b(D|\d)(?= (declared|removed|wrote))",
        lambda match: f"commit {commits[match[1]][:10]} (2026-05-28, A Committer)",
        sentence,
    )


def text_of(output: str, form: str) -> str:
    """Return what a person reads of an output, without markup and line breaks."""
    if form == "json":
        output = output.replace("\\n", " ")
    if form in {"html", "markdown"}:
        output = html.unescape(re.sub(r"<[^>]*>", "", output))
    return " ".join(output.replace("`", "").split())


def proofs(changes: list[Any]) -> dict[str, Any]:
    """Return the proofs of changes as a case has them, by name."""
    return {
        change["name"]: {
            key: (evidence["commit"], evidence["file"].removeprefix("segments/"))
            for key, evidence in change["proof"].items()
            if evidence is not None
        }
        for change in changes
        if change["proof"] is not None
    }


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", CASES)
def test_plans_and_reports_name_the_commits(
    connected: Project, remote: Remote, repository: Repository, name: str, form: str
) -> None:
    case = CASES[name]
    commits = commit(repository, case)
    saved = str(connected.root.with_name(f"{connected.root.name}.json"))
    assert connected.run("plan", "--out", saved).code == 0
    before = ids_by_name(remote)
    outputs = [
        connected.run(*argv, "--format", form)
        for argv in (["plan"], ["show", saved], ["apply", saved, "--auto-approve"])
    ]
    assert [output.code for output in outputs] == [0, 0, 0]
    for output in outputs:
        for sentence in case.sentences:
            words = with_commits(sentence, commits).replace("`", "")
            if form != "json" or output is not outputs[-1]:
                assert words in text_of(output.out, form)
        if form == "json":
            document = json.loads(output.out)
            for change, expected in case.proofs.items():
                shown = proofs(document.get("changes", document.get("outcomes")))[change]
                assert shown == {key: (commits[c], file) for key, (c, file) in expected.items()}
    assert set(ids_by_name(remote).values()) <= set(before.values())
    assert connected.run("plan", "--detailed-exitcode").code == 0


@pytest.mark.parametrize("form", FORMATS)
def test_a_takeover_names_the_commit_before_and_after_the_file_allows_it(
    connected: Project, remote: Remote, repository: Repository, form: str
) -> None:
    text = segment("Guests", "city = 'Praha' AND total_spend > 1")
    commits = {"0": repository.commit("Take over", {"guests.yaml": text})}
    words = with_commits(TAKEOVER, commits)
    refused = connected.run("plan", "--format", form)
    assert (refused.code, words in text_of(refused.out, form)) == (3, True)
    repository.commit("Adopt", {"guests.yaml": f"{text}adopt: true\n"})
    for argv in (["plan"], ["apply", "--auto-approve"]):
        result = connected.run(*argv, "--format", form)
        assert result.code == 0
        if form == "json":
            document = json.loads(result.out)
            shown = proofs(document.get("changes", document.get("outcomes")))
            assert shown == {"Guests": {"named": (commits["0"], "guests.yaml")}}
        else:
            assert words in text_of(result.out, form)
    assert remote.definitions()["Guests"][0] == query("city = 'Praha' AND total_spend > 1")


@pytest.mark.usefixtures("remote")
def test_a_plan_that_renames_by_a_file_that_is_not_committed_names_the_declaration(
    connected: Project, repository: Repository
) -> None:
    declared = repository.git("rev-parse", "HEAD")
    repository.write({"vip.yaml": segment("Best", VIP, extra="previous_names: [VIP]\n")})
    data = json.loads(connected.run("plan", "--format", "json").out)
    assert proofs(data["changes"]) == {"Best": {"declared": (declared, "vip.yaml")}}
    assert connected.run("apply", "--auto-approve").code == 0
