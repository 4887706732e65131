"""The workflows that segctl writes and shows: no step leaves a credential where others can read it.

They are what people copy, so an example without a protection is a way in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.house.pages import BLOCK, documents
from tests.support.process import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator

WORKFLOWS = sorted((REPOSITORY / ".github/workflows").glob("*.yml"))


def texts() -> Iterator[tuple[str, str]]:
    """Yield every workflow, and every YAML example of a page, with a name for messages."""
    for path in WORKFLOWS:
        yield path.name, path.read_text("utf-8")
    for page in documents():
        for number, block in enumerate(BLOCK.finditer(page.read_text("utf-8"))):
            if block["kind"] == "yaml":
                yield f"{page.name} {number}", block["text"]


def steps(value: Any) -> Iterator[dict[str, Any]]:
    """Yield the steps of a workflow that use an action, at any depth."""
    if isinstance(value, dict):
        if isinstance(value.get("uses"), str):
            yield value
        for item in value.values():
            yield from steps(item)
    elif isinstance(value, list):
        for item in value:
            yield from steps(item)


def example_steps(action: str) -> list[Any]:
    return [
        pytest.param(step, id=f"{name} {number}")
        for name, text in texts()
        if f"uses: {action}" in text
        for number, step in enumerate(steps(yaml.safe_load(text)))
        if step["uses"].startswith(action)
    ]


CHECKOUTS = example_steps("actions/checkout@")


def test_the_examples_of_the_pages_are_among_them() -> None:
    assert len(CHECKOUTS) > len(WORKFLOWS)


@pytest.mark.parametrize("step", CHECKOUTS)
def test_no_example_leaves_the_token_in_the_checkout(step: dict[str, Any]) -> None:
    assert step["with"]["persist-credentials"] is False
