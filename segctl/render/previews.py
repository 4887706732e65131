"""Audience sizes as text and as JSON. Does not count them: `contacts.counter` does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from segctl.common.timestamps import parse_time_or_none
from segctl.planfile.to_json import diagnostics_json, document_header, source_json
from segctl.render.table import table_text
from segctl.render.terminal import Style, clean, count, percent

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from segctl.audience.results import Counts, Overlap
    from segctl.errors import Diagnostic, Span


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """A segment; `counts` is `None` where it cannot be counted.

    `action` is what a plan would do with it (`create`, `patch`, `replace`), empty where the account
    was not read. `sample` has masked addresses.
    """

    name: str
    span: Span
    counts: Counts | None
    action: str = ""
    sample: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Preview:
    """What was counted, among which contacts, for which time (`now`), and why the rest was not.

    `as_of` is the time that pulled contacts show, `modified_at` the time when a team's own files
    were written; `None` where it does not apply. `only` names the lists that pulled contacts are
    limited to. `overlaps` has indexes into `rows`. `asked` names the options that were given:
    `changed`, `overlap`, `sample`.
    """

    total: int
    files: tuple[str, ...]
    as_of: str | None
    modified_at: str | None
    now: datetime
    rows: tuple[PreviewRow, ...]
    diagnostics: tuple[Diagnostic, ...] = ()
    overlaps: tuple[Overlap, ...] = ()
    asked: frozenset[str] = frozenset()
    only: tuple[str, ...] = ()

    @property
    def is_change(self) -> bool:
        """Whether the audiences are compared with those on the account."""
        return "changed" in self.asked


HEADS = ("SEGMENT", "CONTACTS", "SHARE")
CHANGE_HEADS = ("SEGMENT", "ACTION", "BEFORE", "AFTER", "GAINED", "LOST", "SHARE")
OVERLAP_HEADS = ("FIRST", "SECOND", "BOTH", "ONLY FIRST", "ONLY SECOND", "SHARED")
UNKNOWN = "?"
TEXT_HEADS = frozenset(("SEGMENT", "ACTION", "FIRST", "SECOND"))
"""Heads of columns with text; the others have numbers."""


def preview_text(preview: Preview, style: Style) -> str:
    """Return the tables, and the samples below them, without the diagnostics."""
    blocks = [f"{style.bold(dataset_summary(preview))}\n"]
    if preview.rows:
        heads = CHANGE_HEADS if preview.is_change else HEADS
        blocks.append(_table(heads, [row_cells(preview, row) for row in preview.rows], style))
    if preview.overlaps:
        rows = [overlap_cells(preview, overlap) for overlap in preview.overlaps]
        blocks.append(_table(OVERLAP_HEADS, rows, style))
    for row in preview.rows:
        if row.sample and row.counts:
            lines = [f"{style.bold(clean(row.name))}  {sample_summary(row)}"]
            lines += [f"  {clean(address)}" for address in row.sample]
            blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


def dataset_summary(preview: Preview) -> str:
    """Return which contacts were counted, and how old they are."""
    modified = f"last written {with_age(preview.modified_at or '', preview.now)}"
    if preview.as_of is not None:
        rest = f"pulled as of {with_age(preview.as_of, preview.now)}"
        if preview.only:
            rest = f"of {quote_names(preview.only)} only, {rest}"
        if preview.modified_at is not None:
            rest += f"; events in {preview.files[-1]}, {modified}"
    else:
        rest = f"in {' and '.join(preview.files)}, {modified}"
    return f"{count(preview.total, 'contact')} {clean(rest)}"


def quote_names(names: Iterable[str]) -> str:
    """Return names for a sentence, each in backticks."""
    return ", ".join(f"`{clean(name)}`" for name in names)


def with_age(text: str, now: datetime) -> str:
    """Return a time with its age: "2026-11-19T08:00:00Z, 3 days ago"."""
    time = parse_time_or_none(text)
    if time is None:
        return text
    seconds = (now - time).total_seconds()
    for size, noun in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            return f"{text}, {count(int(seconds // size), noun)} ago"
    return text


def sample_summary(row: PreviewRow) -> str:
    """Return how many members of a segment are shown."""
    total = row.counts.after if row.counts else 0
    return f"{len(row.sample):,} of {total:,}, masked"


def row_cells(preview: Preview, row: PreviewRow) -> tuple[str, ...]:
    """Return the cells of a segment, under `HEADS` or `CHANGE_HEADS`."""
    counts = row.counts
    if preview.is_change:
        numbers = (counts.before, counts.after, counts.gained, counts.lost) if counts else ()
        cells = [f"{number:,}" for number in numbers] or [UNKNOWN] * 4
        if counts:
            cells[2:] = [
                f"{sign}{text}" if text != "0" else text
                for sign, text in zip("+-", cells[2:], strict=True)
            ]
        if row.action == "create":
            cells[0] = ""
        cells.insert(0, row.action)
    else:
        cells = [f"{counts.after:,}" if counts else UNKNOWN]
    share = percent(counts.after, preview.total) if counts else ""
    return (clean(row.name), *cells, share)


def overlap_cells(preview: Preview, overlap: Overlap) -> tuple[str, ...]:
    """Return the cells of two segments, under `OVERLAP_HEADS`."""
    names = [clean(preview.rows[index].name) for index in (overlap.first, overlap.second)]
    numbers = [f"{number:,}" for number in (overlap.both, overlap.only_first, overlap.only_second)]
    return (
        *names,
        *numbers,
        percent(overlap.both, overlap.both + overlap.only_first + overlap.only_second),
    )


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], style: Style) -> str:
    numbers = [head for head in heads if head not in TEXT_HEADS]
    return table_text(
        heads,
        rows,
        right=numbers,
        color=style.color,
        width=style.width,
        wrapped=TEXT_HEADS,
    )


def preview_json(preview: Preview, generated_at: str, now: str) -> dict[str, Any]:
    """Return the preview as JSON data; shares are fractions of 1."""
    return {
        **document_header(generated_at),
        "base": {
            "contacts": preview.total,
            "files": list(preview.files),
            "pulled": preview.as_of is not None,
            "as_of": preview.as_of,
            "modified_at": preview.modified_at,
            "only_lists": list(preview.only),
        },
        "now": now,
        "segments": [_row_entry(preview, row) for row in preview.rows],
        "overlaps": [_overlap_entry(preview, overlap) for overlap in preview.overlaps]
        if "overlap" in preview.asked
        else None,
        "diagnostics": diagnostics_json(preview.diagnostics),
    }


def _row_entry(preview: Preview, row: PreviewRow) -> dict[str, Any]:
    counts = row.counts
    return {
        "name": row.name,
        "source": source_json(row.span),
        "contacts": counts.after if counts else None,
        "share": _share(counts.after, preview.total) if counts else None,
        "change": {
            "action": row.action,
            "before": counts.before if counts else None,
            "gained": counts.gained if counts else None,
            "lost": counts.lost if counts else None,
        }
        if preview.is_change
        else None,
        "sample": list(row.sample) if "sample" in preview.asked else None,
    }


def _overlap_entry(preview: Preview, overlap: Overlap) -> dict[str, Any]:
    return {
        "first": preview.rows[overlap.first].name,
        "second": preview.rows[overlap.second].name,
        "both": overlap.both,
        "only_first": overlap.only_first,
        "only_second": overlap.only_second,
        "share": _share(overlap.both, overlap.both + overlap.only_first + overlap.only_second),
    }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None
