"""Drift as text and as JSON."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, assert_never

from segctl.planfile.to_json import diagnostics_json, document_header
from segctl.planning.drift import DriftKind
from segctl.render.context import RenderContext
from segctl.render.terminal import clean, count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segctl.errors import Diagnostic
    from segctl.model import TargetRef
    from segctl.planning.drift import Drift, DriftReport
    from segctl.render.terminal import Style

KIND_WORDS = {
    DriftKind.EDITED: "edited",
    DriftKind.RENAMED: "renamed",
    DriftKind.DELETED: "missing",
    DriftKind.CREATED: "by hand",
}


def drift_text(drifts: DriftReport, style: Style) -> str:
    """Give a line a segment, then one that adds it up."""
    lines = []
    for one in drifts.drifts:
        lines.append(f"{style.yellow(f'  {KIND_WORDS[one.kind]:<8}')} {clean(one.name)}")
        lines.append(f"      {style.dim(clean(', '.join(drift_details(one, RenderContext()))))}")
        for clause in one.clauses:
            change = " -> ".join(text or "(nothing)" for text in (clause.after, clause.before))
            lines.append(f"      {clean(change)}")
    return "\n".join([*lines, drift_summary(drifts, style)]) + "\n"


def drift_summary(drifts: DriftReport, style: Style) -> str:
    """Give the one line that adds it up."""
    total = len(drifts.drifts)
    closing = f"Drift: {count(total, 'segment')}." if total else "No drift."
    pending = f" {count(drifts.pending, 'change')} not applied yet." if drifts.pending else ""
    return style.bold(closing) + pending


def drift_details(one: Drift, context: RenderContext) -> list[str]:
    """Say where a segment is declared, what became of it, and when."""
    facts = [context.place(one.span)] if one.span else []
    match one.kind:
        case DriftKind.RENAMED:
            facts.append(f"now `{one.now}`")
        case DriftKind.DELETED:
            facts.append("deleted on the account, or never applied")
        case DriftKind.EDITED:
            facts.append(f"another {' and '.join(one.changed_fields)}")
        case DriftKind.CREATED:
            facts.append("no file declares it")
        case _:
            assert_never(one.kind)
    facts += [f"id {one.id}"] if one.id else []
    facts += [f"changed {one.updated_at}"] if one.updated_at else []
    return facts


def drift_json(
    drifts: DriftReport, target: TargetRef, diagnostics: Sequence[Diagnostic], generated_at: str
) -> dict[str, Any]:
    """Give the same as JSON data; a clause's `before` is the account's, its `after` the file's."""
    return {
        **document_header(generated_at),
        "target": dataclasses.asdict(target),
        "drift": [_entry(one) for one in drifts.drifts],
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
