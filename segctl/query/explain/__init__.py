"""A query in plain English, from its tree.

`conditions` reads the conditions as statements, `sentences` arranges them; `statements`, `events`,
`times` and `phrases` word them, from the largest part to the smallest.
"""

from __future__ import annotations

from segctl.query.explain.sentences import ExplanationLine, explain, explain_lines

__all__ = ["ExplanationLine", "explain", "explain_lines"]
