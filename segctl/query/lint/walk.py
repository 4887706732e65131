"""One walk through a query that calls the rules for each node.

Owns the order of the walk and the `NodeContext` of each node. It has its own table of child nodes,
because `visit.children` also yields names and looks the fields up each time: `validate` spends
most of its time in this walk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from segctl.query import ast
from segctl.query.catalogue import FUNCTIONS, TIME_UNITS
from segctl.query.lint.scope import LintRun, NodeContext, Scope
from segctl.query.parser.tokens import lower, upper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from segctl.query.lint.account_schema import AccountSchema
    from segctl.query.lint.rule import Finding, Rule

Rules = dict[type, tuple["Rule", ...]]
"""Rules by the class of node that they check; those that run last are under `RunsLast`."""


class RunsLast:
    """The key of the rules that are called for each query after the walk."""


_CHILDREN: Mapping[type, tuple[str, ...]] = {
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
"""The child nodes with which a node compares."""

_LEAVES = frozenset((ast.Column, ast.String, ast.Number, ast.Null, ast.Boolean))
_LOGIC = (ast.And, ast.Or, ast.Not)


def rules_by_class(rules: Iterable[Rule]) -> Rules:
    """Return rules by the class of node that they check."""
    by_class: dict[type, list[Rule]] = {}
    for rule in rules:
        for node_class in rule.on:
            by_class.setdefault(RunsLast if rule.runs_last else node_class, []).append(rule)
    return {node_class: tuple(group) for node_class, group in by_class.items()}


def walk_rules(
    rules: Rules, query: ast.Query, text: str, account_schema: AccountSchema
) -> tuple[Finding, ...]:
    """Call the rules for every node; return their findings in the order of places."""
    findings: list[Finding] = []
    queries: list[tuple[ast.Query, NodeContext]] = []
    top = NodeContext(LintRun(text, account_schema), Scope(query, None))
    pending: list[tuple[ast.Node, NodeContext]] = [(query, top)]
    while pending:
        node, context = pending.pop()
        node_class = type(node)
        if isinstance(node, ast.Query):
            if node is not context.scope.query:
                scope = Scope(node, context.scope)
                context = NodeContext(context.run, scope, (), context.is_asserted)
            queries.append((node, context))
        if node_class in rules:
            _call_rules(rules[node_class], node, context, findings)
        _push_children(node, context, pending)
    for node, context in queries:
        _call_rules(rules.get(RunsLast, ()), node, context, findings)
    findings.sort(key=lambda finding: (finding.start, -finding.end))
    return tuple(findings)


def _call_rules(
    rules: tuple[Rule, ...], node: ast.Node, context: NodeContext, findings: list[Finding]
) -> None:
    for rule in rules:
        for violation in rule.check(node, context):
            findings.append(rule.finding(violation))  # noqa: PERF401 - faster for none, the usual case


def _push_children(  # noqa: C901 - one place that knows every node
    node: Any, context: NodeContext, pending: list[tuple[ast.Node, NodeContext]]
) -> None:
    """Push the child nodes of a node on the stack."""
    node_class = type(node)
    if node_class in _LEAVES:
        if node_class is ast.Column and (node.path or lower(node.name.text) == "timestamp"):
            context.run.bounded_tables.add(context.resolve(node).source)
        return
    if node_class is ast.Query:
        _push_query(node, context, pending)
        return
    if node_class in _LOGIC:
        is_asserted = context.is_asserted and node_class is not ast.Not
        enclosing = (node, *context.enclosing)
        inner = NodeContext(context.run, context.scope, enclosing, is_asserted)
        operands = (node.operand,) if node_class is ast.Not else node.operands
        pending.extend((operand, inner) for operand in operands)
        return
    if context.enclosing:  # AND and OR further up say nothing about the inside of a value
        context = NodeContext(context.run, context.scope, (), context.is_asserted)
    values = _VALUES[node_class](node) if node_class in _VALUES else ()
    for value in values:
        if type(value) is ast.Column:
            context.run.value_columns.add(value.start)
        pending.append((value, context))
    for name in _CHILDREN.get(node_class, ()):
        child = getattr(node, name)
        if child is not None:
            pending.append((child, context))
    if node_class is ast.Call:
        pending.extend((argument, context) for argument in _arguments(node))
    elif node_class is ast.In and isinstance(node.items, ast.Subquery):
        pending.append((node.items, _not_asserted(context) if node.negated else context))
    elif node_class is ast.Case:
        pending.extend((when, _not_asserted(context)) for when in node.whens)


def _arguments(call: ast.Call) -> tuple[ast.Expression, ...]:
    """Return the arguments of a call, without the time unit of a misspelt function."""
    match call.args:
        case (ast.Column(qualifier=None, path=(), name=name), *_):
            if upper(call.name.text) not in FUNCTIONS and lower(name.text) in TIME_UNITS:
                return call.args[1:]
    return call.args


def _push_query(
    query: ast.Query, context: NodeContext, pending: list[tuple[ast.Node, NodeContext]]
) -> None:
    pending.extend((item, context) for item in query.select)
    for source in (*query.sources, *(join.source for join in query.joins)):
        pending.append((source, context))
        if isinstance(source, ast.Derived):
            outer = NodeContext(context.run, context.scope.outer or context.scope)
            pending.append((source.query, outer))
    for join in query.joins:
        pending.append((join, context))
        if join.on:
            pending.append((join.on, _not_asserted(context)))
    if query.where:
        pending.append((query.where, context))


def _not_asserted(context: NodeContext) -> NodeContext:
    return NodeContext(context.run, context.scope, (), is_asserted=False)
