"""A percentage as people write it in YAML: `50%`, or the bare number 50.

Owns the one form for segctl.yaml and segment files; what else may stand there is theirs to say.
The schemas let whole ones through only: whether 0.5 means a half or a half of one per cent is a
question that a limit must not leave open.
"""

from __future__ import annotations


def percentage(value: str | float) -> int:
    """Give the number of a percentage that fits its schema."""
    return int(value.rstrip("% ")) if isinstance(value, str) else int(value)
