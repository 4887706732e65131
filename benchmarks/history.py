"""Removals and the audit: a repository with 5,000 commits and 500 segment files.

Most commits edit a segment. One in fifty renames, moves, removes or adds one, so that there is
something to report. They are on one line, or on branches of four commits that start one merge
behind, and of which every fifth merges main. Each run builds the repository with `git fast-import`,
in a second or two, and packs it as a server does. The goal is two seconds: where `git log` takes
170 ms, a ratio of 10 is 1.7 seconds.
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
_RARE = 49
_ALL = ("--full-history", "--diff-merges=first-parent")
_EDIT = "    AND orders_count != "


def figures(runs: int) -> Iterator[Figure]:
    """Yield the time to read removals and to run `segctl history`, against `git log`."""
    commits = f"{COMMITS:,} commits"
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        now = make_repository(root, merges=True)
        label = f"removals of {commits} with merges / git log"
        names = command("git", "-C", folder, "log", *_ALL, "--name-only", "--", "segments")
        yield compare(label, lambda: _read(root, now), names, bound=8.0, runs=runs)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        now = make_repository(root)
        names = command(
            "git", "-C", folder, "log", "--first-parent", "--name-only", "--", "segments"
        )
        program = (sys.executable, "-m", "segctl", "-C", folder, "history")
        label = f"removals of {commits} / git log"
        yield compare(label, lambda: _read(root, now), names, bound=8.0, runs=runs)
        for label, argv in (("", ()), (" NAME", ("Segment 00007",))):
            name = f"segctl history{label}, {commits} / git log"
            show = command(*program, "--quiet", *argv)
            yield compare(name, show, names, bound=20.0, runs=runs)


def _read(root: Path, now: set[str]) -> None:
    history = read_removal_history(root, "segments", now)
    assert history.removals
    assert not history.unavailable


def make_repository(root: Path, *, merges: bool = False) -> set[str]:
    """Write the history; return the names that are declared at its end."""
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", str(root)], check=True)
    live = {path: data.decode() for path, data in files(FILES).items()}
    stream = [_commit("main", 0), *(_file(path, text) for path, text in live.items())]
    order = _order_with_merges() if merges else _order()
    changes: dict[int, list[bytes]] = {0: []}
    for number, branch, parents, repeated in order:
        changes[number] = [line for earlier in repeated for line in changes[earlier]]
        if branch == "work" or not merges:
            changes[number] += _change(live, number)
        stream += [_commit(branch, number, *parents), *changes[number]]
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}
    git = ["git", "-C", str(root)]
    data = b"".join(stream)
    subprocess.run([*git, "fast-import", "--quiet"], input=data, env=env, check=True)
    subprocess.run([*git, "repack", "-adq"], env=env, check=True)
    subprocess.run([*git, "reset", "--quiet", "--hard"], env=env, check=True)
    lines = (line for text in live.values() for line in text.splitlines())
    return {line.removeprefix("name: ") for line in lines if line.startswith("name: ")}


def _order() -> Iterator[tuple[int, str, tuple[int, ...], list[int]]]:
    """Yield the number of each commit, its branch, parents, and whose changes it repeats."""
    for number in range(1, COMMITS):
        yield number, "main", (number - 1,), []


def _order_with_merges() -> Iterator[tuple[int, str, tuple[int, ...], list[int]]]:
    """Yield the same for branches from the main branch as it was one merge ago."""
    before, main = 0, 0
    for first in range(1, COMMITS - 4, 5):
        base = before
        for number in range(first, first + 4):
            updates = first % 25 == 1 and number == first + 2 and main != base
            parents = (base, main) if updates else (base,)
            yield number, "work", parents, [main] if updates else []
            base = number
        yield first + 4, "main", (main, base), [*range(first, first + 4)]
        before, main = main, first + 4


def _change(live: dict[str, str], number: int) -> list[bytes]:
    """Change one of the live files; return what the commit says of it."""
    path = [*live][number * 7 % len(live)]
    text = live[path]
    if number % _RARE:
        live[path] = f"{text.split(_EDIT)[0]}{_EDIT}{number}\n"
        return [_file(path, live[path])]
    del live[path]
    removed = f"D {path}\n".encode()
    match number // _RARE % 4:
        case 0:  # removed
            return [removed]
        case 1:  # moved
            path = f"segments/moved/{number}.yaml"
        case 2:  # renamed
            text = text.replace("name: ", f"name: {number} ", 1)
        case _:  # replaced by another segment
            path, text = f"segments/new/{number}.yaml", text.replace("name: ", "name: N", 1)
    live[path] = text
    return [removed, _file(path, text)]


def _commit(branch: str, number: int, *parents: int) -> bytes:
    who = f"A Committer <committer@example.invalid> {1_700_000_000 + number * 600} +0000"
    words = f"Change segments (#{number})"
    lines = [
        f"commit refs/heads/{branch}",
        f"mark :{number + 1}",
        f"committer {who}",
        f"data {len(words)}\n{words}",
        *(
            f"{word} :{parent + 1}"
            for word, parent in zip(("from", "merge"), parents, strict=False)
        ),
    ]
    return "".join(f"{line}\n" for line in lines).encode()


def _file(path: str, text: str) -> bytes:
    data = text.encode()
    return f"M 100644 inline {path}\ndata {len(data)}\n".encode() + data + b"\n"
