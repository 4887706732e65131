"""Segments that differ only in words and literals, as one segment with values: anti-unification.

What varies in one place is a column: a text or a literal for each segment. Columns that always vary
together are one value. The words of the name on which all else depends are the dimensions of
`for_each`. Whether the result is right is for its reader to say: `folds` proves it.
"""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from segctl.declarations.instances import INSTANCE_KEY, MAX_INSTANCES
from segctl.declarations.interpolation import escaped
from segctl.importing.word_patterns import WHOLE_WORD, varying_positions
from segctl.model.values import ReferenceKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from segctl.importing.word_patterns import SplitText
    from segctl.model.values import Scalar, Value

Vector: TypeAlias = "tuple[Value, ...]"
"""The values of a column, one a segment."""

_WORD_OR_NOT = re.compile(r"[^\W_]+|[\W_]")
_LAST_WORD = re.compile(rf"(.*?)([\W_]+)({WHOLE_WORD})")
_FIRST_WORD = re.compile(rf"({WHOLE_WORD})([\W_]+)(.*)")
_ODD = re.compile(r"[^a-z0-9]+")
_MAX_NAME = 40
_DIMENSION = "variant"
_RESERVED = (ReferenceKind.LIST, ReferenceKind.SINGLE_SEND)


@dataclass(frozen=True, slots=True)
class Column:
    """What varies in one place: its values, and a noun for them, such as `language`.

    Words of texts have no noun: they do not say what they mean.
    """

    vector: Vector
    noun: str = ""


@dataclass(frozen=True, slots=True)
class VaryingText:
    """A text that varies: literal text and columns."""

    parts: tuple[str | Column, ...]

    @property
    def columns(self) -> list[Column]:
        """The columns among the parts."""
        return [part for part in self.parts if isinstance(part, Column)]


@dataclass(frozen=True, slots=True)
class Dimension:
    """A dimension: its name, what stands for its instances, and the values of each by its key.

    Without `values`, the `items` need no mapping.
    """

    name: str
    items: tuple[Scalar, ...]
    values: Mapping[Scalar, Mapping[str, Value]]


@dataclass(frozen=True, slots=True)
class Fold:
    """What several segments become: dimensions, combinations that do not exist, and names."""

    dimensions: tuple[Dimension, ...]
    exclude: tuple[Mapping[str, Scalar], ...]
    names: Mapping[str, str]

    def text(self, text: VaryingText) -> str:
        """Return a text of the file, with `${name}` where it varies."""
        return "".join(
            f"${{{self.name(part)}}}" if isinstance(part, Column) else escaped(part)
            for part in text.parts
        )

    def name(self, column: Column) -> str:
        """Return the name of the value, or of the dimension, that a column is."""
        return self.names[_identity(column.vector)]


def varying_text(texts: Sequence[SplitText]) -> VaryingText | None:
    """Return texts as one that varies in words; `None` where they differ in more."""
    if len({text.separators for text in texts}) > 1:
        return None
    varying = varying_positions(texts)
    parts: list[str | Column] = []
    literal_text = ""
    for position, separator in enumerate(texts[0].separators):
        literal_text += separator
        if position in varying:
            parts += [literal_text, Column(tuple(text.words[position] for text in texts))]
            literal_text = ""
        elif position < len(texts[0].words):
            literal_text += texts[0].words[position]
    return VaryingText((*parts, literal_text))


def varying_middles(texts: Sequence[str]) -> Iterator[VaryingText]:
    """Yield texts as what they share at both ends, in whole words, and what is between.

    That is one column, or two, one of them a single word: the names of brands may have several.
    """
    words = [_WORD_OR_NOT.findall(text) for text in texts]
    shortest = min(map(len, words))
    start = _common_start(words, shortest)
    end = _common_start([text[::-1] for text in words], shortest - start)
    prefix, suffix = "".join(words[0][:start]), "".join(words[0][len(words[0]) - end :])
    middles = ["".join(text[start : len(text) - end]) for text in words]
    yield VaryingText((prefix, Column(tuple(middles)), suffix))
    for pattern in (_LAST_WORD, _FIRST_WORD):
        parts = [match.groups() for middle in middles if (match := pattern.fullmatch(middle))]
        if len(parts) == len(middles) and len({separator for _, separator, _ in parts}) == 1:
            left, right = (Column(tuple(part[number] for part in parts)) for number in (0, 2))
            yield VaryingText((prefix, left, parts[0][1], right, suffix))


def _common_start(texts: Sequence[Sequence[str]], limit: int) -> int:
    """Return how many parts all texts begin with, `limit` at most."""
    return next(
        (end for end in range(limit) if any(text[end] != texts[0][end] for text in texts)), limit
    )


def fold_columns(name: VaryingText, others: Sequence[Column], taken: Iterable[str]) -> Fold | None:
    """Return how segments fold whose names vary as `name`, with `others` beside them.

    Each word of the name that depends on no other one is a dimension. `None` where something else
    depends on several of them at once, or a word cannot be a key. `taken` are names that no value
    may have.
    """
    variables = _merged([*name.columns, *others])
    in_name = {_identity(column.vector) for column in name.columns}
    words = [variable for variable in variables if not in_name.isdisjoint(variable.identities)]
    return _fold(_independent(words), variables, taken)


@dataclass(frozen=True, slots=True)
class _Variable:
    """Columns that are one value; `identities` are those of their vectors."""

    vector: Vector
    noun: str = ""
    identities: tuple[str, ...] = ()

    def depends_on(self, other: _Variable) -> bool:
        """Whether it is the same wherever the other one is the same."""
        keys = [*map(repr, other.vector)]
        return len({*zip(keys, map(repr, self.vector), strict=True)}) == len({*keys})


def _identity(vector: Vector) -> str:
    """Return what is equal for vectors of the same values: 1, 1.0, '1' and true are four."""
    return repr(vector)


def _merged(columns: Iterable[Column]) -> list[_Variable]:
    """Return the distinct columns as variables.

    Words that are the numbers of a literal everywhere, such as those of `Inactive 30`, are one
    variable with it.
    """
    variables: dict[str, _Variable] = {}
    for column in columns:
        identity = _identity(column.vector)
        known = variables.get(identity)
        if known is None:
            variables[identity] = _Variable(column.vector, column.noun, (identity,))
        elif not known.noun:
            variables[identity] = replace(known, noun=column.noun)
    for identity, number in [*variables.items()]:
        if all(isinstance(value, int | float) for value in number.vector):
            words = _identity(tuple(map(str, number.vector)))
            if words in variables and not variables[words].noun:
                variables[words] = replace(number, identities=(words, identity))
                del variables[identity]
    return [*variables.values()]


def _independent(words: Sequence[_Variable]) -> list[_Variable]:
    """Return the variables on which all others depend, and which do not depend on each other.

    Of two that depend on each other, one that is also a literal is kept, else the first.
    """
    ranked = sorted(words, key=lambda word: not word.noun)
    kept = [
        word
        for rank, word in enumerate(ranked)
        if not any(
            word.depends_on(other) and (not other.depends_on(word) or other_rank < rank)
            for other_rank, other in enumerate(ranked)
            if other_rank != rank
        )
    ]
    return [word for word in words if word in kept]


def _fold(
    dimensions: Sequence[_Variable], variables: Sequence[_Variable], taken: Iterable[str]
) -> Fold | None:
    """Return the fold with these dimensions; `None` where something depends on several of them."""
    items = [tuple(dict.fromkeys(dimension.vector)) for dimension in dimensions]
    if math.prod(map(len, items)) > MAX_INSTANCES:
        return None
    dependents: list[list[_Variable]] = [[] for _ in dimensions]
    for variable in variables:
        if variable in dimensions:
            continue
        owners = [number for number, key in enumerate(dimensions) if variable.depends_on(key)]
        if not owners:
            return None
        dependents[min(owners, key=lambda number: len(items[number]))].append(variable)
    keyed = [
        _as_key(dimension, values) for dimension, values in zip(dimensions, dependents, strict=True)
    ]
    rows = [*zip(*(dimension.vector for dimension, _ in keyed), strict=True)]
    keys = [str(key) for row in rows for key in row]
    if len(set(rows)) < len(rows) or not all(map(INSTANCE_KEY.fullmatch, keys)):
        return None
    name_of = _names(
        [dimension for dimension, _ in keyed],
        [variable for _, values in keyed for variable in values],
        taken,
    )
    result = tuple(_dimension(dimension, values, name_of) for dimension, values in keyed)
    existing = set(rows)
    product = itertools.product(*(dimension.items for dimension in result))
    exclude = tuple(
        {dimension.name: key for dimension, key in zip(result, row, strict=True)}
        for row in product
        if row not in existing
    )
    return Fold(result, exclude, name_of)


def _as_key(dimension: _Variable, dependents: list[_Variable]) -> tuple[_Variable, list[_Variable]]:
    """Return a dimension and what depends on it; the keys of a mapping are texts, never numbers."""
    if not dependents or all(isinstance(value, str) for value in dimension.vector):
        return dimension, dependents
    *words, number = dimension.identities
    key = _Variable(tuple(map(str, dimension.vector)), identities=tuple(words))
    return key, [replace(dimension, identities=(number,)), *dependents]


def _names(
    dimensions: Iterable[_Variable], dependents: Iterable[_Variable], taken: Iterable[str]
) -> dict[str, str]:
    """Return a name for each identity."""
    used = {*taken, *_RESERVED}
    result: dict[str, str] = {}
    for variables, fallback in ((dimensions, _DIMENSION), (dependents, "word")):
        for variable in variables:
            name = _unused(variable.noun or fallback, used)
            used.add(name)
            result |= dict.fromkeys(variable.identities, name)
    return result


def _unused(noun: str, used: set[str]) -> str:
    base = _ODD.sub("_", noun.lower()).strip("_")[:_MAX_NAME].rstrip("_")
    if not base[:1].isalpha():
        base = f"value_{base}".rstrip("_")
    numbered = (f"{base}_{number}" for number in itertools.count(2))
    return next(name for name in itertools.chain([base], numbered) if name not in used)


def _dimension(
    dimension: _Variable, dependents: Sequence[_Variable], name_of: Mapping[str, str]
) -> Dimension:
    vector: tuple[Scalar, ...] = tuple(
        value for value in dimension.vector if not isinstance(value, tuple)
    )
    items = tuple(dict.fromkeys(vector))
    values = {
        item: {
            name_of[variable.identities[0]]: variable.vector[vector.index(item)]
            for variable in dependents
        }
        for item in items
    }
    name = name_of[dimension.identities[0]]
    return Dimension(name, items, values if dependents else {})
