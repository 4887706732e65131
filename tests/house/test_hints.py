"""Hints: a command to run is in backticks, where the console adds the folder and the target."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from segctl.cli.program import COMMANDS
from tests.support.process import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = rf"segctl (?:-\S+ \S+ )*(?:{'|'.join(COMMANDS)})\b"
HAND_WRITTEN = re.compile(rf"(?:\b(?:run|use|with|then|try|next)|[:=]\w*) {COMMAND}", re.IGNORECASE)
"""A command that a text asks for; titles and marks name some as well."""

WITHOUT_A_PROJECT = {"Without an account: segctl --target sandbox plan"}
"""The end of `segctl --help`, which names no folder."""


def texts(tree: ast.Module) -> Iterator[str]:
    """Yield the strings of a module but for its docstrings, which are help and not hints."""
    statements = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)) if id(node) not in statements:
                yield text


def test_no_hint_spells_a_command_without_backticks() -> None:
    spelled = [
        f"{path.relative_to(REPOSITORY)}: {text}"
        for path in sorted((REPOSITORY / "segctl").rglob("*.py"))
        for text in texts(ast.parse(path.read_text("utf-8")))
        if HAND_WRITTEN.search(text) and text not in WITHOUT_A_PROJECT
    ]
    assert spelled == []
