"""A query in plain English, from its tree.

`sentences` arranges the statements that `conditions` finds in AND, OR, NOT and subqueries.
`predicates` reads the conditions between them, with `comparisons`, `patterns` and `events`;
`operands` the values that they compare, with `functions` and `times`. `clauses` words statements,
`terms`, `ranges`, `phrases` and `values` their parts; `quotations` quotes what has no words.
"""

from __future__ import annotations

from segctl.query.explain.sentences import ExplanationLine, explain, explain_lines

__all__ = ["ExplanationLine", "explain", "explain_lines"]
