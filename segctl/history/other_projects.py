"""What else the repository declares at HEAD: the files of other projects, and moved ones.

A file that moves from one project to another removes nothing if both are for the same account.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from segctl.declarations.segment_file import read_file
from segctl.errors import UsageError
from segctl.history.former_bindings import SettingsReader, read_texts
from segctl.history.git_log import counts, is_file, is_segment_file
from segctl.history.git_process import SUBMODULE, TIMEOUT, Git
from segctl.history.name_scan import is_dynamic, name_pattern, possible_name
from segctl.history.places import Place, may_share_account, read_place
from segctl.model import Declared, Tombstone
from segctl.model.values import INSTANCES_FILE
from segctl.project.location import FILE as SETTINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from pathlib import Path

    from segctl.declarations.bindings import Bindings
    from segctl.model.accounts import Account


def declared_by_others(
    git: Git, folder: str, names: Collection[str], account: Account | None
) -> dict[str, str]:
    """Return the names that other projects of the repository declare at HEAD, with the files.

    Leaves out projects that are for other accounts than this one. The files are relative to the
    top. Raises `UsageError` where git fails.
    """
    files = git.files_at("HEAD") if names else {}
    own = f"{git.at(folder)}/"
    settings = _settings_of_others(git, files, account)
    paths = sorted(path for path in files if is_segment_file(path) and not path.startswith(own))
    paths = [path for path in paths if counts(path, settings)]
    contents = git.contents({files[path] for path in paths})
    bindings: dict[str, list[Bindings] | None] = {}
    declared: dict[str, str] = {}
    for path in paths:
        data = contents[files[path]]
        if is_dynamic(data):
            top = max((top for top in settings if path.startswith(top)), key=len)
            if top not in bindings:
                instances = files.get(f"{top}{INSTANCES_FILE}")
                sets = None if instances is None else contents[instances]
                bindings[top] = _bindings(settings[top], sets, account)
            declares = _names_in(path, data, bindings[top])
        else:
            names_here = set() if _is_tombstone(path, data) else {possible_name(data)}
            declares = names_here.__contains__
        for name in filter(declares, names):
            declared.setdefault(name, path)
    return declared


def _bindings(
    settings: bytes | None, sets: bytes | None, account: Account | None
) -> list[Bindings] | None:
    """Return what names stand for in another project, for each account that may be this one.

    `settings` and `sets` are the bytes of its segctl.yaml and instances.yaml. `None` where the
    former is broken.
    """
    any_target = SettingsReader(None).read(settings)
    if any_target is None:
        return None
    bindings = []
    for target, of_account in any_target.accounts.items():
        reader = SettingsReader(target)
        of_target = reader.read(settings)
        if of_target is not None and may_share_account([of_account], account):
            bindings.append(reader.texts(of_target, INSTANCES_FILE, sets))
    return bindings


def _names_in(path: str, data: bytes, bindings: list[Bindings] | None) -> Callable[[str], bool]:
    """Return whether a file declares a name with any of the bindings.

    Where it is broken with one of them, or none are known, it may declare what fits its name.
    """
    versions = [read_texts(path, data, "", of_target) for of_target in bindings or ()]
    if bindings is None or None in versions:
        pattern = name_pattern(possible_name(data))
        return lambda name: pattern.fullmatch(name) is not None
    contents = (item for version in versions for item in version or ())
    return {item.name for item in contents if isinstance(item, Declared)}.__contains__


def _settings_of_others(
    git: Git, files: Mapping[str, str], account: Account | None
) -> dict[str, bytes | None]:
    """Return the settings of the other projects by the folder of their segment files.

    Each folder has a slash at its end, and no settings where there is no segctl.yaml.
    """
    tops = {posixpath.dirname(path) for path in files if posixpath.basename(path) == SETTINGS}
    settings = {top: posixpath.join(top, SETTINGS) for top in tops}
    texts = git.contents({files[path] for path in settings.values()})
    # A project needs no segctl.yaml: then its files are in the folder of that name.
    places = {top: Place() for top in _tops_without_settings(files, tops)}
    # Of a broken segctl.yaml nothing is known but where the files probably are.
    places |= {top: read_place(texts[files[path]]) or Place() for top, path in settings.items()}
    own = posixpath.dirname(git.at(SETTINGS))
    return {
        f"{posixpath.normpath(posixpath.join(top, place.folder))}/": (
            texts[files[settings[top]]] if top in settings else None
        )
        for top, place in places.items()
        if top != own and may_share_account(place.accounts, account)
    }


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
        pattern = name_pattern(possible_name(contents[blob_id]))
        for name in sorted(names):
            if pattern.fullmatch(name):
                return path, name
    return None
