from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segctl.declarations.formatting import format_segment_file, format_sql_file, key_order
from segctl.declarations.key_blocks import comments_of
from segctl.documents.schema import schema_text
from segctl.documents.yaml_reader import parse_document
from segctl.errors import Severity
from segctl.query.equivalence import Equivalence, compare_queries
from segctl.query.format.layout import format_query
from segctl.query.parser.parse import parse
from tests.query.strategies import queries, spell

SEGMENTS = Path(__file__).parents[2] / "segments"
ONE_LINE = "SELECT contact_id, updated_at FROM contact_data WHERE a = 1"
BLOCK = "  SELECT contact_id, updated_at\n  FROM contact_data\n  WHERE a = 1\n    AND b = 2\n"
RAW = "select contact_id, updated_at from contact_data where a=1 and b=2"

# ruff: noqa: E501, ISC004 - the SQL is the data here, and no server ever sees it.
EXAMPLES = {
    "keys in order, with their comments": (
        "# yaml-language-server: x\n# of the query\nquery_dsl: >-  # beside\n"
        "    select contact_id, updated_at\n    from contact_data where a=1 and b=2\n"
        " # below\nprotected: true\n\n# of the tags\n\n\ntags:\n  - a  # one\n  # two\n  - b\n"
        "  # three\nparent_list_ids: []\n# of the name\nname:   'X'   # beside   \n# end\n",
        "# yaml-language-server: x\n# of the name\nname:   'X'   # beside\n\n# of the tags\n\n"
        "tags:\n  - a  # one\n  # two\n  - b\n  # three\nprotected: true\nparent_list_ids: []\n"
        f"# of the query\n# below\nquery_dsl: | # beside\n{BLOCK}# end\n",
    ),
    "a head above a blank line": (
        f"# All about it.\n\n# of the query\nquery_dsl: {ONE_LINE}\nname: X",
        f"# All about it.\n\nname: X\n# of the query\nquery_dsl: {ONE_LINE}\n",
    ),
    "a directive and the mark of the beginning": (
        f"%YAML 1.1\n--- # x\n\nquery_dsl: {ONE_LINE}\nname: X\n...\n# end\n",
        f"%YAML 1.1\n--- # x\n\nname: X\nquery_dsl: {ONE_LINE}\n...\n# end\n",
    ),
    "a plain query that does not fit becomes a block": (
        f"name: X\nquery_dsl: {RAW} # why\n",
        f"name: X\nquery_dsl: | # why\n{BLOCK}",
    ),
    "a plain query over lines that fits becomes one line": (
        "name: X\nquery_dsl: select contact_id,updated_at\n  from contact_data where a=1\n",
        f"name: X\nquery_dsl: {ONE_LINE}\n",
    ),
    "a quoted query becomes a block": (
        f'name: X\nquery_dsl: # why\n  "{ONE_LINE}" # not\n',
        f"name: X\n# not\nquery_dsl: | # why\n  {ONE_LINE}\n",
    ),
    "an escaped query": (
        "name: X\nquery_dsl: \"SELECT a\\nFROM t\\nWHERE b = '\\\\\\\\'\"\n",
        "name: X\nquery_dsl: |\n  SELECT a\n  FROM t\n  WHERE b = '\\\\'\n",
    ),
    "an indicator of indentation": (
        f"name: X\nquery_dsl: |4-\n     {RAW}\n",
        f"name: X\nquery_dsl: |\n{BLOCK}",
    ),
    "comments in the query": (
        "name: X\nquery_dsl: |\n  -- who\n  select a # = \n  from t\n\n".replace(" # = ", ""),
        "name: X\nquery_dsl: |\n  -- who\n  SELECT a\n  FROM t\n",
    ),
    "unknown keys stand before the parent lists": (
        f"query_dsl: {ONE_LINE}\nparent_list_ids: []\nzebra: 1\nape: [1,\n  2]\nname: X\n",
        f"name: X\nzebra: 1\nape: [1,\n  2]\nparent_list_ids: []\nquery_dsl: {ONE_LINE}\n",
    ),
    "values are untouched": (
        'query_file: "x.sql"\ndescription: >+\n   a  \n     b\n\n\nowner:   \'x\'\ntags: [ a,b ]\nname: "\\x41"\n',
        'name: "\\x41"\ndescription: >+\n   a  \n     b\n\n\nowner:   \'x\'\ntags: [ a,b ]\nquery_file: "x.sql"\n',
    ),
    "CRLF and a byte order mark": (
        f"\ufeffname: X\r\nquery_dsl: {RAW}",
        "\ufeffname: X\r\nquery_dsl: |\r\n" + BLOCK.replace("\n", "\r\n"),
    ),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_formatted(name: str) -> None:
    text, expected = EXAMPLES[name]
    result = format_segment_file("x.yaml", text)
    assert result.text == expected
    assert result.problems == ()
    assert result.changed
    again = format_segment_file("x.yaml", expected)
    assert (again.text, again.changed) == (expected, False)


@pytest.mark.parametrize(
    ("text", "expected", "words"),
    [
        (
            f"query_dsl: {RAW}\nowner: &o x\ndescription: *o\nname: X\n",
            f"query_dsl: |\n{BLOCK}owner: &o x\ndescription: *o\nname: X\n",
            "anchors",
        ),
        (
            "query_dsl: selec a\nname: X  \n",
            "name: X\nquery_dsl: selec a\n",
            "cannot parse it",
        ),
        (f"name: X\nquery_dsl: &q {RAW}\n", f"name: X\nquery_dsl: &q {RAW}\n", "anchor"),
        (f"{{name: X, query_dsl: {ONE_LINE!r}}}\n", None, "on lines of their own"),
        (f"  name: X\n  query_dsl: {RAW}\n", None, "at the start of their lines"),
        ("? name\n: X\n", None, "at the start of their lines"),
        ("name: X\rowner: x\n", None, "line ends"),
        ("- 1\n", None, "declares nothing"),
        ("", None, "declares nothing"),
        ("name: 'X\n", None, "never closed"),
        ("name: X\nname: Y\n", None, "duplicate key"),
        ("name: \ud800\n", None, "U+D800"),
        (
            "name: X\nquery_dsl: \"SELECT a FROM t WHERE b = '\\a'\"\n",
            None,
            "the query stays as it is",
        ),
        (
            "owner: x\nname: X\nquery_dsl: \"SELECT a FROM t WHERE b = '\\u2028' and c = 1\"\n",
            "name: X\nowner: x\nquery_dsl: \"SELECT a FROM t WHERE b = '\\u2028' and c = 1\"\n",
            "the query stays as it is",
        ),
        (
            "name: X\nquery_dsl: \"SELECT a FROM t WHERE b = '\\u202e' and c = 1\"\n",
            None,
            "the query stays as it is: it contains U+202E, which editors hide",
        ),
    ],
)
def test_what_cannot_be_formatted_is_left_and_reported(
    text: str, expected: str | None, words: str
) -> None:
    result = format_segment_file("x.yaml", text)
    assert result.text == (text if expected is None else expected)
    assert result.changed == (expected is not None and expected != text)
    assert words in result.problems[0].summary
    assert result.problems[0].span
    assert format_segment_file("x.yaml", result.text).text == result.text


@pytest.mark.parametrize("path", sorted(SEGMENTS.rglob("*.*")), ids=lambda path: path.name)
def test_the_examples_of_the_repository_are_formatted(path: Path) -> None:
    text = path.read_bytes().decode()
    format_ = (
        format_sql_file
        if path.suffix == ".sql"
        else lambda text: format_segment_file(path.name, text)
    )
    assert not format_(text).changed
    assert format_(text.replace("\n", "\r\n")).text == text.replace("\n", "\r\n")


def test_a_sql_file_is_formatted() -> None:
    assert format_sql_file(f"\ufeff{RAW}\r\n").text == (
        "\ufeffSELECT contact_id, updated_at\r\nFROM contact_data\r\nWHERE a = 1\r\n  AND b = 2\r\n"
    )
    assert format_sql_file(f"{ONE_LINE.lower()}\n\n").text == f"{ONE_LINE}\n".replace("A", "A")
    mixed = "select a\r\nfrom t where b = 'x\ny'"
    assert format_sql_file(mixed).text == "SELECT a\nFROM t\nWHERE b = 'x\ny'\n"
    broken = format_sql_file("selec 1", "x.sql")
    assert (broken.text, broken.changed) == ("selec 1", False)
    assert broken.problems[0].severity is Severity.WARNING


def test_the_order_has_every_key_of_the_schema() -> None:
    assert sorted(key_order()) == sorted(json.loads(schema_text("segment"))["properties"])


def test_a_result_that_cannot_be_proven_is_discarded(monkeypatch: pytest.MonkeyPatch) -> None:
    text = f"name: X\nquery_dsl: {RAW}\n"
    for wrong in ("name: Y\n", "name: X\nquery_dsl: SELECT a FROM t\n", "- 1\n", "a: 'b\n"):
        monkeypatch.setattr("segctl.declarations.key_blocks.FileBlocks.text", lambda _, w=wrong: w)
        result = format_segment_file("x.yaml", text)
        assert (result.text, result.changed) == (text, False)
        assert "prove" in result.problems[0].summary


COMMENTS = st.sampled_from(["", "", "# note\n", "#\n", "\n", "  # inner  \n", "# a\n\n\n# b # c\n"])
BESIDE = st.sampled_from(["", "", " # beside", "   # beside  ", "  "])
VALUES: dict[str, st.SearchStrategy[str]] = {
    "name": st.sampled_from(["X", "'it''s # no comment'", '"a\\nb"', "|-\n  X", ">\n  X\n  y"]),
    "description": st.sampled_from(
        ["plain\n  more", "|\n  a\n   # not\n\n  b", "|+\n  x\n\n", "> \n  x  \n\n", "''", "|2\n   x",
         '"a\n\n  b"']
    ),
    "owner": st.sampled_from(["x", "&o x", "!!str x", "~", ""]),
    "tags": st.sampled_from(["[a, b]", "[a, # c\n  b]", "\n  - a # one\n  # two\n  - b", "\n- a\n- b"]),
    "protected": st.sampled_from(["true", "no", "1.0", ".nan", "2024-01-01"]),
    "zebra": st.sampled_from(["{a: 1}", "\n  k: |\n    # not\n  # yes\n  l: 'v'"]),
    "parent_list_ids": st.sampled_from(["[]", "\n  - 0b1f4a10-5c1d-4a6e-9f02-000000000002 # List"]),
}  # fmt: skip


@st.composite
def query_values(draw: st.DrawFn) -> str:
    meaning = draw(queries)
    text = spell(meaning, draw(st.integers(0, 2**32).map(random.Random)))
    style = draw(st.sampled_from("|>'\"-"))
    lines = text.replace("\r\n", "\n").split("\n")
    if style in "|>":
        indent = draw(st.sampled_from([" ", "  ", "    "]))
        head = (
            style + draw(st.sampled_from(["", "-", "+"])) + draw(st.sampled_from(["", " # head"]))
        )
        return "\n".join([head, *(indent + line for line in lines)])
    if style == '"':
        return json.dumps(text)
    if style == "'":
        return "'" + text.replace("'", "''").replace("\n", "\n\n  ") + "'"
    return " ".join(lines)


@st.composite
def files(draw: st.DrawFn) -> str:
    keys = draw(st.permutations([*VALUES, "query_dsl"]))[: draw(st.integers(1, 8))]
    parts = [draw(st.sampled_from(["", "# yaml-language-server: x\n", "---\n", "# head\n\n"]))]
    for key in keys:
        value = draw(query_values() if key == "query_dsl" else VALUES[key])
        beside = "" if value[:1] in "|>" and "\n" in value else draw(BESIDE)
        parts += [draw(COMMENTS), f"{key}: {value}{beside}\n"]
    text = "".join(parts) + draw(COMMENTS) + draw(st.sampled_from(["", "...\n", "# end"]))
    return text.replace("\n", "\r\n") if draw(st.booleans()) else text


@settings(max_examples=300, deadline=None)
@given(files())
def test_formatting_keeps_every_value_and_comment(text: str) -> None:
    hold(text)


@settings(max_examples=200, deadline=None)
@given(
    st.text(max_size=60)
    | st.lists(
        st.sampled_from(["name: X", "query_dsl: ", "|", "\n", "  ", "# c", "&a", "*a", "'", '"', ONE_LINE,
                         "- ", "\r\n", "\r", "...", "---", "{", "}", "\u2028", "\ufeff", "? ", ": ", "!!str "])
    ).map("".join)
)  # fmt: skip
def test_any_text_is_formatted_or_left_alone(text: str) -> None:
    hold(text)


def values(text: str) -> dict[str, Any] | None:
    try:
        document = parse_document("x.yaml", text.removeprefix("\ufeff").replace("\r\n", "\n"))
    except UnicodeEncodeError:
        return None
    usable = not document.diagnostics and isinstance(document.value, dict)
    return {**document.value, "": comments_of(document)} if usable else None


def hold(text: str) -> None:
    """Check what must be true of every formatted file."""
    result = format_segment_file("x.yaml", text)
    assert result.changed == (result.text != text)
    before, after = values(text), values(result.text)
    if before is None:
        assert result.problems
        assert not result.changed
        return
    assert after is not None
    assert after.keys() == before.keys()
    old, new = before.pop("query_dsl", None), after.pop("query_dsl", None)
    assert {k: repr(v) for k, v in before.items()} == {k: repr(v) for k, v in after.items()}
    if isinstance(old, str):
        assert compare_queries(old, new) is not Equivalence.DIFFERENT
        assert new.strip() == (new if result.problems else format_query(parse(old)).text).strip()
    again = format_segment_file("x.yaml", result.text)
    assert again.text == result.text
    if result.changed:
        assert result.text.endswith("\n")
