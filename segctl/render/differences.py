"""Differences between two accounts as text, JSON and diagnostics. Does not find them.

What differs is shown under the names of the two targets, so that no reader has to know which side
comes first.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, NamedTuple

from segctl.errors import Diagnostic, Severity
from segctl.model.differences import STATUS, DifferenceKind
from segctl.planfile.to_json import document_header, source_json
from segctl.render.context import RenderContext, target_name
from segctl.render.distinct import distinct
from segctl.render.terminal import clean, count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from segctl.model.differences import Difference, Side, TargetDifferences
    from segctl.render.terminal import Style

KIND_LABELS = {
    DifferenceKind.CHANGED: "differs",
    DifferenceKind.MISSING: "missing",
    DifferenceKind.EXTRA: "extra",
}
NONE = "(none)"


class Contrast(NamedTuple):
    """One thing that differs: as it is on the account to promote from, and on the other one.

    Safe to show. `place` says where in the query it is, if that is not its top level.
    """

    source: str
    destination: str
    place: str = ""


def differences_text(comparison: TargetDifferences, style: Style, *, verbosity: int = 0) -> str:
    """Return each segment that differs, and a summary.

    What the files declare differently is only counted, unless the verbosity is above 0.
    """
    names = clean(comparison.source.name), clean(comparison.destination.name)
    width = max(map(len, names))
    lines = []
    for difference in comparison.differences if verbosity > 0 else comparison.undeclared:
        label = f"  {KIND_LABELS[difference.kind]:<8}"
        paint = style.dim if difference.is_declared else style.yellow
        lines.append(f"{paint(label)} {clean(difference.name)}")
        details = ", ".join(difference_details(difference, comparison, RenderContext()))
        lines.append(f"      {style.dim(clean(details))}")
        for contrast in contrasts(difference):
            place = style.dim(f"  (in {contrast.place})") if contrast.place else ""
            lines.append(f"      {names[0]:<{width}}  {contrast.source}{place}")
            lines.append(f"      {names[1]:<{width}}  {contrast.destination}")
    return "\n".join([*lines, *differences_summary(comparison, style, verbosity=verbosity)]) + "\n"


def differences_summary(
    comparison: TargetDifferences, style: Style, *, verbosity: int = 0
) -> Iterator[str]:
    """Yield the line that summarizes the differences, and one for what was not compared."""
    source, destination = target_name(comparison.source), target_name(comparison.destination)
    number, meant = len(comparison.undeclared), len(comparison.declared)
    differ = f"{count(number, 'difference')}" if number else "No differences"
    hint = " (-v shows them)" if verbosity == 0 and meant else ""
    verb = "differs" if meant == 1 else "differ"
    as_declared = f", {meant} {verb} as the files declare{hint}" if meant else ""
    head = style.bold(f"{differ} between {source} and {destination}.")
    yield f"{head} {count(comparison.same, 'segment')} the same{as_declared}."
    if any(comparison.left_out):
        first, second = comparison.left_out
        yield (
            f"Not compared, since no file declares them: {count(first, 'segment')} on {source}, "
            f"{second} on {destination}. Run with --all to compare them by name."
        )


def difference_details(
    difference: Difference, comparison: TargetDifferences, context: RenderContext
) -> list[str]:
    """Return where a segment is declared, and which account is not as the files declare."""
    source, destination = comparison.source.name, comparison.destination.name
    details = [context.place(difference.span)] if difference.span else []
    match difference.kind:
        case DifferenceKind.MISSING:
            details.append(f"{destination} lacks it")
        case DifferenceKind.EXTRA:
            details.append(f"{source} lacks it")
        case _ if "query_dsl" in difference.changed_fields and not difference.clauses:
            details.append("different query_dsl")
    return [*details, *_reasons(difference, source, destination)]


def _reasons(difference: Difference, source: str, destination: str) -> Iterator[str]:
    """Yield which of the two accounts is as the files declare."""
    if difference.is_declared:
        yield "as the files declare"
        return
    sides = difference.source, difference.destination
    as_declared = [side.is_as_declared for side in sides]
    if as_declared == [None, None]:
        yield "its file was removed" if difference.is_removed else "no file declares it"
    # That an account lacks the segment is said already.
    off = [side.id is not None and side.is_as_declared is False for side in sides]
    if all(off):
        yield "neither account is as the files declare"
    elif any(off):
        yield f"{source if off[0] else destination} is not as the files declare"
    if as_declared.count(None) == 1:
        target = source if as_declared[1] is None else destination
        yield f"declared for {target} alone"


def contrasts(difference: Difference) -> tuple[Contrast, ...]:
    """Return what differs in a segment that both accounts hold."""
    pairs = [*_contrasts(difference)]
    show = distinct(text for pair in pairs for text in pair)
    return tuple(Contrast(*map(show, pair)) for pair in pairs)


def _contrasts(difference: Difference) -> Iterator[Contrast]:
    source, destination = difference.source, difference.destination
    if source.definition is None or destination.definition is None:
        return
    for name in difference.changed_fields:
        if name == "name":
            yield Contrast(f"name {source.definition.name}", f"name {destination.definition.name}")
        elif name == "parent_list_ids":
            parents = (
                ", ".join(side.parent_list_ids) or NONE
                for side in (source.definition, destination.definition)
            )
            yield Contrast(*(f"parent list {text}" for text in parents))
        elif name == STATUS:
            yield Contrast(_status(source), _status(destination))
    for clause in difference.clauses:
        place = ", in ".join(clause.path)
        yield Contrast(clause.after or NONE, clause.before or NONE, place)


def _status(side: Side) -> str:
    complaint = f": {side.validation_error}" if side.validation_error else ""
    return f"{side.validation.value}{complaint}"


def differences_json(comparison: TargetDifferences, generated_at: str) -> dict[str, Any]:
    """Return differences as JSON data.

    A clause's `before` is that of the account to promote to, its `after` that of the other one.
    """
    return {
        **document_header(generated_at),
        "from": dataclasses.asdict(comparison.source),
        "to": dataclasses.asdict(comparison.destination),
        "differences": [_entry(difference) for difference in comparison.differences],
        "same": comparison.same,
        "left_out": {"from": comparison.left_out[0], "to": comparison.left_out[1]},
    }


def _entry(difference: Difference) -> dict[str, Any]:
    return {
        "kind": difference.kind.value,
        "name": difference.name,
        "source": source_json(difference.span),
        "declared": difference.is_declared,
        "removed": difference.is_removed,
        "changed_fields": list(difference.changed_fields),
        "clauses": [dataclasses.asdict(clause) for clause in difference.clauses],
        "from": _side(difference.source),
        "to": _side(difference.destination),
    }


def _side(side: Side) -> dict[str, Any]:
    is_held = side.id is not None
    return {
        "id": side.id,
        "definition": None if side.definition is None else side.definition.as_json(),
        "status": side.validation.value if is_held else None,
        "complaint": side.validation_error,
        "as_declared": side.is_as_declared,
    }


def differences_diagnostics(comparison: TargetDifferences) -> tuple[Diagnostic, ...]:
    """Return a diagnostic for each difference that the files do not ask for."""
    source, destination = comparison.source.name, comparison.destination.name
    phrases: dict[DifferenceKind, Callable[[Difference], str]] = {
        DifferenceKind.CHANGED: lambda item: (
            f"has a different {' and '.join(item.changed_fields)} on {source} and {destination}"
        ),
        DifferenceKind.MISSING: lambda _: f"is on {source}, but not on {destination}",
        DifferenceKind.EXTRA: lambda _: f"is on {destination}, but not on {source}",
    }
    return tuple(
        Diagnostic(
            f"diff-{item.kind.value}",
            Severity.WARNING,
            f"`{item.name}` {phrases[item.kind](item)}",
            item.span,
        )
        for item in comparison.undeclared
    )
