"""Lines that are broken between words, whatever is in them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segctl.errors import Diagnostic, Severity, Span
from segctl.render.diagnostics import diagnostics_text
from segctl.render.table import table_text
from segctl.render.terminal import Style, cells
from segctl.render.wrapping import wrap

COLOR = re.compile("\x1b\\[[0-9;]*m")
WORDS = st.lists(st.sampled_from(["a", "segments/vip.yaml:1:7,", "日本の顧客", "x" * 70, "é́"]))
LINES = st.builds(lambda indent, words: " " * indent + " ".join(words), st.integers(0, 50), WORDS)


@given(st.lists(LINES, max_size=4), st.integers(20, 90))
def test_every_word_stays_whole_and_every_line_fits(lines: list[str], width: int) -> None:
    text = "\n".join(lines)
    wrapped = wrap(text, width)
    assert wrapped.split() == text.split()
    for line in wrapped.split("\n"):
        # A word that is longer than the terminal has a line to itself.
        assert cells(line.rstrip()) <= width or len(line.split()) == 1


@given(LINES)
def test_a_line_that_fits_is_not_touched(line: str) -> None:
    assert wrap(line, cells(line) + 20) == line
    assert wrap(line, None) == line


def test_colours_take_no_room_and_stay() -> None:
    style = Style(color=True)
    line = f"      {style.bold('owner')}     {style.dim('marketing and sales')}"
    assert wrap(line, 40) == line
    wrapped = wrap(line, 26)
    assert [COLOR.sub("", part) for part in wrapped.split("\n")] == [
        "      owner     marketing",
        "          and sales",
    ]
    assert COLOR.findall(wrapped) == COLOR.findall(line)


def test_a_line_that_begins_with_a_colour_goes_on_below_its_text() -> None:
    line = Style(color=True).red("        - SELECT contact_id FROM contact_data")
    assert [COLOR.sub("", part) for part in wrap(line, 30).split("\n")] == [
        "        - SELECT contact_id",
        "            FROM contact_data",
    ]


def test_the_end_of_a_prompt_stays() -> None:
    assert wrap("\nMake these changes? Type `yes` to make them: ", 30) == (
        "\nMake these changes? Type `yes`\n    to make them: "
    )


EXCERPTS = [
    ("WHERE total_spend > 500 AND orders_count >= 3 AND shoe_sise = 44", "shoe_sise"),
    ("WHERE city = '" + "日本の顧客" * 12 + "' AND shoe_sise = 44", "shoe_sise"),
    ("WHERE a = '" + "\u202e" * 40 + "' AND shoe_sise = 44 AND b = '" + "\u202e" * 40, "shoe_sise"),
    ("shoe_sise = 44 AND " + "a = 1 AND " * 30, "shoe_sise"),
]


@pytest.mark.parametrize("width", [80, 60, 30])
@pytest.mark.parametrize(("excerpt", "word"), EXCERPTS)
def test_a_mark_is_below_what_it_marks(excerpt: str, word: str, width: int) -> None:
    column = excerpt.index(word) + 1
    span = Span("segments/a.yaml", 12, column, 12, column + len(word))
    diagnostic = Diagnostic("unknown-column", Severity.ERROR, "x", span, excerpt=excerpt)
    text = wrap(diagnostics_text([diagnostic], Style(width=width)), width)
    source, mark = text.splitlines()[-2:]
    assert max(cells(source), cells(mark)) <= width
    place = mark.index("^")
    shown = ""
    for char in source:
        if cells(shown) == place:
            break
        shown += char
    assert source.removeprefix(shown).startswith(word)


@pytest.mark.parametrize("width", [80, 60])
def test_a_table_keeps_the_longest_word_of_a_column_whole(width: int) -> None:
    word = "newsletter-readers-of-2026"
    rows = [(f"short and {word}", "a long text of many words " * 3, "1,203")]
    text = table_text(
        ["NAME", "TEXT", "CONTACTS"],
        rows,
        right={"CONTACTS"},
        color=False,
        width=width,
        wrapped={"NAME", "TEXT"},
    )
    assert word in text
    assert max(map(len, text.splitlines())) <= width


def test_a_command_is_not_broken() -> None:
    command = "`segctl -C 'my audiences' --target shop-eu contacts pull`"
    text = f"  hint: pass a file with --contacts, or run {command}; {command}"
    wrapped = wrap(text, 60)
    assert wrapped.count(command) == 2
    assert max(map(len, wrapped.splitlines())) <= 62
    # A terminal that is too narrow breaks it itself, and copies it as one line.
    assert command in wrap(text, 30)
