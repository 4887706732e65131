"""How large audiences are, as text and as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from segctl.common.timestamps import moment
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
    """A segment: `counts` are `None` where it cannot be computed.

    `action` is what a plan would do with it (`create`, `patch`, `replace`), empty where the account
    was not asked. `sample` are masked addresses.
    """

    name: str
    span: Span
    counts: Counts | None
    action: str = ""
    sample: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Preview:
    """What was counted, in which contacts, for which moment (`now`), and what cannot be.

    `as_of` is the moment that a pulled base shows, `modified_at` that when somebody's own files
    were written; `None` where there is no such. `only` are the names of the lists that a pulled
    base is limited to, if it is. Places in `overlaps` are those of `rows`. `asked` says what
    was asked for beside the numbers of the segments.
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
WORDS = frozenset(("SEGMENT", "ACTION", "FIRST", "SECOND"))
"""Headings of words; under the others are numbers."""


def preview_text(preview: Preview, style: Style) -> str:
    """Give the tables, and the samples under them; the findings are not in it."""
    blocks = [f"{style.bold(dataset_summary(preview))}\n"]
    if preview.rows:
        heads = CHANGE_HEADS if preview.is_change else HEADS
        blocks.append(_table(heads, [row_cells(preview, row) for row in preview.rows], style))
    if preview.overlaps:
        rows = [overlap_cells(preview, one) for one in preview.overlaps]
        blocks.append(_table(OVERLAP_HEADS, rows, style))
    for row in preview.rows:
        if row.sample and row.counts:
            lines = [f"{style.bold(clean(row.name))}  {sample_summary(row)}"]
            lines += [f"  {clean(one)}" for one in row.sample]
            blocks.append("\n".join(lines) + "\n")
    return "\n".join(blocks)


def dataset_summary(preview: Preview) -> str:
    """Say what was counted in, and how old it is."""
    written = f"last written {with_age(preview.modified_at or '', preview.now)}"
    if preview.as_of is not None:
        rest = f"pulled as of {with_age(preview.as_of, preview.now)}"
        if preview.only:
            rest = f"of {quote_names(preview.only)} alone, {rest}"
        if preview.modified_at is not None:
            rest += f"; their events in {preview.files[-1]}, {written}"
    else:
        rest = f"in {' and '.join(preview.files)}, {written}"
    return f"{count(preview.total, 'contact')} {clean(rest)}"


def quote_names(names: Iterable[str]) -> str:
    """Write the names of lists in a sentence."""
    return ", ".join(f"`{clean(name)}`" for name in names)


def with_age(text: str, now: datetime) -> str:
    """Write a moment, and how long ago it was: "2026-11-19T08:00:00Z, 3 days ago"."""
    then = moment(text)
    if then is None:
        return text
    seconds = (now - then).total_seconds()
    for size, noun in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            return f"{text}, {count(int(seconds // size), noun)} ago"
    return text


def sample_summary(row: PreviewRow) -> str:
    """Say how many of how many are shown."""
    total = row.counts.after if row.counts else 0
    return f"{len(row.sample):,} of {total:,}, masked"


def row_cells(preview: Preview, row: PreviewRow) -> tuple[str, ...]:
    """Give the cells of a segment, under `HEADS` or `CHANGE_HEADS`."""
    one = row.counts
    if preview.is_change:
        numbers = (one.before, one.after, one.gained, one.lost) if one else ()
        shown = [f"{number:,}" for number in numbers] or [UNKNOWN] * 4
        if one:
            shown[2:] = [
                f"{sign}{text}" if text != "0" else text
                for sign, text in zip("+-", shown[2:], strict=True)
            ]
        if row.action == "create":
            shown[0] = ""
        shown.insert(0, row.action)
    else:
        shown = [f"{one.after:,}" if one else UNKNOWN]
    share = percent(one.after, preview.total) if one else ""
    return (clean(row.name), *shown, share)


def overlap_cells(preview: Preview, overlap: Overlap) -> tuple[str, ...]:
    """Give the cells of two segments, under `OVERLAP_HEADS`."""
    names = [clean(preview.rows[place].name) for place in (overlap.first, overlap.second)]
    numbers = [f"{number:,}" for number in (overlap.both, overlap.only_first, overlap.only_second)]
    return (
        *names,
        *numbers,
        percent(overlap.both, overlap.both + overlap.only_first + overlap.only_second),
    )


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], style: Style) -> str:
    numbers = [head for head in heads if head not in WORDS]
    return table_text(heads, rows, right=numbers, color=style.color)


def preview_json(preview: Preview, generated_at: str, now: str) -> dict[str, Any]:
    """Give the same as JSON data; shares are fractions of 1."""
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
        "segments": [_entry(preview, row) for row in preview.rows],
        "overlaps": [_overlap(preview, one) for one in preview.overlaps]
        if "overlap" in preview.asked
        else None,
        "diagnostics": diagnostics_json(preview.diagnostics),
    }


def _entry(preview: Preview, row: PreviewRow) -> dict[str, Any]:
    one = row.counts
    return {
        "name": row.name,
        "source": source_json(row.span),
        "contacts": one.after if one else None,
        "share": _share(one.after, preview.total) if one else None,
        "change": {
            "action": row.action,
            "before": one.before if one else None,
            "gained": one.gained if one else None,
            "lost": one.lost if one else None,
        }
        if preview.is_change
        else None,
        "sample": list(row.sample) if "sample" in preview.asked else None,
    }


def _overlap(preview: Preview, overlap: Overlap) -> dict[str, Any]:
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
