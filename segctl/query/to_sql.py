"""SQL from a tree: the normal form, with as few parentheses as possible.

`equivalence` says which rewrites the normal form may contain, `aliases` which names change. Does
not lay out: the normal form is for comparing, people read what they wrote.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, assert_never

from segctl.query import ast
from segctl.query.aliases import AliasScope, alias_scope, can_rename_aliases, select_aliases
from segctl.query.catalogue import UnsupportedKind
from segctl.query.list_ids import list_ids_of_call
from segctl.query.parser.expressions import ADD, AND, CAST, COMPARE, CONCAT, MULTIPLY, NOT, OR, SIGN
from segctl.query.parser.tokens import lower

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_ATOM = CAST + 1
_BINARY = {"||": CONCAT, "+": ADD, "-": ADD, "*": MULTIPLY, "/": MULTIPLY, "%": MULTIPLY}
_LEADING = (UnsupportedKind.DISTINCT, UnsupportedKind.TOP)


@dataclass(frozen=True, slots=True)
class SqlWriter:
    """Writes the clauses and expressions of one query.

    `scope` is `None` if aliases keep their names. `selected` has new aliases of selected values,
    by offset. `faithful` keeps the order of operands and items and the case of columns: not a
    normal form, but what people want to read.
    """

    scope: AliasScope | None = None
    renames: bool = False
    selected: dict[int, str] = field(default_factory=dict)
    faithful: bool = False

    @classmethod
    def for_query(cls, query: ast.Query) -> SqlWriter:
        """Return the writer of a whole query, which renames its aliases where that is harmless."""
        if can_rename_aliases(query):
            return cls(None, renames=True, selected=select_aliases(query))
        return cls()

    def within(self, query: ast.Query) -> SqlWriter:
        """Return the writer of the clauses of `query`, a query in the scope of this writer."""
        if not self.renames:
            return self
        outermost = self.scope is None
        selected = self.selected if outermost else {}
        return SqlWriter(alias_scope(query, self.scope), renames=True, selected=selected)

    def query(self, query: ast.Query) -> str:
        """Return a query in the scope of this writer as text."""
        inside = self.within(query)
        parts = ["SELECT"]
        parts += [extra.text for extra in query.unsupported if extra.kind in _LEADING]
        parts.append(", ".join(inside.item(item) for item in query.select))
        parts.append("FROM")
        aliases = dict(inside.new_aliases(query))
        parts.append(", ".join(self.source(source, aliases) for source in query.sources))
        parts += [self.join(join, inside, aliases) for join in query.joins]
        if query.where:
            parts.append(f"WHERE {inside.write(query.where)}")
        for extra in query.unsupported:
            if extra.kind is UnsupportedKind.SECOND_STATEMENT:
                parts.append(f"; {extra.text}")
            elif extra.kind is not UnsupportedKind.STAR and extra.kind not in _LEADING:
                parts.append(extra.text)
        return " ".join(parts)

    def new_aliases(self, query: ast.Query) -> Iterator[tuple[int, str]]:
        """Yield the offset and the new alias of each table of a query, if aliases change."""
        if self.scope:
            sources = (*query.sources, *(join.source for join in query.joins))
            for number, source in enumerate(sources, 1):
                yield source.start, f"t{self.scope.depth}_{number}"

    def item(self, item: ast.SelectItem) -> str:
        """Return one selected value as text."""
        value = self.write(item.value)
        if item.alias is None:
            return value
        return f"{value} AS {self.selected.get(item.start) or _name(item.alias)}"

    def source(self, source: ast.Source, aliases: dict[int, str]) -> str:
        """Return a table, or a query in its place, as text."""
        match source:
            case ast.Table(schema=schema, name=name, alias=alias):
                text = ".".join(_name(part) for part in (*schema, name))
            case ast.Derived(query=query, alias=alias):
                inner = SqlWriter(self.scope, renames=self.renames)
                text = f"({inner.query(query)})"
            case _:
                assert_never(source)
        new_alias = aliases.get(source.start) or (_name(alias) if alias else "")
        return f"{text} {new_alias}".rstrip()

    def join(self, join: ast.Join, inside: SqlWriter, aliases: dict[int, str]) -> str:
        """Return a join as text; `inside` writes its condition."""
        kind = "" if join.kind == "INNER" else f"{join.kind} "
        text = f"{kind}JOIN {self.source(join.source, aliases)}"
        if join.on:
            return f"{text} ON {inside.write(join.on)}"
        if join.using:
            return f"{text} USING ({', '.join(_name(name) for name in join.using)})"
        return text

    def write(self, expression: ast.Expression, floor: int = 0) -> str:
        """Return an expression as text, in parentheses unless it binds tighter than `floor`."""
        text, precedence = self._write_bare(expression)
        return f"({text})" if precedence <= floor else text

    def _write_bare(self, node: ast.Expression) -> tuple[str, int]:  # noqa: C901, PLR0911, PLR0912
        # One branch per node: the type checker only sees that an undivided match is complete.
        match node:
            case ast.And():
                return " AND ".join(self._sorted(self._operands(node))), AND
            case ast.Or():
                return " OR ".join(self._sorted(self._operands(node))), OR
            case ast.Not(operand=operand):
                return f"NOT {self.write(operand, NOT - 1)}", NOT
            case ast.Comparison(op=op, left=left, right=right):
                return f"{self.write(left, COMPARE)} {op} {self.write(right, COMPARE)}", COMPARE
            case ast.In(operand=operand, items=items, negated=negated):
                if isinstance(items, ast.Subquery):
                    listed = self.write(items)
                else:
                    listed = f"({', '.join(self._sorted(map(self.write, items)))})"
                return f"{self.write(operand, COMPARE)} {_not(negated)}IN {listed}", COMPARE
            case ast.IsNull(operand=operand, negated=negated):
                return f"{self.write(operand, COMPARE)} IS {_not(negated)}NULL", COMPARE
            case ast.IsTruth(operand=operand, value=value, negated=negated):
                truth = "TRUE" if value else "FALSE"
                return f"{self.write(operand, COMPARE)} IS {_not(negated)}{truth}", COMPARE
            case ast.Like(kind=kind, operand=operand, pattern=pattern, negated=negated):
                escape = f" ESCAPE {self.write(node.escape, COMPARE)}" if node.escape else ""
                like = f"{_not(negated)}{kind} {self.write(pattern, COMPARE)}{escape}"
                return f"{self.write(operand, COMPARE)} {like}", COMPARE
            case ast.Between(operand=operand, low=low, high=high, negated=negated):
                bounds = f"{self.write(low, COMPARE)} AND {self.write(high, COMPARE)}"
                return f"{self.write(operand, COMPARE)} {_not(negated)}BETWEEN {bounds}", COMPARE
            case ast.Exists(query=query):
                return f"EXISTS ({self.query(query)})", _ATOM
            case ast.Binary():
                return self._binary(node), _BINARY[node.op]
            case ast.Unary(op=op, operand=operand):
                return f"{op}{self.write(operand, SIGN)}", SIGN
            case ast.Cast(operand=operand, type=type_, form="::"):
                return f"{self.write(operand, CAST - 1)}::{type_}", CAST
            case ast.Cast(operand=operand, type=type_, form="literal"):
                return f"{type_} {self.write(operand)}", _ATOM
            case ast.Cast(operand=operand, type=type_, form=form):
                return f"{form}({self.write(operand)} AS {type_})", _ATOM
            case ast.Case():
                return self._case(node), _ATOM
            case ast.Call():
                return self._call(node), _ATOM
            case ast.Column():
                return self._column(node), _ATOM
            case ast.Interval(value=value, unit=unit, keyword=keyword):
                words = ["INTERVAL"] * keyword + [self.write(value)]
                return " ".join([*words, _name(unit)] if unit else words), _ATOM
            case ast.Array(items=items):
                return f"[{', '.join(self.write(item) for item in items)}]", _ATOM
            case ast.Subquery(query=query):
                return f"({self.query(query)})", _ATOM
            case ast.Star(qualifier=qualifier):
                return f"{self._qualifier(qualifier)}*", _ATOM
            case ast.DatePart(name=name):
                return _name(name), _ATOM
            case ast.String(raw=raw):
                return f"'{raw}'", _ATOM
            case ast.Number(text=text):
                return lower(text), _ATOM
            case ast.Boolean(value=value):
                return "TRUE" if value else "FALSE", _ATOM
            case ast.Null():
                return "NULL", _ATOM
            case _:
                assert_never(node)

    def _sorted(self, texts: Iterable[str]) -> Iterable[str]:
        return texts if self.faithful else sorted(texts)

    def _operands(self, node: ast.And | ast.Or) -> Iterator[str]:
        """Yield the operands as text, including those of nested nodes of the same kind."""
        for operand in node.operands:
            if isinstance(operand, ast.And | ast.Or) and type(operand) is type(node):
                yield from self._operands(operand)
            else:
                yield self.write(operand, AND if isinstance(node, ast.And) else OR)

    def _binary(self, node: ast.Binary) -> str:
        precedence = _BINARY[node.op]
        sides: list[str] = []
        for side, floor in ((node.left, precedence - 1), (node.right, precedence)):
            mixed = isinstance(side, ast.Binary) and (side.op == "||") != (node.op == "||")
            sides.append(self.write(side, _ATOM if mixed else floor))
        return f" {node.op} ".join(sides)

    def _case(self, node: ast.Case) -> str:
        words = ["CASE"]
        if node.operand:
            words.append(self.write(node.operand))
        words += [
            f"WHEN {self.write(when.condition)} THEN {self.write(when.result)}"
            for when in node.whens
        ]
        if node.otherwise:
            words.append(f"ELSE {self.write(node.otherwise)}")
        return " ".join([*words, "END"])

    def _call(self, node: ast.Call) -> str:
        if node.bare:
            return _name(node.name)
        distinct = "DISTINCT " if node.distinct else ""
        arguments = ", ".join(self.write(argument) for argument in self._arguments(node))
        return f"{_name(node.name)}({distinct}{arguments})"

    def _arguments(self, node: ast.Call) -> Iterator[ast.Expression]:
        """Yield the arguments of a call; in a normal form, the ids of lists are in lower case."""
        list_ids = () if self.faithful else list_ids_of_call(node)
        for argument in node.args:
            if isinstance(argument, ast.Array) and list_ids:
                items = tuple(_in_lower_case(item) for item in argument.items)
                yield replace(argument, items=items)
            else:
                yield _in_lower_case(argument) if argument in list_ids else argument

    def _column(self, node: ast.Column) -> str:
        keep_case = self.faithful and not node.name.quoted
        name = node.name.text if keep_case else _name(node.name)
        text = self._qualifier(node.qualifier) + name
        for number, step in enumerate(node.path):
            match step:
                case ast.Name(text=key, quoted=quoted):
                    text += f"{'.' if number else ':'}{_name(step) if quoted else key}"
                case _:
                    text += f"[{self.write(step)}]"
        return text

    def _qualifier(self, name: ast.Name | None) -> str:
        if name is None:
            return ""
        alias = self.scope.find(lower(name.text)) if self.scope else None
        return f"{alias or _name(name)}."


def _in_lower_case(node: ast.Expression) -> ast.Expression:
    """Return a string in lower case, unless it has escapes, where case can matter."""
    if isinstance(node, ast.String) and "\\" not in node.raw:
        return replace(node, raw=lower(node.raw))
    return node


def _name(name: ast.Name) -> str:
    """Return a name as text: bare names in lower case, quoted names unchanged."""
    if name.quoted:
        return '"' + name.text.replace('"', '""') + '"'
    return lower(name.text)


def _not(negated: bool) -> str:
    return "NOT " if negated else ""
