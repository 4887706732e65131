"""`observed:` in segctl.yaml, written: what a probe saw.

Pure: text to text. Owns the proof that nothing else in the file changes.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from segctl.declarations.formatting import same_values, split_layout
from segctl.declarations.key_blocks import (
    FileBlocks,
    KeyBlock,
    comments_beside,
    comments_in,
    comments_of,
    split_blocks,
)
from segctl.documents.yaml_reader import parse_document
from segctl.errors import UsageError
from segctl.model.observed import LANGUAGE_KEYS
from segctl.project.location import FILE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

KEY = "observed"
_ORDER = ("date", *LANGUAGE_KEYS, "name_case", "update_lock")


def observed_lines(observed: Mapping[str, Any]) -> list[str]:
    """Return the lines of the key `observed` with these values."""
    lines = [f"{KEY}:"]
    for key in _ORDER:
        if key in observed:
            value = f'"{observed[key]}"' if key == "date" else observed[key]
            lines.append(f"  {key}: {value}")
    if observed.get("functions"):
        lines.append("  functions:")
        lines += [f"    {name}: {result}" for name, result in observed["functions"].items()]
    return lines


def with_observed(text: str | None, observed: Mapping[str, Any]) -> str:
    """Return the text of a segctl.yaml with these observations; `None` is a file that is missing.

    What was observed before and is not in `observed` stays, and so do all other keys and comments.
    Raises `UsageError` where that cannot be proven.
    """
    if text is None:
        return "\n".join(["version: 1", *observed_lines(observed), ""])
    mark, body, line_end = split_layout(text)
    document = parse_document(FILE, body)
    blocks = split_blocks(document)
    if document.diagnostics or not isinstance(document.value, dict) or isinstance(blocks, str):
        raise _unproven()
    before = document.value.get(KEY)
    before = before if isinstance(before, dict) else {}
    functions = {**before.get("functions", {}), **observed.get("functions", {})}
    merged = {**before, **observed, "functions": functions}
    lines = observed_lines(merged)
    if KEY in document.value:
        old = next(block for block in blocks.keys if block.key == KEY)
        comments = comments_in("\n".join(old.lines[1:])) + comments_beside(document, KEY)
        blocks = blocks.with_value(KEY, lines, list(dict.fromkeys(comments)))
    else:
        blocks = _appended(blocks, lines)
    updated = blocks.text()
    result = parse_document(FILE, updated)
    expected = {**document.value, KEY: parse_document(FILE, "\n".join(lines)).value[KEY]}
    is_same = isinstance(result.value, dict) and same_values(result.value, expected)
    if (
        result.diagnostics
        or not is_same
        or Counter(comments_of(document)) - Counter(comments_of(result))
    ):
        raise _unproven()
    return mark + updated.replace("\n", line_end)


def _appended(blocks: FileBlocks, lines: Sequence[str]) -> FileBlocks:
    return replace(blocks, keys=(*blocks.keys, KeyBlock(KEY, (), tuple(lines))))


def _unproven() -> UsageError:
    return UsageError(
        f"{FILE} is left as it is: segctl could not prove that nothing else would change",
        hint="run without --write, and add the lines that it prints by hand",
    )
