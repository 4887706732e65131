"""The page on security names every attack, and attacks that exist."""

from __future__ import annotations

import re

from tests.support.process import REPOSITORY

PAGE = REPOSITORY / "docs/security.md"
SUITE = REPOSITORY / "tests/security"


def rows() -> list[str]:
    """Return the rows of the page's tables of promises, without their heads."""
    tables = PAGE.read_text("utf-8").split("| promise | attacked by |\n|---|---|\n")[1:]
    return [line for table in tables for line in table.partition("\n\n")[0].splitlines()]


def test_every_attack_belongs_to_a_promise() -> None:
    named = set(re.findall(r"\(\.\./(tests/[^)]+)\)", "\n".join(rows())))
    suite = {path.relative_to(REPOSITORY).as_posix() for path in SUITE.glob("test_*.py")}
    assert suite - named == set(), "name these in docs/security.md, beside what they attack"


def test_every_promise_is_attacked() -> None:
    for row in rows():
        assert re.search(r"\]\(\.\./tests/\S+\.py\)", row), row


def test_every_attack_is_called_what_it_is_called() -> None:
    for name, path in re.findall(r"\[(test_\w+)\]\(([^)]+)\)", PAGE.read_text("utf-8")):
        assert path.endswith(f"/{name}.py"), path
