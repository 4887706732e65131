"""The validation of a query: VALID, or what is wrong with it.

A lexical check of segment SQL (sendgrid-api.md §6): tokens, brackets, the fixed beginning,
the words and tables that are allowed, the columns on the left of a comparison. It neither parses
nor evaluates: it lets some wrong queries pass, and refuses none of the attested shapes. The
messages are guessed, in the manner of Snowflake.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_CONTACT_COLUMNS = _words(
    "contact_id email phone_number_id external_id anonymous_id first_name last_name "
    "alternate_emails address_line_1 address_line_2 city state_province_region postal_code "
    "country list_ids created_at updated_at email_domains phone_number whatsapp line facebook "
    "unique_name"
)
_EVENT_COLUMNS = _words("contact_id event_source event_type timestamp data")
_TABLES = {"contact_data": _CONTACT_COLUMNS, "event_data": _EVENT_COLUMNS}

_FORBIDDEN = _words(
    "group having distinct limit offset order union intersect except minus with insert update "
    "delete merge drop create alter left right full outer cross natural using"
)
_FUNCTIONS_TOO = frozenset(["left", "right", "insert"])
_KEYWORDS = _FORBIDDEN | _words(
    "select from join inner on where and or not in is null like ilike between as true false case "
    "when then else end interval escape exists any all current_timestamp current_date "
    "current_time"
)
_COMPARISONS = frozenset(["=", "!=", "<>", "<", ">", "<=", ">="])
_WORD_COMPARISONS = frozenset(["like", "ilike", "in", "is", "between"])
_CANNOT_END = _words("select from join inner on where and or not in is like as")
_CLOSES = {")": "(", "]": "["}

_TOKEN = re.compile(
    r"""(?P<space>\s+|--[^\n]*|/\*.*?\*/)
      | (?P<string>'(?:[^'\\]|\\.|'')*')
      | (?P<quoted>"(?:[^"\\]|\\.|"")*")
      | (?P<number>\d+(?:\.\d+)?)
      | (?P<word>[^\W\d]\w*)
      | (?P<operator><>|!=|<=|>=|\|\||::|[-=<>+*/%(),.:;\[\]])""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class _Token:
    """A piece of a query; `text` is lower-case for words, and unquoted for quoted identifiers."""

    kind: str
    text: str

    @property
    def names(self) -> bool:
        """Return whether it can name a column or a table."""
        return self.kind == "quoted" or (self.kind == "word" and self.text not in _KEYWORDS)


class _InvalidQueryError(Exception):
    pass


def find_error(query: str, custom_fields: Collection[str]) -> str | None:
    """Return the message of an INVALID query, or `None` for a VALID one.

    `custom_fields` are the columns that the account adds to `contact_data`. An unknown column is
    found on the left of a comparison, as the first argument of `array_contains`, and wherever a
    name stands in double quotes; elsewhere it passes.
    """
    try:
        tokens = _tokens(query)
        _check_brackets(tokens)
        _check_words(tokens)
        _check_beginning(tokens)
        columns = {table: frozenset(names) for table, names in _TABLES.items()}
        columns["contact_data"] |= {name.lower() for name in custom_fields}
        _check_columns(tokens, columns, _tables(tokens))
    except _InvalidQueryError as error:
        return str(error)
    return None


@lru_cache(maxsize=512)
def uses_events(query: str) -> bool:
    """Return whether a query names the table `event_data`, whose segments fill late."""
    return any(
        match["word"] is not None and match["word"].lower() == "event_data"
        for match in _TOKEN.finditer(query)
    )


def _tokens(query: str) -> list[_Token]:
    tokens = []
    position = 0
    while position < len(query):
        match = _TOKEN.match(query, position)
        if match is None:
            rest = query[position]
            problem = "unterminated" if rest in "'\"" else "unexpected"
            raise _InvalidQueryError(f"syntax error: {problem} {rest} at position {position}")
        position = match.end()
        kind = match.lastgroup or ""
        if kind == "quoted":
            tokens.append(_Token(kind, match.group()[1:-1].replace('""', '"').lower()))
        elif kind != "space":
            tokens.append(_Token(kind, match.group().lower()))
    if tokens and tokens[-1].text == ";" and tokens[-1].kind == "operator":
        tokens.pop()
    return tokens


def _check_brackets(tokens: list[_Token]) -> None:
    opened: list[str] = []
    for token in tokens:
        if token.kind != "operator":
            continue
        if token.text in _CLOSES.values():
            opened.append(token.text)
        elif token.text in _CLOSES and (not opened or opened.pop() != _CLOSES[token.text]):
            raise _InvalidQueryError(f"syntax error: unexpected {token.text}")
    if opened:
        raise _InvalidQueryError(f"syntax error: {opened[-1]} is never closed")


def _check_words(tokens: list[_Token]) -> None:
    for index, token in enumerate(tokens):
        called = tokens[index + 1 : index + 2] == [_Token("operator", "(")]
        if called and token.text in _FUNCTIONS_TOO:
            continue
        if token.kind == "word" and token.text in _FORBIDDEN:
            raise _InvalidQueryError(f"{token.text.upper()} is not supported in segment queries")
        if token.kind == "operator" and token.text == ";":
            raise _InvalidQueryError("syntax error: only one statement is allowed")
    last = tokens[-1] if tokens else _Token("operator", "")
    unfinished = _CANNOT_END if last.kind == "word" else {"", ",", ".", ":", *_COMPARISONS, *"+-/*"}
    if last.kind in ("word", "operator") and last.text in unfinished:
        raise _InvalidQueryError("syntax error: unexpected end of query")


def _check_beginning(tokens: list[_Token]) -> None:
    """Hold the beginning against `SELECT contact_id, updated_at [, MAX(timestamp)] FROM …`."""
    texts = [token.text for token in tokens]
    if "from" not in texts or texts[0] != "select":
        raise _InvalidQueryError("query must be of the form SELECT … FROM contact_data …")
    start = texts.index("from")
    chosen = " ".join(texts[1:start])
    alias = r"(?:\w+ \. )?"
    allowed = (
        rf"{alias}contact_id , {alias}updated_at"
        rf"(?: , max \( {alias}timestamp \)(?: (?:as )?\w+)?)?"
    )
    if re.fullmatch(allowed, chosen) is None:
        raise _InvalidQueryError("exactly contact_id and updated_at must be selected")
    if texts[start + 1 : start + 2] != ["contact_data"]:
        raise _InvalidQueryError("query must select FROM contact_data")


def _tables(tokens: list[_Token]) -> dict[str, str]:
    """Return the table behind each name that may stand before a dot; refuses unknown tables."""
    aliases: dict[str, str] = {}
    for index, token in enumerate(tokens[:-1]):
        if token.kind != "word" or token.text not in ("from", "join"):
            continue
        table = tokens[index + 1]
        if table.text not in _TABLES:
            raise _InvalidQueryError(f"object '{table.text.upper()}' does not exist")
        aliases[table.text] = table.text
        after = tokens[index + 2 : index + 4]
        if after and after[0].text == "as":
            after = after[1:]
        if after and after[0].names:
            aliases[after[0].text] = table.text
        if token.text == "join" and not _joins_on_contact(tokens[index + 2 :]):
            raise _InvalidQueryError("tables can only be joined on contact_id")
    return aliases


def _joins_on_contact(rest: list[_Token]) -> bool:
    """Return whether `[[AS] alias] ON a.contact_id = b.contact_id` follows a joined table.

    The bare column, `ON contact_id`, is legal, too, as long as it is the whole condition.
    """
    text = " ".join(token.text for token in rest[:12])
    condition = r"\w+ \. contact_id = \w+ \. contact_id\b"
    bare = r"contact_id(?: \))?(?= (?:where|inner|join|\))(?: |$)|$)"
    return re.match(rf"(?:as )?(?:\w+ )?on (?:\( )?(?:{condition}|{bare})", text) is not None


def _check_columns(
    tokens: list[_Token], columns: dict[str, frozenset[str]], aliases: dict[str, str]
) -> None:
    for index in _column_ends(tokens):
        path = _path_to(tokens, index)
        names = [token.text for token in path]
        if len(names) > 1 and names[0] in aliases:
            known = columns[aliases[names[0]]]
            name = names[1]
        elif len(names) > 1 and ":" not in names:
            raise _InvalidQueryError(f"invalid identifier '{'.'.join(names).upper()}'")
        else:
            known = frozenset().union(*(columns[table] for table in aliases.values()))
            name = names[0]
        if name not in known:
            raise _InvalidQueryError(f"invalid identifier '{name.upper()}'")


def _column_ends(tokens: list[_Token]) -> Iterator[int]:
    """Find the tokens that end a path which must be a column."""
    for index, token in enumerate(tokens):
        before = tokens[index - 1] if index else None
        if token.kind == "quoted" and not (before and before.text in ("as", ".", ":")):
            following = tokens[index + 1].text if index + 1 < len(tokens) else ""
            if following not in (".", ":") and not (before and before.text in _TABLES):
                yield index
        if _compares(token):
            left = index - 1
            while left >= 0 and tokens[left].text == "not":
                left -= 1
            if left >= 0 and tokens[left].names and not _is_unit(tokens, left):
                yield left
        if token.text == "array_contains" and index + 2 < len(tokens):
            end = index + 2
            while end + 2 < len(tokens) and tokens[end + 1].text in (".", ":"):
                end += 2
            if tokens[end].names and tokens[end + 1].text == ",":
                yield end


def _compares(token: _Token) -> bool:
    if token.kind == "operator":
        return token.text in _COMPARISONS
    return token.kind == "word" and token.text in _WORD_COMPARISONS


def _is_unit(tokens: list[_Token], index: int) -> bool:
    """Return whether a word is the unit of a duration, as in `now() - 180 days > last_order`."""
    return index > 0 and tokens[index - 1].kind in ("number", "string")


def _path_to(tokens: list[_Token], index: int) -> list[_Token]:
    """Return the names of the path that ends at `index`, with its colons and without its dots."""
    path = [tokens[index]]
    while index >= 2 and tokens[index - 1].text in (".", ":"):  # noqa: PLR2004 - name, separator
        if tokens[index - 1].text == ":":
            path.insert(0, tokens[index - 1])
        path.insert(0, tokens[index - 2])
        index -= 2
    return path
