"""What is known of a contact: facts that hold together, or a contradiction between them.

A contradiction is certain; that there is none is not. Values are never changed: what is known after
one more fact is a new value, so a case can be tried and left again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

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


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a term.

    Each of `choices` has constants of which one is the value. `lows` and `highs` are bounds, each
    with whether the value may be equal to it. `lists` are items of which a list has at least one,
    `without` those that it has not.
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
            case _:
                return None if self.is_null else _narrowed(_extended(self, fact))


def _extended(known: Known, fact: Fact) -> Known:  # noqa: PLR0911 - one return a kind of fact
    """Return what is known with one more fact on a value that is not NULL."""
    match fact:
        case Among(constants=constants, negated=True):
            return replace(known, is_null=False, excluded=known.excluded.union(constants))
        case Among(constants=constants):
            return replace(known, is_null=False, choices=(*known.choices, constants))
        case Bound(op=op, constant=constant) if op[0] == ">":
            return replace(known, is_null=False, lows=(*known.lows, (constant, "=" in op)))
        case Bound(op=op, constant=constant):
            return replace(known, is_null=False, highs=(*known.highs, (constant, "=" in op)))
        case Matches(pattern=pattern, folded=is_folded, negated=True):
            unmatched = (*known.unmatched, (pattern, is_folded))
            return replace(known, is_null=False, unmatched=unmatched)
        case Matches(pattern=pattern, folded=is_folded):
            return replace(known, is_null=False, matched=(*known.matched, (pattern, is_folded)))
        case Contains(items=items, negated=True):
            return replace(known, is_null=False, without=known.without | items)
        case Contains(items=items):
            return replace(known, is_null=False, lists=(*known.lists, items))
    raise TypeError(fact)


def _narrowed(known: Known) -> Known | None:
    """Return what is known with fewer choices, or `None` if no value is left."""
    if any(items <= known.without for items in known.lists) or not _do_patterns_agree(known):
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
    choices = [tuple(each for each in constants if _allows(known, each)) for constants in choices]
    if len(choices) > 1:
        # Each limits the others.
        for index in range(len(choices)):
            for other in (*choices[:index], *choices[index + 1 :]):
                choices[index] = _not_different(choices[index], other)
    return None if () in choices else replace(known, choices=(*choices,))


def _allows(known: Known, constant: Constant) -> bool:
    """Return whether the value may equal a constant."""
    if constant in known.excluded:
        return False
    for low, is_included in known.lows:
        order = compare(constant, low)
        if order is not None and (order < 0 or (order == 0 and not is_included)):
            return False
    for high, is_included in known.highs:
        order = compare(constant, high)
        if order is not None and (order > 0 or (order == 0 and not is_included)):
            return False
    return not any(_never_matches(constant, pattern) for pattern, _ in known.matched)


def _do_patterns_agree(known: Known) -> bool:
    matched = known.matched
    return not any(
        _never_both(pattern, other)
        for index, pattern in enumerate(matched)
        for other in matched[:index]
    ) and not any(
        _matches_all_of(other, pattern) for pattern in matched for other in known.unmatched
    )


def _never_both(first: tuple[Pattern, bool], second: tuple[Pattern, bool]) -> bool:
    """Return whether no text matches two patterns, each with whether it is folded."""
    if first[1] == second[1]:
        return are_disjoint(first[0], second[0])
    patterns = [folded(*pattern) for pattern in (first, second)]
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
