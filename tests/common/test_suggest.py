"""Suggestions for misspelt words."""

from __future__ import annotations

import sys

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
def test_the_closest_word_is_found_whatever_its_case(word: str, meant: str) -> None:
    assert closest_match(word, KNOWN) == meant


def test_the_hint_falls_back_to_another_one() -> None:
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
        # The typing error wins; difflib alone would choose the other word.
        ("abcdef", ["abcdefgxy", "badcef"], "badcef", "badcef"),
        ("x" * 100, ["x" * 99], "", "x" * 99),
    ],
)
def test_a_typing_error_is_nearer_than_a_similar_word(
    word: str, known: list[str], slip: str, similar: str
) -> None:
    assert nearest_match(word, known) == slip
    assert closest_match(word, known) == similar


def test_a_long_text_is_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    # Without difflib, any comparison would raise an ImportError.
    monkeypatch.setitem(sys.modules, "difflib", None)

    assert closest_match("name" * 100_000, ["name" * 100_000 + "x"]) == ""
