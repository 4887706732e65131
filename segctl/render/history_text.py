"""The events of a history as text and as JSON.

Shows the names of authors, and never their e-mail addresses.
"""

from __future__ import annotations

import dataclasses
from itertools import groupby
from typing import TYPE_CHECKING, Any

from segctl.planfile.to_json import document_header, file_json
from segctl.query.diff import clause_changes
from segctl.query.equivalence import Equivalence, compare_queries
from segctl.render.clauses import format_clauses
from segctl.render.distinct import distinct
from segctl.render.lists import format_lists, lists_in_queries
from segctl.render.terminal import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from segctl.history.commits import Commit, SegmentEvent
    from segctl.model import Declared
    from segctl.model.clauses import ClauseChange
    from segctl.model.contact_fields import ListNames
    from segctl.render.terminal import Style

_SHORT_ID = 10
"""Characters of a commit's id: more than git usually shows, and the same on every machine."""

_SYMBOLS = {"created": "+", "removed": "-"}


def history_text(
    events: Sequence[SegmentEvent], style: Style, lists: ListNames | None = None
) -> str:
    """Return every event under its commit; empty where there are none.

    `lists` are the known names of contact lists.
    """
    blocks = []
    for commit, group in groupby(events, key=lambda event: event.commit):
        lines = [_commit_line(commit, style)]
        for event in group:
            lines += _event_lines(event, style, lists or {})
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


def history_json(
    events: Sequence[SegmentEvent], generated_at: str, *, name: str | None, is_complete: bool
) -> dict[str, Any]:
    """Return the events as JSON data; `is_complete` is false where a limit cut off older events."""
    return {
        **document_header(generated_at),
        "name": name,
        "complete": is_complete,
        "events": [_event_entry(event) for event in events],
    }


def _commit_line(commit: Commit, style: Style) -> str:
    time = f"{commit.committed_at:%Y-%m-%d %H:%M}"
    author, subject = clean(commit.author), clean(commit.subject)
    return f"{style.yellow(commit.id[:_SHORT_ID])}  {time}  {style.bold(author)}  {subject}"


def _event_lines(event: SegmentEvent, style: Style, lists: ListNames) -> Iterator[str]:
    paint = {"created": style.green, "removed": style.red}.get(event.kind, style.yellow)
    head = paint(f"{_SYMBOLS.get(event.kind, '~')} {event.kind}")
    yield f"  {head}  {style.bold(clean(event.name))}  {style.dim(clean(event.file))}"
    if event.before is None or event.after is None:
        return
    for field in event.changed_fields:
        if field != "query_dsl":
            texts = tuple(_field_text(side, field, lists) for side in (event.before, event.after))
            show = distinct(texts)
            yield f"      {field}  {' -> '.join(show(text) or '(none)' for text in texts)}"
            continue
        clauses, is_cosmetic = _query_change(event.before, event.after)
        note = "  (same meaning, written differently)" if is_cosmetic else ""
        if not clauses and not is_cosmetic:
            note = "  (changed; segctl cannot parse one of the two queries)"
        yield f"      query_dsl{note}"
        yield from format_clauses(clauses, style)
        segments = (event.before.segment, event.after.segment)
        for list_id in lists_in_queries(segments, lists) if clauses else ():
            yield f"      list  {format_lists([list_id], lists)}"


def _field_text(declared: Declared, field: str, lists: ListNames) -> str:
    match field:
        case "name":
            text = declared.name
        case "file":
            text = declared.source
        case "parent_list_ids":
            text = format_lists(declared.segment.parent_list_ids, lists)
        case "tags":
            text = ", ".join(declared.tags)
        case "protected" | "allow_replace" | "adopt":
            text = "true" if getattr(declared, field) else "false"
        case "previous_names":
            text = ", ".join(declared.previous_names)
        case "owner":
            text = declared.owner
        case _:
            text = declared.description.strip()
    return text


def _query_change(before: Declared, after: Declared) -> tuple[tuple[ClauseChange, ...], bool]:
    """Return the changed clauses of the query, and whether its meaning is unchanged."""
    old_query, new_query = before.segment.query, after.segment.query
    clauses = clause_changes(old_query, new_query)
    return clauses, not clauses and compare_queries(
        old_query, new_query
    ) is not Equivalence.DIFFERENT


def _event_entry(event: SegmentEvent) -> dict[str, Any]:
    clauses: tuple[ClauseChange, ...] = ()
    is_cosmetic = False
    fields = event.changed_fields
    if event.before is not None and event.after is not None and "query_dsl" in fields:
        clauses, is_cosmetic = _query_change(event.before, event.after)
    commit = event.commit
    return {
        "kind": event.kind,
        "name": event.name,
        "changed_fields": list(fields),
        "cosmetic": is_cosmetic,
        "clauses": [dataclasses.asdict(clause) for clause in clauses],
        "before": _declared_entry(event.before),
        "after": _declared_entry(event.after),
        "commit": {
            "id": commit.id,
            "author": commit.author,
            "committed_at": f"{commit.committed_at:%Y-%m-%dT%H:%M:%SZ}",
            "subject": commit.subject,
            "pull_request": commit.pull_request,
        },
    }


def _declared_entry(declared: Declared | None) -> dict[str, Any] | None:
    if declared is None:
        return None
    return {
        **declared.segment.as_json(),
        "description": declared.description,
        "owner": declared.owner,
        "tags": list(declared.tags),
        "protected": declared.protected,
        "previous_names": list(declared.previous_names),
        "allow_replace": declared.allow_replace,
        "adopt": declared.adopt,
        **file_json(declared.source),
    }
