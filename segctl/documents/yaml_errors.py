"""What is wrong with YAML that cannot be read, in words for people.

libyaml says what its state machine expected ("did not find expected <document start>"), often at
the place where it gave up, which may be the end of the file. Owns the translation: a sentence, the
place where the mistake was made, and the way out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from segctl.errors import Span

if TYPE_CHECKING:
    from collections.abc import Callable

    from segctl.documents.document import Document

_KEY_WITHOUT_SPACE = re.compile(r"\s*[A-Za-z_][\w-]*:[^\s/]")
_KEY_AND_VALUE = re.compile(r"\s*(?:- +)*[^\s#:][^:]*:\s+\S")
_ODD_SPACE = re.compile("(?:^ *|^[^'\"]*:)[\xa0\u1680\u2000-\u200b\u202f\u205f\u3000]")
_LONGEST_KEY = 1024
"""As YAML has it, of a key on one line."""

_FITS_NOT = "this does not fit what stands above it"
_INDENT = "check the indentation, and that every quote and bracket above is closed"
_QUOTE = 'put the whole text in quotes: "…"'


@dataclass(frozen=True, slots=True)
class _Problem:
    """What libyaml said, and where: `line` and `column` count from 0; `start_*` is the context."""

    words: str
    lines: list[str]
    line: int
    column: int
    start_line: int
    start_column: int

    def text(self, line: int) -> str:
        return self.lines[line] if 0 <= line < len(self.lines) else ""

    @property
    def char(self) -> str:
        return self.text(self.line)[self.column : self.column + 1]

    @property
    def here(self) -> tuple[int, int]:
        return self.line, self.column

    @property
    def start(self) -> tuple[int, int]:
        return self.start_line, self.start_column


_Answer = tuple[str, str, tuple[int, int]]


def report_syntax(document: Document, error: Any) -> None:
    """Add what PyYAML's error says to the diagnostics of a document."""
    context, problem = getattr(error, "context", None), getattr(error, "problem", None)
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    start = getattr(error, "context_mark", None) or mark
    if mark is None or start is None:
        document.report("yaml-syntax", "the file is not valid YAML")
        return
    said = _Problem(
        f"{context or ''} {problem or ''}",
        document.lines,
        mark.line,
        mark.column,
        start.line,
        start.column,
    )
    odd = _odd_space(said)
    if odd is not None:
        line, found = odd
        summary = f"this space is not an ordinary one (U+{ord(found.group()[-1]):04X})"
        span = Span(document.file, line + 1, found.end())
        document.report_at("yaml-syntax", summary, span, hint="type it again")
        return
    explain = next((answer for words, answer in _ANSWERS if words in said.words), _unknown)
    summary, hint, (line, column) = explain(said)
    code = "yaml-tag" if explain is _tag else "yaml-syntax"
    document.report_at(code, summary, Span(document.file, line + 1, column + 1), hint=hint)


def _odd_space(said: _Problem) -> tuple[int, re.Match[str]] | None:
    """Find a no-break space where YAML wanted one that breaks: pasted from a web page, unseen."""
    for line in {said.start_line, said.line, max(0, said.line - 1)}:
        found = _ODD_SPACE.search(said.text(line))
        if found:
            return line, found
    return None


def _fixed(summary: str, hint: str) -> Callable[[_Problem], _Answer]:
    return lambda said: (summary, hint, said.here)


def _unknown(said: _Problem) -> _Answer:
    return f"not valid YAML: {said.words.strip()}", _INDENT, said.here


def _start_of_text(said: _Problem) -> _Answer:
    if said.char == "\t":
        return _tab(said)
    char = "a backtick" if said.char == "`" else f"`{said.char}`"
    return f"text without quotes cannot start with {char}", _QUOTE, said.here


def _tab(said: _Problem) -> _Answer:
    return "a tab stands where YAML wants spaces", "indent with spaces", said.here


def _alias_or_anchor(said: _Problem) -> _Answer:
    char = said.text(said.start_line)[said.start_column : said.start_column + 1]
    return f"text without quotes cannot start with `{char}`", _QUOTE, said.start


def _tag(said: _Problem) -> _Answer:
    return "text without quotes cannot start with `!`", _QUOTE, said.start


def _open_quote(said: _Problem) -> _Answer:
    return "the quote that opens here is never closed", "close it with the same quote", said.start


def _open_bracket(said: _Problem) -> _Answer:
    opened = said.text(said.start_line)[said.start_column : said.start_column + 1]
    closing = {"[": "]", "{": "}"}.get(opened, "]")
    summary = f"the `{opened}` that opens here is not closed, or a comma is missing"
    hint = f"up to line {said.line + 1} neither `,` nor `{closing}` follows where one must"
    return summary, hint, said.start


def _key_without_colon(said: _Problem) -> _Answer:
    line = said.start_line
    if _KEY_WITHOUT_SPACE.match(said.text(line)):
        return _no_space(said, line)
    hint = (
        "write `key: value`, or indent the line further than the key above if it goes on "
        "with its text"
    )
    return "this line has no `:` after its key", hint, said.start


def _no_space(said: _Problem, line: int) -> _Answer:
    column = said.text(line).index(":")
    return "there is no space after the `:`", "write `key: value`", (line, column)


def _value_in_vain(said: _Problem) -> _Answer:
    """Explain a `:` that nobody expected: four mistakes look the same to libyaml."""
    line = said.text(said.line)
    indent = len(line) - len(line.lstrip())
    if said.column - indent > _LONGEST_KEY:
        what = f"a key has {_LONGEST_KEY:,} characters at most"
        return what, "is the text that stands before the `:` a value?", (said.line, indent)
    if _KEY_AND_VALUE.match(line[: said.column]):
        return "text without quotes cannot hold `: `", _QUOTE, said.here
    above = said.line - 1
    while above > 0 and not said.text(above).strip():
        above -= 1
    other = said.text(above)
    if _KEY_WITHOUT_SPACE.match(other):
        return _no_space(said, above)
    if ":" not in other and len(other) - len(other.lstrip()) == indent:
        return "this line has no `:` after its key", "write `key: value`", (above, indent)
    hint = (
        "give it the indentation of the keys above; a text over several lines that holds `: ` "
        "needs quotes or `|`"
    )
    return "this line is indented as if it belonged to the text above", hint, (said.line, indent)


def _no_key(said: _Problem) -> _Answer:
    if said.char and said.char in "]}":
        return f"this `{said.char}` closes nothing", "remove it, or quote the text", said.here
    if said.text(said.line)[: said.column].rstrip()[-1:] in {"'", '"'}:
        hint = "a quote inside the text is written '' in single quotes and \\\" in double ones"
        return "text stands after the closing quote", hint, said.here
    return _FITS_NOT, _INDENT, said.here


def _no_value(said: _Problem) -> _Answer:
    if said.char:
        return "a value is missing here", "write one, or remove a comma", said.here
    last = max(
        (number, max(line.rfind("["), line.rfind("{")))
        for number, line in enumerate(said.lines)
        if "[" in line or "{" in line
    )
    return "the file ends before this bracket is closed", "close it", last


_ANSWERS: tuple[tuple[str, Callable[[_Problem], _Answer]], ...] = (
    ("cannot start any token", _start_of_text),
    ("found a tab character", _tab),
    ("mapping values are not allowed", _value_in_vain),
    ("scanning a simple key", _key_without_colon),
    ("scanning an alias", _alias_or_anchor),
    ("scanning an anchor", _alias_or_anchor),
    ("scanning a tag", _tag),
    ("parsing a tag", _tag),
    ("undefined tag handle", _tag),
    (
        "directive",
        _fixed("a line cannot start with `%`", "remove the line, or put the text in quotes"),
    ),
    (
        "incompatible YAML document",
        _fixed("this version of YAML is not supported", "remove the line"),
    ),
    (
        "expected comment or line break",
        _fixed(
            "after `|` or `>` the text starts on the next line",
            "move it there, indented; or put it in quotes if it is to start with `|` or `>`",
        ),
    ),
    ("scanning a quoted scalar", _open_quote),
    (
        "unknown escape character",
        _fixed(
            "there is no such escape", "write \\\\ for a backslash, or use single quotes around it"
        ),
    ),
    (
        "invalid Unicode character escape",
        _fixed(
            "this escape stands for no character",
            "write the character itself, or \\U and eight digits for one outside \\uFFFF",
        ),
    ),
    (
        "expected hexdecimal number",
        _fixed(
            "an escape lacks its digits",
            "it takes \\x and two, \\u and four, or \\U and eight hexadecimal digits",
        ),
    ),
    ("parsing a flow sequence", _open_bracket),
    ("parsing a flow mapping", _open_bracket),
    ("did not find expected key", _no_key),
    ("expected node content", _no_value),
    ("expected '-' indicator", _fixed(_FITS_NOT, "each item of a list starts with `- `")),
    ("expected <document start>", _fixed(_FITS_NOT, _INDENT)),
    (
        "are not allowed in this context",
        _fixed("text without quotes cannot start with `- ` or `? `", _QUOTE),
    ),
)
