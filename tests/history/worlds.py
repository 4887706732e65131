"""Worlds from moves: a repository with branches, and an account that people edit by hand.

A `World` holds the commits and the segments as values and knows who made each segment. Git gets
the commits of many worlds in one go, as a stream for `git fast-import`. Decides nothing about what
may be deleted (`oracle`).
"""

from __future__ import annotations

import dataclasses
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from tests.history.repository import START
from tests.support.builders import query, segment_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LIST = "0b1f4a10-5c1d-4a6e-9f02-000000000001"
NAMES = ("Churn risk", "Big spenders", "New in Brno", "VIP")
CONDITIONS = ("city = 'Ostrava'", "city = 'Jablonec'", "city = 'Brno'", "city = 'Praha'")
FOLDERS = ("segments", "audiences")
SUBUSERS = ("", "shop")
OTHER = "other/segments/"
"""The folder of the second project of the repository."""

ANOTHER = "another"
GROUP = "shops"
"""The other target of the project, and a group of both, perhaps."""

YEAR = 365 * 24 * 3600


@dataclass(frozen=True)
class Definition:
    """What decides an audience: a condition and a parent list."""

    condition: str
    parent: str | None = None

    @property
    def query(self) -> str:
        return query(self.condition)


@dataclass(frozen=True)
class File:
    """A segment file. `removed` is the value of that key, empty where it declares a segment."""

    name: str
    definition: Definition
    protected: bool = False
    adopt: bool = False
    previous: tuple[str, ...] = ()
    removed: str = ""
    target: str = ""
    """The target or group that it is for alone, empty for all."""

    def yaml(self) -> str:
        if self.removed:
            return f"name: {self.name}\nremoved: {self.removed}\n"
        extra = self._options()
        if self.previous:
            extra += f"previous_names: [{', '.join(self.previous)}]\n"
        return segment_yaml(
            self.name, self.definition.query, parent=self.definition.parent, extra=extra
        )

    def _options(self) -> str:
        """Return the keys that all instances of a file share."""
        extra = "allow_replace: true\n"
        extra += "protected: true\n" if self.protected else ""
        extra += "adopt: true\n" if self.adopt else ""
        return extra + (f"targets: [{self.target}]\n" if self.target else "")

    def like(self, other: File) -> File:
        """Return the same instance in the file of another one."""
        return dataclasses.replace(
            self,
            definition=Definition(self.definition.condition),
            protected=other.protected,
            adopt=other.adopt,
            removed=other.removed,
            target=other.target,
        )


def template_yaml(instances: dict[str, File]) -> str:
    """Return a file with these instances by their keys, which agree in what they share."""
    first = next(iter(instances.values()))
    items = ""
    for key, file in instances.items():
        before = (*file.previous, file.name)[0]
        city = file.definition.condition.split("'")[1]
        items += f"    {key}: {{name: {file.name}, before: {before}, city: {city}}}\n"
    for_each = f"for_each:\n  key:\n{items}"
    if first.removed:
        return f"name: ${{name}}\nremoved: {first.removed}\n{for_each}"
    extra = f"{first._options()}previous_names: ['${{before}}']\n{for_each}"
    return segment_yaml("${name}", query("city = @city"), extra=extra)


@dataclass(frozen=True)
class Tree:
    """The files of a commit by path, and the settings in segctl.yaml.

    The path of an instance has its key in brackets: the instances of a file are written as one.
    """

    files: tuple[tuple[str, File], ...] = ()
    folder: str = FOLDERS[0]
    subuser: str = ""
    other_subuser: str | None = None
    """The subuser of the second project; `None` where there is none."""

    in_group: bool = True
    """Whether the group `shops` has the target of the project."""

    @property
    def paths(self) -> dict[str, File]:
        return dict(self.files)

    @property
    def own(self) -> dict[str, File]:
        """The files of the project."""
        return {p: file for p, file in self.files if p.startswith(f"{self.folder}/")}

    @property
    def declared(self) -> dict[str, list[File]]:
        """The files of the project that declare segments, by name."""
        return _by_name({p: file for p, file in self.own.items() if self.declares(file)})

    def declares(self, file: File) -> bool:
        """Return whether a file declares its segment for the target of the project."""
        is_for_target = file.target != ANOTHER and (file.target != GROUP or self.in_group)
        return is_for_target and not file.removed

    @property
    def declared_by_other(self) -> dict[str, list[File]]:
        """The files of the second project that declare segments, by name."""
        if self.other_subuser is None:
            return {}
        other = dataclasses.replace(self, in_group=True)
        files = {p: file for p, file in self.files if p.startswith(OTHER)}
        return _by_name({p: file for p, file in files.items() if other.declares(file)})

    def forgets(self, name: str) -> bool:
        return any(file.removed == "forget" and file.name == name for file in self.own.values())

    def changed(self, changes: dict[str, File | None]) -> Tree:
        paths = {**self.paths, **changes}
        kept = {p: file for p, file in paths.items() if file is not None}
        return dataclasses.replace(self, files=tuple(sorted(_consistent(kept).items())))

    def texts(self) -> dict[str, str]:
        """Return every file of the commit with its text."""
        texts = {path: file.yaml() for path, file in self.files if not key_of(path)}
        instances: dict[str, dict[str, File]] = {}
        for path, file in self.files:
            if key_of(path):
                instances.setdefault(file_of(path), {})[key_of(path)] = file
        texts |= {path: template_yaml(items) for path, items in instances.items()}
        texts["segctl.yaml"] = _settings(self.folder, self.subuser, in_group=self.in_group)
        if self.other_subuser is not None:
            texts["other/segctl.yaml"] = _settings("segments", self.other_subuser)
        texts["README.md"] = "Segments\n"
        return texts


def file_of(path: str) -> str:
    """Return the path of the file of an instance, and any other path as it is."""
    return path.partition("[")[0]


def key_of(path: str) -> str:
    """Return the key of an instance, empty for the path of a file."""
    return path.partition("[")[2].removesuffix("]")


def _consistent(files: dict[str, File]) -> dict[str, File]:
    """Return files whose instances agree in what they share, and have names of their own.

    A merge can bring together what cannot be written as one file.
    """
    result: dict[str, File] = {}
    first: dict[str, File] = {}
    for path, file in sorted(files.items()):
        top = file_of(path)
        if not key_of(path):
            result[path] = file
        elif top not in files:
            item = file.like(first.setdefault(top, file))
            siblings = [other for p, other in result.items() if file_of(p) == top]
            if all(item.name != other.name for other in siblings):
                result[path] = item
    return result


def _by_name(files: dict[str, File]) -> dict[str, list[File]]:
    declared: dict[str, list[File]] = {}
    for _, file in sorted(files.items()):
        declared.setdefault(file.name, []).append(file)
    return declared


def _settings(folder: str, subuser: str, *, in_group: bool = True) -> str:
    members = "[production, another]" if in_group else "[another]"
    target = f"    subuser: {subuser}\n" if subuser else "    {}\n"
    return (
        f"version: 1\nsegments: {folder}\nlimits: {{max_destroy: 1000}}\n"
        f"default_target: production\ntargets:\n  production:\n{target}"
        f"  another:\n    api_key_env: ANOTHER_SENDGRID_KEY\ngroups: {{{GROUP}: {members}}}\n"
    )


@dataclass(frozen=True)
class Commit:
    """A commit: its mark, the marks of its parents, its committer's time and its files."""

    mark: int
    parents: tuple[int, ...]
    time: int
    tree: Tree
    is_dated_ahead: bool = False


@dataclass
class Segment:
    """A segment of the account. `id` stays when it is renamed; times are in seconds since 1970."""

    id: str
    name: str
    definition: Definition
    created: int
    updated: int
    by_hand: bool
    """Whether a person made it, or last changed its query, in SendGrid."""

    applied_names: set[str] = field(default_factory=set)
    """The names that an apply gave it: nobody else made it."""


Move: TypeAlias = tuple[str, int, int, int]


@dataclass
class World:
    """A repository and an account, after some moves."""

    moves: list[Move]
    commits: list[Commit] = field(default_factory=list)
    heads: dict[str, int] = field(default_factory=dict)
    segments: dict[str, Segment] = field(default_factory=dict)
    branch: str = "main"
    time: int = START
    done: Counter[str] = field(default_factory=Counter)
    _ids: int = 0

    def __post_init__(self) -> None:
        first = Tree().changed(
            {
                "segments/0.yaml": File(NAMES[0], Definition(CONDITIONS[0])),
                "segments/1.yaml": File(NAMES[1], Definition(CONDITIONS[1], LIST)),
            }
        )
        # Someone's segment is always there, since no plan may empty the account.
        self.create("Made by hand", Definition("total_spend > 9"), by_hand=True)
        self.time += 60
        self.heads["main"] = 0
        self._append((), first)
        self.apply()
        for move in self.moves:
            self.time += 60
            if self._make(*move):
                self.done[move[0]] += 1
        self.time += 60

    @property
    def head(self) -> Commit:
        return self.commits[self.heads[self.branch]]

    @property
    def tree(self) -> Tree:
        return self.head.tree

    def ancestors(self, mark: int) -> set[int]:
        """Return the marks of a commit and all its ancestors."""
        reached, waiting = {mark}, [mark]
        while waiting:
            for parent in self.commits[waiting.pop()].parents:
                if parent not in reached:
                    reached.add(parent)
                    waiting.append(parent)
        return reached

    def create(self, name: str, definition: Definition, *, by_hand: bool) -> None:
        self._ids += 1
        segment_id = f"0e0e0e0e-0000-4000-8000-{self._ids:012}"
        applied_names = set() if by_hand else {name}
        self.segments[segment_id] = Segment(
            segment_id, name, definition, self.time, self.time, by_hand, applied_names
        )

    def named(self, name: str) -> Segment | None:
        return next((s for s in self.segments.values() if s.name == name), None)

    def apply(self) -> None:
        """Bring the account to what main declares, as far as nobody can object to it.

        Touches no segment that a person made or changed. A file that changed its name in the last
        commits keeps its segment.
        """
        tree = self.commits[self.heads["main"]].tree
        declared = tree.declared
        if any(len(files) > 1 for files in declared.values()) or tree.subuser:
            return
        for path, file in tree.own.items():
            if not tree.declares(file) or self.named(file.name) is not None:
                continue
            names = [*file.previous, *self._earlier_names(path)]
            old = next((s for n in names if n not in declared and (s := self.named(n))), None)
            if old is not None and not old.by_hand:
                old.name, old.updated = file.name, self.time
                old.applied_names.add(file.name)
            else:
                self.create(file.name, file.definition, by_hand=False)
        for name, (file, *_) in declared.items():
            segment = self.named(name)
            assert segment is not None
            if segment.by_hand or segment.definition == file.definition:
                continue
            if segment.definition.parent != file.definition.parent:
                del self.segments[segment.id]
                self.create(name, file.definition, by_hand=False)
            else:
                segment.definition, segment.updated = file.definition, self.time
        for file in tree.own.values():
            segment = self.named(file.name)
            if file.removed == "true" and segment is not None:
                del self.segments[segment.id]

    def _earlier_names(self, path: str) -> list[str]:
        names = []
        commit = self.commits[self.heads["main"]]
        while commit.parents:
            commit = self.commits[commit.parents[0]]
            file = commit.tree.paths.get(path)
            if file is not None:
                names.append(file.name)
        return names

    def _append(
        self, parents: tuple[int, ...], tree: Tree, *, is_dated_ahead: bool = False
    ) -> None:
        time = self.time + YEAR if is_dated_ahead else self.time
        commit = Commit(len(self.commits), parents, time, tree, is_dated_ahead)
        self.commits.append(commit)
        self.heads[self.branch] = commit.mark

    def _change(self, changes: dict[str, File | None], *, ahead: bool = False) -> bool:
        self._append((self.head.mark,), self.tree.changed(changes), is_dated_ahead=ahead)
        return True

    def _change_file(self, path: str, **options: Any) -> bool:
        """Change a file, with all of its instances."""
        paths = [p for p in self.tree.own if file_of(p) == file_of(path)]
        return self._change({p: dataclasses.replace(self.tree.paths[p], **options) for p in paths})

    def _merged(self, ours: int, theirs: int) -> Tree:
        """Return the files of a merge; where both sides changed a file, theirs is taken."""
        shared = self.ancestors(ours) & self.ancestors(theirs)
        base = self.commits[max(shared)].tree if shared else Tree()
        our_tree, their_tree = self.commits[ours].tree, self.commits[theirs].tree
        old, new = base.paths, their_tree.paths
        changes = {p: new.get(p) for p in old.keys() | new.keys() if old.get(p) != new.get(p)}
        settings = {
            key: getattr(
                our_tree if getattr(their_tree, key) == getattr(base, key) else their_tree, key
            )
            for key in ("folder", "subuser", "other_subuser", "in_group")
        }
        merged = dataclasses.replace(our_tree, **settings)
        if merged.folder != our_tree.folder:
            # The files of the other side are moved along, as git's detection of renames does.
            moved = {_moved(p, merged.folder): f for p, f in our_tree.paths.items()}
            merged = dataclasses.replace(merged, files=tuple(sorted(moved.items())))
        changes = {_moved(p, merged.folder): f for p, f in changes.items()}
        return merged.changed(changes)

    def _make(self, kind: str, first: int, second: int, third: int) -> bool:  # noqa: C901, PLR0911, PLR0912, PLR0915 - a table
        """Carry out a move; return whether it was possible."""
        tree, folder = self.tree, self.tree.folder
        used = sorted(tree.own) or [""]
        path, target_path = used[first % len(used)], used[second % len(used)]
        taken = {file_of(p) for p in tree.paths}
        free_paths = [p for n in range(9) if (p := f"{folder}/{n}.yaml") not in taken]
        new_path = free_paths[third % len(free_paths)]
        free_names = [n for n in NAMES if n not in {f.name for f in tree.own.values()}]
        name = free_names[second % len(free_names)] if free_names else ""
        definition = Definition(CONDITIONS[third], LIST if first == 0 else None)
        file, target = tree.paths.get(path), tree.paths.get(target_path)
        if file is not None and file.removed and kind not in ("remove", "declare again"):
            file = None
        declared = [p for p, f in tree.own.items() if tree.declares(f)]
        segment, by_hand = self.named(NAMES[first]), self.named(name)
        unused = [n for n in NAMES if self.named(n) is None]
        match kind:
            case "declare" if name:
                return self._change({new_path: File(name, definition)})
            case "declare as is" if name and by_hand:
                return self._change({new_path: File(name, by_hand.definition)})
            case "declare again" if file and file.removed:
                return self._change_file(path, removed="")
            case "edit" if file and file.definition != definition:
                return self._change({path: dataclasses.replace(file, definition=definition)})
            case "protect" if file:
                return self._change_file(path, protected=not file.protected)
            case "adopt" if file:
                return self._change_file(path, adopt=True)
            case "for another target" if file and declared != [path]:
                return self._change_file(path, target="" if file.target else ANOTHER)
            case "for the group" if file:
                return self._change_file(path, target="" if file.target else GROUP)
            case "change the group":
                changed = dataclasses.replace(tree, in_group=not tree.in_group)
                self._append((self.head.mark,), changed)
                return True
            case "add a key" if file and name and not file.previous:
                added = File(name, definition).like(file)
                return self._change(
                    {**_as_instance(path, file, path), _free_key(path, tree): added}
                )
            case "replace a key" if file and name and key_of(path):
                added = dataclasses.replace(file, name=name, definition=definition, previous=())
                return self._change({path: None, _free_key(path, tree): added})
            case "rename a key" if file and key_of(path):
                new_name = name if third == 0 and name else file.name
                added = dataclasses.replace(file, name=new_name, previous=())
                return self._change({path: None, _free_key(path, tree): added})
            case "fold" if file and target and file_of(path) != file_of(target_path):
                folded = _as_instance(path, file, file_of(path) if third else new_path)
                new_key = _free_key(next(reversed(folded), path), tree)
                return self._change({**folded, target_path: None, new_key: target.like(file)})
            case "unfold" if file and key_of(path):
                siblings = [p for p in sorted(tree.own) if file_of(p) == file_of(path)]
                unfolded = dict(zip(free_paths, map(tree.paths.get, siblings), strict=False))
                return self._change({**dict.fromkeys(siblings), **unfolded})
            case "move a template" if file and key_of(path):
                siblings = [p for p in sorted(tree.own) if file_of(p) == file_of(path)]
                keys = {f"{new_path}[{key_of(p)}]": tree.paths[p] for p in siblings}
                return self._change({**dict.fromkeys(siblings), **keys})
            case "rename" if file and name:
                return self._change({path: dataclasses.replace(file, name=name, previous=())})
            case "previous_names" if file and name:
                new = dataclasses.replace(file, name=name, previous=(file.name,))
                return self._change({path: new})
            case "move" if file:
                return self._change({path: None, new_path: file})
            case "move and rename" if file and name:
                new = dataclasses.replace(file, name=name, previous=())
                return self._change({path: None, new_path: new})
            case "move, rename and edit" if file and name:
                new = dataclasses.replace(file, name=name, previous=(), definition=definition)
                return self._change({path: None, new_path: new})
            case "remove and declare" if file and name:
                return self._change({path: None, new_path: File(name, definition)})
            case "swap" if file and target and file is not target and tree.declares(target):
                renamed = dataclasses.replace(file, name=target.name, previous=(file.name,))
                other = dataclasses.replace(target, name=file.name, previous=(target.name,))
                return self._change({path: renamed, target_path: other})
            case "take its name" if (
                file and target and file is not target and tree.declares(target)
            ):
                new = dataclasses.replace(target, name=file.name, previous=(target.name,))
                return self._change({path: None, target_path: new})
            case "tombstone" if file and not file.removed and not file.protected:
                removed = "forget" if third % 2 else "true"
                return self._change_file(path, removed=removed, target="")
            case "remove" if path in tree.paths and declared != [path]:
                return self._change({path: None}, ahead=False)
            case "remove in the future" if file and declared != [path]:
                return self._change({path: None}, ahead=True)
            case "rename in the future" if file and name:
                new = dataclasses.replace(file, name=name, previous=())
                return self._change({path: new}, ahead=True)
            case "revert" if len(self.head.parents) == 1:
                self._append((self.head.mark,), self.commits[self.head.parents[0]].tree)
                return True
            case "branch" if len(self.heads) < 4:
                self.branch = f"work{len(self.commits)}"
                self.heads[self.branch] = self.heads["main"]
                return True
            case "switch":
                branches = sorted(self.heads)
                self.branch = branches[first % len(branches)]
                return True
            case "to main":
                self.branch = "main"
                return True
            case "merge" | "squash" | "rebase" | "fast-forward" | "octopus" | "merge main":
                return self._integrate(kind)
            case "cherry-pick" if self.branch == "main" and len(self.heads) > 1:
                picked = self.commits[self.heads[sorted(self.heads)[1]]]
                return self._replay([picked])
            case "move the folder" if not third:
                new_folder = FOLDERS[folder == FOLDERS[0]]
                if any(p.startswith(f"{new_folder}/") for p in tree.paths):
                    return False
                files = tuple(sorted((_moved(p, new_folder), f) for p, f in tree.files))
                moved = dataclasses.replace(tree, files=files, folder=new_folder)
                self._append((self.head.mark,), moved)
                return True
            case "change the subuser" if not third:
                changed = dataclasses.replace(tree, subuser=SUBUSERS[not tree.subuser])
                self._append((self.head.mark,), changed)
                return True
            case "second project" if tree.other_subuser is None and third < 2:
                changed = dataclasses.replace(tree, other_subuser=SUBUSERS[third])
                self._append((self.head.mark,), changed)
                return True
            case "to the second project" if file and tree.other_subuser is not None:
                return self._change({path: None, f"{OTHER}{first}.yaml": file})
            case "from the second project":
                theirs = tree.paths.get(f"{OTHER}{first}.yaml")
                if theirs is None or theirs.name in tree.declared:
                    return False
                return self._change({f"{OTHER}{first}.yaml": None, new_path: theirs})
            case "apply":
                self.apply()
                return True
            case "create by hand" if unused:
                self.create(unused[second % len(unused)], definition, by_hand=True)
                return True
            case "copy by hand" if unused and segment:
                self.create(unused[second % len(unused)], segment.definition, by_hand=True)
                return True
            case "edit by hand" if segment and segment.definition.condition != CONDITIONS[third]:
                segment.definition = dataclasses.replace(
                    segment.definition, condition=CONDITIONS[third]
                )
                segment.updated, segment.by_hand = self.time, True
                return True
            case "rename by hand" if segment and unused:
                segment.name, segment.updated = unused[second % len(unused)], self.time
                return True
            case "delete by hand" if segment:
                del self.segments[segment.id]
                return True
        return False

    def _integrate(self, kind: str) -> bool:  # noqa: C901, PLR0912 - a table
        """Bring a branch to main, or main to a branch."""
        branches = sorted(self.heads.keys() - {"main"})
        if kind == "merge main":
            behind = [
                b for b in branches if self.heads["main"] not in self.ancestors(self.heads[b])
            ]
            if not behind:
                return False
            self.branch = behind[0]
            merged = self._merged(self.head.mark, self.heads["main"])
            self._append((self.head.mark, self.heads["main"]), merged)
            return True
        if not branches:
            return False
        work = self.branch if self.branch != "main" else branches[0]
        ours, theirs = self.heads["main"], self.heads[work]
        new = self.ancestors(theirs) - self.ancestors(ours)
        if not new:
            return False
        self.branch = "main"
        merged = self._merged(ours, theirs)
        match kind:
            case "merge":
                self._append((ours, theirs), merged)
            case "squash":
                self._append((ours,), merged)
            case "rebase":
                self._replay([self.commits[mark] for mark in sorted(new)])
            case "fast-forward":
                if ours not in self.ancestors(theirs):
                    self.branch = work
                    return False
                self.heads["main"] = theirs
            case "octopus":
                self._append((ours,), merged)
                others = [b for b in branches if b != work]
                if not others:
                    self.commits.pop()
                    self._append((ours, theirs), merged)
                else:
                    third = self.heads[others[0]]
                    both = self._merged(self.head.mark, third)
                    self.commits.pop()
                    self._append((ours, theirs, third), both)
        if kind != "fast-forward":
            del self.heads[work]
        return True

    def _replay(self, commits: list[Commit]) -> bool:
        """Apply the changes of commits again, as a rebase or a cherry-pick does."""
        for commit in commits:
            if len(commit.parents) != 1:
                continue
            before, after = self.commits[commit.parents[0]].tree.paths, commit.tree.paths
            changes = {
                _moved(p, self.tree.folder): after.get(p)
                for p in before.keys() | after.keys()
                if before.get(p) != after.get(p)
            }
            self.time += 1
            self._append((self.head.mark,), self.tree.changed(changes))
        return True

    def stream(self, ref: str, first_mark: int) -> Iterator[str]:
        """Yield the lines that make `git fast-import` write the commits of the current branch."""
        reachable = self.ancestors(self.head.mark)
        for commit in self.commits:
            if commit.mark not in reachable:
                continue
            yield f"commit {ref}"
            yield f"mark :{first_mark + commit.mark}"
            yield f"committer A Committer <a@example.invalid> {commit.time} +0000"
            yield "data 6\nChange"
            for number, parent in enumerate(commit.parents):
                yield f"{'merge' if number else 'from'} :{first_mark + parent}"
            yield "deleteall"
            for path, text in commit.tree.texts().items():
                yield f"M 100644 inline {path}\ndata {len(text.encode())}\n{text}"
        yield f"reset {ref}\nfrom :{first_mark + self.head.mark}\n"

    def describe(self) -> str:
        """Return the world for people: the moves, the commits with their files, the account."""
        lines = ["moves:", *(f"  {move}" for move in self.moves), "", "commits:"]
        reachable = self.ancestors(self.head.mark)
        for commit in self.commits:
            if commit.mark in reachable:
                tree = commit.tree
                ahead = ", dated ahead" if commit.is_dated_ahead else ""
                settings = f"{tree.folder} of `{tree.subuser}`, other {tree.other_subuser!r}"
                settings += "" if tree.in_group else ", not in the group"
                parents = ", ".join(map(str, commit.parents))
                lines.append(f"  {commit.mark} ({parents}) at {commit.time}{ahead}: {settings}")
                lines += [f"      {path}: {file}" for path, file in tree.files]
        lines += ["", "account:", *(f"  {segment}" for segment in self.segments.values())]
        return "\n".join(lines)


def _as_instance(path: str, file: File, new_path: str) -> dict[str, File | None]:
    """Return the changes that make a file one with instances, none where it is."""
    return {} if key_of(path) else {path: None, f"{new_path}[own]": file.like(file)}


def _free_key(path: str, tree: Tree) -> str:
    """Return the path of a new instance of a file."""
    file = file_of(path)
    return next(p for n in range(99) if (p := f"{file}[k{n}]") not in tree.paths)


def _moved(path: str, folder: str) -> str:
    """Return the path of a project's file in another folder of the project."""
    top, _, rest = path.partition("/")
    return f"{folder}/{rest}" if top in FOLDERS else path


KINDS = {
    "declare": 4,
    "declare as is": 2,
    "declare again": 2,
    "edit": 4,
    "protect": 1,
    "adopt": 1,
    "rename": 4,
    "previous_names": 2,
    "move": 1,
    "move and rename": 3,
    "move, rename and edit": 2,
    "remove and declare": 1,
    "swap": 1,
    "take its name": 1,
    "tombstone": 1,
    "for another target": 2,
    "for the group": 3,
    "change the group": 2,
    "add a key": 6,
    "replace a key": 2,
    "rename a key": 2,
    "fold": 3,
    "unfold": 2,
    "move a template": 1,
    "remove": 8,
    "remove in the future": 1,
    "rename in the future": 1,
    "revert": 3,
    "branch": 4,
    "switch": 6,
    "merge": 3,
    "squash": 2,
    "rebase": 2,
    "fast-forward": 1,
    "octopus": 2,
    "merge main": 6,
    "cherry-pick": 2,
    "move the folder": 1,
    "change the subuser": 1,
    "second project": 1,
    "to the second project": 5,
    "from the second project": 4,
    "apply": 8,
    "create by hand": 4,
    "copy by hand": 2,
    "edit by hand": 3,
    "rename by hand": 1,
    "delete by hand": 1,
}
"""The moves, and how often each is tried."""


CHANGES = [
    *("declare", "edit", "rename", "move and rename", "remove", "remove", "protect", "apply"),
    *("tombstone", "revert", "previous_names", "create by hand", "edit by hand"),
    *("add a key", "fold", "rename a key", "for another target"),
    *("for the group", "change the group"),
]
INTEGRATIONS = ("merge", "squash", "rebase", "fast-forward", "octopus", "merge main", "cherry-pick")


def moves_of(seed: int) -> list[Move]:
    """Return the moves of a seed. Every second one has branches, each with a few changes."""
    chance = random.Random(seed)  # noqa: S311 - not for secrets

    def pick(kinds: Sequence[str], weights: Sequence[int] | None, most: int) -> list[str]:
        return chance.choices(kinds, weights, k=chance.randint(0, most))

    everything, weights = list(KINDS), list(KINDS.values())
    kinds = pick(everything, weights, 14)
    if seed % 2:
        for _ in range(chance.randint(1, 2)):
            for _ in range(chance.randint(1, 2)):
                kinds += ["branch", *pick(CHANGES, None, 4), "to main"]
            kinds += pick(CHANGES, None, 4)
            kinds += [chance.choice(INTEGRATIONS), *pick(CHANGES, None, 2)]
            kinds += [chance.choice(INTEGRATIONS)]
    kinds += pick(everything, weights, 5)
    return [(kind, *(chance.randrange(4) for _ in range(3))) for kind in kinds]  # type: ignore[misc]
