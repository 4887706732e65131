"""The wish to delete contacts is spelt nowhere in segctl: not in the code, not on the wire."""

from __future__ import annotations

import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "segctl"
FORBIDDEN = "delete_contacts"


def test_no_code_spells_it() -> None:
    """No string, name, keyword or attribute of the package holds it; comments may warn of it."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            words = [
                value
                for field in ("value", "id", "attr", "arg", "name")
                if isinstance(value := getattr(node, field, None), str)
            ]
            if any(FORBIDDEN in word for word in words):
                found.append(f"{path.name}:{getattr(node, 'lineno', 0)}")
    assert found == []


def test_the_scan_would_find_it() -> None:
    tree = ast.parse('send("DELETE", params={"delete_contacts": "true"})')
    assert any(
        isinstance(node, ast.Constant) and node.value == FORBIDDEN for node in ast.walk(tree)
    )
