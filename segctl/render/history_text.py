"""The events of a history as text and as JSON.

Shows names of authors and never their e-mail addresses.
"""

from __future__ import annotations

import dataclasses
from itertools import groupby
from typing import TYPE_CHECKING, Any

from segctl.planfile.to_json import document_header
from segctl.query.diff import clause_changes
from segctl.query.equivalence import Equivalence, compare_queries
from segctl.render.clauses import format_clause
from segctl.render.terminal import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from segctl.history.commits import Commit, SegmentEvent
    from segctl.model import Declared
    from segctl.model.clauses import ClauseChange
    from segctl.render.terminal import Style

_SHORT = 10
"""Characters of a commit's id: more than git shows of most, and the same on every machine."""

_SYMBOLS = {"created": "+", "removed": "-"}


def history_text(events: Sequence[SegmentEvent], style: Style) -> str:
    """Give every event under its commit; empty where there are none."""
    blocks = []
    for commit, group in groupby(events, key=lambda event: event.commit):
        lines = [_head(commit, style)]
        for event in group:
            lines += _event(event, style)
        blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


def history_json(
    events: Sequence[SegmentEvent], generated_at: str, *, name: str | None, is_complete: bool
) -> dict[str, Any]:
    """Give the same as JSON data; `is_complete` is false where a limit left out older events."""
    return {
        **document_header(generated_at),
        "name": name,
        "complete": is_complete,
        "events": [_entry(event) for event in events],
    }


def _head(commit: Commit, style: Style) -> str:
    day = f"{commit.committed_at:%Y-%m-%d %H:%M}"
    who, subject = clean(commit.author), clean(commit.subject)
    return f"{style.yellow(commit.id[:_SHORT])}  {day}  {style.bold(who)}  {subject}"


def _event(event: SegmentEvent, style: Style) -> Iterator[str]:
    paint = {"created": style.green, "removed": style.red}.get(event.kind, style.yellow)
    head = paint(f"{_SYMBOLS.get(event.kind, '~')} {event.kind}")
    yield f"  {head}  {style.bold(clean(event.name))}  {style.dim(clean(event.file))}"
    if event.before is None or event.after is None:
        return
    for field in event.changed_fields:
        if field != "query_dsl":
            old, new = _shown(event.before, field), _shown(event.after, field)
            yield f"      {field}  {old} -> {new}"
            continue
        clauses, is_cosmetic = _query_change(event.before, event.after)
        note = "  (written another way)" if is_cosmetic else ""
        if not clauses and not is_cosmetic:
            note = "  (changed; segctl cannot read one of the two queries)"
        yield f"      query_dsl{note}"
        yield from (format_clause(clause, style) for clause in clauses)


def _shown(one: Declared, field: str) -> str:
    match field:
        case "name":
            text = one.name
        case "file":
            text = one.file
        case "parent_list_ids":
            text = ", ".join(one.segment.parent_list_ids)
        case "tags":
            text = ", ".join(one.tags)
        case "protected" | "allow_replace":
            text = "true" if getattr(one, field) else "false"
        case "previous_names":
            text = ", ".join(one.previous_names)
        case "owner":
            text = one.owner
        case _:
            text = one.description.strip()
    return clean(text) or "(none)"


def _query_change(before: Declared, after: Declared) -> tuple[tuple[ClauseChange, ...], bool]:
    """Give what changed in the query, and whether it means the same all the same."""
    old, new = before.segment.query, after.segment.query
    clauses = clause_changes(old, new)
    return clauses, not clauses and compare_queries(old, new) is not Equivalence.DIFFERENT


def _entry(event: SegmentEvent) -> dict[str, Any]:
    clauses: tuple[ClauseChange, ...] = ()
    cosmetic = False
    fields = event.changed_fields
    if event.before is not None and event.after is not None and "query_dsl" in fields:
        clauses, cosmetic = _query_change(event.before, event.after)
    commit = event.commit
    return {
        "kind": event.kind,
        "name": event.name,
        "changed_fields": list(fields),
        "cosmetic": cosmetic,
        "clauses": [dataclasses.asdict(clause) for clause in clauses],
        "before": _declared(event.before),
        "after": _declared(event.after),
        "commit": {
            "id": commit.id,
            "author": commit.author,
            "committed_at": f"{commit.committed_at:%Y-%m-%dT%H:%M:%SZ}",
            "subject": commit.subject,
            "pull_request": commit.pull_request,
        },
    }


def _declared(one: Declared | None) -> dict[str, Any] | None:
    if one is None:
        return None
    return {
        **one.segment.as_json(),
        "description": one.description,
        "owner": one.owner,
        "tags": list(one.tags),
        "protected": one.protected,
        "previous_names": list(one.previous_names),
        "allow_replace": one.allow_replace,
        "file": one.file,
    }
