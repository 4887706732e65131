"""What the action says to GitHub: one comment, one issue, and the digest that was approved.

Owns the marker by which a comment or an issue is found again, so that it is updated and never
repeated. Runs on the standard library alone. It never speaks to SendGrid and knows no key of it.

    python github.py comment --body FILE (--pull NUMBER | --commit SHA)
    python github.py issue --body FILE --title TITLE [--closed]
    python github.py approved --commit SHA --target NAME --project FOLDER
    python github.py failed --kind KIND --target NAME --project FOLDER --title TITLE --log FILE
    python github.py outputs --plan FILE

The last two ask GitHub nothing: they write a body that tells of a failure, and the outputs of the
action. The others read GITHUB_API_URL, GITHUB_REPOSITORY, GITHUB_TOKEN and
SEGCTL_COMMENT_AUTHOR: whose comments are ours (`github-actions[bot]` for a workflow's token). Only
those are ever read or changed, since anybody can write a marker into a comment.

FOLDER is the project's, as a marker of segctl says it: one repository may hold several projects,
and each has its own comment, issue and approval.
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
"""The project that is the whole repository; a marker that names none means it."""

LONGEST_BODY = 65_000
"""Characters; GitHub refuses a comment or an issue of more than 65,536."""

LONGEST_LOG = 20_000
PAGE = 100
MOST_PAGES = 100
ATTEMPTS = 4
TIMEOUT = 30.0
READ_ONLY = (401, 403, 404)
"""What GitHub answers a token that may not write here: 404 hides what may not be seen."""


class Failure(Exception):
    """GitHub did not do what was asked. `status` is `None` where no answer came."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class Subject(NamedTuple):
    """What a body is about: two of them about the same one are one comment, or one issue."""

    kind: str
    target: str
    project: str


class GitHub:
    """The few calls that are needed, on one repository."""

    def __init__(self) -> None:
        api = os.environ.get("GITHUB_API_URL") or "https://api.github.com"
        self.base = f"{api}/repos/{os.environ['GITHUB_REPOSITORY']}"
        self.token = os.environ.get("GITHUB_TOKEN", "")
        self.author = os.environ.get("SEGCTL_COMMENT_AUTHOR") or "github-actions[bot]"

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Send one request; repeat it where GitHub is at fault and nothing can be doubled."""
        request = Request(  # noqa: S310 - the address is GitHub's own, from the runner
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
            last = method == "POST" or attempt == ATTEMPTS
            try:
                with urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310 - as above
                    return json.loads(answer.read() or b"null")
            except HTTPError as error:
                if last or error.code < 500:  # noqa: PLR2004 - the border of HTTP itself
                    raise Failure(f"GitHub answered {error.code} to {method}", error.code) from None
            except (URLError, OSError, ValueError) as error:
                if last:
                    reason = getattr(error, "reason", error)
                    raise Failure(f"no answer from GitHub to {method}: {reason}") from None
            time.sleep(2.0 ** (attempt - 1))
        raise AssertionError

    def pages(self, path: str, **query: str) -> Iterator[dict[str, Any]]:
        """Read a list whole, page after page."""
        for number in range(1, MOST_PAGES + 1):
            asked = urlencode({**query, "per_page": PAGE, "page": number})
            found = self.call("GET", f"{path}?{asked}")
            if not isinstance(found, list):
                raise Failure("GitHub gave no list")
            yield from found
            if len(found) < PAGE:
                return

    def ours(self, things: Iterator[dict[str, Any]], subject: Subject) -> list[Any]:
        """Pick what we wrote about this, oldest first."""
        return [
            thing
            for thing in things
            if (thing.get("user") or {}).get("login") == self.author
            and (marker := read_marker(thing.get("body") or "")) is not None
            and marker[0] == subject
        ]

    def merged_pull(self, commit: str) -> int | None:
        """Give the number of the pull request that brought a commit, if one did."""
        pulls = list(self.pages(f"/commits/{commit}/pulls"))
        merged = [pull for pull in pulls if pull.get("merged_at")]
        exact = [pull for pull in merged if pull.get("merge_commit_sha") == commit]
        return next((int(pull["number"]) for pull in (*exact, *merged)), None)


def read_marker(body: str) -> tuple[Subject, str] | None:
    """Read the marker of a body: what it is about, and the digest of its plan, empty for none.

    It counts on the first line alone.
    """
    found = MARKER.fullmatch(body.split("\n", 1)[0].rstrip("\r"))
    if found is None:
        return None
    facts = dict(fact.split("=", 1) for fact in found["facts"].split())
    subject = Subject(found["kind"], facts.get("target", "-"), facts.get("project", TOP))
    digest = facts.get("digest", "")
    return subject, digest if DIGEST.fullmatch(digest) else ""


def read_body(path: str) -> tuple[str, Subject]:
    """Give a body, and what its marker says that it is about."""
    body = Path(path).read_text("utf-8")
    marker = read_marker(body)
    if marker is None:
        raise Failure(f"{path} does not begin with a marker of segctl")
    if len(body) > LONGEST_BODY:
        body = body[:LONGEST_BODY].rsplit("\n", 1)[0]
    return body, marker[0]


def comment(github: GitHub, args: argparse.Namespace) -> str:
    """Write the comment anew, or update the one that stands."""
    body, subject = read_body(args.body)
    number = args.pull or github.merged_pull(args.commit)
    if number is None:
        return "no pull request brought this commit: there is nothing to comment on"
    standing = github.ours(github.pages(f"/issues/{number}/comments"), subject)
    if not standing:
        github.call("POST", f"/issues/{number}/comments", {"body": body})
        return f"commented on #{number}"
    first, *doubled = standing
    github.call("PATCH", f"/issues/comments/{first['id']}", {"body": body})
    for one in doubled:
        github.call("DELETE", f"/issues/comments/{one['id']}")
    return f"updated the comment on #{number}"


def issue(github: GitHub, args: argparse.Namespace) -> str:
    """Keep one issue: open it, update it, or close it when there is nothing more to say."""
    body, subject = read_body(args.body)
    title = args.title
    if subject.project != TOP:
        title += f" in {''.join(filter(str.isprintable, unquote(subject.project)))}"
    listed = github.pages("/issues", state="open", creator=github.author)
    plain = (one for one in listed if "pull_request" not in one)
    standing = github.ours(plain, subject)
    if not standing:
        if args.closed:
            return "there is no issue, and no need of one"
        made = github.call("POST", "/issues", {"title": title, "body": body})
        return f"opened issue #{made['number']}"
    number = standing[0]["number"]
    state = "closed" if args.closed else "open"
    github.call("PATCH", f"/issues/{number}", {"title": title, "body": body, "state": state})
    return f"{'closed' if args.closed else 'updated'} issue #{number}"


def approved(github: GitHub, args: argparse.Namespace) -> str:
    """Give the digest of the plan that the merged pull request showed."""
    number = github.merged_pull(args.commit)
    if number is None:
        raise Failure("no pull request brought this commit, so no plan of it was approved")
    subject = Subject("plan", value(args.target), args.project)
    for one in github.ours(github.pages(f"/issues/{number}/comments"), subject):
        marker = read_marker(one["body"])
        if marker is not None and marker[1]:
            return marker[1]
    raise Failure(f"#{number} shows no plan for the target {args.target}")


def value(text: str) -> str:
    """Write a value of a marker as segctl does: without a space, and without `>`."""
    return quote(text, safe="/") or "-"


def failed(args: argparse.Namespace) -> str:
    """Write a body that says why there is nothing better: what segctl printed, fenced."""
    text = Path(args.log).read_text("utf-8", "replace")[-LONGEST_LOG:]
    text = "".join(char for char in text if char == "\n" or char.isprintable())
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return "\n".join(
        (
            f"<!-- segctl:{args.kind} target={value(args.target)} project={args.project} -->",
            f"### {args.title}",
            "",
            f"{fence}text",
            text.strip() or "segctl said nothing.",
            fence,
        )
    )


def outputs(args: argparse.Namespace) -> str:
    """Give the outputs of the action, a line each."""
    plan = json.loads(Path(args.plan).read_text("utf-8"))
    actions = ("create", "patch", "replace", "upgrade", "delete")
    # A segctl that knows no upgrades counts none.
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


def arguments(argv: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="What the action says to GitHub.")
    commands = parser.add_subparsers(dest="command", required=True)
    needed = {
        "comment": ["--body"],
        "issue": ["--body", "--title"],
        "approved": ["--commit", "--target", "--project"],
        "failed": ["--kind", "--target", "--project", "--title", "--log"],
        "outputs": ["--plan"],
    }
    for name, options in needed.items():
        command = commands.add_parser(name)
        for option in options:
            command.add_argument(option, required=True)
        if name == "issue":
            command.add_argument("--closed", action="store_true")
        if name == "comment":
            where = command.add_mutually_exclusive_group(required=True)
            where.add_argument("--pull", type=int)
            where.add_argument("--commit")
    return parser.parse_args(argv)


def main(argv: list[str]) -> int:
    """Do what the command line says.

    What is written for people to read may fail without harm: a warning, and exit code 0. What
    decides whether something is applied may not: exit code 1.
    """
    args = arguments(argv)
    if args.command in OFFLINE:
        print(OFFLINE[args.command](args))
        return 0
    try:
        said = ONLINE[args.command](GitHub(), args)
    except Failure as failure:
        if args.command == "approved":
            print(failure, file=sys.stderr)
            return 1
        if failure.status in READ_ONLY:
            print(
                f"::notice title=segctl::the token of this run may not write the {args.command} "
                "(a pull request from a fork, or missing permissions); the job summary has it"
            )
        else:
            print(f"::warning title=segctl::the {args.command} was not written: {failure}")
        return 0
    print(said)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
