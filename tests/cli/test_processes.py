"""segctl as a process: the emulator on a port, interruptions, several at once."""

from __future__ import annotations

import json
import os
import re
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.account import KEY
from tests.support.builders import query
from tests.support.held import holding
from tests.support.process import child_env, running, running_segctl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.project import Project

pytestmark = pytest.mark.posix

VIP = query("total_spend > 500")


@contextmanager
def emulator(*argv: str) -> Iterator[str]:
    """Serve with `segctl emulator`, and stop it with Ctrl-C; yield the address."""
    with running_segctl("emulator", "--port", "0", *argv) as process:
        assert process.out is not None
        said = process.out.wait_for("http://")
        url = re.search(r"http://127\.0\.0\.1:\d+", said)
        assert url, said
        yield url[0]
        process.interrupt()
        code, _, err = process.finish()
    assert (code, "Traceback" in err) == (0, False), err


def run_segctl(*argv: str, **env: str) -> tuple[int, str, str]:
    """Run segctl as a process until it ends; return its exit code and output."""
    with running_segctl(*argv, **env) as process:
        return process.finish()


@pytest.fixture
def run(project: Project) -> Callable[..., tuple[int, str, str]]:
    """Run segctl in the project, as a process."""

    def run_it(*argv: str, **env: str) -> tuple[int, str, str]:
        return run_segctl("-C", str(project.root), *argv, **env)

    return run_it


def test_the_story_over_http(
    project: Project, run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    project.declare("VIP", VIP)
    project.declare("Newsletter readers", VIP)
    state = str(tmp_path / "state" / "account.sqlite3")
    with emulator("--state", state) as url:
        env = {"SEGCTL_BASE_URL": url, "SENDGRID_API_KEY": KEY}
        code, out, _ = run("plan", "--detailed-exitcode", **env)
        assert code == 2
        assert "Plan for production: 1 to create, 1 to patch" in out
        code, out, err = run("apply", "--auto-approve", "--refresh", "changed", **env)
        assert (code, err) == (0, "create VIP …\npatch Newsletter readers …\n")
        assert "Applied to production: 2 done. 2 of 2 refreshing." in out
    with emulator("--state", state) as url:
        env = {"SEGCTL_BASE_URL": url, "SENDGRID_API_KEY": KEY}
        code, out, _ = run("plan", "--detailed-exitcode", **env)
        assert code == 0
        assert out.endswith("No changes. 2 segments of production match segments/.\n")
        code, out, _ = run("list", "--format", "json", **env)
        assert {segment["managed"] for segment in json.loads(out)["segments"]} == {True, False}


def test_the_emulator_refuses_invalid_options(tmp_path: Path) -> None:
    with emulator() as url:
        port = url.rsplit(":", 1)[1]
        code, out, err = run_segctl("emulator", "--port", port)
        assert (code, out) == (1, "")
        assert f"cannot serve on port {port}" in err
    code, _, err = run_segctl("emulator", "--port", "0", "--fault", "nonsense")
    assert code == 1
    assert err.startswith("error: --fault: ")
    state = tmp_path / "state"
    state.write_text("this is no account" * 100)
    code, _, err = run_segctl("emulator", "--port", "0", "--state", str(state))
    assert code == 1
    assert err.startswith("error: ")


def test_the_emulator_serves_a_world_and_refuses_other_keys(
    project: Project, run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    world = tmp_path / "world.yaml"
    world.write_text(
        "subusers:\n  shop:\n    keys: [invented]\n    plan: free\n    segments:\n"
        f'      - {{name: VIP, query_dsl: "{VIP}"}}\n'
    )
    project.declare("VIP", VIP)
    with emulator("--world", str(world)) as url:
        env = {"SEGCTL_BASE_URL": url, "SENDGRID_API_KEY": "invented"}
        code, out, _ = run("plan", "--detailed-exitcode", **env)
        assert (code, out.endswith("No changes. 1 segment of production matches segments/.\n")) == (
            0,
            True,
        ), out
        _, out, err = run("refresh", "VIP", **env)
        assert "free" in out + err or "permission" in out + err
        code, _, err = run("plan", **env | {"SENDGRID_API_KEY": "other"})
        assert code != 0
        assert "the API key is not accepted" in err
    with emulator("--api-key", "invented", "--plan", "free") as url:
        env = {"SEGCTL_BASE_URL": url, "SENDGRID_API_KEY": "other"}
        assert "the API key is not accepted" in run("plan", **env)[2]


def test_an_error_in_a_world_file_is_shown_with_its_place(tmp_path: Path) -> None:
    world = tmp_path / "world.yaml"
    world.write_text("lists:\n  - name: 7\n")
    code, out, err = run_segctl("emulator", "--port", "0", "--world", str(world))
    assert (code, out) == (1, "")
    assert "world.yaml:2:11" in err
    assert "`lists.name`, item 1, must be a string, got a number" in err


def test_the_emulator_has_faults_and_latency(
    project: Project, run: Callable[..., tuple[int, str, str]]
) -> None:
    project.declare("VIP", VIP)
    with emulator("--fault", "POST * drop after", "--latency", "5") as url:
        env = {"SEGCTL_BASE_URL": url, "SENDGRID_API_KEY": KEY}
        code, out, err = run("apply", "--auto-approve", **env)
        assert code == 0
        assert re.search(
            r"created       VIP .*: the request succeeded although no response was received", out
        )
        assert "could not create" not in err
        assert run("plan", "--detailed-exitcode", **env)[0] == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_apply_finishes_its_request_and_reports(
    project: Project, run: Callable[..., tuple[int, str, str]], number: signal.Signals
) -> None:
    for letter in "ABCDEFGH":
        project.declare(letter, VIP)
    argv = ("-C", str(project.root), "apply", "--auto-approve", "--parallelism", "1")
    with holding("POST", 3) as account:
        with running_segctl(*argv, **account.env) as process:
            assert process.err is not None
            process.wait_for(account.arrived)
            process.interrupt(number)
            process.err.wait_for("finishing the requests in flight")
            account.release()
            code, out, err = process.finish()
        assert code == 130, err
        assert len(re.findall("^  created", out, re.MULTILINE)) == 3
        assert "Interrupted on production: 3 done, 5 not attempted." in out
        code, out, _ = run("plan", **account.env)
        assert "Plan for production: 5 to create" in out
        assert run("apply", "--auto-approve", **account.env)[0] == 0
        assert run("plan", "--detailed-exitcode", **account.env)[0] == 0


@pytest.mark.parametrize("times", [1, 2])
def test_an_interruption_ends_a_wait_at_once(
    project: Project, run: Callable[..., tuple[int, str, str]], times: int
) -> None:
    project.declare("VIP", VIP)
    with emulator() as url:
        env = {"SEGCTL_BASE_URL": url, "SENDGRID_API_KEY": KEY}
        assert run("apply", "--auto-approve", **env)[0] == 0
        project.declare("VIP", query("total_spend > 100"))
        argv = ("-C", str(project.root), "apply", "--auto-approve")
        with running_segctl(*argv, **env) as process:
            assert process.err is not None
            process.err.wait_for("SendGrid requires five minutes")
            for _ in range(times):
                process.interrupt()
            code, out, _ = process.finish()
    assert code == 130
    assert re.search("(not attempted|unknown      ) patch VIP", out)
    assert "Interrupted on production: 0 done" in out


def test_a_second_ctrl_c_abandons_the_request_in_flight(project: Project) -> None:
    project.declare("VIP", VIP)
    journal = project.root / "journal"
    argv = ("-C", str(project.root), "apply", "--auto-approve", "--journal", str(journal))
    with holding("POST") as account, running_segctl(*argv, **account.env) as process:
        assert process.err is not None
        process.wait_for(account.arrived)
        process.interrupt()
        process.err.wait_for("Interrupted")
        process.interrupt()
        code, out, err = process.finish()
    assert code == 130, err
    assert "unknown       create VIP: segctl was stopped while the request was in flight" in out
    assert "Interrupted on production: 0 done, 1 unknown." in out
    assert "Traceback" not in err
    noted = [json.loads(line) for line in journal.read_text().splitlines()]
    assert [line["event"] for line in noted] == ["sent", "answered"]
    assert noted[1]["outcome"] == "unknown"


def test_a_second_ctrl_c_abandons_a_refresh_in_flight(project: Project) -> None:
    project.declare("VIP", VIP)
    argv = ("-C", str(project.root), "apply", "--auto-approve", "--refresh", "changed")
    with holding("POST", 2) as account, running_segctl(*argv, **account.env) as process:
        assert process.err is not None
        process.wait_for(account.arrived)
        process.interrupt()
        process.err.wait_for("Interrupted")
        process.interrupt()
        code, out, err = process.finish()
    assert code == 130, err
    assert "created       VIP" in out
    assert "could not refresh" in out
    assert "Traceback" not in err


def test_the_journal_continues_after_a_killed_apply(
    project: Project, run: Callable[..., tuple[int, str, str]]
) -> None:
    for letter in "ABCDEFGH":
        project.declare(letter, VIP)
    journal = project.root / "journal"
    argv = ("apply", "--auto-approve", "--journal", str(journal))
    with holding("POST", 4) as account:
        env = account.env
        with running_segctl("-C", str(project.root), *argv, "--parallelism", "2", **env) as process:
            process.wait_for(account.arrived)
            process.kill()
            process.finish()
        account.release()
        segments = json.loads(run("list", "--format", "json", **env)[1])["segments"]
        sent = [json.loads(line) for line in journal.read_text().splitlines()]
        names = {entry["segment"]["name"] for entry in sent if entry["event"] == "sent"}
        # Whatever was made was noted before.
        assert {entry["name"] for entry in segments if entry["managed"]} <= names
        with journal.open("a") as file:
            file.write('{"torn": ')
        assert run(*argv, **env)[0] == 0
        assert run("plan", "--detailed-exitcode", **env)[0] == 0
    lines = journal.read_text().splitlines()
    assert lines.count('{"torn": ') == 1
    entries = [json.loads(line) for line in lines if line != '{"torn": ']
    runs = {entry["run"] for entry in entries}
    assert len(runs) == 2
    answered = [entry for entry in entries if entry["event"] == "answered"]
    assert {entry["outcome"] for entry in answered} == {"done"}


def test_two_applies_on_one_sandbox_create_no_duplicates(
    project: Project, run: Callable[..., tuple[int, str, str]]
) -> None:
    for number in range(20):
        project.declare(f"Segment {number:02}", VIP)
    argv = ("-C", str(project.root), "--target", "sandbox", "apply", "--auto-approve")
    with running_segctl(*argv) as first, running_segctl(*argv) as second:
        results = [first.finish(), second.finish()]
    assert all("Traceback" not in err for _, _, err in results)
    # A name that the other one took for an equal segment is done.
    assert {code for code, _, _ in results} == {0}
    code, out, _ = run("--target", "sandbox", "list", "--format", "json")
    names = [segment["name"] for segment in json.loads(out)["segments"] if segment["managed"]]
    assert (code, len(names), len(set(names))) == (0, 20, 20)
    assert run("--target", "sandbox", "plan", "--detailed-exitcode")[0] == 0


def test_a_preview_prints_only_its_table(
    project: Project, run: Callable[..., tuple[int, str, str]]
) -> None:
    project.declare("VIP", VIP)
    project.write({"contacts.csv": "contact_id,total_spend\n1,900\n2,5\n"})
    contacts = str(project.root / "contacts.csv")
    code, out, err = run("preview", "--contacts", contacts)
    assert "VIP             1   50 %" in out, out
    # DuckDB's bindings complain at the end of a process that keeps what is theirs.
    assert (code, err) == (0, "")


def test_a_progress_bar_is_drawn_only_on_a_terminal(project: Project) -> None:
    pty: Any = pytest.importorskip("pty")
    for number in range(40):
        project.declare(f"Segment {number:02}", VIP)
    argv = ("-m", "segctl", "-C", str(project.root), "apply", "--auto-approve")
    drawn = b""
    # It is drawn once a second has gone by, so the last answers wait for that.
    with holding("POST", 20) as account:
        ours, theirs = pty.openpty()
        try:
            env = child_env(**account.env, TERM="xterm")
            with running(*argv, "--parallelism", "1", env=env, stderr=theirs) as process:
                os.close(theirs)
                while part := _read(ours):
                    drawn += part
                    if b"applying" in drawn and b"%" in drawn:
                        account.release()
                code, out, _ = process.finish()
        finally:
            os.close(ours)
    assert code == 0
    assert b"applying" in drawn
    assert b"%" in drawn
    assert b"create Segment" not in drawn
    assert "Applied to production: 40 done." in out


def _read(terminal: int) -> bytes:
    """Return what was written to a terminal; empty once the other side is closed."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""
