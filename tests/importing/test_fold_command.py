"""`segctl import --fold` over HTTP: new segments and files of the project become fewer files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.history.repository import Repository
from tests.importing import hand_made
from tests.importing.test_import_command import files
from tests.support.builders import query

if TYPE_CHECKING:
    from tests.support.account import Remote
    from tests.support.project import Project

BRANDS, LANGUAGES = ("acme", "globex"), ("cs", "de", "en")
TITLE = "Winback ${variant} ${preferred_language}"
NOTHING = "Nothing to fold: no segments differ only in their names and values.\n"
FOLDED = (
    "name: Winback ${variant} ${preferred_language}\n"
    "for_each:\n"
    "  variant:\n"
    "    acme: {list_name: Customers acme}\n"
    "    globex: {list_name: Customers globex}\n"
    "  preferred_language: [cs, de, en]\n"
    "query_dsl: |\n"
    "  SELECT contact_id, updated_at\n"
    "  FROM contact_data\n"
    "  WHERE preferred_language = @preferred_language\n"
    "    AND array_contains(list_ids, [@list(@list_name)])\n"
)


def fill(remote: Remote) -> None:
    """Add a segment for each brand and language, and one that is like no other."""
    console = remote.emulator.console
    for number, brand in enumerate(BRANDS):
        id_ = f"0b1f4a10-5c1d-4a6e-9f02-{number:012x}"
        console.add_list(f"Customers {brand}", id=id_)
        for language in LANGUAGES:
            condition = f"preferred_language = '{language}' AND array_contains(list_ids, ['{id_}'])"
            console.create(f"Winback {brand} {language}", query(condition))
    console.create("VIP", query("total_spend > 500"))


def is_settled(project: Project) -> bool:
    """Return whether the files are formatted and valid, and the plan is empty."""
    results = [
        project.run(*argv)
        for argv in (("fmt", "--check"), ("validate",), ("plan", "--detailed-exitcode"))
    ]
    return [result.code for result in results] == [0, 0, 0] and "warning" not in results[1].err


def test_segments_that_differ_in_literals_become_one_file(
    connected: Project, remote: Remote
) -> None:
    fill(remote)
    assert connected.run("account", "pull").code == 0
    before = files(connected)
    dry = connected.run("import", "--all", "--fold", "--dry-run")
    assert files(connected) == before
    result = connected.run("import", "--all", "--fold")
    assert (result.code, result.out) == (
        0,
        f"segments/winback.yaml  {TITLE} (6 segments)\nsegments/vip.yaml  VIP\n",
    )
    assert result.err.startswith("Imported 7 segments.\nFolded 6 segments into 1 file.\nRun ")
    assert (dry.code, dry.out) == (0, result.out)
    assert dry.err == "Would import 7 segments.\nWould fold 6 segments into 1 file.\n"
    written = {path: text for path, text in files(connected).items() if path not in before}
    assert written == {
        "segments/winback.yaml": FOLDED,
        "segments/vip.yaml": f"name: VIP\nquery_dsl: {query('total_spend > 500')}\n",
    }
    assert is_settled(connected)

    after = files(connected)
    again = connected.run("import", "--all", "--fold")
    assert (again.code, again.out, again.err) == (
        0,
        "",
        f"Nothing to import: 7 already declared.\n{NOTHING}",
    )
    assert files(connected) == after
    assert {entry.method for entry in remote.emulator.log} == {"GET"}


def test_nothing_is_folded_unless_asked_and_options_are_as_ever(
    connected: Project, remote: Remote
) -> None:
    fill(remote)
    assert connected.run("account", "pull").code == 0
    assert len(connected.run("import", "--all", "--dry-run").out.splitlines()) == 7
    options = ("--layout", "crm/{slug}", "--owner", "crm", "--tag", "a, b")
    result = connected.run("import", "--only", "Winback *", "--fold", *options)
    assert result.out.startswith("segments/crm/winback.yaml  Winback")
    head, _, rest = FOLDED.partition("\n")
    text = (connected.root / "segments/crm/winback.yaml").read_text("utf-8")
    assert text == f'{head}\nowner: crm\ntags: ["a, b"]\n{rest}'
    assert is_settled(connected)


def test_an_account_made_by_hand_is_folded_to_few_files(connected: Project, remote: Remote) -> None:
    hand_made.fill(remote.emulator.console)
    assert connected.run("account", "pull").code == 0
    result = connected.run("import", "--all", "--fold")
    assert result.code == 0
    assert "Imported 200 segments.\nFolded 180 segments into 19 files.\n" in result.err
    assert "warning" not in result.err
    assert connected.run("fmt", "--check").code == 0
    plan = connected.run("plan", "--detailed-exitcode")
    assert (plan.code, "No changes. 200 segments" in plan.out) == (0, True)


@pytest.fixture
def repository(connected: Project) -> Repository:
    """A repository whose project is the connected one."""
    repository = Repository(connected.root, connected.root)
    repository.git("init", "--quiet", "--initial-branch=main")
    return repository


def test_files_of_the_project_are_replaced_and_their_segments_stay(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    fill(remote)
    assert connected.run("account", "pull").code == 0
    assert connected.run("import", "--all").code == 0
    for path in (connected.root / "segments").glob("winback-*.yaml"):
        name = path.read_text("utf-8").partition("\n")[0].removeprefix("name: ")
        text = f"description: Lapsed customers of {name.removeprefix('Winback ')}\n"
        path.write_text(text + path.read_text("utf-8"), "utf-8")
    repository.commit("Adopt the account", {})
    # Of the new language, no file knows.
    id_ = "0b1f4a10-5c1d-4a6e-9f02-000000000000"
    condition = f"preferred_language = 'pl' AND array_contains(list_ids, ['{id_}'])"
    remote.emulator.console.create("Winback acme pl", query(condition))
    # With descriptions, the others are not like the new one.
    before = files(connected)
    dry = connected.run("import", "--all", "--fold", "--dry-run")
    assert files(connected) == before
    result = connected.run("import", "--all", "--fold")
    assert dry.out == result.out
    assert result.out == (
        f"segments/winback.yaml  {TITLE} (6 segments)\n"
        "  replaces segments/winback-acme-cs.yaml\n"
        "  replaces segments/winback-acme-de.yaml\n"
        "  replaces segments/winback-acme-en.yaml\n"
        "  replaces segments/winback-globex-cs.yaml\n"
        "  replaces segments/winback-globex-de.yaml\n"
        "  replaces segments/winback-globex-en.yaml\n"
        "segments/winback-acme-pl.yaml  Winback acme pl\n"
    )
    assert "Folded 6 segments into 1 file, and replaced 6 files.\n" in result.err
    reason = "its description, owner, tags or targets differ"
    assert f"`Winback acme pl` is not in the file of `{TITLE}`: {reason}\n" in result.err
    head, _, rest = FOLDED.partition("\n")
    description = "description: Lapsed customers of ${variant} ${preferred_language}"
    after = files(connected)
    assert after.pop("segments/winback.yaml") == f"{head}\n{description}\n{rest}"
    assert {*after} == {
        "segments/accounts/production.yaml",
        "segments/vip.yaml",
        "segments/winback-acme-pl.yaml",
    }
    assert is_settled(connected)
    repository.commit("Fold the winback segments", {})
    assert is_settled(connected)
    owned = connected.run("history", "Winback acme de")
    assert owned.code == 0, owned.err


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("tests: []\n", "has `tests`"),
        ("protected: true\n", "has `protected`"),
        ("# by a person\n", "has a comment"),
        ("", "is not committed as it is"),
    ],
)
def test_files_that_would_lose_something_stay(
    connected: Project, remote: Remote, repository: Repository, change: str, reason: str
) -> None:
    fill(remote)
    assert connected.run("account", "pull").code == 0
    assert connected.run("import", "--all").code == 0
    path = connected.root / "segments/winback-acme-cs.yaml"
    text = path.read_text("utf-8")
    path.write_text(text + change, "utf-8")
    repository.commit("Adopt the account", {})
    if not change:
        path.write_text(text.replace("'cs'", "'sk'"), "utf-8")
    changed = path.read_text("utf-8")
    result = connected.run("import", "--only", "Winback *", "--fold")
    assert result.code == 0
    first, *replaced = result.out.splitlines()
    assert first.endswith("(5 segments)")
    assert len(replaced) == 5
    assert (
        f"warning[not-folded]: `Winback acme cs` is not in the file of `{TITLE}`: "
        f"segments/winback-acme-cs.yaml {reason}\n" in result.err
    )
    assert path.read_text("utf-8") == changed
    assert connected.run("validate").code == 0


def test_without_git_no_file_is_replaced(connected: Project, remote: Remote) -> None:
    fill(remote)
    assert connected.run("account", "pull").code == 0
    assert connected.run("import", "--all").code == 0
    before = files(connected)
    result = connected.run("import", "--all", "--fold")
    assert (result.code, result.out) == (0, "")
    assert result.err.endswith(
        "Nothing to fold: no segments differ only in their names and values.\n"
    )
    assert files(connected) == before


def test_an_edited_segment_keeps_the_definition_of_its_file(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    for number, name in enumerate(("a", "b", "c")):
        remote.emulator.console.create(f"Leads {name}", query(f"plan = '{number}'"))
        connected.declare(f"Leads {name}", query(f"plan = '{name}'"))
    repository.commit("Change the plans", {})
    result = connected.run("import", "--all", "--fold")
    assert "Folded 3 segments into 1 file, and replaced 3 files.\n" in result.err
    text = (connected.root / "segments/leads.yaml").read_text("utf-8")
    assert "  plan: [a, b, c]\n" in text


def test_a_name_that_is_hard_to_write_is_imported_beside_the_fold(
    connected: Project, remote: Remote
) -> None:
    for number, name in enumerate(("${plan}", "$${plan}", "a", "b", "c")):
        remote.emulator.console.create(f"Leads {name}", query(f"plan = 'p{number}'"))
    result = connected.run("import", "--all", "--fold")
    assert result.out.splitlines() == [
        "segments/leads.yaml  Leads ${variant} (3 segments)",
        "segments/leads-plan.yaml  Leads $${plan}",
        "segments/leads-plan-2.yaml  Leads ${plan}",
    ]
    assert "`Leads ${plan}` is not in the file of `Leads ${variant}`: its name" in result.err
    assert connected.run("plan", "--detailed-exitcode").code == 0
