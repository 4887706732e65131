"""An account that was made by hand becomes a repository: globs, layout, owner and tags."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
import yaml

from segctl.common.folder import Folder
from tests.importing import hand_made
from tests.importing.test_import_command import VIP, files
from tests.support.builders import query, segment_yaml
from tests.support.process import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.account import Remote
    from tests.support.project import Project

NEWSLETTER, CUSTOMERS = [*hand_made.LISTS][:2]
BY_LIST = ("--layout", "{parent_list}/{slug}")


def segment_files(project: Project) -> dict[str, dict[str, object]]:
    """Return the segment files of a project, by path below their folder."""
    folder = project.root / "segments"
    return {
        path.relative_to(folder).as_posix(): yaml.safe_load(path.read_text("utf-8"))
        for path in sorted(folder.rglob("*.yaml"))
        if path.parent.name != "accounts"
    }


def test_two_hundred_segments_become_a_tidy_repository(connected: Project, remote: Remote) -> None:
    hand_made.fill(remote.emulator.console)
    shutil.copytree(REPOSITORY / "schemas", connected.root / "schemas")
    options = (*BY_LIST, "--owner", "crm", "--tag", "by hand", "--tag", "2026, Q4")
    result = connected.run("import", "--all", *options)
    assert result.code == 0
    assert "warning" not in result.err
    assert "Imported 200 segments.\n" in result.err

    imported = segment_files(connected)
    assert {content["name"] for content in imported.values()} == {
        name for name, _, _ in hand_made.segments()
    }
    folders = {path.rpartition("/")[0] for path in imported}
    assert folders == {
        *("", "newsletter-00000001", "newsletter-00000003", "customers", "evenements-2026"),
        *("list-00000005", "leads-webinar"),
    }
    assert all(path.startswith("customers/") == (CUSTOMERS in content.get("parent_list_ids", []))  # type: ignore[operator]
               for path, content in imported.items())  # fmt: skip
    assert {content["owner"] for content in imported.values()} == {"crm"}
    assert all(content["tags"] == ["by hand", "2026, Q4"] for content in imported.values())
    text = (connected.root / "segments/newsletter-00000001/newsletter-cz.yaml").read_text("utf-8")
    head, _, written = text.partition("query_dsl: ")
    assert head == (
        "# yaml-language-server: $schema=../../schemas/segment.schema.json\n"
        'name: Newsletter CZ\nowner: crm\ntags: [by hand, "2026, Q4"]\n'
        f"parent_list_ids:\n  - {NEWSLETTER} # Newsletter\n"
    )
    assert written == query("preferred_language = 'cs'") + "\n"

    assert connected.run("account", "pull").code == 0
    for command in ("validate", "lint"):
        checked = connected.run(command)
        assert (checked.code, checked.out.rpartition(": ")[2]) == (0, "valid, 2 warnings.\n")
        # What only a person can decide.
        assert "warning[name-differs-by-case]: `vip customers` and `VIP customers`" in checked.err
        assert "warning[duplicate-definition]: `Newsletter AT`" in checked.err
    formatted = connected.run("fmt", "--check")
    assert (formatted.code, formatted.err) == (0, "All files are formatted.\n")
    plan = connected.run("plan", "--detailed-exitcode")
    assert plan.code == 0
    assert "No changes. 200 segments of production match segments/." in plan.out
    # The account has both names, so the plan does not repeat the warning.
    assert "name-differs-by-case" not in plan.out
    added = ("segments/brno.yaml", "segments/of-brno.yaml")
    names = ("Guests of Brno", "guests of Brno")
    connected.write(
        {file: segment_yaml(name, VIP) for file, name in zip(added, names, strict=True)}
    )
    assert "`guests of Brno` and `Guests of Brno` differ only in case" in connected.run("plan").out
    for file in added:
        (connected.root / file).unlink()

    before = files(connected)
    again = connected.run("import", "--all", *options)
    assert (again.code, again.out, again.err) == (
        0,
        "",
        "Nothing to import: 200 already declared.\n",
    )
    assert files(connected) == before
    assert {entry.method for entry in remote.emulator.log} == {"GET"}


def test_after_init_the_example_is_to_be_deleted(connected: Project, remote: Remote) -> None:
    remote.emulator.console.create("VIP", VIP)
    assert connected.run("init", "--no-github").code == 0
    words = "Delete segments/example.yaml: `segctl init"
    result = connected.run("import", "VIP")
    assert words in result.err
    assert "it adds settings" not in result.err
    (connected.root / "segments/example.yaml").unlink()
    assert connected.run("plan", "--detailed-exitcode").code == 0
    (connected.root / "segments/vip.yaml").unlink()
    assert words not in connected.run("import", "VIP").err


def test_an_import_that_was_interrupted_continues_with_the_rest(
    connected: Project, remote: Remote, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hand_made.fill(remote.emulator.console)
    assert connected.run("import", "--all", *BY_LIST).code == 0
    at_once = segment_files(connected)
    shutil.move(connected.root / "segments", tmp_path / "at-once")

    create = Folder.create
    written: list[str] = []
    with monkeypatch.context() as patch:

        def stop_halfway(folder: Folder, name: str, data: bytes) -> None:
            if len(written) == 90:
                raise KeyboardInterrupt
            written.append(name)
            create(folder, name, data)

        patch.setattr(Folder, "create", stop_halfway)
        result = connected.run("import", "--all", *BY_LIST)
    assert (result.code, len(result.out.splitlines())) == (130, 90)
    rest = connected.run("import", "--all", *BY_LIST)
    assert "Imported 110 segments, skipped 90: 90 already declared.\n" in rest.err
    assert segment_files(connected) == at_once
    assert connected.run("plan", "--detailed-exitcode").code == 0


def test_globs_pick_segments_by_name(connected: Project, remote: Remote) -> None:
    for name in ("CRM: leads", "CRM: old", "Newsletter", "C*", "[CRM] all"):
        remote.emulator.console.create(name, VIP)
    remote.emulator.console.seed_v1("CRM: v1", "email LIKE '%x'")

    def names(*argv: str) -> list[str]:
        result = connected.run("import", "--dry-run", *argv)
        assert result.code == 0, result.err
        return [line.partition("  ")[2] for line in result.out.splitlines()]

    assert names("CRM: *") == ["CRM: leads", "CRM: old"]
    assert names("--only", "CRM: *") == ["CRM: leads", "CRM: old"]
    assert names("--all", "--only", "CRM*", "--only", "News*") == [
        *("CRM: leads", "CRM: old", "Newsletter")
    ]
    # A name that a segment has is that segment, whatever it would match as a glob.
    assert names("C*") == ["C*"]
    assert names("[CRM] all", "*leads", "CRM: leads") == ["CRM: leads", "[CRM] all"]


@pytest.mark.parametrize(
    ("argv", "words", "hint"),
    [
        ("CMR*", "the account has no segment `CMR*`", "segctl list"),
        ("--only tag:crm", "--only `tag:crm` matches no segment", "tags and owners are in files"),
        ("--only Newsleter", "--only `Newsleter` matches no", "did you mean `Newsletter`?"),
        ("--all Newsletter", "--all and --only cannot be combined with NAME", "--help"),
        ("--only N* Newsletter", "--all and --only cannot be combined with NAME", "--help"),
        ("--all --layout {list}/{slug}", "unknown placeholder `{list}`", "{parent_list} (the"),
        ("--all --layout ../{slug}", "must be a path below the folder", "use letters"),
        ("--all --layout segments/{slug}", "is below segments/ already", "remove `segments/`"),
        ("--all --owner=", "--owner must be one line of text", ""),
        ("--all --owner=a\nremoved:true", "--owner must be one line of text", ""),
        ("--all --tag=a --tag=", "--tag must be one line of text", ""),
    ],
)
def test_a_bad_choice_writes_nothing(
    connected: Project, remote: Remote, argv: str, words: str, hint: str
) -> None:
    remote.emulator.console.create("Newsletter", VIP)
    result = connected.run("import", *argv.split(" "))
    assert (result.code, result.out) == (1, "")
    assert words in result.err
    assert hint in result.err
    assert files(connected) == {}


def test_an_owner_that_the_settings_do_not_have_is_an_error(
    connected: Project, remote: Remote
) -> None:
    remote.emulator.console.create("Newsletter", VIP)
    connected.write({"segctl.yaml": "version: 1\nowners: {sales: '@acme/sales'}\n"})
    result = connected.run("import", "--all", "--owner", "slaes")
    assert (result.code, result.out) == (1, "")
    assert "`owners:` in segctl.yaml has no owner `slaes`" in result.err
    assert "did you mean `sales`?" in result.err
    assert connected.run("import", "--all", "--owner", "sales").code == 0


def test_the_name_of_a_parent_list_is_not_guessed(connected: Project, remote: Remote) -> None:
    console = remote.emulator.console
    console.add_list("Newsletter", id=NEWSLETTER)
    console.create("Readers", VIP, parent_list_ids=[NEWSLETTER])
    console.create("Everybody", VIP)
    gone = console.create("Of a deleted list", VIP, parent_list_ids=[CUSTOMERS])
    remote.emulator.faults.add("GET /v3/marketing/lists 403 always")
    refused = connected.run("import", "--all", *BY_LIST)
    assert (refused.code, refused.out, files(connected)) == (1, "", {})
    assert "SendGrid" in refused.err
    # Without the layout the ids are enough.
    assert "3 segments" in connected.run("import", "--all", "--dry-run").err

    remote.emulator.faults.clear()
    result = connected.run("import", "--all", *BY_LIST)
    assert (result.code, result.out) == (
        0,
        "segments/everybody.yaml  Everybody\nsegments/newsletter/readers.yaml  Readers\n",
    )
    assert f"`Of a deleted list` has the parent list {CUSTOMERS}, which the account" in result.err
    assert f"run `segctl import {gone}` to write its file without a layout" in result.err
    assert connected.run("import", gone).code == 0


def test_hostile_lists_and_files_in_the_way_change_nothing_outside(
    connected: Project, remote: Remote, tmp_path_factory: pytest.TempPathFactory
) -> None:
    console = remote.emulator.console
    console.add_list("../../outside", id=NEWSLETTER)
    console.create("/etc/cron.d/x", VIP, parent_list_ids=[NEWSLETTER])
    mine = f"name: Mine\nquery_dsl: {VIP}\n"
    connected.write({"segments/Outside/ETC-cron-d-x.yml": mine})
    assert connected.run("import", "--all", *BY_LIST).out == (
        "segments/Outside/etc-cron-d-x-2.yaml  /etc/cron.d/x\n"
    )
    assert files(connected)["segments/Outside/ETC-cron-d-x.yml"] == mine

    console.create("Second", VIP, parent_list_ids=[NEWSLETTER])
    outside = tmp_path_factory.mktemp("outside")
    shutil.rmtree(connected.root / "segments/Outside")
    (connected.root / "segments/Outside").symlink_to(outside)
    result = connected.run("import", "--all", *BY_LIST)
    assert result.code != 0
    assert "link" in result.err
    assert [*outside.iterdir()] == []


def test_a_query_that_cannot_be_formatted_stays_byte_for_byte(
    connected: Project, remote: Remote
) -> None:
    text = "select  contact_id from contact_data where email ~ 'jane@example.org'"
    remote.emulator.console.create("Odd", text)
    result = connected.run("import", "--all")
    assert result.code == 0
    assert (
        "warning[not-formatted]: `Odd` keeps its query byte for byte: segctl cannot" in result.err
    )
    assert "jane" not in result.err
    assert segment_files(connected)["odd.yaml"]["query_dsl"] == text
