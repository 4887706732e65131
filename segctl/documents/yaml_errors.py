"""Messages for YAML that cannot be read.

libyaml reports what its state machine expected ("did not find expected <document start>"), often at
the place where it gave up, which may be the end of the file. Translates that to a sentence, the
place of the mistake, and what to do. Reads no YAML itself.
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
_KEY_AND_VALUE = re.compile(r"\s*+(?:- ++)*+[^\s#:][^:]*+:\s+\S")
_UNUSUAL_SPACE = re.compile("(?:^ *|^[^'\"]*:)[\xa0\u1680\u2000-\u200b\u202f\u205f\u3000]")
_MAX_KEY = 1024
"""YAML's limit for a key on one line, in characters."""

_OUT_OF_PLACE = "unexpected at this indentation"
_CHECK_INDENT = "check the indentation, and that every quote and bracket above is closed"
_QUOTE = 'put the whole text in quotes: "…"'


@dataclass(frozen=True, slots=True)
class _YamlError:
    """An error of libyaml.

    `line` and `column` count from 0; `start_*` is where the context of the error starts.
    """

    message: str
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
    def place(self) -> tuple[int, int]:
        return self.line, self.column

    @property
    def start(self) -> tuple[int, int]:
        return self.start_line, self.start_column


_Explanation = tuple[str, str, tuple[int, int]]
"""A summary, a hint, and the line and column of the mistake, from 0."""


def report_syntax(document: Document, error: Any) -> None:
    """Report an error of PyYAML as a diagnostic of the document."""
    context, problem = getattr(error, "context", None), getattr(error, "problem", None)
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    start = getattr(error, "context_mark", None) or mark
    if mark is None or start is None:
        document.report("yaml-syntax", "the file is not valid YAML")
        return
    yaml_error = _YamlError(
        f"{context or ''} {problem or ''}",
        document.lines,
        mark.line,
        mark.column,
        start.line,
        start.column,
    )
    unusual = _find_unusual_space(yaml_error)
    if unusual is not None:
        line, match = unusual
        summary = f"unusual space character (U+{ord(match.group()[-1]):04X})"
        span = Span(document.file, line + 1, match.end())
        document.report_at("yaml-syntax", summary, span, hint="replace it with an ordinary space")
        return
    explain = next(
        (explain for words, explain in _EXPLANATIONS if words in yaml_error.message), _unknown
    )
    summary, hint, (line, column) = explain(yaml_error)
    code = "yaml-tag" if explain is _tag else "yaml-syntax"
    document.report_at(code, summary, Span(document.file, line + 1, column + 1), hint=hint)


def _find_unusual_space(error: _YamlError) -> tuple[int, re.Match[str]] | None:
    """Return the line and match of a no-break space where YAML needs a space, or `None`.

    It was pasted from a web page, and looks like an ordinary space.
    """
    for line in {error.start_line, error.line, max(0, error.line - 1)}:
        match = _UNUSUAL_SPACE.search(error.text(line))
        if match:
            return line, match
    return None


def _fixed(summary: str, hint: str) -> Callable[[_YamlError], _Explanation]:
    return lambda error: (summary, hint, error.place)


def _unknown(error: _YamlError) -> _Explanation:
    return f"invalid YAML: {error.message.strip()}", _CHECK_INDENT, error.place


def _start_of_text(error: _YamlError) -> _Explanation:
    if error.char == "\t":
        return _tab(error)
    char = "a backtick" if error.char == "`" else f"`{error.char}`"
    return f"text without quotes cannot start with {char}", _QUOTE, error.place


def _tab(error: _YamlError) -> _Explanation:
    return "YAML requires spaces here, got a tab", "indent with spaces", error.place


def _alias_or_anchor(error: _YamlError) -> _Explanation:
    char = error.text(error.start_line)[error.start_column : error.start_column + 1]
    return f"text without quotes cannot start with `{char}`", _QUOTE, error.start


def _tag(error: _YamlError) -> _Explanation:
    return "text without quotes cannot start with `!`", _QUOTE, error.start


def _open_quote(error: _YamlError) -> _Explanation:
    return "this quote is never closed", "close it with the same quote", error.start


def _open_bracket(error: _YamlError) -> _Explanation:
    opened = error.text(error.start_line)[error.start_column : error.start_column + 1]
    closing = {"[": "]", "{": "}"}.get(opened, "]")
    summary = f"this `{opened}` is not closed, or a comma is missing"
    hint = f"add `,` or `{closing}`: up to line {error.line + 1}, neither follows where one must"
    return summary, hint, error.start


def _key_without_colon(error: _YamlError) -> _Explanation:
    line = error.start_line
    if _KEY_WITHOUT_SPACE.match(error.text(line)):
        return _missing_space(error, line)
    hint = (
        "write `key: value`, or indent the line further than the key above if it continues "
        "that key's text"
    )
    return "missing `:` after the key", hint, error.start


def _missing_space(error: _YamlError, line: int) -> _Explanation:
    column = error.text(line).index(":")
    return "missing space after the `:`", "write `key: value`", (line, column)


def _unexpected_value(error: _YamlError) -> _Explanation:
    """Explain an unexpected `:`: four mistakes look the same to libyaml."""
    line = error.text(error.line)
    indent = len(line) - len(line.lstrip())
    if error.column - indent > _MAX_KEY:
        summary = f"the key is longer than the limit of {_MAX_KEY:,} characters"
        return summary, "put it in quotes if it is a value that contains `:`", (error.line, indent)
    if _KEY_AND_VALUE.match(line[: error.column]):
        return "text without quotes cannot contain `: `", _QUOTE, error.place
    above = error.line - 1
    while above > 0 and not error.text(above).strip():
        above -= 1
    line_above = error.text(above)
    if _KEY_WITHOUT_SPACE.match(line_above):
        return _missing_space(error, above)
    if ":" not in line_above and len(line_above) - len(line_above.lstrip()) == indent:
        return "missing `:` after the key", "write `key: value`", (above, indent)
    hint = (
        "indent it like the keys above; put text of several lines that contains `: ` in quotes, "
        "or write it as a block with `|`"
    )
    return "this line is indented as if it belonged to the text above", hint, (error.line, indent)


def _no_key(error: _YamlError) -> _Explanation:
    if error.char and error.char in "]}":
        return f"this `{error.char}` closes nothing", "remove it, or quote the text", error.place
    if error.text(error.line)[: error.column].rstrip()[-1:] in {"'", '"'}:
        hint = "write '' for a quote inside single quotes, and \\\" for one inside double quotes"
        return "unexpected text after the closing quote", hint, error.place
    return _OUT_OF_PLACE, _CHECK_INDENT, error.place


def _no_value(error: _YamlError) -> _Explanation:
    if error.char:
        return "missing value", "add a value, or remove a comma", error.place
    last = max(
        (number, max(line.rfind("["), line.rfind("{")))
        for number, line in enumerate(error.lines)
        if "[" in line or "{" in line
    )
    return "this bracket is never closed", "close it", last


_EXPLANATIONS: tuple[tuple[str, Callable[[_YamlError], _Explanation]], ...] = (
    ("cannot start any token", _start_of_text),
    ("found a tab character", _tab),
    ("mapping values are not allowed", _unexpected_value),
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
        _fixed("unsupported YAML version", "remove the line"),
    ),
    (
        "expected comment or line break",
        _fixed(
            "the text after `|` or `>` must start on the next line",
            "move it there, indented; or put it in quotes if it starts with `|` or `>`",
        ),
    ),
    ("scanning a quoted scalar", _open_quote),
    (
        "unknown escape character",
        _fixed("invalid escape sequence", "write \\\\ for a backslash, or use single quotes"),
    ),
    (
        "invalid Unicode character escape",
        _fixed(
            "this escape sequence stands for no character",
            "write the character itself, or \\U and eight digits for one above \\uFFFF",
        ),
    ),
    (
        "expected hexdecimal number",
        _fixed(
            "the escape sequence has too few digits",
            "write \\x and two, \\u and four, or \\U and eight hexadecimal digits",
        ),
    ),
    ("parsing a flow sequence", _open_bracket),
    ("parsing a flow mapping", _open_bracket),
    ("did not find expected key", _no_key),
    ("expected node content", _no_value),
    ("expected '-' indicator", _fixed(_OUT_OF_PLACE, "start each item of the list with `- `")),
    ("expected <document start>", _fixed(_OUT_OF_PLACE, _CHECK_INDENT)),
    (
        "are not allowed in this context",
        _fixed("text without quotes cannot start with `- ` or `? `", _QUOTE),
    ),
)
