"""A reader of explanations: the SQL that a sentence says, without the query it was written from.

Small and strict: a sentence that it cannot read, or could read in two ways, is an error. It knows
the words of the sentences, and nothing of the code that writes them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from .sentence_ranges import day_range, time_range
from .sentence_values import Values, literal

# ruff: noqa: S608 - the SQL is test data that no server ever sees.

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from segctl.query.explain import ExplanationLine

SELECT = "SELECT c.contact_id, c.updated_at FROM contact_data c WHERE "
VERBS = {
    "were sent": "processed", "received": "delivered", "opened": "open", "clicked": "click",
    "were not sent": "processed", "did not receive": "delivered", "did not open": "open",
    "did not click": "click",
}  # fmt: skip
NEGATED = ("were not sent", "did not receive", "did not open", "did not click")
PREDICATE = re.compile(
    r" (is|are|(?:does|do) not \w+|contains?|starts?(?= with )|ends?(?= with )|match(?:es)?"
    r"|includes?|sorts?) "
)
_START = r"(?=their |the |they |\(|\[C|minus )"
CLAUSE_ENDS = re.compile(rf",? (and|or) {_START}|, {_START}")
ORDER = {
    "at least": ">=", "at most": "<=", "more than": ">", "less than": "<", "greater than": ">",
    "greater than or equal to": ">=", "less than or equal to": "<=",
}  # fmt: skip
SEARCHES = {"contain": "contains", "start": "startswith", "end": "endswith"}


@dataclass
class Event:
    """An event that the rest of the sentence refers to by its label, and its conditions."""

    alias: str
    conditions: str


def read_sentence(
    lines: Sequence[ExplanationLine], fields: Mapping[str, str], masked: Mapping[str, str]
) -> str:
    """Return the query that an explanation says.

    `fields` has the columns by their words; `masked` the addresses by what is shown of them.
    """
    return SELECT + SentenceReader(Values(fields, masked)).read(lines)


class SentenceReader:
    def __init__(self, values: Values) -> None:
        self.values = values
        self.numbers = count(1)
        self.single_send = ""

    def read(self, lines: Sequence[ExplanationLine]) -> str:
        plain = [(line.depth, self._plain(line.text)) for line in lines]
        depth, text = plain[-1]
        assert text.endswith("."), text
        plain[-1] = (depth, text[:-1])
        [(_, head), *items] = plain
        if head == "All contacts":
            return "TRUE"
        if match := re.fullmatch(
            r"Contacts who meet (all|at least one) of these conditions:", head
        ):
            return self._group(iter(items), match[1] == "all", 1)[0]
        assert not items, lines
        return self._clauses(head.removeprefix("Contacts "))

    def _plain(self, text: str) -> str:
        text = re.sub(r", where [^“”`]*? is an? [^“”`]*?(?=\.?$)", "", text)
        return self.values.without_quotations(text)

    def _clauses(self, text: str) -> str:
        """Return the conditions of relative clauses."""
        pieces = re.split(r"(?:,? (and|or)|,) (?=who |whose |for whom )", text)
        words = {word for word in pieces[1::2] if word}
        assert len(words) <= 1, text
        return self._joined([self._relative(piece) for piece in pieces[::2]], words == {"or"})

    def _joined(self, parts: Sequence[str | Event], any_of: bool) -> str:
        """Return parts as one condition; an event is around the parts that refer to it."""
        if not parts:
            return "TRUE"
        first, rest = parts[0], parts[1:]
        if isinstance(first, Event):
            assert not any_of
            return self._exists(first.alias, f"{first.conditions} AND {self._joined(rest, any_of)}")
        if not rest:
            return f"({first})"
        return f"(({first}) {'OR' if any_of else 'AND'} {self._joined(rest, any_of)})"

    def _group(
        self, items: Iterator[tuple[int, str]], every: bool, depth: int
    ) -> tuple[str, tuple[int, str] | None]:
        """Return the condition of the items of a list, and the item after it."""
        parts: list[str | Event] = []
        item = next(items, None)
        while item and item[0] == depth:
            match = re.fullmatch(r"(all|at least one) of these:", item[1])
            if match:
                self.single_send = ""
                condition, item = self._group(items, match[1] == "all", depth + 1)
                parts.append(condition)
            else:
                parts.append(self._main(item[1]))
                item = next(items, None)
        assert item is None or item[0] < depth
        return self._joined(parts, not every), item

    def _relative(self, text: str) -> str | Event:
        if text.startswith("who "):
            return self._doing(text.removeprefix("who "))
        self.single_send = ""
        if text.startswith("whose "):
            return self._statement(f"their {text.removeprefix('whose ')}")
        return self._statement(text.removeprefix("for whom "))

    def _main(self, text: str) -> str | Event:
        if text.startswith("they "):
            return self._doing(text.removeprefix("they "))
        self.single_send = ""
        return self._statement(text)

    def _statement(self, text: str) -> str:
        """Return the condition of a main clause that does not begin with `they`."""
        if match := re.fullmatch(r"\[C(\d+)\] is true", text):
            return self.values.codes[int(match[1])]
        for match in PREDICATE.finditer(text):
            before = text[: match.start()]
            if before.count("(") == before.count(")"):
                return self._predicate(before, match[1], text[match.end() :])
        raise AssertionError(text)

    def _predicate(self, noun: str, verb: str, rest: str) -> str:
        column, values = self.values.noun(noun), self.values
        rest = re.sub(r" \(excluding [^()]*\)$", "", rest)
        tail = re.fullmatch(r"(.+) or (?:(?:is|are) )?not set", rest)
        if tail:
            return f"({self._predicate(noun, verb, tail[1])} OR {column} IS NULL)"
        if rest.endswith(", ignoring case"):
            values.folds = True
            folded = self._said(f"lower({column})", verb, rest.removesuffix(", ignoring case"))
            values.folds = False
            return folded
        return self._said(column, verb, rest)

    def _said(self, column: str, verb: str, rest: str) -> str:
        values = self.values
        if verb in ("is", "are"):
            return self._is(column, rest)
        if verb.startswith("sort"):
            return self._sorts(column, rest)
        negation = "NOT " if " not " in verb else ""
        stem = verb.rsplit(" ", maxsplit=1)[-1].removesuffix("s").removesuffix("e")
        if stem.startswith("includ"):
            items = ", ".join(map(values.value, re.split(", | or ", rest.removeprefix("any of "))))
            return f"{negation}array_contains({column}, [{items}])"
        value = literal(values.quoted(re.sub(r"^(?:with|the pattern) ", "", rest)))
        if stem.startswith("match"):
            return f"{negation}({column} LIKE {value})"
        return f"{negation}{SEARCHES[stem]}({column}, {value})"

    def _sorts(self, column: str, rest: str) -> str:
        value = self.values.noun
        if match := re.fullmatch(r"before (.+) or after (.+)", rest):
            return f"({column} < {value(match[1])} OR {column} > {value(match[2])})"
        if match := re.fullmatch(r"from (.+) to (.+)", rest):
            return f"({column} >= {value(match[1])} AND {column} <= {value(match[2])})"
        match = re.fullmatch(r"(before|after) (.+)", rest)
        assert match, rest
        return f"{column} {'<' if match[1] == 'before' else '>'} {value(match[2])}"

    def _is(self, column: str, rest: str) -> str:
        if rest in ("set", "not set"):
            return f"{column} IS {'NOT ' if rest == 'set' else ''}NULL"
        if match := re.fullmatch(r"(.+) or sorts? (before|after) it", rest):
            same = match[1].removeprefix("the same as ")
            return f"{column} {'<=' if match[2] == 'before' else '>='} {self.values.noun(same)}"
        read_range = day_range if column.startswith("TO_DATE(") else time_range
        condition = read_range(self.values, column, rest)
        if condition:
            return condition
        negation = "NOT " if rest.startswith(("not ", "neither ")) else ""
        return f"{negation}({self._is_value(column, re.sub('^(not|neither) ', '', rest))})"

    def _is_value(self, column: str, rest: str) -> str:
        values = self.values
        if match := re.fullmatch(r"a multiple of (.+)", rest):
            return f"{column} % {match[1]} = 0"
        if match := re.fullmatch(r"the same as (.+)", rest):
            return f"{column} = {values.noun(match[1])}"
        if match := re.fullmatch(rf"({'|'.join(ORDER)}) (.+)", rest):
            return f"{column} {ORDER[match[1]]} {values.noun(match[2])}"
        if match := re.fullmatch(r"between (\S+) and (\S+)(?: \((\S+) excluded\))?", rest):
            low, high, excluded = match.groups()
            start = ">" if excluded in (low, "both") else ">="
            end = "<" if excluded in (high, "both") else "<="
            return f"{column} {start} {low} AND {column} {end} {high}"
        items = values.values(re.sub(r"^one of (these \d+: )?", "", rest))
        return f"{column} IN ({', '.join(items)})"

    def _doing(self, text: str) -> str | Event:
        """Return the condition of what contacts are or did."""
        if match := re.fullmatch(r"are (not )?on (?:the list|any of the lists) (.+)", text):
            items = ", ".join(literal(item) for item in re.split(", | or ", match[2]))
            return f"{'NOT ' if match[1] else ''}array_contains(c.list_ids, [{items}])"
        for words, column in (("created", "created_at"), ("last updated", "updated_at")):
            if text.startswith(f"were {words} "):
                text = re.sub(r" \(excluding .+\)$", "", text.removeprefix(f"were {words} "))
                condition = time_range(self.values, f"c.{column}", text)
                assert condition, text
                return condition
        return self._event(text)

    def _exists(self, alias: str, conditions: str) -> str:
        return (
            f"EXISTS (SELECT 1 FROM event_data {alias}"
            f" WHERE {alias}.contact_id = c.contact_id AND {conditions})"
        )

    def _event(self, text: str) -> str | Event:
        head, _, others = text.partition(" for which ")
        label = re.search(r" \(event (\w+)\)", head)
        head = re.sub(r" \(event \w+\)", "", head)
        alias = label[1] if label else self._alias_of(others)
        conditions, rest, negated = self._action(head, alias)
        outer, self.values.event = self.values.event, alias
        if rest:
            condition = time_range(self.values, f"{alias}.timestamp", rest.removeprefix(" "))
            assert condition, rest
            conditions.append(condition)
        single_send = self.single_send
        if others:
            conditions.append(self._inline(others))
        self.values.event, self.single_send = outer, single_send
        together = " AND ".join(f"({condition})" for condition in conditions) or "TRUE"
        if label:
            assert not negated
            return Event(alias, together)
        return f"{'NOT ' if negated else ''}{self._exists(alias, together)}"

    def _alias_of(self, others: str) -> str:
        """Return the alias that quotations use for the event, or any alias."""
        codes = [self.values.codes[int(number)] for number in re.findall(r"\[C(\d+)\]", others)]
        for code in codes:
            named = re.search(r"\b(\w+)\.(?:event_|timestamp|data)", code, re.IGNORECASE)
            if named:
                return named[1]
        return f"x{next(self.numbers)}"

    def _action(self, text: str, alias: str) -> tuple[list[str], str, bool]:
        """Return the conditions that the verb and the object say, the rest, and whether not."""
        have = re.match(
            r"have (an|one|no)( e-mail)? event(?: from the source (\[T\d+\]))?"
            r"(?: of type ((?:\[T\d+\](?:, | or )?)+))?"
            r"(?: of a type other than ((?:\[T\d+\](?:, | or )?)+))?"
            r"(?: for (it|the Single Send \S+))?",
            text,
        )
        if have:
            _, mail, source, types, others, single_send = have.groups()
            conditions = [f"{alias}.event_source = 'mail'"] if mail else []
            conditions += [f"{alias}.event_source = {self.values.value(source)}"] if source else []
            conditions += self._types(alias, types, "") + self._types(alias, others, "NOT ")
            conditions += self._sent(alias, single_send)
            return conditions, text[have.end() :], have[1] == "no"
        verbs = "|".join(VERBS)
        did = re.match(
            rf"((?:{verbs})(?:(?:, | or | and )(?:{verbs}))*)"
            r" (it|the Single Send \S+|(?:an|any|a) (?:e-mail|message))"
            r"(?: \((?:source (\[T\d+\])|(from any source))\))?",
            text,
        )
        assert did, text
        words, what, source, any_source = did.groups()
        verbs_said = re.split(", | or | and ", words)
        types = ", ".join(literal(VERBS[verb]) for verb in verbs_said)
        conditions = [f"{alias}.event_type IN ({types})"]
        is_single_send = what == "it" or what.startswith("the Single Send")
        if source:
            conditions.append(f"{alias}.event_source = {self.values.value(source)}")
        elif what.endswith("e-mail") or (is_single_send and not any_source):
            conditions.append(f"{alias}.event_source = 'mail'")
        conditions += self._sent(alias, what if is_single_send else None)
        return conditions, text[did.end() :], verbs_said[0] in NEGATED

    def _types(self, alias: str, listed: str | None, negation: str) -> list[str]:
        if not listed:
            return []
        return [f"{alias}.event_type {negation}IN ({', '.join(self.values.values(listed))})"]

    def _sent(self, alias: str, single_send: str | None) -> list[str]:
        if single_send is None:
            self.single_send = ""
            return []
        if single_send != "it":
            self.single_send = single_send.removeprefix("the Single Send ")
        assert self.single_send
        shown = self.single_send
        text = self.values.quoted(shown) if shown.startswith("[T") else shown
        return [f"{alias}.DATA:payload.unique_args.singlesend_id = {literal(text)}"]

    def _inline(self, text: str) -> str:
        """Return the condition of clauses in one line, nested ones in parentheses."""
        pieces, start = [], 0
        words = set()
        for match in CLAUSE_ENDS.finditer(text):
            if text.count("(", 0, match.start()) == text.count(")", 0, match.start()):
                pieces.append(text[start : match.start()])
                start = match.end()
                words |= {match[1]} if match[1] else set()
        pieces.append(text[start:])
        assert len(words) <= 1, text
        parts = [self._inline_piece(piece) for piece in pieces]
        return self._joined(parts, words == {"or"})

    def _inline_piece(self, text: str) -> str | Event:
        if text.startswith("(") and text.endswith(")"):
            inner = text[1:-1]
            depths = [inner.count("(", 0, n) - inner.count(")", 0, n) for n in range(len(inner))]
            if min(depths, default=0) >= 0:
                return self._inline(inner)
        return self._main(text)
