"""Removals and the audit: a repository with 5,000 commits and 500 segment files.

Most commits edit a segment. One in fifty renames, moves, removes or adds one, so that there is
something to report. Each run builds the repository with `git fast-import`, in a second or two, and
packs it as a server does. The goal is two seconds: where `git log` takes 170 ms, a ratio of 10 is
1.7 seconds.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import Figure, command, compare
from benchmarks.world import files
from segctl.history.git import read_removal_history

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMITS = 5000
FILES = 500
_RARE = 50
_EDIT = "    AND orders_count != "


def figures(runs: int) -> Iterator[Figure]:
    """Yield the time to read removals and to run `segctl history`, against `git log`."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        now = make_repository(root)
        names = command(
            "git", "-C", folder, "log", "--first-parent", "--name-only", "--", "segments"
        )
        program = (sys.executable, "-m", "segctl", "-C", folder, "history")

        def removals() -> None:
            read = read_removal_history(root, "segments", now)
            assert read.removals
            assert not read.unavailable

        commits = f"{COMMITS:,} commits"
        yield compare(f"removals of {commits} / git log", removals, names, bound=8.0, runs=runs)
        for label, argv in (("", ()), (" NAME", ("Segment 00007",))):
            name = f"segctl history{label}, {commits} / git log"
            show = command(*program, "--quiet", *argv)
            yield compare(name, show, names, bound=20.0, runs=runs)


def make_repository(root: Path) -> set[str]:
    """Write the history; return the names that are declared at its end."""
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", str(root)], check=True)
    live = {path: data.decode() for path, data in files(FILES).items()}
    stream = [_commit(0), *(_file(path, text) for path, text in live.items())]
    for number in range(1, COMMITS):
        stream.append(_commit(number))
        path = [*live][number * 7 % len(live)]
        text = live[path]
        if number % _RARE:
            live[path] = f"{text.split(_EDIT)[0]}{_EDIT}{number}\n"
        else:
            del live[path]
            stream.append(f"D {path}\n".encode())
            match number // _RARE % 4:
                case 0:  # removed
                    continue
                case 1:  # moved
                    path = f"segments/moved/{number}.yaml"
                case 2:  # renamed
                    text = text.replace("name: ", f"name: {number} ", 1)
                case _:  # replaced by another segment
                    path, text = f"segments/new/{number}.yaml", text.replace("name: ", "name: N", 1)
            live[path] = text
        stream.append(_file(path, live[path]))
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}
    git = ["git", "-C", str(root)]
    data = b"".join(stream)
    subprocess.run([*git, "fast-import", "--quiet"], input=data, env=env, check=True)
    subprocess.run([*git, "repack", "-adq"], env=env, check=True)
    subprocess.run([*git, "reset", "--quiet", "--hard"], env=env, check=True)
    lines = (line for text in live.values() for line in text.splitlines())
    return {line.removeprefix("name: ") for line in lines if line.startswith("name: ")}


def _commit(number: int) -> bytes:
    who = f"A Committer <committer@example.invalid> {1_700_000_000 + number * 600} +0000"
    words = f"Change segments (#{number})"
    return f"commit refs/heads/main\ncommitter {who}\ndata {len(words)}\n{words}\n".encode()


def _file(path: str, text: str) -> bytes:
    data = text.encode()
    return f"M 100644 inline {path}\ndata {len(data)}\n".encode() + data + b"\n"
