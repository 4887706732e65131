"""Comparisons that ignore case: `lower(first_name) = 'bob'`.

Only where the literal has letters of ASCII, all in that case: other letters have no other case, or
more than one, and a literal in the wrong case is never equal.
"""

from __future__ import annotations

from segctl.query import ast
from segctl.query.parser.tokens import lower, upper

IGNORING_CASE = ", ignoring case"
_FOLDS = {"LOWER": lower, "UPPER": upper}


def fold_case(
    operand: ast.Expression, literals: tuple[ast.Expression, ...]
) -> tuple[ast.Expression, tuple[ast.Expression, ...], str]:
    """Return the value that is compared in one case, the literals, and `, ignoring case`.

    Returns the arguments, and nothing, for any other comparison.
    """
    match operand:
        case ast.Call(name=ast.Name(text=name, quoted=False), args=(value,)):
            function = upper(name)
        case _:
            return operand, literals, ""
    folded = tuple(_constant(literal) for literal in literals)
    if function in _FOLDS and all(_is_in_case(function, literal) for literal in folded):
        return value, folded, IGNORING_CASE
    return operand, literals, ""


def _is_in_case(function: str, literal: ast.Expression) -> bool:
    """Return whether a literal is equal to what LOWER or UPPER makes of it in any case.

    The upper case of `ß` is `SS`, which is not `ss` in another case.
    """
    if not isinstance(literal, ast.String) or not literal.value.isascii():
        return False
    if function == "UPPER" and "SS" in literal.value:
        return False
    return _FOLDS[function](literal.value) == literal.value


def _constant(node: ast.Expression) -> ast.Expression:
    """Return the string that LOWER or UPPER of a string is."""
    match node:
        case ast.Call(
            name=ast.Name(text=name, quoted=False), args=(ast.String(value=value) as text,)
        ) if upper(name) in _FOLDS and value.isascii():
            folded = _FOLDS[upper(name)](value)
            return ast.String(start=text.start, end=text.end, raw=folded, value=folded)
        case _:
            return node
