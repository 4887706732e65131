"""A query in plain English, from its tree.

`conditions` reads AND, OR, NOT and subqueries, `predicates` the conditions between them;
`sentences` arranges the statements. `statements`, `events`, `times` and `phrases` word them, from
the largest part to the smallest.
"""

from __future__ import annotations

from segctl.query.explain.sentences import ExplanationLine, explain, explain_lines

__all__ = ["ExplanationLine", "explain", "explain_lines"]
