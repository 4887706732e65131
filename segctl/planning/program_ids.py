"""The ids that programs send to: what each is called in code, and how a plan changes them.

An id is called by the path of the file that declares its segment, and not by the segment's name:
people rename segments, and no program must notice. Pure: does not read or write the programs' file.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from segctl.errors import Diagnostic, InvalidInput, Severity, split_source
from segctl.model import Create, Delete, Patch, Replace, Upgrade

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from segctl.errors import Span
    from segctl.model import Declared, Plan

FORMATS = {"json": ".json", "env": ".env", "typescript": ".ts", "python": ".py"}
"""The suffix of the files in each format."""

_CHANGES_ID = {Replace: "replaced", Upgrade: "upgraded", Create: "created"}


@dataclass(frozen=True, slots=True)
class ProgramId:
    """The id of a declared segment.

    `label` is what programs call it, and `name` the segment's. `id` is `None` until the segment is
    created. `ends_when` says what the plan does that gives it another id (`replaced`), or is empty.
    """

    label: str
    name: str
    span: Span
    id: str | None = None
    ends_when: str = ""


def format_of(file: str) -> str | None:
    """Return the format of a file by its suffix, `None` for another suffix."""
    return next((name for name, suffix in FORMATS.items() if file.endswith(suffix)), None)


def path_label(source: str, folder: str) -> str:
    """Return the path of a segment file in its folder, without the suffix: `customers/vip`.

    Behind it are the keys of an instance: `winback/acme/de`.
    """
    file, instance = split_source(source)
    path = PurePosixPath(file)
    inside = path.relative_to(folder) if path.is_relative_to(folder) else path
    return "/".join([inside.with_suffix("").as_posix(), *filter(None, instance.split(", "))])


def constant(path: str) -> str:
    """Return the name of a constant for a path: `SEGMENT_CUSTOMERS_VIP`.

    Only letters, digits and underscores: accents are dropped, and other letters are written as the
    number of their character. Begins with SEGMENT, so that no path makes a PATH.
    """
    text = "".join(map(_ascii, unicodedata.normalize("NFKD", path)))
    return "_".join(["SEGMENT", *text.upper().split()])


def _ascii(char: str) -> str:
    if char.isascii():
        return char if char.isalnum() else " "
    return "" if unicodedata.combining(char) else f" U{ord(char):04X} "


def label_of(source: str, folder: str, format_name: str) -> str:
    """Return what programs call the id of the segment that a file, or its instance, declares."""
    path = path_label(source, folder)
    return path if format_name == "json" else constant(path)


@dataclass(frozen=True, slots=True)
class ProgramIds:
    """The ids of the segments that a plan is for, by label, in a format.

    `labels` are those of all declared segments: a plan may be for some.
    """

    ids: tuple[ProgramId, ...]
    labels: Mapping[str, Declared]
    plan: Plan
    format_name: str


def program_ids(
    plan: Plan, declared: Sequence[Declared], folder: str, format_name: str
) -> ProgramIds:
    """Return the ids of the declared segments, as they are before the plan is applied.

    A segment that waits for its rename has its id. Raises `InvalidInput` where two files give one
    label.
    """
    ids, labels = _ids_by_name(plan), labelled(declared, folder, format_name)
    listed = tuple(
        ProgramId(label, segment.name, segment.span, *ids[segment.name])
        for label, segment in sorted(labels.items())
        if segment.name in ids
    )
    return ProgramIds(listed, labels, plan, format_name)


def labelled(declared: Sequence[Declared], folder: str, format_name: str) -> Mapping[str, Declared]:
    """Return the declared segments by label. Raises `InvalidInput` where two have the same."""
    by_label: dict[str, list[Declared]] = defaultdict(list)
    for segment in declared:
        by_label[label_of(segment.source, folder, format_name)].append(segment)
    duplicates = [
        Diagnostic(
            "duplicate-id-label",
            Severity.ERROR,
            f"{segment.source} and {segments[0].source} are both called `{label}` in programs",
            segment.span,
            hint="rename one of the two files, or one of the two keys",
        )
        for label, segments in by_label.items()
        for segment in segments[1:]
    ]
    if duplicates:
        raise InvalidInput(duplicates)
    return {label: segments[0] for label, segments in by_label.items()}


def _ids_by_name(plan: Plan) -> dict[str, tuple[str | None, str]]:
    """Return the id of each segment, and what the plan does that ends it."""
    ids: dict[str, tuple[str | None, str]] = {keep.name: (keep.id, "") for keep in plan.kept}
    for change in plan.changes:
        match change:
            case Patch():
                ids[change.name] = (change.id, "")
            case Replace(successor=successor) if successor is not None:
                # It has the name already, and stays.
                ids[change.name] = (successor.id, "")
            case Create() | Replace() | Upgrade():
                ids[change.name] = (change.id, _CHANGES_ID[type(change)])
            case Delete():
                pass
    return ids


def id_changes(written: Mapping[str, str], current: ProgramIds, file: str) -> Iterator[Diagnostic]:
    """Yield a diagnostic for each line of a file of ids that is to change.

    `written` are the ids in the file by label. A line that is only to be added when the plan is
    applied is information, all others are warnings.
    """
    write = f"run `segctl ids --format {current.format_name}` to write {file} again"
    later = f"after the apply, {write}, and deploy the programs that use it"
    for item in current.ids:
        before, change = written.get(item.label), ""
        line, name = f"`{item.label}`", f"`{item.name}`"
        if item.ends_when and before is None:
            summary = f"{line} is added to {file} when {name} is {item.ends_when}"
            yield Diagnostic("ids-added", Severity.INFO, summary, item.span, later)
            continue
        if item.ends_when:
            change = f"{line} in {file} gets another id when {name} is {item.ends_when}"
        elif before is None:
            change = f"{line}, the id of {name}, is not in {file}"
        elif before != item.id:
            change = f"{line} in {file} is not the id of {name}, which is {item.id}"
        if change:
            hint = later if item.ends_when else write
            yield Diagnostic("ids-changed", Severity.WARNING, change, item.span, hint)
    deleted = {change.id: change for change in current.plan.changes if isinstance(change, Delete)}
    for label in sorted(written.keys() - current.labels.keys()):
        delete = deleted.get(written[label])
        why = f"`{delete.name}` is deleted" if delete else "no file declares its segment"
        summary = f"`{label}` is removed from {file}: {why}"
        span = delete.span if delete else None
        yield Diagnostic("ids-removed", Severity.WARNING, summary, span, write)
