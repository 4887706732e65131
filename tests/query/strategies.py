"""Hypothesis strategies for the query language: a meaning first, then a spelling of it.

A meaning is a tree of tuples. `spell` writes it with random but harmless choices, so any two
spellings of one meaning must be equal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from hypothesis import strategies as st

if TYPE_CHECKING:
    from random import Random

Meaning: TypeAlias = tuple[object, ...]

COLUMNS = ("email", "country", "total_spend", "created_at", '"Plan"', '"plan"', "plan", '"a""b"')
_PLAIN = st.text(st.characters(codec="utf-8", exclude_characters="'\\"), max_size=6)
literals = st.one_of(
    _PLAIN.map(lambda text: f"'{text}'"),
    st.sampled_from(["'it''s'", "'a\\'b'", "'--'", "'/* x */'", "'AS'", "';'", "NULL", "TRUE"]),
    st.integers(0, 10**9).map(str),
    st.decimals(0, 1000, places=2).map(str),
)
columns = st.tuples(st.just("column"), st.sampled_from(COLUMNS))
values = st.one_of(
    columns,
    st.tuples(st.just("literal"), literals),
    st.tuples(st.just("ago"), st.integers(1, 400), st.sampled_from(["day", "days", "hours"])),
    st.tuples(st.just("sum"), columns, st.integers(1, 9).map(lambda n: ("literal", str(n)))),
)
atoms = st.one_of(
    st.tuples(
        st.just("compare"), columns, st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), values
    ),
    st.tuples(
        st.just("in"), columns, st.booleans(), st.lists(literals, min_size=1, max_size=4).map(tuple)
    ),
    st.tuples(st.just("null"), columns, st.booleans()),
    st.tuples(st.just("like"), columns, st.booleans(), _PLAIN.map(lambda text: f"'{text}'")),
    st.tuples(st.just("contains"), columns, st.lists(literals, max_size=3).map(tuple)),
)
conditions: st.SearchStrategy[Meaning] = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["AND", "OR"]), st.lists(inner, min_size=2, max_size=4)),
        st.tuples(st.just("NOT"), inner),
        st.tuples(st.just("member"), st.booleans(), inner),
    ),
    max_leaves=8,
)
queries: st.SearchStrategy[Meaning] = st.tuples(
    st.just("query"), st.booleans(), st.none() | conditions
)


def spell(meaning: Meaning, random: Random) -> str:
    """Return a query (from `queries`) in one of its spellings."""
    return _Speller(random).query(meaning, 0) + random.choice(["", ";", " ; ", "\n-- end"])


class _Speller:
    def __init__(self, random: Random) -> None:
        self.random = random

    def gap(self) -> str:
        return self.random.choice([" ", "  ", "\n", "\r\n", "\t", " -- it's\n", ' /* " */ '])

    def join(self, *words: str) -> str:
        return "".join(self.gap() + word for word in words).strip(" ")

    def case(self, word: str) -> str:
        if word.startswith(('"', "'")):
            return word
        return self.random.choice([word.upper(), word.lower(), word.title()])

    def query(self, meaning: Meaning, depth: int) -> str:
        _, joined, where = meaning
        first, second = self.random.choice([("c", "e"), ("a", "b"), ("e", "c"), ("x1", "x2")])
        first, second = first + "_" * depth, second + "_" * depth
        as_ = self.random.choice([[], [self.case("as")]])
        words = [self.case("select"), f"{self.case(first)}.contact_id", ",", f"{first}.updated_at"]
        words += [self.case("from"), self.case("contact_data"), *as_, self.case(first)]
        if joined:
            words += self.random.choice([[], [self.case("inner")]])
            words += [self.case("join"), "event_data", *as_, second, self.case("on")]
            words += [f"{first}.contact_id", "=", self.case(f"{second}.contact_id")]
        if where is not None:
            assert isinstance(where, tuple)
            words += [self.case("where"), self.condition(where, first, depth, 0)]
        return self.join(*words)

    def condition(self, meaning: Meaning, alias: str, depth: int, floor: int) -> str:
        text, precedence = self.bare(meaning, alias, depth)
        for _ in range(self.random.choice([0, 0, 0, 1, 2]) or int(precedence <= floor)):
            text = self.join("(", text, ")")
        return text

    def bare(self, meaning: Meaning, alias: str, depth: int) -> tuple[str, int]:  # noqa: C901, PLR0911 - one branch per shape
        match meaning:
            case ("AND" | "OR" as word, list(operands)):
                precedence = 2 if word == "AND" else 1
                texts = [self.condition(operand, alias, depth, precedence) for operand in operands]
                self.random.shuffle(texts)
                whole = texts[0]
                for text in texts[1:]:
                    whole = self.join(whole, self.case(word), text)
                return whole, precedence
            case ("NOT", tuple(operand)):
                return self.join(self.case("not"), self.condition(operand, alias, depth, 2)), 3
            case ("member", bool(negated), tuple(operand)):
                inner = self.query(("query", False, operand), depth + 1)
                words = [f"{alias}.contact_id", *self.not_(negated), self.case("in")]
                return self.join(*words, "(", inner, ")"), 4
            case ("compare", tuple(left), str(op), tuple(right)):
                if op == "!=":
                    op = self.random.choice(["!=", "<>"])
                return self.join(self.value(left, alias), op, self.value(right, alias)), 4
            case ("in", tuple(left), bool(negated), tuple(items)):
                shuffled = [str(item) for item in items]
                self.random.shuffle(shuffled)
                words = [self.value(left, alias), *self.not_(negated), self.case("in")]
                return self.join(
                    *words, "(", *[word for item in shuffled for word in (",", item)][1:], ")"
                ), 4
            case ("null", tuple(left), bool(negated)):
                words = [self.case("is"), *self.not_(negated), self.case("null")]
                return self.join(self.value(left, alias), *words), 4
            case ("like", tuple(left), bool(negated), str(pattern)):
                words = [*self.not_(negated), self.case("like"), pattern]
                return self.join(self.value(left, alias), *words), 4
            case ("contains", tuple(left), tuple(items)):
                separated = [word for item in items for word in (",", str(item))][1:]
                array = self.join("[", *separated, "]")
                call = [self.case("array_contains"), "(", self.value(left, alias), ",", array, ")"]
                return self.join(*call), 10
        raise AssertionError(meaning)

    def not_(self, negated: bool) -> list[str]:
        return [self.case("not")] if negated else []

    def value(self, meaning: Meaning, alias: str) -> str:
        match meaning:
            case ("column", str(name)):
                return f"{self.case(alias)}.{self.case(name)}"
            case ("literal", str(text)):
                return text
            case ("ago", int(count), str(unit)):
                words = [self.case("now"), "(", ")", "-", str(count), self.case(unit)]
                if self.random.random() < 0.5:
                    words = ["(", *words, ")"]
                return self.join(*words)
            case ("sum", tuple(left), tuple(right)):
                return self.join(self.value(left, alias), "+", self.value(right, alias))
        raise AssertionError(meaning)
