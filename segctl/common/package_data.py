"""Files from the top level of the repository that ship inside the package.

An installed segctl has them beside its modules, a checkout at their usual place. Reads no other
file.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

_CHECKOUT_FOLDERS = {"schemas": "schemas", "github": ".github"}


def read_packaged(folder: str, name: str) -> bytes:
    """Return the bytes of a shipped file; `folder` is `schemas` or `github`, `name` a path in it.

    Raises `FileNotFoundError`.
    """
    packaged = resources.files("segctl").joinpath(folder, *name.split("/"))
    if packaged.is_file():
        return packaged.read_bytes()
    return Path(__file__).parents[2].joinpath(_CHECKOUT_FOLDERS[folder], name).read_bytes()
