"""Values in words: fields, and what is computed from them.

    their country · the type · the first 3 characters of their postal code

Knows no SQL; `operands` reads the values of a query, and `functions` words the calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.query.explain.phrases import join_with
from segctl.query.value_types import ValueType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from segctl.query.explain.times import RelativeTime


_CLAUSE_STARTS = ("their ", "the ", "(", "minus ")
UNSET_VALUE = "for whom that is not set"
"""What is said of those without a value that is not simply a field."""


@dataclass(frozen=True, slots=True)
class Term:
    """A value in words.

    `text` is a noun phrase, without its pronoun if `pronoun` is given, as it is for a field:
    `their` for one of the contact, `the` for one of an event. `type` is `None` if it is unknown.
    `unset` says that the value is not set: `without a country`, or nothing if it always is.
    `day` is the day of a time that was cut to its day. `past` is true for a time that cannot be in
    the future.
    """

    text: str
    type: ValueType | None
    pronoun: str = ""
    plural: bool = False
    unset: str = ""
    day: str = ""
    past: bool = False
    is_literal: bool = False

    @property
    def noun(self) -> str:
        """The value inside a sentence: `their country`."""
        return f"{self.pronoun} {self.text}" if self.pronoun else self.text

    @property
    def subject(self) -> str:
        """The value at the start of a clause, in parentheses if it starts with a literal."""
        return self.noun if self.noun.startswith(_CLAUSE_STARTS) else f"({self.noun})"

    @property
    def operand(self) -> str:
        """The value inside another one, in parentheses if it is computed."""
        return self.noun if self.pronoun or self.is_literal else f"({self.text})"

    @property
    def may_be_text(self) -> bool:
        """Whether the value is a text, or of a type that may be one."""
        return self.type in (ValueType.TEXT, ValueType.INSIDE, None)

    @property
    def be(self) -> str:
        """`is` or `are`."""
        return "are" if self.plural else "is"

    def verb(self, verb: str, *, negated: bool) -> str:
        """Return a verb in the form for this value: `contains`, `do not contain`."""
        if negated:
            return f"{'do' if self.plural else 'does'} not {verb}"
        first, _, rest = verb.partition(" ")
        ending = "" if self.plural else "es" if first.endswith("ch") else "s"
        return f"{first}{ending}{' ' + rest if rest else ''}"


def computed(
    text: str,
    kind: ValueType | None,
    *operands: Term,
    plural: bool = False,
    past: bool = False,
    day: str = "",
) -> Term:
    """Return what is computed from operands, and not set if one of them is not."""
    unset = dict.fromkeys(operand.unset for operand in operands if operand.unset)
    fields = [words.removeprefix("without ") for words in unset if words != UNSET_VALUE]
    unset_words = f"without {join_with(fields)}" if fields else ""
    unset_words = UNSET_VALUE if UNSET_VALUE in unset else unset_words
    return Term(text, kind, plural=plural, unset=unset_words, day=day, past=past)


def shifted(start: Term, span: RelativeTime | None) -> Term | None:
    """Return the time before or after another one."""
    if span is None or start.type is not ValueType.TIME or start.is_literal:
        return None
    where = "before" if span.amount < 0 else "after"
    return computed(f"the time {span.span} {where} {start.operand}", ValueType.TIME, start)


def joined(operands: Sequence[Term]) -> Term:
    """Return texts joined to one."""
    text = " joined with ".join(operand.operand for operand in operands)
    return computed(text, ValueType.TEXT, *operands)


def remainder(left: Term, right: Term) -> Term:
    """Return the remainder of a division."""
    text = f"the remainder of {left.operand} divided by {right.operand}"
    return computed(text, ValueType.NUMBER, left, right)


def day_of(operand: Term) -> Term:
    """Return a time that is cut to its day."""
    day = f"the day of {operand.operand}"
    return computed(f"the start of {day}", ValueType.TIME, operand, day=day, past=operand.past)
