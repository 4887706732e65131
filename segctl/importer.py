"""Which segments of an account become files, and which cannot: a pure function, as planning is.

Owns the choice, the order and the reasons. What a file says is `declarations/writing.py`, its name
`declarations/filenames.py`. Refuses whatever would make the next plan anything but empty: a name
that another segment has or almost has, a segment that no file can hold. Writes nothing.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.declarations.collection import folded
from segctl.declarations.filenames import FileNames
from segctl.declarations.writing import segment_text
from segctl.secrets import redact

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from segctl.model import Declared, Remote, Snapshot


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file to write: its name in the segments folder, its text, the segment that it declares."""

    name: str
    text: str
    remote: Remote


@dataclass(frozen=True, slots=True)
class Left:
    """A segment that cannot be imported: the reason, and what to do, for people."""

    remote: Remote
    reason: str
    hint: str


@dataclass(frozen=True, slots=True)
class Import:
    """What an import would do. Files and segments are in the order of names, then of ids."""

    files: tuple[NewFile, ...] = ()
    left: tuple[Left, ...] = ()
    declared: int = 0


def find(names: Sequence[str], listed: Sequence[Remote]) -> tuple[list[Remote], list[str]]:
    """Find segments by name or id: those found, each once, and what is neither.

    A name that several segments have finds them all.
    """
    found = [one for one in listed if one.name in names or one.id in names]
    known = {key for one in found for key in (one.name, one.id)}
    return found, [name for name in dict.fromkeys(names) if name not in known]


def to_read(picked: Iterable[Remote], declared: Iterable[Declared]) -> list[Remote]:
    """Say which of the segments picked need their definition read."""
    names = {one.name for one in declared}
    return [one for one in picked if not one.is_v1 and one.name not in names]


def make_import(
    snapshot: Snapshot,
    picked: Iterable[str],
    declared: Sequence[Declared],
    *,
    taken: Iterable[str] = (),
    lists: Mapping[str, str] | None = None,
    schema: str = "",
) -> Import:
    """Turn the segments picked, by id, into files.

    The snapshot has the definition of each that `to_read` names. `taken` are the names that stand
    in the segments folder; `lists` and `schema` are as for `segment_text`.
    """
    ids = set(picked)
    held = Counter(one.name for one in snapshot.remotes)
    names = {one.name for one in declared}
    alike = {folded(one.name): f"`{one.name}` (in {one.file})" for one in declared}
    file_names = FileNames(taken)
    files: list[NewFile] = []
    left: list[Left] = []
    known = 0
    for one in sorted(snapshot.remotes, key=lambda remote: (remote.name, remote.id)):
        if one.id not in ids:
            continue
        if one.is_v1:
            left.append(_v1(one))
        elif one.name in names:
            known += 1
        elif held[one.name] > 1:
            left.append(_ambiguous(one, held[one.name]))
        elif folded(one.name) in alike:
            left.append(_alike(one, alike[folded(one.name)]))
        else:
            written = segment_text(one.definition, lists or {}, schema)
            if written.reason:
                left.append(_unwritable(one, written.reason))
                continue
            files.append(NewFile(file_names.take(one.name, one.id), written.text, one))
            alike[folded(one.name)] = f"`{one.name}`"
    return Import(tuple(files), tuple(left), known)


def _shown(remote: Remote) -> str:
    """Name a segment for people: by its name, or by its id where that shows nothing."""
    return f"`{redact(remote.name)}`" if remote.name.strip() else f"segment {remote.id}"


def _v1(one: Remote) -> Left:
    return Left(
        one,
        f"{_shown(one)} is a v1 segment, which cannot be managed: SendGrid lets nobody change one",
        "make a new segment with the same condition in SendGrid, and import that",
    )


def _ambiguous(one: Remote, number: int) -> Left:
    return Left(
        one,
        f"the account has {number} segments named {_shown(one)}, and a file could mean either",
        f"rename this one in SendGrid: {one.id}",
    )


def _alike(one: Remote, other: str) -> Left:
    return Left(
        one,
        f"{_shown(one)} and {redact(other)} differ by nothing but case or invisible encoding",
        f"rename one of the two in SendGrid: this one is {one.id}",
    )


def _unwritable(one: Remote, reason: str) -> Left:
    return Left(
        one,
        f"{_shown(one)} cannot be written as a file: {reason}",
        f"change it in SendGrid first: its id is {one.id}",
    )
