"""`segctl ids`: programs load what it writes, a rename changes nothing, a replacement one line."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from segctl.planning.program_ids import FORMATS
from segctl.render.program_ids import read_ids
from tests.history.repository import Repository, applied_repository, ids_by_name, segment
from tests.support.builders import segment_yaml

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.account import Remote
    from tests.support.project import Project, Result

LIST = "0b1f4a10-5c1d-4a6e-9f02-00000000000a"
VIP, PRAGUE, LAPSED = "total_spend > 500", "city = 'Prague'", "orders_count = 0"
FILES = {
    "customers/vip.yaml": segment("VIP customers", VIP, extra="allow_replace: true\n"),
    "prague.yaml": segment("Prague", PRAGUE),
    "lapsed.yaml": segment("Lapsed", LAPSED),
}
LABELS = {
    "customers/vip": "VIP customers",
    "lapsed": "Lapsed",
    "prague": "Prague",
}
CONSTANTS = {
    "SEGMENT_CUSTOMERS_VIP": "VIP customers",
    "SEGMENT_LAPSED": "Lapsed",
    "SEGMENT_PRAGUE": "Prague",
}


@pytest.fixture
def repository(connected: Project, remote: Remote) -> Repository:
    """Three applied segments, and a project that names a TypeScript file of their ids."""
    remote.emulator.console.add_list("Customers", id=LIST)
    repository = applied_repository(connected, remote, FILES)
    write(connected)
    settings = "version: 1\nids: src/segments.ts\n"
    connected.write({"segctl.yaml": settings})
    repository.git("add", "--all")
    repository.git("commit", "--quiet", "--message", "Keep the ids for programs")
    return repository


def write(connected: Project) -> None:
    done = connected.run("ids", "--format", "typescript")
    assert (done.code, done.err) == (0, "")
    connected.write({"src/segments.ts": done.out})


def check(connected: Project) -> Result:
    return connected.run("ids", "--check", str(connected.root / "src/segments.ts"))


def errors(done: Result) -> list[str]:
    return [line.split(": ", 2)[-1] for line in done.err.splitlines() if "error[" in line]


def load(file: Path, format_name: str) -> dict[str, str]:
    """Return the constants of a file as programs see them."""
    match format_name:
        case "json":
            data: dict[str, str] = json.loads(file.read_text("utf-8"))
            return data
        case "python":
            spec = importlib.util.spec_from_file_location("ids", file)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            names = [name for name in vars(module) if not name.startswith("__")]
            return {name: getattr(module, name) for name in names}
        case "env":
            argv = ["bash", "-c", 'set -eu; source "$1"; set -o posix; set', "bash", str(file)]
            lines = run(argv).splitlines()
            return dict(line.split("=", 1) for line in lines if line.startswith("SEGMENT"))
        case _:
            # A constant with a type that is inferred is JavaScript, too.
            copy = file.with_suffix(".mjs")
            copy.write_bytes(file.read_bytes())
            code = "import(process.argv[1]).then(ids => console.log(JSON.stringify(ids)))"
            names_and_ids: dict[str, str] = json.loads(run(["node", "-e", code, copy.as_uri()]))
            return names_and_ids


def run(argv: list[str]) -> str:
    if shutil.which(argv[0]) is None:
        pytest.skip(f"there is no {argv[0]} here")
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("format_name", FORMATS)
@pytest.mark.usefixtures("repository")
def test_programs_load_what_is_written(
    connected: Project, remote: Remote, tmp_path: Path, format_name: str
) -> None:
    file = tmp_path / f"loaded{FORMATS[format_name]}"
    file.write_text(connected.run("ids", "--format", format_name).out, "utf-8")
    ids = ids_by_name(remote)
    expected = LABELS if format_name == "json" else CONSTANTS
    assert load(file, format_name) == {label: ids[name] for label, name in expected.items()}
    done = connected.run("ids", "--check", str(file))
    assert (done.code, done.err) == (0, f"{file} is up to date.\n")


def test_a_rename_changes_no_line(connected: Project, repository: Repository) -> None:
    before = connected.run("ids").out
    repository.commit("Rename", {"customers/vip.yaml": segment("Best customers", VIP)})
    plan = connected.run("plan")
    assert "~ name  VIP customers -> Best customers" in plan.out
    assert "[ids-" not in plan.out
    for _ in range(2):
        assert connected.run("ids").out == before
        assert check(connected).code == 0
        assert connected.run("apply", "--auto-approve").code == 0
    assert connected.run("ids").out == before
    assert "No changes." in connected.run("plan").out


def test_a_replacement_changes_exactly_one_line(
    connected: Project, remote: Remote, repository: Repository
) -> None:
    before = connected.run("ids").out
    text = segment("VIP customers", VIP, extra=f"allow_replace: true\nparent_list_ids: [{LIST}]\n")
    repository.commit("Replace", {"customers/vip.yaml": text})
    expected = "`SEGMENT_CUSTOMERS_VIP` in src/segments.ts gets another id when `VIP customers` is"
    plan = connected.run("plan")
    assert plan.out.count("[ids-") == 1
    assert expected in plan.out
    # Before the merge, the check says what it would change.
    pending = check(connected)
    assert pending.code == 1
    assert len(errors(pending)) == 1
    assert "gets another id when `VIP customers` is replaced" in pending.err
    assert connected.run("ids").out == before
    assert connected.run("apply", "--auto-approve").code == 0
    after = connected.run("ids").out
    lines = zip(before.split("\n"), after.split("\n"), strict=True)
    (changed,) = [new for old, new in lines if old != new]
    assert ids_by_name(remote)["VIP customers"] in changed
    stale = check(connected)
    assert stale.code == 1
    assert len(errors(stale)) == 1
    assert "is not the id of `VIP customers`" in stale.err
    # Until the file is written again, each plan says so, and the account needs nothing.
    again = connected.run("plan")
    assert "No changes." in again.out
    assert "`SEGMENT_CUSTOMERS_VIP` in src/segments.ts is not the id" in again.out
    write(connected)
    assert check(connected).code == 0
    assert "No changes." in connected.run("apply", "--auto-approve").out
    assert connected.run("ids").out == after


def test_a_delete_removes_a_line_and_a_new_segment_adds_one(
    connected: Project, repository: Repository
) -> None:
    repository.commit("Add", {"new.yaml": segment("New", "city = 'Brno'")})
    repository.commit("Remove", {"lapsed.yaml": "name: Lapsed\nremoved: true\n"})
    plan = connected.run("plan")
    assert "`SEGMENT_LAPSED` is removed from src/segments.ts: `Lapsed` is deleted" in plan.out
    assert "`SEGMENT_NEW` is added to src/segments.ts when `New` is created" in plan.out
    written = connected.run("ids")
    assert "SEGMENT_NEW" not in written.out
    assert written.err == "Left out until an apply creates them: `New`.\n"
    done = check(connected)
    assert done.code == 1
    assert len(errors(done)) == 1
    # What a merge removes can go from the programs before it.
    write_without = connected.run("ids").out
    connected.write({"src/segments.ts": write_without})
    assert check(connected).code == 0
    for _ in range(2):
        done = connected.run("apply", "--auto-approve")
        assert done.code == 0, done.out
    missing = check(connected)
    assert missing.code == 1
    assert "`SEGMENT_NEW`, the id of `New`, is not in" in missing.err


@pytest.mark.parametrize("format_name", ["text", "json", "markdown", "html", "github"])
def test_every_format_of_a_plan_says_which_lines_change(
    connected: Project, repository: Repository, format_name: str
) -> None:
    repository.commit("Remove", {"lapsed.yaml": None})
    text = connected.run("plan", "--format", format_name).out
    assert "SEGMENT_LAPSED" in text
    assert "segments.ts" in text


def test_a_moved_file_is_no_other_segment(connected: Project, repository: Repository) -> None:
    """Two files swap their segments: no segment changes, and both constants would."""
    swapped = {"prague.yaml": FILES["lapsed.yaml"], "lapsed.yaml": FILES["prague.yaml"]}
    repository.commit("Swap", swapped)
    plan = connected.run("plan")
    assert "No changes." in plan.out
    assert plan.out.count("warning[ids-changed]") == 2
    assert check(connected).code == 1


@pytest.mark.usefixtures("repository")
def test_a_plan_for_some_segments_removes_no_other_lines(connected: Project) -> None:
    assert "[ids-" not in connected.run("plan", "--only", "Prague").out


@pytest.mark.usefixtures("repository")
def test_a_plan_for_another_target_does_not_mention_the_file(connected: Project) -> None:
    done = connected.run("--target", "sandbox", "plan")
    assert "3 to create" in done.out
    assert "[ids-" not in done.out


@pytest.mark.usefixtures("repository")
def test_a_change_of_anything_else_in_the_file_is_an_error(connected: Project) -> None:
    file = connected.root / "src/segments.ts"
    file.write_text(file.read_text("utf-8") + "export const EVIL = steal();\n", "utf-8")
    done = check(connected)
    assert done.code == 1
    assert "error[ids-differ]" in done.err
    file.write_text(connected.run("ids").out, "utf-8", newline="\r\n")
    assert check(connected).code == 0


@pytest.mark.usefixtures("repository")
def test_what_a_check_needs_is_said(connected: Project) -> None:
    assert "cannot read no.ts: No such file" in connected.run("ids", "--check", "no.ts").err
    assert "the suffix of ids.go shows no format" in connected.run("ids", "--check", "ids.go").err
    connected.write({"segctl.yaml": "version: 1\n"})
    done = connected.run("ids")
    assert "error: no format selected\n  hint: select one with --format: json, env," in done.err


@pytest.mark.usefixtures("repository")
def test_a_missing_file_is_a_warning_of_the_plan(connected: Project) -> None:
    (connected.root / "src/segments.ts").unlink()
    done = connected.run("plan")
    assert done.code == 0
    assert "warning[ids-unread]: src/segments.ts, the file of ids, not found" in done.out


@pytest.mark.posix
@pytest.mark.usefixtures("repository")
def test_a_link_out_of_the_project_is_not_read(connected: Project, tmp_path: Path) -> None:
    secret = tmp_path.parent / "outside.ts"
    secret.write_text('export const SEGMENT_OUTSIDE = "hunter2";\n', "utf-8")
    file = connected.root / "src/segments.ts"
    file.unlink()
    file.symlink_to(secret)
    done = connected.run("plan")
    assert "is a link that leads out of the project" in done.out
    assert "OUTSIDE" not in done.out


@pytest.mark.parametrize("value", ["../segments.ts", "/segments.ts", "src/segments.go", "a\\b.ts"])
def test_segctl_yaml_names_a_file_inside_the_project(project: Project, value: str) -> None:
    project.write({"segctl.yaml": f"version: 1\nids: '{value}'\n"})
    done = project.run("validate")
    assert done.code == 1
    assert "error[bad-file]: `ids` must be a file inside the project" in done.err


@pytest.mark.parametrize("format_name", FORMATS)
def test_a_hostile_name_writes_no_code(
    connected: Project, remote: Remote, format_name: str
) -> None:
    name = "x\"; process.exit(1); //$(touch /tmp/x)` */ '''"
    query = "SELECT contact_id, updated_at FROM contact_data"
    connected.write({"segments/evil $(touch x).yaml": segment_yaml(name, query)})
    segment_id = remote.emulator.console.create(name, query)
    done = connected.run("ids", "--format", format_name)
    assert done.code == 0
    label = "evil $(touch x)" if format_name == "json" else "SEGMENT_EVIL_TOUCH_X"
    assert read_ids(done.out, format_name) == {label: segment_id}
    assert "process" not in done.out
    assert format_name == "json" or "touch" not in done.out


def test_an_id_that_could_end_its_string_is_refused(connected: Project, remote: Remote) -> None:
    query = "SELECT contact_id, updated_at FROM contact_data"
    connected.declare("Evil", query)
    remote.emulator.console.create("Evil", query, id="x'; touch x; y='")
    done = connected.run("ids", "--format", "env")
    assert (done.code, done.out) == (1, "")
    assert "the id of `Evil` must have only letters, digits, - and _, got x'; touch" in done.err
