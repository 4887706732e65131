"""The approved plan: which digest `github.py approved` takes for it, and what it refuses."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.action.hub import HEAD, Hub, serve_hub
from tests.action.runner import ACTION

if TYPE_CHECKING:
    from collections.abc import Iterator

ONE, TWO = "1" * 64, "2" * 64
MARK = "<!-- segctl:plan target=production commit=abc digest={} -->"
LAST_PUSH = "be" * 20
REQUIRED = "--require-approval"


@pytest.fixture
def hub() -> Iterator[Hub]:
    """Serve a repository in which the commit c0ffee merged #7, which shows a plan."""
    with serve_hub() as hub:
        hub.merge(7, "c0ffee")
        hub.add_comment(7, f"{MARK.format(ONE)}\nthe plan")
        yield hub


def approved(
    hub: Hub, *more: str, branch: str = "main", project: str = ".", commit: str = "c0ffee"
) -> tuple[int, str]:
    """Return the exit code, and the digest or the reason why there is none."""
    argv = ("approved", "--commit", commit, "--ref", f"refs/heads/{branch}", *more)
    done = subprocess.run(
        [
            *(sys.executable, str(ACTION / "github.py"), *argv),
            *("--target", "production", "--project", project),
        ],
        env={
            "PATH": os.environ["PATH"],
            "GITHUB_API_URL": hub.url,
            "GITHUB_REPOSITORY": "shop/audiences",
            "GITHUB_TOKEN": "token-of-the-run",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout == "") is (done.returncode != 0)
    return done.returncode, (done.stdout or done.stderr).strip()


def test_the_approved_digest_is_the_one_that_the_merged_pull_request_shows(hub: Hub) -> None:
    hub.add_comment(7, f"{MARK.format(TWO)}\nforged", "a-stranger")
    assert approved(hub) == (0, ONE)


def test_a_pull_request_that_another_commit_merged_is_not_meant(hub: Hub) -> None:
    hub.merge(3, "beef")
    hub.pulls["c0ffee"].insert(0, hub.pulls["beef"][0])
    hub.add_comment(3, f"{MARK.format(TWO)}\nof another pull request")
    assert approved(hub) == (0, ONE)
    hub.pulls["c0ffee"].pop()
    assert approved(hub) == (
        1,
        "#3 was not merged by this commit into main, so no plan was approved",
    )


@pytest.mark.parametrize("pulls", [[], [{"number": 3, "merged_at": None}]])
def test_a_commit_without_a_merged_pull_request_has_no_approval(
    hub: Hub, pulls: list[dict[str, object]]
) -> None:
    hub.pulls["c0ffee"] = pulls
    code, reason = approved(hub)
    assert (code, "does not belong to a merged pull request" in reason) == (1, True)


def test_a_merge_into_another_branch_approves_nothing(hub: Hub) -> None:
    hub.pulls["c0ffee"] = []
    hub.merge(7, "c0ffee", base="a-branch-without-rules")
    assert approved(hub)[0] == 1
    assert approved(hub, branch="a-branch-without-rules") == (0, ONE)
    hub.pulls["c0ffee"][0]["base"]["repo"]["full_name"] = "a-stranger/audiences"
    assert approved(hub, branch="a-branch-without-rules")[0] == 1


def test_a_comment_without_a_plan_approves_nothing(hub: Hub) -> None:
    hub.comments.clear()
    hub.add_comment(7, "<!-- segctl:plan target=production -->\n### The plan could not be made")
    assert approved(hub) == (1, "#7 has no comment with a plan for the target production")


@pytest.mark.parametrize("more", [f"digest={TWO}", f"digest={ONE}", "target=production"])
def test_a_marker_that_says_something_twice_is_an_error(hub: Hub, more: str) -> None:
    hub.comments[1]["body"] = f"<!-- segctl:plan target=production digest={ONE} {more} -->"
    code, reason = approved(hub)
    assert (code, "says something twice" in reason) == (1, True)


def test_two_comments_with_different_plans_are_an_error(hub: Hub) -> None:
    hub.add_comment(7, f"{MARK.format(ONE)}\nonce more")
    assert approved(hub) == (0, ONE)
    hub.add_comment(7, "<!-- segctl:plan target=production -->\n### The plan could not be made")
    code, reason = approved(hub)
    assert (code, "several comments" in reason) == (1, True)


def test_each_project_of_a_repository_has_its_own_approval(hub: Hub) -> None:
    hub.comments.clear()
    hub.add_comment(7, f"<!-- segctl:plan target=production project=eu digest={ONE} -->\nof the eu")
    hub.add_comment(7, f"<!-- segctl:plan target=production project=us digest={TWO} -->\nof the us")
    assert approved(hub, project="eu") == (0, ONE)
    assert approved(hub, project="us") == (0, TWO)
    assert approved(hub)[0] == 1


def test_an_unreadable_approval_is_an_error(hub: Hub) -> None:
    hub.faults = [403]
    assert approved(hub) == (1, "GitHub responded with 403 to GET")
    hub.faults = [200]
    assert approved(hub) == (1, "GitHub did not return a list")


@pytest.mark.parametrize("more", [(), (REQUIRED,)])
def test_a_push_after_the_approval_is_not_approved(hub: Hub, more: tuple[str, ...]) -> None:
    hub.review("alice")
    assert approved(hub, *more) == (0, ONE)
    hub.pulls["c0ffee"][0]["head"]["sha"] = LAST_PUSH
    code, reason = approved(hub, *more)
    assert code == 1
    assert "#7 was approved at the commit adadada; nobody approved the plan of bebebeb" in reason
    hub.review("bob", commit=LAST_PUSH)
    assert approved(hub, *more) == (0, ONE)


def test_without_any_review_only_the_required_one_is_missed(hub: Hub) -> None:
    assert approved(hub) == (0, ONE)
    assert approved(hub, REQUIRED) == (1, "nobody with write access approved #7")


@pytest.mark.parametrize(
    ("permission", "kind"), [("read", "User"), ("none", "User"), ("write", "Bot")]
)
def test_not_everyone_can_approve(hub: Hub, permission: str, kind: str) -> None:
    hub.review("mallory", permission=permission, kind=kind)
    assert approved(hub, REQUIRED)[0] == 1
    # Nor can they stop a plan by an approval that is old.
    hub.pulls["c0ffee"][0]["head"]["sha"] = LAST_PUSH
    assert approved(hub) == (0, ONE)
    hub.review("alice", permission="admin", commit=LAST_PUSH)
    assert approved(hub, REQUIRED) == (0, ONE)


@pytest.mark.parametrize(
    ("state", "code"), [("COMMENTED", 0), ("CHANGES_REQUESTED", 1), ("DISMISSED", 1)]
)
def test_the_last_decision_of_a_reviewer_counts(hub: Hub, state: str, code: int) -> None:
    hub.review("alice")
    hub.review("alice", state)
    assert approved(hub, REQUIRED)[0] == code


def test_a_comment_that_changed_after_the_approval_is_not_approved(hub: Hub) -> None:
    hub.review("alice")
    # Another plan of the same commit, or a comment that someone with write access edited.
    hub.respond("PATCH", "/repos/shop/audiences/issues/comments/1", {"body": MARK.format(TWO)})
    code, reason = approved(hub, REQUIRED)
    assert (code, "before the comment showed this plan" in reason) == (1, True)
    hub.review("bob")
    assert approved(hub, REQUIRED) == (0, TWO)


def test_a_review_whose_author_is_gone_approves_nothing(hub: Hub) -> None:
    hub.review("alice")
    hub.reviews[0] |= {"user": None, "commit_id": HEAD}
    assert approved(hub, REQUIRED)[0] == 1
