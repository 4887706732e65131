"""Did you mean …?"""

from __future__ import annotations

import time

import pytest

from segctl.common.suggest import closest_match, did_you_mean, nearest_match

KNOWN = ["name", "query_dsl", "owner"]


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("nme", "name"),
        ("NAME", "name"),
        ("query", "query_dsl"),
        ("que", "query_dsl"),
        ("qu", ""),
        ("zzz", ""),
        ("", ""),
    ],
)
def test_the_nearest_word_whatever_its_case(word: str, meant: str) -> None:
    assert closest_match(word, KNOWN) == meant


def test_a_hint_or_what_to_say_without_one() -> None:
    assert did_you_mean("onwer", KNOWN) == "did you mean `owner`?"
    assert did_you_mean("zzz", KNOWN, "there are three") == "there are three"
    assert did_you_mean("x", []) == ""


@pytest.mark.parametrize(
    ("word", "known", "slip", "similar"),
    [
        ("contact_date", ["event_data", "contact_data"], "contact_data", "contact_data"),
        ("emial", ["email", "emails"], "email", "email"),
        ("ab", ["AB"], "", "AB"),
        ("query", ["query_dsl"], "", "query_dsl"),
        ("country_code", ["country"], "", "country"),
        # Of two, the slip; difflib alone takes the other one.
        ("abcdef", ["abcdefgxy", "badcef"], "badcef", "badcef"),
        ("x" * 100, ["x" * 99], "", "x" * 99),
    ],
)
def test_a_slip_is_nearer_than_what_is_similar(
    word: str, known: list[str], slip: str, similar: str
) -> None:
    assert nearest_match(word, known) == slip
    assert closest_match(word, known) == similar


def test_nobody_misspells_a_novel() -> None:
    begun = time.thread_time()

    assert closest_match("name" * 100_000, ["name" * 100_000 + "x"]) == ""
    assert time.thread_time() - begun < 5
