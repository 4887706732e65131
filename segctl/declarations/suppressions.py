"""Comments that ignore findings: `segctl: ignore[CODE, CODE]`, in YAML and in SQL.

Owns where such a comment stands and what it covers, as offsets into the text it stands in.
Refuses to know which codes there are, and what was found.

In YAML, a comment alone on its line covers the next key (or list item) with its whole value; one
behind something covers its line, and the values that begin on it. In a query, an SQL comment
covers its line; alone on its line, the next line that is not a comment. A `#` inside a scalar is
no comment.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from segctl.documents.document import Document, Path, Place

_MARK = re.compile(r"segctl:[ \t]*ignore\b[ \t]*(?:\[(?P<codes>[^\]\r\n]*)\])?")
_CODE = re.compile(r"[^\s,]+")
_HASH = re.compile(r"(?:^|(?<=[ \t]))#")
_BREAK = re.compile(r"\r\n|[\r\n]")
_SQL = re.compile(
    r"""'(?:[^'\\]++|\\.|'')*+'|"(?:[^"]++|"")*+"|(?P<comment>--[^\r\n]*+|/\*.*?\*/)""", re.DOTALL
)
_ONLY_COMMENT = re.compile(r"[ \t]*(?:--.*|/\*.*\*/[ \t]*)?")


@dataclass(frozen=True, slots=True)
class Suppression:
    """One comment, `text[start:end]`.

    `codes` are what it names, in lower case, each with its place; none where it names nothing.
    `covers` are ranges of the text. `keys` are the top-level keys of a YAML file that it covers
    whole.
    """

    start: int
    end: int
    codes: tuple[tuple[str, int, int], ...]
    covers: tuple[tuple[int, int], ...]
    keys: frozenset[str] = frozenset()

    def covers_offset(self, offset: int) -> bool:
        """Tell whether what begins at `offset` is covered."""
        return any(start <= offset < end for start, end in self.covers)


def yaml_suppressions(document: Document) -> tuple[Suppression, ...]:
    """Give the comments of a YAML document that ignore findings."""
    return tuple(_in_yaml(document)) if "segctl:" in document.text else ()


def sql_suppressions(query: str) -> tuple[Suppression, ...]:
    """Give the comments of a query that ignore findings, also of one that cannot be read."""
    return tuple(_in_sql(query)) if "segctl:" in query else ()


def _ignore(
    mark: re.Match[str], covers: tuple[tuple[int, int], ...], keys: frozenset[str] = frozenset()
) -> Suppression:
    codes: tuple[tuple[str, int, int], ...] = ()
    if mark["codes"]:
        found = _CODE.finditer(mark.string, mark.start("codes"), mark.end("codes"))
        codes = tuple((one.group().lower(), one.start(), one.end()) for one in found)
    return Suppression(mark.start(), mark.end(), codes, covers, keys)


def _line(text: str, offset: int) -> tuple[int, int]:
    """Give start and end of the line around an offset, without its break."""
    start = max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1
    found = _BREAK.search(text, offset)
    return start, found.start() if found else len(text)


def _in_yaml(document: Document) -> Iterator[Suppression]:
    text = document.text
    for mark in _MARK.finditer(text):
        start, end = _line(text, mark.start())
        hashes = (found.start() for found in _HASH.finditer(text, start, mark.start()))
        # `^` of a pattern does not match at `pos`: a comment at the line's start is looked for.
        first = [start] if text.startswith("#", start) else []
        comment = next((one for one in (*first, *hashes) if not _in_scalar(document, one)), None)
        if comment is None:
            continue
        if text[start:comment].strip():
            paths = [path for path, index in _starts(document) if start <= index < end]
            ranges = tuple(_range(document, path) for path in paths)
            yield _ignore(mark, ((start, end), *ranges), _top(paths))
        else:
            later = [(index, path) for path, index in _starts(document) if index > end]
            paths = [min(later)[1]] if later else []
            yield _ignore(mark, tuple(_range(document, path) for path in paths), _top(paths))


def _in_scalar(document: Document, offset: int) -> bool:
    for place in (*document.places.values(), *document.keys.values()):
        if place.style is not None and place.offset <= offset < place.end_offset:
            # Behind the `|` of a block scalar a comment may stand.
            return not (place.style in ("|", ">") and _on_first_line(document.text, place, offset))
    return False


def _on_first_line(text: str, place: Place, offset: int) -> bool:
    return _BREAK.search(text, place.offset, offset) is None


def _starts(document: Document) -> Iterator[tuple[Path, int]]:
    """Yield where keys and list items begin."""
    for path, place in document.keys.items():
        yield path, place.offset
    for path, place in document.places.items():
        if path and isinstance(path[-1], int):
            yield path, place.offset


def _range(document: Document, path: Path) -> tuple[int, int]:
    """Give the range of a value with its key."""
    key, value = document.keys.get(path), document.places.get(path)
    first, last = key or value, value or key
    return (first.offset, max(last.end_offset, first.end_offset)) if first and last else (0, 0)


def _top(paths: list[Path]) -> frozenset[str]:
    return frozenset(str(path[0]) for path in paths if len(path) == 1)


def _in_sql(query: str) -> Iterator[Suppression]:
    for found in _SQL.finditer(query):
        mark = _MARK.search(query, found.start(), found.end()) if found["comment"] else None
        if mark is None:
            continue
        start, _ = _line(query, found.start())
        _, end = _line(query, found.end())
        if _ONLY_COMMENT.fullmatch(query, start, end):
            yield _ignore(mark, (_next_line(query, end),))
        else:
            yield _ignore(mark, ((start, end),))


def _next_line(query: str, end: int) -> tuple[int, int]:
    """Give the next line that holds more than a comment."""
    while found := _BREAK.search(query, end):
        start, end = _line(query, found.end())
        if not _ONLY_COMMENT.fullmatch(query, start, end):
            return start, end
    return end, end
