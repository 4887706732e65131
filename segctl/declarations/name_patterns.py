"""Regular expressions of a project, matched in a bounded number of steps.

Whoever opens a pull request writes them, and `re` can take longer than the universe lasts: it tries
the ways through `(a+)+$` one by one. Here a match carries the set of all positions that some way
reaches, so no position is visited twice for the same part. `re` only checks the syntax of the whole
and matches single characters and anchors. Does not support what depends on how an earlier part
matched (back-references, possessive and atomic parts), which no set of positions can tell.
"""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from typing import TypeAlias

LONGEST = 500
"""Characters of a pattern."""

DEEPEST = 20
"""Groups inside each other."""

MOST_REPEATS = 1_000

MOST_STEPS = 20_000
"""Steps to match one name; each is a part of the pattern or a position. Naming schemes take under a
thousand, and patterns that are meant to be slow rarely three."""

_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*+\]", re.DOTALL)
_ESCAPE = re.compile(
    r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|N\{[^}]*+\}|0[0-7]{0,2}|[1-3][0-7]{2}|.)",
    re.DOTALL,
)
_QUANTIFIER = re.compile(r"([*+?]|\{(?!\})([0-9]*)(,?)([0-9]*)\})(\??)")
_GROUP = re.compile(r"\((?:\?(?:P<\w+>|(<?[=!])|([aimsu]*)(?:-([ims]+))?:)|(?!\?))")
_GLOBAL_FLAGS = re.compile(r"\(\?([aimsu]+)\)")
_FLAGS = {"a": re.ASCII, "i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL, "u": re.UNICODE}


class BadPattern(ValueError):
    """A pattern that is invalid or not supported; the text says why."""


class TooManySteps(Exception):
    """Matching a name took more than `MOST_STEPS`."""


@dataclass(frozen=True, slots=True)
class _Leaf:
    """What matches one character, or an anchor, which matches none."""

    pattern: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class _Sequence:
    parts: tuple[_Node, ...]


@dataclass(frozen=True, slots=True)
class _Choice:
    branches: tuple[_Node, ...]


@dataclass(frozen=True, slots=True)
class _Repeat:
    body: _Node
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class _Look:
    """A look ahead (`(?=`, `(?!`) or behind (`(?<=`, `(?<!`)."""

    body: _Node
    behind: bool
    negated: bool


_Node: TypeAlias = _Leaf | _Sequence | _Choice | _Repeat | _Look


class NamePattern:
    """A pattern for whole names, and its `text`. Raises `BadPattern`."""

    def __init__(self, text: str) -> None:
        self.text = text
        if len(text) > LONGEST:
            raise BadPattern(f"{len(text)} characters, more than the limit of {LONGEST}")
        try:
            with warnings.catch_warnings():
                # Python warns its own users of syntax that may change.
                warnings.simplefilter("ignore")
                re.compile(text)
                self._root = _Parser(text).parse()
        except re.error as error:
            raise BadPattern(error.msg) from None
        except OverflowError:
            raise BadPattern(f"more than {MOST_REPEATS:,} repetitions") from None
        except RecursionError:
            raise BadPattern(_TOO_DEEP) from None

    def matches(self, name: str) -> bool:
        """Return whether the whole name matches. Raises `TooManySteps`."""
        return len(name) in _Match(name).ends(self._root, {0})


_TOO_DEEP = f"groups are nested more than {DEEPEST} deep"


class _Match:
    """A match of one name; counts its steps."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._steps = 0

    def ends(self, node: _Node, starts: set[int]) -> set[int]:
        """Return where a part can end, given where it can start."""
        self._steps += len(starts) + 1
        if self._steps > MOST_STEPS:
            raise TooManySteps
        match node:
            case _Leaf(pattern):
                matches = (pattern.match(self._name, start) for start in starts)
                return {match.end() for match in matches if match}
            case _Sequence(parts):
                for part in parts:
                    starts = self.ends(part, starts)
                return starts
            case _Choice(branches):
                return set().union(*(self.ends(branch, starts) for branch in branches))
            case _Repeat():
                return self._repeated(node, starts)
            case _Look(body, behind, negated):
                return {at for at in starts if self._sees(body, at, behind=behind) != negated}

    def _sees(self, body: _Node, at: int, *, behind: bool) -> bool:
        if behind:
            return any(at in self.ends(body, {start}) for start in range(at + 1))
        return bool(self.ends(body, {at}))

    def _repeated(self, node: _Repeat, starts: set[int]) -> set[int]:
        for _ in range(node.least):
            further = self.ends(node.body, starts)
            if further == starts:
                break
            starts = further
        reached, new = set(starts), starts
        count = node.least
        while new and (node.most is None or count < node.most):
            new = self.ends(node.body, new) - reached
            reached |= new
            count += 1
        return reached


class _Parser:
    """Reads the structure of a pattern that `re` accepts. Raises `BadPattern`."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def parse(self) -> _Node:
        flags = re.NOFLAG
        while match := _GLOBAL_FLAGS.match(self._text, self._at):
            self._at = match.end()
            flags = _with_flags(flags, match[1], "")
        return self._choice(flags, 0)

    def _choice(self, flags: re.RegexFlag, depth: int) -> _Node:
        if depth > DEEPEST:
            raise BadPattern(_TOO_DEEP)
        branches = [self._sequence(flags, depth)]
        while self._peek() == "|":
            self._at += 1
            branches.append(self._sequence(flags, depth))
        return branches[0] if len(branches) == 1 else _Choice(tuple(branches))

    def _sequence(self, flags: re.RegexFlag, depth: int) -> _Node:
        parts: list[_Node] = []
        while self._peek() not in ("", "|", ")"):
            is_group = self._peek() == "("
            part = self._group(flags, depth) if is_group else self._leaf(flags)
            parts.append(self._quantified(part))
        return _Sequence(tuple(parts))

    def _group(self, flags: re.RegexFlag, depth: int) -> _Node:
        match = _GROUP.match(self._text, self._at)
        if match is None:
            raise BadPattern(f"`{self._text[self._at : self._at + 4]}…` is not supported")
        self._at = match.end()
        body = self._choice(_with_flags(flags, match[2] or "", match[3] or ""), depth + 1)
        self._at += 1  # the closing parenthesis
        return _Look(body, "<" in match[1], "!" in match[1]) if match[1] else body

    def _leaf(self, flags: re.RegexFlag) -> _Node:
        char = self._peek()
        token = {"[": _CLASS, "\\": _ESCAPE}.get(char)
        match = token.match(self._text, self._at) if token else None
        text = match[0] if match else char
        if re.fullmatch(r"\\[1-9][0-9]?", text):
            raise BadPattern("back-references are not supported")
        self._at += len(text)
        return _Leaf(re.compile(text, flags))

    def _quantified(self, part: _Node) -> _Node:
        match = _QUANTIFIER.match(self._text, self._at)
        if match is None:
            return part
        self._at = match.end()
        if self._peek() == "+" and not match[5]:
            raise BadPattern("possessive quantifiers are not supported")
        sign, low, comma, high = match[1], match[2], match[3], match[4]
        if sign in _SIGNS:
            return _Repeat(part, *_SIGNS[sign])
        least = int(low or 0)
        most = (int(high) if high else None) if comma else least
        if max(least, most or 0) > MOST_REPEATS:
            raise BadPattern(f"more than {MOST_REPEATS:,} repetitions")
        return _Repeat(part, least, most)

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]


_SIGNS: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}


def _with_flags(flags: re.RegexFlag, on: str, off: str) -> re.RegexFlag:
    for letter in on:
        # ASCII and Unicode exclude each other.
        flags = (flags & ~re.ASCII if letter == "u" else flags) | _FLAGS[letter]
    for letter in off:
        flags &= ~_FLAGS[letter]
    return flags & ~re.UNICODE
