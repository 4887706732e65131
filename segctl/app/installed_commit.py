"""Which commit of segctl's repository this program is, for those who install the same one."""

from __future__ import annotations

import json
import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from segctl.history.git import current_commit

if TYPE_CHECKING:
    from collections.abc import Mapping

REPOSITORY = "https://github.com/segctl/segctl"


def installed_commit(env: Mapping[str, str]) -> str | None:
    """Return the commit that runs, as the action's input `version` takes it; `None` if unknown.

    It is `COMMIT`, or `git+URL@COMMIT` if pip installed it from another repository. It is known if
    segctl runs in a checkout or was installed from one, or from a repository (PEP 610,
    `direct_url.json`). A wheel, as of a release, does not say.
    """
    checkout = Path(__file__).parents[2]
    if (checkout / ".git").exists():
        return current_commit(checkout, env=env)
    try:
        text = distribution("segctl").read_text("direct_url.json")
        origin: Any = json.loads(text or "{}")
    except (PackageNotFoundError, OSError, ValueError):
        return None
    return _commit_of(origin, env)


def _commit_of(origin: dict[str, Any], env: Mapping[str, str]) -> str | None:
    """Return the commit of a `direct_url.json`, as `installed_commit` does."""
    url = str(origin.get("url", ""))
    if "dir_info" in origin:
        return current_commit(Path(url2pathname(urlsplit(url).path)), env=env)
    commit = str(origin.get("vcs_info", {}).get("commit_id", ""))
    if not re.fullmatch(r"[0-9a-f]{40}", commit) or not re.fullmatch(r"[\w:/.~%+-]+", url):
        return None
    is_own = url.removesuffix("/").removesuffix(".git") == REPOSITORY
    return commit if is_own else f"git+{url}@{commit}"
