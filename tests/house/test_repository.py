"""The files around the code: pinned versions, GitHub's forms, hooks and project metadata."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.support.process import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GITHUB = REPOSITORY / ".github"
REPOSITORY_URL = "https://github.com/segctl/segctl"
SCHEMAS = {
    "vendor.dependabot": "dependabot.yml",
    "vendor.github-issue-config": "ISSUE_TEMPLATE/config.yml",
    "vendor.github-issue-forms": "ISSUE_TEMPLATE/[!c]*.yml",
    "vendor.github-actions": "actions/*/action.yml",
    "vendor.github-workflows": "workflows/*.yml",
}
HOOK_PACKAGES = {
    "https://github.com/astral-sh/ruff-pre-commit": "ruff",
    "https://github.com/python-jsonschema/check-jsonschema": "check-jsonschema",
    "https://github.com/zizmorcore/zizmor-pre-commit": "zizmor",
}


@cache
def project() -> dict[str, Any]:
    data: dict[str, Any] = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))
    return data


@cache
def pins() -> dict[str, Version]:
    """Return the version that CI installs, by normalized package name."""
    text = (REPOSITORY / ".ci/constraints.txt").read_text("utf-8")
    requirements = [Requirement(line) for line in text.splitlines() if not is_comment(line)]
    return {
        canonicalize_name(requirement.name): Version(str(requirement.specifier)[2:])
        for requirement in requirements
    }


def is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def requirements() -> Iterator[Requirement]:
    """Yield what pyproject.toml asks for: to build, to run, and in each extra."""
    data = project()
    yield from map(Requirement, data["build-system"]["requires"])
    yield from map(Requirement, data["project"]["dependencies"])
    for extra in data["project"]["optional-dependencies"].values():
        yield from map(Requirement, extra)


@pytest.mark.parametrize(
    "requirement", sorted({*requirements()} - {Requirement("segctl[test]")}, key=str), ids=str
)
def test_every_requirement_has_a_pin_that_meets_it(requirement: Requirement) -> None:
    if requirement.name == "segctl":
        assert requirement.extras <= project()["project"]["optional-dependencies"].keys()
        return
    pin = pins().get(canonicalize_name(requirement.name))
    assert pin is not None, "refresh .ci/constraints.txt (see CONTRIBUTING)"
    assert pin in requirement.specifier, "refresh .ci/constraints.txt (see CONTRIBUTING)"


def test_the_pins_do_not_name_a_package_index() -> None:
    text = (REPOSITORY / ".ci/constraints.txt").read_text("utf-8")
    assert not re.search(r"://|--(extra-)?index-url|--find-links|@ ", text)


@pytest.mark.parametrize("path", [".ci/constraints.txt", ".github/actions/segctl/requirements.txt"])
def test_contributing_shows_the_command_that_wrote_the_pins(path: str) -> None:
    written = (REPOSITORY / path).read_text("utf-8").splitlines()[1]
    command = written.removeprefix("#").split()
    contributing = (GITHUB / "CONTRIBUTING.md").read_text("utf-8").replace("\\\n", " ").split("\n")
    (shown,) = (line.split() for line in contributing if f"--output-file {path}" in line)
    assert [word for word in shown[shown.index("uv") :] if word != "--upgrade"] == command


@pytest.mark.parametrize("repository", sorted(HOOK_PACKAGES))
def test_the_hooks_run_the_versions_of_ci(repository: str) -> None:
    config = yaml.safe_load((REPOSITORY / ".pre-commit-config.yaml").read_text("utf-8"))
    revisions = {entry["repo"]: entry.get("rev") for entry in config["repos"]}
    assert revisions.keys() == {*HOOK_PACKAGES, "local"}
    assert Version(revisions[repository]) == pins()[HOOK_PACKAGES[repository]]


def test_this_repository_runs_the_hooks_it_ships() -> None:
    shipped = yaml.safe_load((REPOSITORY / ".pre-commit-hooks.yaml").read_text("utf-8"))
    config = yaml.safe_load((REPOSITORY / ".pre-commit-config.yaml").read_text("utf-8"))
    (local,) = (entry["hooks"] for entry in config["repos"] if entry["repo"] == "local")
    hooks = {hook["id"]: hook for hook in local}
    for hook in shipped:
        ours = hooks[hook["id"]]
        assert ours["entry"] == f"python -m {hook['entry']}"
        assert (ours["files"], ours["pass_filenames"]) == (hook["files"], hook["pass_filenames"])


@pytest.mark.parametrize("schema", sorted(SCHEMAS))
def test_github_can_read_its_files(schema: str) -> None:
    files = sorted(GITHUB.glob(SCHEMAS[schema]))
    assert files
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *map(str, files)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_urls_of_the_package_name_files_of_this_repository() -> None:
    for url in project()["project"]["urls"].values():
        assert url.startswith(REPOSITORY_URL)
        _, is_file, path = url.partition("/blob/main/")
        assert not is_file or (REPOSITORY / path).is_file(), url


def links(page: Path) -> list[str]:
    """Return the targets of a page's links, without those to other sites and without anchors."""
    targets = re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8"))
    return [target.partition("#")[0] for target in targets if "://" not in target]


def test_the_index_links_every_page() -> None:
    docs = REPOSITORY / "docs"
    index = docs / "index.md"
    linked = {(docs / target).resolve() for target in links(index)}
    assert {page.resolve() for page in docs.rglob("*.md")} - {index.resolve()} <= linked


@pytest.mark.parametrize("page", sorted(GITHUB.rglob("*.md")), ids=lambda page: page.name)
def test_links_of_the_pages_for_contributors_resolve(page: Path) -> None:
    for target in links(page):
        assert (page.parent / target).exists(), target
    for path in re.findall(rf"{REPOSITORY_URL}/blob/main/([\w./-]+)", page.read_text("utf-8")):
        assert (REPOSITORY / path).exists(), path


def test_contributing_lists_every_room() -> None:
    text = (GITHUB / "CONTRIBUTING.md").read_text("utf-8")
    table = text.partition("| room |")[2].partition("\n\n")[0]
    listed = [
        room for row in table.split("\n") for room in re.findall(r"`(\w+)/`", row.split("|")[1])
    ]
    packages = (REPOSITORY / "segctl").glob("*/__init__.py")
    assert sorted(listed) == sorted(package.parent.name for package in packages)


def test_contributing_names_files_that_exist() -> None:
    text = (GITHUB / "CONTRIBUTING.md").read_text("utf-8")
    paths = re.findall(r"(?<![\w/])(?:tests|docs)/[\w./-]*\w", text)
    assert paths
    assert [path for path in paths if not (REPOSITORY / path).exists()] == []
