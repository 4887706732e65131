"""A segment as the text of a file that declares it. Pure: a value to text.

Owns the text that `segctl import` writes, and the proof: it is read again as any segment file is,
and must declare the very segment that was given, its query to the byte. What no file can hold
(NUL, half a surrogate pair, whatever the reader refuses) is not written, and the reason is given.

The query becomes a literal block (`|`), which shows it as it is. There are two exceptions. One
line that `segctl fmt` leaves on the line of its key stands there. What a block cannot hold, or
would hide (carriage returns, line breaks that editors do not show, bidirectional marks), stands
in double quotes with every such character written out. Never raises.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.common.secrets import redact
from segctl.declarations.formatting import format_segment_file
from segctl.declarations.segment_file import read_segment
from segctl.documents.yaml_reader import parse_document
from segctl.errors import Severity
from segctl.query.format.layout import WIDTH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from segctl.documents.document import Document
    from segctl.model import Segment
    from segctl.model.contact_fields import ListNames

_INDENT = "  "
_LONGEST_COMMENT = 60
# Emoji and some scripts are written with them.
_JOINERS = "\u200c\u200d"
_SURROGATE = re.compile("[\ud800-\udfff]")
_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_BLOCK_BREAKS = re.compile("[\r\x85\u2028\u2029]")
# What YAML 1.1 or 1.2 takes for something else than text; our own reader knows fewer of them.
_OTHER_KIND = re.compile(r"y|n|yes|no|on|off|true|false|null|~|[-+.\d]\S*", re.IGNORECASE)
_ESCAPES = {
    "\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\x85": "\\N", "\xa0": "\\_",
    "\u2028": "\\L", "\u2029": "\\P",
}  # fmt: skip
DIRECTIVE = re.compile(
    r"segctl:|yaml-language-server:|-\*-|\b(?:vim?|ex):|prettier-|yamllint \w+able", re.IGNORECASE
)
"""What makes a comment speak to segctl or to an editor, whoever wrote the words."""


@dataclass(frozen=True, slots=True)
class Written:
    """A file's text; or an empty one and the reason why there can be none."""

    text: str
    reason: str = ""


def segment_text(
    segment: Segment,
    lists: ListNames,
    schema: str = "",
    *,
    upgrade_from: str = "",
    above_query: str = "",
) -> Written:
    """Write a file that declares a segment.

    `lists` goes from ids in lower case to the names of contact lists, which stand as comments
    beside the ids. `schema` is the path to the JSON Schema from the file, for editors.
    `upgrade_from` is the id of the v1 segment whose place it takes; `above_query` are lines of
    comment, each with its LF.
    """
    half = _SURROGATE.search("".join((segment.name, segment.query, *segment.parent_list_ids)))
    if half:
        return Written("", f"it holds half a character (U+{ord(half.group()):04X})")
    head = f"# yaml-language-server: $schema={schema}\n" if schema else ""
    head += f"name: {_name(segment.name)}\n"
    head += f"upgrade_from:\n{_INDENT}v1_id: {_name(upgrade_from)}\n" if upgrade_from else ""
    head += f"{_parents(segment, lists)}{above_query}query_dsl: "
    reason = ""
    for query, must_stay in _queries(segment.query):
        text = head + query
        reason = _problem(text, segment, upgrade_from)
        if not reason and not (must_stay and format_segment_file("", text).changed):
            return Written(text)
    return Written("", reason)


def _problem(text: str, segment: Segment, upgrade_from: str) -> str:
    """Read a text again: nothing where it declares the segment, else what is wrong."""
    declared, document = read_segment("segment.yaml", text.encode(), {}, "")
    if declared is None:
        return _first_error(document)
    read = declared.segment
    parents = {one.lower() for one in segment.parent_list_ids}
    same = (read.name, read.query) == (segment.name, segment.query)
    same = same and declared.upgrade_from == upgrade_from.lower()
    return "" if same and set(read.parent_list_ids) == parents else "segctl cannot write it exactly"


def _first_error(document: Document) -> str:
    return next(found.summary for found in document.diagnostics if found.severity is Severity.ERROR)


def _name(name: str) -> str:
    return name if _is_plain(name) else _quoted(name)


def _parents(segment: Segment, lists: ListNames) -> str:
    """Write the key and its list: on one line, unless there is a name to put beside an id."""
    ids = segment.parent_list_ids
    if not ids:
        return ""
    words = [one if _UUID.fullmatch(one) else _quoted(one) for one in ids]
    notes = [_comment(lists.get(one.lower()) or "") for one in ids]
    if not any(notes):
        return f"parent_list_ids: [{', '.join(words)}]\n"
    lines = [f"{_INDENT}- {word}{note}\n" for word, note in zip(words, notes, strict=True)]
    return "parent_list_ids:\n" + "".join(lines)


def _comment(text: str) -> str:
    """Make one line of a name that anybody may have given: nothing unseen, no key, no command."""
    text = " ".join("".join(char if is_visible(char) else " " for char in redact(text)).split())
    if not text or DIRECTIVE.search(text):
        return ""
    short = text if len(text) <= _LONGEST_COMMENT else f"{text[:_LONGEST_COMMENT].rstrip()}…"
    return f" # {short}"


def _queries(query: str) -> Iterator[tuple[str, bool]]:
    """Give the ways to write a query, the best first; true for what `fmt` must leave alone."""
    if len(query) <= WIDTH and _is_plain(query):
        yield f"{query}\n", True
    if not _BLOCK_BREAKS.search(query) and all(map(_is_shown_in_block, query)):
        yield _block(query), False
    yield _quoted_lines(query), False


def _block(text: str) -> str:
    """Write a literal block: an indicator where it begins with a space, and how it ends."""
    body = text.rstrip("\n")
    ends = len(text) - len(body)
    indent = len(_INDENT) if text.lstrip("\n")[:1] in (" ", "\t") else ""
    chomping = "-" if not ends else "" if ends == 1 else "+"
    lines = [f"{_INDENT}{line}" if line else "" for line in body.split("\n")]
    return "\n".join([f"|{indent}{chomping}", *lines]) + "\n" * max(ends, 1)


def _quoted_lines(text: str) -> str:
    """Write a text in double quotes, each of its lines on a line of its own."""
    *ended, last = map(_escaped, text.split("\n"))
    lines = [f"{line}\\n" for line in ended]
    lines += [last] if last or not lines else []
    if len(lines) == 1:
        return f'"{lines[0]}"\n'
    # An escaped line break means nothing, nor does white space after it unless it is escaped.
    shown = [f"{_INDENT}\\{line}" if line.startswith(" ") else _INDENT + line for line in lines]
    return '"\\\n' + "\\\n".join(shown) + '"\n'


def _quoted(text: str) -> str:
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    return "".join(map(_escape, text))


def _escape(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if is_visible(char):
        return char
    code = ord(char)
    if code < 0x100:  # noqa: PLR2004 - YAML's escapes take two, four or eight digits
        return f"\\x{code:02X}"
    return f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"  # noqa: PLR2004


def is_visible(char: str) -> bool:
    """Say whether a character shows in an editor, or joins two that do."""
    return char.isprintable() or char in _JOINERS


def _is_shown_in_block(char: str) -> bool:
    """Say whether an editor shows a character, or at least its place and nothing else."""
    return char in _JOINERS or unicodedata.category(char) != "Cf"


def _is_plain(text: str) -> bool:
    """Say whether a text needs no quotes, for our reader and for others."""
    if not all(map(is_visible, text)) or _OTHER_KIND.fullmatch(text):
        return False
    value = parse_document("", f"key: {text}\n").value
    return bool(value == {"key": text})
