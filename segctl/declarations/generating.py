"""The text of a file that declares a given segment, or of one with its query. Pure.

Owns the text that `segctl import` writes, and the proof: the text is read again as a segment file
and must declare exactly the given segment, its query to the byte. What no file can contain (NUL,
half a surrogate pair, anything the reader refuses) is not written, and the reason is returned.

The query becomes a literal block (`|`), which shows it as it is, with two exceptions. A query that
`segctl fmt` leaves on the line of its key is written there. What a block cannot contain, or would
hide (carriage returns, line breaks that editors do not show, bidirectional marks), is written in
double quotes with every such character escaped. Never raises.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.common.secrets import redact
from segctl.common.uuids import UUID
from segctl.declarations.formatting import JOINERS, format_segment_file, is_visible_in_block
from segctl.declarations.interpolation import escaped
from segctl.declarations.segment_file import read_segment
from segctl.documents.yaml_reader import parse_document
from segctl.errors import Severity
from segctl.query.format.layout import WIDTH

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from segctl.documents.document import Document
    from segctl.model import Segment
    from segctl.model.contact_fields import ListNames

_INDENT = "  "
_MAX_COMMENT = 60
_SURROGATE = re.compile("[\ud800-\udfff]")
_FLOW_MARKS = re.compile(r"[\[\]{},]")
_BLOCK_BREAKS = re.compile("[\r\x85\u2028\u2029]")
# What YAML 1.1 or 1.2 does not read as text; segctl's own reader has fewer such words.
_NOT_TEXT = re.compile(r"y|n|yes|no|on|off|true|false|null|~|[-+.\d]\S*", re.IGNORECASE)
_ESCAPES = {
    "\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\x85": "\\N", "\xa0": "\\_",
    "\u2028": "\\L", "\u2029": "\\P",
}  # fmt: skip
DIRECTIVE = re.compile(
    r"segctl:|yaml-language-server:|-\*-|\b(?:vim?|ex):|prettier-|yamllint \w+able", re.IGNORECASE
)
"""What makes a comment an instruction to segctl or to an editor."""


@dataclass(frozen=True, slots=True)
class GeneratedFile:
    """The text of a file; empty, with the reason, if there can be none."""

    text: str
    reason: str = ""


def segment_text(
    segment: Segment,
    lists: ListNames,
    schema: str = "",
    *,
    owner: str = "",
    tags: tuple[str, ...] = (),
    target: str = "",
    upgrade_from: str = "",
    above_query: str = "",
) -> GeneratedFile:
    """Return the text of a file that declares a segment.

    `lists` maps ids in lower case to the names of contact lists, which are written as comments
    next to the ids. `schema` is the path from the file to the JSON Schema, for editors. `target` is
    the only one that the file is for, empty for all of the project. `upgrade_from` is the id of the
    v1 segment that it replaces; `above_query` holds lines of comment, each with its LF.
    """
    texts = (segment.name, owner, *tags, segment.query, *segment.parent_list_ids)
    half = _half_character("".join(texts))
    if half:
        return GeneratedFile("", half)
    targets = (target,) if target else ()
    head = head_lines(schema, escaped(segment.name), owner=owner, tags=tags, targets=targets)
    head += f"upgrade_from:\n{_INDENT}v1_id: {scalar(upgrade_from)}\n" if upgrade_from else ""
    head += f"{parent_list_lines(segment, lists)}{above_query}query_dsl: "
    reason = ""
    for query, must_be_formatted in query_forms(segment.query):
        text = head + query
        reason = _difference(text, segment, owner, tags, upgrade_from)
        if not reason and not (must_be_formatted and format_segment_file("", text).changed):
            return GeneratedFile(text)
    return GeneratedFile("", reason)


def query_file_text(query: str) -> GeneratedFile:
    """Return the text of a `.sql` file that holds a query.

    Nothing can be escaped there, so what an editor would hide gives a reason as well.
    """
    text = query if query.endswith("\n") else f"{query}\n"
    half = _half_character(text)
    if half:
        return GeneratedFile("", half)
    source, queries = b"name: Any\nquery_file: query.sql\n", {"any/query.sql": text.encode()}
    declared, document = read_segment("any/segment.yaml", source, queries, "any")
    if declared is None:
        return GeneratedFile("", _first_error(document))
    # A file with CRLF has it on the account as well.
    unbroken = text.replace("\r\n", "\n")
    for char in unbroken:
        if _BLOCK_BREAKS.match(char) or not is_visible_in_block(char):
            return GeneratedFile("", f"its query contains U+{ord(char):04X}, which editors hide")
    is_same = declared.segment.query == text
    return GeneratedFile(text) if is_same else GeneratedFile("", "segctl cannot write it exactly")


def _half_character(text: str) -> str:
    """Return that a text has half a surrogate pair, which no file can have, or an empty string."""
    half = _SURROGATE.search(text)
    return f"it contains half a character (U+{ord(half.group()):04X})" if half else ""


def _difference(
    text: str, segment: Segment, owner: str, tags: tuple[str, ...], upgrade_from: str
) -> str:
    """Read a text again; return why it does not declare the segment, or an empty string."""
    declared, document = read_segment("segment.yaml", text.encode(), {}, "")
    if declared is None:
        return _first_error(document)
    read = declared.segment
    is_same = (
        (read.name, read.query) == (segment.name, segment.query)
        and (declared.owner, declared.tags) == (owner, tags)
        and declared.upgrade_from == upgrade_from.lower()
        and set(read.parent_list_ids) == {list_id.lower() for list_id in segment.parent_list_ids}
    )
    return "" if is_same else "segctl cannot write it exactly"


def _first_error(document: Document) -> str:
    return next(
        diagnostic.summary
        for diagnostic in document.diagnostics
        if diagnostic.severity is Severity.ERROR
    )


def head_lines(
    schema: str,
    name: str,
    description: str = "",
    *,
    owner: str = "",
    tags: Sequence[str] = (),
    targets: Sequence[str] = (),
) -> str:
    """Return the lines that a segment file begins with, down to its targets.

    `schema` is as for `segment_text`. Placeholders in the name and the description count.
    """
    # Editors read the path of the JSON Schema from the comment.
    lines = [f"# yaml-language-server: $schema={schema}\n"] if schema else []
    lines.append(f"name: {scalar(name)}\n")
    lines += [f"description: {scalar(description)}\n"] if description else []
    lines += [f"owner: {scalar(escaped(owner))}\n"] if owner else []
    lines += [f"tags: [{', '.join(flow_scalar(escaped(tag)) for tag in tags)}]\n"] if tags else []
    lines += [f"targets: [{', '.join(map(flow_scalar, targets))}]\n"] if targets else []
    return "".join(lines)


def scalar(text: str) -> str:
    """Return a string as the value of a key on a line of its own."""
    return text if _is_plain(text) else _double_quoted(text)


def flow_scalar(text: str) -> str:
    """Return a string for a list or a mapping on one line, where more characters mean something."""
    is_plain = _is_plain(text) and not _FLOW_MARKS.search(text)
    if is_plain and not text[0].isalnum():
        value = parse_document("", f"key: [{text}, {{key: {text}}}]\n").value
        is_plain = value == {"key": [text, {"key": text}]}
    return text if is_plain else _double_quoted(text)


def parent_list_lines(segment: Segment, lists: ListNames) -> str:
    """Return the key with its list: on one line, unless there is a name to put next to an id."""
    ids = segment.parent_list_ids
    if not ids:
        return ""
    items = [list_id if UUID.fullmatch(list_id) else _double_quoted(list_id) for list_id in ids]
    comments = [_comment(lists.get(list_id.lower()) or "") for list_id in ids]
    if not any(comments):
        return f"parent_list_ids: [{', '.join(items)}]\n"
    lines = [f"{_INDENT}- {item}{comment}\n" for item, comment in zip(items, comments, strict=True)]
    return "parent_list_ids:\n" + "".join(lines)


def _comment(text: str) -> str:
    """Return a one-line comment with a name from the account: visible, no key, no directive."""
    text = " ".join("".join(char if is_visible(char) else " " for char in redact(text)).split())
    if not text or DIRECTIVE.search(text):
        return ""
    short = text if len(text) <= _MAX_COMMENT else f"{text[:_MAX_COMMENT].rstrip()}…"
    return f" # {short}"


def query_forms(query: str) -> Iterator[tuple[str, bool]]:
    """Yield the ways to write a query, best first; true for one that `fmt` must leave alone."""
    if len(query) <= WIDTH and _is_plain(query):
        yield f"{query}\n", True
    if not _BLOCK_BREAKS.search(query) and all(map(is_visible_in_block, query)):
        yield _block(query), False
    yield _double_quoted_lines(query), False


def _block(text: str) -> str:
    """Return a literal block, with indicators for leading spaces and trailing line feeds."""
    body = text.rstrip("\n")
    line_feeds = len(text) - len(body)
    indent = len(_INDENT) if text.lstrip("\n")[:1] in (" ", "\t") else ""
    chomping = "-" if not line_feeds else "" if line_feeds == 1 else "+"
    lines = [f"{_INDENT}{line}" if line else "" for line in body.split("\n")]
    return "\n".join([f"|{indent}{chomping}", *lines]) + "\n" * max(line_feeds, 1)


def _double_quoted_lines(text: str) -> str:
    """Return a string in double quotes, with each of its lines on a separate line."""
    *complete, last = map(_escaped, text.split("\n"))
    lines = [f"{line}\\n" for line in complete]
    lines += [last] if last or not lines else []
    if len(lines) == 1:
        return f'"{lines[0]}"\n'
    # An escaped line break means nothing, nor does unescaped white space after it.
    indented = [f"{_INDENT}\\{line}" if line.startswith(" ") else _INDENT + line for line in lines]
    return '"\\\n' + "\\\n".join(indented) + '"\n'


def _double_quoted(text: str) -> str:
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    return "".join(map(_escape, text))


def _escape(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if is_visible(char):
        return char
    code = ord(char)
    if code < 0x100:  # noqa: PLR2004 - YAML's escapes have two, four or eight digits
        return f"\\x{code:02X}"
    return f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"  # noqa: PLR2004 - as above


def is_visible(char: str) -> bool:
    """Return whether an editor shows a character, or the character joins two that it shows."""
    return char.isprintable() or char in JOINERS


def _is_plain(text: str) -> bool:
    """Return whether a string needs no quotes, for this reader and for others."""
    if not all(map(is_visible, text)) or _NOT_TEXT.fullmatch(text):
        return False
    value = parse_document("", f"key: {text}\n").value
    return bool(value == {"key": text})
