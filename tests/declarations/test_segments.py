"""What a segment file may contain, and that its content reaches the segment byte for byte."""

from __future__ import annotations

import math

import pytest

from segctl.declarations.collection import read_declarations
from segctl.errors import Severity, Span
from segctl.model import Disposal, Metadata, Tombstone
from tests.declarations.reading import FILE, KEY, QUERY, places, read, read_segment, shown

ID = "0b1f4a10-5c1d-4a6e-9f02-00000000000a"
HEAD = "name: a\n"

# A file, the findings, and words that the first of them must contain.
WRONG = [
    # name
    (QUERY, ["1:1 missing-key"], "`name`"),
    ("name:\n" + QUERY, ["1:6 wrong-type"], "got nothing"),
    ("name: #gold\n" + QUERY, ["1:6 wrong-type"], "starts with # in quotes"),
    ("name: yes\n" + QUERY, ["1:7 wrong-type"], "put it in quotes"),
    ("name: no\n" + QUERY, ["1:7 wrong-type"], "put it in quotes"),
    ("name: 2026\n" + QUERY, ["1:7 wrong-type"], "a number"),
    ("name: 1e3\nowner: 1.5\n" + QUERY, ["2:8 wrong-type"], "a number"),
    ("name: 1:30:00\n" + QUERY, ["1:7 yaml-number"], "5400"),
    ("name: 2026-01-01\n" + QUERY, ["1:7 wrong-type"], "a date"),
    ("name: null\n" + QUERY, ["1:7 wrong-type"], "got nothing"),
    ("name: [a]\n" + QUERY, ["1:7 wrong-type"], "a list"),
    ("name: {a: b}\n" + QUERY, ["1:7 wrong-type"], "a mapping"),
    ('name: ""\n' + QUERY, ["1:7 empty-value"], "empty"),
    ('name: " \u00a0 "\n' + QUERY, ["1:7 empty-value"], "empty"),
    (
        f"name: {'x' * 101}\n" + QUERY,
        ["1:7 too-long"],
        "101 characters, more than the limit",
    ),
    (f"name: {'😀' * 101}\n" + QUERY, ["1:7 too-long"], "101 characters"),
    ('name: "a\\x07b"\n' + QUERY, ["1:7 control-character"], "U+0007"),
    ('name: "a\\0b"\n' + QUERY, ["1:7 control-character"], "U+0000"),
    ("name: |\n  VIP\n" + QUERY, ["1:7 control-character"], "a line break"),
    # queries
    (HEAD, ["1:1 missing-key"], "missing query"),
    # one mistake is one error
    (HEAD + "querry_dsl: x\n", ["2:1 unknown-key"], "did you mean `query_dsl`"),
    ("nmae: a\n" + QUERY, ["1:1 unknown-key"], "did you mean `name`"),
    (HEAD + "colour: x\n", ["1:1 missing-key", "2:1 unknown-key"], "missing query"),
    (HEAD + "query_dsl: x\nquery_file: x.sql\n", ["3:1 two-queries"], "not both"),
    (HEAD + 'query_dsl: ""\n', ["2:12 empty-query"], "empty"),
    (HEAD + 'query_dsl: " \\n "\n', ["2:12 empty-query"], "empty"),
    (HEAD + "query_dsl:\n", ["2:11 wrong-type"], "got nothing"),
    (HEAD + 'query_dsl: "a\\0"\n', ["2:12 control-character"], "U+0000"),
    (HEAD + 'query_file: ""\n', ["2:13 bad-query-file"], ".sql"),
    (HEAD + "query_file: 5\n", ["2:13 wrong-type"], "a number"),
    (HEAD + "query_file: x.txt\n", ["2:13 bad-query-file"], ".sql"),
    (HEAD + "query_file: |\n  x.sql\n", ["2:13 bad-query-file"], ".sql"),
    # parent lists
    (HEAD + f"parent_list_ids: {ID}\n" + QUERY, ["2:18 wrong-type"], "[value]"),
    (HEAD + "parent_list_ids: [x]\n" + QUERY, ["2:19 bad-uuid"], "UUID"),
    (HEAD + f'parent_list_ids: ["{ID}\\n"]\n' + QUERY, ["2:19 bad-uuid"], "UUID"),
    (HEAD + f"parent_list_ids: [{{{ID}: 1}}]\n" + QUERY, ["2:19 wrong-type"], "a mapping"),
    (
        HEAD + f"parent_list_ids: [{ID}, {ID[:-1]}b]\n" + QUERY,
        ["2:18 too-many-parent-lists"],
        "array_contains",
    ),
    (
        HEAD + f"parent_list_ids: [{ID}, {ID}]\n" + QUERY,
        ["2:18 too-many-parent-lists", "2:57 repeated-item"],
        "one parent list",
    ),
    # what it was called, and that it goes
    (HEAD + "previous_names: b\n" + QUERY, ["2:17 wrong-type"], "[value]"),
    (HEAD + "previous_names: [b, b]\n" + QUERY, ["2:21 repeated-item"], "is a duplicate"),
    (HEAD + "previous_names: [b, a]\n" + QUERY, ["2:21 previous-name-is-name"], "the current name"),
    (HEAD + 'previous_names: [" "]\n' + QUERY, ["2:18 empty-value"], "item 1, must not be empty"),
    (HEAD + 'previous_names: ["b\\n"]\n' + QUERY, ["2:18 control-character"], "a line break"),
    (HEAD + f"previous_names: [{'x' * 101}]\n" + QUERY, ["2:18 too-long"], "101 characters"),
    (HEAD + "allow_replace: 1\n" + QUERY, ["2:16 wrong-type"], "true or false"),
    (HEAD + "allow_audience_change: 1.5\n" + QUERY, ["2:24 wrong-type"], "such as 80%, or true"),
    (HEAD + "allow_audience_change: any\n" + QUERY, ["2:24 bad-value"], "true or a percentage"),
    (HEAD + "refresh_priority: high\n" + QUERY, ["2:19 wrong-type"], "a whole number"),
    (HEAD + "refresh_priority: true\n" + QUERY, ["2:19 wrong-type"], "a whole number"),
    (HEAD + "refresh_priority: 1.5\n" + QUERY, ["2:19 wrong-type"], "a whole number"),
    (HEAD + "refresh_priority: 0\n" + QUERY, ["2:19 bad-value"], "at least 1"),
    (HEAD + "refresh_priority: 101\n" + QUERY, ["2:19 bad-value"], "at most 100"),
    (HEAD + "removed: false\n", ["2:10 bad-value"], "true or forget"),
    (HEAD + "removed: forgot\n", ["2:10 bad-value"], "did you mean `forget`?"),
    ("removed: true\n", ["1:1 missing-key"], "`name`"),
    (
        HEAD + "removed: forget\nprotected: true\nupgrade_from: {}\n" + QUERY,
        ["3:1 removed-with-more", "4:1 removed-with-more", "4:15 missing-key"],
        "must not have `protected`",
    ),
    # what is kept in git
    (HEAD + "description:\n" + QUERY, ["2:13 wrong-type"], "remove the key"),
    (HEAD + 'owner: ""\n' + QUERY, ["2:8 empty-value"], "must not be empty"),
    (HEAD + "owner: ~\n" + QUERY, ["2:8 wrong-type"], "got nothing"),
    (HEAD + "tags: x\n" + QUERY, ["2:7 wrong-type"], "[value]"),
    (HEAD + "tags: null\n" + QUERY, ["2:7 wrong-type"], "got nothing"),
    (
        HEAD + 'tags: [2026, on, 2020-01-01, ""]\n' + QUERY,
        ["2:8 wrong-type", "2:14 wrong-type", "2:18 wrong-type", "2:30 empty-value"],
        "`tags`, item 1,",
    ),
    (HEAD + "tags: [a, b, a]\n" + QUERY, ["2:14 repeated-item"], "is a duplicate"),
    (HEAD + 'protected: "yes"\n' + QUERY, ["2:12 wrong-type"], "without quotes"),
    (HEAD + "protected: 1\n" + QUERY, ["2:12 wrong-type"], "true or false"),
    (HEAD + "protected:\n" + QUERY, ["2:11 wrong-type"], "got nothing"),
    # keys
    (HEAD + "quary_dsl: x\n" + QUERY, ["2:1 unknown-key"], "did you mean `query_dsl`?"),
    (HEAD + "Owner: x\n" + QUERY, ["2:1 unknown-key"], "did you mean `owner`?"),
    (HEAD + "parent_list_id: x\n" + QUERY, ["2:1 unknown-key"], "`parent_list_ids`"),
    (HEAD + "1: x\n~: y\n" + QUERY, ["2:1 unknown-key", "3:1 unknown-key"], "the keys are name"),
    (HEAD + "? " + "k" * 5000 + "\n: x\n" + QUERY, ["2:3 unknown-key"], "k…`"),
]


@pytest.mark.parametrize(("text", "expected", "words"), WRONG)
def test_mistakes_are_reported_at_their_places(text: str, expected: list[str], words: str) -> None:
    result = read(text)

    assert places(result.diagnostics) == expected
    first = result.diagnostics[0]
    assert words in f"{first.summary} {first.hint}"
    assert first.hint
    assert first.excerpt == text.split("\n")[int(expected[0].split(":")[0]) - 1]
    assert result.has_errors
    assert not result.declared


def test_problems_of_all_files_are_reported_in_the_order_of_places() -> None:
    files = {
        "segments/z.yaml": b"name: [\n",
        "segments/b/c.yaml": b"nme: x\nowner: 5\nquery_file: no.sql\ntags: 1\n",
        "segments/a.yml": b"\xff",
        "segments/ok.yaml": b"name: ok\nquery_file: bad.sql\n",
    }

    result = read_declarations(files, {"segments/bad.sql": b" \n"}, "segments")

    assert [f"{diagnostic.span} {diagnostic.code}" for diagnostic in result.diagnostics] == [
        "segments/a.yml:1:1 not-utf8",
        "segments/b/c.yaml:1:1 unknown-key",
        "segments/b/c.yaml:2:8 wrong-type",
        "segments/b/c.yaml:3:13 query-file-missing",
        "segments/b/c.yaml:4:7 wrong-type",
        "segments/bad.sql:1:1 empty-query",
        "segments/z.yaml:1:7 yaml-syntax",
    ]


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("query_dsl: |\n  SELECT  1\n\n    FROM x\n", "SELECT  1\n\n  FROM x\n"),
        ("query_dsl: |-\n  SELECT 1\n\n", "SELECT 1"),
        ("query_dsl: |+\n  SELECT 1\n\n", "SELECT 1\n\n"),
        ("query_dsl: |2\n    SELECT 1\n", "  SELECT 1\n"),
        ("query_dsl: >\n  SELECT 1\n  FROM x\n\n  WHERE y\n", "SELECT 1 FROM x\nWHERE y\n"),
        ("query_dsl: SELECT 1\n  FROM x\n", "SELECT 1 FROM x"),
        ("query_dsl: '  it''s\t'\n", "  it's\t"),
        ('query_dsl: " \\ta\\r\\n\\u2028é😀\\\\ "\n', " \ta\r\n\u2028é😀\\ "),
        ("query_dsl: |\r\n  SELECT 1\r\n  FROM x\r\n", "SELECT 1\nFROM x\n"),
        ("query_dsl: é😀ß\n", "é😀ß"),
    ],
)
def test_the_query_is_sent_as_written(text: str, query: str) -> None:
    assert read_segment("name: a\n" + text).segment.query == query


def test_every_key_is_read_with_its_place() -> None:
    declared = read_segment(
        f"name: VIP\nquery_dsl: |\n  SELECT 1\nparent_list_ids:\n  - {ID.upper()}\n"
        "description: Who\nowner: us\ntags: [b, a]\nprotected: true\n"
    )

    assert declared.segment.parent_list_ids == (ID,)
    assert (declared.description, declared.owner, declared.tags) == ("Who", "us", ("b", "a"))
    assert declared.protected
    assert declared.file == FILE
    assert [str(s) for s in (declared.span, declared.query_span, declared.parent_span)] == [
        f"{FILE}:1:7",
        f"{FILE}:2:12",
        f"{FILE}:5:3",
    ]


def test_a_segment_without_refresh_priority_has_the_lowest() -> None:
    priority = read_segment("name: a\nrefresh_priority: 100\n" + QUERY).refresh_priority
    assert (priority, read_segment("name: a\n" + QUERY).refresh_priority) == (100, 0)


def test_an_empty_parent_list_is_no_parent_list() -> None:
    declared = read_segment("name: a\nparent_list_ids: []\n" + QUERY)

    assert declared.segment.parent_list_ids == ()
    assert declared.parent_span is None


@pytest.mark.parametrize("name", ["x" * 100, "😀" * 100, "a", "👩\u200d💻"])
def test_a_name_may_have_a_hundred_characters(name: str) -> None:
    assert read_segment(f"name: {name}\n" + QUERY).name == name


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ('" a"', "name-space"),
        ('"a\\u00a0"', "name-space"),
        ("a\u200bb", "name-invisible"),
        ("a\u202eb", "name-invisible"),
        ("a\u00a0b", "name-invisible"),
        ("a\u2003b", "name-invisible"),
        ("a\u3164b", "name-invisible"),
    ],
)
def test_names_that_look_like_others_are_a_warning(name: str, code: str) -> None:
    result = read(f"name: {name}\n" + QUERY)

    assert places(result.diagnostics) == [f"1:7 {code}"]
    assert result.diagnostics[0].severity is Severity.WARNING
    assert len(result.declared) == 1


@pytest.mark.parametrize(
    ("first", "second", "code", "severity"),
    [
        ("VIP", "VIP", "duplicate-name", Severity.ERROR),
        ("VIP", "vip", "name-differs-by-case", Severity.WARNING),
        ("Straße", "STRASSE", "name-differs-by-case", Severity.WARNING),
        ("caf\u00e9", "cafe\u0301", "name-looks-the-same", Severity.ERROR),
    ],
)
def test_names_that_people_may_confuse_are_reported(
    first: str, second: str, code: str, severity: Severity
) -> None:
    files = {
        "segments/a.yaml": f"# é\nname: {first}\n{QUERY}".encode(),
        "segments/b.yaml": f"\ufeffname: {second}\n{QUERY}".encode(),
    }

    result = read_declarations(files, {}, "segments")

    (finding,) = result.diagnostics
    assert f"{finding.span} {finding.code}" == f"segments/b.yaml:1:7 {code}"
    assert finding.severity is severity
    assert "segments/a.yaml:2:7" in finding.hint
    assert finding.excerpt == f"name: {second}"


def test_a_name_between_two_equal_ones_hides_no_duplicate() -> None:
    names = ("VIP", "vip", "vip", "caf\u00e9", "CAF\u00c9", "cafe\u0301")
    files = {
        f"segments/{number}.yaml": f"name: {name}\n{QUERY}".encode()
        for number, name in enumerate(names)
    }
    result = read_declarations(files, {}, "segments")
    assert [(item.span and item.span.file[9], item.code) for item in result.diagnostics] == [
        ("1", "name-differs-by-case"),
        ("2", "duplicate-name"),
        ("4", "name-differs-by-case"),
        ("5", "name-looks-the-same"),
    ]


@pytest.mark.parametrize(("first", "second"), [("İ", "i"), ("I", "\u0131"), ("a", "a b")])
def test_different_names_are_accepted(first: str, second: str) -> None:
    files = {f"segments/{n}.yaml": f"name: {n}\n{QUERY}".encode() for n in (first, second)}

    assert read_declarations(files, {}, "segments").diagnostics == ()


# ---- query_file


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("x.sql", "segments/x.sql"),
        ("./x.sql", "segments/x.sql"),
        ("b/x.sql", "segments/b/x.sql"),
        ("b/../x.sql", "segments/x.sql"),
        ("X.SQL", "segments/X.SQL"),
        ("é x.sql", "segments/é x.sql"),
    ],
)
def test_a_query_in_its_own_file_is_sent_byte_for_byte(name: str, path: str) -> None:
    declared = read_segment(
        f"name: a\nquery_file: {name}\n", {path: "SELECT\r\n 'é'\t\n\n".encode()}
    )

    assert declared.segment.query == "SELECT\r\n 'é'\t\n\n"
    assert str(declared.query_span) == f"{path}:1:1"


def test_query_files_are_relative_to_the_segment_file() -> None:
    files = {
        "segments/b/c.yaml": b"name: c\nquery_file: x.sql\n",
        "segments/b/d.yaml": b"name: d\nquery_file: ../x.sql\n",
        "segments/e.yaml": b"name: e\nquery_file: x.sql\n",
    }
    queries = {"segments/b/x.sql": b"inner", "segments/x.sql": b"\xef\xbb\xbfouter"}

    result = read_declarations(files, queries, "segments")

    assert result.diagnostics == ()
    assert [segment.segment.query for segment in result.declared] == ["inner", "outer", "outer"]


@pytest.mark.parametrize(
    "name",
    ["../x.sql", "/etc/x.sql", "b/../../x.sql", "..\\x.sql", "b\\x.sql", "../segments2/x.sql"],
)
def test_a_query_file_must_be_inside_the_folder(name: str) -> None:
    result = read(f"name: a\nquery_file: {name}\n", {"segments2/x.sql": b"x", "x.sql": b"x"})

    assert places(result.diagnostics) == ["2:13 query-file-outside"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("vpi.sql", "did you mean `b/vip.sql`?"),
        ("c/vip.sql", "did you mean `b/vip.sql`?"),
        (".vip.sql", "hidden"),
        ("other-thing-altogether.sql", "create the file"),
    ],
)
def test_a_missing_query_file_is_reported(name: str, hint: str) -> None:
    result = read(f"name: a\nquery_file: {name}\n", {"segments/b/vip.sql": b"x"})

    assert places(result.diagnostics) == ["2:13 query-file-missing"]
    assert hint in result.diagnostics[0].hint


@pytest.mark.parametrize(
    ("data", "finding"),
    [
        (b"", "1:1 empty-query"),
        (b" \r\n\t", "1:1 empty-query"),
        (b"x\n\xff", "2:1 not-utf8"),
        (b"x\r\n \0", "2:2 control-character"),
        ("x".encode("utf-16"), "1:1 not-utf8"),
        (b"-- " + KEY.encode(), "1:4 key-in-file"),
        (b"x" * ((1 << 20) + 1), "1:1 file-too-large"),
    ],
)
def test_a_broken_query_file_is_reported_once(data: bytes, finding: str) -> None:
    files = {f"segments/{n}.yaml": b"name: %s\nquery_file: x.sql\n" % n.encode() for n in "ab"}

    result = read_declarations(files, {"segments/x.sql": data}, "segments")

    (diagnostic,) = result.diagnostics
    assert diagnostic.span is not None
    assert diagnostic.span.file == "segments/x.sql"
    assert places(result.diagnostics) == [finding]
    assert KEY not in shown(result.diagnostics)


def test_an_unused_query_file_is_a_warning_if_there_are_no_errors() -> None:
    queries = {"segments/x.sql": b"x", "segments/y.sql": b"y"}

    result = read("name: a\nquery_file: x.sql\n", queries)
    assert [f"{diagnostic.span} {diagnostic.code}" for diagnostic in result.diagnostics] == [
        "segments/y.sql:1:1 unused-query-file"
    ]
    assert not result.has_errors
    assert places(read("name: a\nquery_fil: y.sql\n", queries).diagnostics) == ["2:1 unknown-key"]


# ---- keys


HIDDEN = [
    f"name: a\nquery_dsl: {KEY}\n",
    f"name: a\n{KEY}: 1\n",
    f"# {KEY}\nname: a\n" + QUERY,
    f"name: x{KEY}\n" + QUERY,
    f"name: [{KEY}\n",
    f"name: a\nname: {KEY}\nowner: 5\n",
    f"name: a\nquery_dsl: |\n  SELECT\n  '{KEY}'\nowner: 5\n",
    f'name: a\nquery_dsl: "{KEY[:30]}\\\n  {KEY[30:]}"\nowner: 5\n',
    f'name: a\ntags: [b, "S\\x47{KEY[2:]}"]\n' + QUERY,
    f'name: a\n"S\\u0047{KEY[2:]}": x\n' + QUERY,
]


@pytest.mark.parametrize("text", HIDDEN)
def test_an_api_key_in_a_segment_file_is_refused_and_not_shown(text: str) -> None:
    result = read(text)

    assert {diagnostic.code for diagnostic in result.diagnostics} == {"key-in-file"}
    assert "a" * 10 not in shown(result.diagnostics)
    assert "b" * 10 not in shown(result.diagnostics)


def test_every_api_key_is_reported() -> None:
    result = read(f"# {KEY}\n# é {KEY} {KEY}\n")

    assert places(result.diagnostics) == ["1:3 key-in-file", "2:5 key-in-file", "2:75 key-in-file"]


def test_part_of_an_api_key_in_broken_yaml_is_not_shown() -> None:
    result = read(f'name: "{KEY[:30]}\\\n  {KEY[30:]}": {KEY[30:]}: x\n')

    assert places(result.diagnostics)
    assert "b" * 10 not in shown(result.diagnostics)


def test_a_query_may_contain_what_only_resembles_an_api_key() -> None:
    query = "SELECT sg.contact_id FROM contact_data SG WHERE SG.email = 'x'"

    assert read_segment(f"name: a\nquery_dsl: {query}\n").segment.query == query


def test_previous_names_and_allow_replace_are_read() -> None:
    text = HEAD + "previous_names: [b, B]\nallow_replace: true\n" + QUERY
    assert read_segment(text).previous_names == ("b", "B")
    assert read_segment(text).allow_replace
    assert read_segment(HEAD + QUERY).previous_names == ()
    assert not read_segment(HEAD + QUERY).allow_replace


@pytest.mark.parametrize(
    ("text", "percent"), [("80%", 80), ("80", 80), ("true", math.inf), ("false", 0)]
)
def test_allow_audience_change_is_read(text: str, percent: float) -> None:
    assert read_segment(HEAD + QUERY).allow_audience_change == 0
    result = read_segment(HEAD + f"allow_audience_change: {text}\n" + QUERY)
    assert result.allow_audience_change == percent


@pytest.mark.parametrize(
    ("word", "disposal"),
    [("true", Disposal.DELETE), ("yes", Disposal.DELETE), ("forget", Disposal.FORGET)],
)
def test_a_file_can_declare_a_removal(word: str, disposal: Disposal) -> None:
    result = read(f"name: VIP\nowner: sales\nremoved: {word}\n")
    assert result.diagnostics == ()
    assert result.declared == ()
    span, metadata = Span(FILE, 1, 7, 1, 10), Metadata(owner="sales")
    assert result.tombstones == (Tombstone("VIP", disposal, span, metadata=metadata),)


@pytest.mark.parametrize(
    "more", [QUERY, "query_file: vip.sql\n", "previous_names: [A]\nadopt: true\n" + QUERY]
)
def test_a_removal_may_keep_the_definition(more: str) -> None:
    files = {FILE: f"name: VIP\n{more}removed: true\n".encode()}
    queries = {"segments/vip.sql": b"SELECT 1"} if "query_file" in more else {}
    result = read_declarations(files, queries, "segments")
    assert result.diagnostics == ()
    assert [tombstone.name for tombstone in result.tombstones] == ["VIP"]
    files = {FILE: f"name: VIP\n{more}".encode()}
    (declared,) = read_declarations(files, queries, "segments").declared
    assert declared.name == "VIP"


@pytest.mark.parametrize(
    "other", ["name: VIP\n" + QUERY, "name: New\nprevious_names: [VIP]\n" + QUERY]
)
def test_a_name_must_not_be_removed_and_declared(other: str) -> None:
    files = {"segments/a.yaml": b"name: VIP\nremoved: true\n", "segments/b.yaml": other.encode()}
    result = read_declarations(files, {}, "segments")
    assert places(result.diagnostics) == ["1:7 removed-and-declared"]
    assert "segments/b.yaml" in result.diagnostics[0].hint
