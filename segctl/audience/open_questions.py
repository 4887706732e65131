"""Conditions that rest on something undocumented: computed where every answer gives the same value.

How many decimals a division keeps, or what the lower case of İ is, is not documented, but hardly
ever decides a condition: `total_spend / orders_count > 50` is the same with 6 decimals and with 12.
So a condition that rests on such a question is translated once for each of the possible answers. It
has the value on which all agree, and fails for the contact on whom they do not. Does not know the
questions.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import product
from math import prod
from typing import TYPE_CHECKING

from segctl.query.value_types import refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from segctl.query.ast import Node

_MAX_NESTED = 2
"""Conditions inside conditions, each with questions: every level multiplies the length."""


_MAX_VARIANTS = 16
"""Translations of one condition."""


@dataclass(frozen=True, slots=True)
class Question:
    """Something that is not documented, with the number of possible `answers`.

    `message` says, after the source of a condition, why it fails where the answers differ. `place`
    tells apart questions whose answers do not depend on each other.
    """

    message: str
    answers: int
    place: tuple[int, int] = (0, 0)


@dataclass(slots=True)
class _Frame:
    """The questions of one condition, and the answers that are assumed now."""

    asked: dict[Question, None] = field(default_factory=dict)
    assumed: dict[Question, int] = field(default_factory=dict)


class OpenQuestions:
    """The questions of the condition that is being translated, and of those around it."""

    def __init__(self) -> None:
        self._frames: list[_Frame] = []
        self._is_ignoring = False

    @contextmanager
    def ignored(self) -> Iterator[None]:
        """Assume any answer: what is translated here is never computed."""
        self._frames.append(_Frame())
        is_ignoring, self._is_ignoring = self._is_ignoring, True
        try:
            yield
        finally:
            self._is_ignoring = is_ignoring
            self._frames.pop()

    def answer(self, question: Question, node: Node) -> int:
        """Return the answer to assume for a question, from 0.

        Raises `CannotTranslate` outside a condition, where all answers cannot be compared.
        """
        if not self._frames:
            raise refusal(node, f"this {question.message.replace(', for some contact,', '')}")
        frame = self._frames[-1]
        frame.asked[question] = None
        return frame.assumed.get(question, 0)

    def asked(self) -> dict[Question, None]:
        """Return the questions that this condition rests on so far."""
        return dict(self._frames[-1].asked) if self._frames else {}

    def withdraw(self, before: dict[Question, None]) -> None:
        """Forget what was asked since `before`: parts of the condition ask it, each for itself."""
        if self._frames:
            self._frames[-1].asked = before

    def settle(self, node: Node, translate: Callable[[], str], error: Callable[[str], str]) -> str:
        """Return a condition that has the value on which all answers agree.

        `translate` returns it under the answers that are assumed, and `error` the SQL that fails
        with a message. Raises `CannotTranslate`.
        """
        self._frames.append(_Frame())
        try:
            return self._settle(node, translate, error)
        finally:
            self._frames.pop()

    def _settle(self, node: Node, translate: Callable[[], str], error: Callable[[str], str]) -> str:
        frame = self._frames[-1]
        sql = translate()
        if not frame.asked or self._is_ignoring:
            return sql
        if sum(bool(outer.asked) for outer in self._frames) > _MAX_NESTED:
            raise refusal(node, "conditions with undocumented results are nested too deep")
        questions = [*frame.asked]
        if prod(question.answers for question in questions) > _MAX_VARIANTS:
            raise refusal(node, "too many undocumented results in one condition", "split it")
        variants: dict[str, None] = {}
        for answers in product(*(range(question.answers) for question in questions)):
            frame.assumed = dict(zip(questions, answers, strict=True))
            variants[translate()] = None
        first, *others = variants
        if not others:
            return first
        agree = " AND ".join(f"{first} IS NOT DISTINCT FROM {other}" for other in others)
        message = " and ".join(dict.fromkeys(question.message for question in questions))
        return f"(CASE WHEN {agree} THEN {first} ELSE {error(message)} END)"
