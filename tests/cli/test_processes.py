"""segctl as a process: the emulator on a port, interruptions, several at once."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.account import KEY
from tests.support.builders import query
from tests.support.process import REPOSITORY, child_env

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.project import Project

pytestmark = pytest.mark.posix

VIP = query("total_spend > 500")


def start(*argv: str, **env: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "segctl", *argv],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=REPOSITORY,
        env=child_env(**env),
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


@contextmanager
def emulator(*argv: str) -> Iterator[str]:
    """Serve with `segctl emulator`; give the address; end it as a person would."""
    process = start("emulator", "--port", "0", *argv)
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.search(r"http://127\.0\.0\.1:\d+", line)
    assert found, line
    try:
        yield found[0]
    finally:
        process.send_signal(signal.SIGINT)
        code, _, err = finish(process)
    assert (code, "Traceback" in err) == (0, False), err


@pytest.fixture
def run(project: Project) -> Callable[..., tuple[int, str, str]]:
    """Run segctl in the project, as a process."""

    def run_it(*argv: str, **env: str) -> tuple[int, str, str]:
        return finish(start("-C", str(project.root), *argv, **env))

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
        assert "Plan: 1 to create, 1 to patch" in out
        code, out, err = run("apply", "--auto-approve", "--refresh", "changed", **env)
        assert (code, err) == (0, "create VIP …\npatch Newsletter readers …\n")
        assert "Applied: 2 done. 2 of 2 refreshing." in out
    with emulator("--state", state) as url:
        env = {"SEGCTL_BASE_URL": url, "SENDGRID_API_KEY": KEY}
        code, out, _ = run("plan", "--detailed-exitcode", **env)
        assert code == 0
        assert out.endswith("No changes. 2 segments match segments/.\n")
        code, out, _ = run("list", "--format", "json", **env)
        assert {one["managed"] for one in json.loads(out)["segments"]} == {True, False}


def test_the_emulator_refuses_what_it_cannot_do(tmp_path: Path) -> None:
    with emulator() as url:
        port = url.rsplit(":", 1)[1]
        code, out, err = finish(start("emulator", "--port", port))
        assert (code, out) == (1, "")
        assert f"cannot serve on port {port}" in err
    code, _, err = finish(start("emulator", "--port", "0", "--fault", "nonsense"))
    assert code == 1
    assert err.startswith("error: --fault: ")
    state = tmp_path / "state"
    state.write_text("this is no account" * 100)
    code, _, err = finish(start("emulator", "--port", "0", "--state", str(state)))
    assert code == 1
    assert err.startswith("error: ")


def test_faults_and_latency_of_the_emulator(
    project: Project, run: Callable[..., tuple[int, str, str]]
) -> None:
    project.declare("VIP", VIP)
    with emulator("--fault", "POST * drop after", "--latency", "5") as url:
        env = {"SEGCTL_BASE_URL": url, "SENDGRID_API_KEY": KEY}
        code, out, err = run("apply", "--auto-approve", **env)
        assert code == 0
        assert re.search(r"created       VIP .*: SendGrid had done it, without an answer", out)
        assert "could not create" not in err
        assert run("plan", "--detailed-exitcode", **env)[0] == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_apply_finishes_its_request_and_reports(
    project: Project, run: Callable[..., tuple[int, str, str]], number: signal.Signals
) -> None:
    for letter in "ABCDEFGH":
        project.declare(letter, VIP)
    with emulator("--latency", "150") as url:
        env = {"SEGCTL_BASE_URL": url, "SENDGRID_API_KEY": KEY}
        argv = ("-C", str(project.root), "apply", "--auto-approve", "--parallelism", "2")
        process = start(*argv, **env)
        assert process.stderr is not None
        while not process.stderr.readline().startswith("create C"):
            assert process.poll() is None
        process.send_signal(number)
        code, out, err = finish(process)
        assert code == 130, err
        assert "finishing the request in flight" in err
        done = len(re.findall("^  created", out, re.MULTILINE))
        assert 2 <= done < 8
        assert f"Interrupted: {done} done, {8 - done} not attempted." in out
        code, out, _ = run("plan", **env)
        assert f"Plan: {8 - done} to create" in out
        assert run("apply", "--auto-approve", **env)[0] == 0
        assert run("plan", "--detailed-exitcode", **env)[0] == 0


@pytest.mark.parametrize("times", [1, 2])
def test_an_interruption_ends_a_wait_at_once(
    project: Project, run: Callable[..., tuple[int, str, str]], times: int
) -> None:
    project.declare("VIP", VIP)
    with emulator() as url:
        env = {"SEGCTL_BASE_URL": url, "SENDGRID_API_KEY": KEY}
        assert run("apply", "--auto-approve", **env)[0] == 0
        project.declare("VIP", query("total_spend > 100"))
        process = start("-C", str(project.root), "apply", "--auto-approve", **env)
        assert process.stderr is not None
        while "SendGrid wants five minutes" not in process.stderr.readline():
            assert process.poll() is None
        for _ in range(times):
            process.send_signal(signal.SIGINT)
        code, out, _ = finish(process)
    assert code == 130
    assert re.search("(not attempted|unknown      ) patch VIP", out)
    assert "Interrupted: 0 done" in out


def test_who_insists_does_not_wait_for_the_request_in_flight(project: Project) -> None:
    project.declare("VIP", VIP)
    with emulator("--fault", "POST * hang after 50s") as url:
        env = {"SEGCTL_BASE_URL": url, "SENDGRID_API_KEY": KEY}
        process = start("-C", str(project.root), "apply", "--auto-approve", **env)
        assert process.stderr is not None
        while not process.stderr.readline().startswith("create VIP"):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        while not process.stderr.readline().startswith("Interrupted"):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "unknown       create VIP: it was under way when segctl was stopped" in out
    assert "Traceback" not in err


def test_a_killed_apply_leaves_a_journal_that_goes_on(
    project: Project, run: Callable[..., tuple[int, str, str]]
) -> None:
    for letter in "ABCDEFGH":
        project.declare(letter, VIP)
    journal = project.root / "journal"
    argv = ("apply", "--auto-approve", "--journal", str(journal))
    with emulator("--latency", "100") as url:
        env = {"SEGCTL_BASE_URL": url, "SENDGRID_API_KEY": KEY}
        process = start("-C", str(project.root), *argv, "--parallelism", "2", **env)
        assert process.stderr is not None
        while not process.stderr.readline().startswith("create D"):
            assert process.poll() is None
        process.kill()
        finish(process)
        held = json.loads(run("list", "--format", "json", **env)[1])["segments"]
        sent = [json.loads(line) for line in journal.read_text().splitlines()]
        names = {one["segment"]["name"] for one in sent if one["event"] == "sent"}
        # Whatever was made was noted before.
        assert {one["name"] for one in held if one["managed"]} <= names
        with journal.open("a") as file:
            file.write('{"torn": ')
        assert run(*argv, **env)[0] == 0
        assert run("plan", "--detailed-exitcode", **env)[0] == 0
    lines = journal.read_text().splitlines()
    assert lines.count('{"torn": ') == 1
    made = [json.loads(line) for line in lines if line != '{"torn": ']
    runs = {one["run"] for one in made}
    assert len(runs) == 2
    answered = [one for one in made if one["event"] == "answered"]
    assert {one["outcome"] for one in answered} == {"done"}


def test_two_applies_on_one_sandbox_double_nothing(
    project: Project, run: Callable[..., tuple[int, str, str]]
) -> None:
    for number in range(20):
        project.declare(f"Segment {number:02}", VIP)
    argv = ("-C", str(project.root), "--target", "sandbox", "apply", "--auto-approve")
    results = [finish(process) for process in [start(*argv), start(*argv)]]
    assert all("Traceback" not in err for _, _, err in results)
    # A name that the other one took for an equal segment is done.
    assert {code for code, _, _ in results} == {0}
    code, out, _ = run("--target", "sandbox", "list", "--format", "json")
    names = [one["name"] for one in json.loads(out)["segments"] if one["managed"]]
    assert (code, len(names), len(set(names))) == (0, 20, 20)
    assert run("--target", "sandbox", "plan", "--detailed-exitcode")[0] == 0


def test_a_preview_ends_without_a_word_beside_its_numbers(
    project: Project, run: Callable[..., tuple[int, str, str]]
) -> None:
    project.declare("VIP", VIP)
    project.write({"contacts.csv": "contact_id,total_spend\n1,900\n2,5\n"})
    contacts = str(project.root / "contacts.csv")
    code, out, err = run("preview", "--contacts", contacts)
    assert "VIP             1   50 %" in out, out
    # DuckDB's bindings complain at the end of a process that keeps what is theirs.
    assert (code, err) == (0, "")


def test_a_progress_bar_is_drawn_on_a_terminal_alone(project: Project) -> None:
    pty: Any = pytest.importorskip("pty")
    for number in range(40):
        project.declare(f"Segment {number:02}", VIP)
    with emulator("--latency", "60") as url:
        env = child_env(SEGCTL_BASE_URL=url, SENDGRID_API_KEY=KEY, TERM="xterm")
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "segctl", "-C", str(project.root)),
                *("apply", "--auto-approve", "--parallelism", "1"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=theirs,
            cwd=REPOSITORY,
            env=env,
        )
        os.close(theirs)
        drawn = b""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                part = os.read(ours, 65536)
            except OSError:
                break
            if not part:
                break
            drawn += part
        os.close(ours)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert b"applying" in drawn
    assert b"%" in drawn
    assert b"create Segment" not in drawn
    assert b"Applied: 40 done." in out
