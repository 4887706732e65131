"""`segctl import` over HTTP: what a person sees, and what stands on the disk afterwards."""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any, Self

import pytest

from segctl.common.folder import Folder
from segctl.planning.temporary_names import Marker, temporary_name
from tests.importing.test_writing import QUERIES
from tests.support.builders import query
from tests.support.process import REPOSITORY

if TYPE_CHECKING:
    from segctl.app import project as app
    from segctl.importing.file_builder import NewFile
    from tests.support.account import Remote
    from tests.support.project import Project

LIST = "0b1f4a10-5c1d-4a6e-9f02-000000000001"
NEXT = """\
Run `segctl init`: it adds settings, schemas and workflows for GitHub.
Run `segctl account pull`: `validate` then finds wrong lists and fields.
Run `segctl plan`: it has nothing to change in the imported segments.
Then commit segments/. From then on, an apply changes a segment when its file
changes, and deletes it when its file is removed.
"""
VIP, CZECH = query("total_spend > 500"), query("preferred_language = 'cs'")


def files(project: Project) -> dict[str, str]:
    """Every file of the project, hidden ones as well, but for those of git."""
    return {
        path.relative_to(project.root).as_posix(): path.read_bytes().decode()
        for path in sorted(project.root.rglob("*"))
        if path.is_file() and ".git" not in path.parts
    }


def test_every_segment_becomes_a_file_and_the_plan_is_empty(
    connected: Project, remote: Remote
) -> None:
    console = remote.emulator.console
    console.add_list("Customers", id=LIST)
    console.create("VIP customers", VIP, parent_list_ids=[LIST])
    console.create("By language", "\n".join(CZECH.split(" ", 3)) + "\n")
    console.create("Declared", VIP)
    console.seed_v1("Old", "email LIKE '%x'")
    console.seed_v1("Older", "email LIKE '%x'")
    connected.declare("Declared", VIP)

    dry = connected.run("import", "--all", "--dry-run")
    before = files(connected)
    result = connected.run("import", "--all")
    assert (result.code, result.out) == (
        0,
        "segments/by-language.yaml  By language\nsegments/vip-customers.yaml  VIP customers\n",
    )
    assert result.err == (
        "warning[not-imported]: SendGrid does not allow changes to v1 segments: `Old`, `Older`\n"
        "  hint: run `segctl upgrade` to write files for V2 segments that replace them\n"
        "Imported 2 segments, skipped 3: 2 v1, 1 already declared.\n" + NEXT
    )
    assert (dry.code, dry.out) == (result.code, result.out)
    shown = result.err.replace("Imported", "Would import").replace("skipped", "skip")
    assert dry.err == shown.replace(NEXT, "")
    assert [*before] == ["segments/declared.yaml"]
    assert files(connected) == before | {
        "segments/by-language.yaml": (
            "name: By language\nquery_dsl: |\n  SELECT contact_id, updated_at\n"
            "  FROM contact_data\n  WHERE preferred_language = 'cs'\n"
        ),
        "segments/vip-customers.yaml": (
            f"name: VIP customers\nparent_list_ids:\n  - {LIST} # Customers\nquery_dsl: {VIP}\n"
        ),
    }
    plan = connected.run("plan", "--detailed-exitcode")
    assert (plan.code, plan.err) == (0, "")
    assert "No changes." in plan.out
    assert connected.run("validate").code == 0

    after = files(connected)
    again = connected.run("import", "--all", "-q")
    assert (again.code, again.out, again.err) == (0, "", "")
    again = connected.run("import", "--all")
    assert again.err.endswith("Nothing to import: 2 v1, 3 already declared.\n")
    assert files(connected) == after
    assert {entry.method for entry in remote.emulator.log} == {"GET"}


def test_an_account_with_two_hundred_segments_is_imported(
    connected: Project, remote: Remote
) -> None:
    queries = [*QUERIES]
    for number in range(200):
        text = queries[number % len(queries)]
        remote.emulator.console.create(f"Segment {number % 100:03}{'!' * (number // 100)}", text)
    result = connected.run("import", "--all")
    assert result.code == 0
    assert f"Imported 200 segments.\n{NEXT}" in result.err
    assert len(files(connected)) == 200
    assert connected.run("plan", "--detailed-exitcode").code == 0


def test_a_project_without_files_gets_its_folder(connected: Project, remote: Remote) -> None:
    remote.emulator.console.create("VIP", VIP)
    (connected.root / "segments").rmdir()
    assert connected.run("import", "--all", "--dry-run").out == "segments/vip.yaml  VIP\n"
    assert files(connected) == {}
    assert not (connected.root / "segments").exists()
    assert connected.run("import", "--all").code == 0
    assert files(connected) == {"segments/vip.yaml": f"name: VIP\nquery_dsl: {VIP}\n"}
    assert connected.run("plan", "--detailed-exitcode").code == 0


def test_an_empty_account_imports_nothing(connected: Project) -> None:
    result = connected.run("import", "--all")
    assert (result.code, result.out) == (0, "")
    assert result.err == "Nothing to import: the account has no segments.\n"


def test_files_are_written_to_the_configured_folder_with_the_schema_of_the_project(
    connected: Project, remote: Remote
) -> None:
    remote.emulator.console.create("VIP", VIP)
    schema = (REPOSITORY / "schemas/segment.schema.json").read_text("utf-8")
    connected.write({"segctl.yaml": "version: 1\nsegments: crm/audiences\n"})
    connected.write({"schemas/segment.schema.json": schema})
    assert connected.run("import", "VIP").out == "crm/audiences/vip.yaml  VIP\n"
    head = "# yaml-language-server: $schema=../../schemas/segment.schema.json\n"
    assert files(connected)["crm/audiences/vip.yaml"].startswith(f"{head}name: VIP\n")
    assert connected.run("fmt", "--check").code == 0
    assert connected.run("plan", "--detailed-exitcode").code == 0


def test_a_segment_named_twice_is_imported_once(connected: Project, remote: Remote) -> None:
    first_id = remote.emulator.console.create("One", VIP)
    remote.emulator.console.create("Two", VIP)
    remote.emulator.console.create("Three", VIP)
    result = connected.run("import", first_id, "Two", "One")
    assert (result.code, result.out) == (0, "segments/one.yaml  One\nsegments/two.yaml  Two\n")
    assert result.err == f"Imported 2 segments.\n{NEXT}"
    reads = [entry for entry in remote.emulator.log if "2.0/" in entry.target]
    assert len(reads) == 2, "a definition was read that nobody asked for"
    again = connected.run("import", "One")
    assert (again.code, again.err) == (0, "Nothing to import: 1 already declared.\n")


def test_unknown_names_are_reported_together_before_anything_is_written(
    connected: Project, remote: Remote
) -> None:
    remote.emulator.console.create("VIP customers", VIP)
    remote.emulator.console.create("Churn", VIP)
    result = connected.run("import", "vip customer", "Churn", "chrun", "zzzzzz")
    assert (result.code, result.out) == (1, "")
    assert result.err == (
        "error: the account has no segment `vip customer`, `chrun`, `zzzzzz`\n"
        "  hint: did you mean `VIP customers` for `vip customer`, `Churn` for `chrun`?\n"
    )
    far = connected.run("import", "zzzzzz")
    assert far.err.endswith("  hint: run `segctl list` to list its segments\n")
    assert files(connected) == {}


@pytest.mark.parametrize(
    ("argv", "words"),
    [([], "missing argument"), (["--all", "VIP"], "--all and --only cannot be combined")],
)
def test_names_or_all_are_required(connected: Project, argv: list[str], words: str) -> None:
    result = connected.run("import", *argv)
    assert result.code == 1
    assert words in result.err
    assert "hint: run `segctl import --help`" in result.err


def test_a_named_segment_that_cannot_be_imported_is_exit_1(
    connected: Project, remote: Remote
) -> None:
    remote.emulator.console.create("VIP", VIP)
    remote.emulator.console.seed_v1("Old", "email LIKE '%x'")
    result = connected.run("import", "VIP", "Old", "-q")
    assert (result.code, result.out) == (1, "segments/vip.yaml  VIP\n")
    assert result.err.startswith("error[not-imported]: `Old` is a v1 segment")
    assert [*files(connected)] == ["segments/vip.yaml"]


def test_a_segment_that_no_file_can_contain_is_a_warning(
    connected: Project, remote: Remote
) -> None:
    console = remote.emulator.console
    ids = [
        console.create(name, VIP)
        for name in ("vip", "VIP", "cafe\u0301", "caf\xe9", "a\nb", "\xa0")
    ]
    console.create("NUL", "SELECT\x00")
    console.create("Declared", VIP)
    connected.declare("declared", VIP)
    result = connected.run("import", "--all")
    assert result.code == 0
    assert result.out.splitlines() == [
        "segments/declared-2.yaml  Declared",
        "segments/vip.yaml  VIP",
        "segments/cafe.yaml  cafe\u0301",
        "segments/vip-2.yaml  vip",
    ]
    assert result.err == (
        "warning[not-imported]: `NUL` cannot be written as a file: the query contains "
        "the control character U+0000\n"
        f"  hint: change it in SendGrid first (id {_id(remote, 'NUL')})\n"
        "warning[not-imported]: `a\\x0ab` cannot be written as a file: "
        "`name` must not contain a line break\n"
        f"  hint: change it in SendGrid first (id {ids[4]})\n"
        "warning[not-imported]: `caf\xe9` and `cafe\u0301` differ only in their "
        "invisible encoding\n"
        f"  hint: rename one of the two in SendGrid (the id of this one is {ids[3]})\n"
        f"warning[not-imported]: segment {ids[5]} cannot be written as a file: "
        "`name` must not be empty\n"
        f"  hint: change it in SendGrid first (id {ids[5]})\n"
        f"Imported 4 segments, skipped 4: 4 that cannot be imported.\n{NEXT}"
    )
    assert connected.run("validate").code == 0
    assert connected.run("plan", "--only", "VIP", "--detailed-exitcode").code == 0
    assert connected.run("import", ids[5]).code == 1


def test_segments_that_a_file_renames_or_removes_are_not_imported(
    connected: Project, remote: Remote
) -> None:
    console = remote.emulator.console
    for name in ("Old name", "Gone", "Forgotten", "Chained", "Next"):
        console.create(name, VIP)
    moving = console.create("On its way", VIP)
    console.edit(moving, name=temporary_name("On its way", moving, Marker.MOVING))
    connected.declare("New name", VIP, extra="previous_names: [Old name]\n")
    connected.declare("Next", VIP, extra="previous_names: [Chained]\n")
    connected.declare("After next", VIP, extra="previous_names: [Next]\n")
    connected.write(
        {
            "segments/gone.yaml": "name: Gone\nremoved: true\n",
            "segments/forgotten.yaml": "name: Forgotten\nremoved: forget\n",
        }
    )
    before = files(connected)
    result = connected.run("import", "--all")
    assert (result.code, result.out) == (0, "")
    assert "`Gone` is `removed` by segments/gone.yaml" in result.err
    assert "`Forgotten` is `removed` by segments/forgotten.yaml" in result.err
    assert "has a temporary segctl name" in result.err
    assert result.err.endswith(
        "Nothing to import: 3 already declared, 3 that cannot be imported.\n"
    )
    assert files(connected) == before
    plan = connected.run("plan").out
    assert "0 to create, 3 to patch, 0 to replace, 1 to delete" in plan


def test_a_segment_without_a_query_is_skipped_and_the_others_are_written(
    connected: Project, remote: Remote
) -> None:
    console = remote.emulator.console
    odd = console.create("Odd", "")
    console.create("VIP", VIP)
    result = connected.run("import", "--all")
    assert (result.code, result.out) == (0, "segments/vip.yaml  VIP\n")
    assert "`Odd` cannot be written as a file: it has no query" in result.err
    assert odd in result.err
    assert connected.run("plan", "--detailed-exitcode").code == 0
    # A plan that needs to know it does not take nothing for a query.
    connected.declare("Odd", VIP)
    shown = connected.run("apply", "--auto-approve")
    assert shown.code == 1
    assert "the segment has no query" in shown.err
    assert remote.definitions()["Odd"] == ("", ())


def _id(remote: Remote, name: str) -> str:
    return next(record.id for record in remote.emulator.console.segments() if record.name == name)


def test_hostile_names_become_files_in_the_folder(connected: Project, remote: Remote) -> None:
    names = ["../x", "/etc/passwd", "CON", ".hidden", "fields", "x" * 100, "🎉", "日本", "..", "-v"]
    for name in names:
        remote.emulator.console.create(name, VIP, id=f"{names.index(name):08}-x")
    assert connected.run("import", "--all").code == 0
    assert [*files(connected)] == sorted(
        f"segments/{stem}.yaml"
        for stem in (
            "x etc-passwd segment-con hidden segment-fields segment-00000006 日本 "
            f"segment-00000008 v {'x' * 80}"
        ).split()
    )
    assert connected.run("plan", "--detailed-exitcode").code == 0


def test_existing_files_are_never_overwritten(connected: Project, remote: Remote) -> None:
    for name in ("VIP", "vip!", "Notes"):
        remote.emulator.console.create(name, VIP)
    other = f"name: Other\nquery_dsl: {VIP}\n"
    connected.write({"segments/Vip.YML": other, "segments/notes.md": "x"})
    (connected.root / "segments/vip-2.yaml").mkdir()
    assert connected.run("import", "--all").out == (
        "segments/notes.yaml  Notes\nsegments/vip-3.yaml  VIP\nsegments/vip-4.yaml  vip!\n"
    )
    assert files(connected)["segments/Vip.YML"] == other


def test_a_file_that_appears_during_the_import_is_not_overwritten(
    connected: Project, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("A", "B", "C"):
        remote.emulator.console.create(name, VIP)
    command = importlib.import_module("segctl.cli.commands.import")
    real = command.write_new_file

    def late(project: app.Project, file: NewFile) -> None:
        if file.name == "b.yaml":
            (project.root / "segments" / file.name).write_text("mine")
        real(project, file)

    monkeypatch.setattr(command, "write_new_file", late)
    result = connected.run("import", "--all")
    assert (result.code, result.out) == (1, "segments/a.yaml  A\n")
    assert "b.yaml: File exists" in result.err
    assert "hint: the files listed above are written" in result.err
    assert {name: text for name, text in files(connected).items() if "a.yaml" not in name} == {
        "segments/b.yaml": "mine"
    }


class _Stops:
    """A stream that writes a half and is interrupted."""

    def __init__(self, stream: Any, error: BaseException) -> None:
        self.stream, self.error = stream, error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.close()

    def write(self, data: bytes) -> None:
        self.stream.write(data[:5])
        raise self.error


@pytest.mark.parametrize(
    ("error", "end"),
    [
        (KeyboardInterrupt(), (130, "Interrupted.")),
        (OSError(28, "No space left on device"), (1, "b.yaml: No space left on device")),
    ],
)
def test_an_interrupted_import_leaves_whole_files_only(
    connected: Project,
    remote: Remote,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    end: tuple[int, str],
) -> None:
    for name in ("A", "B", "C"):
        remote.emulator.console.create(name, VIP)
    create, open_stream = Folder.create, os.fdopen

    def half(descriptor: int, mode: str) -> Any:
        return _Stops(open_stream(descriptor, mode), error)

    with monkeypatch.context() as patch:

        def create_half(folder: Folder, name: str, data: bytes) -> None:
            if name == "b.yaml":
                patch.setattr(os, "fdopen", half)
            create(folder, name, data)

        patch.setattr(Folder, "create", create_half)
        result = connected.run("import", "--all")
    assert (result.code, result.out) == (end[0], "segments/a.yaml  A\n")
    assert end[1] in result.err
    assert files(connected) == {"segments/a.yaml": f"name: A\nquery_dsl: {VIP}\n"}
    assert connected.run("import", "--all").out == "segments/b.yaml  B\nsegments/c.yaml  C\n"


def test_broken_files_are_refused_before_any_request(connected: Project, remote: Remote) -> None:
    remote.emulator.console.create("VIP", VIP)
    connected.write({"segments/a.yaml": "name: A\n", "segments/b.yaml": "name: ["})
    result = connected.run("import", "--all")
    assert (result.code, result.out) == (1, "")
    assert "segments/a.yaml:1:1: error[missing-key]" in result.err
    assert "2 errors." in result.err
    assert [*files(connected)] == ["segments/a.yaml", "segments/b.yaml"]
    assert not remote.emulator.log


def test_a_read_that_fails_ends_the_import(connected: Project, remote: Remote) -> None:
    for name in ("A", "B", "C"):
        remote.emulator.console.create(name, VIP)
    remote.emulator.faults.add(f"GET */{_id(remote, 'B')} 403")
    result = connected.run("import", "--all")
    assert (result.code, result.out) == (1, "")
    assert files(connected) == {}


def test_lists_that_cannot_be_read_are_a_warning(connected: Project, remote: Remote) -> None:
    remote.emulator.console.create("A", VIP, parent_list_ids=[LIST])
    remote.emulator.console.create("B", VIP)
    remote.emulator.faults.add("GET */lists 403")
    result = connected.run("import", "--all")
    assert result.code == 0
    assert "warning[lists-unknown]: parent lists are shown without their names" in result.err
    assert f"parent_list_ids: [{LIST}]\n" in files(connected)["segments/a.yaml"]
    (connected.root / "segments/b.yaml").unlink()
    assert "lists-unknown" not in connected.run("import", "B").err
    assert connected.run("plan", "--detailed-exitcode").code == 0


@pytest.mark.posix
@pytest.mark.skipif(not hasattr(os, "symlink"), reason="no links here")
def test_a_folder_behind_a_link_is_refused(
    connected: Project, remote: Remote, tmp_path_factory: pytest.TempPathFactory
) -> None:
    remote.emulator.console.create("VIP", VIP)
    outside = tmp_path_factory.mktemp("outside")
    (connected.root / "link").symlink_to(outside)
    connected.write({"segctl.yaml": "version: 1\nsegments: link/segments\n"})
    result = connected.run("import", "--all")
    assert result.code == 3
    assert "link/ is a link, which is not followed" in result.err
    assert [*outside.iterdir()] == []
    (connected.root / "link").unlink()
    (connected.root / "link").symlink_to("link")
    assert connected.run("import", "--all").code == 3
    (connected.root / "link").unlink()
    (connected.root / "link").write_text("a file")
    result = connected.run("import", "--all")
    assert result.code == 1
    assert result.err.startswith("error: cannot write")


def test_what_only_looks_like_a_condition_is_imported_as_it_is(
    connected: Project, remote: Remote
) -> None:
    text = query("NOT @array_contains(list_ids, ['x'])")
    remote.emulator.console.create("Odd", text)
    assert connected.run("import", "--all").code == 0
    assert files(connected) == {"segments/odd.yaml": f"name: Odd\nquery_dsl: {text}\n"}
    assert connected.run("plan", "--detailed-exitcode").code == 0
