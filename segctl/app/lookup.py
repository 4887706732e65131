"""Segments and lists of an account, found by their names or ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from segctl.common.suggest import closest_match, did_you_mean
from segctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


class AccountObject(Protocol):
    """An object of an account that has an id and a name."""

    @property
    def id(self) -> str:
        """The id, unique in the account."""

    @property
    def name(self) -> str:
        """The name, which others may have as well."""


N = TypeVar("N", bound=AccountObject)


def find_named(names: Sequence[str], listed: Collection[N], noun: str, hint: str) -> list[N]:
    """Return the listed objects with these names or ids, each once, in the order of `names`.

    Raises `UsageError` with every name that matches none; `noun` says what is missing, and `hint`
    is used if no name is close.
    """
    by_key: dict[str, list[N]] = {}
    for item in listed:
        for key in dict.fromkeys((item.id, item.name)):
            by_key.setdefault(key, []).append(item)
    missing = [name for name in dict.fromkeys(names) if name not in by_key]
    if not missing:
        return list({item.id: item for name in names for item in by_key[name]}.values())
    known = [item.name for item in listed]
    close = {name: closest_match(name, known) for name in missing}
    if len(missing) == 1:
        hint = did_you_mean(missing[0], known, hint)
    elif any(close.values()):
        pairs = ", ".join(f"`{close[name]}` for `{name}`" for name in missing if close[name])
        hint = f"did you mean {pairs}?"
    quoted = ", ".join(f"`{name}`" for name in missing)
    raise UsageError(f"the account has no {noun} {quoted}", hint=hint)


def find_segments(names: Sequence[str], listed: Collection[N]) -> list[N]:
    """Return the segments with one of these names or ids, as `find_named` does."""
    return find_named(names, listed, "segment", "run `segctl list` to list its segments")
