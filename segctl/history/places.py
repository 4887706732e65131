"""Where segments were sent: the accounts and the folder in each commit's segctl.yaml.

A file declares its segment for the accounts that segctl.yaml names in the same commit, under
whatever name of a target. For another account it proves nothing. An account is known by the
variable that holds its key, the region and the subuser; the key itself is never in git. Does not
run git.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.documents.yaml_reader import parse_document
from segctl.model.accounts import Account, read_accounts
from segctl.project.config import is_inside
from segctl.project.location import FILE as SETTINGS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from segctl.history.commits import Commit


@dataclass(frozen=True, slots=True)
class Place:
    """The folder of the segment files, relative to the project, and the accounts of all targets."""

    folder: str = "segments"
    accounts: frozenset[Account] = frozenset((Account(),))

    def is_for(self, account: Account | None) -> bool:
        """Return whether a target is this account; true for `None`, which means any account."""
        return account is None or account in self.accounts


def read_place(settings: bytes) -> Place | None:
    """Return the place that a segctl.yaml names, `None` where it is broken.

    Reads only what matters here, so that the settings of other versions of segctl can be read.
    """
    value = parse_document(SETTINGS, settings.decode("utf-8", "replace")).value
    if not isinstance(value, dict):
        return None
    folder = value.get("segments") or Place().folder
    accounts = read_accounts(value)
    if not isinstance(folder, str) or not is_inside(folder) or accounts is None:
        return None
    return Place(posixpath.normpath(folder), frozenset(accounts.values()))


def places_of(commits: Iterable[Commit], blobs: Mapping[str, bytes]) -> list[Place]:
    """Return the place after each commit.

    A broken segctl.yaml changes nothing until it is repaired. One that is a link names no account.
    """
    places = []
    place = Place()
    for commit in commits:
        for change in commit.settings:
            if change.blob is None:
                place = Place()
            elif not change.blob:
                place = Place(place.folder, frozenset())
            else:
                place = read_place(blobs[change.blob]) or place
        places.append(place)
    return places


def may_share_account(accounts: Collection[Account], account: Account | None) -> bool:
    """Return whether one of the accounts may be this one; true for `None`, which means any.

    Different variables can hold the same key, so they prove no difference.
    """
    return account is None or any(_may_be_same(item, account) for item in accounts)


def _may_be_same(account: Account, other: Account) -> bool:
    if account.region != other.region:
        return False
    if account.subuser == other.subuser:
        return True
    # A subuser's own key needs no `subuser`, and is in another variable than the parent's.
    is_named_twice = bool(account.subuser and other.subuser)
    return not is_named_twice and account.key_variable != other.key_variable
