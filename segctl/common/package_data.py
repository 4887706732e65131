"""Files that stand at the top level of the project and travel inside the package.

Owns where they are: in an installed segctl beside its modules, in a checkout where people look for
them. Reads them and nothing else.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

_PLACES = {"schemas": "schemas", "github": ".github"}


def read_packaged(folder: str, name: str) -> bytes:
    """Give the bytes of a shipped file; `folder` is `schemas` or `github`, `name` its path there.

    Raises `FileNotFoundError`.
    """
    packaged = resources.files("segctl").joinpath(folder, *name.split("/"))
    if packaged.is_file():
        return packaged.read_bytes()
    return Path(__file__).parents[2].joinpath(_PLACES[folder], name).read_bytes()
