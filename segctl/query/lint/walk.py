"""One walk through a query, which shows each node to the rules that asked for its class.

Owns the order of the walk and what `Here` says at each node. It has its own table of what
stands below a node, because `walking.children` yields names too and looks the fields up each
time: this walk is what `validate` spends its time in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from segctl.query import ast
from segctl.query.catalogue import FUNCTIONS, TIME_UNITS
from segctl.query.lint.rule import Finding
from segctl.query.lint.scope import Here, Pass, Scope
from segctl.query.parser.tokens import lower, upper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from segctl.query.lint.account_schema import AccountSchema
    from segctl.query.lint.rule import Check, Rule, Spot

Rules = dict[type, tuple[tuple[str, "Check", Any], ...]]
"""By the class of a node: code, function and default severity of each rule that wants it.

Under `Query`, the late rules are left out; they are under `Late`.
"""


class Late:
    """The key of the rules that are asked for each query at the end."""


_BELOW: Mapping[type, tuple[str, ...]] = {
    ast.SelectItem: ("value",),
    ast.Comparison: ("left",),
    ast.In: ("operand",),
    ast.IsNull: ("operand",),
    ast.IsTruth: ("operand",),
    ast.Like: ("operand", "escape"),
    ast.Between: ("operand",),
    ast.Binary: ("left", "right"),
    ast.Unary: ("operand",),
    ast.Case: ("operand", "otherwise"),
    ast.When: ("condition", "result"),
    ast.Cast: ("operand",),
    ast.Exists: ("query",),
    ast.Subquery: ("query",),
}
_VALUES: Mapping[type, Callable[[Any], Iterable[ast.Node]]] = {
    ast.Comparison: lambda node: (node.right,),
    ast.In: lambda node: () if isinstance(node.items, ast.Subquery) else node.items,
    ast.Like: lambda node: (node.pattern,),
    ast.Between: lambda node: (node.low, node.high),
    ast.Array: lambda node: node.items,
}
"""What stands below a node as the value that it compares with."""

_LEAVES = frozenset((ast.Column, ast.String, ast.Number, ast.Null, ast.Boolean))
_LOGIC = (ast.And, ast.Or, ast.Not)


def rules_by_class(rules: Iterable[Rule]) -> Rules:
    """Sort rules by what they look at."""
    found: dict[type, list[tuple[str, Check, Any]]] = {}
    for rule in rules:
        for kind in rule.on:
            key = Late if rule.late else kind
            found.setdefault(key, []).append((rule.code, rule.check, rule.severity))
    return {kind: tuple(some) for kind, some in found.items()}


def walk_rules(
    rules: Rules, query: ast.Query, text: str, account_schema: AccountSchema
) -> tuple[Finding, ...]:
    """Show every node to its rules; give what they find in the order of places."""
    findings: list[Finding] = []
    queries: list[tuple[ast.Query, Here]] = []
    top = Here(Pass(text, account_schema), Scope(query, None))
    pending: list[tuple[ast.Node, Here]] = [(query, top)]
    while pending:
        node, here = pending.pop()
        kind = type(node)
        if isinstance(node, ast.Query):
            if node is not here.scope.query:
                here = Here(here.work, Scope(node, here.scope), (), here.plain)
            queries.append((node, here))
        if kind in rules:
            _ask(rules[kind], node, here, findings)
        _push(node, here, pending)
    for node, here in queries:
        _ask(rules.get(Late, ()), node, here, findings)
    findings.sort(key=_place)
    return tuple(findings)


def _ask(
    rules: tuple[tuple[str, Check, Any], ...],
    node: ast.Node,
    here: Here,
    findings: list[Finding],
) -> None:
    spot: Spot
    for code, check, severity in rules:
        for spot in check(node, here):
            weight = severity if spot.severity is None else spot.severity
            findings.append(
                Finding(code, spot.message, spot.hint, spot.start, spot.end, weight, spot.private)
            )


def _place(finding: Finding) -> tuple[int, int]:
    return finding.start, -finding.end


def _push(  # noqa: C901 - one place that knows every node
    node: Any, here: Here, pending: list[tuple[ast.Node, Here]]
) -> None:
    """Put what stands below a node on the pile."""
    kind = type(node)
    if kind in _LEAVES:
        if kind is ast.Column and (node.path or lower(node.name.text) == "timestamp"):
            here.work.dated.add(here.resolve(node).source)
        return
    if kind is ast.Query:
        _push_query(node, here, pending)
        return
    if kind in _LOGIC:
        plain = here.plain and kind is not ast.Not
        inner = Here(here.work, here.scope, (node, *here.around), plain)
        below = (node.operand,) if kind is ast.Not else node.operands
        pending.extend((one, inner) for one in below)
        return
    if here.around:  # AND and OR further up say nothing about what stands inside a value
        here = Here(here.work, here.scope, (), here.plain)
    values = _VALUES[kind](node) if kind in _VALUES else ()
    for value in values:
        if type(value) is ast.Column:
            here.work.values.add(value.start)
        pending.append((value, here))
    for name in _BELOW.get(kind, ()):
        value = getattr(node, name)
        if value is not None:
            pending.append((value, here))
    if kind is ast.Call:
        pending.extend((one, here) for one in _arguments(node))
    elif kind is ast.In and isinstance(node.items, ast.Subquery):
        pending.append((node.items, _opaque(here) if node.negated else here))
    elif kind is ast.Case:
        pending.extend((one, _opaque(here)) for one in node.whens)


def _arguments(call: ast.Call) -> tuple[ast.Expression, ...]:
    """Give the arguments of a call, without what is the unit of time to a misspelt function."""
    match call.args:
        case (ast.Column(qualifier=None, path=(), name=name), *_):
            if upper(call.name.text) not in FUNCTIONS and lower(name.text) in TIME_UNITS:
                return call.args[1:]
    return call.args


def _push_query(query: ast.Query, here: Here, pending: list[tuple[ast.Node, Here]]) -> None:
    pending.extend((item, here) for item in query.select)
    for source in (*query.sources, *(join.source for join in query.joins)):
        pending.append((source, here))
        if isinstance(source, ast.Derived):
            pending.append((source.query, Here(here.work, here.scope.outer or here.scope)))
    for join in query.joins:
        pending.append((join, here))
        if join.on:
            pending.append((join.on, _opaque(here)))
    if query.where:
        pending.append((query.where, here))


def _opaque(here: Here) -> Here:
    return Here(here.work, here.scope, (), plain=False)
