"""Which v1 segments become files, and which cannot: a pure function, as importing is.

Owns the choice and the reasons; the translation is `sgql`'s, the text of a file `declarations`'.
A query that has no exact equal in the new language becomes no file: a guess is never written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.common.secrets import redact
from segctl.declarations.filenames import FileNames
from segctl.declarations.generating import segment_text
from segctl.errors import Diagnostic, Severity
from segctl.importing.importer import Choice, NewFile, Skipped, by_hand, segment_label, unwritable
from segctl.model import Segment
from segctl.query.parser.errors import describe_position
from segctl.query.personal_data import mask_email_addresses
from segctl.sgql.comment import old_query_comment
from segctl.sgql.to_v2 import Translation, translate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from segctl.model import Declared, Remote, Snapshot, Tombstone
    from segctl.model.contact_fields import ListNames
    from segctl.query.catalogue import ColumnType
    from segctl.query.parser.errors import Problem

_LONGEST_QUOTE = 60
_MOST_REASONS = 8


@dataclass(frozen=True, slots=True)
class Translated:
    """A file to write, what it declares, and what a person should know before taking it over."""

    file: NewFile
    segment: Segment
    notes: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class Upgrades:
    """What `segctl upgrade` would write, in the order of names, and what it cannot.

    `declared` counts the v1 segments that a file names already.
    """

    files: tuple[Translated, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    declared: int = 0


def v1_segments_to_read(picked: Iterable[Remote], declared: Iterable[Declared]) -> list[Remote]:
    """Say which of the segments picked need their query read."""
    known = {one.upgrade_from for one in declared}
    return [one for one in picked if one.is_v1 and one.id.lower() not in known]


def build_upgrades(
    snapshot: Snapshot,
    picked: Iterable[str],
    declared: Sequence[Declared],
    tombstones: Sequence[Tombstone] = (),
    *,
    taken: Iterable[str] = (),
    lists: ListNames | None = None,
    schema: str = "",
    fields: Mapping[str, ColumnType] | None = None,
) -> Upgrades:
    """Turn the v1 segments picked, by id, into files.

    The snapshot has the query of each that `to_upgrade` names; `fields` are the account's own
    (`None`: not known). The rest is as for `build_import`.
    """
    ids = set(picked)
    known = {one.upgrade_from for one in declared}
    files_of = {one.name: one.file for one in declared}
    choice = Choice(snapshot, declared, tombstones)
    file_names = FileNames(taken)
    files: list[Translated] = []
    skipped: list[Skipped] = []
    done = 0
    for one in sorted(snapshot.remotes, key=lambda remote: (remote.name, remote.id)):
        if one.id not in ids:
            continue
        if one.id.lower() in known:
            done += 1
            continue
        skip = _reason_to_skip(one, files_of) or choice.reason_to_skip(one)
        if skip is not None:
            skipped.append(skip)
            continue
        found = _translated(one, fields)
        if isinstance(found, Skipped):
            skipped.append(found)
            continue
        # Of several lines it ends with one, as `segctl fmt` has it.
        end = "\n" if "\n" in found.query else ""
        segment = Segment(one.name, found.query + end, found.parent_list_ids)
        written = segment_text(
            segment,
            lists or {},
            schema,
            upgrade_from=one.id,
            above_query=old_query_comment(one.query or "", _remarks(one, found.notes)),
        )
        if written.reason:
            skipped.append(unwritable(one, written.reason))
            continue
        file = NewFile(file_names.take(one.name, one.id), written.text, one)
        notes = tuple(_note(one, note) for note in found.notes)
        files.append(Translated(file, segment, notes))
        choice.take(one.name)
    return Upgrades(tuple(files), tuple(skipped), done)


def _reason_to_skip(one: Remote, files: Mapping[str, str]) -> Skipped | None:
    if not one.is_v1:
        file = files.get(one.name)
        hint = f"{file} declares it" if file else "`segctl import` writes a file for it"
        return Skipped(one, f"{segment_label(one)} is no v1 segment", hint)
    if one.name in files:
        return Skipped(
            one,
            f"{segment_label(one)} is declared by {files[one.name]}, which does not take its place",
            f"write `upgrade_from: {{v1_id: {one.id}}}` into that file if it should",
        )
    return None


def _translated(one: Remote, fields: Mapping[str, ColumnType] | None) -> Translation | Skipped:
    found = translate(one.query or "", one.parent_list_ids, fields)
    if isinstance(found, Translation):
        return found
    told = found[:_MOST_REASONS]
    hints = dict.fromkeys(problem.hint for problem in told if problem.hint)
    rest = f"; and {len(found) - len(told)} more" if len(found) > len(told) else ""
    return Skipped(
        one,
        f"{segment_label(one)} has no exact translation: "
        + "; ".join(_said(one, problem) for problem in told)
        + rest,
        f"{by_hand(one)} and the query that is meant"
        + (f": {redact(mask_email_addresses('; '.join(hints)))}" if hints else ""),
    )


def _remarks(one: Remote, notes: Sequence[Problem]) -> Iterator[str]:
    """Say for the file how its query was read, each thing once with the places that it is about."""
    places: dict[str, list[str]] = {}
    for note in notes:
        places.setdefault(note.message, []).append(f"`{_quoted(one, note)}`")
    for message, found in places.items():
        yield f"{' and '.join(dict.fromkeys(found))}: {message}"


def _quoted(one: Remote, problem: Problem) -> str:
    """Quote the place of a problem on one line; masked before it is cut, or half would show."""
    piece = " ".join((one.query or "")[problem.start : problem.end].split())
    text = redact(mask_email_addresses(piece))
    return text if len(text) <= _LONGEST_QUOTE else f"{text[:_LONGEST_QUOTE]}…"


def _said(one: Remote, problem: Problem) -> str:
    """Say what is wrong where in an old query, without what is personal in it."""
    quoted = _quoted(one, problem)
    where = describe_position(one.query or "", problem.start) + (f": `{quoted}`" if quoted else "")
    return redact(mask_email_addresses(f"{problem.message} (at {where})"))


def _note(one: Remote, note: Problem) -> Diagnostic:
    hint = redact(mask_email_addresses(note.hint))
    return Diagnostic(
        note.code, Severity.WARNING, f"{segment_label(one)}: {_said(one, note)}", hint=hint
    )
