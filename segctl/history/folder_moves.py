"""The folder of the segment files over time: which former folders are today's, under another name.

`segments` in segctl.yaml can change. If the files moved with it, all of them and to where no file
ever was, they are the same segments, and their former paths are read as today's. Otherwise nothing
shows that the folder of before was for the same segments. Pure.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from segctl.history.commits import Commit, FileChange
    from segctl.history.places import Place


@dataclass(frozen=True, slots=True)
class FolderMoves:
    """The former names of a folder, and the first commit from which on its history counts.

    `moves` has the former folders, each with the commit that moved its files. `since` is the number
    of commits if segctl.yaml is not committed as it is.
    """

    folder: str
    since: int = 0
    moves: Mapping[str, int] = dataclasses.field(default_factory=dict)

    @property
    def folders(self) -> tuple[str, ...]:
        """Today's name of the folder, and the former ones."""
        return self.folder, *self.moves

    def read_as_today(self, commit: Commit, index: int | None = None) -> Commit:
        """Return a commit with today's paths, without the changes of files that are not today's.

        After its files have moved, a former folder counts no more; without an `index`, it does.
        """
        return dataclasses.replace(
            commit,
            segments=self._today(commit.segments, index),
            queries=self._today(commit.queries, index),
        )

    def path_today(self, path: str, index: int | None = None) -> str | None:
        """Return today's path of a file, `None` if it is not one of today's folder."""
        if path.startswith(f"{self.folder}/"):
            return path
        for former, move in self.moves.items():
            if path.startswith(f"{former}/") and (index is None or index <= move):
                return f"{self.folder}/{path.removeprefix(f'{former}/')}"
        return None

    def _today(self, changes: Iterable[FileChange], index: int | None) -> tuple[FileChange, ...]:
        today: dict[str, FileChange] = {}
        for change in changes:
            path = self.path_today(change.path, index)
            # The commit that moves a file removes one path and adds the other.
            if path is not None and (path not in today or change.blob is not None):
                is_today = path == change.path
                today[path] = change if is_today else dataclasses.replace(change, path=path)
        return tuple(today.values())


def find_moves(commits: Sequence[Commit], places: Sequence[Place], folder: str) -> FolderMoves:
    """Return how a folder moved. `commits` have the changes of all folders that places name."""
    moves: dict[str, int] = {}
    current = folder
    for index in reversed(range(len(commits))):
        former = places[index].folder
        if former == current:
            continue
        changed = index + 1
        move = None if changed == len(commits) else _find_move(commits, former, current)
        # The files and segctl.yaml may be changed in two commits, in either order.
        if move is None or abs(move - changed) > 1 or former in {folder, *moves}:
            return FolderMoves(folder, changed, moves)
        moves[former] = move
        current = former
    return FolderMoves(folder, 0, moves)


def _find_move(commits: Sequence[Commit], former: str, current: str) -> int | None:
    """Return the commit that moved all files from a folder to where none ever was, if one did."""
    live: set[str] = set()
    for index, commit in enumerate(commits):
        before = len(live)
        for change in commit.segments:
            if change.path.startswith(f"{former}/"):
                (live.discard if change.blob is None else live.add)(change.path)
        if any(change.path.startswith(f"{current}/") for change in commit.segments):
            return index if before and not live else None
    return None
