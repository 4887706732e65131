"""Reading a whole query: SELECT, FROM, JOIN, WHERE, and the clauses that are not supported.

Owns clauses and statements. Refuses to judge: GROUP BY and its like are read as `Extra` so that
a linter can name them, and their inside is not looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.common.suggest import nearest_match
from segctl.query import ast
from segctl.query.ast import UnsupportedClause
from segctl.query.catalogue import UnsupportedKind
from segctl.query.parser.errors import quote_snippet
from segctl.query.parser.operands import OperandParser
from segctl.query.parser.tokens import Token, TokenKind, lower

if TYPE_CHECKING:
    from segctl.query.parser.errors import ParseError

MAX_SUBQUERY_DEPTH = 16
"""Queries within queries nested deeper than this are not read."""

_STATEMENTS = {
    "INSERT": "writes data", "UPDATE": "changes data", "DELETE": "deletes data",
    "MERGE": "changes data", "TRUNCATE": "deletes data", "DROP": "removes tables",
    "CREATE": "creates tables", "ALTER": "changes tables", "GRANT": "changes rights",
    "REVOKE": "changes rights", "COPY": "moves data", "CALL": "runs a procedure",
    "SET": "changes settings", "USE": "changes settings", "EXECUTE": "runs a program",
    "BEGIN": "starts a transaction", "COMMIT": "ends a transaction",
    "ROLLBACK": "ends a transaction", "SHOW": "lists things", "DESCRIBE": "describes tables",
    "EXPLAIN": "explains a query", "REPLACE": "changes data", "WITH": "names a subquery first",
    "VALUES": "lists values",
}  # fmt: skip

_TAILS = {
    "HAVING": UnsupportedKind.HAVING,
    "QUALIFY": UnsupportedKind.QUALIFY,
    "LIMIT": UnsupportedKind.LIMIT,
    "OFFSET": UnsupportedKind.OFFSET,
    "FETCH": UnsupportedKind.FETCH,
    "UNION": UnsupportedKind.UNION,
    "INTERSECT": UnsupportedKind.INTERSECT,
    "EXCEPT": UnsupportedKind.EXCEPT,
    "MINUS": UnsupportedKind.MINUS,
}
_COLUMNS = "the selected columns"
_OPEN_ENDED = frozenset(
    (
        UnsupportedKind.UNION,
        UnsupportedKind.INTERSECT,
        UnsupportedKind.EXCEPT,
        UnsupportedKind.MINUS,
    )
)
_SIDES = ("LEFT", "RIGHT", "FULL")
_JOINS = ("JOIN", "INNER", "CROSS", "NATURAL", *_SIDES)
_CLAUSES = ("WHERE", "GROUP", "ORDER", "HAVING", "LIMIT", "UNION")
_AFTER_ALIAS = frozenset((",", ")", ";", "", "FROM", "ON", "USING", *_JOINS, *_CLAUSES, *_TAILS))


class StatementParser(OperandParser):
    """Reads a statement at the cursor."""

    nested = 0

    def statement(self) -> ast.Query:
        """Read the one SELECT that a query is, up to the end of the text."""
        self._only_select()
        query = self._query()
        extras = list(query.unsupported)
        if self.accept(";") and self.word.kind is not TokenKind.END:
            extras.append(self._extra(UnsupportedKind.SECOND_STATEMENT))
        if self.word.kind is not TokenKind.END:
            raise self._left_over()
        return ast.Query(
            start=query.start,
            end=query.end,
            select=query.select,
            sources=query.sources,
            joins=query.joins,
            where=query.where,
            unsupported=tuple(extras),
            parens=tuple(sorted(self.parens, key=lambda paren: paren.start)),
        )

    def subquery_after(self, opened: Token) -> ast.Subquery:
        """Read the query after an opening parenthesis, and the closing one."""
        if self.nested >= MAX_SUBQUERY_DEPTH:
            raise self.stop(
                "too-deep", f"the query holds queries more than {MAX_SUBQUERY_DEPTH} deep"
            )
        self.nested += 1
        query = self._query()
        self.nested -= 1
        self.close(")", opened, (*_CLAUSES, "AND", "OR"))
        return ast.Subquery(start=opened.start, end=self.last_end, query=query)

    def _only_select(self) -> None:
        word = self.word
        if word.kind is TokenKind.END:
            raise self.stop(
                "empty-query", "the query is empty", "write SELECT contact_id, updated_at …"
            )
        if word.upper in _STATEMENTS:
            raise self.stop(
                "not-select",
                f"{word.upper} {_STATEMENTS[word.upper]}; the query of a segment is one SELECT",
                "write SELECT contact_id, updated_at FROM contact_data …",
            )
        if word.upper != "SELECT" and not self.misspelt("SELECT"):
            raise self.unexpected(
                "SELECT", hint="a query begins with SELECT contact_id, updated_at"
            )

    def _query(self) -> ast.Query:
        start = self.take().start
        extras: list[UnsupportedClause] = []
        if self.at("DISTINCT"):
            extras.append(_extra_of(UnsupportedKind.DISTINCT, self.take()))
        if self.at("TOP") and self.next.kind is TokenKind.NUMBER:
            self.take()
            extras.append(_extra_of(UnsupportedKind.TOP, self.tokens[self.index - 1], self.take()))
        select = self._select(extras)
        if not self.misspelt("FROM"):
            if self.is_name(self.word) and not self.at("WINDOW", "TABLESAMPLE", "SAMPLE"):
                raise self.comma_missing(_COLUMNS)
            self.expect("FROM", " after the selected columns")
        else:
            self.take()
        sources = [self._source()]
        while self.accept(","):
            sources.append(self._source())
        joins = self._join_list()
        where: ast.Expression | None = None
        if self.at("WHERE") or self.misspelt("WHERE"):
            self.take()
            where = self.expression()
        self._tails(extras)
        return ast.Query(
            start=start,
            end=self.last_end,
            select=select,
            sources=tuple(sources),
            joins=joins,
            where=where,
            unsupported=tuple(extras),
        )

    def _select(self, extras: list[UnsupportedClause]) -> tuple[ast.SelectItem, ...]:
        items: list[ast.SelectItem] = []
        while True:
            begin = self.word.start
            if items and self.at("FROM"):
                raise self.stop("syntax", "a comma stands before FROM", "remove the comma")
            if self.at("*"):
                star = self.take()
                value: ast.Expression = ast.Star(start=star.start, end=star.end)
            else:
                value = self.expression()
            if isinstance(value, ast.Star):
                text = self.text[value.start : value.end]
                extras.append(
                    UnsupportedClause(
                        start=value.start, end=value.end, kind=UnsupportedKind.STAR, text=text
                    )
                )
            is_next = self.is_name(self.word) and self.next.text in (".", "(")
            if is_next and not nearest_match(self.word.text, ("FROM",)):
                raise self.comma_missing(_COLUMNS)
            alias = self._alias("FROM")
            items.append(ast.SelectItem(start=begin, end=self.last_end, value=value, alias=alias))
            if not self.accept(","):
                return tuple(items)

    def _alias(self, *following: str) -> ast.Name | None:
        """Read an alias, unless it is one of the `following` keywords misspelt."""
        if self.accept("AS"):
            return self.name("an alias after AS")
        if not self.is_name(self.word) or self.at("WINDOW", "TABLESAMPLE", "SAMPLE"):
            return None
        typo = nearest_match(self.word.text, following) if self.word.kind is TokenKind.NAME else ""
        if typo and self.next.upper not in _AFTER_ALIAS:
            return None
        return self.name("an alias")

    def _source(self) -> ast.Source:
        word = self.word
        if self.at("("):
            opened = self.take()
            if not self.at("SELECT"):
                raise self.unexpected("SELECT after FROM (", meant=("SELECT",))
            query = self.subquery_after(opened).query
            alias = self._alias("WHERE", *_JOINS, "ON")
            return ast.Derived(start=word.start, end=self.last_end, query=query, alias=alias)
        names = [self.name("the name of a table")]
        while self.accept("."):
            names.append(self.any_name("a name after `.`"))
        if self.at("("):
            raise self.stop("syntax", "a function cannot stand in the place of a table")
        alias = self._alias("WHERE", *_JOINS, "ON")
        return ast.Table(
            start=word.start,
            end=self.last_end,
            schema=tuple(names[:-1]),
            name=names[-1],
            alias=alias,
        )

    def _join_list(self) -> tuple[ast.Join, ...]:
        joins: list[ast.Join] = []
        while self.at(*_JOINS) or self.misspelt("JOIN", "INNER"):
            joins.append(self._join())
        return tuple(joins)

    def _join(self) -> ast.Join:
        start = self.word.start
        kinds: list[str] = []
        if self.accept("NATURAL"):
            kinds.append("NATURAL")
        if self.at("INNER", "CROSS", *_SIDES):
            kinds.append(self.take().upper)
            if kinds[-1] in _SIDES and self.accept("OUTER"):
                kinds.append("OUTER")
        if not self.misspelt("JOIN"):
            self.expect("JOIN")
        else:
            self.take()
        source = self._source()
        on: ast.Expression | None = None
        using: list[ast.Name] = []
        if self.accept("ON"):
            on = self.expression()
        elif self.accept("USING"):
            opened = self.expect("(", " after USING")
            using.append(self.name("a column after USING ("))
            while self.accept(","):
                using.append(self.name("a column"))
            self.close(")", opened)
        return ast.Join(
            start=start,
            end=self.last_end,
            kind=" ".join(kinds) or "INNER",
            source=source,
            on=on,
            using=tuple(using),
        )

    def _tails(self, extras: list[UnsupportedClause]) -> None:
        while kind := self._tail_kind():
            extras.append(self._extra(kind))

    def _tail_kind(self) -> UnsupportedKind | None:
        word, after = self.word.upper, self.next.upper
        if word in ("GROUP", "ORDER") and after == "BY":
            return UnsupportedKind.GROUP_BY if word == "GROUP" else UnsupportedKind.ORDER_BY
        if word == "WINDOW" and self.next.kind is TokenKind.NAME:
            return UnsupportedKind.WINDOW
        return _TAILS.get(word)

    def _extra(self, kind: UnsupportedKind) -> UnsupportedClause:
        """Take a clause whole: up to the next one, or what closes the query around it."""
        taken: list[Token] = []
        depth = 0
        while self.word.kind is not TokenKind.END:
            if self.at(")", "]"):
                if depth == 0 and self.nested:
                    break
                depth -= 1
            elif self.at("(", "["):
                depth += 1
            elif depth <= 0 and taken and self._ends(kind):
                break
            taken.append(self.take())
        return _extra_of(kind, *taken)

    def _ends(self, kind: UnsupportedKind) -> bool:
        if kind is UnsupportedKind.SECOND_STATEMENT:
            return False
        if self.tokens[self.index - 1].text in (".", ":"):
            return False  # the key `data:limit` begins no clause
        return self.at(";") or (kind not in _OPEN_ENDED and self._tail_kind() is not None)

    def _left_over(self) -> ParseError:
        word = self.word
        if word.upper == ")":
            return self.stop("unexpected-parenthesis", "this `)` closes nothing", "remove it")
        if word.kind is TokenKind.QUOTED:
            return self.unexpected("AND, OR or the end", hint="write texts between single quotes")
        return self.stop(
            "syntax",
            f"expected AND, OR or the end of the query, but found {quote_snippet(word.text)}",
            self._guess(word),
        )

    def _guess(self, word: Token) -> str:
        before = self.tokens[self.index - 1]
        known = ("AND", "OR", "NOT", "IN", "IS", "LIKE", "BETWEEN", "JOIN", "ON", *_CLAUSES)
        for suspect in (word, before):
            guess = nearest_match(suspect.text, known) if suspect.kind is TokenKind.NAME else ""
            if guess and suspect.upper not in known:
                return f"did you mean `{guess}` instead of {quote_snippet(suspect.text)}?"
        return ""


def _extra_of(kind: UnsupportedKind, *taken: Token) -> UnsupportedClause:
    # Case is folded in the words that name the clause, and nowhere else: nobody read the others,
    # and among them may be keys of semi-structured paths, which are told apart by case.
    named = len(kind.split()) if kind is not UnsupportedKind.SECOND_STATEMENT else 0
    text = " ".join((*(lower(one.text) for one in taken[:named]), *(w.text for w in taken[named:])))
    return UnsupportedClause(start=taken[0].start, end=taken[-1].end, kind=kind, text=text)
