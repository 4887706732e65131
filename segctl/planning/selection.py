"""Which segments a pattern picks: by name, file, tag or owner. Pure."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Protocol, TypeVar

from segctl.errors import file_of

if TYPE_CHECKING:
    from collections.abc import Sequence


class Named(Protocol):
    """Something with a segment's name and a file's path, perhaps with `tags` and an `owner`."""

    @property
    def name(self) -> str:
        """The segment's name."""

    @property
    def file(self) -> str:
        """The path of its file, relative to the project, perhaps with the instance behind it."""


NamedT = TypeVar("NamedT", bound=Named)


def select_matching(
    items: Sequence[NamedT], patterns: Sequence[str]
) -> tuple[tuple[NamedT, ...], tuple[str, ...]]:
    """Return the items that `--only` selects, and the patterns that match none.

    A pattern is a shell glob over the whole name, the whole path of the file, the path of a
    folder with a slash, or after `tag:` and `owner:` a tag or the owner. Without patterns, all
    items are selected.
    """
    if not patterns:
        return tuple(items), ()
    unused = set(patterns)
    selected = []
    for item in items:
        matches = {pattern for pattern in patterns if _matches(item, pattern)}
        if matches:
            selected.append(item)
            unused -= matches
    return tuple(selected), tuple(pattern for pattern in patterns if pattern in unused)


def _matches(item: Named, pattern: str) -> bool:
    path, file = pattern.removeprefix("./"), file_of(item.file)
    if fnmatchcase(item.name, pattern) or fnmatchcase(file, path):
        return True
    if "/" in path and file.startswith(f"{path.rstrip('/')}/"):
        return True
    kind, colon, rest = pattern.partition(":")
    if not colon or kind not in ("tag", "owner"):
        return False
    # Removed segments have neither.
    values = getattr(item, "tags", ()) if kind == "tag" else (getattr(item, "owner", ""),)
    return any(value and fnmatchcase(value, rest) for value in values)
