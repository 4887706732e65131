"""Instances: the segments that one file declares with `for_each`, each with values of its own.

Reads the dimensions, the combinations that `exclude` takes out, and the keys that instances had
before. What their values are put into is up to `segment_file`.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from segctl.common.suggest import closest_match, did_you_mean
from segctl.declarations.interpolation import value_text
from segctl.documents.document import quote_value
from segctl.documents.values import report_bad_values
from segctl.model.values import INSTANCES_FILE, VALUES, read_values

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from segctl.documents.document import Document, Path
    from segctl.errors import Diagnostic
    from segctl.model.values import Scalar, Value

FOR_EACH = "for_each"
EXCLUDE = "exclude"
PREVIOUS_KEYS = "previous_keys"

MAX_INSTANCES = 1_000
"""Instances of one file, those that `exclude` takes out included; more than an account has room
for."""

MAX_VALUES = 200_000
"""Values of all instances of one file together, those of each counted: a limit on memory."""

MAX_PREVIOUS = 10_000
"""Combinations of previous keys of all instances of one file together."""

_LARGEST_SHOWN = 10**12

INSTANCE_KEY = re.compile(r"\w[\w .:+-]{0,62}")
"""A key, which people read in the names of segments and in brackets behind the file."""


class Item(NamedTuple):
    """An instance in one dimension: what the name of the dimension stands for, and its values."""

    own: Scalar
    values: Mapping[str, Value]


Items: TypeAlias = "dict[str, Item]"
"""The instances of one dimension by their keys."""


class Instance(NamedTuple):
    """One segment of a file: its key there, its values, and those it had under previous keys.

    All are empty in a file without `for_each`.
    """

    key: str = ""
    values: Mapping[str, Value] = MappingProxyType({})
    previous: tuple[Mapping[str, Value], ...] = ()


class _Dimension(NamedTuple):
    name: str
    items: Items
    path: Path


def read_instances(document: Document, sets: Mapping[str, Items] | None) -> tuple[Instance, ...]:
    """Return the instances of a segment file, one without `for_each`; none where it is wrong.

    `sets` are those of instances.yaml by name, `None` where they are not known: then a file that
    names one has no instances. What is wrong is reported in the document, which is valid by its
    schema.
    """
    value, diagnostics = document.value, document.diagnostics
    before = len(diagnostics)
    if FOR_EACH not in value:
        for key in {EXCLUDE, PREVIOUS_KEYS} & value.keys():
            message = f"`{key}` needs `{FOR_EACH}`"
            document.report("conflicting-keys", message, path=(key,), key=True, hint="remove it")
        return (Instance(),)
    if sets is None and any(isinstance(items, str) for items in value[FOR_EACH].values()):
        return ()
    dimensions = [*_dimensions(document, sets or {})]
    _check_values(document, dimensions)
    count = math.prod(len(dimension.items) for dimension in dimensions)
    if count > MAX_INSTANCES:
        message = f"{_number(count)} instances, more than the limit of {MAX_INSTANCES:,}"
        hint = "declare them in several files"
        document.report("too-many-instances", message, path=(FOR_EACH,), key=True, hint=hint)
    else:
        _check_size(document, dimensions, count)
    if len(diagnostics) > before:
        return ()
    excluded = [*_excluded(document, dimensions)]
    previous_keys = _previous_keys(document, dimensions)
    _check_previous(document, dimensions, previous_keys)
    if len(diagnostics) > before:
        return ()
    instances = tuple(_combinations(dimensions, excluded, previous_keys))
    if not instances:
        message = f"`{EXCLUDE}` leaves no instance"
        document.report("no-instance", message, path=(EXCLUDE,), key=True, hint="remove an entry")
    return () if len(diagnostics) > before else instances


def read_items(document: Document, value: Any, path: Path) -> Items:
    """Return the instances of a dimension, written as a list or as a mapping.

    What is wrong is reported in the document.
    """
    items: Items = {}
    if isinstance(value, list):
        for number, own in enumerate(value):
            key, place = value_text(own), (*path, number)
            if key in items:
                message = f"duplicate instance {quote_value(key)}"
                document.report("duplicate-instance", message, path=place, hint="remove it")
            elif _is_key(document, key, place):
                items[key] = Item(own, {})
    else:
        for key, values in value.items():
            if _is_key(document, key, (*path, key)):
                report_bad_values(document, (*path, key))
                items[key] = Item(key, read_values(values))
    return items


def _is_key(document: Document, key: str, path: Path) -> bool:
    if INSTANCE_KEY.fullmatch(key):
        return True
    document.report(
        "bad-instance",
        f"invalid key {quote_value(key)} of an instance",
        path=path,
        key=True,
        hint="use up to 63 letters, digits, spaces and the characters . : _ + -, such as de-AT",
    )
    return False


def _dimensions(document: Document, sets: Mapping[str, Items]) -> Iterator[_Dimension]:
    """Yield the dimensions in the order of their names, whatever that of the file."""
    for name, value in sorted(document.value[FOR_EACH].items()):
        path = (FOR_EACH, name)
        if not isinstance(value, str):
            yield _Dimension(name, read_items(document, value, path), path)
        elif value in sets:
            yield _Dimension(name, sets[value], path)
        else:
            message = f"{INSTANCES_FILE} has no instances {quote_value(value)}"
            hint = did_you_mean(value, sets, f"write [{value}] for a single one")
            document.report("unknown-name", message, path=path, hint=hint)


def _check_values(document: Document, dimensions: list[_Dimension]) -> None:
    """Report values that two dimensions have, and names of dimensions among values."""
    owners = {dimension.name: "" for dimension in dimensions}
    for dimension in dimensions:
        # In the order of the file, each name once: where its first instance has it.
        key_of = {
            name: key for key in reversed(dimension.items) for name in dimension.items[key].values
        }
        for name, key in key_of.items():
            owner = owners.setdefault(name, dimension.name)
            if owner != dimension.name:
                also = f"is a value of the dimension `{owner}`" if owner else "is a dimension"
                document.report(
                    "conflicting-names",
                    f"`{name}` {also} as well",
                    path=(*dimension.path, key, name),
                    key=True,
                    hint="choose another name for one of the two",
                )


def _excluded(document: Document, dimensions: list[_Dimension]) -> Iterator[Mapping[str, str]]:
    """Yield what `exclude` takes out: keys by dimension."""
    known = {dimension.name: dimension.items for dimension in dimensions}
    for number, entry in enumerate(document.value.get(EXCLUDE, ())):
        for name, own in entry.items():
            path = (EXCLUDE, number, name)
            _check_key(document, known, name, value_text(own), path)
        yield {name: value_text(own) for name, own in entry.items()}


def _check_key(
    document: Document, known: Mapping[str, Items], dimension: str, key: str, path: Path
) -> bool:
    """Report a dimension or a key of one that `for_each` does not have."""
    if dimension not in known:
        message = f"`{FOR_EACH}` has no dimension {quote_value(dimension)}"
        hint = did_you_mean(dimension, known, f"the dimensions are {', '.join(known)}")
        document.report("unknown-name", message, path=path, key=True, hint=hint)
        return False
    if key not in known[dimension]:
        message = f"the dimension `{dimension}` has no instance {quote_value(key)}"
        meant = closest_match(key, known[dimension])
        hint = f"did you mean `{meant}`?" if meant else "remove it"
        document.report("unknown-name", message, path=path, hint=hint)
        return False
    return True


def _previous_keys(
    document: Document, dimensions: list[_Dimension]
) -> Mapping[tuple[str, str], tuple[str, ...]]:
    """Return the previous keys by dimension and key."""
    known = {dimension.name: dimension.items for dimension in dimensions}
    previous = {}
    for dimension, keys in document.value.get(PREVIOUS_KEYS, {}).items():
        for key, olds in keys.items():
            path = (PREVIOUS_KEYS, dimension, key)
            if _check_key(document, known, dimension, key, path):
                for number, old in enumerate(olds):
                    if old in known[dimension]:
                        message = f"{quote_value(old)} is the key of an instance"
                        hint = "remove it: an instance cannot have had the key of another one"
                        document.report(
                            "previous-key-is-key", message, path=(*path, number), hint=hint
                        )
                previous[dimension, key] = tuple(olds)
    return previous


def _number(count: int) -> str:
    """Return a number as people read it; Python refuses to write one of thousands of digits."""
    return f"{count:,}" if count < _LARGEST_SHOWN else f"over {_LARGEST_SHOWN:,}"


def _check_size(document: Document, dimensions: list[_Dimension], count: int) -> None:
    """Report instances whose values would fill the memory: all have those of every dimension."""
    names = sum(
        1 + max((len(item.values) for item in dimension.items.values()), default=0)
        for dimension in dimensions
    )
    if count * names > MAX_VALUES:
        message = f"{count:,} instances with {names:,} values each are more than the limit of "
        message += f"{MAX_VALUES:,} values"
        hint = "declare them in several files"
        document.report("too-many-instances", message, path=(FOR_EACH,), key=True, hint=hint)


def _check_previous(
    document: Document,
    dimensions: list[_Dimension],
    previous_keys: Mapping[tuple[str, str], tuple[str, ...]],
) -> None:
    """Report previous keys that multiply: an instance may have had any combination of them."""
    # The sum over all combinations is the product of the sums; `exclude` only takes some out.
    total = math.prod(
        sum(1 + len(previous_keys.get((dimension.name, key), ())) for key in dimension.items)
        for dimension in dimensions
    ) - math.prod(len(dimension.items) for dimension in dimensions)
    if total > MAX_PREVIOUS:
        message = f"{_number(total)} combinations of previous keys, more than the limit of "
        message += f"{MAX_PREVIOUS:,}"
        hint = "remove those that every account has been renamed from"
        document.report("too-many-instances", message, path=(PREVIOUS_KEYS,), key=True, hint=hint)


def _combinations(
    dimensions: list[_Dimension],
    excluded: list[Mapping[str, str]],
    previous_keys: Mapping[tuple[str, str], tuple[str, ...]],
) -> Iterator[Instance]:
    names = [dimension.name for dimension in dimensions]
    for keys in itertools.product(*(dimension.items for dimension in dimensions)):
        key_of = dict(zip(names, keys, strict=True)) if excluded or previous_keys else {}
        if excluded and any(entry.items() <= key_of.items() for entry in excluded):
            continue
        values: dict[str, Value] = {}
        for dimension, key in zip(dimensions, keys, strict=True):
            item = dimension.items[key]
            values |= item.values
            values[dimension.name] = item.own
        previous = tuple(_previous_values(values, key_of, previous_keys)) if previous_keys else ()
        yield Instance(", ".join(keys), values, previous)


def _previous_values(
    values: Mapping[str, Value],
    key_of: Mapping[str, str],
    previous_keys: Mapping[tuple[str, str], tuple[str, ...]],
) -> Iterator[Mapping[str, Value]]:
    """Yield the values of an instance as they were with every combination of previous keys."""
    choices = [(key, *previous_keys.get((name, key), ())) for name, key in key_of.items()]
    for keys in itertools.islice(itertools.product(*choices), 1, None):
        changed = {
            name: old for (name, key), old in zip(key_of.items(), keys, strict=True) if old != key
        }
        yield {**values, **changed}


def of_instances(problems: Mapping[Diagnostic, Sequence[str]], total: int) -> Iterator[Diagnostic]:
    """Yield the problems of instances by their keys, each once, at the first one that has it.

    What all have is not a problem of an instance.
    """
    for problem, keys in problems.items():
        if len(keys) == total or problem.span is None:
            yield problem
            continue
        span, summary = dataclasses.replace(problem.span, instance=keys[0]), problem.summary
        if len(keys) > 1:
            summary += f" (and {len(keys) - 1} more of {total} instances)"
        yield dataclasses.replace(problem, span=span, summary=summary)


def value_path(document: Document, instance: str, name: str) -> Path | None:
    """Return where the file has the value of a name for an instance, `None` if it does not.

    `instance` is the key. What the file has for the target is not looked for.
    """
    dimensions: dict[str, Any] = dict(sorted(document.value.get(FOR_EACH, {}).items()))
    keys = instance.split(", ") if instance else []
    for (dimension, items), key in zip(dimensions.items(), keys, strict=False):
        if isinstance(items, list) and dimension == name:
            texts = [value_text(item) for item in items]
            return (FOR_EACH, dimension, texts.index(key)) if key in texts else None
        if isinstance(items, dict) and dimension == name:
            return FOR_EACH, dimension, key
        if isinstance(items, dict) and name in (items.get(key) or {}):
            return FOR_EACH, dimension, key, name
    return (VALUES, name) if name in document.value.get(VALUES, {}) else None
