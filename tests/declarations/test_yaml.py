"""YAML that cannot be read, or does not mean what it seems to: what is reported, and where."""

from __future__ import annotations

import pytest
import yaml

from segctl.documents.document import Document, excerpt_lines
from segctl.documents.yaml_errors import report_syntax
from segctl.documents.yaml_reader import parse_document
from tests.declarations.reading import QUERY, places, read, read_segment

# A file, the place of the finding, and words that its summary or hint must contain.
SYNTAX = [
    ("name: a\ntags:\n\t- x\n", "3:1", "tab"),
    ("name: a\nquery_dsl: |\n\tSELECT\n", "3:1", "tab"),
    ('name: "a\n' + QUERY, "1:7", "this quote is never closed"),
    ("name: 'a\n" + QUERY, "1:7", "this quote is never closed"),
    ('name: "a\n---\nb"\n', "1:7", "never closed"),
    ("name: 'Bob's list'\n" + QUERY, "1:12", "unexpected text after the closing quote"),
    ("name: a\ntags: [x, y\n" + QUERY, "2:7", "this `[` is not closed"),
    ("name: a\ntags: [x, y", "2:7", "this `[`"),
    ("{name: a\n" + QUERY, "1:1", "this `{`"),
    ("name: a\ntags: [x]]\n" + QUERY, "2:10", "`]` closes nothing"),
    ("owner: [a]\nname: {a: [\n\n", "2:11", "this bracket is never closed"),
    ("name: a\ntags: [,]\n", "2:8", "missing value"),
    ("name: a\n  query_dsl: x\n", "2:3", "indented as if it belonged to the text above"),
    ("  name: a\nquery_dsl: x\n", "2:1", "unexpected at this indentation"),
    ("name: a\nquery_dsl: |\n    SELECT\n  FROM\n", "4:3", "indentation"),
    ("name: a\ntags:\n  - x\n  b: c\n", "4:3", "start each item of the list with `- `"),
    ("k" * 1100 + ": x\n", "1:1", "longer than the limit of 1,024 characters"),
    ("name a\n" + QUERY, "1:1", "missing `:` after the key"),
    ("name a\n\n\n" + QUERY, "1:1", "missing `:` after the key"),
    ("name:a\n" + QUERY, "1:5", "missing space after the `:`"),
    ("name: a\nquery_dsl:SELECT\n", "2:10", "missing space after the `:`"),
    ("name: a\nquery_dsl: |\nSELECT\nFROM\n", "3:1", "indent the line further"),
    ("name: VIP: gold\n" + QUERY, "1:10", "quotes"),
    ("name: @a\n" + QUERY, "1:7", "cannot start with `@`"),
    ("name: %a\n" + QUERY, "1:7", "cannot start with `%`"),
    ("name: `a`\n" + QUERY, "1:7", "a backtick"),
    ("%foo\nname: a\n" + QUERY, "1:5", "cannot start with `%`"),
    ("%YAML 2.0\n---\nname: a\n", "1:1", "unsupported YAML version"),
    ("name: ***gold***\n" + QUERY, "1:7", "cannot start with `*`"),
    ("name: & a\n" + QUERY, "1:7", "cannot start with `&`"),
    ("name: - a\n" + QUERY, "1:7", "quotes"),
    ("name: > a\n" + QUERY, "1:9", "on the next line"),
    ('name: "a\\q"\n' + QUERY, "1:9", "invalid escape sequence"),
    ('name: "\\xg"\n' + QUERY, "1:10", "too few digits"),
    ('name: "\\ud800"\n' + QUERY, "1:10", "stands for no character"),
    ('name: "\\U00110000"\n' + QUERY, "1:10", "stands for no character"),
    ("name:\xa0a\n" + QUERY, "1:6", "U+00A0"),
    ("name: a\ntags:\n\xa0\xa0- x\n" + QUERY, "3:1", "U+00A0"),
    ("name: |0\n  x\n", "1:8", "invalid YAML"),
]


@pytest.mark.parametrize(("text", "place", "words"), SYNTAX)
def test_invalid_syntax_is_explained_where_the_mistake_is(
    text: str, place: str, words: str
) -> None:
    result = read(text)

    (finding,) = result.diagnostics
    assert places(result.diagnostics) == [f"{place} yaml-syntax"]
    assert words in f"{finding.summary} {finding.hint}"
    assert finding.hint
    assert finding.excerpt == text.split("\n")[int(place.partition(":")[0]) - 1]
    assert not result.declared


# What YAML allows and segctl refuses, or what YAML reads and people did not mean.
REFUSED = [
    ("name: *a\n", "1:7", "unknown-alias", "quotes"),
    ("name: !gold\n", "1:7", "yaml-tag", "`!gold`"),
    ("name: !!python/object:os.system a\n", "1:7", "yaml-tag", "`!!python/object:os.system`"),
    ("name: !!binary aGVsbG8=\n", "1:7", "yaml-tag", "`!!binary`"),
    ("name: !!int 1\n", "1:7", "yaml-tag", "`!!int`"),
    ("name: a\ntags: !!set {a, b}\n", "2:7", "yaml-tag", "`!!set`"),
    ("name: !foo!bar a\n", "1:7", "yaml-tag", "quotes"),
    ("name: a\n<<: {owner: x}\n", "2:1", "merge-key", "write the keys themselves"),
    ("a: &a [*a]\n", "1:8", "alias-cycle", "inside the value that it repeats"),
    ("a: &a {b: [*a]}\n", "1:12", "alias-cycle", "inside the value that it repeats"),
    ("? [a]\n: b\n", "1:3", "bad-key", "must be a string"),
    ("{name: &n a, *n : b}\n", "1:14", "bad-key", "must be a string"),
    ("[" * 100_000, "1:21", "too-deep", "20 levels deep"),
    ("{a: " * 100_000, "1:81", "too-deep", "20 levels deep"),
    ("- " * 100_000, "1:41", "too-deep", "20 levels deep"),
    ("[" * 100_000 + "]" * 100_000, "1:21", "too-deep", "20 levels deep"),
    # libyaml 0.2.6 reports what is a thousand deep itself, before or after segctl's own limit.
    ("[" * 1000 + "]" * 1000, "1:21", "too-deep", "20 levels deep"),
    ("[" * 1001 + "]" * 1001, "1:21", "too-deep", "20 levels deep"),
    ("{" * 1001, "1:2", "bad-key", "must be a string"),
    ("[{a: " * 1001, "1:51", "too-deep", "20 levels deep"),
    ('{"a": ' * 1001, "1:121", "too-deep", "20 levels deep"),
    ("{'a':" * 1001, "1:101", "too-deep", "20 levels deep"),
    ("[\n" * 1001, "21:1", "too-deep", "20 levels deep"),
    ("a:\n- - - " + "[" * 1001, "2:23", "too-deep", "20 levels deep"),
    ('- - ["é", ' + "[" * 1001, "1:28", "too-deep", "20 levels deep"),
    ("\n".join(" " * depth + "a:" for depth in range(1001)), "21:21", "too-deep", "20 levels deep"),
    ("? " * 100_000, "1:3", "bad-key", "must be a string"),
    ("tags: [" + "a," * 250_000 + "]\n", "1:40002", "too-many-nodes", "20,000"),
    ("name: a\0b\n", "1:8", "control-character", "U+0000"),
    ("owner: éé\nname: é\x07b\n", "2:8", "control-character", "U+0007"),
    ("name: a\x7fb\n", "1:8", "control-character", "U+007F"),
    ("name: a\uffffb\n", "1:8", "control-character", "U+FFFF"),
    ("# x\u2028protected: true\nname: a\n", "1:4", "hidden-line-break", "U+2028"),
    ("# x\u2029protected: true\nname: a\n", "1:4", "hidden-line-break", "U+2029"),
    ("# x\x85protected: true\nname: a\n", "1:4", "hidden-line-break", "U+0085"),
    ("", "1:1", "empty-file", "empty"),
    ("\n\n", "1:1", "empty-file", "empty"),
    ("# only a comment\n", "1:1", "empty-file", "empty"),
    ("---\n", "1:1", "empty-file", "empty"),
    ("\ufeff", "1:1", "empty-file", "empty"),
    ("- name: a\n", "1:1", "wrong-type", "a list"),
    ("hello\n", "1:1", "wrong-type", "a string"),
    ("5\n", "1:1", "wrong-type", "a number"),
    ("2026-01-01\n", "1:1", "wrong-type", "a date"),
]


@pytest.mark.parametrize(("text", "place", "code", "words"), REFUSED)
def test_unsupported_yaml_is_refused(text: str, place: str, code: str, words: str) -> None:
    result = read(text)

    (finding,) = result.diagnostics
    assert places(result.diagnostics) == [f"{place} {code}"]
    assert words in f"{finding.summary} {finding.hint}"
    assert finding.hint


def test_exponential_aliases_are_refused() -> None:
    laughs = "a: &a [x,x,x,x,x,x,x,x,x]\n"
    for before, letter in zip("abcdefgh", "bcdefghi", strict=True):
        laughs += f"{letter}: &{letter} [{','.join([f'*{before}'] * 9)}]\n"

    result = read(laughs)

    assert places(result.diagnostics) == ["5:11 too-many-nodes"]


def test_anchors_repeat_values_and_keys() -> None:
    declared = read_segment("&k name: &n VIP\ndescription: *n\nowner: *k\ntags: &t [x]\n" + QUERY)

    assert (declared.name, declared.description, declared.owner) == ("VIP", "VIP", "name")


def test_a_mistake_in_an_alias_is_reported_at_the_alias() -> None:
    text = "name: &x {b: 1}\nowner: *x\n" + QUERY

    assert places(read(text).diagnostics) == ["1:7 wrong-type", "2:8 wrong-type"]


def test_a_mistake_before_a_thousand_brackets_is_reported_once() -> None:
    result = read("tags: a\ntags: b\nname: " + "[" * 1001)

    assert places(result.diagnostics) == ["2:1 duplicate-key", "3:26 too-deep"]


def test_duplicate_keys_do_not_hide_other_problems() -> None:
    text = 'name: a\n"name": b\ntags: [{x: 1, x: 2}]\nname: c\nnme: x\n' + QUERY

    result = read(text)

    assert places(result.diagnostics) == [
        "2:1 duplicate-key",
        "3:8 wrong-type",
        "3:15 duplicate-key",
        "4:1 duplicate-key",
        "5:1 unknown-key",
    ]
    assert "line 1" in result.diagnostics[0].summary


def test_a_second_document_does_not_hide_the_problems_of_the_first() -> None:
    result = read("nme: a\n" + QUERY + "---\nname: b\n")

    assert places(result.diagnostics) == [
        "1:1 unknown-key",
        "3:1 second-document",
    ]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("name:\ta\n", "a"),
        ("---\nname: a\n", "a"),
        ("%YAML 1.2\n---\nname: a\n", "a"),
        ("? name\n: a\n", "a"),
        ("\ufeffname: a\n", "a"),
        ("\ufeff\ufeffname: a\n", "a"),
        ("name: !!str 123\n", "123"),
        ("name: ! 123\n", "123"),
        ('name: "123"\n', "123"),
        ("name: '<<'\n", "<<"),
        ("name: =\n", "="),
        ("name: " + "9" * 90 + "e\n", "9" * 90 + "e"),
        ('name: "\\U0001F600\\u00e9"\n', "😀é"),
        ("name: “a”\n", "“a”"),
    ],
)
def test_unusual_yaml_is_accepted(text: str, name: str) -> None:
    assert read_segment(text + QUERY).name == name


def test_json_is_yaml() -> None:
    assert read_segment('{"name": "a", "query_dsl": "x"}').segment.query == "x"


def test_a_number_too_long_for_python_is_a_string() -> None:
    for digits in ("9" * 5000, "0x" + "9" * 5000, "0b" + "1" * 50_000):
        assert places(read(f"name: {digits}\n{QUERY}").diagnostics) == ["1:7 too-long"]


@pytest.mark.parametrize(
    ("data", "place", "words"),
    [
        ("name: caf\xe9\n".encode("latin-1"), "1:10", "0xe9"),
        ("\ufeffname: é".encode() + b"\xff", "1:8", "0xff"),
        (b"a: b\r\nc: \xff", "2:4", "0xff"),
        ("name: a\n".encode("utf-16"), "1:1", "UTF-16"),
        ("name: a\n".encode("utf-16-be"), "1:1", "UTF-16"),
        ("name: a\n".encode("utf-16-le"), "1:1", "UTF-16"),
        ("name: a\n".encode("utf-32"), "1:1", "UTF-32"),
        (b"\xed\xa0\x80", "1:1", "0xed"),
    ],
)
def test_bytes_that_are_not_utf8_are_reported(data: bytes, place: str, words: str) -> None:
    (finding,) = read(data).diagnostics

    assert places((finding,)) == [f"{place} not-utf8"]
    assert words in finding.summary


def test_a_file_that_is_too_large_is_refused() -> None:
    (finding,) = read(b"#" + b"x" * (1 << 20)).diagnostics

    assert finding.code == "file-too-large"


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_lines_and_columns_are_those_of_an_editor(newline: str) -> None:
    lines = ["# é😀", "name: a", "query_dsl: |", "  SELECT 'é😀'", '{"😀": 5}']
    text = newline.join(["tags: [a]", *lines[:-1], "é😀: {x: 5, x: 5}", ""])

    result = read(text)

    assert places(result.diagnostics) == ["6:1 unknown-key", "6:12 duplicate-key"]
    assert result.diagnostics[1].excerpt == "é😀: {x: 5, x: 5}"


def test_thousands_of_mistakes_are_reported_from_one_split_of_the_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    splits = 0

    def counted(text: str) -> list[str]:
        nonlocal splits
        splits += 1
        return excerpt_lines(text)

    monkeypatch.setattr("segctl.documents.document.excerpt_lines", counted)

    lines = read("name: a\n" + "".join(f"k{i}: 1\n" for i in range(9_000)) + QUERY)
    one_line = read("{" + ",".join(f"k{i}: 1" for i in range(9_000)) + "}")
    mappings = read("tags: [" + ",".join(f"{{a: {i}}}" for i in range(6_000)) + "]")

    assert [len(result.diagnostics) for result in (lines, one_line, mappings)] == [9000, 9002, 6002]
    assert splits == 3


def test_an_unknown_place_is_that_of_the_parent() -> None:
    document = parse_document("f", "a:\n  b: 1\n")

    assert str(document.span(("a", "b", "c", 4))) == "f:2:6"
    assert str(document.span(("a", "b"), key=True)) == "f:2:3"
    assert str(Document("f", "").span(("x",))) == "f:1:1"
    assert document.excerpt(99) == ""


def test_a_yaml_error_without_a_place_is_reported() -> None:
    document = Document("f", "x")

    report_syntax(document, yaml.YAMLError("?"))

    assert places(tuple(document.diagnostics)) == ["1:1 yaml-syntax"]
