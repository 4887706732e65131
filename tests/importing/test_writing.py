"""A segment as a file: readable where it can be, exact always."""

# ruff: noqa: RUF001 - letters that look like others are the data here.

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segctl.declarations.formatting import format_segment_file
from segctl.declarations.generating import segment_text
from segctl.declarations.segment_file import read_segment
from segctl.model import Segment
from tests.query.corpus import SHAPES
from tests.support.account import KEY

LIST = "0b1f4a10-5c1d-4a6e-9f02-00000000000a"
ONE = "SELECT contact_id, updated_at FROM contact_data WHERE a = 1"

# What stands behind `query_dsl: `.
QUERIES = {
    # On the line of its key, where `fmt` leaves it there.
    ONE: f"{ONE}\n",
    f"{ONE} AND b = 2": f"|-\n  {ONE} AND b = 2\n",
    f"{ONE}\n": f"|\n  {ONE}\n",
    f"{ONE} ": f"|-\n  {ONE} \n",
    "# x": "|-\n  # x\n",
    "a: b": "|-\n  a: b\n",
    "'a' b": "|-\n  'a' b\n",
    "42": "|-\n  42\n",
    "yes": "|-\n  yes\n",
    # How it ends.
    "a\nb": "|-\n  a\n  b\n",
    "a\nb\n": "|\n  a\n  b\n",
    "a\nb\n\n\n": "|+\n  a\n  b\n\n\n",
    "a\n  ": "|-\n  a\n    \n",
    "a\n \n": "|\n  a\n   \n",
    # How it begins.
    "  a\nb": "|2-\n    a\n  b\n",
    "\ta\nb": "|2-\n  \ta\n  b\n",
    "\n\na\n": "|\n\n\n  a\n",
    "\n  a\n": "|2\n\n    a\n",
    " \n a": "|2-\n   \n   a\n",
    # What means something elsewhere in a file.
    "---\n...\n%a\n# b\n- c: &d *e\n\t\n": "|\n  ---\n  ...\n  %a\n  # b\n  - c: &d *e\n  \t\n",
    "-- segctl: ignore\na": "|-\n  -- segctl: ignore\n  a\n",
    "\u200d\U0001f468\U0001f3fd\xa0日本\na": "|-\n  \u200d\U0001f468\U0001f3fd\xa0日本\n  a\n",
    # What a block cannot hold, or would hide.
    "a\r\n\r\n  b\tc": '"\\\n  a\\r\\n\\\n  \\r\\n\\\n  \\  b\\tc"\n',
    "a\rb": '"a\\rb"\n',
    'a\x85"\\\u2028\u2029': '"a\\N\\"\\\\\\L\\P"\n',
    "a\u202eb\xa0c\n": '"a\\u202Eb\\_c\\n"\n',
    "\ufeffa": '"\\uFEFFa"\n',
    "a\x0b\x0c\x9b": '"a\\x0B\\x0C\\x9B"\n',
    "\uffff\U0010ffff\U000e0041é": '"\\uFFFF\\U0010FFFF\\U000E0041é"\n',
}


def read(text: str) -> Segment:
    declared, document = read_segment("segments/x.yaml", text.encode(), {}, "segments")
    assert declared is not None, document.diagnostics
    return declared.segment


@pytest.mark.parametrize(("query", "written"), QUERIES.items(), ids=map(ascii, QUERIES))
def test_a_query_is_written_readably(query: str, written: str) -> None:
    text = segment_text(Segment("X", query), {}).text
    assert text == f"name: X\nquery_dsl: {written}"
    assert read(text).query == query


NAMES = {
    "VIP customers": "VIP customers",
    "Café, 100 % – 日本 \U0001f389": "Café, 100 % – 日本 \U0001f389",
    "\U0001f468\u200d\U0001f469": "\U0001f468\u200d\U0001f469",
    "2026 guests": "2026 guests",
    "a: b": '"a: b"',
    "a ${b}": "a $${b}",
    "a $${b": "a $$${b",
    "a #b": '"a #b"',
    "a:": '"a:"',
    "- a": '"- a"',
    "'a'": "\"'a'\"",
    '"a"': '"\\"a\\""',
    "[a]": '"[a]"',
    "{a": '"{a"',
    "*a": '"*a"',
    "!a": '"!a"',
    "%a": '"%a"',
    "@a": '"@a"',
    "`a`": '"`a`"',
    "|": '"|"',
    "<<": "<<",
    "y": '"y"',
    "No": '"No"',
    "null": '"null"',
    "~": '"~"',
    "0o17": '"0o17"',
    "1e3": '"1e3"',
    "2026-07-15": '"2026-07-15"',
    ".inf": '".inf"',
    "---": '"---"',
    " a ": '" a "',
    "a\u202eb": '"a\\u202Eb"',
    "a\xa0b": '"a\\_b"',
    "x" * 100: "x" * 100,
}


@pytest.mark.parametrize(("name", "written"), NAMES.items(), ids=map(ascii, NAMES))
def test_a_name_is_quoted_if_needed(name: str, written: str) -> None:
    text = segment_text(Segment(name, ONE), {}).text
    assert text == f"name: {written}\nquery_dsl: {ONE}\n"
    assert read(text).name == name


COMMENTS = {
    "Customers": " # Customers",
    " a\n\tb\u202ec\x00 # d ": " # a b c # d",
    "x" * 60: f" # {'x' * 60}",
    "x" * 59 + " yz": f" # {'x' * 59}…",
    f"key {KEY}": " # key SG.***",
    "\u2028\ud800": "",
    "": "",
    # These would speak to segctl or to an editor.
    "segctl: ignore[unknown-column]": "",
    "Yaml-language-server: $schema=https://example.com": "",
    "yamllint disable": "",
    "vim: set x": "",
}


@pytest.mark.parametrize(("name", "comment"), COMMENTS.items(), ids=map(ascii, COMMENTS))
def test_the_name_of_a_list_is_a_comment(name: str, comment: str) -> None:
    written = segment_text(Segment("X", ONE, (LIST.upper(),)), {LIST: name}).text
    parents = f"\n  - {LIST.upper()}{comment}\n" if comment else f" [{LIST.upper()}]\n"
    assert written == f"name: X\nparent_list_ids:{parents}query_dsl: {ONE}\n"
    assert read(written).parent_list_ids == (LIST,)


def test_the_schema_is_named_for_editors() -> None:
    text = segment_text(Segment("X", ONE), {}, "../schemas/segment.schema.json").text
    head = "# yaml-language-server: $schema=../schemas/segment.schema.json\n"
    assert text == f"{head}name: X\nquery_dsl: {ONE}\n"
    assert not format_segment_file("x.yaml", text).changed


REFUSED = {
    "the query contains the control character U+0000": Segment("X", "a\x00"),
    "the query contains the control character U+001B": Segment("X", "a\r\x1b"),
    "the query is empty": Segment("X", " \n"),
    "it contains half a character (U+D83D)": Segment("\ud83d", ONE),
    "it contains half a character (U+DC00)": Segment("X", f"{ONE}\udc00"),
    "`name` must not contain a line break": Segment("a\nb", ONE),
    "`name` must not contain the character U+0085": Segment("a\x85b", ONE),
    "`name` must not be empty": Segment("\xa0", ONE),
    "`name` has 101 characters, more than the limit of 100": Segment("x" * 101, ONE),
    "SendGrid accepts one parent list only, got 2": Segment(
        "X", ONE, (LIST, LIST.replace("a", "b"))
    ),
    "`parent_list_ids`, item 1, must be the id of a list, a UUID such as"
    " 0f3ba1c2-5d6e-4f70-8a9b-1c2d3e4f5a6b": Segment("X", ONE, ("x\ny",)),
    "the file is larger than the limit of 1,048,576 bytes": Segment("X", "x" * (1 << 20)),
    "this looks like a SendGrid API key, which must not be in a file in git": Segment(KEY, ONE),
}


@pytest.mark.parametrize(("reason", "segment"), REFUSED.items(), ids=REFUSED)
def test_a_segment_that_no_file_can_contain_has_a_reason(reason: str, segment: Segment) -> None:
    written = segment_text(segment, {})
    assert (written.text, written.reason) == ("", reason)


def test_a_text_that_declares_another_segment_is_not_returned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("segctl.declarations.generating._escape", lambda _: "x")
    assert segment_text(Segment("X", "a\r"), {}).reason == "segctl cannot write it exactly"


@pytest.mark.parametrize("query", SHAPES)
def test_fmt_does_not_change_a_query_on_one_line(query: str) -> None:
    text = segment_text(Segment("X", query), {LIST: "A list"}).text
    assert read(text).query == query
    if "query_dsl: |" not in text:
        assert not format_segment_file("x.yaml", text).changed


CHARACTERS = st.characters(exclude_categories=()) | st.sampled_from(
    " \t\r\n\x85\u2028\ufeff:#-\"'\\|>%\u202e\U0001f600"
)
TEXTS = st.text(CHARACTERS, max_size=60)
FEW = st.lists(
    st.sampled_from(["a", " ", "\n", "\t", "\r", "#", "---", ": ", "\\", '"', "\u2028", "\ufeff"]),
    max_size=14,
).map("".join)


@settings(max_examples=600)
@given(TEXTS | st.just("X"), TEXTS | FEW, st.booleans(), TEXTS)
def test_a_file_declares_exactly_its_segment(
    name: str, query: str, has_parent: bool, list_name: str
) -> None:
    segment = Segment(name, query, (LIST,) if has_parent else ())
    written = segment_text(segment, {LIST: list_name})
    if written.text:
        assert read(written.text) == segment
        assert written.text.endswith("\n")
    else:
        assert written.reason


WELL = st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from("\t\n\r\x0b\x0c\x85")


@settings(max_examples=300)
@given(st.text(WELL, max_size=40) | FEW)
def test_any_text_without_control_characters_can_be_written(text: str) -> None:
    segment = Segment("X", f"{text}x")
    assert read(segment_text(segment, {}).text) == segment
