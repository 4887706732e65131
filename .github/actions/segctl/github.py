"""The action's comment, issue and approved digest on GitHub.

A marker in the first line identifies a comment or an issue, so that it is updated instead of
duplicated. Uses only the standard library. Does not connect to SendGrid, and has no key for it.

    python github.py comment --body FILE (--pull NUMBER | --commit SHA)
    python github.py issue --body FILE --title TITLE [--closed]
    python github.py approved --commit SHA --ref REF --target NAME --project FOLDER
        [--require-approval]
    python github.py failed --kind KIND --target NAME --project FOLDER --title TITLE --log FILE
    python github.py outputs --plan FILE

The last two work offline: they print a body that explains a failure, and the outputs of the action.
The others read GITHUB_API_URL, GITHUB_REPOSITORY, GITHUB_TOKEN and SEGCTL_COMMENT_AUTHOR, the login
that writes the comments (`github-actions[bot]` for a workflow's token). Only comments of this login
are read or changed, because anyone can write a marker into a comment.

FOLDER is the project's folder as segctl writes it into markers: a repository may have several
projects, and each has its own comment, issue and approval.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import quote, unquote, urlencode
from urllib.request import Request, urlopen

if TYPE_CHECKING:
    from collections.abc import Iterator

MARKER = re.compile(r"<!-- segctl:(?P<kind>\w+)(?P<facts>(?: \w+=[^\s>]+)+) -->")
"""The first line of every body: `<!-- segctl:plan target=… project=… commit=… digest=… -->`."""

DIGEST = re.compile(r"[0-9a-f]{64}")
TOP = "."
"""The project at the top of the repository, also meant by a marker without a project."""

MAX_BODY = 65_000
"""Characters; GitHub refuses a comment or an issue of more than 65,536."""

DECISIONS = ("APPROVED", "CHANGES_REQUESTED", "DISMISSED")
"""States of a review that replace the reviewer's earlier ones; a mere comment does not."""

WRITERS = ("admin", "write")
"""Permissions with which a user may write; GitHub counts the role `maintain` as `write`."""

MAX_LOG = 20_000
PER_PAGE = 100
MAX_PAGES = 100
ATTEMPTS = 4
TIMEOUT = 30.0
READ_ONLY = (401, 403, 404)
"""Statuses for a token without write permission. 404 hides what the token cannot see."""


class GitHubError(Exception):
    """A request that GitHub did not fulfil. `status` is `None` if there was no response."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class Subject(NamedTuple):
    """The subject of a body. Each subject has one comment, or one issue."""

    kind: str
    target: str
    project: str


class Marker(NamedTuple):
    """What the first line of a body says: its subject, and the plan's digest or an empty text."""

    subject: Subject
    digest: str


class GitHub:
    """The API calls of the action, on one repository."""

    def __init__(self) -> None:
        api = os.environ.get("GITHUB_API_URL") or "https://api.github.com"
        self.repository = os.environ["GITHUB_REPOSITORY"]
        self.base = f"{api}/repos/{self.repository}"
        self.token = os.environ.get("GITHUB_TOKEN", "")
        self.author = os.environ.get("SEGCTL_COMMENT_AUTHOR") or "github-actions[bot]"

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Send a request and return the JSON of the response.

        Retries when GitHub fails, except a POST, which could write twice. Raises `GitHubError`.
        """
        request = Request(  # noqa: S310 - the runner's own URL of GitHub
            self.base + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.token}",
                "Accept": "application/vnd.github+json",
                "Content-Type": "application/json",
                "User-Agent": "segctl-action",
                "X-GitHub-Api-Version": "2022-11-28",
            },
        )
        for attempt in range(1, ATTEMPTS + 1):
            is_last = method == "POST" or attempt == ATTEMPTS
            try:
                with urlopen(request, timeout=TIMEOUT) as response:  # noqa: S310 - as above
                    return json.loads(response.read() or b"null")
            except HTTPError as error:
                if is_last or error.code < 500:  # noqa: PLR2004 - HTTP server errors start at 500
                    message = f"GitHub responded with {error.code} to {method}"
                    raise GitHubError(message, error.code) from None
            except (URLError, OSError, ValueError) as error:
                if is_last:
                    reason = getattr(error, "reason", error)
                    raise GitHubError(f"no response from GitHub to {method}: {reason}") from None
            time.sleep(2.0 ** (attempt - 1))
        raise AssertionError

    def pages(self, path: str, **query: str) -> Iterator[dict[str, Any]]:
        """Yield the items of a list, page after page. Raises `GitHubError`."""
        for number in range(1, MAX_PAGES + 1):
            parameters = urlencode({**query, "per_page": PER_PAGE, "page": number})
            items = self.call("GET", f"{path}?{parameters}")
            if not isinstance(items, list):
                raise GitHubError("GitHub did not return a list")
            yield from items
            if len(items) < PER_PAGE:
                return

    def own(self, posts: Iterator[dict[str, Any]], subject: Subject) -> list[dict[str, Any]]:
        """Return the action's own comments or issues on a subject, oldest first.

        Raises `GitHubError` for a marker that says something twice.
        """
        return [
            post
            for post in posts
            if (post.get("user") or {}).get("login") == self.author
            and (marker := read_marker(post.get("body") or "")) is not None
            and marker.subject == subject
        ]

    def merged_pulls(self, commit: str) -> list[dict[str, Any]]:
        """Return the merged pull requests of a commit, those that it merged first."""
        pulls = self.pages(f"/commits/{commit}/pulls")
        merged = [pull for pull in pulls if pull.get("merged_at")]
        return sorted(merged, key=lambda pull: pull.get("merge_commit_sha") != commit)

    def can_write(self, user: dict[str, Any]) -> bool:
        """Return whether a user is a person who may write to the repository.

        Anyone who sees a repository can approve its pull requests, and so can a workflow's token.
        """
        if user.get("type") != "User":
            return False
        answer = self.call("GET", f"/collaborators/{quote(user['login'])}/permission")
        return isinstance(answer, dict) and answer.get("permission") in WRITERS


def read_marker(body: str) -> Marker | None:
    """Return what the marker of a body says, `None` if there is none.

    Only a marker in the first line counts. Raises `GitHubError` if it says something twice.
    """
    match = MARKER.fullmatch(body.split("\n", 1)[0].rstrip("\r"))
    if match is None:
        return None
    facts = [fact.split("=", 1) for fact in match["facts"].split()]
    fact_of = dict(facts)
    if len(fact_of) < len(facts):
        raise GitHubError("the marker of a comment says something twice; delete that comment")
    subject = Subject(match["kind"], fact_of.get("target", "-"), fact_of.get("project", TOP))
    digest = fact_of.get("digest", "")
    return Marker(subject, digest if DIGEST.fullmatch(digest) else "")


def read_body(path: str) -> tuple[str, Subject]:
    """Return the body in a file, and its subject. Raises `GitHubError` without a marker."""
    body = Path(path).read_text("utf-8")
    marker = read_marker(body)
    if marker is None:
        raise GitHubError(f"{path} does not start with a segctl marker")
    if len(body) > MAX_BODY:
        body = body[:MAX_BODY].rsplit("\n", 1)[0]
    return body, marker.subject


def comment(github: GitHub, args: argparse.Namespace) -> str:
    """Write the comment, or update the existing one. Return what was done."""
    body, subject = read_body(args.body)
    number = args.pull
    if number is None:
        pulls = github.merged_pulls(args.commit)
        if not pulls:
            return "no comment: this commit does not belong to a merged pull request"
        number = pulls[0]["number"]
    existing = github.own(github.pages(f"/issues/{number}/comments"), subject)
    if not existing:
        github.call("POST", f"/issues/{number}/comments", {"body": body})
        return f"commented on #{number}"
    first, *duplicates = existing
    # A comment that says the same keeps its time, which an approval is compared with.
    if first["body"] != body:
        github.call("PATCH", f"/issues/comments/{first['id']}", {"body": body})
    for duplicate in duplicates:
        github.call("DELETE", f"/issues/comments/{duplicate['id']}")
    return f"updated the comment on #{number}"


def issue(github: GitHub, args: argparse.Namespace) -> str:
    """Open, update or close the one issue of a subject. Return what was done."""
    body, subject = read_body(args.body)
    title = args.title
    if subject.project != TOP:
        title += f" in {''.join(filter(str.isprintable, unquote(subject.project)))}"
    listed = github.pages("/issues", state="open", creator=github.author)
    issues = (item for item in listed if "pull_request" not in item)
    existing = github.own(issues, subject)
    if not existing:
        if args.closed:
            return "no issue is open, and none is needed"
        created = github.call("POST", "/issues", {"title": title, "body": body})
        return f"opened issue #{created['number']}"
    number = existing[0]["number"]
    state = "closed" if args.closed else "open"
    github.call("PATCH", f"/issues/{number}", {"title": title, "body": body, "state": state})
    return f"{'closed' if args.closed else 'updated'} issue #{number}"


def approved(github: GitHub, args: argparse.Namespace) -> str:
    """Return the digest of the plan that the pull request showed which a commit merged.

    Raises `GitHubError` if there is none, if its last commit was pushed after the approval, or, if
    approval is required, if nobody approved that commit once its plan was shown.
    """
    pull = approved_pull(github, args.commit, args.ref)
    number = pull["number"]
    subject = Subject("plan", marker_value(args.target), args.project)
    posts = github.own(github.pages(f"/issues/{number}/comments"), subject)
    digests = {marker.digest for post in posts if (marker := read_marker(post["body"]))}
    if len(digests) > 1:
        raise GitHubError(f"#{number} has several comments with plans for {args.target}")
    digest = "".join(digests)
    if not digest:
        raise GitHubError(f"#{number} has no comment with a plan for the target {args.target}")
    shown_at = max(post["updated_at"] for post in posts)
    check_reviews(github, pull, shown_at, is_required=args.require_approval)
    return digest


def approved_pull(github: GitHub, commit: str, ref: str) -> dict[str, Any]:
    """Return the pull request that this commit merged into this branch. Raises `GitHubError`."""
    pulls = github.merged_pulls(commit)
    if not pulls:
        raise GitHubError(
            "this commit does not belong to a merged pull request, so no plan was approved"
        )
    first = pulls[0]
    for pull in pulls:
        base = pull["base"]
        is_base = f"refs/heads/{base['ref']}" == ref
        is_here = base["repo"]["full_name"].lower() == github.repository.lower()
        if is_base and is_here and pull.get("merge_commit_sha") == commit:
            return pull
    raise GitHubError(
        f"#{first['number']} was not merged by this commit into {ref.removeprefix('refs/heads/')}, "
        "so no plan was approved"
    )


def check_reviews(
    github: GitHub, pull: dict[str, Any], shown_at: str, *, is_required: bool
) -> None:
    """Raise `GitHubError` if the reviews of a pull request approve something else.

    An approval is of the commit that it was made on. The last decision of a reviewer counts.
    `shown_at` is when the plan's comment was last changed, as GitHub writes times.
    """
    number, head = pull["number"], pull["head"]["sha"]
    decisions = {}
    for review in github.pages(f"/pulls/{number}/reviews"):
        if review.get("state") in DECISIONS and review.get("user"):
            decisions[review["user"]["login"]] = review
    approvals = [
        review
        for review in decisions.values()
        if review["state"] == "APPROVED" and github.can_write(review["user"])
    ]
    current = [review for review in approvals if review["commit_id"] == head]
    if approvals and not current:
        raise GitHubError(
            f"#{number} was approved at the commit {approvals[-1]['commit_id'][:7]}; nobody "
            f"approved the plan of {head[:7]}, which was pushed later"
        )
    if not is_required:
        return
    if not current:
        raise GitHubError(f"nobody with write access approved #{number}")
    if all(review["submitted_at"] < shown_at for review in current):
        raise GitHubError(
            f"#{number} was approved at {current[-1]['submitted_at']}, before the comment showed "
            f"this plan at {shown_at}"
        )


def marker_value(text: str) -> str:
    """Return a value as segctl writes it into a marker: without spaces and `>`."""
    return quote(text, safe="/") or "-"


def failed(args: argparse.Namespace) -> str:
    """Return a body that explains a failure: the output of segctl in a code block."""
    text = Path(args.log).read_text("utf-8", "replace")[-MAX_LOG:]
    text = "".join(char for char in text if char == "\n" or char.isprintable())
    target = marker_value(args.target)
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return "\n".join(
        (
            f"<!-- segctl:{args.kind} target={target} project={args.project} -->",
            f"### {args.title}",
            "",
            f"{fence}text",
            text.strip() or "segctl printed nothing.",
            fence,
        )
    )


def outputs(args: argparse.Namespace) -> str:
    """Return the outputs of the action, one per line."""
    plan = json.loads(Path(args.plan).read_text("utf-8"))
    actions = ("create", "patch", "replace", "upgrade", "delete")
    # An older segctl does not count upgrades.
    counts = {name: plan["summary"].get(name, 0) for name in actions}
    return "\n".join(
        (
            f"changes={'true' if any(counts.values()) else 'false'}",
            *(f"to_{name}={number}" for name, number in counts.items()),
            f"digest={plan['digest']}",
        )
    )


OFFLINE = {"failed": failed, "outputs": outputs}
ONLINE = {"comment": comment, "issue": issue, "approved": approved}


def parse_arguments(argv: list[str]) -> argparse.Namespace:
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(description="Comments and issues of the action.")
    commands = parser.add_subparsers(dest="command", required=True)
    required = {
        "comment": ["--body"],
        "issue": ["--body", "--title"],
        "approved": ["--commit", "--ref", "--target", "--project"],
        "failed": ["--kind", "--target", "--project", "--title", "--log"],
        "outputs": ["--plan"],
    }
    for name, options in required.items():
        command = commands.add_parser(name)
        for option in options:
            command.add_argument(option, required=True)
        if name == "issue":
            command.add_argument("--closed", action="store_true")
        if name == "approved":
            command.add_argument("--require-approval", action="store_true")
        if name == "comment":
            where = command.add_mutually_exclusive_group(required=True)
            where.add_argument("--pull", type=int)
            where.add_argument("--commit")
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    """Run the command and return the exit code.

    A comment or issue that cannot be written is a warning, with exit code 0. An approval that
    cannot be read is an error, with exit code 1, because it decides whether a plan is applied.
    """
    args = parse_arguments(argv)
    if args.command in OFFLINE:
        print(OFFLINE[args.command](args))
        return 0
    try:
        result = ONLINE[args.command](GitHub(), args)
    except GitHubError as error:
        if args.command == "approved":
            print(error, file=sys.stderr)
            return 1
        if error.status in READ_ONLY:
            print(
                f"::notice title=segctl::this token cannot write the {args.command} "
                "(a pull request from a fork, or missing permissions); see the job summary"
            )
        else:
            print(f"::warning title=segctl::the {args.command} was not written: {error}")
        return 0
    print(result)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
