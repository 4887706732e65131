"""The documentation is true: generated parts are current, links resolve, and every block works."""

from __future__ import annotations

import dataclasses
import os
import re
import shlex
import shutil
import subprocess
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest
import yaml

from segctl import app
from segctl.app.emulator_world import read_world
from segctl.cli.invocation import Invocation
from segctl.cli.program import COMMANDS, program
from segctl.declarations.account_file import account_text
from segctl.declarations.conditions_file import read_conditions
from segctl.declarations.instances_file import read_instance_sets
from segctl.emulator import Emulator, serve
from segctl.model.contact_fields import Field, FieldType, KnownAccount
from tests.house.pages import PAGES, blocks, current_text, documents, examples
from tests.support.account import KEY, TEST_SETTINGS
from tests.support.builders import ALL
from tests.support.process import REPOSITORY, child_env

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.project import Project

LISTS = ("Newsletter", "Blocked", "Customers acme", "Customers globex")
"""The lists of the examples."""

NAMES = [page.relative_to(REPOSITORY).as_posix() for page in documents()]


@pytest.mark.parametrize("name", sorted({*NAMES, *PAGES}))
def test_the_generated_parts_are_current(name: str, request: pytest.FixtureRequest) -> None:
    page = REPOSITORY / name
    if request.config.getoption("--docs-write"):
        page.write_text(current_text(page), "utf-8", newline="\n")
    assert page.read_text("utf-8") == current_text(page)


def test_the_readme_names_every_command() -> None:
    readme = (REPOSITORY / "README.md").read_text("utf-8")
    for name in COMMANDS:
        assert f"`segctl {name}" in readme, name


def test_every_command_shows_examples() -> None:
    shown = "\n".join(examples())
    for name in COMMANDS:
        assert f"segctl {name}" in shown or re.search(rf"segctl .*\b{name}\b", shown), name


@pytest.mark.parametrize("line", sorted(set(examples())))
def test_every_example_in_the_help_is_a_valid_command_line(line: str) -> None:
    _, *argv = shlex.split(line)
    context = program.make_context("segctl", argv, obj=Invocation({}))
    name, command, remaining = program.resolve_command(
        context, context._protected_args + context.args
    )
    while command is not None and remaining is not None:
        context = command.make_context(name, remaining, parent=context)
        if not isinstance(command, click.Group):
            return
        name, command, remaining = command.resolve_command(
            context, context._protected_args + context.args
        )
    pytest.fail(f"{line} names no command")


def headings(page: Path) -> set[str]:
    """Return the anchors that GitHub gives the headings of a page."""
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_links_of_the_pages_resolve() -> None:
    for page in documents():
        for link in re.findall(r"\]\(([^)]+)\)", page.read_text("utf-8")):
            name, _, anchor = link.partition("#")
            if not link.startswith("http"):
                target = Path(page.parent, name) if name else page
                assert target.exists(), f"{page.name}: {link}"
                assert not anchor or anchor in headings(target), f"{page.name}: {link}"


def every(*kinds: str) -> list[object]:
    return [
        pytest.param(block, id=f"{page.stem}-{number}")
        for page in documents()
        for number, block in enumerate(blocks(page, *kinds), start=1)
    ]


def write_what_names_stand_for(project: Project, block: str) -> None:
    """Write the files that the names in an example need."""
    if "@spends" in block:
        text = "conditions: { consented: plan = 'pro', spends: total_spend > @least }\n"
        settings = "version: 1\nvalues: { least: 500, language: cs }\n"
        project.write({"segments/conditions.yaml": text, "segctl.yaml": settings})
    if "for_each: { market: markets }" in block:
        sets = "instances: { markets: { de: { land: Germany }, fr: { land: France } } }\n"
        project.write({"segments/instances.yaml": sets})
    if "shop-us: { values" in block:
        settings = "version: 1\ntargets: { shop-eu: {}, shop-us: {} }\ndefault_target: shop-eu\n"
        project.write({"segctl.yaml": settings})
    if "parent_list: " in block or "@list(" in block:
        lists = {str(uuid.UUID(int=number)): name for number, name in enumerate(LISTS)}
        sends = {str(uuid.UUID(int=9)): "Spring sale"}
        fields = (Field("marketing_consent", FieldType.TEXT),) if "consent" in block else ()
        account = KnownAccount(fields, (), "production", "2026-07-15T00:00:00Z", lists, sends)
        project.write({"segments/accounts/production.yaml": account_text(account)})


@pytest.mark.parametrize("block", every("yaml"))
def test_every_yaml_block_is_valid(project: Project, block: str, tmp_path: Path) -> None:
    if block.startswith("on:"):
        file = tmp_path / "workflow.yaml"
        file.write_text(block, "utf-8")
        check("vendor.github-workflows", file)
        return
    if block.startswith("- uses:"):
        job = {"runs-on": "ubuntu-latest", "steps": yaml.safe_load(block)}
        file = tmp_path / "workflow.yaml"
        file.write_text(yaml.safe_dump({"on": "push", "jobs": {"job": job}}), "utf-8")
        check("vendor.github-workflows", file)
        return
    if block.startswith("# world.yaml"):
        assert read_world("world.yaml", block.encode())[1] == []
        return
    if block.startswith("repos:"):
        for hook in yaml.safe_load(block)["repos"][0]["hooks"]:
            assert hook["entry"].removeprefix("segctl ") in COMMANDS
        return
    if block.startswith("# segments/instances.yaml"):
        sets, document = read_instance_sets("segments/instances.yaml", block.encode())
        assert (sets is not None, document.diagnostics) == (True, [])
        return
    if block.startswith("# segments/conditions.yaml"):
        assert not read_conditions("segments/conditions.yaml", block.encode()).document.diagnostics
        return
    block = block.removeprefix("# segctl.yaml\n")
    write_what_names_stand_for(project, block)
    names = {
        "version": "segctl.yaml",
        "now": "segments/fixtures.yaml",
        "policies": "policies.yaml",
    }
    name = names.get(block.partition(":")[0], "segments/a.yaml")
    fields = (REPOSITORY / "segments/fields.yaml").read_text("utf-8")
    if name == "policies.yaml":
        # Their fields are those of the readers.
        project.declare("A", ALL)
        project.write({name: block})
    else:
        project.write({name: block, "segments/fields.yaml": fields})
    if "query_file:" in block:
        query = (REPOSITORY / "segments/lifecycle/sent-not-opened.sql").read_text("utf-8")
        project.write({"segments/sent-not-opened.sql": query})
    done = project.run("validate")
    assert (done.code, done.err) == (0, done.err), done.err
    assert "error[" not in done.err


def test_every_block_is_of_a_known_kind() -> None:
    kinds = {
        kind
        for page in documents()
        for kind in re.findall(
            r"^```(\w*)\n.*?^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL
        )
    }
    assert kinds <= {"yaml", "sh", "python", "text", "sql", "diff", "rego"}


def check(schema: str, *files: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *map(str, files)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_workflows_and_the_action_match_the_schemas_of_github() -> None:
    check("vendor.github-workflows", *(REPOSITORY / ".github/workflows").glob("*.yml"))
    check("vendor.github-actions", REPOSITORY / ".github/actions/segctl/action.yml")


def test_workflows_use_inputs_and_outputs_that_the_action_has() -> None:
    action = yaml.safe_load((REPOSITORY / ".github/actions/segctl/action.yml").read_text("utf-8"))
    texts = [file.read_text("utf-8") for file in (REPOSITORY / ".github/workflows").glob("*.yml")]
    texts += [block for page in documents() for block in blocks(page, "yaml")]
    used = 0
    for text in texts:
        document = yaml.safe_load(text)
        # An example in the pages may show the steps alone.
        has_jobs = isinstance(document, dict)
        jobs = document.get("jobs", {}).values() if has_jobs else [{"steps": document}]
        for step in (step for job in jobs for step in job["steps"] if "uses" in step):
            if step["uses"] == "./.github/actions/segctl":
                used += 1
                assert step.get("with", {}).keys() <= action["inputs"].keys(), step
        for step, name in re.findall(r"steps\.(\w+)\.outputs\.(\w+)", text):
            assert f"id: {step}" in text
            assert name in action["outputs"], f"{step} has no output {name}"
    assert used > 5


def test_every_action_is_pinned_to_a_commit() -> None:
    for file in (*(REPOSITORY / ".github").rglob("*.yml"), *documents()):
        for used in re.findall(r"uses: (\S+.*)$", file.read_text("utf-8"), re.MULTILINE):
            pinned = re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v[\d.]+", used)
            assert pinned or used.startswith("./"), f"{file.name}: {used}"


@pytest.fixture
def world() -> Iterator[str]:
    """The URL of a seeded account on a socket."""
    settings = dataclasses.replace(
        TEST_SETTINGS, event_validation_delay=0.0, event_sample_delay=0.0, export_delay=0.0
    )
    with Emulator(None, settings) as emulator, serve(emulator) as server:
        emulator.seed()
        yield server.url


@pytest.mark.posix
@pytest.mark.parametrize("block", every("python"))
def test_every_python_block_runs(world: str, tmp_path: Path, block: str) -> None:
    shop = tmp_path / "shop"
    shutil.copytree(REPOSITORY / "segments", shop / "segments")
    shutil.copy(REPOSITORY / "segctl.yaml", shop)
    env = {"SEGCTL_BASE_URL": world, "SENDGRID_API_KEY": KEY, "XDG_CACHE_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", block],
        cwd=shop,
        env=child_env(PYTHONPATH=str(REPOSITORY), **env),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""


def test_the_page_of_the_python_api_names_every_function() -> None:
    page = (REPOSITORY / "docs/python-api.md").read_text("utf-8")
    missing = [name for name in app.__all__ if name.islower() and f"`{name}`" not in page]
    assert missing == []


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
@pytest.mark.parametrize("block", every("sh"))
def test_every_shell_block_runs(world: str, tmp_path: Path, block: str) -> None:
    shop = tmp_path / "shop"
    shutil.copytree(REPOSITORY / "segments", shop / "segments")
    shutil.copy(REPOSITORY / "segctl.yaml", shop)
    shim = tmp_path / "bin" / "segctl"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\nexec {sys.executable} -m segctl "$@"\n')
    shim.chmod(0o755)
    env = {
        "PATH": f"{shim.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(REPOSITORY),
        "HOME": str(tmp_path),
        "LC_ALL": "C.UTF-8",
        "SEGCTL_BASE_URL": world,
        "SENDGRID_API_KEY": KEY,
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": "user.name",
        "GIT_CONFIG_VALUE_0": "Test",
        "GIT_CONFIG_KEY_1": "user.email",
        "GIT_CONFIG_VALUE_1": "test@example.com",
    }
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "Declare the segments"]):
        subprocess.run(["git", *command], cwd=shop, env=env, check=True)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block],
        cwd=shop,
        env=env,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
