"""The comments and issues of the action: one per subject, updated and never duplicated."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.action.hub import BOT, Hub, serve_hub
from tests.support.process import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCRIPT = REPOSITORY / ".github/actions/segctl/github.py"
MARK = "<!-- segctl:plan target=production commit=abc digest={} -->"
ONE, TWO = "1" * 64, "2" * 64


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serve_hub() as hub:
        yield hub


def run(hub: Hub, *argv: str) -> tuple[int, str, str]:
    env = {
        "PATH": os.environ["PATH"],
        "GITHUB_API_URL": hub.url,
        "GITHUB_REPOSITORY": "shop/audiences",
        "GITHUB_TOKEN": "token-of-the-run",
    }
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *argv], env=env, capture_output=True, text=True, check=False
    )
    assert "token-of-the-run" not in done.stdout + done.stderr
    return done.returncode, done.stdout, done.stderr


def body(folder: Path, text: str, digest: str = ONE) -> str:
    path = folder / "body.md"
    path.write_text(f"{MARK.format(digest)}\n{text}\n", "utf-8")
    return str(path)


def test_a_comment_is_written_once_and_then_updated(hub: Hub, tmp_path: Path) -> None:
    hub.add_comment(7, "Looks good.", "a-person")
    assert run(hub, "comment", "--body", body(tmp_path, "one"), "--pull", "7")[0] == 0
    code, out, _ = run(hub, "comment", "--body", body(tmp_path, "two", TWO), "--pull", "7")
    assert (code, out) == (0, "updated the comment on #7\n")
    assert hub.comments_on(7) == ["Looks good.", f"{MARK.format(TWO)}\ntwo\n"]
    assert hub.tokens == {"Bearer token-of-the-run"}


def test_the_outputs_count_every_action(hub: Hub) -> None:
    upgrades = REPOSITORY / "tests/render/golden/plan-upgrade.json"
    code, out, _ = run(hub, "outputs", "--plan", str(upgrades))
    printed = dict(line.split("=", 1) for line in out.splitlines())
    assert (code, printed["changes"], printed["to_upgrade"], printed["to_create"]) == (
        0,
        "true",
        "2",
        "0",
    )
    declared = yaml.safe_load((SCRIPT.parent / "action.yml").read_text("utf-8"))["outputs"]
    assert printed.keys() <= declared.keys()


def test_a_comment_is_found_among_hundreds(hub: Hub, tmp_path: Path) -> None:
    for number in range(230):
        hub.add_comment(7, f"word {number}", "a-person")
    run(hub, "comment", "--body", body(tmp_path, "one"), "--pull", "7")
    run(hub, "comment", "--body", body(tmp_path, "two"), "--pull", "7")
    assert len(hub.comments_on(7)) == 231
    assert hub.comments_on(7)[-1].endswith("two\n")


def test_comments_of_other_subjects_or_authors_are_not_changed(hub: Hub, tmp_path: Path) -> None:
    other_comments = [
        "<!-- segctl:plan target=eu commit=abc -->\nanother target",
        "<!-- segctl:apply target=production -->\nanother kind",
        "<!-- segctl:plan target=production project=shop/eu commit=abc -->\nanother project",
        f"quoted:\n{MARK.format(ONE)}",
    ]
    for text in other_comments:
        hub.add_comment(7, text)
    hub.add_comment(7, f"{MARK.format(ONE)}\nforged", "a-stranger")
    run(hub, "comment", "--body", body(tmp_path, "mine"), "--pull", "7")
    assert hub.comments_on(7)[:5] == [*other_comments, f"{MARK.format(ONE)}\nforged"]
    assert hub.comments_on(7)[5:] == [f"{MARK.format(ONE)}\nmine\n"]


def test_duplicate_comments_are_merged(hub: Hub, tmp_path: Path) -> None:
    hub.add_comment(7, f"{MARK.format(ONE)}\nfirst")
    hub.add_comment(7, f"{MARK.format(ONE)}\nsecond")
    run(hub, "comment", "--body", body(tmp_path, "third"), "--pull", "7")
    assert hub.comments_on(7) == [f"{MARK.format(ONE)}\nthird\n"]


def test_a_long_body_is_truncated_at_a_line_break(hub: Hub, tmp_path: Path) -> None:
    assert run(hub, "comment", "--body", body(tmp_path, "x" * 90 + "\n" * 70_000), "--pull", "7")
    [written] = hub.comments_on(7)
    assert written.startswith(MARK.format(ONE))
    assert len(written) <= 65_000


def test_a_read_only_token_is_not_a_failure(hub: Hub, tmp_path: Path) -> None:
    hub.read_only = True
    code, out, _ = run(hub, "comment", "--body", body(tmp_path, "one"), "--pull", "7")
    assert code == 0
    assert out.startswith("::notice title=segctl::this token cannot write the comment")


def test_a_server_error_is_retried_if_that_cannot_write_twice(hub: Hub, tmp_path: Path) -> None:
    hub.add_comment(7, f"{MARK.format(ONE)}\nfirst")
    hub.faults = [502]
    assert run(hub, "comment", "--body", body(tmp_path, "two"), "--pull", "7")[0] == 0
    assert hub.comments_on(7) == [f"{MARK.format(ONE)}\ntwo\n"]


def test_a_comment_that_may_have_been_written_is_not_sent_again(hub: Hub, tmp_path: Path) -> None:
    hub.faults = [0, 502]
    code, out, _ = run(hub, "comment", "--body", body(tmp_path, "one"), "--pull", "7")
    assert code == 0
    assert "::warning title=segctl::the comment was not written" in out
    assert [line for line in hub.requests if line.startswith("POST")] == hub.requests[1:]


def test_a_commit_without_a_merged_pull_request_gets_no_comment(hub: Hub, tmp_path: Path) -> None:
    hub.pulls["c0ffee"] = [{"number": 3, "merged_at": None}]
    code, out, _ = run(hub, "comment", "--body", body(tmp_path, "one"), "--commit", "c0ffee")
    assert (code, "no comment: this commit" in out) == (0, True)


def test_a_comment_that_says_the_same_keeps_its_time(hub: Hub, tmp_path: Path) -> None:
    for _ in range(2):
        run(hub, "comment", "--body", body(tmp_path, "one"), "--pull", "7")
    assert [line for line in hub.requests if not line.startswith("GET")] == [
        "POST /issues/7/comments"
    ]


def test_one_issue_is_opened_updated_closed_and_opened_again(hub: Hub, tmp_path: Path) -> None:
    hub.issues[1] = {
        "number": 1,
        "state": "open",
        "user": {"login": BOT},
        "body": f"{MARK.format(ONE)}\na pull request",
        "pull_request": {},
    }
    path = body(tmp_path, "one")
    argv = ("issue", "--title", "segctl: drift on production", "--body", path)
    assert run(hub, *argv, "--closed")[1] == "no issue is open, and none is needed\n"
    assert run(hub, *argv)[1] == "opened issue #2\n"
    body(tmp_path, "two")
    assert run(hub, *argv)[1] == "updated issue #2\n"
    assert run(hub, *argv, "--closed")[1] == "closed issue #2\n"
    assert hub.issues[2]["state"] == "closed"
    assert run(hub, *argv)[1] == "opened issue #3\n"
    assert hub.issues[1]["body"].endswith("a pull request")


def test_a_body_without_a_marker_is_never_posted(hub: Hub, tmp_path: Path) -> None:
    path = tmp_path / "body.md"
    path.write_text("nothing\n", "utf-8")
    code, out, _ = run(hub, "comment", "--body", str(path), "--pull", "7")
    assert (code, "does not start with a segctl marker" in out) == (0, True)
    assert hub.comments_on(7) == []


def test_a_failure_is_explained_with_the_output_of_segctl(hub: Hub, tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    log.write_text("error: ``` @someone\n\x1b[31m\u202e<b>\n", "utf-8")
    about = ("--kind", "plan", "--target", "eu>shop", "--project", "a%20b")
    code, out, _ = run(hub, "failed", *about, "--title", "No plan", "--log", str(log))
    assert code == 0
    assert out == (
        "<!-- segctl:plan target=eu%3Eshop project=a%20b -->\n### No plan\n\n"
        "````text\nerror: ``` @someone\n[31m<b>\n````\n"
    )
    assert hub.requests == []


def test_each_project_of_a_repository_has_its_own_issue(hub: Hub, tmp_path: Path) -> None:
    path = tmp_path / "body.md"
    for project in (".", "eu", "a%20b", "eu"):
        path.write_text(f"<!-- segctl:drift target=production project={project} -->\n", "utf-8")
        run(hub, "issue", "--title", "segctl: drift on production", "--body", str(path))
    assert [issue["title"] for issue in hub.issues.values()] == [
        "segctl: drift on production",
        "segctl: drift on production in eu",
        "segctl: drift on production in a b",
    ]
