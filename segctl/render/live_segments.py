"""A segment as it is on the account: as its file would be, and as JSON. Does not read it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from segctl.declarations.generating import segment_text
from segctl.model import Segment
from segctl.planfile.to_json import document_header
from segctl.render.terminal import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segctl.declarations.generating import GeneratedFile
    from segctl.model import Remote, TargetRef
    from segctl.model.contact_fields import ListNames


@dataclass(frozen=True, slots=True)
class LiveSegment:
    """A segment of the account, and the file that would declare it.

    `lists` has the names of its parent lists. For a v1 segment, the file is only like one: its
    query is SGQL, below another key.
    """

    remote: Remote
    file: GeneratedFile
    lists: ListNames


def segment_file(
    written: Remote, remote: Remote, lists: ListNames, schema: str = ""
) -> GeneratedFile:
    """Return the file of a segment, with the query of `written`, which means the same."""
    segment = Segment(remote.name, written.query or "", remote.parent_list_ids)
    generated = segment_text(segment, lists, "" if remote.is_v1 else schema)
    if not remote.is_v1:
        return generated
    text = generated.text.replace("\nquery_dsl:", "\nsgql:", 1)
    return dataclasses.replace(
        generated, text=f"# A v1 segment, which no file can declare.\n{text}"
    )


def live_text(segments: Sequence[LiveSegment]) -> str:
    """Return the files, one after another; a comment stands for what no file can declare."""
    texts = []
    for segment in segments:
        remote = segment.remote
        head = f"# id {clean(remote.id)}"
        head += f", changed {clean(remote.updated_at)}" if remote.updated_at else ""
        reason = "SendGrid returned no query" if remote.query is None else segment.file.reason
        body = f"# {clean(remote.name)}: no file can declare it: {clean(reason)}\n"
        texts.append(f"{head}\n{body if reason else segment.file.text}")
    return "---\n".join(texts)


def live_json(
    segments: Sequence[LiveSegment], target: TargetRef, generated_at: str
) -> dict[str, Any]:
    """Return the segments as JSON data; the query of a v1 segment is `sgql`."""
    return {
        **document_header(generated_at),
        "target": dataclasses.asdict(target),
        "segments": [_entry(segment) for segment in segments],
        "lists": {key: name for segment in segments for key, name in segment.lists.items()},
    }


def _entry(segment: LiveSegment) -> dict[str, Any]:
    remote = segment.remote
    is_readable = not (remote.is_v1 or remote.query is None or segment.file.reason)
    return {
        "id": remote.id,
        "name": remote.name,
        "v1": remote.is_v1,
        "query_dsl": None if remote.is_v1 else remote.query,
        "sgql": remote.query if remote.is_v1 else None,
        "parent_list_ids": list(remote.parent_list_ids),
        "contacts_count": remote.contacts_count,
        "query_validation": remote.validation.value,
        "error_message": remote.validation_error or None,
        "created_at": remote.created_at,
        "updated_at": remote.updated_at,
        "sample_updated_at": remote.sample_updated_at,
        "file": segment.file.text if is_readable else None,
    }
