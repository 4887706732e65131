"""Segments as they are sent: their definitions, or what changes in them. Text and JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from segctl.planfile.to_json import document_header, source_json
from segctl.render.definition import unified_diff, whole_lines
from segctl.render.terminal import clean, count

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from segctl.app.rendering import Rendered
    from segctl.model import Declared, Segment
    from segctl.model.contact_fields import ListNames
    from segctl.render.terminal import Style


def rendered_text(
    segments: Sequence[Rendered], lists: ListNames, style: Style, *, since: str | None
) -> str:
    """Return the definitions; with another commit, the diffs of those that changed."""
    if since is None:
        return "\n".join(_whole(segment.declared, lists, style) for segment in segments)
    changed = [segment for segment in segments if segment.is_changed]
    blocks = [_diff(segment, lists, style) for segment in changed]
    unchanged = len(segments) - len(changed)
    blocks.append(
        f"{count(len(changed), 'segment')} changed since {clean(since)}, {unchanged:,} unchanged.\n"
    )
    return "\n".join(blocks)


def _head(declared: Declared, style: Style) -> str:
    return f"{style.bold(clean(declared.name))}  {style.dim(clean(str(declared.span)))}\n"


def _whole(declared: Declared, lists: ListNames, style: Style) -> str:
    lines = whole_lines(declared.segment, lists)
    return _head(declared, style) + "".join(f"  {line}".rstrip() + "\n" for line in lines)


def _diff(rendered: Rendered, lists: ListNames, style: Style) -> str:
    lines = unified_diff(rendered.before, rendered.after, lists)
    paint = {"+": style.green, "-": style.red, "…": style.dim}
    text = _head(rendered.declared, style)
    for line in lines:
        shown = f"  {line.mark} {line.text}".rstrip()
        text += f"{paint[line.mark](shown) if line.mark in paint else shown}\n"
    return text


def rendered_json(
    segments: Sequence[Rendered], generated_at: str, *, since: str | None
) -> dict[str, Any]:
    """Return the definitions as JSON data, with those of another commit where there is one."""
    return {
        **document_header(generated_at),
        "since": since,
        "segments": [*_entries(segments, with_before=since is not None)],
    }


def _entries(segments: Sequence[Rendered], *, with_before: bool) -> Iterator[dict[str, Any]]:
    for segment in segments:
        entry = {
            "name": segment.declared.name,
            "source": source_json(segment.declared.span),
            "definition": _definition(segment.after),
        }
        yield {**entry, "before": _definition(segment.before)} if with_before else entry


def _definition(segment: Segment | None) -> dict[str, Any] | None:
    return None if segment is None else segment.as_json()
