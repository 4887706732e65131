"""The text of a file that declares several segments with `for_each`. Pure.

Writes what `folding` made of the segments, in the layout of the files that import writes. Does not
prove that the file declares them: `folds` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.declarations.formatting import format_segment_file
from segctl.declarations.generating import (
    flow_scalar,
    head_lines,
    parent_list_lines,
    query_forms,
    scalar,
)
from segctl.query.format.layout import WIDTH, format_query
from segctl.query.parser.parse import parse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from segctl.importing.folding import Column, Dimension, Fold, VaryingText
    from segctl.model import Metadata, Segment
    from segctl.model.contact_fields import ListNames
    from segctl.model.values import Value

_INDENT = "  "


@dataclass(frozen=True, slots=True)
class Place:
    """A column in the query of the first segment: what of its text has a name instead.

    With `is_list_name`, it is the id of the list of that name.
    """

    start: int
    end: int
    column: Column
    is_list_name: bool = False


@dataclass(frozen=True, slots=True)
class FoldedParts:
    """What a file of several segments declares, where they vary and where they do not.

    `first` is one of the segments, whose query and parent lists are those of all but for `places`
    and `parent_list`.
    """

    first: Segment
    name: VaryingText
    description: VaryingText
    metadata: Metadata
    places: Sequence[Place]
    parent_list: VaryingText | None = None
    targets: tuple[str, ...] = ()


def folded_text(parts: FoldedParts, fold: Fold, lists: ListNames, schema: str = "") -> str:
    """Return the text of the file. `lists` and `schema` are as for `segment_text`."""
    head = head_lines(
        schema,
        fold.text(parts.name),
        fold.text(parts.description),
        owner=parts.metadata.owner,
        tags=parts.metadata.tags,
        targets=parts.targets,
    )
    head += "for_each:\n" + "".join(map(_dimension_lines, fold.dimensions))
    if fold.exclude:
        entries = (f"{_INDENT}- {_flow_mapping(entry)}\n" for entry in fold.exclude)
        head += "exclude:\n" + "".join(entries)
    if parts.parent_list is not None:
        head += f"parent_list: {scalar(fold.text(parts.parent_list))}\n"
    else:
        head += parent_list_lines(parts.first, lists)
    texts = (
        (f"{head}query_dsl: {form}", must_be_formatted)
        for form, must_be_formatted in query_forms(_query(parts, fold))
    )
    return next(
        text
        for text, must_be_formatted in texts
        if not (must_be_formatted and format_segment_file("", text).changed)
    )


def _query(parts: FoldedParts, fold: Fold) -> str:
    text, position, pieces = parts.first.query, 0, []
    for place in sorted(parts.places, key=lambda place: place.start):
        name = f"@{fold.name(place.column)}"
        pieces += [
            text[position : place.start],
            f"@list({name})" if place.is_list_name else name,
        ]
        position = place.end
    query = "".join([*pieces, text[position:]])
    formatted = format_query(parse(query, references=True))
    if formatted.reason:
        return query
    return f"{formatted.text}\n" if "\n" in formatted.text else formatted.text


def _dimension_lines(dimension: Dimension) -> str:
    head = f"{_INDENT}{dimension.name}:"
    if not dimension.values:
        items = [*map(_item, dimension.items)]
        line = f"{head} [{', '.join(items)}]\n"
        if len(line) <= WIDTH:
            return line
        return f"{head}\n" + "".join(f"{_INDENT * 2}- {item}\n" for item in items)
    entries = (
        f"{_INDENT * 2}{_item(key)}: {_flow_mapping(values)}\n"
        for key, values in dimension.values.items()
    )
    return f"{head}\n" + "".join(entries)


def _flow_mapping(values: Mapping[str, Value]) -> str:
    return "{" + ", ".join(f"{name}: {_item(value)}" for name, value in values.items()) + "}"


def _item(value: Value) -> str:
    """Return a value for a list or a mapping on one line."""
    match value:
        case tuple():
            return f"[{', '.join(map(_item, value))}]"
        case bool():
            return "true" if value else "false"
        case str():
            return flow_scalar(value)
        case _:
            return str(value)
