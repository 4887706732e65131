"""No code of segctl can ask SendGrid to delete contacts."""

from __future__ import annotations

import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "segctl"
FORBIDDEN = "delete_contacts"


def test_no_code_contains_the_parameter_that_deletes_contacts() -> None:
    """Check every string, name, keyword and attribute; comments may warn of the parameter."""
    places = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            words = [
                value
                for field in ("value", "id", "attr", "arg", "name")
                if isinstance(value := getattr(node, field, None), str)
            ]
            if any(FORBIDDEN in word for word in words):
                places.append(f"{path.name}:{getattr(node, 'lineno', 0)}")
    assert places == []


def test_the_scan_finds_the_parameter_in_code() -> None:
    tree = ast.parse('send("DELETE", params={"delete_contacts": "true"})')
    assert any(
        isinstance(node, ast.Constant) and node.value == FORBIDDEN for node in ast.walk(tree)
    )
