"""The page on reviewing a plan: the comment and the HTML of a real plan, and what they answer.

`python -m pytest tests/render/test_pull_request_page.py --docs-write` rewrites the generated parts.
"""

from __future__ import annotations

import dataclasses
import html
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.model import TargetRef
from segctl.planfile.loading import load_plan
from segctl.planfile.to_json import digest
from tests.house.pages import PART
from tests.support.process import REPOSITORY

if TYPE_CHECKING:
    from tests.render.seven_changes import PullRequest

PAGE = REPOSITORY / "docs/reviewing-a-plan.md"
HTML = REPOSITORY / "docs/examples/plan.html"
TARGET = TargetRef("production", "api.sendgrid.com")


@dataclass(frozen=True)
class Question:
    """What a reader asks of a segment, empty for the whole plan, and the words that answer it."""

    text: str
    segment: str
    answer: str


QUESTIONS = (
    Question(
        "Which Single Sends go to it?",
        "Newsletter readers",
        "Spring news, scheduled for 2026-06-27 09:00 UTC",
    ),
    Question("How many more get it?", "Newsletter readers", "up to 16 more contacts"),
    Question("How many fewer?", "VIP customers", "up to 15 fewer contacts"),
    Question(
        "How large is it now?", "Newsletter readers", "62 contacts now by SendGrid's count of"
    ),
    Question("Is it protected?", "Newsletter readers", "it is protected"),
    Question("Which time window changed?", "Recent buyers", "from 30 days to 90 days"),
    Question("Who owns it?", "Summer sale 2025", "sales"),
    Question("Which commit proves the delete?", "Summer sale 2025", "removed its name from"),
    Question("Does the id stay?", "Reads Czech", "keeps its id"),
    Question("Which list?", "Event guests", "On the list “Event guests 2026”"),
    Question(
        "What does the query mean?",
        "Big baskets",
        "Contacts whose total spend is more than 1000 and whose orders count is at most 10.",
    ),
    Question(
        "Was it edited by hand?",
        "VIP customers",
        "changed outside git on 2026-06-17: total_spend > 500 became total_spend > 400",
    ),
    Question("What cannot be seen?", "", "Not checked: automations"),
)


def comment(pull_request: PullRequest) -> str:
    """Return the comment of the pull request."""
    return _of_sendgrid(pull_request, pull_request.plan("markdown"))


def html_page(pull_request: PullRequest) -> str:
    """Return the HTML page of the pull request."""
    return _of_sendgrid(pull_request, pull_request.plan("html"))


def _of_sendgrid(pull_request: PullRequest, text: str) -> str:
    """Return a view with SendGrid's host: the emulator's port, and so the digest, would vary."""
    data = pull_request.plan("json").encode()
    plan = load_plan(data, "plan.json").plan
    real = digest(dataclasses.replace(plan, target=TARGET))
    document = json.loads(data)
    return text.replace(document["target"]["host"], TARGET.host).replace(document["digest"], real)


def plain_text(view: str) -> str:
    """Return the words of a comment or a page, without tags and on one line."""
    return " ".join(html.unescape(re.sub(r"<style>.*?</style>|<[^>]+>", "", view)).split())


def questions_markdown() -> str:
    """Return the questions as a table."""
    rows = ["| question | segment | the comment says |", "|---|---|---|"]
    rows += [f"| {item.text} | {item.segment} | {item.answer} |" for item in QUESTIONS]
    return "\n".join(rows) + "\n"


def current_page(text: str, comment: str) -> str:
    """Return the page with its generated parts up to date."""
    parts = {"questions": questions_markdown(), "comment": comment}

    def replacement(part: re.Match[str]) -> str:
        what = part["what"]
        return f"<!-- {what} -->\n\n{parts[what]}\n<!-- end -->" if what in parts else part[0]

    return PART.sub(replacement, text)
