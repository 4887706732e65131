"""Promise: what a link in a pull request leads to is not shown, nor what git keeps for itself.

Against links in place of every file that segctl reads in a project, to files whose content would
come out in a message about them: another file of the machine, the settings of the checkout, which
may contain a token, and files that git ignores.
"""

from __future__ import annotations

import base64
import subprocess
from typing import TYPE_CHECKING, NamedTuple

import pytest

from segctl.cli.output import FORMATS
from tests.support.builders import query

if TYPE_CHECKING:
    from tests.support.project import Project

pytestmark = pytest.mark.posix

WORDS = ("hunter2", "correct-horse", base64.b64encode(b"x-access-token:hunter2").decode())
GIT = "settings of git"
CONTENTS = {
    "YAML": "hunter2: correct-horse\n",
    "broken YAML": "[core]\n\thunter2 = : {correct-horse\n",
    GIT: f"[http]\n\textraheader = AUTHORIZATION: basic {WORDS[2]}\n",
    "a segment": "name: hunter2\nquery_dsl: SELECT correct-horse FROM hunter2\n",
    "a query": "SELECT 'hunter2' FROM correct-horse WHERE hunter2 =\n",
    "a table": "contact_id,hunter2\ncorrect-horse,hunter2\n",
    "JSON": '{"hunter2": "correct-horse", "format_version": "1.0"}\n',
}


class Plant(NamedTuple):
    """The place of a link, relative to the project, and the commands that read it."""

    link: str
    commands: tuple[str, ...]


READERS = ("validate", "lint", "fmt --diff", "explain", "plan", "test", "list", "drift", "history")
COUNTERS = ("preview", "plan", "contacts show")
PLANTS = [
    Plant("segctl.yaml", (*READERS, "init", "preview")),
    Plant("segments/a.yaml", READERS),
    Plant("segments/a.sql", READERS),
    Plant("segments/fields.yaml", (*READERS, "preview")),
    Plant("segments/accounts/production.yaml", (*READERS, "preview", "account pull")),
    Plant("segments/fixtures.yaml", READERS),
    Plant("people.csv", (*COUNTERS, "validate")),
    Plant("events.csv", (*COUNTERS, "validate")),
    Plant(".segctl/contacts/production.duckdb", ("preview --contacts pulled", "contacts show")),
    Plant(".segctl/contacts/production.pull.json", ("contacts show", "contacts pull")),
    Plant(".gitignore", ("init",)),
    Plant("schemas/segment.schema.json", ("init", "init --update")),
    Plant(".github/workflows/segments-plan.yml", ("init", "init --update")),
]
SETTINGS = "version: 1\ncontacts: {contacts: people.csv, events: events.csv}\n"


@pytest.fixture
def world(connected: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with a file of each kind."""
    connected.write(
        {
            "segctl.yaml": SETTINGS,
            "segments/a.yaml": "name: A\nquery_file: a.sql\n",
            "segments/a.sql": query("total_spend > 500"),
            "people.csv": "contact_id,total_spend\n1,900\n",
            "events.csv": "contact_id,event_type\n1,open\n",
        }
    )
    subprocess.run(["git", "init", "-q"], cwd=connected.root, check=True)
    monkeypatch.chdir(connected.root)
    return connected


def check_silent(project: Project, command: str) -> None:
    """Run a command in each format that it has, and check that it shows nothing."""
    for options in [["--format", view] for view in FORMATS] if command == "validate" else [[]]:
        argv = [*command.split(), *options]
        result = project.run(*argv, "-vv")
        shown = [word for word in WORDS if word in result.out + result.err]
        assert not shown, f"{argv}: {result.out}{result.err}"
        assert "internal error" not in result.err


@pytest.mark.parametrize(
    ("target", "content"),
    [*(("outside", content) for content in CONTENTS), (".git/config", GIT), (".env", "YAML")],
)
@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.link)
def test_what_a_link_leads_to_is_not_shown(
    world: Project,
    plant: Plant,
    content: str,
    target: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    file = world.root / target
    if target == "outside":
        file = tmp_path_factory.mktemp("outside") / "secret"
    with file.open("a") as stream:
        stream.write(CONTENTS[content])
    link = world.root / plant.link
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(file)
    for command in plant.commands:
        check_silent(world, command)


@pytest.mark.parametrize("file", ["segctl.yaml", "segments/a.yaml", "segments/a.sql"])
def test_the_words_of_a_file_itself_are_shown(world: Project, file: str) -> None:
    # So the attacks would succeed if the link were followed.
    content = {"segctl.yaml": "YAML", "segments/a.yaml": "YAML", "segments/a.sql": "a query"}[file]
    world.write({file: CONTENTS[content]})
    result = world.run("validate")
    assert "hunter2" in result.out + result.err


@pytest.mark.parametrize("folder", ["segments", "team"])
def test_the_folder_of_segments_is_not_behind_a_link(world: Project, folder: str) -> None:
    (world.root / ".git" / "a.yaml").write_text(CONTENTS["a segment"])
    (world.root / "b.yaml").symlink_to(".git/a.yaml")
    for target in (".git", "."):
        for file in (world.root / "segments").glob("*"):
            file.unlink()
        if folder == "segments":
            (world.root / "segments").rmdir()
        (world.root / folder).symlink_to(target)
        world.write({"segctl.yaml": f"version: 1\nsegments: {folder}\n"})
        for command in READERS:
            check_silent(world, command)
        (world.root / folder).unlink()
        (world.root / "segments").mkdir(exist_ok=True)


@pytest.mark.parametrize("path", [".git/config", "segments/../.git/config", ".GIT/config"])
@pytest.mark.parametrize("key", ["contacts", "events"])
def test_a_file_of_git_is_not_read_as_contacts(world: Project, path: str, key: str) -> None:
    with (world.root / ".git/config").open("a") as stream:
        stream.write(CONTENTS[GIT])
    files = {"contacts": "people.csv", key: path}
    named = ", ".join(f"{name}: {file}" for name, file in files.items())
    world.write({"segctl.yaml": f"version: 1\ncontacts: {{{named}}}\n"})
    for command in COUNTERS:
        check_silent(world, command)


@pytest.mark.parametrize("path", ["../.git/config", "../../secret", "/etc/passwd", ".hidden.sql"])
def test_a_query_file_is_one_of_the_folder(world: Project, path: str) -> None:
    with (world.root / ".git/config").open("a") as stream:
        stream.write(CONTENTS[GIT])
    world.write(
        {
            "segments/a.yaml": f"name: A\nquery_file: {path}\n",
            "segments/.hidden.sql": CONTENTS["a query"],
        }
    )
    for command in READERS:
        check_silent(world, command)


@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("command", ["show plan.json", "apply plan.json --auto-approve"])
def test_a_file_that_is_no_plan_is_not_shown(
    world: Project, command: str, content: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("outside") / "secret"
    file.write_text(CONTENTS[content])
    (world.root / "plan.json").symlink_to(file)
    check_silent(world, command)
