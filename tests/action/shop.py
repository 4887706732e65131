"""A checkout with a segment file, its account, and its repository on the fake GitHub."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.action.hub import Hub, serve_hub
from tests.action.runner import Run, run_action
from tests.support.account import KEY
from tests.support.builders import query, segment_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.account import Remote

TOKEN = "token-of-the-run"


@dataclass
class Shop:
    """A checkout, an account and a repository on the fake GitHub. `env` is that of the job."""

    root: Path
    hub: Hub
    remote: Remote
    env: dict[str, str] = field(default_factory=dict)

    def git(self, *argv: str) -> str:
        return subprocess.run(
            ["git", "-c", "user.name=Test", "-c", "user.email=test@example.com", *argv],
            cwd=self.root,
            env={"PATH": os.environ["PATH"], "HOME": str(self.root.parent)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()

    def commit(self, files: dict[str, str | None]) -> str:
        """Write files (`None` removes one), commit them, and return the commit."""
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if text is None:
                path.unlink()
            else:
                path.write_text(text, "utf-8")
        self.git("add", "-A")
        self.git("commit", "-qm", "Change the segments")
        return self.git("rev-parse", "HEAD")

    def run(self, *, pull: int | None = None, key: str = KEY, **inputs: str) -> Run:
        env = {
            "GITHUB_API_URL": self.hub.url,
            "SEGCTL_BASE_URL": self.remote.url,
            **self.env,
        }
        inputs["api_key"] = key
        event: dict[str, Any] = {"pull_request": {"number": pull}} if pull else {}
        github = {"token": TOKEN, "event": event, "sha": self.git("rev-parse", "HEAD")}
        done = run_action(self.root, env, github, **inputs)
        for text in (done.log, done.summary, *self.hub.comments_on(7)):
            assert KEY not in text
            assert TOKEN not in text
        return done

    def merge(self, commit: str) -> None:
        """Record on GitHub that this commit merged #7."""
        self.hub.merge(7, commit)


@contextmanager
def serve_shop(folder: Path, remote: Remote) -> Iterator[Shop]:
    """Serve a repository with one commit, which declares the segment `VIP`."""
    root = folder / "checkout"
    root.mkdir()
    with serve_hub() as hub:
        shop = Shop(root, hub, remote)
        shop.git("init", "-q", "-b", "main")
        shop.commit({"segments/vip.yaml": segment_yaml("VIP", query("total_spend > 500"))})
        yield shop
