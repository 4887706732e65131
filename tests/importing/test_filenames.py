"""File names: readable, safe everywhere, each once."""

# ruff: noqa: RUF001 - letters that look like others are the data here.

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from segctl.declarations.filenames import MAX_BYTES, MAX_CHARACTERS, FileNames, slug

ID = "5e9c0de2-71b3-4d5a-8c44-000000000001"

SLUGS = {
    "VIP customers": "vip-customers",
    "  VIP -- customers!  ": "vip-customers",
    "Clicked in the last 30 days": "clicked-in-the-last-30-days",
    "Mother's Day / Father\u2019s Day": "mothers-day-fathers-day",
    "snake_case.and.dots": "snake-case-and-dots",
    # Accents of Latin letters are left off, however they are written.
    "Žluťoučký kůň": "zlutoucky-kun",
    unicodedata.normalize("NFD", "Žluťoučký kůň"): "zlutoucky-kun",
    "Straße, Ærø, Łódź, Đà Nẵng, \u0131\u0130": "strasse-aero-lodz-da-nang-ii",
    "ﬁne ① Ｆｕｌｌ": "fine-1-full",
    # Letters of other scripts are kept, with their marks.
    "日本の顧客": "日本の顧客",
    "Й и ё": "й-и-ё",
    unicodedata.normalize("NFD", "が Й"): "が-й",
    "हिन्दी ग्राहक": "हिन्दी-ग्राहक",
    "ΣΊΣΥΦΟΣ": "σίσυφοσ",
    # What would lead elsewhere, hide, or be a device.
    "../x": "x",
    "..": "",
    "/etc/passwd": "etc-passwd",
    "C:\\Windows": "c-windows",
    ".hidden": "hidden",
    "-rf": "rf",
    "trailing. . .": "trailing",
    "CON": "segment-con",
    "NUL.txt": "nul-txt",
    "com¹": "segment-com1",
    "CONIN$": "segment-conin",
    "ＡＵＸ": "segment-aux",
    "Accounts": "segment-accounts",
    "Conditions": "segment-conditions",
    "Fields": "segment-fields",
    "fixtures": "segment-fixtures",
    "a\x00b\nc\x1b[31md\u202ee\ufefff": "a-b-c-31md-e-f",
    "half \ud800 a pair": "half-a-pair",
    "🎉": "",
    "\u0301": "",
    "": "",
}


@pytest.mark.parametrize(("name", "stem"), SLUGS.items(), ids=map(ascii, SLUGS))
def test_a_name_becomes_a_stem(name: str, stem: str) -> None:
    assert slug(name) == stem


def test_a_long_name_is_cut_between_characters() -> None:
    assert slug("x" * 100) == "x" * MAX_CHARACTERS
    assert slug("ab " * 40) == ("ab-" * 27)[:MAX_CHARACTERS].rstrip("-")
    assert slug("顧" * 100) == "顧" * (MAX_BYTES // 3)
    assert slug("𠮷" * 100) == "𠮷" * (MAX_BYTES // 4)


def test_a_file_name_is_claimed_once() -> None:
    names = FileNames(["vip.YML", "VIP-2.yaml", "notes.md", "old.sql", "é.yaml", "x"])
    segment_names = ("VIP", "vip!", "notes", "old", "É", "é", "x", "🎉")
    claimed = [names.claim(name, ID) for name in segment_names]
    assert claimed == [
        "vip-3.yaml",
        "vip-4.yaml",
        "notes.yaml",
        "old.yaml",
        "e.yaml",
        "e-2.yaml",
        "x.yaml",
        "segment-5e9c0de2.yaml",
    ]


def test_names_that_a_file_system_does_not_distinguish_get_different_files() -> None:
    names = FileNames([unicodedata.normalize("NFD", "Й") + ".yaml"])
    assert names.claim("Й", ID) == "й-2.yaml"
    # Both lower forms of sigma fold to one.
    assert names.claim("σ", ID) == "σ.yaml"
    assert names.claim("ς", ID) == "ς-2.yaml"


def test_a_name_without_letters_becomes_the_start_of_the_id() -> None:
    names = FileNames([])
    assert names.claim("…", "../..") == "segment.yaml"
    assert names.claim("!", "../..") == "segment-2.yaml"
    assert names.claim("!", "../../etc/passwd") == "segment-etc-pass.yaml"


def test_a_long_name_is_cut_to_make_room_for_a_number() -> None:
    names = FileNames([])
    claimed = [names.claim("顧" * 100, ID) for _ in range(12)]
    assert len({*claimed}) == 12
    assert all(len(name.encode()) <= MAX_BYTES + len(".yaml") for name in claimed)
    assert claimed[-1].endswith("-12.yaml")
    assert len(names.claim("x" * 100, ID)) == len(names.claim("x" * 100, ID))


HOSTILE = st.text(st.characters(exclude_categories=()), max_size=100) | st.sampled_from([*SLUGS])


@given(st.lists(st.tuples(HOSTILE, st.text(max_size=12)), max_size=20))
@example([("a", ""), ("a 2", ""), ("A", "")])
def test_any_names_become_safe_and_unique_file_names(segments: list[tuple[str, str]]) -> None:
    names = FileNames(["a.yaml"])
    claimed = [names.claim(name, segment_id) for name, segment_id in segments]
    folded = {unicodedata.normalize("NFC", name.casefold()) for name in [*claimed, "a.yaml"]}
    assert len(folded) == len(segments) + 1
    for name in claimed:
        assert re.fullmatch(r"[^\W_][^\\/:*?\"<>|.\s]*\.yaml", name)
        assert name.isprintable()
        assert name == unicodedata.normalize("NFC", name)
        assert len(name.encode()) <= 255
        assert not name.startswith(("-", ".", "con.", "fields."))
