"""Drift as text and as JSON. Does not find drift: `planning.drift` does."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, assert_never

from segctl.model.drift import DriftKind
from segctl.planfile.to_json import diagnostics_json, document_header
from segctl.render.context import RenderContext, target_name
from segctl.render.distinct import distinct
from segctl.render.lists import format_lists
from segctl.render.terminal import clean, count

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from segctl.errors import Diagnostic
    from segctl.model import TargetRef
    from segctl.model.drift import Drift
    from segctl.planning.drift import DriftReport
    from segctl.render.terminal import Style

KIND_LABELS = {
    DriftKind.EDITED: "edited",
    DriftKind.RENAMED: "renamed",
    DriftKind.DELETED: "missing",
    DriftKind.CREATED: "by hand",
}


def drift_text(report: DriftReport, style: Style, target: TargetRef) -> str:
    """Return each segment that differs, and a summary."""
    lines = []
    for drift in report.drifts:
        details = ", ".join(drift_details(drift, RenderContext()))
        lines.append(f"{style.yellow(f'  {KIND_LABELS[drift.kind]:<8}')} {clean(drift.name)}")
        lines.append(f"      {style.dim(clean(details))}")
        show = distinct(text for clause in drift.clauses for text in (clause.before, clause.after))
        for clause in drift.clauses:
            texts = (show(clause.after), show(clause.before))
            lines.append(f"      {' -> '.join(text or '(none)' for text in texts)}")
    return "\n".join([*lines, drift_summary(report, style, target)]) + "\n"


def drift_summary(report: DriftReport, style: Style, target: TargetRef) -> str:
    """Return the line that summarizes a report."""
    total = len(report.drifts)
    name = target_name(target)
    summary = f"Drift on {name}: {count(total, 'segment')}." if total else f"No drift on {name}."
    pending = f" {count(report.pending, 'change')} not applied yet." if report.pending else ""
    return style.bold(summary) + pending


def drift_details(drift: Drift, context: RenderContext) -> list[str]:
    """Return where a segment is declared, how it differs, and since when."""
    details = [context.place(drift.span)] if drift.span else []
    match drift.kind:
        case DriftKind.RENAMED:
            details.append(f"now `{drift.now}`")
        case DriftKind.DELETED:
            details.append("deleted on the account, or never applied")
        case DriftKind.EDITED:
            details.append(f"different {' and '.join(drift.changed_fields)}")
            details += _lists(drift)
        case DriftKind.CREATED:
            details.append("no file declares it")
        case _:
            assert_never(drift.kind)
    details += [f"id {drift.id}"] if drift.id else []
    details += [f"changed {drift.updated_at}"] if drift.updated_at else []
    return details


def _lists(drift: Drift) -> Iterator[str]:
    """Yield the parent lists on both sides, and the names of the lists in the queries."""
    shown: set[str] = set()
    if drift.parents is not None:
        here, there = (format_lists(ids, drift.lists) or "none" for ids in drift.parents)
        yield f"parent list on the account {here}, in the file {there}"
        shown = {list_id.lower() for ids in drift.parents for list_id in ids}
    for list_id in drift.lists:
        if list_id not in shown:
            yield f"list {format_lists([list_id], drift.lists)}"


def drift_json(
    report: DriftReport, target: TargetRef, diagnostics: Sequence[Diagnostic], generated_at: str
) -> dict[str, Any]:
    """Return drift as JSON data; a clause's `before` is the account's, its `after` git's."""
    return {
        **document_header(generated_at),
        "target": dataclasses.asdict(target),
        "drift": [_drift_entry(drift) for drift in report.drifts],
        "pending": report.pending,
        "diagnostics": diagnostics_json(diagnostics),
    }


def _drift_entry(drift: Drift) -> dict[str, Any]:
    entry = dataclasses.asdict(drift)
    span = entry.pop("span")
    keys = ("file", "line", "column")
    return {
        **entry,
        "kind": drift.kind.value,
        "source": {key: span[key] for key in keys} if span else None,
    }
