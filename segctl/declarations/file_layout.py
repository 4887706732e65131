"""The layout of imported files: in which folders they are, and how they are named. Pure.

A layout is a path with placeholders. What replaces them comes from the account, where many people
can choose names, so it never adds a folder, leaves the folder of segment files, or makes a name
that a file system refuses. `filenames` keeps two files from having the same name.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.declarations.filenames import folded, shortened, slug, unreserved
from segctl.errors import UsageError

if TYPE_CHECKING:
    from segctl.model.contact_fields import ListNames

SLUG = "{slug}"
PARENT_LIST = "{parent_list}"
_PLACEHOLDERS = f"{SLUG} (the name of the segment) and {PARENT_LIST} (the name of its parent list)"
_PLACEHOLDER = re.compile(r"\{[^{}/]*\}")
_LITERAL = re.compile(r"[\w-]*")
_MAX_PARTS = 6
_ID_CHARACTERS = 8


@dataclass(frozen=True, slots=True)
class Layout:
    """The parts of a path below the folder of segment files: folders, and the file's name."""

    parts: tuple[str, ...] = (SLUG,)

    @classmethod
    def parse(cls, text: str) -> Layout:
        """Return the layout that `--layout` names. Raises `UsageError`."""
        parts = tuple(text.removesuffix(".yaml").split("/"))
        hint = f"use letters, digits, - and _, and the placeholders {_PLACEHOLDERS}"
        for placeholder in _PLACEHOLDER.findall(text):
            if placeholder not in (SLUG, PARENT_LIST):
                message = f"--layout has the unknown placeholder `{placeholder}`"
                raise UsageError(message, hint=f"the placeholders are {_PLACEHOLDERS}")
        for part in parts:
            literal = part.replace(SLUG, "").replace(PARENT_LIST, "")
            if not part or part.startswith("-") or not _LITERAL.fullmatch(literal):
                message = "--layout must be a path below the folder of segment files"
                raise UsageError(f"{message}, got `{text}`", hint=hint)
        if SLUG not in parts[-1]:
            raise UsageError(
                f"--layout must end in a file name with {SLUG}, got `{text}`",
                hint=f"add `/{SLUG}`: each segment gets a file of its own",
            )
        if len(parts) > _MAX_PARTS:
            raise UsageError(
                f"--layout has {len(parts)} parts, more than the limit of {_MAX_PARTS}"
            )
        return cls(parts)

    @property
    def needs_parent_list(self) -> bool:
        """Whether the name of the parent list is in the path."""
        return any(PARENT_LIST in part for part in self.parts)

    def path(self, stem: str, parent_list: str) -> str:
        """Return the path of a segment's file without its suffix.

        `stem` is from `file_stem`, and `parent_list` from `list_stems`, empty for a segment without
        one: then a folder that it alone would name is left out.
        """
        parts = []
        for part in self.parts:
            filled = part.replace(PARENT_LIST, parent_list)
            if PARENT_LIST in part and not parent_list:
                filled = filled.strip("-_")
            # `shortened` also removes what is left at the end, such as `-`.
            filled = unreserved(shortened(filled.replace(SLUG, stem)))
            parts += [filled] if filled else []
        return "/".join(parts)


def list_stems(lists: ListNames) -> dict[str, str]:
    """Return by id how each contact list is named in a path: two lists never have the same name.

    A list without letters or digits in its name is named by the start of its id. Lists with the
    same name get the start of their ids as well, or where that is the same, the whole ids.
    """
    stems = {
        list_id: slug(name) or f"list-{_start(list_id)}"
        for list_id, name in lists.items()
        if name is not None
    }
    for id_part in (_start, slug):
        counts = Counter(map(folded, stems.values()))
        stems = {
            list_id: stem
            if counts[folded(stem)] == 1
            else f"{shortened(stem, reserve=len(id_part(list_id)) + 1)}-{id_part(list_id)}"
            for list_id, stem in stems.items()
        }
    return stems


def _start(list_id: str) -> str:
    return slug(list_id)[:_ID_CHARACTERS].strip("-")
