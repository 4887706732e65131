"""Promise: segctl writes and removes nothing through a link that a pull request planted.

Against links in the project: the file that a command writes, or a folder on the way to it. Each
command that writes is attacked at each place that it writes to.
"""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
from typing import TYPE_CHECKING, NamedTuple

import pytest

from segctl.cli.program import COMMANDS
from segctl.common.secrets import Secret
from segctl.project.environment import account_digest
from tests.history.repository import applied_repository, edit_by_hand
from tests.support.account import KEY
from tests.support.builders import query

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.account import Remote
    from tests.support.project import Project

pytestmark = pytest.mark.posix

VIP = query("total_spend > 500")
OWN_CONTACTS = "version: 1\ncontacts: {contacts: people.csv}\n"
WITH_POLICY = OWN_CONTACTS + "policies: {some: {at_least: 1, level: advisory}}\n"
PULLED = "version: 1\ncontacts: pulled\n"
OWNERS = "version: 1\nowners: {sales: '@acme/sales'}\n"
EXPORT = f"{hashlib.sha256(b'').hexdigest()[:12]}-1"
"""The first file of an export of all contacts."""

REFUSED = 3


class Attack(NamedTuple):
    """A command, and a link planted in the project; `link` is relative to it.

    `settings` is the text of segctl.yaml. `code` is the exit code: a cache is not worth a failure,
    and a link in the way of a file that is replaced is replaced.
    """

    argv: str
    link: str
    code: int = REFUSED
    settings: str = "version: 1\n"


def name_of(attack: object) -> str | None:
    """Return the name of a test with an attack."""
    return f"{attack.argv} {attack.link}" if isinstance(attack, Attack) else None


OUT, JOURNAL = "plan --out", "apply --auto-approve --journal"
SANDBOX = "--target sandbox"
FILES = [
    Attack("init", ".gitignore"),
    Attack("account pull", "segments/accounts/production.yaml", 1),
    Attack("plan", ".cache/pins/DIGEST.json", 0),
    Attack("probe --write", "segctl.yaml", 1),
    Attack("fmt", "segments/linked.yaml", 1),
    Attack("import --all", "segments/unmanaged.yaml", 1),
    *(
        Attack("owners --codeowners", f"{folder}CODEOWNERS", settings=OWNERS)
        for folder in (".github/", "", "docs/")
    ),
    Attack("owners --codeowners owners.txt", "owners.txt", settings=OWNERS),
    Attack(f"{OUT} plan.json", "plan.json"),
    Attack(f"{OUT} ./segments/../plan.json", "plan.json"),
    Attack(f"{JOURNAL} journal.ndjson", "journal.ndjson"),
    Attack("emulator --port 0 --state account.sqlite3", "account.sqlite3"),
    Attack("emulator --port 0 --state account.sqlite3", "account.sqlite3-journal"),
    *(
        Attack(f"{SANDBOX} {command}", f".segctl/sandbox.sqlite3{suffix}")
        for suffix in ("", "-journal", "-wal", "-shm")
        for command in ("plan", "apply --auto-approve", "list")
    ),
    Attack(f"{SANDBOX} plan", ".segctl/.gitignore"),
    Attack("contacts pull", ".segctl/contacts/production.lock"),
    Attack("contacts pull", f".segctl/contacts/production.pull/{EXPORT}", 0),
    Attack("contacts pull", ".segctl/contacts/production.pull.json"),
    Attack("contacts pull", ".segctl/contacts/production.new.duckdb", 0),
    Attack("contacts pull", ".segctl/contacts/production.new.duckdb.wal", 0),
    Attack("contacts pull", ".segctl/contacts/production.duckdb", 0),
    Attack("contacts forget", ".segctl/contacts/production.duckdb", 0),
    Attack("contacts forget", ".segctl/contacts/production.pull.json", 0),
    Attack("contacts show", ".segctl/contacts/production.duckdb"),
    Attack("preview", ".segctl/contacts/production.duckdb", settings=PULLED),
    Attack("preview", ".segctl/contacts/production.duckdb.wal", settings=PULLED),
    Attack("preview", ".segctl/contacts-checked.json", 0, OWN_CONTACTS),
    Attack("plan", ".segctl/contacts-checked.json", 0, OWN_CONTACTS),
    Attack("policy", ".segctl/contacts-checked.json", 0, WITH_POLICY),
    Attack("preview", ".segctl/spill-0/lock", 0, OWN_CONTACTS),
    Attack("plan", ".cache/definitions/DIGEST.json", 0),
    Attack("refresh Unmanaged", ".cache/refreshes-DIGEST.json", 0),
    Attack("refresh Unmanaged", ".cache/refreshes-DIGEST.lock", 0),
]
FOLDERS = [
    *(Attack("init", link) for link in ("schemas", ".github", ".github/actions", "segments")),
    Attack("init --update", "schemas"),
    Attack("owners --codeowners", ".github", settings=OWNERS),
    Attack("account pull", "segments", 1),
    Attack("account pull", "segments/accounts", 1),
    Attack("fmt", "segments", 1),
    Attack("import --all", "segments"),
    Attack("upgrade --all", "segments"),
    Attack("account pull", "team", REFUSED, "version: 1\nsegments: team/segments\n"),
    Attack(f"{OUT} out/plan.json", "out"),
    Attack(f"{JOURNAL} out/journal.ndjson", "out"),
    Attack("emulator --port 0 --state out/account.sqlite3", "out"),
    *(
        Attack(f"{SANDBOX} {command}", ".segctl")
        for command in ("plan", "apply --auto-approve", "drift", "refresh Unmanaged")
    ),
    *(
        Attack(f"contacts {command}", link)
        for command in ("pull", "forget", "forget --all", "show")
        for link in (".segctl", ".segctl/contacts")
    ),
    Attack("contacts pull", ".segctl/contacts/production.pull"),
    Attack("contacts forget", ".segctl/contacts/production.pull"),
    Attack("contacts forget --all", ".segctl/contacts/production.pull"),
    Attack("contacts pull", ".segctl/contacts/production.pull/spill", 0),
    *(Attack("preview", link, settings=PULLED) for link in (".segctl", ".segctl/contacts")),
    Attack("preview", ".segctl", settings=OWN_CONTACTS),
    Attack("policy", ".segctl/spill-0", 0, WITH_POLICY),
    Attack("preview", ".segctl/spill-0", 0, OWN_CONTACTS),
    Attack("plan", ".segctl/spill-0", 0, OWN_CONTACTS),
    Attack("plan", ".cache", 0),
    Attack("plan", ".cache/definitions", 0),
    Attack("refresh Unmanaged", ".cache", 0),
]
READERS = {
    "validate",
    "lint",
    "explain",
    "show",
    "drift",
    "history",
    "list",
    "lists",
    "diff",
    "render",
    "ids",
    "completion",
    "test",
}
"""Commands that write at most what the attacked ones write: caches, and the sandbox.

`drift --accept` is attacked below.
"""


def test_every_command_is_attacked_or_known_to_write_nothing() -> None:
    attacked = {word for attack in FILES + FOLDERS for word in attack.argv.split()} & {*COMMANDS}
    assert attacked | READERS == {*COMMANDS}


def tree(folder: Path) -> dict[str, tuple[int, bytes | None]]:
    """Return the mode and the content of everything in a folder."""
    return {
        path.relative_to(folder).as_posix(): (
            stat.S_IMODE(path.lstat().st_mode),
            path.read_bytes() if path.is_file() else None,
        )
        for path in folder.rglob("*")
    }


@pytest.fixture
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder outside of the project with files that must not change."""
    outside = tmp_path_factory.mktemp("outside")
    (outside / "folder").mkdir()
    for name in (
        "victim",
        "folder/production.duckdb",
        "folder/production.pull.json",
        "folder/lock",
    ):
        (outside / name).write_text("precious\n")
        (outside / name).chmod(0o640)
    return outside


@pytest.fixture
def world(connected: Project, remote: Remote, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with something to create, format, import, upgrade, count and pull."""
    console = remote.emulator.console
    console.create("Unmanaged", VIP)
    console.seed_v1("Old", "city = 'Brno'")
    console.add_contact("a@example.test", fields={}, list_ids=[])
    remote.clock.forward(3600)
    connected.clock = remote.clock
    connected.declare("New", f"{VIP} ")
    connected.write({"people.csv": "contact_id,total_spend\n1,900\n"})
    connected.env["SEGCTL_CACHE_DIR"] = str(connected.root / ".cache")
    monkeypatch.chdir(connected.root)
    return connected


def plant(project: Project, attack: Attack, target: Path) -> Path:
    """Plant the link of an attack, in place of what is there."""
    url = project.env["SEGCTL_BASE_URL"]
    link = project.root / attack.link.replace("DIGEST", account_digest(url, None, Secret(KEY)))
    link.parent.mkdir(parents=True, exist_ok=True)
    if link.is_dir():
        for path in link.iterdir():
            path.unlink()
        link.rmdir()
    link.symlink_to(target)
    return link


def check(project: Project, attack: Attack, outside: Path) -> None:
    """Run the command of an attack, and check that nothing happened outside of the project."""
    project.write({"segctl.yaml": attack.settings})
    before = tree(outside)
    result = project.run(*attack.argv.split())
    assert tree(outside) == before
    assert result.code == attack.code, result.out + result.err
    assert "internal error" not in result.err
    if attack.code:
        # Which link, and what to do.
        name = attack.link.rpartition("/")[2]
        assert name in result.err
        assert "hint: " in result.err
    if attack.code == REFUSED:
        assert f"{name} is a link" in result.err or f"{name}/ is a link" in result.err, result.err


@pytest.mark.parametrize("attack", FILES, ids=name_of)
@pytest.mark.parametrize("target", ["victim", "missing"])
def test_nothing_is_written_through_a_link_to_a_file(
    world: Project, attack: Attack, outside: Path, target: str
) -> None:
    plant(world, attack, outside / target)
    check(world, attack, outside)


@pytest.mark.parametrize("attack", FOLDERS, ids=name_of)
def test_nothing_is_written_through_a_link_to_a_folder(
    world: Project, attack: Attack, outside: Path
) -> None:
    plant(world, attack, outside / "folder")
    check(world, attack, outside)


def test_a_link_inside_the_folder_is_not_formatted(world: Project) -> None:
    world.write({"segments/shared.txt": f"name: Shared\nquery_dsl: {VIP}   \n"})
    (world.root / "segments/shared.yaml").symlink_to("shared.txt")
    before = (world.root / "segments/shared.txt").read_bytes()
    result = world.run("fmt")
    assert (result.code, "shared" in result.out) == (0, False)
    assert (world.root / "segments/shared.txt").read_bytes() == before


@pytest.mark.parametrize(
    ("argv", "name"),
    [
        (f"{JOURNAL} journal.ndjson", "journal.ndjson"),
        (f"{SANDBOX} plan", ".segctl/sandbox.sqlite3"),
        (f"{SANDBOX} plan", ".segctl/sandbox.sqlite3-journal"),
        ("contacts pull", ".segctl/contacts/production.lock"),
        ("contacts pull", f".segctl/contacts/production.pull/{EXPORT}"),
    ],
)
def test_nothing_is_written_into_a_file_with_another_name(
    world: Project, outside: Path, argv: str, name: str
) -> None:
    before = tree(outside)
    path = world.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.hardlink_to(outside / "victim")
    result = world.run(*argv.split())
    assert tree(outside) == before
    if EXPORT not in name:
        assert result.code == REFUSED
        assert f"{name} is a file with another name elsewhere (a hard link)" in result.err


@pytest.mark.parametrize(
    ("argv", "name"),
    [
        ("account pull", "segments/accounts/production.yaml"),
        ("init", "schemas"),
        (f"{JOURNAL} journal.ndjson", "journal.ndjson"),
        (f"{SANDBOX} plan", ".segctl/sandbox.sqlite3"),
        ("contacts pull", ".segctl/contacts/production.lock"),
    ],
)
def test_a_pipe_in_the_way_is_reported(world: Project, argv: str, name: str) -> None:
    path = world.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(path)
    result = world.run(*argv.split())
    assert result.code == 1
    assert name.rpartition("/")[2] in result.err
    assert stat.S_ISFIFO(path.lstat().st_mode)


@pytest.mark.parametrize(
    "argv", [f"{SANDBOX} plan", f"{SANDBOX} refresh Unmanaged", "preview", "contacts pull"]
)
@pytest.mark.parametrize("name", ["sandbox.sqlite3", "contacts/production.duckdb", "notes"])
def test_a_state_folder_that_git_tracks_is_refused(world: Project, argv: str, name: str) -> None:
    world.write({"segctl.yaml": OWN_CONTACTS, f".segctl/{name}": "planted\n"})
    world.write({".gitignore": ".segctl/\npeople.csv\n"})
    for command in (["init", "-q"], ["add", "-f", f".segctl/{name}"]):
        subprocess.run(["git", *command], cwd=world.root, check=True)
    result = world.run(*argv.split())
    assert result.code == REFUSED
    assert f"git tracks .segctl/{name}" in result.err
    assert "git rm -r --cached .segctl/" in result.err
    assert (world.root / ".segctl" / name).read_text() == "planted\n"


def test_links_of_the_user_outside_of_the_project_are_followed(
    world: Project, outside: Path
) -> None:
    (outside / "link.json").symlink_to(outside / "victim")
    (outside / "journal").symlink_to(outside / "victim")
    assert world.run("plan", "--out", str(outside / "link.json")).code == 0
    assert '"format_version"' in (outside / "victim").read_text()
    argv = ("apply", "--auto-approve", "--journal", str(outside / "journal"))
    assert world.run(*argv).code == 0
    assert '"event":"answered"' in (outside / "victim").read_text()


def test_a_link_above_the_project_in_its_repository_is_not_followed(
    world: Project, outside: Path
) -> None:
    root = world.root
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    (root / "project").mkdir()
    for name in ("segments", "segctl.yaml", "people.csv"):
        if (root / name).exists():
            (root / name).rename(root / "project" / name)
    world.root = root / "project"
    (root / "plan.json").symlink_to(outside / "victim")
    before = tree(outside)
    result = world.run("plan", "--out", str(world.root / ".." / "plan.json"))
    assert (result.code, "plan.json is a link" in result.err) == (REFUSED, True)
    assert tree(outside) == before


def test_an_edit_in_sendgrid_is_not_accepted_through_a_link(
    connected: Project, remote: Remote
) -> None:
    files = {"own.yaml": "name: Own\nquery_file: own.sql\n", "shared.sql": f"{VIP}\n"}
    (connected.root / "segments/own.sql").symlink_to("shared.sql")
    repository = applied_repository(connected, remote, files)
    edit_by_hand(remote, "Own", query("total_spend > 900"))
    result = connected.run("drift", "--accept", "Own")
    assert result.code != 0
    assert (repository.root / "segments/shared.sql").read_text() == f"{VIP}\n"
    assert (connected.root / "segments/own.sql").is_symlink()
