"""Two lines that differ are never shown alike, in any format that people read."""

from __future__ import annotations

import html
import json
import re
import unicodedata
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segctl.render.distinct import MAX_LINE, distinct, distinct_lines, shortened
from tests.support.builders import query

if TYPE_CHECKING:
    from tests.support.account import Remote
    from tests.support.project import Project

NFC, NFD = (unicodedata.normalize(form, "Zürich") for form in ("NFC", "NFD"))
PAIRS = {
    "composed": (NFC, NFD, NFC, r"Zu\u0308rich"),
    "blank": ("New York", "New\u00a0York", "New York", r"New\xa0York"),
    "wide blank": ("New York", "New\u3000York", "New York", r"New\u3000York"),
    "zero width": ("Brno", "Br\u200bno", "Brno", r"Br\u200bno"),
    "bidi": ("Brno", "\u202eBrno\u202c", "Brno", r"\u202eBrno\u202c"),
    "Cyrillic letter": ("Brno", "Brn\u043e", "Brno", r"Brn\u043e"),
    "Greek letter": ("Brno", "Brn\u03bf", "Brno", r"Brn\u03bf"),
    "whole word": ("copa", "\u0441\u043e\u0440\u0430", "copa", r"\u0441\u043e\u0440\u0430"),
    "full width": ("A1", "\uff211", "A1", r"\uff211"),
    "angstrom": ("\u00c5", "\u212b", "\u00c5", r"\u212b"),
    "grapheme joiner": ("Brno", "Br\u034fno", "Brno", r"Br\u034fno"),
    "variation": ("\u2764", "\u2764\ufe0f", "\u2764", "\u2764\\ufe0f"),
    "apostrophe": ("L\u2019Aquila", "L\u02bcAquila", r"L\u2019Aquila", r"L\u02bcAquila"),
    "dash": ("Wien-Mitte", "Wien\u2010Mitte", "Wien-Mitte", r"Wien\u2010Mitte"),
    "Hangul filler": ("Brno", "Brno\u3164", "Brno", r"Brno\u3164"),
    "tab": ("a    b", "a\tb", "a    b", r"a\x09b"),
    "escape": (r"Brn\u043e", "Brn\u043e", r"Brn\x5cu043e", r"Brn\u043e"),
}
"""Two values, and what is shown of each."""

PLAIN = (
    "Zürich",
    "Přerov",
    "Москва",
    "Αθήνα",
    "東京",
    "서울",
    "दिल्ली",
    "L\u2019Aquila",
    "Łódź",
    "❤️",
)


@pytest.mark.parametrize(("old", "new", "shown_old", "shown_new"), PAIRS.values(), ids=PAIRS)
def test_what_looks_alike_is_escaped(old: str, new: str, shown_old: str, shown_new: str) -> None:
    show = distinct((old, new))
    assert (show(old), show(new)) == (shown_old, shown_new)


@pytest.mark.parametrize("text", PLAIN)
def test_ordinary_text_of_any_language_stays_readable(text: str) -> None:
    text = unicodedata.normalize("NFC", text)
    assert distinct((text, "Brno"))(text) == text


@pytest.mark.parametrize(
    ("old", "new"), [("Zurich", "Zürich"), ("Praha", "Прага"), ("O'Neil", "O\u2019Neill")]
)
def test_what_looks_different_stays_as_it_is(old: str, new: str) -> None:
    show = distinct((old, new))
    assert (show(old), show(new)) == (old, new)


LETTERS = (
    "ab e\u0410\u0430\u0435\u03bfé\u0301\u0308\u00a0\u200b\u202e\t\\u04301x"
    "\u212b\ufe0f\u2019'-\u2010\U000e0041"
)


@given(st.lists(st.text(LETTERS, max_size=6), max_size=5))
def test_different_texts_never_look_the_same(texts: list[str]) -> None:
    show = distinct(texts)
    shown = {unicodedata.normalize("NFKC", show(text)).rstrip() for text in texts}
    assert len(shown) == len({*texts})
    assert all(
        unicodedata.category(char) not in {"Cc", "Cf", "Zl", "Zp"} for char in "".join(shown)
    )


@given(st.text(LETTERS + "\r\n", max_size=12), st.text(LETTERS + "\r\n", max_size=12))
def test_different_queries_never_have_the_same_lines(old: str, new: str) -> None:
    old_lines, new_lines = distinct_lines(old, new)
    assert (old_lines == new_lines) == (old == new)


def test_line_breaks_show_only_where_nothing_else_differs() -> None:
    assert distinct_lines("a\r\nb\n", "a\nc") == (["a", "b"], ["a", "c"])
    assert distinct_lines("a\r\nb", "a\nb") == ([r"a\x0d", "b"], ["a", "b"])
    assert distinct_lines("a\n", "a") == (["a", ""], ["a"])


def test_long_lines_start_shortly_before_they_differ() -> None:
    lines = ["x" * 5_000 + end for end in ("a", "b", "c" * 5_000 + "d", "c" * 5_000 + "e")]
    short = shortened([*lines, "short"])
    assert len({*short.values()}) == 5
    assert short["short"] == "short"
    assert all(len(line) < MAX_LINE + 100 for line in short.values())
    assert short[lines[0]].endswith("xxa")


def changed_lines(text: str, output: str) -> list[str]:
    """Return what a view shows of the two sides, without its marks."""
    if output == "html":
        text = html.unescape(re.sub(r"</?mark>", "", text))
        return re.findall(r'class="line (?:old|new)"><code>([^<]*city[^<]*)', text)
    return re.findall(r"^ *[-+] (.*city.*)", text, re.MULTILINE)


@pytest.mark.parametrize("output", ["text", "markdown", "html"])
@pytest.mark.parametrize(("old", "new"), [pair[:2] for pair in PAIRS.values()], ids=PAIRS)
def test_a_plan_shows_the_difference(
    connected: Project, remote: Remote, old: str, new: str, output: str
) -> None:
    before, after = (query(f"city = '{city}'") for city in (old, new))
    remote.emulator.console.create(f"In {old}", before)
    connected.declare("VIP", after, extra=f"previous_names: {json.dumps([f'In {old}'])}\n")
    shown = html.unescape(connected.run("plan", "--format", output).out)
    first, second = changed_lines(shown, output)
    assert len({unicodedata.normalize("NFKC", line) for line in (first, second)}) == 2
    conditions = [f"city = '{city}'" for city in (old, new)]
    arrow = " -> " if output == "text" else "</code> → <code>"
    assert arrow.join(map(distinct(conditions), conditions)) in shown
    plan = json.loads(connected.run("plan", "--format", "json").out)
    (change,) = plan["changes"]
    assert (change["before"]["query_dsl"], change["after"]["query_dsl"]) == (before, after)


@pytest.mark.parametrize("output", ["text", "markdown", "html"])
def test_a_new_name_that_looks_like_the_old_one_is_escaped(
    connected: Project, remote: Remote, output: str
) -> None:
    remote.emulator.console.create(f"In {NFD}", query("country = 'CH'"))
    names = json.dumps([f"In {NFD}"])
    connected.declare(f"In {NFC}", query("country = 'CH'"), extra=f"previous_names: {names}\n")
    shown = connected.run("plan", "--format", output).out
    assert r"In Zu\u0308rich" in shown
    assert f"In {NFC}" in shown


def test_drift_and_the_history_show_the_difference(connected: Project, remote: Remote) -> None:
    connected.declare("VIP", query(f"city = '{NFC}'"))
    assert connected.run("apply", "--auto-approve").code == 0
    (segment,) = remote.emulator.console.segments()
    remote.emulator.console.edit(segment.id, query=query(f"city = '{NFD}'"))
    assert rf"city = '{NFC}' -> city = 'Zu\u0308rich'" in connected.run("drift").out


def test_fmt_shows_blanks_at_the_end_of_a_line(project: Project) -> None:
    project.write({"segments/vip.yaml": f"name: VIP  \nquery_dsl: |\n  {query('city = 1')}\n"})
    assert "-name: VIP\\x20\\x20\n+name: VIP\n" in project.run("fmt", "--diff").out
