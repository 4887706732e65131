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

from segctl.declarations.formatting import same_values, split_layout
from segctl.declarations.generating import GeneratedFile, segment_text
from segctl.declarations.key_blocks import comments_beside, comments_of, split_blocks
from segctl.documents.yaml_reader import parse_document
from segctl.query.format.layout import FormattedQuery, format_query
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


def formatted_query(query: str) -> FormattedQuery:
    """Return a query as `segctl fmt` lays it out, or as it is, with the reason, where it cannot."""
    formatted = format_query(parse(query))
    if formatted.reason or "\n" not in formatted.text:
        return formatted
    return FormattedQuery(f"{formatted.text}\n")


def update_segment_file(
    file: str, text: str, segment: Segment, keys: Collection[str], lists: ListNames
) -> GeneratedFile:
    """Return the text of a segment file whose `keys` have the values of `segment`.

    `keys` are of `name`, `parent_list_ids` and `query_dsl`. `lists` is as for `segment_text`. The
    text is empty, with a reason, where there can be none.
    """
    mark, body, line_end = split_layout(text)
    document = parse_document(file, body)
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
    for key in keys:
        if key in document.value and key in new:
            # The names of lists beside their ids are written again.
            comments = [] if key == _PARENTS else comments_beside(document, key)
            blocks = blocks.with_value(key, new[key].lines, comments)
    adds_parents = _PARENTS in keys and _PARENTS in new and _PARENTS not in document.value
    result: list[KeyBlock] = []
    for block in blocks.keys:
        if block.key in _QUERY_KEYS and adds_parents:
            result.append(replace(new[_PARENTS], above=()))
        if block.key in new or block.key not in keys:
            result.append(block)
    below = {key: lines for key, lines in blocks.below.items() if key in new or key not in keys}
    return replace(blocks, keys=tuple(result), below=below).text()


def _is_proven(
    document: Document, text: str, source: dict[str, Any], keys: Collection[str]
) -> bool:
    """Return whether a text has the new values, all other values, and the comments."""
    result = parse_document(document.file, text)
    if result.diagnostics or not isinstance(result.value, dict):
        return False
    others = {key: value for key, value in document.value.items() if key not in keys}
    expected = others | {key: source[key] for key in keys if key in source}
    if not same_values(result.value, expected):
        return False
    lost = Counter(comments_of(document)) - Counter(comments_of(result))
    return not lost or _PARENTS in keys
