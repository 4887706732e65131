from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segctl.query.equivalence import Equivalence, compare_queries
from segctl.query.format.layout import WIDTH, FormattedQuery, format_query
from segctl.query.parser.parse import parse
from tests.support.growth import TIMES, in_proportion

from .corpus import ACCEPTED, DIFFERENT, EQUAL, REFUSED, UNSUPPORTED, C, J, S, W
from .strategies import queries, spell
from .test_fuzz import HUGE, PIECES

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from .strategies import Meaning

F = "SELECT contact_id, updated_at\nFROM contact_data\n"
UUID = "'0b1f4a10-5c1d-4a6e-9f02-00000000000{}'"

# ruff: noqa: E501, ISC004, Q003, S608 - the SQL is test data that no server ever sees.
FORMATTED = {
    "one condition on one line stays there": (
        "select contact_id,updated_at from contact_data where country='US'",
        f"{W}country = 'US'",
    ),
    "one condition on two lines stays on lines": (
        "select contact_id, updated_at from contact_data\nwhere country='US'",
        f"{F}WHERE country = 'US'",
    ),
    "one condition that does not fit": (
        f"{W}last_order > timestampadd(day, -30, CURRENT_TIMESTAMP) -- when",
        f"{F}WHERE last_order > timestampadd(day, -30, CURRENT_TIMESTAMP) -- when",
    ),
    "no condition": (f"  {S} ;\n", f"{S};"),
    "conditions": (
        f"{W}a = 1 and b = 2 AND c in (1,2)",
        f"{F}WHERE a = 1\n  AND b = 2\n  AND c IN (1, 2)",
    ),
    "an AND between ORs is indented": (
        f"{W}a = 1 AND b = 2 OR c = 3 AND d = 4",
        f"{F}WHERE a = 1\n    AND b = 2\n  OR c = 3\n    AND d = 4",
    ),
    "groups": (
        f"{W}(a = 1 OR (b = 2 AND c = 3)) AND NOT (d = 4 OR e = 5)",
        f"{F}WHERE (\n    a = 1\n    OR (\n      b = 2\n      AND c = 3\n    )\n  )\n"
        "  AND NOT (\n    d = 4\n    OR e = 5\n  )",
    ),
    "a condition and its NULLs stay together": (
        f"{W}(a != 1 or a is null) AND b = 2",
        f"{F}WHERE (a != 1 OR a IS NULL)\n  AND b = 2",
    ),
    "redundant parentheses stay": (
        f"{W}((a = 1)) AND (((b)) = 2)",
        f"{F}WHERE ((a = 1))\n  AND (((b)) = 2)",
    ),
    "subqueries": (
        f"{W}contact_id not in (select e.contact_id from event_data e where e.a=1 and e.b=2)",
        f"{F}WHERE contact_id NOT IN (\n    SELECT e.contact_id\n    FROM event_data e\n"
        "    WHERE e.a = 1\n      AND e.b = 2\n  )",
    ),
    "joins": (
        f"{J.lower()} left join x using(contact_id) where e.a=1",
        "SELECT c.contact_id, c.updated_at\nFROM contact_data c\n"
        "JOIN event_data e ON c.contact_id = e.contact_id\n"
        "LEFT JOIN x USING (contact_id)\nWHERE e.a = 1",
    ),
    "two conditions of a join": (
        f"{J} AND e.a = 1",
        "SELECT c.contact_id, c.updated_at\nFROM contact_data c\n"
        "JOIN event_data e ON c.contact_id = e.contact_id\n  AND e.a = 1",
    ),
    "a long list is wrapped": (
        f"{W}array_contains(list_ids, [{','.join(UUID.format(n) for n in range(3))}])",
        f"{F}WHERE array_contains(list_ids, [\n"
        f"    {UUID.format(0)}, {UUID.format(1)},\n    {UUID.format(2)}\n  ])",
    ),
    "a list with comments has one value a line": (
        f"{W}country IN ('US', -- home\n 'CA' -- north\n, /* south */ 'MX')",
        f"{F}WHERE country IN (\n    'US', -- home\n    'CA', -- north\n    /* south */\n    'MX'\n  )",
    ),
    "names that look like keywords": (
        "select c.order, \"from\", left(a, 2), e.data:payload.from from t c"
        " where c.select = now and day = 1 and interval = 2",
        "SELECT c.order, \"from\", left(a, 2), e.data:payload.from\nFROM t c\n"
        "WHERE c.select = now\n  AND day = 1\n  AND interval = 2",
    ),
    "keywords everywhere": (
        f"{W}a is not null and b not like 'x' escape '!' and c between 1 and 2 or exists"
        " (select 1 from t as x) or case when true then false else null end",
        f"{F}WHERE a IS NOT NULL\n    AND b NOT LIKE 'x' ESCAPE '!'\n    AND c BETWEEN 1 AND 2\n"
        "  OR EXISTS (\n    SELECT 1\n    FROM t AS x\n  )\n"
        "  OR CASE WHEN TRUE THEN FALSE ELSE NULL END",
    ),
    "types and functions keep their case": (
        f"{W}cast( a as varchar( 10 ) ) = Lower ( b ) and c::timestamp with time zone > Now ( )",
        f"{F}WHERE CAST(a AS varchar(10)) = Lower(b)\n  AND c::timestamp with time zone > Now()",
    ),
    "signs": (f"{W}a=- -2 AND b=-2 AND c=1--2\n-3", f"{F}WHERE a = - -2\n  AND b = -2\n"
        "  AND c = 1 --2\n    - 3"),
    "comments behind conditions stay behind them": (
        f"{W}a = 1 -- one\nAND b = 2 -- two\n",
        f"{F}WHERE a = 1 -- one\n  AND b = 2 -- two",
    ),
    "comments behind an AND at the end of a line": (
        f"{W}a = 1 AND -- one\nb = 2",
        f"{F}WHERE a = 1 -- one\n  AND b = 2",
    ),
    "comments behind an AND at the beginning of a line": (
        f"{W}a = 1\nAND -- two\nb = 2",
        f"{F}WHERE a = 1\n  -- two\n  AND b = 2",
    ),
    "comments on their own lines": (
        f"-- all\n\n-- of it\n{S} WHERE\n-- one\na = 1\n\n  -- two\n  AND b = 2\n  -- end",
        f"-- all\n-- of it\n{F}-- one\nWHERE a = 1\n  -- two\n  AND b = 2\n-- end",
    ),
    "comments in groups": (
        f"{W}( -- either\n a = 1 OR\n -- or\n b = 2 -- so\n)",
        f"{F}WHERE ( -- either\n    a = 1\n    -- or\n    OR b = 2 -- so\n  )",
    ),
    "comments in the midst of a line": (
        f"{W}a /* x */ = /* y */ 1 /* z */ AND b = -- two\n 2",
        f"{F}WHERE a /* x */ = /* y */ 1 /* z */\n  AND b = -- two\n    2",
    ),
    "a comment before the semicolon": (f"{W}a = 1 -- x\n;", f"{F}WHERE a = 1; -- x"),
    "a comment between semicolons": (f"{S}; /* x */;", f"{F.strip()}; /* x */\n;"),
    "unsupported clauses": (
        f"{W}a = 1 group by Country,( b ) order  by x limit 3 ; drop table T",
        f"{F}WHERE a = 1\nGROUP BY Country,(b)\nORDER BY x\nLIMIT 3;\ndrop table T",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMATTED)
def test_the_style(name: str) -> None:
    text, wanted = FORMATTED[name]
    assert format_query(parse(text)) == FormattedQuery(wanted)
    assert format_query(parse(wanted)).text == wanted


CORPUS = sorted(
    {
        *ACCEPTED,
        *(text for text, _ in UNSUPPORTED),
        *(text for pair in (*EQUAL, *DIFFERENT) for text in pair if parse(text).query),
    }
)


@pytest.mark.parametrize("text", CORPUS)
def test_every_query_of_the_corpus_can_be_formatted(text: str) -> None:
    layout = format_query(parse(text))
    assert not layout.reason
    check_layout(text, layout.text)


@pytest.mark.parametrize("text", [text for text, _, _ in REFUSED])
def test_an_unreadable_query_stays_as_it_is(text: str) -> None:
    layout = format_query(parse(text))
    assert layout.text == text
    assert "cannot parse it" in layout.reason


@settings(max_examples=150, deadline=None)
@given(queries, st.integers(0, 2**32).map(random.Random))
def test_every_query_can_be_formatted(meaning: Meaning, seed: Random) -> None:
    text = spell(meaning, seed)
    layout = format_query(parse(text))
    assert not layout.reason
    check_layout(text, layout.text)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(CORPUS), st.data())
def test_comments_anywhere_are_kept(text: str, data: st.DataObject) -> None:
    tokens = parse(text).tokens
    comments = st.sampled_from(
        ["", " ", "\n", "\r\n", " -- note\n", "\n  -- own, line  \n", " /* x */ ", "\n/* y */\n",
         " /* a\n   b */ ", "\n/* z */ -- two\n", "--\n"]
    )  # fmt: skip
    pieces = [data.draw(comments)]
    for before, after in zip(tokens, [*tokens[1:], None], strict=True):
        gap = data.draw(comments)
        if not gap and after and before.end != after.start:
            gap = " "
        pieces += [before.text, gap]
    changed = "".join(pieces)
    if parse(
        changed
    ).query:  # two tokens without a space between them may have become another token
        layout = format_query(parse(changed))
        assert not layout.reason
        check_layout(changed, layout.text)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=40) | st.lists(st.sampled_from(PIECES), max_size=25).map(" ".join))
def test_any_text_is_formatted_or_left_unchanged(text: str) -> None:
    for candidate in (text, W + text, f"{W}a = {text} AND b = 1"):
        layout = format_query(parse(candidate))
        if layout.reason:
            assert layout.text == candidate
        else:
            check_layout(candidate, layout.text)


@pytest.mark.parametrize("name", HUGE)
def test_huge_nonsense_stays_as_it_is(name: str) -> None:
    assert format_query(parse(HUGE[name])).text == HUGE[name]


HEAVY: dict[str, Callable[[int], str]] = {
    "one list": lambda size: "a IN (" + ", ".join(f"'{n}'" for n in range(20 * size)) + ")",
    "lists": lambda size: " OR ".join(
        f"a IN ({', '.join(['12345678'] * 12)})" for _ in range(size)
    ),
    "comments": lambda size: "a = 1 AND -- x\n" * (10 * size) + "b = 1",
}


@pytest.mark.parametrize("name", HEAVY)
def test_large_queries_take_time_in_proportion(name: str) -> None:
    def write(size: int) -> None:
        layout = format_query(parse(W + HEAVY[name](size)))
        assert not layout.reason
        assert max(map(len, layout.text.split("\n"))) <= WIDTH

    assert in_proportion(lambda: write(63), lambda: write(63 * TIMES))


def test_a_result_that_cannot_be_proven_is_discarded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segctl.query.format.layout._Writer.write", lambda _: f"{C} WHERE a = 2")
    text = f"{W}a = 1"
    layout = format_query(parse(text))
    assert layout.text == text
    assert "prove" in layout.reason


def check_layout(before: str, after: str) -> None:
    """Check what must be true of every formatted query."""
    old, new = parse(before), parse(after)
    assert [w.upper for w in old.tokens] == [w.upper for w in new.tokens]
    assert old.query
    assert new.query
    assert [c.text.rstrip() for c in old.query.comments] == [c.text for c in new.query.comments]
    assert compare_queries(before, after) is not Equivalence.DIFFERENT
    assert format_query(new).text == after
    assert after == after.strip()
    pieces = [c.text for c in new.query.comments] + [w.text for w in new.tokens]
    if not any(mark in piece for mark in "\n\r" for piece in pieces):
        assert all(line == line.rstrip() and line.strip() for line in after.split("\n"))


NOTE = "-- segctl: ignore[drops-nulls]"


@pytest.mark.parametrize(
    "text",
    [
        f"{W}country != 'US' AND plan = 'c2' {NOTE}\n",
        f"{S}\nWHERE {NOTE}\n  country != 'US'",
        f"{F}WHERE a = 1\n{NOTE}\nAND country != 'US' AND b = 2",
        f"{W}a = 1 /* segctl: ignore[x] */ AND b = 2",
    ],
)
def test_a_query_whose_segctl_comment_would_move_is_not_formatted(text: str) -> None:
    layout = format_query(parse(text))
    assert layout.text == text
    assert "a segctl comment" in layout.reason


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_query_whose_segctl_comment_stays_in_place_is_formatted(end: str) -> None:
    text = f"\n  {F.lower()}where a=1\nand country!='US' {NOTE}\n  {NOTE}\nAND b =2\n"
    wanted = f"{F}WHERE a = 1\n  AND country != 'US' {NOTE}\n  {NOTE}\n  AND b = 2"
    assert format_query(parse(text.replace("\n", end))) == FormattedQuery(wanted)
    assert format_query(parse(wanted)) == FormattedQuery(wanted)
