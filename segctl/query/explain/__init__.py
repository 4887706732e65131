"""A query in plain English, from its tree.

`sentences` arranges what `audience` has to say; `statements`, `events`, `moments` and `phrases`
are its words, from the largest to the smallest.
"""

from __future__ import annotations

from segctl.query.explain.sentences import ExplanationLine, explain, explain_lines

__all__ = ["ExplanationLine", "explain", "explain_lines"]
