"""The first-parent history of a folder as git has it, and from which commit on it proves something.

Before that commit, segctl.yaml named another account or folder, or the folder's files were those of
another one. Does not decide what the history means for a segment (`timeline`, `planning`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.history.folder_moves import FolderMoves, find_moves
from segctl.history.git_log import LOG, parse_log, parse_moves
from segctl.history.moved_over import last_moved_over
from segctl.history.name_scan import possible_name
from segctl.history.places import Place, places_of
from segctl.history.timeline import Timeline
from segctl.planning.ownership import PlaceChange, PlaceKind, Removal
from segctl.project.location import FILE as SETTINGS

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from segctl.history.commits import Commit
    from segctl.history.former_bindings import SettingsReader
    from segctl.history.git_process import Git
    from segctl.model.accounts import Account

_MOVES = (
    *("log", "--no-walk=unsorted", "--stdin", "--diff-merges=first-parent", "--name-status", "-z"),
    # The limit is git's own; it holds whatever the user's settings are.
    *("--find-renames", "-l1000", "--diff-filter=R", "--no-ext-diff", "--no-textconv"),
    *("--no-color", "--no-notes", "--no-show-signature", "--format=tformat:%H"),
)


@dataclass(frozen=True, slots=True)
class FolderHistory:
    """The history of a folder, with the paths that it had under former names read as today's.

    `head` is the commit that was checked out. `places` has where each commit sends the segments.
    `names_left` are the names that files of other folders may have declared while segctl.yaml named
    those.
    """

    head: str
    timeline: Timeline
    places: Sequence[Place]
    moves: FolderMoves
    names_left: frozenset[str]


def read_folder_history(git: Git, folder: str, settings: SettingsReader) -> FolderHistory:
    """Read the history of a folder, relative to the project, from its first commit to HEAD.

    `settings` reads segctl.yaml for the target.

    Raises `UsageError` where git, the repository or a commit is missing, or the history is
    incomplete or cannot be read.
    """
    head = git.head()
    git.refuse_other_histories(head, folder)
    # Without a segctl.yaml, as there was before the first one, the folder is that of the default.
    folders = dict.fromkeys((folder, Place().folder))
    commits = _read_log(git, head, folders)
    places = _places(git, commits)
    others = {place.folder for place in places} - folders.keys()
    if others:
        commits = _read_log(git, head, [*folders, *sorted(others)])
        places = _places(git, commits)
    moves = find_moves(commits, places, folder)
    today = [moves.read_as_today(commit, index) for index, commit in enumerate(commits)]
    left = [
        change.blob
        for index, commit in enumerate(commits)
        for change in commit.segments
        if change.blob
        and change.path.startswith(f"{places[index].folder}/")
        and moves.path_today(change.path, index) is None
    ]
    blobs = dict.fromkeys(left) | {
        change.blob: None
        for commit in today
        for change in (*commit.segments, *commit.queries, *commit.settings)
        if change.blob
    }
    contents = git.contents(blobs)
    timeline = Timeline(today, contents, folder, _renamed_files(git, today, moves), settings)
    # Names that depend on values are not known here: what has one is left alone without a remark.
    names_left = frozenset(possible_name(contents[blob]) for blob in left) - {""}
    return FolderHistory(head, timeline, places, moves, names_left)


@dataclass(frozen=True, slots=True)
class ProvenHistory:
    """The part of a history that counts for an account, and what it removed.

    `change` is what the part begins after, `None` where it is the whole.
    """

    timeline: Timeline
    removals: tuple[Removal, ...]
    change: PlaceChange | None = None


def prove_for(
    git: Git, history: FolderHistory, account: Account | None, now_declared: Collection[str]
) -> ProvenHistory:
    """Return the part of a history that counts for an account.

    Raises `UsageError` where git fails.
    """
    timeline, moves = history.timeline, history.moves
    commits = timeline.commits
    for_another = [index for index, place in enumerate(history.places) if not place.is_for(account)]
    removals = timeline.removals(now_declared)
    by_id = {commit.id: index for index, commit in enumerate(commits)}
    removing = {by_id[removal.commit] for removal in removals}
    moved_over = last_moved_over(git, commits, moves.folder, moves.moves, removing)
    since, kind = max(
        (for_another[-1] + 1 if for_another else 0, PlaceKind.ACCOUNT),
        (moves.since, PlaceKind.FOLDER),
        (moved_over or 0, PlaceKind.FILES),
        key=lambda change: change[0],
    )
    if not since:
        return ProvenHistory(timeline, removals)
    counted = timeline.since(since)
    proven = counted.removals(now_declared)
    names = {removal.name for removal in removals} | history.names_left
    names -= {removal.name for removal in proven} | {*now_declared}
    commit = commits[since].ref if since < len(commits) else None
    return ProvenHistory(counted, proven, PlaceChange(kind, commit, tuple(sorted(names))))


def _read_log(git: Git, head: str, folders: Collection[str]) -> list[Commit]:
    """Return the first-parent commits that touched the folders or segctl.yaml, oldest first."""
    paths = (git.at(path) for path in (*folders, SETTINGS))
    output = git.run(*LOG, "--first-parent", *git.relative, head, "--", *paths)
    commits = list(parse_log(output, *(f"{folder}/" for folder in folders)))
    commits.reverse()
    return commits


def _places(git: Git, commits: Sequence[Commit]) -> list[Place]:
    blobs = {change.blob for commit in commits for change in commit.settings if change.blob}
    return places_of(commits, git.contents(blobs) if blobs else {})


def _renamed_files(
    git: Git, commits: Sequence[Commit], moves: FolderMoves
) -> dict[str, dict[str, str]]:
    """Return the new paths of the files that git finds moved, by commit and old path."""
    candidates = [
        f"{commit.id}\n"
        for commit in commits
        if {change.blob is None for change in commit.segments} == {True, False}
    ]
    if not candidates:
        return {}
    paths = (git.at(folder) for folder in moves.folders)
    output = git.run(*_MOVES, *git.relative, "--", *paths, data="".join(candidates).encode())
    return {
        commit: {
            moves.path_today(old) or old: moves.path_today(new) or new
            for old, new in renamed.items()
        }
        for commit, renamed in parse_moves(output).items()
    }
