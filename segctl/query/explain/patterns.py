"""Statements of LIKE and its kin, and of calls that are conditions: what a text or list contains.

Returns no statement for a condition without words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.query import ast
from segctl.query.explain.folding import IGNORING_CASE, fold_case
from segctl.query.explain.memberships import list_membership
from segctl.query.explain.operands import read_term
from segctl.query.explain.phrases import counted, join_with
from segctl.query.explain.statements import FieldStatement, Statement, VerbStatement
from segctl.query.explain.values import quoted_value, string_value, string_values, value_text
from segctl.query.parser.tokens import lower, upper
from segctl.query.value_types import ValueType
from segctl.query.visit import walk

if TYPE_CHECKING:
    from segctl.query.explain.scope import ExplainScope
    from segctl.query.explain.terms import Term

_SEARCH_VERBS = {"CONTAINS": "contain", "STARTSWITH": "start with", "ENDSWITH": "end with"}


def _text_subject(scope: ExplainScope, node: ast.Expression) -> Term | None:
    """Return a text that differs between contacts or events, or a value of unknown type."""
    term = read_term(scope, node)
    has_column = any(isinstance(part, ast.Column) for part in walk(node))
    return term if term and has_column and term.may_be_text else None


def read_like(scope: ExplainScope, node: ast.Like, *, negated: bool) -> Statement | None:
    """Return the statement of LIKE, or of its negation."""
    operand, (pattern,), case = fold_case(node.operand, (node.pattern,))
    term, is_negated = _text_subject(scope, operand), node.negated != negated
    if term is None or not isinstance(pattern, ast.String):
        return None
    if node.kind in ("RLIKE", "REGEXP"):
        if node.escape or case:
            return None
        verb, wanted = "match", f"the regular expression {quoted_value(pattern.value)}"
    else:
        searched = _searched(pattern, node.escape)
        if searched is None:
            return None
        verb, value = searched
        if value == "%" and not is_negated and term.type is ValueType.TEXT:
            return FieldStatement(term, f"{term.be} set")
        if verb == "equal":
            case = IGNORING_CASE if node.kind == "ILIKE" else case
            return _read_equal(term, value, case, negated=is_negated)
        wanted = ("the pattern " if verb == "match" else "") + quoted_value(value)
        case = IGNORING_CASE if node.kind == "ILIKE" else case
    predicate = f"{term.verb(verb, negated=is_negated)} {wanted}{case}"
    return FieldStatement(term, predicate, excludes_unset=is_negated)


def _read_equal(term: Term, value: str, case: str, *, negated: bool) -> FieldStatement | None:
    """Return the statement of a pattern without wildcards; `None` for a value of unknown type."""
    if term.type is not ValueType.TEXT:
        predicate = f"{term.verb('match', negated=negated)} the pattern {quoted_value(value)}{case}"
    else:
        predicate = f"{term.be} {'not ' if negated else ''}{value_text(value)}{case}"
    return FieldStatement(term, predicate, excludes_unset=negated)


def _searched(pattern: ast.String, escape: ast.Expression | None) -> tuple[str, str] | None:
    """Return the verb and value of a LIKE pattern: `contain`, or `match` if it is not certain."""
    value, mark = pattern.value, string_value(escape) if escape else None
    starts = value.startswith("%")
    ends = value.endswith("%") and not (mark and value.endswith(f"{mark}%"))
    body: str | None = value[starts : len(value) - ends]
    if escape is not None:
        body = _unescaped(body or "", mark)
    elif "\\" in pattern.raw.replace('\\"', "").replace("\\'", "") or set("%_") & set(body or ""):
        body = None
    if not value and escape is None:
        return "equal", ""
    if not body:
        # With ESCAPE, the pattern alone would not say what it matches.
        return ("match", value) if escape is None else None
    match starts, ends:
        case True, True:
            return "contain", body
        case True, False:
            return "end with", body
        case False, True:
            return "start with", body
        case _:
            return "equal", body


def _unescaped(body: str, mark: str | None) -> str | None:
    """Return a pattern without its escapes; `None` if it has wildcards, or an unknown escape."""
    if mark is None or len(mark) != 1 or mark in "%_" or "\\" in body or body.endswith(mark):
        return None
    pieces = body.split(mark)
    tails = pieces[1:]
    if any(not tail or tail[0] not in "%_" for tail in tails):
        return None
    if any(wildcard in part for part in (pieces[0], *(tail[1:] for tail in tails))
           for wildcard in "%_"):  # fmt: skip
        return None
    return "".join(pieces) or None


def read_call(  # noqa: PLR0911 - one return per function
    scope: ExplainScope, node: ast.Call, *, negated: bool
) -> Statement | None:
    """Return the statement of a call that is a condition, or of its negation."""
    if len(node.args) != 2 or node.distinct or node.name.quoted:  # noqa: PLR2004
        return None
    container, item = node.args
    match upper(node.name.text):
        case "ARRAY_CONTAINS" | "ARRAYS_OVERLAP" as name:
            if not isinstance(container, ast.Column):
                container, item = item, container  # Snowflake takes the value first
            if name == "ARRAYS_OVERLAP" and not isinstance(_as_array(item), ast.Array):
                return None
            return _read_array_contains(scope, container, item, negated=negated)
        case "REGEXP_LIKE":
            return _read_search(scope, "match", container, item, negated=negated)
        case "CONTAINS" | "STARTSWITH" | "ENDSWITH" as name:
            if isinstance(container, ast.Column) and lower(container.name.text) == "list_ids":
                return _read_array_contains(scope, container, item, negated=negated)
            return _read_search(scope, _SEARCH_VERBS[name], container, item, negated=negated)
        case _:
            return None


def _read_search(
    scope: ExplainScope, verb: str, text: ast.Expression, item: ast.Expression, *, negated: bool
) -> FieldStatement | None:
    text, (item,), case = fold_case(text, (item,)) if verb != "match" else (text, (item,), "")
    term, value = _text_subject(scope, text), string_value(item)
    if term is None or value is None:
        return None
    kind = "the regular expression " if verb == "match" else ""
    shown = f"{kind}{quoted_value(value)}{'' if value else ' (empty)'}{case}"
    predicate = f"{term.verb(verb, negated=negated)} {shown}"
    return FieldStatement(term, predicate, excludes_unset=negated)


def _as_array(node: ast.Expression) -> ast.Expression:
    match node:
        case ast.Call(name=ast.Name(text=name, quoted=False), args=args) if (
            upper(name) == "ARRAY_CONSTRUCT"
        ):
            return ast.Array(start=node.start, end=node.end, items=args)
        case _:
            return node


def _read_array_contains(
    scope: ExplainScope, array: ast.Expression, item: ast.Expression, *, negated: bool
) -> Statement | None:
    term, item = read_term(scope, array), _as_array(item)
    values = string_values(item.items if isinstance(item, ast.Array) else (item,))
    if term is None or not isinstance(array, ast.Column) or not values:
        return None
    if term.type not in (ValueType.LIST, None):
        return None
    values = tuple(dict.fromkeys(values))
    if lower(array.name.text) == "list_ids" and term.pronoun == "their":
        return VerbStatement(list_membership(values, scope.lists, negated=negated))
    any_of = f"any of {counted(values)}" if len(values) > 1 else ""
    wanted = join_with([quoted_value(value) for value in values])
    return FieldStatement(
        term, f"{term.verb('include', negated=negated)} {any_of}{wanted}", excludes_unset=negated
    )
