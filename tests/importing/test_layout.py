"""Where imported files go, whatever the account calls its segments and lists."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segctl.declarations.file_layout import Layout, list_stems
from segctl.declarations.filenames import FileNames, file_stem
from segctl.errors import UsageError
from tests.importing.test_filenames import HOSTILE

IDS = [f"0b1f4a1{number}-5c1d-4a6e-9f02-{number:012}" for number in range(9)]


@pytest.mark.parametrize(
    ("layout", "stem", "parent_list", "path"),
    [
        ("{slug}", "vip", "newsletter", "vip"),
        ("{slug}.yaml", "vip", "", "vip"),
        ("{parent_list}/{slug}", "vip", "newsletter", "newsletter/vip"),
        ("{parent_list}/{slug}", "vip", "", "vip"),
        ("CRM/{parent_list}-{slug}", "vip", "newsletter", "CRM/newsletter-vip"),
        ("CRM/{parent_list}-{slug}", "vip", "", "CRM/vip"),
        ("of-{parent_list}/{slug}", "vip", "", "of/vip"),
        # Two harmless texts can be a device of Windows together.
        ("co{slug}", "n", "", "segment-con"),
        ("AUX/{slug}", "vip", "", "segment-AUX/vip"),
        ("{parent_list}_{slug}", "x" * 80, "y" * 80, "y" * 80),
    ],
)
def test_a_layout_is_filled(layout: str, stem: str, parent_list: str, path: str) -> None:
    assert Layout.parse(layout).path(stem, parent_list) == path


@pytest.mark.parametrize("layout", ["{list}/{slug}", "{Slug}", "{slug}/{}/{slug}"])
def test_an_unknown_placeholder_is_an_error_that_names_the_known_ones(layout: str) -> None:
    with pytest.raises(UsageError, match="unknown placeholder") as caught:
        Layout.parse(layout)
    assert "{slug}" in caught.value.hint
    assert "{parent_list}" in caught.value.hint


@pytest.mark.parametrize(
    "layout",
    [
        *("", "/{slug}", "{slug}/", "../{slug}", "./{slug}", ".hidden/{slug}", "a//{slug}"),
        *("~/{slug}", "C:/{slug}", "a\\{slug}", "-x/{slug}", "a b/{slug}", "{slug", "slug}"),
        *("{{slug}}", "{slug}.yml", "a\x1b/{slug}", "a\u202e/{slug}", "x*/{slug}"),
        *("vip", "{slug}/vip", "{slug}/{parent_list}", "a/b/c/d/e/f/{slug}"),
    ],
)
def test_a_layout_that_is_no_path_below_the_folder_is_an_error(layout: str) -> None:
    with pytest.raises(UsageError, match="--layout"):
        Layout.parse(layout)


def test_two_lists_never_share_a_folder() -> None:
    names = ["Newsletter", "newsletter!", "Customers", "🎉", "🎉", "../..", "CON", "Fields"]
    stems = list_stems(dict(zip(IDS, names, strict=False)))
    assert [*stems.values()] == [
        "newsletter-0b1f4a10",
        "newsletter-0b1f4a11",
        "customers",
        "list-0b1f4a13",
        "list-0b1f4a14",
        "list-0b1f4a15",
        "segment-con",
        "segment-fields",
    ]
    alike = {f"0b1f4a10-{number}": "VIP" for number in (1, 2)}
    assert [*list_stems(alike).values()] == [
        "vip-0b1f4a10-0b1f4a10-1",
        "vip-0b1f4a10-0b1f4a10-2",
    ]
    assert list_stems({IDS[0]: None}) == {}


def test_a_folder_that_exists_keeps_its_spelling() -> None:
    names = FileNames(["Newsletter", "Newsletter/old.yaml", "crm/VIP.yml"])
    assert names.claim_path("newsletter/vip") == "Newsletter/vip.yaml"
    assert names.claim_path("newsletter/Old") == "Newsletter/Old-2.yaml"
    assert names.claim_path("CRM/vip") == "crm/vip-2.yaml"
    assert names.claim_path("vip") == "vip.yaml"


@given(st.lists(st.tuples(HOSTILE, HOSTILE, st.booleans()), max_size=12))
def test_any_names_become_safe_and_unique_paths(items: list[tuple[str, str, bool]]) -> None:
    lists = {f"{number:08x}-0000": name for number, (_, name, _) in enumerate(items)}
    stems = list_stems(lists)
    names, layout = FileNames(["a.yaml"]), Layout.parse("By-list/{parent_list}/{slug}")
    paths = [
        names.claim_path(layout.path(file_stem(name, list_id), stems[list_id] if parent else ""))
        for (name, _, parent), list_id in zip(items, lists, strict=True)
    ]
    assert len({unicodedata.normalize("NFC", path.casefold()) for path in paths}) == len(paths)
    for path, (_, _, parent) in zip(paths, items, strict=True):
        parts = path.split("/")
        assert len(parts) == 2 + parent
        for part in parts:
            assert re.fullmatch(r"[^\W_][^\\/:*?\"<>|.\s]*(\.yaml)?", part)
            assert part.isprintable()
            assert len(part.encode()) <= 255
            assert not part.lower().startswith(("con.", "aux.", "fields."))
