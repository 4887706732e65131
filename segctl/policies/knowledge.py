"""What is known of a contact: facts that hold together, or a contradiction between them.

A contradiction is certain; that there is none is not. Values are never changed: what is known after
one more fact is a new value, so a case can be tried and left again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from segctl.policies.constants import (
    Constant,
    TextConstant,
    are_different,
    bucket,
    compare,
)
from segctl.policies.formulas import (
    Among,
    Bound,
    Contains,
    IsNullFact,
    Matches,
    OneOf,
)
from segctl.policies.patterns import (
    Pattern,
    Wildcard,
    are_disjoint,
    in_lower_case,
    includes,
    spaced,
)

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from segctl.policies.formulas import Fact

_MAX_PAIRS = 10_000
"""Two sets of constants are compared only if that takes no more comparisons than this."""

_MAX_FACTS = 20
"""Facts of a kind that are kept for one term: they are compared, each with each."""

_MAX_CHOICES = 4
"""Sets of constants that limit each other."""

_MAX_MATCHED = 500
"""Pairs of a constant and a pattern that are compared."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a term.

    Each of `choices` has constants, and one of them is the value. `lows` and `highs` are bounds,
    each with whether the value may be equal to it. A list has at least one item of each of `lists`,
    and none of `without`.
    """

    is_null: bool | None = None
    choices: tuple[tuple[Constant, ...], ...] = ()
    excluded: frozenset[Constant] = frozenset()
    lows: tuple[tuple[Constant, bool], ...] = ()
    highs: tuple[tuple[Constant, bool], ...] = ()
    matched: tuple[tuple[Pattern, bool], ...] = ()
    unmatched: tuple[tuple[Pattern, bool], ...] = ()
    lists: tuple[frozenset[str], ...] = ()
    without: frozenset[str] = frozenset()
    values: int = -1

    def with_fact(self, fact: Fact) -> Known | None:
        """Return what is known with one more fact, or `None` for a contradiction."""
        match fact:
            case OneOf(values=values):
                values &= self.values
                return replace(self, values=values) if values else None
            case IsNullFact(is_null=is_null):
                if self.is_null is None:
                    return replace(self, is_null=is_null)
                return self if self.is_null == is_null else None
            case _ if self.is_null:
                return None
            case Matches(pattern=pattern, folded=is_folded, negated=negated) if not _fits(
                self, (pattern, is_folded), negated=negated
            ):
                return None
        extended = _extended(self, fact)
        return self if extended is self else _narrowed(extended)


def _extended(known: Known, fact: Fact) -> Known:
    """Return what is known with one more fact on a value that is not NULL."""
    match fact:
        case Among(constants=constants, negated=True):
            return replace(known, is_null=False, excluded=known.excluded.union(constants))
        case Contains(items=items, negated=True):
            return replace(known, is_null=False, without=known.without | items)
    kind, value = _kept(fact)
    values = getattr(known, kind)
    if len(values) >= _MAX_FACTS or value in values:
        return known if known.is_null is False else replace(known, is_null=False)
    changed: dict[str, Any] = {"is_null": False, kind: (*values, value)}
    return replace(known, **changed)


def _kept(fact: Fact) -> tuple[str, object]:
    """Return the field of `Known` that keeps a fact, and what it keeps of it."""
    match fact:
        case Among(constants=constants):
            return "choices", constants
        case Bound(op=op, constant=constant):
            return "lows" if op[0] == ">" else "highs", (constant, "=" in op)
        case Matches(pattern=pattern, folded=is_folded, negated=negated):
            return "unmatched" if negated else "matched", (pattern, is_folded)
        case Contains(items=items):
            return "lists", items
    raise TypeError(fact)


def _narrowed(known: Known) -> Known | None:
    """Return what is known with fewer choices, or `None` if no value is left."""
    if any(items <= known.without for items in known.lists):
        return None
    choices = [*dict.fromkeys(known.choices)]
    for low, is_low_included in known.lows:
        for high, is_high_included in known.highs:
            order = compare(low, high)
            if order is None or order < 0:
                continue
            if order > 0 or not (is_low_included and is_high_included):
                return None
            if (low,) not in choices:
                choices.append((low,))
    choices = [_allowed(known, constants) for constants in choices]
    if 1 < len(choices) <= _MAX_CHOICES:
        # Each limits the others.
        for index in range(len(choices)):
            for other in (*choices[:index], *choices[index + 1 :]):
                choices[index] = _not_different(choices[index], other)
    return None if () in choices else replace(known, choices=(*choices,))


def _allowed(known: Known, constants: tuple[Constant, ...]) -> tuple[Constant, ...]:
    """Return the constants that the value may equal."""
    are_few = len(constants) * len(known.matched) <= _MAX_MATCHED
    patterns = [pattern for pattern, _ in known.matched] if are_few else []
    return tuple(
        constant
        for constant in constants
        if constant not in known.excluded
        and not any(_is_beyond(constant, low, -1, included) for low, included in known.lows)
        and not any(_is_beyond(constant, high, 1, included) for high, included in known.highs)
        and not any(_never_matches(constant, pattern) for pattern in patterns)
    )


def _is_beyond(constant: Constant, bound: Constant, sign: int, is_included: bool) -> bool:
    """Return whether a constant is certainly outside a bound: above it, or below for sign -1."""
    order = compare(constant, bound)
    return order is not None and (order * sign > 0 or (order == 0 and not is_included))


def _fits(known: Known, pattern: tuple[Pattern, bool], *, negated: bool) -> bool:
    """Return false if a value certainly cannot match a pattern, or `negated`, not match it."""
    if negated:
        return not any(_matches_all_of(pattern, other) for other in known.matched)
    return not any(_never_both(pattern, other) for other in known.matched) and not any(
        _matches_all_of(other, pattern) for other in known.unmatched
    )


def _never_both(first: tuple[Pattern, bool], second: tuple[Pattern, bool]) -> bool:
    """Return whether no text matches two patterns, each with whether it is folded.

    They are compared in lower case: LIKE may ignore the case as well.
    """
    patterns = [
        in_lower_case(pattern) if first[1] == second[1] else folded(pattern, is_folded)
        for pattern, is_folded in (first, second)
    ]
    return None not in patterns and are_disjoint(patterns[0] or (), patterns[1] or ())


def _matches_all_of(wider: tuple[Pattern, bool], narrower: tuple[Pattern, bool]) -> bool:
    """Return whether a pattern matches every text that another one matches."""
    if wider[1] == narrower[1]:
        return includes(wider[0], narrower[0])
    pattern = folded(*narrower)
    return wider[1] and pattern is not None and includes(wider[0], pattern)


def folded(pattern: Pattern, is_folded: bool) -> Pattern | None:
    """Return a pattern that the lower case of a text matches where the text matches this one.

    `None` where the case of some letter may change the number of characters.
    """
    if is_folded:
        return pattern
    is_simple = all(
        token.isascii() if isinstance(token, str) else token is Wildcard.MANY for token in pattern
    )
    return in_lower_case(pattern) if is_simple else None


def _never_matches(constant: Constant, pattern: Pattern) -> bool:
    """Return whether no string that may equal a constant matches a pattern."""
    if not isinstance(constant, TextConstant) or "\\" in constant.raw:
        return False
    texts = [constant.value, *(token for token in pattern if isinstance(token, str))]
    if not all(text.isascii() for text in texts):
        return False
    return are_disjoint(spaced(constant.value.lower()), in_lower_case(pattern))


def _not_different(
    constants: tuple[Constant, ...], others: tuple[Constant, ...]
) -> tuple[Constant, ...]:
    """Return the constants that may equal one of the others."""
    buckets: dict[Hashable, list[Constant]] = {}
    for other in others:
        buckets.setdefault(bucket(other), []).append(other)
    anywhere = buckets.get(None, [])
    left = []
    compared = 0
    for constant in constants:
        key = bucket(constant)
        candidates: Iterable[Constant] = (
            others if key is None else (*buckets.get(key, ()), *anywhere)
        )
        for other in candidates:
            compared += 1
            if compared > _MAX_PAIRS or not are_different(constant, other):
                left.append(constant)
                break
    return tuple(left)
