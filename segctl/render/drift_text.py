"""Drift as text and as JSON."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from segctl.drift import Kind
from segctl.planfile import diagnostics_json, header
from segctl.render.style import clean, count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segctl.drift import Drift, Drifts
    from segctl.errors import Diagnostic
    from segctl.model import TargetRef
    from segctl.render.style import Style

_KIND_WORDS = {
    Kind.EDITED: "edited",
    Kind.RENAMED: "renamed",
    Kind.DELETED: "missing",
    Kind.CREATED: "by hand",
}


def drift_text(drifts: Drifts, style: Style) -> str:
    """Give a line a segment, then one that adds it up."""
    lines = []
    for one in drifts.found:
        facts = [str(one.span)] if one.span else []
        match one.kind:
            case Kind.RENAMED:
                facts.append(f"now `{one.now}`")
            case Kind.DELETED:
                facts.append("deleted on the account, or never applied")
            case Kind.EDITED:
                facts.append(f"another {' and '.join(one.changed_fields)}")
            case Kind.CREATED:
                facts.append("no file declares it")
        facts += [f"id {one.id}"] if one.id else []
        facts += [f"changed {one.updated_at}"] if one.updated_at else []
        lines.append(f"{style.yellow(f'  {_KIND_WORDS[one.kind]:<8}')} {clean(one.name)}")
        lines.append(f"      {style.dim(clean(', '.join(facts)))}")
        for clause in one.clauses:
            change = " -> ".join(text or "(nothing)" for text in (clause.after, clause.before))
            lines.append(f"      {clean(change)}")
    total = len(drifts.found)
    closing = f"Drift: {count(total, 'segment')}." if total else "No drift."
    pending = f" {count(drifts.pending, 'change')} not applied yet." if drifts.pending else ""
    return "\n".join([*lines, style.bold(closing) + pending]) + "\n"


def drift_json(
    drifts: Drifts, target: TargetRef, diagnostics: Sequence[Diagnostic], generated_at: str
) -> dict[str, Any]:
    """Give the same as JSON data; a clause's `before` is the account's, its `after` the file's."""
    return {
        **header(generated_at),
        "target": dataclasses.asdict(target),
        "drift": [_entry(one) for one in drifts.found],
        "pending": drifts.pending,
        "diagnostics": diagnostics_json(diagnostics),
    }


def _entry(one: Drift) -> dict[str, Any]:
    entry = dataclasses.asdict(one)
    span = entry.pop("span")
    keys = ("file", "line", "column")
    return {
        **entry,
        "kind": one.kind.value,
        "source": {key: span[key] for key in keys} if span else None,
    }
