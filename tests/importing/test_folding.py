"""Folding: what is proposed, and that its reader finds exactly the segments that were folded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from segctl.declarations.collection import read_declarations
from segctl.declarations.formatting import format_segment_file
from segctl.declarations.generating import segment_text
from segctl.importing.folds import SLUG, Candidate, FoldNames, Folds, fold_segments
from segctl.importing.importer import import_draft
from segctl.model import Metadata, Remote, Segment
from segctl.planning.equality import changed_fields
from segctl.query.references import literal
from tests.support.builders import query

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from segctl.declarations.collection import Declarations
    from segctl.model.values import Value

EN, DE, CS = "en", "de", "cs"


def list_id(number: int) -> str:
    return f"0b1f4a10-5c1d-4a6e-9f02-{number:012x}"


class Account:
    """Segments of an account, and the names of its lists."""

    def __init__(self, segments: Sequence[Segment], lists: Mapping[str, str] | None = None) -> None:
        self.segments = segments
        self.lists = lists or {}
        self.candidates = [self.candidate(segment) for segment in segments]

    def candidate(self, segment: Segment, metadata: Metadata | None = None) -> Candidate:
        remote = Remote("", segment.name, segment.parent_list_ids, segment.query)
        written = import_draft(remote).segment
        text = segment_text(written, self.lists).text
        return Candidate(written, segment, metadata or Metadata(), SLUG, len(text))

    def read(self, path: str, text: str) -> Declarations:
        account = {
            "target": "t",
            "pulled_at": "2026-07-15T00:00:00Z",
            "custom_fields": {},
            "reserved_fields": {},
            "single_sends": {},
            "lists": self.lists,
        }
        return read_declarations(
            {f"segments/{path}.yaml": text.encode()},
            {},
            "segments",
            accounts={"segments/accounts/t.yaml": json.dumps(account).encode()},
            targets=("t",),
            target="t",
        )

    def fold(self, *, by_name: bool = True, taken: Sequence[str] = ()) -> Folds:
        names = FoldNames(self.lists, self.lists if by_name else {}, taken)
        return fold_segments(self.candidates, names, self.read, reasons={})


def fold(segments: Sequence[Segment]) -> Folds:
    return Account(segments).fold()


def text_of(segments: Sequence[Segment]) -> str:
    """Return the text of the one file that all of these segments fold into."""
    folds = fold(segments)
    (file,) = folds.files
    assert len(file.members) == len(segments)
    assert not folds.remarks
    return file.text


def by_language(
    name: str, condition: str, languages: Sequence[str] = (EN, DE, CS)
) -> list[Segment]:
    return [
        Segment(name.replace("@", language), query(condition.replace("@", language)))
        for language in languages
    ]


def test_brands_and_languages_become_one_file() -> None:
    segments: list[Segment] = []
    lists: dict[str, str] = {}
    for number, brand in enumerate(("Acme", "Globex", "Umbrella Corp")):
        customers = list_id(number)
        lists[customers] = f"Customers {brand}"
        for language in (CS, DE, EN):
            newsletter = list_id(len(lists) + 100)
            lists[newsletter] = f"Newsletter {brand} {language}"
            if (brand, language) != ("Globex", CS):
                condition = (
                    f"preferred_language = '{language}'"
                    f" AND array_contains(list_ids, ['{customers}'])"
                    " AND last_order < timestampadd(day, -90, now())"
                )
                segments.append(
                    Segment(f"Winback {brand} {language}", query(condition), (newsletter,))
                )
    folds = Account(segments, lists).fold()
    assert not folds.remarks
    (file,) = folds.files
    assert (file.path, file.name) == ("winback", "Winback ${variant} ${preferred_language}")
    assert file.text == (
        "name: Winback ${variant} ${preferred_language}\n"
        "for_each:\n"
        "  variant:\n"
        "    Acme: {list_name: Customers Acme}\n"
        "    Globex: {list_name: Customers Globex}\n"
        "    Umbrella Corp: {list_name: Customers Umbrella Corp}\n"
        "  preferred_language: [cs, de, en]\n"
        "exclude:\n"
        "  - {variant: Globex, preferred_language: cs}\n"
        "parent_list: Newsletter ${variant} ${preferred_language}\n"
        "query_dsl: |\n"
        "  SELECT contact_id, updated_at\n"
        "  FROM contact_data\n"
        "  WHERE preferred_language = @preferred_language\n"
        "    AND array_contains(list_ids, [@list(@list_name)])\n"
        "    AND last_order < timestampadd(day, -90, now())\n"
    )
    assert not format_segment_file("", file.text).changed


def test_a_word_that_is_the_literal_is_the_item_itself() -> None:
    assert text_of(by_language("Leads @", "preferred_language = '@'")) == (
        "name: Leads ${preferred_language}\n"
        "for_each:\n"
        "  preferred_language: [en, de, cs]\n"
        f"query_dsl: {query('preferred_language = @preferred_language')}\n"
    )


def test_a_word_that_is_not_the_literal_is_a_key() -> None:
    segments = [
        Segment(f"Leads {word}", query(f"country IN ({codes})"))
        for word, codes in {"Iberia": "'ES', 'PT'", "Nordics": "'DK'", "no": "'NO'"}.items()
    ]
    assert text_of(segments) == (
        "name: Leads ${variant}\n"
        "for_each:\n"
        "  variant:\n"
        "    Iberia: {country: [ES, PT]}\n"
        "    Nordics: {country: [DK]}\n"
        '    "no": {country: ["NO"]}\n'
        f"query_dsl: {query('country IN @country')}\n"
    )


def test_a_number_in_the_name_is_the_number_of_the_query() -> None:
    segments = [
        Segment(f"Inactive {days} days", query(f"a < timestampadd(day, -{days}, now())"))
        for days in (30, 60, 90)
    ]
    text = text_of(segments)
    assert "name: Inactive ${days} days\nfor_each:\n  days: [30, 60, 90]\n" in text
    assert "timestampadd(day, -@days, now())" in text


def test_numbers_as_text_stay_text_and_numbers_with_both_signs_are_whole() -> None:
    rows = [("low", "'30'", "-1.5"), ("mid", "30", "0"), ("top", "'x'", "2")]
    segments = [
        Segment(f"Score {word}", query(f"plan = {plan} AND loyalty_points > {points}"))
        for word, plan, points in rows
    ]
    text = text_of(segments)
    assert '    low: {plan: "30", loyalty_points: -1.5}\n' in text
    assert "    mid: {plan: 30, loyalty_points: 0}\n" in text
    assert "loyalty_points > @loyalty_points" in text


def test_what_depends_on_both_words_makes_one_dimension() -> None:
    segments = [
        Segment(f"Churn {brand} {language}", query(f"plan = '{number}' AND city = '{brand}'"))
        for number, (brand, language) in enumerate(
            (brand, language) for brand in ("acme", "globex") for language in (EN, DE)
        )
    ]
    text = text_of(segments)
    assert "name: Churn ${variant}\n" in text
    assert '    acme en: {plan: "0", city: acme}\n' in text


def test_parent_lists_without_usable_names_are_not_folded() -> None:
    lists = {list_id(number): f"List {number}" for number in range(3)}
    segments = [
        Segment(f"Leads {number}", query(f"plan = '{number}'"), (id_,))
        for number, id_ in enumerate(lists)
    ]
    assert not Account(segments, lists).fold(by_name=False).files
    assert len(Account(segments, lists).fold().files) == 1
    same = [Segment(segment.name, segment.query, (list_id(0),)) for segment in segments]
    (file,) = Account(same, lists).fold(by_name=False).files
    assert f"parent_list_ids:\n  - {list_id(0)} # List 0\n" in file.text


def test_lists_in_queries_without_usable_names_are_ids() -> None:
    segments = [
        Segment(f"Leads {word}", query(f"array_contains(list_ids, ['{list_id(number)}'])"))
        for number, word in enumerate(("a", "b", "c"))
    ]
    text = text_of(segments)
    assert f'    a: {{list_id: "{list_id(0)}"}}\n' in text
    assert "array_contains(list_ids, [@list_id])" in text


def test_values_have_names_that_nothing_else_has() -> None:
    segments = by_language("Leads @", "preferred_language = '@'")
    (file,) = Account(segments).fold(taken=["preferred_language"]).files
    assert "  preferred_language_2: [en, de, cs]\n" in file.text


@pytest.mark.parametrize(
    "segments",
    [
        by_language("Leads @", "preferred_language = '@'", (EN, DE)),
        [Segment(name, query(f"plan = '{name}'")) for name in ("free", "pro", "team")],
        [Segment(f"A {n}", query(f"n > now() - {n} days")) for n in range(3)],
        [Segment(f"A {n}", query(f"{n} = 1 AND c{n} = 1")) for n in "abc"],
        [Segment(f"A {n}", f"no query {n}") for n in range(5)],
        [Segment("A", query("a = '1'")), Segment("A B", query("a = '2'")), Segment("C", "SELECT")],
    ],
    ids=["two", "no common word", "intervals", "columns", "unreadable", "prefix"],
)
def test_what_has_little_in_common_is_not_folded(segments: list[Segment]) -> None:
    assert fold(segments) == Folds()


def test_a_segment_that_is_nearly_the_same_is_left_out_with_the_reason() -> None:
    near = Segment("Leads pl", query("preferred_language = 'pl' AND city = 'Brno'"))
    other = Segment("Leads of ours", query("total_spend > 500 OR plan = 'pro'"))
    condition = "preferred_language = '@' AND city IS NOT NULL"
    folds = fold([*by_language("Leads @", condition), near, other])
    assert [remark.summary for remark in folds.remarks] == [
        (
            "`Leads pl` is not in the file of `Leads ${preferred_language}`: its query differs in "
            "more than literals"
        )
    ]


def test_owners_and_tags_must_be_the_same_and_descriptions_may_vary() -> None:
    account = Account([])
    segments = by_language("Leads @", "preferred_language = '@'", (EN, DE, CS, "pl", "sk", "hu"))
    account.candidates = [
        account.candidate(
            segment,
            Metadata(
                f"Leads who read {segment.name[-2:]}", "a" if number < 3 else "b", ("crm", "x")
            ),
        )
        for number, segment in enumerate(segments)
    ]
    folds = account.fold()
    assert [file.members for file in folds.files] == [(0, 1, 2), (3, 4, 5)]
    assert folds.files[0].text.startswith(
        "name: Leads ${preferred_language}\ndescription: Leads who read ${preferred_language}\n"
        "owner: a\ntags: [crm, x]\nfor_each:\n"
    )


def test_a_file_that_its_reader_refuses_is_not_proposed() -> None:
    account = Account(by_language("Leads @", "preferred_language = '@'"))

    def read(path: str, text: str) -> Declarations:
        return account.read(path, text.replace("= @preferred", "!= @preferred"))

    folds = fold_segments(account.candidates, FoldNames({}), read, reasons={})
    assert not folds.files
    assert [remark.summary for remark in folds.remarks] == [
        (
            "`Leads en`, `Leads de`, `Leads cs` cannot be declared by one file: `query_dsl` of "
            "`Leads en` would be another"
        )
    ]


HOSTILE = (
    *(
        "${x}",
        "$${x}",
        "$$${x}",
        "${preferred_language}",
        "$ {",
        "'",
        '"',
        "\\",
        "#",
        ": ",
        "- ",
        "@x",
    ),
    *("é", "日本", "\u202e", "\xa0", "no", "~", "30", "0x1", "[a]", "{b}", "%", "🎉", "e\u0301"),
)


@pytest.mark.parametrize("odd", HOSTILE)
def test_odd_names_and_literals_are_folded_exactly(odd: str) -> None:
    check(
        [
            Segment(f"{odd} Leads {word} {odd}", query(f"city = {literal(odd + word)} AND n = 1"))
            for word in ("a", "b", "c", "d")
        ],
        is_one=True,
    )
    check([Segment(f"Leads {number}{odd}", query(f"n = {number}")) for number in range(4)])


def check(segments: Sequence[Segment], *, is_one: bool = False) -> None:
    """Check that the files declare exactly these segments."""
    account = Account(segments)
    folds = account.fold()
    assert [remark for remark in folds.remarks if "cannot be" in remark.summary] == []
    members = [number for file in folds.files for number in file.members]
    assert len(members) == len({*members})
    for file in folds.files:
        assert len(file.text) < sum(account.candidates[number].length for number in file.members)
        assert not format_segment_file("", file.text).changed, file.text
        declarations = account.read(file.path, file.text)
        assert not declarations.has_errors
        declared = {segment.name: segment.segment for segment in declarations.declared}
        expected = {segments[number].name: segments[number] for number in file.members}
        assert declared.keys() == expected.keys()
        for name, segment in declared.items():
            assert changed_fields(expected[name], segment) == ()
    if is_one:
        assert [len(file.members) for file in folds.files] == [len(segments)]


WORDS = st.text("abcXYZ019é日", min_size=1, max_size=6)
TEXTS = st.text("ab '\"\\${}@%_-:#é\n", max_size=6)
NUMBERS = st.integers(-1000, 1000) | st.decimals(-9, 9, places=1).map(float)
VALUES: st.SearchStrategy[Value] = (
    TEXTS
    | NUMBERS
    | st.booleans()
    | st.lists(TEXTS, min_size=1, max_size=3).map(tuple)
    | st.lists(NUMBERS, min_size=1, max_size=3).map(tuple)
)
DIMENSIONS = st.lists(
    st.dictionaries(WORDS, st.tuples(VALUES, VALUES), min_size=2, max_size=4),
    min_size=1,
    max_size=2,
)


@settings(max_examples=200)
@given(
    dimensions=DIMENSIONS,
    forms=st.lists(
        st.sampled_from(["f{} = {}", "f{} IN {}", "a(f{}, {})"]), min_size=4, max_size=4
    ),
    separator=st.sampled_from([" ", " - ", "_", "${", ": "]),
    missing=st.sets(st.integers(0, 15), max_size=2),
)
@example(
    dimensions=[{"0": (0, 1), "00": (1, 1), "1": (True, 1.0)}],
    forms=["f{} = {}"] * 4,
    separator=" ",
    missing=set(),
)
def test_segments_of_a_template_are_folded_exactly(
    dimensions: list[dict[str, tuple[Value, Value]]],
    forms: list[str],
    separator: str,
    missing: set[int],
) -> None:
    rows: list[list[tuple[str, tuple[Value, Value]]]] = [[]]
    for dimension in dimensions:
        rows = [[*row, item] for row in rows for item in dimension.items()]
    segments = []
    for number, row in enumerate(rows):
        if number in missing:
            continue
        name = separator.join(["Rule", *(word for word, _ in row)])
        values = [value for _, pair in row for value in pair]
        conditions = [
            form.format(place, as_sql(value, form))
            for place, (form, value) in enumerate(zip(forms, values, strict=False))
        ]
        segments.append(Segment(name, query(" AND ".join(conditions))))
    check(segments)


def as_sql(value: Value, form: str) -> str:
    text = literal(value, after_in="IN" in form)
    return f"({text})" if "IN" in form and not isinstance(value, tuple) else text
