"""The page on reviewing a plan is what a real plan says, and the plan answers its readers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.render.pull_request_page import (
    HTML,
    PAGE,
    QUESTIONS,
    Question,
    comment,
    current_page,
    html_page,
    plain_text,
)
from tests.render.seven_changes import seven_changes

pytest.importorskip("duckdb")

if TYPE_CHECKING:
    from pathlib import Path


def test_the_page_is_what_a_real_plan_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    with seven_changes(tmp_path / "shop", capsys) as pull_request:
        text, page = comment(pull_request), html_page(pull_request)
    if request.config.getoption("--docs-write"):
        PAGE.write_text(current_page(PAGE.read_text("utf-8"), text), "utf-8", newline="\n")
        HTML.write_text(page, "utf-8", newline="\n")
    assert PAGE.read_text("utf-8") == current_page(PAGE.read_text("utf-8"), text)
    assert HTML.read_text("utf-8") == page


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.text)
def test_the_comment_and_the_page_answer(question: Question) -> None:
    page = PAGE.read_text("utf-8")
    in_comment = page[page.index("<!-- comment -->") : page.index("## The same plan as a page")]
    for view, start in ((in_comment, "<details"), (HTML.read_text("utf-8"), "<article")):
        # A question about a segment is answered where that segment is.
        parts = [part for part in view.split(start) if question.segment in plain_text(part)]
        answer = question.answer.lower()
        assert any(answer in plain_text(part).lower() for part in parts), start


def test_there_are_at_least_twelve_questions() -> None:
    assert len({question.text for question in QUESTIONS}) >= 12
