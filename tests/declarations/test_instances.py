"""Files with `for_each`: one segment for each instance, and every error at its place."""

from __future__ import annotations

import pytest

from segctl.declarations import collection
from segctl.declarations.account_file import account_text
from segctl.declarations.collection import Declarations, read_declarations
from segctl.model.contact_fields import KnownAccount, account_path
from tests.declarations.reading import FILE, places, shown

LIST = "11111111-1111-4111-8111-111111111111"
MATRIX = """\
name: Winback ${label} ${lang}
description: For ${label}
for_each:
  lang: [en, de, cs]
  brand:
    acme: {label: Acme}
    globex: {label: Globex}
exclude:
  - {brand: globex, lang: cs}
query_dsl: SELECT contact_id, updated_at FROM contact_data WHERE brand = @brand AND lang = @lang
"""
SHOPS = {"shops": ("eu", "us")}
TARGETS = """\
name: Recent
targets:
  eu:
  us: {values: {days: 60}}
values: {days: 90}
query_dsl: SELECT contact_id, updated_at FROM contact_data WHERE age < @days
"""


def read(text: str, *, target: str = "eu", instances: str = "", lists: str = "") -> Declarations:
    accounts = {account_path("segments", target): lists.encode()} if lists else {}
    return read_declarations(
        {FILE: text.encode()},
        {},
        "segments",
        accounts=accounts,
        targets=("eu", "us", "staging"),
        target=target,
        instances=instances.encode() or None,
        groups=SHOPS,
    )


def names(declarations: Declarations) -> list[str]:
    assert declarations.diagnostics == (), shown(declarations.diagnostics)
    return [segment.name for segment in declarations.declared]


def test_each_combination_is_a_segment_known_by_its_key() -> None:
    declared = read(MATRIX).declared

    assert {segment.source: segment.name for segment in declared} == {
        f"{FILE}[acme, en]": "Winback Acme en",
        f"{FILE}[acme, de]": "Winback Acme de",
        f"{FILE}[acme, cs]": "Winback Acme cs",
        f"{FILE}[globex, en]": "Winback Globex en",
        f"{FILE}[globex, de]": "Winback Globex de",
    }
    assert declared[1].segment.query.endswith("WHERE brand = 'acme' AND lang = 'de'")
    assert declared[1].description == "For Acme"
    assert str(declared[1].span) == f"{FILE}:1:7 [acme, de]"


def test_the_order_of_dimensions_and_keys_changes_nothing() -> None:
    reordered = MATRIX.replace("  lang: [en, de, cs]\n", "").replace(
        "exclude:", "  lang: [cs, de, en]\nexclude:"
    )

    first, second = (
        {segment.source: segment.segment for segment in read(text).declared}
        for text in (MATRIX, reordered)
    )
    assert first == second


def test_numbers_stay_numbers_in_the_query() -> None:
    text = "name: ${days} days\nfor_each: {days: [30, '60', 1.5]}\n"
    queries = [
        segment.segment.query
        for segment in read(f"{text}query_dsl: SELECT 1 WHERE age < @days").declared
    ]

    assert queries == [f"SELECT 1 WHERE age < {number}" for number in ("30", "'60'", "1.5")]


def test_a_set_of_instances_is_shared() -> None:
    sets = "instances:\n  markets:\n    de: {country: Germany}\n    fr: {country: France}\n"
    text = (
        "name: In ${country}\nfor_each: {market: markets}\n"
        "query_dsl: SELECT 1 WHERE country = @country AND market = @market\n"
    )

    assert names(read(text, instances=sets)) == ["In Germany", "In France"]
    assert shown(read(text.replace(": markets", ": market"), instances=sets).diagnostics) == (
        f"{FILE}:2:20 instances.yaml has no instances `market` did you mean `markets`? "
        "for_each: {market: market}"
    )
    broken = read(text, instances=sets.replace("instances:", "instance:"))
    assert places(broken.diagnostics) == ["1:1 unknown-key"]
    assert broken.declared == ()


def test_previous_keys_are_previous_names() -> None:
    text = MATRIX + "previous_keys:\n  lang: {de: [ger, dt]}\n"

    previous = {segment.name: segment.previous_names for segment in read(text).declared}
    assert previous["Winback Acme de"] == ("Winback Acme ger", "Winback Acme dt")
    assert previous["Winback Acme en"] == ()


def test_a_list_is_named_by_a_value() -> None:
    text = (
        "name: ${brand}\nfor_each: {brand: {acme: {customers: Acme customers}}}\n"
        "parent_list: ${customers}\n"
        "query_dsl: SELECT 1 WHERE array_contains(list_ids, [@list(@customers)])\n"
    )
    account = KnownAccount((), (), "eu", "2026-07-15T16:04:33Z", {LIST: "Acme customers"}, {})
    declarations = read(text, lists=account_text(account))
    assert names(declarations) == ["acme"]
    segment = declarations.declared[0].segment

    assert segment.parent_list_ids == (LIST,)
    assert f"['{LIST}']" in segment.query


def test_a_file_is_for_its_targets_and_has_values_for_each() -> None:
    queries = {
        target: [segment.segment.query for segment in read(TARGETS, target=target).declared]
        for target in ("eu", "us", "staging", "")
    }
    query = "SELECT contact_id, updated_at FROM contact_data WHERE age < "

    assert queries == {
        "eu": [f"{query}90"],
        "us": [f"{query}60"],
        "staging": [],
        "": [f"{query}90"],
    }
    grouped = TARGETS.replace("  eu:\n", "  shops: {values: {days: 30}}\n")
    assert read(grouped, target="us").declared[0].segment.query == f"{query}60"
    assert read(grouped, target="eu").declared[0].segment.query == f"{query}30"


def test_a_dollar_sign_is_escaped_by_another_one() -> None:
    assert names(read("name: a $${b} $5\nquery_dsl: SELECT 1\n")) == ["a ${b} $5"]


def test_a_removed_file_removes_every_instance() -> None:
    text = MATRIX.replace("description", "removed: true\ndescription")
    tombstones = read(text).tombstones

    assert [tombstone.source for tombstone in tombstones][:2] == [
        f"{FILE}[acme, en]",
        f"{FILE}[acme, de]",
    ]


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (("lang: [en, de, cs]", "lang: [en, en]"), "4:14 duplicate-instance"),
        (("lang: [en, de, cs]", "lang: [no, en]"), "4:10 wrong-type"),
        (("lang: [en, de, cs]", "lang: []"), "4:9 empty-value"),
        (("lang: [en, de, cs]", "lang: ['[x]']"), "4:10 bad-instance"),
        (("lang: [en, de, cs]", "Lang: [en, de, cs]"), "4:3 bad-name"),
        (("lang: [en, de, cs]", "lang: en"), "4:9 unknown-name"),
        (("{brand: globex, lang: cs}", "{brand: globex, lang: xx}"), "9:27 unknown-name"),
        (("{brand: globex, lang: cs}", "{brands: globex}"), "9:6 unknown-name"),
        (("exclude:\n  - {brand: globex, lang: cs}\n", "exclude:\n"), "8:9 wrong-type"),
        (("label: Globex", "name: Globex"), "1:7 unknown-name"),
        (("{label: Globex}", "{label: Globex, lang: x}"), "7:29 conflicting-names"),
        (("${lang}", "x"), "1:7 duplicate-name"),
        (("${lang}", "${lang"), "1:7 reference"),
        (("${lang}", "${lnag}"), "1:7 unknown-name"),
        (("@lang", "@long"), "10:92 unknown-name"),
        (("label: Globex", f"label: {'x' * 120}"), "1:7 bad-value"),
        (("{label: Acme}", "{label: Acme, other: 1}"), "6:32 unused-value"),
        (("name: Winback", "previous_keys: {lang: {de: [cs]}}\nname: Winback"), "1:29 "),
        (("name: Winback", "previous_keys: {lang: {xx: [cs]}}\nname: Winback"), "1:28 "),
        (("name: Winback", "targets: [eu, uss]\nname: Winback"), "1:15 unknown-target"),
        (("name: Winback", "upgrade_from: {v1_id: x}\nname: Winback"), "1:"),
    ],
)
def test_what_is_wrong_is_an_error_at_its_place(edit: tuple[str, str], expected: str) -> None:
    declarations = read(MATRIX.replace(*edit))
    found = [place for place in places(declarations.diagnostics) if place.startswith(expected)]

    assert found, shown(declarations.diagnostics)
    assert declarations.declared == ()


def test_an_error_of_some_instances_names_the_first_of_them() -> None:
    text = MATRIX.replace("{label: Globex}", "").replace("brand = @brand", "brand = @label")
    (in_name, in_description, in_query) = sorted(
        read(text).diagnostics, key=lambda problem: problem.span.line if problem.span else 0
    )

    assert str(in_name.span) == f"{FILE}:1:7 [globex, en]"
    assert in_name.summary == "unknown value `${label}` (and 1 more of 5 instances)"
    assert in_description.span
    assert in_description.span.instance == "globex, en"
    assert in_query.summary == "the value `@label` is missing (and 1 more of 5 instances)"


def test_no_file_has_more_than_a_thousand_instances() -> None:
    many = ", ".join(f"v{number}" for number in range(50))
    text = f"name: ${{a}} ${{b}}\nfor_each: {{a: [{many}], b: [{many}]}}\nquery_dsl: SELECT 1\n"

    assert places(read(text).diagnostics) == ["2:1 too-many-instances"]


def test_instances_without_number_are_counted_as_over_a_limit() -> None:
    keys = ", ".join(f"k{number}" for number in range(100))
    dimensions = ", ".join(f"d{number}: keys" for number in range(2500))
    text = f"name: ${{d0}}\nfor_each: {{{dimensions}}}\nquery_dsl: SELECT 1\n"
    (problem,) = read(text, instances=f"instances: {{keys: [{keys}]}}\n").diagnostics

    assert problem.summary == "over 1,000,000,000,000 instances, more than the limit of 1,000"


def test_values_of_instances_do_not_multiply_without_limit() -> None:
    keys = ", ".join(f"k{number}" for number in range(1000))
    values = ", ".join(f"v{number}: 1" for number in range(300))
    text = f"name: ${{a}}\nfor_each: {{a: [{keys}], b: {{x: {{{values}}}}}}}\nquery_dsl: SELECT 1\n"

    assert places(read(text).diagnostics) == ["2:1 too-many-instances"]


def test_previous_keys_do_not_multiply_without_limit() -> None:
    dimensions = "".join(f"  d{number}: [a]\n" for number in range(10))
    olds = "".join(
        f"  d{number}: {{a: [{', '.join(f'o{old}' for old in range(20))}]}}\n"
        for number in range(10)
    )
    text = f"name: a\nfor_each:\n{dimensions}previous_keys:\n{olds}query_dsl: SELECT 1\n"

    assert places(read(text).diagnostics) == ["13:1 too-many-instances"]


def test_a_query_that_is_too_long_ends_the_reading_of_instances() -> None:
    keys = ", ".join(f"k{number}" for number in range(1000))
    long = ", ".join(f"'{number:0100}'" for number in range(1500))
    query = " OR ".join(["a IN @long"] * 10)
    text = (
        f"name: ${{a}}\nfor_each: {{a: [{keys}]}}\nvalues: {{long: [{long}]}}\n"
        f"query_dsl: SELECT 1 WHERE x = @a OR {query}\n"
    )
    (problem,) = read(text).diagnostics

    assert problem.code == "query-too-long"
    assert str(problem.span).endswith(" [k0]")


def test_the_queries_of_many_files_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collection, "_MAX_ALL_QUERIES", 1_000)
    text = "name: ${{a}}\nfor_each: {{a: [{0}1, {0}2]}}\nquery_dsl: SELECT 1 WHERE a = @a{1}\n"
    files = {
        f"segments/{name}.yaml": text.format(name, " AND b > 1" * 30).encode()
        for name in ("a", "b", "c")
    }
    declarations = read_declarations(files, {}, "segments")

    assert [segment.name for segment in declarations.declared] == ["a1", "a2"]
    assert places(declarations.diagnostics) == ["2:1 query-too-long"] * 2


def test_instances_need_for_each() -> None:
    text = "name: a\nexclude: [{lang: de}]\nquery_dsl: SELECT 1\n"

    assert places(read(text).diagnostics) == ["2:1 conflicting-keys"]
