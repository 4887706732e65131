"""Recovery from errors: a parser that records an error, skips what it cannot read, and reads on.

One mistake is one problem: what fails right where parsing resumed is a consequence of the mistake
before it, and is not recorded. Knows which tokens end a condition, and no other grammar.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from segctl.query.catalogue import FUNCTIONS
from segctl.query.parser.cursor import RESERVED, Cursor
from segctl.query.parser.errors import UNDOCUMENTED, ParseError
from segctl.query.parser.tokens import TokenKind

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from segctl.query.parser.errors import Problem
    from segctl.query.parser.tokens import Token

MAX_ERRORS: Final = 50
"""The number of errors, with those that follow from others, after which parsing stops."""

FATAL = frozenset(("too-deep", "too-many-errors"))
"""The codes of problems that end parsing."""

_SIDES = ("LEFT", "RIGHT", "FULL")
_CLAUSES = frozenset(
    (
        "FROM", "WHERE", "JOIN", "INNER", "CROSS", "NATURAL", *_SIDES, "HAVING", "QUALIFY",
        "LIMIT", "OFFSET", "FETCH", "UNION", "INTERSECT", "EXCEPT", "MINUS",
    )
)  # fmt: skip
_AFTER_CONDITION = frozenset(
    ("AND", "OR", "&&", ",", ")", "]", ";", "ON", "USING", "WHEN", "THEN", "ELSE", "END")
)
_OPERAND_SYMBOLS = frozenset("([.+-!")
_OPERAND_KEYWORDS = frozenset(
    ("NOT", "NULL", "TRUE", "FALSE", "CASE", "CAST", "TRY_CAST", "EXISTS", *_SIDES)
)
SETTLING: Final = 2
"""An error is a consequence of the one before if fewer tokens than these were parsed between."""

_ELSEWHERE = frozenset(
    (
        "ALL", "ANY", "ASOF", "AT", "COLLATE", "CONNECT", "DIV", "FILTER", "FOR", "GLOB",
        "IGNORE", "ISNULL", "LATERAL", "MATCH_CONDITION", "NOTNULL", "OVERLAPS", "PIVOT",
        "PLACING", "RESPECT", "SAMPLE", "SIMILAR", "SOME", "START", "STRUCT",
        "TABLE", "TABLESAMPLE", "UNKNOWN", "UNPIVOT", "VALUES", "WINDOW", "WITHIN", "XOR",
        "&", "|", "^", "~", "->", "=>", "<=>", "@", "#",
    )
)  # fmt: skip
"""Words and symbols of other syntax that SQL databases have: it is undocumented, not invalid."""


class RecoveringCursor(Cursor):
    """A cursor that resumes after errors.

    `damaged` holds the offsets of tokens that are part of an error already reported. `is_cut_off`
    says that an error at the end of the query is known: a string, say, that never ends.
    `unmatched_closings` counts the closing parentheses that an error leaves without an opening one.
    """

    def __init__(
        self,
        text: str,
        tokens: Sequence[Token],
        damaged: Collection[int] = (),
        *,
        is_cut_off: bool = False,
    ) -> None:
        super().__init__(text, tokens)
        self.damaged = damaged
        self.is_cut_off = is_cut_off
        self.errors = 0
        self.unmatched_closings = 0
        self._resumed_at = -2

    def report(self, code: str, message: str, hint: str = "", token: Token | None = None) -> None:
        """Record a problem at `token`, or at the current one, and continue parsing."""
        self._count()
        super().report(code, message, hint, token)

    def record(self, error: ParseError) -> None:
        """Record the problem of an error, unless it follows from the one before; or raise it.

        The errors that end parsing are raised.
        """
        problem = error.problem
        if problem.code in FATAL:
            raise error
        self._count()
        if not self.is_consequence(problem):
            self.problems.append(self._judged(problem))
        if self.token.kind is TokenKind.END:
            self.is_cut_off = True  # whatever else is missing at the end is missing for this reason

    def recover(
        self,
        error: ParseError,
        *,
        stops: Collection[str] = _AFTER_CONDITION,
        is_outermost: bool = False,
    ) -> None:
        """Record an error and skip to one of the `stops`, to a clause, or to the end.

        A parenthesis that closes what was opened before ends the skipping, unless the
        error is in the outermost query and none is open.
        """
        self.record(error)
        if error.problem.message.startswith("expected `(`"):
            self.unmatched_closings += 1
        self.skip_to(stops, is_outermost=is_outermost, at_clauses=True)
        self.resumed()

    def skip_to(
        self, stops: Collection[str], *, is_outermost: bool = False, at_clauses: bool = False
    ) -> None:
        """Skip to a token that is not in parentheses, and in `stops` or the start of a clause."""
        depth = 0
        while self.token.kind is not TokenKind.END:
            if depth == 0 and (self.token.upper in stops or (at_clauses and self.at_clause())):
                break
            if self.at("(", "["):
                depth += 1
            elif self.at(")", "]"):
                if depth == 0 and not is_outermost:
                    break
                depth = max(0, depth - 1)
            self.advance()

    def skip_unexpected(self, error: ParseError) -> None:
        """Record an error at a token where a condition should end, and move to the next operand."""
        self.record(error)
        self.note_missing_opening()
        token = self.token
        is_operand = token.upper in _OPERAND_SYMBOLS or token.upper in _OPERAND_KEYWORDS
        if token.kind is not TokenKind.SYMBOL and token.upper not in RESERVED:
            is_operand = "did you mean" not in error.problem.hint or token.upper in FUNCTIONS
        if not is_operand:
            self.advance()
        self.resumed()

    def note_missing_opening(self) -> None:
        """Note that a parenthesis may be missing before the current token: after a function."""
        before = self.tokens[self.index - 1]
        if before.upper in FUNCTIONS:
            self.unmatched_closings += 1

    def resumed(self) -> None:
        """Note that parsing resumes at the current token after an error."""
        self._resumed_at = self.index

    def at_clause(self) -> bool:
        """Return whether the current token starts a clause."""
        keyword, after = self.token.upper, self.next.upper
        if keyword in ("GROUP", "ORDER"):
            return after == "BY"
        return keyword in _CLAUSES and not (keyword in _SIDES and after == "(")

    def _count(self) -> None:
        self.errors += 1
        if self.errors > MAX_ERRORS:
            raise self.error(
                "too-many-errors",
                f"parsing stopped here, after {MAX_ERRORS} errors",
                "correct the errors above first",
            )

    def is_consequence(self, problem: Problem) -> bool:
        """Return whether a problem at the current token follows from one already recorded."""
        if not (self.problems or self.damaged or self.is_cut_off):
            return False
        if self.is_cut_off and self.token.kind is TokenKind.END:
            return True
        if problem.code.startswith("unclosed-"):
            return False
        if self.unmatched_closings and self.at(",", ")") and self._is_about_current_token(problem):
            self.unmatched_closings -= self.at(")")
            return True
        before = self.tokens[self.index - 1] if self.index else self.token
        factor = 2 if problem.code == UNDOCUMENTED else 1  # less certain to be a mistake itself
        is_damaged = self.token.start in self.damaged or before.start in self.damaged
        return is_damaged or self.index <= self._resumed_at + SETTLING * factor

    def _is_about_current_token(self, problem: Problem) -> bool:
        return problem.start == self.token.start and not problem.message.startswith("the list")

    def _judged(self, problem: Problem) -> Problem:
        """Return a problem with the code that says whether the query is certainly invalid."""
        nearby = (self.tokens[self.index - 1] if self.index else self.token, self.token, self.next)
        if problem.code == "syntax" and any(token.upper in _ELSEWHERE for token in nearby):
            return replace(problem, code=UNDOCUMENTED)
        return problem
