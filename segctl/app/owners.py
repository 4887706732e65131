"""Who owns which segments, and the block of CODEOWNERS that says so. Offline, without a key."""

from __future__ import annotations

import os
from dataclasses import dataclass
from io import FileIO
from typing import TYPE_CHECKING

from segctl.app.folders import repository_top
from segctl.app.repository import folder_in_repository
from segctl.app.selection import sound_declarations
from segctl.common.files import cannot_write, locate, refused_or_failed
from segctl.common.folder import Folder
from segctl.declarations.code_owners import block_rules, owner_rules, with_block
from segctl.errors import UsageError

if TYPE_CHECKING:
    from segctl.app.project import Project
    from segctl.model import Declared

PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
"""Where GitHub looks for the file; the first one counts."""

_LARGEST = 3 << 20
"""Bytes. GitHub reads no larger file."""


@dataclass(frozen=True, slots=True)
class Owner:
    """An owner and the declared segments, by name.

    `who` is empty where `owners:` in segctl.yaml does not have the owner; so is `name` for the
    segments without one.
    """

    name: str
    who: str
    segments: tuple[Declared, ...]


@dataclass(frozen=True, slots=True)
class CodeOwners:
    """A CODEOWNERS file: `before` as it is, empty if it is missing, and `after` with the block.

    `unknown` are the owners of segments that `owners:` does not have.
    """

    folder: Folder
    name: str
    shown_path: str
    before: bytes
    after: bytes
    unknown: tuple[str, ...]

    @property
    def is_current(self) -> bool:
        """Whether the file has the block as it should be."""
        return self.before == self.after

    @property
    def added(self) -> tuple[str, ...]:
        """The lines that the block lacks."""
        old = block_rules(self.before)
        return tuple(line for line in block_rules(self.after) if line not in old)

    @property
    def removed(self) -> tuple[str, ...]:
        """The lines that the block has too many."""
        new = block_rules(self.after)
        return tuple(line for line in block_rules(self.before) if line not in new)


def list_owners(project: Project) -> tuple[Owner, ...]:
    """Return every owner, those of `owners:` first, and last the segments without an owner.

    Raises `InvalidInput` and `UsageError` if the files cannot be read.
    """
    known = project.config.owners
    owned: dict[str, list[Declared]] = {name: [] for name in known}
    for segment in sound_declarations(project).declared:
        owned.setdefault(segment.owner, []).append(segment)
    names = sorted(owned, key=lambda name: (not name, name not in known, name.casefold(), name))
    return tuple(
        Owner(
            name,
            known.get(name, ""),
            tuple(sorted(owned[name], key=lambda item: (item.name.casefold(), item.file))),
        )
        for name in names
    )


def code_owners(project: Project, file: str | None = None) -> CodeOwners:
    """Return the CODEOWNERS file with its block as it should be; `file` is another path for it.

    Nothing is written. Raises `InvalidInput`, `UsageError`, and `Refused` for a link.
    """
    owners = project.config.owners
    if not owners:
        raise UsageError(
            "segctl.yaml has no `owners:`",
            hint='add `owners:` with names and who they are, such as `sales: "@acme/sales"`',
        )
    top = repository_top(project)
    declared = sound_declarations(project).declared
    shown_path = file or next(
        (place for place in PLACES if os.path.lexists(top / place)), PLACES[0]
    )
    try:
        folder, name = (Folder(top), shown_path) if file is None else locate(file, top)
        before = _read(folder, name)
    except OSError as error:
        message = f"cannot read {shown_path}"
        raise refused_or_failed(message, error, "replace the link by the file itself") from None
    if len(before) > _LARGEST:
        raise UsageError(f"{shown_path} is larger than the 3 MB that GitHub reads")
    try:
        after = with_block(before, owner_rules(declared, owners, folder_in_repository(project)))
    except UsageError as error:
        raise UsageError(f"{shown_path}: {error.message}", hint=error.hint) from None
    used = {segment.owner for segment in declared if segment.owner}
    return CodeOwners(folder, name, shown_path, before, after, tuple(sorted(used - owners.keys())))


def _read(folder: Folder, name: str) -> bytes:
    try:
        descriptor = folder.open_to_read(name)
    except FileNotFoundError:
        return b""
    with FileIO(descriptor) as stream:
        return stream.read(_LARGEST + 1) or b""


def write_code_owners(file: CodeOwners) -> None:
    """Write a CODEOWNERS file. Raises `UsageError`, and `Refused` for a link."""
    outer, _, _ = file.name.rpartition("/")
    try:
        (file.folder.below(outer) if outer else file.folder).make()
        file.folder.write(file.name, file.after)
    except OSError as error:
        raise cannot_write(file.shown_path, error) from None
