"""The lists that an account was seen with, kept from one run to the next.

They show that a key is for the account whose lists a file names, without asking the account each
time: a key stays with its account, even if a list is deleted.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from segctl.account.cache_file import CacheFile

FOLDER = "pins"


class PinCache:
    """The ids of lists that the account of a key has, or had, as far as it was asked."""

    def __init__(self, file: CacheFile) -> None:
        self._file = file

    @cached_property
    def known(self) -> frozenset[str]:
        """The ids, in lower case; none if the account was never asked."""
        return frozenset(self._file.read(_decode))

    def store(self, list_ids: Iterable[str]) -> None:
        """Remember that the account has these lists."""
        self._file.write({"lists": sorted(list_ids)})


def _decode(data: Mapping[str, Any]) -> dict[str, None]:
    """Read the content of a file. Raises `ValueError` for anything that `store` does not write."""
    match data.get("lists"):
        case list(ids) if all(isinstance(id_, str) for id_ in ids):
            return dict.fromkeys(ids)
        case _:
            raise ValueError("the file is damaged")
