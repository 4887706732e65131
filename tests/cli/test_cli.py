"""The command line in process, over HTTP to the emulated account: what a user sees."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from segctl import __version__
from segctl.cli import program
from segctl.cli.main import main
from segctl.cli.program import COMMANDS
from tests.support.account import KEY, Remote
from tests.support.builders import ALL, query, segment_yaml
from tests.support.process import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.project import Project

VIP = query("total_spend > 500")
LIST = "0b1f4a10-5c1d-4a6e-9f02-000000000001"


# The program


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"], {}) == 0
    assert main(["-q", "--version"], {}) == 0
    assert capsys.readouterr().out == f"segctl {__version__}\n" * 2


def test_help_lists_every_command_with_the_first_line_of_its_own_help(project: Project) -> None:
    text = " ".join(project.run("--help").out.split())
    for name, line in COMMANDS.items():
        assert f"{name} {line}" in text
        assert line in project.run(name, "--help").out
        assert "Examples:\n    segctl" in project.run(name, "--help").out


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([], {}) == 1
    captured = capsys.readouterr()
    assert captured.err.startswith("Usage: segctl")
    assert "Commands:" in captured.err
    assert captured.out == ""


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["pln"], "no such command 'pln' (Did you mean 'plan'?)"),
        (["plan", "--formt", "json"], "--format"),
        (["plan", "--format", "xml"], "'text', 'json'"),
        ([], "missing command"),
        (["refresh"], "NAME..."),
        (["list", "extra"], "got unexpected extra argument (extra)\n"),
        (["completion"], "missing argument '{bash|zsh|fish}'. Choose from: bash, zsh, fish\n"),
    ],
)
def test_a_mistyped_command_line_exits_with_1_and_a_hint(
    project: Project, argv: list[str], words: str
) -> None:
    result = project.run(*argv)
    assert result.code == 1
    assert result.err.startswith("error: ")
    assert words in result.err
    assert "--help" in result.err
    assert result.out == ""


def test_global_options_work_after_the_command(project: Project) -> None:
    before = project.run("--target", "nowhere", "plan")
    behind = project.run("plan", "--target", "nowhere")
    assert before.err == behind.err
    assert "target `nowhere` not found" in behind.err


def test_a_missing_folder_is_reported(project: Project) -> None:
    result = project.run("-C", "missing", "validate")
    assert (result.code, result.err.splitlines()[0]) == (1, "error: folder missing not found")


def test_a_closed_pipe_ends_the_command_quietly(project: Project) -> None:
    project.declare("VIP", query("country = 'CZ'"))
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "segctl", "-C", str(project.root), "validate"],
        stdout=writer,
        stderr=subprocess.PIPE,
        cwd=REPOSITORY,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


def test_ctrl_c_exits_with_130(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(**_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(program.program, "main", interrupted)
    result = project.run("plan")
    assert (result.code, result.err) == (130, "Interrupted.\n")


# validate


def test_validate_needs_no_key(project: Project) -> None:
    project.declare("VIP", query("country = 'CZ'"))
    result = project.run("validate")
    assert (result.code, result.out, result.err) == (0, "1 segment in segments/: valid.\n", "")


def test_validate_reports_every_problem_of_every_file_at_once(project: Project) -> None:
    project.write(
        {
            "segments/a.yaml": "name: A\nquerry_dsl: x\n",
            "segments/b.yaml": "name: [\n",
            "segments/c.yaml": "name: yes\nquery_dsl: ''\n",
        }
    )
    result = project.run("validate")
    assert result.code == 1
    assert result.out == ""
    places = re.findall(r"^(segments/\S+?): error\[(\S+)\]", result.err, re.MULTILINE)
    assert {code for _, code in places} >= {
        "unknown-key",
        "yaml-syntax",
        "wrong-type",
    }
    assert {place.split(":")[0] for place, _ in places} == {
        f"segments/{name}.yaml" for name in "abc"
    }
    assert (
        "  2 | querry_dsl: x\n    | ^^^^^^^^^^\n  hint: did you mean `query_dsl`?\n" in result.err
    )


def test_validate_leaves_infos_to_lint(project: Project) -> None:
    project.declare("Slow", query("email LIKE '%@example.com'"))
    project.write({"segments/a.yaml": "name: A\n"})
    result = project.run("validate")
    assert (result.code, "missing-key" in result.err) == (1, True)
    assert "leading-wildcard" not in result.err
    assert "leading-wildcard" in project.run("lint").err
    assert "leading-wildcard" in project.run("validate", "-v").err


def test_validate_as_json(project: Project) -> None:
    project.write({"segments/a.yaml": "name: A\n"})
    result = project.run("validate", "--format", "json")
    data = json.loads(result.out)
    assert result.code == 1
    assert [diagnostic["code"] for diagnostic in data["diagnostics"]] == ["missing-key"]
    assert (
        data["diagnostics"][0]["source"].items()
        >= {
            "file": "segments/a.yaml",
            "line": 1,
            "column": 1,
        }.items()
    )


def test_validate_reports_invalid_settings_as_json(project: Project) -> None:
    project.write({"segctl.yaml": "version: 2\n"})
    result = project.run("validate", "--format", "json")
    assert result.code == 1
    assert json.loads(result.out)["diagnostics"][0]["source"]["file"] == "segctl.yaml"


def test_a_warning_does_not_fail(project: Project) -> None:
    project.declare("VIP", VIP)
    project.write({"segments/left-over.sql": VIP})
    result = project.run("validate")
    assert result.code == 0
    assert "warning[unused-query-file]" in result.err
    assert project.run("validate", "-q").err == ""


def test_colours_are_off_in_a_pipe_unless_requested(project: Project) -> None:
    project.write({"segments/a.yaml": "name: A\n"})
    assert "\x1b[31merror" in project.run("--color", "always", "validate").err
    assert "\x1b" not in project.run("validate").err
    assert "\x1b" not in project.run("--color", "never", "validate").err


@pytest.mark.parametrize(
    ("env", "colored"),
    [({}, True), ({"NO_COLOR": ""}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
)
def test_colours_are_on_in_a_terminal(
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    env: dict[str, str],
    colored: bool,
) -> None:
    project.write({"segments/a.yaml": "name: A\n"})
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert ("\x1b" in project.run("validate", **env).err) is colored


# plan


def test_a_missing_key_names_the_variable_and_the_sandbox(project: Project) -> None:
    project.declare("VIP", VIP)
    result = project.run("plan")
    assert result.code == 1
    assert "SENDGRID_API_KEY" in result.err
    assert "--target sandbox" in result.err


def test_plan_sends_only_the_get_requests_it_needs(connected: Project, remote: Remote) -> None:
    kept = remote.emulator.console.create("Kept", VIP)
    remote.emulator.console.create("By hand", VIP)
    connected.declare("Kept", VIP)
    connected.declare("New", VIP)
    connected.run("plan")
    assert [(entry.method, entry.target) for entry in remote.emulator.log] == [
        ("GET", "/v3/marketing/segments/2.0"),
        ("GET", f"/v3/marketing/segments/2.0/{kept}?contacts_sample=false"),
        # What would be sent names a custom field.
        ("GET", "/v3/marketing/field_definitions"),
    ]
    remote.emulator.clear_log()
    connected.declare("New", query("country = 'CZ'"))
    connected.run("plan")
    assert len(remote.emulator.log) == 2


def test_plan_exit_codes(connected: Project, remote: Remote) -> None:
    file = connected.declare("VIP", VIP)
    assert connected.run("plan").code == 0
    assert connected.run("plan", "--detailed-exitcode").code == 2
    remote.emulator.console.create("VIP", VIP)
    assert connected.run("plan", "--detailed-exitcode").code == 0
    remote.emulator.console.add_list("Customers", id=LIST)
    connected.declare("VIP", VIP, parent=LIST)
    assert connected.run("plan").code == 3
    assert connected.run("plan", "--detailed-exitcode").code == 3
    connected.write({file: "name: VIP\n"})
    assert connected.run("plan", "--detailed-exitcode").code == 1


def test_plan_out_writes_what_json_shows(connected: Project) -> None:
    connected.declare("VIP", VIP)
    out = connected.root / "plan.json"
    shown = json.loads(connected.run("plan", "--format", "json", "--out", str(out)).out)
    written = json.loads(out.read_text("utf-8"))
    del shown["generated_at"], written["generated_at"]
    # What a run cost is no part of the plan.
    assert shown.pop("requests") == 2
    assert shown == written
    assert [path.name for path in connected.root.iterdir() if path.is_file()] == ["plan.json"]


def test_plan_out_into_a_missing_folder_fails_before_anything_is_read(
    connected: Project, remote: Remote
) -> None:
    result = connected.run("plan", "--out", "/nowhere/plan.json")
    assert result.code == 1
    assert "folder /nowhere not found" in result.err
    assert remote.emulator.log == ()


def test_plan_out_refuses_a_folder(connected: Project) -> None:
    connected.declare("VIP", VIP)
    (connected.root / "plan.json").mkdir()
    result = connected.run("plan", "--out", str(connected.root / "plan.json"))
    assert result.code == 1
    assert "cannot write" in result.err


def test_invalid_files_as_json_have_no_changes(connected: Project) -> None:
    connected.write({"segments/a.yaml": "name: A\n"})
    result = connected.run("plan", "--format", "json")
    assert result.code == 1
    assert "changes" not in json.loads(result.out)


def test_plan_only(connected: Project) -> None:
    connected.declare("VIP", VIP)
    connected.declare("Churn", VIP)
    plan = json.loads(connected.run("plan", "--only", "V*", "--format", "json").out)
    assert [change["name"] for change in plan["changes"]] == ["VIP"]
    missed = connected.run("plan", "--only", "Chrun")
    assert missed.code == 1
    assert "did you mean `Churn`?" in missed.err


def test_verbosity(connected: Project, remote: Remote) -> None:
    remote.emulator.console.create("Same", VIP)
    remote.emulator.console.create("By hand", VIP)
    connected.declare("Same", VIP)
    connected.declare("New", VIP)
    closing = (
        "Plan for production: 1 to create, 0 to patch, 0 to replace, 0 to delete. "
        "1 unchanged, 1 unmanaged (left alone).\n"
    )
    assert connected.run("plan", "-q").out == closing
    loud = connected.run("-v", "plan")
    assert "unchanged  Same  segments/same.yaml:1:7" in loud.out
    assert "unmanaged  By hand" in loud.out
    assert loud.err == "3 requests sent.\n"
    assert connected.run("plan").err == ""


def test_a_plan_with_errors_exits_with_1(connected: Project, remote: Remote) -> None:
    remote.emulator.console.seed_v1("Old", "email LIKE '%x'")
    connected.declare("Old", VIP)
    result = connected.run("plan")
    assert result.code == 1
    assert "error[name-held-by-v1]" in result.out
    assert result.out.endswith(
        "1 error: nothing can be applied to production. 0 unchanged, 0 unmanaged (left alone).\n"
    )
    assert connected.run("apply", "--auto-approve").code == 1


def test_a_missing_segments_folder_is_reported(tmp_path: Path, project: Project) -> None:
    (tmp_path / "segments").rmdir()
    result = project.run("plan")
    assert result.code == 1
    assert "folder segments/ not found" in result.err
    assert "run `segctl init` to create it" in result.err


# apply


def test_apply_without_a_terminal_and_without_approval_is_refused(
    connected: Project, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("yes\n"))
    connected.declare("VIP", VIP)
    result = connected.run("apply")
    assert result.code == 3
    assert "--auto-approve" in result.err
    assert remote.definitions() == {}


@pytest.mark.parametrize(("answer", "code"), [("yes\n", 0), ("y\n", 1), ("\n", 1), ("", 1)])
def test_apply_asks_on_a_terminal(
    connected: Project,
    remote: Remote,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    code: int,
) -> None:
    stdin = io.StringIO(answer)
    monkeypatch.setattr(stdin, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", stdin)
    connected.declare("VIP", VIP)
    result = connected.run("apply")
    assert result.code == code
    assert "Type `yes` to make them" in result.err
    assert ("VIP" in remote.definitions()) is (code == 0)


def test_apply_without_changes_does_not_ask(connected: Project, remote: Remote) -> None:
    remote.emulator.console.create("VIP", VIP)
    connected.declare("VIP", VIP)
    result = connected.run("apply")
    assert (result.code, result.out) == (
        0,
        "No changes. 1 segment of production matches segments/.\n",
    )


def test_a_refused_plan_changes_nothing(connected: Project, remote: Remote) -> None:
    remote.emulator.console.create("VIP", VIP)
    before = remote.definitions()
    remote.emulator.console.add_list("Customers", id=LIST)
    connected.declare("VIP", VIP, parent=LIST)
    connected.declare("New", VIP)
    result = connected.run("apply", "--auto-approve")
    assert result.code == 3
    assert "error[replace-refused]" in result.out
    assert "nothing was changed" in result.err
    assert remote.definitions() == before


def test_apply_only(connected: Project, remote: Remote) -> None:
    connected.declare("VIP", VIP)
    connected.declare("Churn", VIP)
    assert connected.run("apply", "--auto-approve", "--only", "VIP").code == 0
    assert set(remote.definitions()) == {"VIP"}


def test_an_apply_that_fails_in_part_exits_with_4_and_a_report(
    connected: Project, remote: Remote
) -> None:
    for name in ("A", "B", "C"):
        connected.declare(name, VIP)
    remote.emulator.faults.add("POST * 403 #2")
    result = connected.run("apply", "--auto-approve", "--parallelism", "1")
    assert result.code == 4
    assert "Partially applied to production: 2 done, 1 failed." in result.out
    assert set(remote.definitions()) == {"A", "C"}
    assert connected.run("apply", "--auto-approve").code == 0
    assert set(remote.definitions()) == {"A", "B", "C"}


def test_an_apply_that_fails_entirely_exits_with_1(connected: Project, remote: Remote) -> None:
    connected.declare("A", VIP)
    remote.emulator.faults.add("POST * 400 always")
    assert connected.run("apply", "--auto-approve").code == 1


def test_an_edit_on_the_account_after_the_plan_is_a_conflict(
    connected: Project, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    segment = remote.emulator.console.create("VIP", VIP)
    connected.declare("VIP", query("total_spend > 250"))
    by_hand = query("total_spend > 1")
    stdin = io.StringIO("yes\n")

    def answer() -> bool:
        remote.emulator.console.edit(segment, query=by_hand)
        return True

    monkeypatch.setattr(stdin, "isatty", answer)
    monkeypatch.setattr("sys.stdin", stdin)
    result = connected.run("apply")
    assert result.code == 1
    assert "conflict" in result.out
    assert "query_dsl" in result.out
    assert remote.definitions()["VIP"] == (by_hand, ())


def test_the_update_lock_is_explained(connected: Project, remote: Remote) -> None:
    connected.declare("VIP", VIP)
    connected.run("apply", "--auto-approve")
    connected.declare("VIP", query("total_spend > 250"))
    result = connected.run("apply", "--auto-approve")
    assert result.code == 1
    assert "less than five minutes ago" in result.out
    remote.clock.forward(minutes=5)
    assert connected.run("apply", "--auto-approve").code == 0


def test_apply_refreshes_what_it_changed(connected: Project, remote: Remote) -> None:
    remote.emulator.console.create("Same", VIP)
    connected.declare("Same", VIP)
    for number in range(11):
        connected.declare(f"New {number:02}", VIP)
    result = connected.run("apply", "--auto-approve", "--refresh", "changed")
    assert result.code == 0
    assert "Applied to production: 11 done. 10 of 11 refreshing, 1 deferred." in result.out
    late = "deferred      New 10: not before 2026-07-16 00:00 UTC: the limit is 10 refreshes"
    assert late in result.out
    asked = [e.target for e in remote.emulator.log if "/refresh/" in e.target]
    assert len(asked) == 10
    # The next run knows: nothing is asked in vain.
    connected.declare("Late", VIP, extra="refresh_priority: 100\n")
    result = connected.run("apply", "--auto-approve", "--refresh", "changed")
    assert "Applied to production: 1 done. 0 of 1 refreshing, 1 deferred." in result.out
    assert result.code == 0
    assert len([e for e in remote.emulator.log if "/refresh/" in e.target]) == 10


def test_apply_refreshes_by_priority(connected: Project, remote: Remote) -> None:
    for number in range(12):
        extra = f"refresh_priority: {number}\n" if number > 8 else ""
        connected.declare(f"New {number:02}", VIP, extra=extra)
    out = connected.run("apply", "--auto-approve", "--refresh", "changed").out
    order = [line.split()[-1] for line in out.splitlines() if line.startswith("  refreshing")]
    assert order[:4] == ["11", "10", "09", "00"]
    assert "deferred      New 07" in out


def test_apply_does_not_refresh_a_segment_in_validation(connected: Project, remote: Remote) -> None:
    remote.emulator.settings = dataclasses.replace(remote.emulator.settings, validation_delay=99)
    connected.declare("VIP", VIP)
    result = connected.run("apply", "--auto-approve", "--refresh", "changed")
    assert "not refreshed VIP: SendGrid is still validating its query" in result.out
    assert not [e for e in remote.emulator.log if "/refresh/" in e.target]


def test_a_quiet_apply_shows_the_summary(connected: Project) -> None:
    connected.declare("VIP", VIP)
    result = connected.run("apply", "-q", "--auto-approve")
    assert result.out.splitlines() == [
        (
            "Plan for production: 1 to create, 0 to patch, 0 to replace, 0 to delete. "
            "0 unchanged, 0 unmanaged (left alone)."
        ),
        "",
        "Applied to production: 1 done.",
    ]
    assert result.err == ""


# refresh


def test_refresh_by_name_and_by_id(connected: Project, remote: Remote) -> None:
    remote.emulator.console.create("VIP", VIP)
    other = remote.emulator.console.create("Other", VIP)
    result = connected.run("refresh", "VIP", other, "VIP")
    assert result.code == 0
    assert result.out == "  refreshing    VIP\n  refreshing    Other\n"
    again = connected.run("refresh", "VIP")
    assert again.code == 1
    assert (
        "deferred      VIP: not before 2026-07-15 17:05 UTC: the limit is 1 refresh an hour"
        in again.out
    )
    refreshes = [entry.target for entry in remote.emulator.log if "/refresh/" in entry.target]
    assert len(refreshes) == 2
    # Who insists asks the account.
    insisting = connected.run("refresh", "VIP", "--force")
    assert (insisting.code, len(remote.emulator.log)) == (1, 6)
    third = remote.emulator.console.create("Third", VIP)
    assert connected.run("refresh", "VIP", third).code == 4


def test_refresh_as_json(connected: Project, remote: Remote) -> None:
    remote.emulator.console.create("VIP", VIP)
    connected.run("refresh", "VIP")
    result = connected.run("refresh", "VIP", "--format", "json")
    data = json.loads(result.out)
    assert (data["tool"]["name"], data["refresh_summary"]["deferred"]) == ("segctl", 1)
    assert data["refreshes"][0]["until"] == "2026-07-15T17:04:33Z"


def test_refresh_finds_every_name_before_it_sends_a_request(
    connected: Project, remote: Remote
) -> None:
    remote.emulator.console.create("VIP", VIP)
    result = connected.run("refresh", "VIP", "VPI")
    assert result.code == 1
    assert "did you mean `VIP`?" in result.err
    assert [entry.method for entry in remote.emulator.log] == ["GET"]


def test_refresh_refuses_a_v1_segment(connected: Project, remote: Remote) -> None:
    remote.emulator.console.seed_v1("Old", "email LIKE '%x'")
    result = connected.run("refresh", "Old")
    assert result.code == 1
    assert "is a v1 segment" in result.err


def test_refresh_uses_the_time_zone_of_the_settings(connected: Project, remote: Remote) -> None:
    connected.write({"segctl.yaml": "version: 1\ntime_zone: Europe/Prague\n"})
    remote.emulator.console.create("VIP", VIP)
    for _ in range(2):
        assert connected.run("refresh", "VIP").code == 0
        remote.clock.forward(hours=1)
        connected.clock.sleep(3600)
    refused = connected.run("refresh", "VIP")
    assert (
        "not before 2026-07-16 00:00 Europe/Prague: the limit is 2 refreshes a day" in refused.out
    )
    # 18:04 UTC is 20:04 in Prague: four hours to its midnight, six to that of UTC.
    remote.clock.forward(hours=4)
    connected.clock.sleep(4 * 3600)
    assert connected.run("refresh", "VIP").code == 0


# list


@pytest.fixture
def varied(connected: Project, remote: Remote) -> Callable[..., list[str]]:
    """Segments with and without parent lists, and a way to list them."""
    remote.emulator.console.create(
        "Plain", VIP, contacts_count=1203, id="00000000-0000-4000-8000-000000000001"
    )
    for name, parent in (("In one", LIST), ("In two", LIST.replace("01", "02"))):
        remote.emulator.console.create(name, VIP, parent_list_ids=[parent])
    remote.emulator.console.seed_v1("Old", "email LIKE '%x'")
    connected.declare("Plain", VIP)

    def names(*argv: str) -> list[str]:
        data = json.loads(connected.run("list", "--format", "json", *argv).out)
        return [segment["name"] for segment in data["segments"]]

    return names


def test_list_uses_the_filters_of_the_api(varied: Callable[..., list[str]]) -> None:
    two = LIST.replace("01", "02")
    assert varied() == ["In one", "In two", "Old", "Plain"]
    assert varied("--parent-list", LIST) == ["In one"]
    assert varied("--parent-list", LIST, "--parent-list", two) == ["In one", "In two"]
    assert varied("--parent-list", LIST, "--no-parent-list") == ["In one", "Old", "Plain"]
    assert varied("--no-parent-list") == ["Old", "Plain"]
    plain_id = "00000000-0000-4000-8000-000000000001"
    assert varied("--id", plain_id, "--parent-list", LIST) == ["Plain"]


def test_list_as_a_table(connected: Project, varied: Callable[..., list[str]]) -> None:
    del varied
    lines = connected.run("list").out.splitlines()
    assert lines[0].split() == [
        "NAME",
        "MANAGED",
        "CONTACTS",
        "VALIDATION",
        "PARENT",
        "LIST",
        "REFRESHES",
        "NEXT",
        "COUNT",
        "ID",
    ]
    plain = next(line for line in lines if line.startswith("Plain"))
    assert plain.split()[:4] == ["Plain", "yes", "1,203", "valid"]
    assert next(line for line in lines if line.startswith("Old")).split()[1] == "v1"
    assert next(line for line in lines if line.startswith("In one")).split()[2] == "no"


def test_list_shows_why_a_query_is_invalid(connected: Project, remote: Remote) -> None:
    remote.emulator.console.create("Broken", "SELECT nonsense")
    assert "invalid: " in connected.run("list").out


def test_list_works_with_invalid_files(connected: Project, remote: Remote) -> None:
    remote.emulator.console.create("Plain", VIP)
    connected.write({"segments/broken.yaml": "name: [\n"})
    result = connected.run("list", "--format", "json")
    assert result.code == 0
    assert json.loads(result.out)["segments"][0]["managed"] is None
    assert "MANAGED is unknown" in result.err
    (connected.root / "segments/broken.yaml").unlink()
    (connected.root / "segments").rmdir()
    assert "MANAGED is unknown" in connected.run("list").err


def test_an_empty_account_lists_nothing(connected: Project) -> None:
    result = connected.run("list")
    assert (result.code, result.out, result.err) == (0, "", "No segments.\n")


def test_list_reports_filters_that_an_id_overrides(connected: Project) -> None:
    assert "ignores the other filters" in connected.run("list", "--id", "x", "--no-parent-list").err


# The sandbox


def test_the_sandbox_keeps_its_state_between_runs(project: Project) -> None:
    project.declare("VIP", VIP)
    project.declare("Newsletter readers", VIP)
    first = project.run("--target", "sandbox", "plan", "--format", "json")
    assert json.loads(first.out)["summary"] == {
        "create": 1,
        "patch": 1,
        "replace": 0,
        "upgrade": 0,
        "delete": 0,
        "unchanged": 0,
        "unmanaged": 2,
    }
    assert project.run("--target", "sandbox", "apply", "--auto-approve").code == 0
    last = project.run("plan", SEGCTL_TARGET="sandbox")
    assert last.out.endswith("No changes. 2 segments of sandbox match segments/.\n")
    assert (project.root / ".segctl" / ".gitignore").read_text("utf-8").endswith("*\n")


def test_a_damaged_sandbox_file_is_reported(project: Project) -> None:
    project.declare("VIP", VIP)
    project.write({".segctl/sandbox.sqlite3": "not a database, whatever it is called" * 100})
    result = project.run("--target", "sandbox", "plan")
    assert result.code == 1
    assert "cannot use the sandbox" in result.err
    assert "delete " in result.err


def test_a_sandbox_folder_that_cannot_be_created_is_reported(project: Project) -> None:
    project.declare("VIP", VIP)
    project.write({".segctl": "a file"})
    assert "cannot write to" in project.run("--target", "sandbox", "plan").err


# What must never be seen


def test_the_key_reaches_neither_output_nor_files(connected: Project, remote: Remote) -> None:
    connected.declare("VIP", VIP)
    seen = []
    for fault in ("* * 401 always", "* * 500 always", "* * truncated always", ""):
        remote.emulator.faults.clear()
        if fault:
            remote.emulator.faults.add(fault)
        for argv in (
            ["plan", "-vv"],
            ["plan", "--format", "json", "--out", str(connected.root / "plan.json")],
            ["show", str(connected.root / "plan.json")],
            ["list", "-v"],
            ["refresh", "VIP"],
            ["apply", "--auto-approve", "-vv"],
            ["apply", str(connected.root / "plan.json"), "--auto-approve", "-vv"],
        ):
            result = connected.run(*argv)
            seen += [result.out, result.err]
    seen += [path.read_text("utf-8") for path in connected.root.rglob("*") if path.is_file()]
    assert len("".join(seen)) > 1000
    assert all(KEY not in text and KEY[:20] not in text for text in seen)


def test_names_from_the_account_cannot_control_the_terminal(
    connected: Project, remote: Remote
) -> None:
    remote.emulator.console.create("evil\x1b[2J\u202ename", ALL)
    for argv in (["plan", "-v"], ["list"]):
        text = connected.run(*argv).out
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert r"evil\x1b[2J\u202ename" in text


# lint, fmt, explain


def test_plan_knows_the_fields_and_lists_of_the_account(connected: Project, remote: Remote) -> None:
    text = query(f"totl_spend > 500 AND array_contains(list_ids, ['{LIST}'])")
    connected.declare("VIP", text)
    result = connected.run("plan")
    assert result.code == 1
    assert "error[unknown-column]" in result.out
    assert "error[unknown-list]" in result.out
    assert connected.run("apply", "--auto-approve").code == 1
    assert remote.definitions() == {}
    remote.emulator.console.add_list("A list", id=LIST)
    remote.emulator.console.add_field("totl_spend", "Number")
    assert connected.run("apply", "--auto-approve").code == 0


def test_a_plan_continues_if_the_account_denies_its_fields(
    connected: Project, remote: Remote
) -> None:
    connected.declare("VIP", VIP)
    remote.emulator.faults.add("GET /v3/marketing/field_definitions 403 always")
    result = connected.run("plan")
    assert result.code == 0
    assert "warning[account-unknown]: fields were not checked" in result.out


def test_an_unchanged_segment_is_not_checked_again(connected: Project, remote: Remote) -> None:
    text = query("country != 'CZ'")
    remote.emulator.console.create("Abroad", text)
    connected.declare("Abroad", text)
    assert "warning" not in connected.run("plan").out
    assert "warning[drops-nulls]" in connected.run("validate").err


def test_lint_settings_change_severities(project: Project) -> None:
    project.declare("Abroad", query("country != 'CZ'"))
    project.write({"segctl.yaml": "version: 1\nlint:\n  rules:\n    drops-nulls: error\n"})
    assert project.run("validate").code == 1
    project.write({"segctl.yaml": "version: 1\nlint:\n  rules:\n    drops-nulls: off\n"})
    assert project.run("validate").err == ""
    project.write({"segctl.yaml": "version: 1\nlint:\n  name_pattern: '[a-z]+'\n"})
    assert "error[name-pattern]" in project.run("validate").err
    project.write({"segctl.yaml": "version: 1\nlint:\n  rules: {drop-nulls: error}\n"})
    assert "did you mean `drops-nulls`?" in project.run("validate").err
    project.write({"segctl.yaml": "version: 1\nlint: {name_pattern: '('}\n"})
    assert "invalid regular expression" in project.run("validate").err
    project.write({"segctl.yaml": "version: 1\nlint:\n  rules: {drops-nulls: loud}\n"})
    assert "must be error or warning or info or off" in project.run("validate").err


def test_an_ignore_comment_suppresses_a_rule(project: Project) -> None:
    comment = "# segctl: ignore[drops-nulls]\n"
    text = segment_yaml("Abroad", query("country != 'CZ'"))
    project.write({"segments/a.yaml": text.replace("query_dsl", f"{comment}query_dsl")})
    assert project.run("validate").err == ""
    project.write({"segments/a.yaml": comment + segment_yaml("Home", query("country = 'CZ'"))})
    assert "warning[unused-ignore]" in project.run("validate").err


def test_infos_are_shown_only_on_request(project: Project) -> None:
    project.declare("Gmail", query("email LIKE '%@example.com'"))
    assert project.run("validate").err == ""
    assert "info[leading-wildcard]" in project.run("validate", "-v").err
    assert "info[leading-wildcard]" in project.run("lint").err


def test_lint_explains_its_rules(project: Project) -> None:
    listed = project.run("lint", "--explain")
    assert listed.code == 0
    assert re.search(r"^drops-nulls +warning  Report", listed.out, re.MULTILINE)
    explained = project.run("lint", "--explain", "drops-nulls")
    assert explained.out.startswith("drops-nulls (warning)\n")
    assert "country != 'US' OR country IS NULL" in explained.out
    missed = project.run("lint", "--explain", "drop-nulls")
    assert (missed.code, missed.out) == (1, "")
    assert "did you mean `drops-nulls`?" in missed.err


MESSY = """\
# yaml-language-server: $schema=../schemas/segment.schema.json
query_dsl: "select contact_id, updated_at from contact_data where country = 'CZ' and city='Brno'"
name: Brno   # the city
"""
NEAT = """\
# yaml-language-server: $schema=../schemas/segment.schema.json
name: Brno   # the city
query_dsl: |
  SELECT contact_id, updated_at
  FROM contact_data
  WHERE country = 'CZ'
    AND city = 'Brno'
"""


def test_fmt_checks_diffs_and_writes(connected: Project, remote: Remote) -> None:
    connected.write({"segments/a.yaml": MESSY, "segments/b.sql": "select 1 from a where b = 1"})
    assert connected.run("fmt", "--check").code == 1
    shown = connected.run("fmt", "--diff")
    assert shown.code == 0
    assert "--- a/segments/a.yaml\n+++ b/segments/a.yaml\n" in shown.out
    assert "+  WHERE country = 'CZ'\n" in shown.out
    file = connected.root / "segments/a.yaml"
    assert file.read_text("utf-8") == MESSY
    (connected.root / "segments/b.sql").unlink()
    assert connected.run("apply", "--auto-approve").code == 0

    written = connected.run("fmt")
    assert (written.code, written.out) == (0, "segments/a.yaml\n")
    assert file.read_text("utf-8") == NEAT
    again = connected.run("fmt", "--check")
    assert (again.code, again.out, again.err) == (0, "", "All files are formatted.\n")
    assert connected.run("plan", "--detailed-exitcode").code == 0
    assert len(remote.definitions()) == 1


def test_fmt_leaves_an_unreadable_file_alone(project: Project) -> None:
    project.write({"segments/a.yaml": "name: [\n", "segments/b.yaml": MESSY})
    (project.root / "segments/c.yaml").write_bytes(b"name: \xff\n")
    result = project.run("fmt")
    assert result.code == 1
    assert "segments/a.yaml:1:7: error[yaml-syntax]" in result.err
    assert "segments/c.yaml:1:7: error[not-utf8]" in result.err
    assert result.out == "segments/b.yaml\n"
    assert (project.root / "segments/a.yaml").read_text("utf-8") == "name: [\n"


def test_fmt_fails_for_a_file_that_is_not_utf_8(project: Project) -> None:
    (project.root / "segments/c.yaml").write_bytes(b"name: \xff\n")
    result = project.run("fmt", "--check")
    assert result.code == 1
    assert "error[not-utf8]" in result.err
    assert "All files are formatted." not in result.err


def test_fmt_keeps_line_ends_and_byte_order_mark(project: Project) -> None:
    file = project.root / "segments/a.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + MESSY.replace("\n", "\r\n").encode())
    assert project.run("fmt").code == 0
    assert file.read_bytes() == b"\xef\xbb\xbf" + NEAT.replace("\n", "\r\n").encode()


def test_explain_describes_audiences_in_plain_english(project: Project) -> None:
    project.declare("Brno", query("country = 'CZ' AND city = 'Brno'"))
    project.declare("Odd", "WITH x AS (SELECT 1) SELECT 2")
    explained = project.run("explain", "Brno")
    assert explained.out == (
        "Brno  segments/brno.yaml:1:7\n  Contacts whose country is CZ and whose city is Brno.\n"
    )
    every = project.run("explain")
    assert every.out.startswith(explained.out)
    assert "segctl cannot read this query" in every.out
    missed = project.run("explain", "Bnro")
    assert missed.code == 1
    assert "did you mean `Brno`?" in missed.err


def test_a_long_explanation_is_wrapped_with_its_list_indented(project: Project) -> None:
    conditions = " OR ".join(f"(country = 'CZ' AND city = 'City number {n}')" for n in range(5))
    project.declare("Cities", query(conditions))
    lines = project.run("explain", "Cities").out.splitlines()
    assert all(len(line) <= 88 for line in lines)
    assert sum(line.lstrip().startswith("- ") for line in lines) >= 5


def test_list_v1_asks_the_first_api(connected: Project, remote: Remote) -> None:
    console = remote.emulator.console
    console.create("VIP", ALL)
    segment_id = console.seed_v1("Old", "email LIKE '%x'", contacts_count=3)
    shown = connected.run("list", "--v1")
    assert (shown.code, shown.err) == (0, "")
    assert [line.split()[0] for line in shown.out.splitlines()] == ["NAME", "Old"]
    (entry,) = json.loads(connected.run("list", "--v1", "--format", "json").out)["segments"]
    assert (entry["id"], entry["v1"], entry["contacts_count"]) == (segment_id, True, 3)
    assert "/v3/marketing/segments" in {request.target for request in remote.emulator.log}
