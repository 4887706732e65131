"""The project's own description of the shapes, as a contract."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.contract import official
from tests.contract.openapi import Contract

SHAPES = Path(__file__).parent / "shapes.yaml"


@cache
def shapes() -> Any:
    """Return the description."""
    return yaml.safe_load(SHAPES.read_text("utf-8"))


@cache
def contract() -> Contract:
    """Return the contract of the description."""
    errors = official.ERRORS
    return Contract(
        [shapes()],
        undocumented=[r"/contact-exports/.+"],
        extra=official.EXTRA,
        statuses={"*": dict.fromkeys((401, 403, 406, 429), errors)},
    )
