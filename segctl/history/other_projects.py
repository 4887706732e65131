"""What else the repository declares at HEAD: the files of other projects, and moved ones.

A file that moves from one project to another removes nothing if both are for the same account.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from segctl.declarations.segment_file import read_file
from segctl.errors import UsageError
from segctl.history.git_log import counts, is_file, is_segment_file
from segctl.history.git_process import SUBMODULE, TIMEOUT, Git
from segctl.history.name_scan import possible_name
from segctl.history.places import Account, Place, may_share_account, read_place
from segctl.model import Tombstone
from segctl.project.location import FILE as SETTINGS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path


def declared_by_others(
    git: Git, folder: str, names: Collection[str], account: Account | None
) -> dict[str, str]:
    """Return the names that other projects of the repository declare at HEAD, with the files.

    Leaves out projects that are for other accounts than this one. The files are relative to the
    top. Raises `UsageError` where git fails.
    """
    files = git.files_at("HEAD") if names else {}
    own = f"{git.at(folder)}/"
    folders = _folders_of_others(git, files, account)
    paths = sorted(path for path in files if is_segment_file(path) and not path.startswith(own))
    paths = [path for path in paths if counts(path, folders)]
    contents = git.contents({files[path] for path in paths})
    declared: dict[str, str] = {}
    for path in paths:
        data = contents[files[path]]
        name = possible_name(data)
        if name in names and not _is_tombstone(path, data):
            declared.setdefault(name, path)
    return declared


def _folders_of_others(
    git: Git, files: Mapping[str, str], account: Account | None
) -> tuple[str, ...]:
    """Return the folders of the other projects' segment files, each with a slash at its end."""
    tops = {posixpath.dirname(path) for path in files if posixpath.basename(path) == SETTINGS}
    settings = {top: posixpath.join(top, SETTINGS) for top in tops}
    texts = git.contents({files[path] for path in settings.values()})
    # A project needs no segctl.yaml: then its files are in the folder of that name.
    places = {top: Place() for top in _tops_without_settings(files, tops)}
    # Of a broken segctl.yaml nothing is known but where the files probably are.
    places |= {top: read_place(texts[files[path]]) or Place() for top, path in settings.items()}
    own = posixpath.dirname(git.at(SETTINGS))
    return tuple(
        f"{posixpath.normpath(posixpath.join(top, place.folder))}/"
        for top, place in places.items()
        if top != own and may_share_account(place.accounts, account)
    )


def _tops_without_settings(files: Iterable[str], tops: Collection[str]) -> set[str]:
    """Return the folders without segctl.yaml that have segment files where the default is."""
    default = Place().folder
    folders = {posixpath.dirname(path) for path in files if is_segment_file(path)}
    others = {
        "/".join(parts[:index])
        for parts in (folder.split("/") for folder in folders)
        for index, part in enumerate(parts)
        if part == default
    }
    return others - set(tops)


def _is_tombstone(path: str, data: bytes) -> bool:
    """Return whether a file removes or forgets a segment instead of declaring it."""
    if b"removed" not in data:
        return False
    contents, _ = read_file(path, data, {}, "")
    return any(isinstance(content, Tombstone) for content in contents or ())


def find_declared_elsewhere(
    root: Path, folder: str, names: Collection[str], env: Mapping[str, str]
) -> tuple[str, str] | None:
    """Return a file outside of a folder that declares one of the names at HEAD, and that name.

    The file is relative to `root`. Raises `UsageError` where git fails, or where a submodule could
    contain such a file.
    """
    git = Git(root, env, TIMEOUT)
    blobs = {}
    for mode, blob, path in git.tree("HEAD", "."):
        if mode == SUBMODULE:
            raise UsageError(
                f"`{path}` is a submodule, which may contain the files",
                hint=f"to remove them on purpose, keep {folder}/ with an empty file `.gitkeep`",
            )
        if is_file(mode) and is_segment_file(path) and not path.startswith(f"{folder}/"):
            blobs[path] = blob
    contents = git.contents(dict.fromkeys(blobs.values()))
    for path, blob_id in blobs.items():
        name = possible_name(contents[blob_id])
        if name in names:
            return path, name
    return None
