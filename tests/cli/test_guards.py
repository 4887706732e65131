"""The command line at its edges: unset variables, odd streams, keys in odd places, sudden ends."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from segctl.applying.applier import perform
from tests.support.account import KEY, Remote
from tests.support.builders import query, segment_yaml
from tests.support.process import HANG, REPOSITORY, child_env

if TYPE_CHECKING:
    from collections.abc import Iterator

    from segctl.applying.applier import Event
    from tests.support.project import Project

VIP = query("total_spend > 500")


def shell(project: Project, command: str, **env: str) -> subprocess.CompletedProcess[bytes]:
    """Run a line of shell in which `segctl` is segctl in this project."""
    segctl = f"{sys.executable} -m segctl -C {project.root}"
    return subprocess.run(
        ["bash", "-c", command.replace("segctl", segctl)],
        capture_output=True,
        cwd=REPOSITORY,
        env=child_env(**project.env, **env),
        check=False,
        timeout=HANG,
    )


# What is not set is not the default


def test_an_empty_target_is_not_the_default_target(connected: Project, remote: Remote) -> None:
    connected.declare("VIP", VIP)
    result = connected.run("--target", "", "apply", "--auto-approve")
    assert result.code == 1
    assert "target" in result.err
    assert remote.emulator.log == ()


@pytest.mark.parametrize("argv", [["--id", ""], ["--parent-list", ""]])
def test_an_empty_id_does_not_list_everything(
    connected: Project, remote: Remote, argv: list[str]
) -> None:
    result = connected.run("list", *argv)
    assert (result.code, result.out) == (1, "")
    assert remote.emulator.log == ()


def test_an_empty_output_file_name_is_refused(connected: Project) -> None:
    connected.declare("VIP", VIP)
    result = connected.run("plan", "--out", "")
    assert result.code == 1
    assert "is empty" in result.err


# A key in the wrong place


@pytest.mark.parametrize(
    "argv",
    [
        ["plan", "--only", KEY],
        [KEY],
        [f"--{KEY}"],
        ["refresh", KEY],
        ["-C", KEY, "plan"],
        ["plan", "--out", f"{KEY}/x"],
        ["show", KEY],
        ["apply", KEY],
        ["apply", "--expect-digest", KEY],
        ["plan", "--format", KEY],
        ["--color", KEY, "plan"],
        ["emulator", "--fault", KEY],
        ["--target", KEY, "plan"],
        ["lint", "--explain", KEY],
        ["explain", KEY],
    ],
)
def test_a_key_on_the_command_line_is_not_echoed(connected: Project, argv: list[str]) -> None:
    connected.declare("VIP", VIP)
    result = connected.run(*argv)
    assert result.code == 1
    assert KEY not in result.out + result.err
    assert KEY.split(".")[1] not in result.out + result.err


def test_a_key_in_the_account_is_not_shown(connected: Project, remote: Remote) -> None:
    remote.emulator.console.create(f"oops {KEY}", VIP)
    for argv in (["list"], ["plan", "-v"]):
        result = connected.run(*argv)
        assert "oops SG.***" in result.out
        assert KEY not in result.out


# Streams


@pytest.mark.posix
def test_json_is_ascii_if_stdout_is_not_utf_8(project: Project) -> None:
    project.write({"segments/a.yaml": segment_yaml("Kň😀", query("country = 'CZ'"))})
    done = shell(project, "segctl --target sandbox plan --format json", PYTHONIOENCODING="cp1252")
    assert json.loads(done.stdout)["changes"][0]["name"] == "Kň😀"
    done = shell(project, "segctl --target sandbox plan --format json", PYTHONIOENCODING="utf-8")
    assert "Kň😀" in done.stdout.decode("utf-8")


@pytest.mark.posix
def test_closed_streams_cause_no_traceback(connected: Project, remote: Remote) -> None:
    connected.declare("VIP", VIP)
    refused = shell(connected, "segctl apply <&-")
    assert refused.returncode == 3
    assert b"stdin is not a terminal" in refused.stderr
    assert shell(connected, "segctl plan >&-").returncode == 0
    assert shell(connected, "segctl plan 2>&-").returncode == 0
    assert remote.definitions() == {}


@pytest.mark.posix
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("command", ["plan", "list --format json", "--help"])
def test_a_full_disk_is_reported(connected: Project, command: str) -> None:
    connected.declare("VIP", VIP)
    done = shell(connected, f"segctl {command} >/dev/full")
    assert done.returncode == 1
    assert done.stderr.endswith(b"error: cannot write the output: No space left on device\n")


@pytest.mark.posix
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_version_reports_a_full_disk() -> None:
    """`--version` is answered before the command line is imported."""
    for stream, code, message in ((">&-", 0, b""), (">/dev/full", 1, b"error: cannot write the")):
        line = f"{sys.executable} -m segctl --version {stream}"
        done = subprocess.run(
            ["bash", "-c", line], capture_output=True, env=child_env(), check=False
        )
        assert (done.returncode, done.stderr[: len(message) or None]) == (code, message)
        assert done.stderr.count(b"\n") <= 1


@pytest.mark.posix
def test_a_closed_stderr_does_not_stop_an_apply(connected: Project, remote: Remote) -> None:
    for number in range(5):
        connected.declare(f"Segment {number}", VIP)
    done = shell(connected, "segctl apply --auto-approve 2>&1 >/dev/null | head -n 1")
    assert done.stdout.startswith(b"create Segment 0")
    assert len(remote.definitions()) == 5


@pytest.mark.posix
def test_plan_out_writes_into_a_pipe_and_through_a_link_of_the_user(
    connected: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    connected.declare("VIP", VIP)
    done = shell(connected, "segctl plan -q --out >(wc -l >&2) ; sleep 0.2")
    assert int(done.stderr) > 10
    outside = tmp_path_factory.mktemp("outside")
    real, link = outside / "real.json", outside / "link.json"
    link.symlink_to(real)
    assert connected.run("plan", "-q", "--out", str(link)).code == 0
    assert link.is_symlink()
    assert json.loads(real.read_text("utf-8"))["changes"]


# Everything at once


def test_settings_and_segments_are_checked_together(project: Project) -> None:
    project.write(
        {"segctl.yaml": "version: 1\ntime_zone: Prague\n", "segments/a.yaml": "name: A\n"}
    )
    result = project.run("validate")
    assert result.code == 1
    assert "error[unknown-time-zone]" in result.err
    assert "error[missing-key]" in result.err


def test_a_duplicate_name_is_reported_with_other_errors(project: Project) -> None:
    project.write(
        {
            "segments/a.yaml": segment_yaml("VIP", VIP),
            "segments/b.yaml": "name: VIP\nquery_dsl: ''\n",
        }
    )
    result = project.run("validate")
    assert "error[duplicate-name]" in result.err
    assert "error[empty-value]" in result.err or "error[empty-query]" in result.err


# An apply that does not end by itself


@pytest.mark.parametrize(
    ("error", "code"), [(KeyboardInterrupt(), 130), (RuntimeError("the disk is gone"), 1)]
)
def test_an_apply_reports_what_it_did_whatever_ends_it(
    connected: Project,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    code: int,
) -> None:
    for letter in "ABC":
        connected.declare(letter, VIP)

    def failing(*args: object) -> Iterator[Event]:
        events = perform(*args)  # type: ignore[arg-type]
        for _ in range(3):
            yield next(events)
        raise error

    monkeypatch.setattr("segctl.app.apply.perform", failing)
    result = connected.run("apply", "--auto-approve", "--parallelism", "1")
    assert result.code == code
    assert ("internal error: RuntimeError" in result.err) == (code == 1)
    out = result.out
    assert "created       A" in out
    assert "unknown       create B: segctl was stopped while the request was" in out
    assert "not attempted create C" in out


def test_an_apply_reports_that_it_changed_nothing(connected: Project, remote: Remote) -> None:
    connected.declare("A", VIP)
    remote.emulator.faults.add("POST * 400 always")
    assert (
        "Nothing applied to production: 0 done, 1 failed."
        in connected.run("apply", "--auto-approve").out
    )


# The table on a narrow terminal


@pytest.mark.parametrize(("columns", "ids"), [(80, False), (250, True)])
def test_a_narrow_terminal_hides_the_ids_and_says_how_to_show_them(
    connected: Project,
    remote: Remote,
    monkeypatch: pytest.MonkeyPatch,
    columns: int,
    ids: bool,
) -> None:
    segment = remote.emulator.console.create("A segment with a name of its own", VIP)
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(columns))
    done = connected.run("--color", "never", "list")
    assert "A segment with a name of its own" in done.out
    assert max(map(len, done.out.splitlines())) <= columns
    assert (segment in done.out) is ids
    assert ("run `segctl list -v` to show all" in done.err) is not ids
    assert segment in connected.run("--color", "never", "-v", "list").out


def test_quiet_drift_shows_what_is_missing_or_was_made_by_hand(
    connected: Project, remote: Remote
) -> None:
    connected.declare("VIP", VIP)
    remote.emulator.console.create("By hand", query("preferred_language = 'cs'"))
    loud, quiet = connected.run("drift"), connected.run("drift", "-q")
    assert quiet.out == loud.out
    assert "missing  VIP" in quiet.out
    assert "by hand  By hand" in quiet.out


def test_a_locked_sandbox_is_not_called_damaged(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    from segctl.emulator import Emulator, StateError  # noqa: PLC0415

    def locked(*_: object, **__: object) -> None:
        raise StateError("the state file is locked by another process")

    project.declare("VIP", VIP)
    monkeypatch.setattr(Emulator, "seed", locked)
    result = project.run("--target", "sandbox", "plan")
    assert result.code == 1
    assert "try again" in result.err
    assert "delete" not in result.err


def test_a_yes_in_a_pipe_is_not_an_approval(
    connected: Project, remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("yes\n"))
    connected.declare("VIP", VIP)
    assert connected.run("apply").code == 3
    assert remote.definitions() == {}
