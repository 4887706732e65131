"""Which segments are declared by one file with `for_each`, and the proof that it declares them.

Groups segments whose queries are equal but for literals, and whose names differ in words, and folds
those for which one file is shorter than all of theirs. A file is only proposed if its reader finds
exactly the segments in it; reading is the caller's. Pure.
"""

from __future__ import annotations

import posixpath
from collections import defaultdict
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, TypeAlias

from segctl.common.secrets import redact
from segctl.declarations.filenames import slug
from segctl.errors import Diagnostic, Severity
from segctl.importing.folded_text import FoldedParts, Place, folded_text
from segctl.importing.folding import (
    Column,
    VaryingText,
    fold_columns,
    varying_middles,
    varying_text,
)
from segctl.importing.query_literals import QueryShape, query_shape
from segctl.importing.word_patterns import divisions, splits
from segctl.planning.equality import changed_fields
from segctl.planning.wording import list_names

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence

    from segctl.declarations.collection import Declarations
    from segctl.importing.query_literals import Literal
    from segctl.model import Metadata, Segment
    from segctl.model.contact_fields import ListNames
    from segctl.model.values import Value

    Reader: TypeAlias = "Callable[[str, str], Declarations]"

MIN_SEGMENTS = 3
"""The fewest segments that are worth a file with values."""

SLUG = "{slug}"
_SIMILAR = 0.75
_MAX_REASONS = 3


@dataclass(frozen=True, slots=True)
class Candidate:
    """A segment that may be folded: what a file of its own declares.

    `path` is where that file is, without its suffix, with `SLUG` in place of the name of the
    segment, and `length` that of its text in characters. `original` is what must be declared.
    `targets` are those that the file is for, none for all of the project.
    """

    segment: Segment
    original: Segment
    metadata: Metadata
    path: str
    length: int
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FoldNames:
    """Names that a folded file may use, and those that it may not.

    `lists` are names of contact lists by their ids in lower case, for comments. `by_name` are those
    that a file can use in place of ids. `taken` are the names of conditions and of other values.
    """

    lists: ListNames
    by_name: Mapping[str, str] = field(default_factory=dict)
    taken: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class FoldedFile:
    """A file for several candidates, by their indices.

    `name` is that in the file, with `${…}`. `path` has no suffix.
    """

    members: tuple[int, ...]
    name: str
    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Folds:
    """The folded files, and remarks on segments that are not in one of them."""

    files: tuple[FoldedFile, ...] = ()
    remarks: tuple[Diagnostic, ...] = ()


def fold_segments(
    candidates: Sequence[Candidate],
    names: FoldNames,
    read: Reader,
    schema: str = "",
    *,
    reasons: Mapping[str, str],
) -> Folds:
    """Return the files that declare several of the candidates each.

    `read` returns what a file with this path and text declares. `schema` is the path of the JSON
    Schema from the folder of segment files, empty for none. `reasons` says of segments that are no
    candidates, by their names, why they are not.
    """
    proposer = _Proposer(candidates, names, schema)
    files: list[FoldedFile] = []
    remarks: list[Diagnostic] = []
    for group in proposer.groups():
        rest = group
        while families := proposer.best_families(rest):
            for proposals in families:
                problems = []
                for file in proposals:
                    problem = _difference(file, candidates, read)
                    if not problem:
                        files.append(file)
                        break
                    problems.append(problem)
                else:
                    remarks.append(_unproven(proposals[0], candidates, problems[0]))
            done = {number for proposals in families for number in proposals[0].members}
            rest = [number for number in rest if number not in done]
    if len(reasons) >= MIN_SEGMENTS and not files:
        remarks.append(_without_candidates(reasons))
    return Folds(tuple(files), (*remarks, *proposer.left_out(files, reasons)))


def _difference(file: FoldedFile, candidates: Sequence[Candidate], read: Reader) -> str:
    """Read a folded file; return why it does not declare its segments, empty if it does."""
    declarations = read(file.path, file.text)
    for diagnostic in declarations.diagnostics:
        if diagnostic.severity is Severity.ERROR:
            return diagnostic.summary
    expected = {candidates[number].original.name: candidates[number] for number in file.members}
    declared = {segment.name: segment for segment in declarations.declared}
    if declared.keys() != expected.keys() or len(declarations.declared) != len(expected):
        return "its names would be others"
    for name, candidate in expected.items():
        fields = changed_fields(candidate.original, declared[name].segment)
        if fields:
            return f"`{fields[0]}` of `{name}` would be another"
        if declared[name].metadata != candidate.metadata:
            return f"the description, owner or tags of `{name}` would be others"
    return ""


def _unproven(file: FoldedFile, candidates: Sequence[Candidate], problem: str) -> Diagnostic:
    names = list_names([candidates[number].segment.name for number in file.members])
    return Diagnostic(
        "not-folded",
        Severity.WARNING,
        redact(f"{names} cannot be declared by one file: {problem}"),
        hint="their own files declare them",
    )


def _without_candidates(reasons: Mapping[str, str]) -> Diagnostic:
    shown = "; ".join([*dict.fromkeys(reasons.values())][:_MAX_REASONS])
    more = f"; and {len(reasons) - _MAX_REASONS} more" if len(reasons) > _MAX_REASONS else ""
    message = f"files that cannot be folded: {shown}{more}"
    return Diagnostic("not-folded", Severity.WARNING, redact(message))


class _Proposer:
    """Proposes files for segments that differ only in literals and words."""

    def __init__(self, candidates: Sequence[Candidate], names: FoldNames, schema: str) -> None:
        self._candidates = candidates
        self._names = names
        self._schema = schema
        self._shapes: dict[int, QueryShape] = {}
        for number, candidate in enumerate(candidates):
            shape = query_shape(candidate.segment.query)
            if shape is not None:
                self._shapes[number] = shape
        self._proposals: dict[tuple[int, ...], list[FoldedFile]] = {}

    def groups(self) -> list[list[int]]:
        """Return the candidates that are equal but for literals and names, as indices."""
        groups: dict[Hashable, list[int]] = defaultdict(list)
        for number in self._shapes:
            groups[self._key(number)].append(number)
        return [group for group in groups.values() if len(group) >= MIN_SEGMENTS]

    def _key(self, number: int) -> Hashable:
        candidate = self._candidates[number]
        metadata = candidate.metadata
        return (
            self._shapes[number].tokens,
            self._parents(number),
            (metadata.owner, metadata.tags, bool(metadata.description), candidate.targets),
        )

    def _parents(self, number: int) -> Hashable:
        """Return what is equal for parent lists that one file can have."""
        parents = tuple(map(str.lower, self._candidates[number].segment.parent_list_ids))
        is_named = len(parents) == 1 and parents[0] in self._names.by_name
        return is_named or parents

    def best_families(self, members: Sequence[int]) -> list[list[FoldedFile]]:
        """Return the proposals for each family of the division with the shortest files."""
        if len(members) < MIN_SEGMENTS:
            return []
        names = [self._candidates[number].segment.name for number in members]
        best: list[list[FoldedFile]] = []
        most_saved = 0
        for division in divisions(names):
            families = [
                proposals
                for family in division
                if (proposals := self._proposals_for(tuple(members[index] for index in family)))
            ]
            saved = sum(
                self._length(proposals[0].members) - len(proposals[0].text)
                for proposals in families
            )
            if saved > most_saved:
                best, most_saved = families, saved
        return best

    def _length(self, members: Sequence[int]) -> int:
        return sum(self._candidates[number].length for number in members)

    def _proposals_for(self, members: tuple[int, ...]) -> list[FoldedFile]:
        """Return the files that could declare these segments, the shortest first."""
        if len(members) < MIN_SEGMENTS:
            return []
        if members not in self._proposals:
            limit = self._length(members)
            files = [file for file in self._files(members) if len(file.text) < limit]
            self._proposals[members] = sorted(files, key=lambda file: len(file.text))
        return self._proposals[members]

    def _files(self, members: tuple[int, ...]) -> Iterator[FoldedFile]:
        candidates = [self._candidates[number] for number in members]
        segments = [candidate.segment for candidate in candidates]
        places = [*self._places([self._shapes[number] for number in members])]
        lists = self._parent_lists(segments)
        descriptions = [candidate.metadata.description for candidate in candidates]
        for name in _name_forms([segment.name for segment in segments]):
            description = _text_like(name, descriptions)
            parent_list = _text_like(name, lists, "list_name") if lists else None
            others = [place.column for place in places] + description.columns
            others += parent_list.columns if parent_list else []
            fold = fold_columns(name, others, self._names.taken)
            if fold is None:
                continue
            metadata = candidates[0].metadata
            targets = candidates[0].targets
            parts = FoldedParts(
                segments[0], name, description, metadata, places, parent_list, targets
            )
            path = _path(name, candidates)
            schema = self._schema and "../" * path.count("/") + self._schema
            text = folded_text(parts, fold, self._names.lists, schema)
            yield FoldedFile(members, fold.text(name), path, text)

    def _places(self, shapes: Sequence[QueryShape]) -> Iterator[Place]:
        """Yield what varies in queries of the same shape, in the text of the first one."""
        for literals in zip(*(shape.literals for shape in shapes), strict=True):
            yield from self._literal_places(literals)

    def _literal_places(self, literals: Sequence[Literal]) -> Iterator[Place]:
        first = literals[0]
        values: tuple[Value, ...] = tuple(literal.value for literal in literals)
        if len({*map(repr, values)}) == 1:
            return
        lengths = {len(literal.items) for literal in literals}
        if first.items and len(lengths) == 1 and (lengths == {1} or first.is_list_id):
            for items in zip(*(literal.items for literal in literals), strict=True):
                yield from self._literal_places(items)
            return
        start = first.start
        if all(literal.is_negative for literal in literals):
            start = first.number_start
            values = tuple(-value for value in values if isinstance(value, int | float))
        by_name = self._list_names(values) if first.is_list_id and not first.items else None
        if by_name is not None:
            yield Place(start, first.end, Column(by_name, "list_name"), is_list_name=True)
        else:
            yield Place(start, first.end, Column(values, first.noun))

    def _list_names(self, ids: Sequence[Value]) -> tuple[str, ...] | None:
        """Return the names of lists; `None` unless a file can use all of them."""
        names = [self._names.by_name.get(str(list_id).lower()) for list_id in ids]
        known = tuple(name for name in names if name is not None)
        return known if len(known) == len(names) else None

    def _parent_lists(self, segments: Sequence[Segment]) -> tuple[str, ...]:
        """Return the names of the parent lists; empty where all segments have the same list."""
        ids = [list_id.lower() for segment in segments for list_id in segment.parent_list_ids]
        return (self._list_names(ids) or ()) if len({*ids}) > 1 else ()

    def left_out(
        self, files: Sequence[FoldedFile], reasons: Mapping[str, str]
    ) -> Iterator[Diagnostic]:
        """Yield why segments whose names are like those of a file are not in it.

        A candidate must also have a similar query: many names begin or end with the same word.
        """
        folded = {number for file in files for number in file.members}
        rest = [number for number in self._shapes if number not in folded]
        for file in files:
            prefix, suffix = file.name.partition("${")[0], file.name.rpartition("}")[2]
            if not slug(prefix) and not slug(suffix):
                continue
            near = {
                self._candidates[number].segment.name: self._reason(number, file.members[0])
                for number in rest
            } | {name: (reason, "") for name, reason in reasons.items()}
            for name, (reason, hint) in near.items():
                if reason and name.startswith(prefix) and name.endswith(suffix):
                    message = f"`{name}` is not in the file of `{file.name}`: {reason}"
                    yield Diagnostic("not-folded", Severity.WARNING, redact(message), hint=hint)

    def _reason(self, number: int, other: int) -> tuple[str, str]:
        """Return why a segment is not in a file with another one, and a hint.

        The reason is empty where their queries have little in common.
        """
        tokens, others = self._shapes[number].tokens, self._shapes[other].tokens
        if SequenceMatcher(None, tokens, others, autojunk=False).ratio() < _SIMILAR:
            return "", ""
        if tokens != others:
            return "its query differs in more than literals", ""
        if self._parents(number) != self._parents(other):
            hint = "run `segctl account pull`, so that files can use the names of lists"
            return "its parent list differs, and has no name that the file could use", hint
        if self._key(number) != self._key(other):
            return "its description, owner, tags or targets differ", ""
        return "its name differs in more than words", ""


def _name_forms(names: Sequence[str]) -> Iterator[VaryingText]:
    """Yield the ways in which names vary, each with a word that does not."""
    forms = [varying_text(texts) for texts in splits(names)]
    for form in dict.fromkeys((*forms, *varying_middles(names))):
        if form is not None and slug(_constant(form)):
            yield form


def _constant(text: VaryingText) -> str:
    """Return what does not vary in a text."""
    return " ".join(part for part in text.parts if isinstance(part, str))


def _text_like(name: VaryingText, texts: Sequence[str], noun: str = "") -> VaryingText:
    """Return texts as one that varies as a name does, or else as a whole."""
    columns = name.columns
    if len({*texts}) == 1:
        return VaryingText((texts[0],))
    for form in (*map(varying_text, splits(texts)), *varying_middles(texts)):
        if form is not None and all(column in columns for column in form.columns):
            return form
    return VaryingText(("", Column(tuple(texts), noun)))


def _path(name: VaryingText, candidates: Sequence[Candidate]) -> str:
    """Return the path of a folded file: in the folder that those of all its segments are in."""
    paths = [candidate.path for candidate in candidates]
    folder = posixpath.commonpath([posixpath.dirname(path) for path in paths])
    file_name = posixpath.basename(paths[0])
    stem = (file_name if SLUG in file_name else SLUG).replace(SLUG, slug(_constant(name)))
    return posixpath.join(folder, stem)
