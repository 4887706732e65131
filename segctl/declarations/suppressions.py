"""Comments that suppress lint findings: `segctl: ignore[CODE, CODE]`, in YAML and in SQL.

Finds such comments and what they cover, as offsets in the text that holds them. Does not know
which codes exist, or what was found.

In YAML, a comment on a line of its own covers the next key or list item with its whole value; a
comment after something covers its line and the values that start on it. In a query, an SQL comment
covers its line or, on a line of its own, the next line that is not a comment. A `#` inside a scalar
does not start a comment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from segctl.documents.document import Document, Path, Place

_IGNORE = re.compile(r"segctl:[ \t]*ignore\b[ \t]*(?:\[(?P<codes>[^\[\]\r\n]*)\])?")
_CODE = re.compile(r"[^\s,]+")
_HASH = re.compile(r"(?:^|(?<=[ \t]))#")
_LINE_BREAK = re.compile(r"\r\n|[\r\n]")
_SQL_COMMENT = re.compile(
    # The last alternative is what is never closed: it extends to the end of the text.
    r"""'(?:[^'\\]++|\\.|'')*+'|"(?:[^"]++|"")*+"|(?P<comment>--[^\r\n]*+|/\*.*?\*/)"""
    r"""|(?:['"]|/\*).*""",
    re.DOTALL,
)
_ONLY_COMMENT = re.compile(r"[ \t]*(?:--.*|/\*.*\*/[ \t]*)?")


@dataclass(frozen=True, slots=True)
class Suppression:
    """One comment that suppresses findings, at `text[start:end]`.

    `codes` are the codes that it names, in lower case, each with its start and end. `covers` are
    ranges of the text. `keys` are the top-level keys of a YAML file that it covers completely.
    """

    start: int
    end: int
    codes: tuple[tuple[str, int, int], ...]
    covers: tuple[tuple[int, int], ...]
    keys: frozenset[str] = frozenset()

    def names(self, code: str) -> bool:
        """Whether the comment names a code."""
        return any(code == named for named, _, _ in self.codes)

    def covers_offset(self, offset: int) -> bool:
        """Whether the comment covers what starts at an offset."""
        return any(start <= offset < end for start, end in self.covers)


def yaml_suppressions(document: Document) -> tuple[Suppression, ...]:
    """Return the comments of a YAML document that suppress findings."""
    return tuple(_in_yaml(document)) if "segctl:" in document.text else ()


def sql_suppressions(query: str) -> tuple[Suppression, ...]:
    """Return the comments of a query that suppress findings, even if it cannot be parsed."""
    return tuple(_in_sql(query)) if "segctl:" in query else ()


def _suppression(
    ignore: re.Match[str], covers: tuple[tuple[int, int], ...], keys: frozenset[str] = frozenset()
) -> Suppression:
    codes: tuple[tuple[str, int, int], ...] = ()
    if ignore["codes"]:
        matches = _CODE.finditer(ignore.string, ignore.start("codes"), ignore.end("codes"))
        codes = tuple((match.group().lower(), match.start(), match.end()) for match in matches)
    return Suppression(ignore.start(), ignore.end(), codes, covers, keys)


def _line_range(text: str, offset: int) -> tuple[int, int]:
    """Return the start and end of the line around an offset, without its line break."""
    start = max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1
    line_break = _LINE_BREAK.search(text, offset)
    return start, line_break.start() if line_break else len(text)


def _in_yaml(document: Document) -> Iterator[Suppression]:
    text = document.text
    for ignore in _IGNORE.finditer(text):
        start, end = _line_range(text, ignore.start())
        hashes = [match.start() for match in _HASH.finditer(text, start, ignore.start())]
        # A pattern's `^` does not match at `pos`, so a comment at the start of a line is extra.
        if text.startswith("#", start):
            hashes.insert(0, start)
        comment = next((offset for offset in hashes if not _is_in_scalar(document, offset)), None)
        if comment is None:
            continue
        if text[start:comment].strip():
            paths = [path for path, index in _starts(document) if start <= index < end]
            ranges = tuple(_value_range(document, path) for path in paths)
            yield _suppression(ignore, ((start, end), *ranges), _top_keys(paths))
        else:
            later = [(index, path) for path, index in _starts(document) if index > end]
            paths = [min(later)[1]] if later else []
            ranges = tuple(_value_range(document, path) for path in paths)
            yield _suppression(ignore, ranges, _top_keys(paths))


def _is_in_scalar(document: Document, offset: int) -> bool:
    for place in (*document.places.values(), *document.keys.values()):
        if place.style is not None and place.offset <= offset < place.end_offset:
            # After the `|` of a block scalar there may be a comment.
            is_header = place.style in ("|", ">") and _is_on_first_line(document, place, offset)
            return not is_header
    return False


def _is_on_first_line(document: Document, place: Place, offset: int) -> bool:
    return _LINE_BREAK.search(document.text, place.offset, offset) is None


def _starts(document: Document) -> Iterator[tuple[Path, int]]:
    """Yield the paths and offsets of keys and list items."""
    for path, place in document.keys.items():
        yield path, place.offset
    for path, place in document.places.items():
        if path and isinstance(path[-1], int):
            yield path, place.offset


def _value_range(document: Document, path: Path) -> tuple[int, int]:
    """Return the range of a value with its key."""
    key, value = document.keys.get(path), document.places.get(path)
    first, last = key or value, value or key
    return (first.offset, max(last.end_offset, first.end_offset)) if first and last else (0, 0)


def _top_keys(paths: list[Path]) -> frozenset[str]:
    return frozenset(str(path[0]) for path in paths if len(path) == 1)


def _in_sql(query: str) -> Iterator[Suppression]:
    following: tuple[int, int] | None = None
    for token in _SQL_COMMENT.finditer(query):
        ignore = _IGNORE.search(query, token.start(), token.end()) if token["comment"] else None
        if ignore is None:
            continue
        start, _ = _line_range(query, token.start())
        _, end = _line_range(query, token.end())
        if not _ONLY_COMMENT.fullmatch(query, start, end):
            yield _suppression(ignore, ((start, end),))
            continue
        # Comments on adjacent lines are followed by the same line.
        if following is None or following[0] < end:
            following = _next_line(query, end)
        yield _suppression(ignore, (following,))


def _next_line(query: str, end: int) -> tuple[int, int]:
    """Return the range of the next line that is not only a comment."""
    while line_break := _LINE_BREAK.search(query, end):
        start, end = _line_range(query, line_break.end())
        if not _ONLY_COMMENT.fullmatch(query, start, end):
            return start, end
    return end, end
