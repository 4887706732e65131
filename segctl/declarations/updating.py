"""A segment file with another definition: name, parent list and query change, and nothing else.

Owns the proof: the new text is read again and must declare the new definition, with every other key
as it was and every comment that is not about a replaced value. What cannot be proven is not
written, and the reason is returned. The query is laid out as `segctl fmt` would. Pure: text to
text. Never raises.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from segctl.declarations.generating import GeneratedFile, segment_text
from segctl.declarations.key_blocks import comments_in, comments_of, split_blocks
from segctl.documents.yaml_reader import parse_document
from segctl.query.format.layout import format_query
from segctl.query.parser.parse import parse

if TYPE_CHECKING:
    from collections.abc import Collection

    from segctl.declarations.key_blocks import FileBlocks, KeyBlock
    from segctl.documents.document import Document
    from segctl.model import Segment
    from segctl.model.contact_fields import ListNames

_PARENTS = "parent_list_ids"
_QUERY_KEYS = ("query_dsl", "query_file")
_UNPROVEN = "segctl could not prove that nothing else would change"


def formatted_query(query: str) -> str:
    """Return a query as `segctl fmt` lays it out, or as it is where it cannot."""
    formatted = format_query(parse(query))
    if formatted.reason:
        return query
    return f"{formatted.text}\n" if "\n" in formatted.text else formatted.text


def update_segment_file(
    file: str, text: str, segment: Segment, keys: Collection[str], lists: ListNames
) -> GeneratedFile:
    """Return the text of a segment file whose `keys` have the values of `segment`.

    `keys` are of `name`, `parent_list_ids` and `query_dsl`. `lists` is as for `segment_text`. The
    text is empty, with a reason, where there can be none.
    """
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    body = text.removeprefix(mark)
    line_end = "\r\n" if body[: body.find("\n")].endswith("\r") else "\n"
    document = parse_document(file, body.replace("\r\n", "\n"))
    generated = segment_text(segment, lists)
    if document.diagnostics or not isinstance(document.value, dict):
        return GeneratedFile("", "it cannot be read")
    if generated.reason:
        return generated
    blocks, source = split_blocks(document), parse_document("", generated.text)
    new = split_blocks(source)
    if isinstance(blocks, str) or isinstance(new, str):
        return GeneratedFile("", blocks if isinstance(blocks, str) else _UNPROVEN)
    updated = _assemble(document, blocks, {block.key: block for block in new.keys}, keys)
    if not _is_proven(document, updated, source.value, keys):
        return GeneratedFile("", _UNPROVEN)
    return GeneratedFile(mark + updated.replace("\n", line_end))


def _assemble(
    document: Document, blocks: FileBlocks, new: dict[str, KeyBlock], keys: Collection[str]
) -> str:
    result: list[KeyBlock] = []
    below = dict(blocks.below)
    for block in blocks.keys:
        if block.key in _QUERY_KEYS and _PARENTS in keys and _PARENTS not in document.value:
            result += [replace(new[_PARENTS], above=())] if _PARENTS in new else []
        if block.key not in keys:
            result.append(block)
        elif block.key in new:
            # Names of lists beside their ids are written anew.
            kept = () if block.key == _PARENTS else _comments_beside(document, block.key)
            moved = [line.strip() for line in below.pop(block.key, ()) if line]
            result.append(block.with_value(new[block.key].lines, (*moved, *kept)))
        else:
            below.pop(block.key, None)
    return replace(blocks, keys=tuple(result), below=below).text()


def _comments_beside(document: Document, key: str) -> list[str]:
    """Return the comments on the line of a key, or on the last line of its value."""
    place, text = document.places[(key,)], document.text
    start = place.offset + 1 if place.style in ("|", ">") else place.end_offset
    end = text.find("\n", start)
    between = text[document.keys[(key,)].end_offset : place.offset]
    return comments_in(between) + comments_in(text[start : end if end >= 0 else len(text)])


def _is_proven(
    document: Document, text: str, source: dict[str, Any], keys: Collection[str]
) -> bool:
    """Return whether a text has the new values, all other values, and the comments."""
    result = parse_document(document.file, text)
    if result.diagnostics or not isinstance(result.value, dict):
        return False
    others = {key: value for key, value in document.value.items() if key not in keys}
    expected = others | {key: source[key] for key in keys if key in source}
    # As text, 1 differs from 1.0 and from true.
    if result.value.keys() != expected.keys() or any(
        repr(result.value[key]) != repr(expected[key]) for key in expected
    ):
        return False
    lost = Counter(comments_of(document)) - Counter(comments_of(result))
    return not lost or _PARENTS in keys
