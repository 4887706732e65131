"""Conditions with parameters: their arguments are operands, and every error is at its place."""

from __future__ import annotations

import json

import pytest

from segctl.declarations.collection import read_declarations
from tests.declarations.reading import FILE, places, shown

CONDITIONS = """\
conditions:
  active(days): age < @days AND @consented
  consented: plan = 'pro'
  lives(places, days): "country IN @places AND @active(@days)"
  called(who): first_name = @who
"""


def sent(values: str, query: str) -> str:
    text = f"name: a\n{values}query_dsl: |\n  SELECT 1 WHERE {query}\n"
    declarations = read_declarations(
        {FILE: text.encode()}, {}, "segments", conditions=CONDITIONS.encode()
    )
    errors = [item for item in declarations.diagnostics if item.severity.value == "error"]
    assert errors == [], shown(declarations.diagnostics)
    return declarations.declared[0].segment.query.removeprefix("SELECT 1 WHERE ").strip()


@pytest.mark.parametrize(
    ("values", "query", "expected"),
    [
        ("", "@active(30)", "(age < 30 AND (plan = 'pro'))"),
        ("", "@active( -1.5 )", "(age < (-1.5) AND (plan = 'pro'))"),
        ("values: {least: 7}\n", "@active(@least)", "(age < 7 AND (plan = 'pro'))"),
        ("", "@called('O''Brien')", "(first_name = 'O''Brien')"),
        ("", "@called(')')", "(first_name = ')')"),
        (
            "values: {countries: [CZ, SK]}\n",
            "@lives(@countries, 5)",
            "(country IN ('CZ', 'SK') AND (age < 5 AND (plan = 'pro')))",
        ),
        (
            "",
            "@active(1) OR @active(2)",
            "(age < 1 AND (plan = 'pro')) OR (age < 2 AND (plan = 'pro'))",
        ),
        # The nearest one wins: a parameter, not the value of the same name.
        ("values: {days: 9}\n", "@active(1) AND x > @days", None),
    ],
)
def test_an_argument_is_an_operand(values: str, query: str, expected: str | None) -> None:
    result = sent(values, query)

    assert result == (expected or "(age < 1 AND (plan = 'pro')) AND x > 9")


@pytest.mark.parametrize(
    ("query", "summary"),
    [
        ("@active", "`@active` must have the arguments (days), got 0"),
        ("@active()", "`@active` must have the arguments (days), got 0"),
        ("@active(1, 2)", "`@active` must have the arguments (days), got 2"),
        ("@consented(1)", "`@consented` must have no arguments, got 1"),
        ("@active(age + 1)", "the arguments of `@active` must be strings, numbers and values"),
        ("@active(1", "the arguments of `@active` must be strings, numbers and values"),
        ("@active(@consented)", "unknown value `@consented`"),
        ("@active(@list('x'))", "the arguments of `@active` must be strings, numbers and values"),
        ("age > @least(1) AND @active(@least)", "`@least` is a value, which has no arguments"),
    ],
)
def test_what_does_not_fit_is_an_error(query: str, summary: str) -> None:
    values = "values: {least: 1}\n" if "@least" in query else ""
    text = f"name: a\n{values}query_dsl: |\n  SELECT 1 WHERE {query}\n"
    declarations = read_declarations(
        {FILE: text.encode()}, {}, "segments", conditions=CONDITIONS.encode()
    )

    assert [item.summary for item in declarations.diagnostics][:1] == [summary]
    assert declarations.declared == ()


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (("active(days)", "active(days, days)"), "2:3 duplicate-name"),
        (("active(days)", "active(days, hours)"), "2:3 unused-value"),
        (("active(days)", "active()"), "2:3 bad-name"),
        (("active(days)", "list(days)"), "2:3 bad-name"),
        (("consented:", "active:"), "3:3 duplicate-name"),
        (("plan = 'pro'", '"@lives(1, 2)"'), "2:17 condition-loop"),
    ],
)
def test_what_is_wrong_with_a_condition_is_at_its_place(
    edit: tuple[str, str], expected: str
) -> None:
    declarations = read_declarations(
        {}, {}, "segments", conditions=CONDITIONS.replace(*edit).encode()
    )

    assert expected in places(declarations.diagnostics), shown(declarations.diagnostics)


def test_conditions_that_differ_in_their_arguments_end_at_the_limit_of_a_query() -> None:
    names = [f"p{number}" for number in range(8)]
    listed, shifted = ", ".join(names), ", ".join(f"@{name}" for name in names[:-1])
    conditions = {f"c30({listed})": " OR ".join(f"age < @{name}" for name in names)}
    for level in range(30):
        calls = [f"@c{level + 1}({number}, {shifted})" for number in range(8)]
        conditions[f"c{level}({listed})"] = " OR ".join([*calls, f"age < @{names[-1]}"])
    text = f"name: a\nquery_dsl: SELECT 1 WHERE @c0({', '.join('0' * 8)})\n"
    declarations = read_declarations(
        {FILE: text.encode()},
        {},
        "segments",
        conditions=json.dumps({"conditions": conditions}).encode(),
    )

    assert [item.code for item in declarations.diagnostics] == ["query-too-long"]


def test_long_conditions_with_many_arguments_end_at_the_limit_of_a_query() -> None:
    values = ", ".join(f"v{number}" for number in range(2000))
    uses = " AND ".join(f"@long({number})" for number in range(5000))
    conditions = (
        f"conditions:\n  long(x): age < @x AND city IN @cities\n  all(y): age < @y AND {uses}\n"
    )
    text = f"name: a\nvalues: {{cities: [{values}]}}\nquery_dsl: SELECT 1 WHERE @all(1)\n"
    declarations = read_declarations(
        {FILE: text.encode()}, {}, "segments", conditions=conditions.encode()
    )

    assert [item.summary for item in declarations.diagnostics] == [
        "`@all` stands for more than 1,048,576 characters"
    ]


def test_conditions_that_double_end_at_the_limit_of_a_query() -> None:
    doubling = "".join(f"  c{n}(x): '@c{n + 1}(@x) OR @c{n + 1}(@x)'\n" for n in range(30))
    conditions = f"conditions:\n{doubling}  c30(x): age < @x\n"
    text = "name: a\nquery_dsl: SELECT 1 WHERE @c0(1)\n"
    declarations = read_declarations(
        {FILE: text.encode()}, {}, "segments", conditions=conditions.encode()
    )

    assert [item.code for item in declarations.diagnostics] == ["query-too-long"]
