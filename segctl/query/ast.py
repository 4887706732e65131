"""The tree of a query: frozen nodes that know their place in the text.

Says what is written, not what is wrong with it (`lint`) nor when two queries are the same
(`equivalence`). Consume the unions with `match` and `assert_never`, by keyword:
`case Comparison(op="=", left=Column(name=name))`.

Every node has `start` and `end`, offsets in characters into the text of the query, `end` one past
the last, so `text[node.start:node.end]` is the source of the node. Parentheses *around* an
expression are not nodes and not part of its span; they are listed in `Query.parens`, and are part
of the span of the node above. The height of a tree is limited (`MAX_DEPTH` in
`parser.expressions`), so recursion is safe; the width of `And`, `Or` and lists is not, so loop
over them.

A query::

    Query
    ├── select       SelectItem(value: Expression, alias)
    ├── sources      Table(schema, name, alias) | Derived(query, alias): FROM, more after commas
    ├── joins        Join(kind, source, on, using)
    ├── where        Expression or None
    ├── unsupported  UnsupportedClause(kind, text): parsed, but not supported: GROUP BY, UNION, …
    ├── comments     Comment(text): all comments of the text; only on the outermost query
    └── parens       Paren(inner_start, inner_end): likewise

    Expression = And | Or | Not | Comparison | In | IsNull | IsTruth | Like | Between | Exists
               | Call | Column | String | Number | Boolean | Null | Interval | DatePart | Array
               | Binary | Unary | Case | Cast | Subquery | Star
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from segctl.query.catalogue import UnsupportedKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A part of a query: `text[start:end]`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Name(Node):
    """A name. `text` is without its double quotes, with doubled quotes inside it undone.

    Quoted names mean exactly `text`; case does not matter in the others. `plan`, `"plan"` and
    `"Plan"` are three names to segctl, because it is not documented which of them the server
    treats as the same.
    """

    text: str
    quoted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class And(Node):
    """Two or more operands. `a AND b AND c` is one node; `(a AND b) AND c` keeps two."""

    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Or(Node):
    """Two or more operands, like `And`."""

    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Not(Node):
    """`NOT operand`. The NOT of NOT IN, NOT LIKE, IS NOT … is a flag of those nodes instead."""

    operand: Expression


ComparisonOperator: TypeAlias = Literal[
    "=", "!=", "<", "<=", ">", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison(Node):
    """`left op right`; `<>` is parsed as `!=`."""

    op: ComparisonOperator
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class In(Node):
    """`operand [NOT] IN (a, b)`, or `IN (SELECT …)`. `items` has one or more expressions."""

    operand: Expression
    items: tuple[Expression, ...] | Subquery
    negated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class IsNull(Node):
    """`operand IS [NOT] NULL`."""

    operand: Expression
    negated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class IsTruth(Node):
    """`operand IS [NOT] TRUE` or `FALSE`."""

    operand: Expression
    value: bool
    negated: bool


LikeKind: TypeAlias = Literal["LIKE", "ILIKE", "RLIKE", "REGEXP"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Like(Node):
    """`operand [NOT] LIKE pattern [ESCAPE escape]`, or another operator by `kind`."""

    kind: LikeKind
    operand: Expression
    pattern: Expression
    escape: Expression | None
    negated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Between(Node):
    """`operand [NOT] BETWEEN low AND high`."""

    operand: Expression
    low: Expression
    high: Expression
    negated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Exists(Node):
    """`EXISTS (SELECT …)`. NOT EXISTS is an `Exists` inside a `Not`."""

    query: Query


@dataclass(frozen=True, slots=True, kw_only=True)
class Call(Node):
    """`name(args)`. `bare` is true without parentheses, as in `CURRENT_TIMESTAMP`.

    The argument of `COUNT(*)` is a `Star`; `distinct` is true with DISTINCT before the arguments.
    """

    name: Name
    args: tuple[Expression, ...]
    distinct: bool = False
    bare: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Column(Node):
    """`[qualifier.]name`, with a path into semi-structured columns: `e.DATA:payload.a[0]."b"`.

    The steps of `path` are keys (`Name`; case always matters, they are keys of JSON) or, in
    brackets, a `Number` or `String`.
    """

    qualifier: Name | None
    name: Name
    path: tuple[Name | Number | String, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class String(Node):
    """A string. `raw` is the source between the quotes; strings compare by it.

    `value` is the likely meaning, with `''` and backslash escapes undone: good for display, never
    for equality, because the server's escapes are not documented.
    """

    raw: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Number(Node):
    """A number without a sign, as written: `10`, `.5`, `1.5e3`."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Boolean(Node):
    """TRUE or FALSE."""

    value: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Null(Node):
    """NULL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval(Node):
    """An interval: `interval 10 day`, `interval '10 days'`, `180 days`.

    `unit` is as written, or `None` if it is inside the string. `keyword` is false for the form
    without the word INTERVAL.
    """

    value: Number | String | Unary
    unit: Name | None
    keyword: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DatePart(Node):
    """The bare `day` of `timestampadd(day, …)`, for functions with `date_part_first`."""

    name: Name


@dataclass(frozen=True, slots=True, kw_only=True)
class Array(Node):
    """`[a, b]`, or `[]`."""

    items: tuple[Expression, ...]


Sign: TypeAlias = Literal["+", "-"]
BinaryOperator: TypeAlias = Literal["+", "-", "*", "/", "%", "||"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary(Node):
    """Arithmetic, or `||`, which joins strings. Associates to the left."""

    op: BinaryOperator
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Unary(Node):
    """A sign before an operand."""

    op: Sign
    operand: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class When(Node):
    """One branch of a CASE."""

    condition: Expression
    result: Expression


@dataclass(frozen=True, slots=True, kw_only=True)
class Case(Node):
    """`CASE [operand] WHEN … THEN … [ELSE otherwise] END`."""

    operand: Expression | None
    whens: tuple[When, ...]
    otherwise: Expression | None


CastForm: TypeAlias = Literal["CAST", "TRY_CAST", "::", "literal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast(Node):
    """`CAST(x AS t)`, `TRY_CAST(x AS t)`, `x::t`, or the literal `TIMESTAMP '…'`, by `form`.

    `type` is in upper case with single spaces: `VARCHAR(10)`, `TIMESTAMP WITH TIME ZONE`.
    """

    operand: Expression
    type: str
    form: CastForm


@dataclass(frozen=True, slots=True, kw_only=True)
class Subquery(Node):
    """`(SELECT …)` as a value or after IN. Its span includes the parentheses."""

    query: Query


@dataclass(frozen=True, slots=True, kw_only=True)
class Star(Node):
    """`*`, or `c.*` with a qualifier."""

    qualifier: Name | None = None


Expression: TypeAlias = (
    And | Or | Not | Comparison | In | IsNull | IsTruth | Like | Between | Exists | Call | Column
    | String | Number | Boolean | Null | Interval | DatePart | Array | Binary | Unary | Case | Cast
    | Subquery | Star
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectItem(Node):
    """One selected value, with its alias, whether or not AS is written."""

    value: Expression
    alias: Name | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table(Node):
    """A table by name; `schema` has the dotted names before it."""

    schema: tuple[Name, ...]
    name: Name
    alias: Name | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived(Node):
    """`(SELECT …) [AS] alias` in place of a table. Not documented by SendGrid."""

    query: Query
    alias: Name | None


Source: TypeAlias = Table | Derived


@dataclass(frozen=True, slots=True, kw_only=True)
class Join(Node):
    """One join. `kind` is INNER (also if omitted), LEFT, LEFT OUTER, CROSS and so on."""

    kind: str
    source: Source
    on: Expression | None
    using: tuple[Name, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsupportedClause(Node):
    """A clause that SendGrid does not support, keyword to end; its inside is not parsed.

    `text` has its tokens joined by single spaces, its keywords in lower case: good for comparing.
    UNION and the like, and a second statement, extend to the end of the query they are in.
    """

    kind: UnsupportedKind
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment(Node):
    """`-- to the end of the line` or `/* … */`, as written."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Paren(Node):
    """A pair of parentheses that only groups, `start` at the opening one.

    `inner_start` and `inner_end` are the span of the expression inside. No two nodes of the
    `Expression` union share a span, so the span identifies the expression; an expression in two
    pairs of parentheses has two of these.
    """

    inner_start: int
    inner_end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Query(Node):
    """A query, from its SELECT to its last token. The module's docstring lists the parts."""

    select: tuple[SelectItem, ...]
    sources: tuple[Source, ...]
    joins: tuple[Join, ...]
    where: Expression | None
    unsupported: tuple[UnsupportedClause, ...] = ()
    comments: tuple[Comment, ...] = ()
    parens: tuple[Paren, ...] = ()
