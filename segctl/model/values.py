"""What a query uses by name: values, which are literals and lists of them, and ids. Shapes only."""

from __future__ import annotations

import math
import re
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

Scalar: TypeAlias = str | int | float | bool
Value: TypeAlias = Scalar | tuple[Scalar, ...]

VALUES = "values"
"""The key that has them in segctl.yaml, in a target and in a segment file."""

CONDITIONS_FILE = "conditions.yaml"
"""The file at the top of the segments folder that has conditions with names, and no segments."""


INSTANCES_FILE = "instances.yaml"
"""The file at the top of the segments folder that has instances for `for_each`, and no segments."""


class ReferenceKind(StrEnum):
    """What a reference stands for."""

    LIST = "list"
    SINGLE_SEND = "single_send"
    NAME = "name"

    @property
    def noun(self) -> str:
        """The word for it in a sentence."""
        return {"list": "list", "single_send": "Single Send"}.get(self, "value or condition")


CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f]")
"""What is not text, and what no query may contain; white space of any kind is fine."""


def _parts(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]


def is_value(value: object) -> bool:
    """Return whether something read from YAML has the shape of a value, as the schemas ask."""
    return all(isinstance(part, str | int | float) for part in _parts(value))


def value_problem(value: object) -> str:
    """Return why a query cannot contain a value of that shape, empty if it can."""
    parts = _parts(value)
    if not parts:
        return "is an empty list: a condition on no values is an error in SQL"
    if any(isinstance(part, float) and not math.isfinite(part) for part in parts):
        return "is not a number that a query can contain"
    if any(isinstance(part, str) and CONTROL.search(part) for part in parts):
        return "contains a control character"
    return ""


def read_values(value: object) -> dict[str, Value]:
    """Return the values under a key `values`, without those that have a problem."""
    items = value.items() if isinstance(value, dict) else ()
    return {
        name: tuple(item) if isinstance(item, list) else item
        for name, item in items
        if is_value(item) and not value_problem(item)
    }


def values_of(settings: Mapping[str, Any], target: str) -> dict[str, Value]:
    """Return the values in a segctl.yaml for a target, whose own win over those of the project."""
    targets = settings.get("targets")
    fields = targets.get(target) if isinstance(targets, dict) else None
    own = fields.get(VALUES) if isinstance(fields, dict) else None
    return {**read_values(settings.get(VALUES)), **read_values(own)}
