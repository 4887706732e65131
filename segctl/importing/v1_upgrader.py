"""v1 segments of an account as files for V2 segments that replace them.

Owns which v1 segments can be upgraded, and the words for what cannot. `sgql` translates the
queries: one without an exact equivalent becomes no file, since a guess is never written. A pure
function, as importing is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.common.secrets import redact
from segctl.errors import Diagnostic, Severity
from segctl.importing.file_builder import (
    Conversion,
    Draft,
    NewFiles,
    Skipped,
    build_files,
    manual_upgrade_hint,
    segment_label,
)
from segctl.model import Segment
from segctl.query.parser.errors import describe_position
from segctl.query.personal_data import mask_email_addresses
from segctl.sgql.comment import old_query_comment
from segctl.sgql.to_v2 import Translation, translate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from segctl.importing.file_builder import FileOptions
    from segctl.model import Declared, Remote, Snapshot, Tombstone
    from segctl.model.contact_fields import ListNames
    from segctl.query.catalogue import ColumnType
    from segctl.query.parser.errors import Problem

_MAX_QUOTE = 60
_MAX_REASONS = 8


def v1_segments_to_read(picked: Iterable[Remote], declared: Iterable[Declared]) -> list[Remote]:
    """Return the picked segments whose queries an upgrade needs."""
    upgraded = {segment.upgrade_from for segment in declared}
    return [remote for remote in picked if remote.is_v1 and remote.id.lower() not in upgraded]


def build_upgrades(
    snapshot: Snapshot,
    picked: Iterable[str],
    declared: Sequence[Declared],
    tombstones: Sequence[Tombstone] = (),
    *,
    taken: Iterable[str] = (),
    lists: ListNames | None = None,
    options: FileOptions | None = None,
    fields: Mapping[str, ColumnType] | None = None,
) -> NewFiles:
    """Return the files that upgrade the v1 segments with the ids `picked`.

    The snapshot holds the query of each segment that `v1_segments_to_read` returns; `fields` are
    the account's custom fields (`None`: not known). The rest is as for `build_files`.
    """
    conversion = _Upgrade(declared, fields)
    return build_files(
        conversion,
        snapshot,
        picked,
        declared,
        tombstones,
        taken=taken,
        lists=lists,
        options=options,
    )


class _Upgrade(Conversion):
    def __init__(
        self, declared: Sequence[Declared], fields: Mapping[str, ColumnType] | None
    ) -> None:
        self.upgraded = {segment.upgrade_from for segment in declared}
        self.files = {segment.name: segment.file for segment in declared}
        self.fields = fields

    def is_declared(self, remote: Remote) -> bool:
        return remote.id.lower() in self.upgraded

    def reason_to_skip(self, remote: Remote) -> Skipped | None:
        file = self.files.get(remote.name)
        if not remote.is_v1:
            hint = f"{file} declares it" if file else "run `segctl import` to write a file for it"
            return Skipped(remote, f"{segment_label(remote)} is not a v1 segment", hint)
        if file:
            return Skipped(
                remote,
                f"{segment_label(remote)} is declared by {file}, which does not replace it",
                f"add `upgrade_from: {{v1_id: {remote.id}}}` to that file if it should",
            )
        return None

    def draft(self, remote: Remote) -> Draft | Skipped:
        translated = translate(remote.query or "", remote.parent_list_ids, self.fields)
        if not isinstance(translated, Translation):
            return _untranslatable(remote, translated)
        # `segctl fmt` ends a query of several lines with a line feed.
        end = "\n" if "\n" in translated.query else ""
        return Draft(
            Segment(remote.name, translated.query + end, translated.parent_list_ids),
            remote.id,
            old_query_comment(remote.query or "", _remarks(remote, translated.notes)),
            tuple(_note_diagnostic(remote, note) for note in translated.notes),
        )


def _untranslatable(remote: Remote, problems: Sequence[Problem]) -> Skipped:
    shown = problems[:_MAX_REASONS]
    hints = dict.fromkeys(problem.hint for problem in shown if problem.hint)
    rest = f"; and {len(problems) - len(shown)} more" if len(problems) > len(shown) else ""
    return Skipped(
        remote,
        f"{segment_label(remote)} has no exact translation: "
        + "; ".join(_with_place(remote, problem) for problem in shown)
        + rest,
        f"{manual_upgrade_hint(remote)} and the query that you want"
        + (f": {redact(mask_email_addresses('; '.join(hints)))}" if hints else ""),
    )


def _remarks(remote: Remote, notes: Sequence[Problem]) -> Iterator[str]:
    """Yield how the query was read, for the file: each note once, with the places it is about."""
    places: dict[str, list[str]] = {}
    for note in notes:
        places.setdefault(note.message, []).append(f"`{_quote_place(remote, note)}`")
    for message, quotes in places.items():
        yield f"{' and '.join(dict.fromkeys(quotes))}: {message}"


def _quote_place(remote: Remote, problem: Problem) -> str:
    """Quote the place of a problem on one line; masked before it is cut, or half would show."""
    words = (remote.query or "")[problem.start : problem.end].split()
    text = redact(mask_email_addresses(" ".join(words)))
    return text if len(text) <= _MAX_QUOTE else f"{text[:_MAX_QUOTE]}…"


def _with_place(remote: Remote, problem: Problem) -> str:
    """Return a problem's message with its place in the old query, without personal data."""
    quote = _quote_place(remote, problem)
    where = describe_position(remote.query or "", problem.start) + (f": `{quote}`" if quote else "")
    return redact(mask_email_addresses(f"{problem.message} (at {where})"))


def _note_diagnostic(remote: Remote, note: Problem) -> Diagnostic:
    hint = redact(mask_email_addresses(note.hint))
    summary = f"{segment_label(remote)}: {_with_place(remote, note)}"
    return Diagnostic(note.code, Severity.WARNING, summary, hint=hint)
