"""The parser of a whole query: SELECT, FROM, JOIN, WHERE, and unsupported clauses.

Does not judge: GROUP BY and the like become an `UnsupportedClause`, which a linter can name; their
insides are not parsed.
"""

from __future__ import annotations

from segctl.common.suggest import nearest_match
from segctl.query import ast
from segctl.query.ast import UnsupportedClause
from segctl.query.catalogue import UnsupportedKind
from segctl.query.parser.errors import UNDOCUMENTED, ParseError, quote_snippet
from segctl.query.parser.operands import OperandParser
from segctl.query.parser.tokens import Token, TokenKind, lower

MAX_SUBQUERY_DEPTH = 16
"""How deep queries within queries may be subquery_depth."""

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

_TRAILING = {
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
_SELECTED_COLUMNS = "the selected columns"
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
_ALIAS_FOLLOWERS = frozenset(
    (",", ")", ";", "", "FROM", "ON", "USING", *_JOINS, *_CLAUSES, *_TRAILING)
)


class StatementParser(OperandParser):
    """Parses a statement at the cursor."""

    subquery_depth = 0

    def parse_statement(self) -> ast.Query:
        """Parse one SELECT, up to the end of the text."""
        try:
            self._check_select()
        except ParseError as error:
            if error.problem.code != "syntax" or not self.is_name(self.token):
                raise
            self.record(error)
            self.resumed()
            query = self._parse_query(self.token.start)
        else:
            query = self._parse_query(self.advance().start)
        unsupported = list(query.unsupported)
        if self.accept(";") and self.token.kind is not TokenKind.END:
            unsupported.append(self._parse_unsupported(UnsupportedKind.SECOND_STATEMENT))
        self._parse_rest(unsupported, follows_table=not query.joins and query.where is None)
        return ast.Query(
            start=query.start,
            end=query.end,
            select=query.select,
            sources=query.sources,
            joins=query.joins,
            where=query.where,
            unsupported=tuple(unsupported),
            parens=tuple(sorted(self.parens, key=lambda paren: paren.start)),
        )

    def parse_subquery(self, opened: Token) -> ast.Subquery:
        """Parse the query after an opening parenthesis, and the closing one."""
        if self.subquery_depth >= MAX_SUBQUERY_DEPTH:
            raise self.error("too-deep", f"queries are nested more than {MAX_SUBQUERY_DEPTH} deep")
        self.subquery_depth += 1
        query = self._parse_query(self.advance().start)
        self.subquery_depth -= 1
        if self.at(")", ""):
            self.expect_closing(")", opened)
        else:
            self._parse_rest([], opened)
            self.close(")", opened)
        return ast.Subquery(start=opened.start, end=self.last_end, query=query)

    def _check_select(self) -> None:
        token = self.token
        if token.kind is TokenKind.END:
            raise self.error(
                "empty-query", "the query is empty", "write SELECT contact_id, updated_at …"
            )
        if token.upper in _STATEMENTS:
            raise self.error(
                "not-select",
                f"{token.upper} {_STATEMENTS[token.upper]}; a segment's query must be a SELECT",
                "write SELECT contact_id, updated_at FROM contact_data …",
            )
        if token.upper != "SELECT" and not self.correct_misspelling("SELECT"):
            raise self.unexpected(
                "SELECT", hint="start the query with SELECT contact_id, updated_at"
            )

    def _parse_query(self, start: int) -> ast.Query:
        """Parse a query after its SELECT, which is at `start`."""
        unsupported: list[UnsupportedClause] = []
        if self.at("DISTINCT"):
            unsupported.append(_unsupported_clause(UnsupportedKind.DISTINCT, self.advance()))
        if self.at("TOP") and self.next.kind is TokenKind.NUMBER:
            self.advance()
            unsupported.append(
                _unsupported_clause(
                    UnsupportedKind.TOP, self.tokens[self.index - 1], self.advance()
                )
            )
        select = self._parse_select_items(unsupported)
        sources: list[ast.Source] = []
        try:
            self._parse_from(sources)
        except ParseError as error:
            self.recover(error, stops=(";",), is_outermost=not self.subquery_depth)
            if self.accept("FROM"):
                sources += self._parse_sources_after_error()
        joins = self._parse_joins()
        where: ast.Expression | None = None
        if self.at("WHERE") or self.correct_misspelling("WHERE"):
            self.advance()
            where = self.parse_expression()
        self._parse_trailing_clauses(unsupported)
        return ast.Query(
            start=start,
            end=self.last_end,
            select=select,
            sources=tuple(sources),
            joins=joins,
            where=where,
            unsupported=tuple(unsupported),
        )

    def _parse_from(self, sources: list[ast.Source]) -> None:
        """Parse FROM and its tables, and add them to `sources`."""
        if self.correct_misspelling("FROM"):
            self.advance()
        else:
            self.expect("FROM", " after the selected columns")
        sources.append(self._parse_source())
        while self.accept(","):
            sources.append(self._parse_source())

    def _parse_sources_after_error(self) -> list[ast.Source]:
        sources: list[ast.Source] = []
        try:
            sources.append(self._parse_source())
            while self.accept(","):
                sources.append(self._parse_source())
        except ParseError as error:
            self.recover(error, stops=(")", ";"))
        return sources

    def _parse_select_items(
        self, unsupported: list[UnsupportedClause]
    ) -> tuple[ast.SelectItem, ...]:
        items: list[ast.SelectItem] = []
        while True:
            start = self.token.start
            if items and self.at("FROM"):
                self.record(self.error("syntax", "extra comma before FROM", "remove the comma"))
                return tuple(items)
            if self.at("*"):
                star = self.advance()
                value: ast.Expression = ast.Star(start=star.start, end=star.end)
            else:
                value = self.parse_expression()
            if isinstance(value, ast.Star):
                text = self.text[value.start : value.end]
                unsupported.append(
                    UnsupportedClause(
                        start=value.start, end=value.end, kind=UnsupportedKind.STAR, text=text
                    )
                )
            is_next = self.is_name(self.token) and self.next.text in (".", "(")
            alias: ast.Name | None = None
            if not is_next or nearest_match(self.token.text, ("FROM",)):
                alias = self._parse_select_alias()
            items.append(ast.SelectItem(start=start, end=self.last_end, value=value, alias=alias))
            if self.accept(","):
                continue
            is_next = self.is_name(self.token) and not self.at("WINDOW", "TABLESAMPLE", "SAMPLE")
            if not is_next or nearest_match(self.token.text, ("FROM",)):
                return tuple(items)
            self.record(self.missing_comma(_SELECTED_COLUMNS))
            self.note_missing_opening()
            self.resumed()

    def _parse_select_alias(self) -> ast.Name | None:
        try:
            return self._parse_alias("FROM")
        except ParseError as error:
            self.recover(error, stops=(",", ")", ";"))
            return None

    def _parse_alias(self, *following: str) -> ast.Name | None:
        """Parse an alias, unless it is one of the `following` keywords, misspelt."""
        if self.accept("AS"):
            return self.parse_name("an alias after AS")
        if not self.is_name(self.token) or self.at("WINDOW", "TABLESAMPLE", "SAMPLE"):
            return None
        typo = (
            nearest_match(self.token.text, following) if self.token.kind is TokenKind.NAME else ""
        )
        if typo and self.next.upper not in _ALIAS_FOLLOWERS:
            return None
        return self.parse_name("an alias")

    def _parse_source(self) -> ast.Source:
        token = self.token
        if self.at("("):
            opened = self.advance()
            if not self.at("SELECT"):
                raise self.unexpected("SELECT after FROM (", meant=("SELECT",))
            query = self.parse_subquery(opened).query
            alias = self._parse_alias("WHERE", *_JOINS, "ON")
            return ast.Derived(start=token.start, end=self.last_end, query=query, alias=alias)
        names = [self.parse_name("the name of a table")]
        while self.accept("."):
            names.append(self.parse_any_name("a name after `.`"))
        if self.at("("):
            raise self.error(UNDOCUMENTED, "a function cannot be used as a table")
        alias = self._parse_alias("WHERE", *_JOINS, "ON")
        return ast.Table(
            start=token.start,
            end=self.last_end,
            schema=tuple(names[:-1]),
            name=names[-1],
            alias=alias,
        )

    def _parse_joins(self) -> tuple[ast.Join, ...]:
        joins: list[ast.Join] = []
        while self.at(*_JOINS) or self.correct_misspelling("JOIN", "INNER"):
            try:
                joins.append(self._parse_join())
            except ParseError as error:
                self.recover(error, stops=(")", ";", "ON", "USING"))
                if self.at("ON"):
                    self.advance()
                    self.parse_expression()
        return tuple(joins)

    def _parse_join(self) -> ast.Join:
        start = self.token.start
        kinds: list[str] = []
        if self.accept("NATURAL"):
            kinds.append("NATURAL")
        if self.at("INNER", "CROSS", *_SIDES):
            kinds.append(self.advance().upper)
            if kinds[-1] in _SIDES and self.accept("OUTER"):
                kinds.append("OUTER")
        if not self.correct_misspelling("JOIN"):
            self.expect("JOIN")
        else:
            self.advance()
        source = self._parse_source()
        on: ast.Expression | None = None
        using: list[ast.Name] = []
        if self.accept("ON"):
            on = self.parse_expression()
        elif self.accept("USING"):
            opened = self.expect("(", " after USING")
            using.append(self.parse_name("a column after USING ("))
            while self.accept(","):
                using.append(self.parse_name("a column"))
            self.expect_closing(")", opened)
        return ast.Join(
            start=start,
            end=self.last_end,
            kind=" ".join(kinds) or "INNER",
            source=source,
            on=on,
            using=tuple(using),
        )

    def _parse_trailing_clauses(self, unsupported: list[UnsupportedClause]) -> None:
        while kind := self._trailing_kind():
            unsupported.append(self._parse_unsupported(kind))

    def _trailing_kind(self) -> UnsupportedKind | None:
        keyword, after = self.token.upper, self.next.upper
        if keyword in ("GROUP", "ORDER") and after == "BY":
            return UnsupportedKind.GROUP_BY if keyword == "GROUP" else UnsupportedKind.ORDER_BY
        if keyword == "WINDOW" and self.next.kind is TokenKind.NAME:
            return UnsupportedKind.WINDOW
        return _TRAILING.get(keyword)

    def _parse_unsupported(self, kind: UnsupportedKind) -> UnsupportedClause:
        """Skip a clause: to the next one, or to what closes the query around it."""
        skipped: list[Token] = []
        depth = 0
        while self.token.kind is not TokenKind.END:
            if self.at(")", "]"):
                if depth == 0 and self.subquery_depth:
                    break
                depth -= 1
            elif self.at("(", "["):
                depth += 1
            elif depth <= 0 and skipped and self._ends_clause(kind):
                break
            skipped.append(self.advance())
        return _unsupported_clause(kind, *skipped)

    def _ends_clause(self, kind: UnsupportedKind) -> bool:
        if kind is UnsupportedKind.SECOND_STATEMENT:
            return False
        if self.tokens[self.index - 1].text in (".", ":"):
            return False  # the key `data:limit` does not start a clause
        return self.at(";") or (kind not in _OPEN_ENDED and self._trailing_kind() is not None)

    def _parse_rest(
        self,
        unsupported: list[UnsupportedClause],
        opened: Token | None = None,
        *,
        follows_table: bool = False,
    ) -> None:
        """Record what is wrong after a query, and parse the conditions and clauses there."""
        while not self.at("") and not (opened and self.at(")")):
            if opened:
                try:
                    self.expect_closing(")", opened, (*_CLAUSES, "AND", "OR"))
                except ParseError as error:
                    self.skip_unexpected(error)
            else:
                self.skip_unexpected(self._unexpected_rest(follows_table=follows_table))
            if self.at("AND", "OR", "&&"):
                self.advance()
            if not self.at("", ")") and not self.at_clause():
                self.parse_expression()
            self._parse_joins()
            if self.accept("WHERE"):
                self.parse_expression()
            self._parse_trailing_clauses(unsupported)

    def _unexpected_rest(self, *, follows_table: bool) -> ParseError:
        token = self.token
        if token.upper == ")":
            return self.error("unexpected-parenthesis", "`)` without a matching `(`", "remove it")
        if token.kind is TokenKind.QUOTED:
            return self.unexpected("AND, OR or the end", hint="put strings in single quotes")
        wanted = "JOIN, WHERE" if follows_table else "AND, OR"
        return self.error(
            "syntax",
            f"expected {wanted} or the end of the query, found {quote_snippet(token.text)}",
            self._guess_keyword(token),
        )

    def _guess_keyword(self, token: Token) -> str:
        known = ("AND", "OR", "NOT", "IN", "IS", "LIKE", "BETWEEN", "JOIN", "ON", *_CLAUSES)
        for suspect in (token, self.tokens[self.index - 1]):
            guess = nearest_match(suspect.text, known) if suspect.kind is TokenKind.NAME else ""
            if guess and suspect.upper not in known:
                return f"did you mean `{guess}` instead of {quote_snippet(suspect.text)}?"
        return ""


def _unsupported_clause(kind: UnsupportedKind, *tokens: Token) -> UnsupportedClause:
    # Only the words that name the clause are folded: the others are not parsed, and may be keys
    # of semi-structured paths, where case matters.
    named = len(kind.split()) if kind is not UnsupportedKind.SECOND_STATEMENT else 0
    words = (*(lower(token.text) for token in tokens[:named]), *(t.text for t in tokens[named:]))
    start, end = tokens[0].start, tokens[-1].end
    return UnsupportedClause(start=start, end=end, kind=kind, text=" ".join(words))
