"""`segctl render`: what is sent, and what a commit changes in it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.history.repository import Repository

if TYPE_CHECKING:
    from tests.support.project import Project

SETTINGS = """\
version: 1
targets:
  shop-eu: {values: {country: DE}}
  shop-us: {values: {country: US}}
default_target: shop-eu
"""
WINBACK = """\
name: Winback ${lang}
for_each: {lang: [en, de]}
query_dsl: |
  SELECT contact_id, updated_at
  FROM contact_data
  WHERE country = @country
    AND preferred_language = @lang
"""
OTHER = "name: Other\nquery_dsl: SELECT contact_id, updated_at FROM contact_data\n"
WHOLE = """\
Winback de  segments/winback.yaml:1:7 [de]
  SELECT contact_id, updated_at
  FROM contact_data
  WHERE country = 'DE'
    AND preferred_language = 'de'
"""
CHANGED = """\
Winback de  segments/winback.yaml:1:7 [de]
    SELECT contact_id, updated_at
    FROM contact_data
  - WHERE country = 'DE'
  + WHERE country = 'AT'
      AND preferred_language = 'de'

Winback en  segments/winback.yaml:1:7 [en]
  - SELECT contact_id, updated_at
  - FROM contact_data
  - WHERE country = 'DE'
  -   AND preferred_language = 'en'

Winback fr  segments/winback.yaml:1:7 [fr]
  + SELECT contact_id, updated_at
  + FROM contact_data
  + WHERE country = 'AT'
  +   AND preferred_language = 'fr'

3 segments changed since HEAD, 1 unchanged.
"""


@pytest.fixture
def shop(project: Project) -> Project:
    project.write(
        {
            "segctl.yaml": SETTINGS,
            "segments/winback.yaml": WINBACK,
            "segments/other.yaml": OTHER,
        }
    )
    return project


def commit_all(shop: Project) -> None:
    repository = Repository(shop.root, shop.root)
    repository.git("init", "--quiet")
    repository.commit("Declare", {})


def test_what_is_sent_has_every_value_in_place(shop: Project) -> None:
    assert shop.run("render", "Winback de").out == WHOLE
    assert shop.run("render", "segments/winback.yaml", "--target", "shop-us").out.count("'US'") == 2
    data = json.loads(shop.run("render", "--format", "json").out)
    assert [segment["name"] for segment in data["segments"]] == [
        "Other",
        "Winback de",
        "Winback en",
    ]
    assert data["segments"][1]["source"]["instance"] == "de"
    assert "country = 'DE'" in data["segments"][1]["definition"]["query_dsl"]
    assert "before" not in data["segments"][1]


def test_a_changed_value_is_shown_in_every_query_that_uses_it(shop: Project) -> None:
    commit_all(shop)
    shop.edit("segctl.yaml", "country: DE", "country: AT")
    shop.edit("segments/winback.yaml", "[en, de]", "[de, fr]")

    assert shop.run("render", "--since", "HEAD").out == CHANGED
    data = json.loads(shop.run("render", "Winback en", "--since", "HEAD", "--format", "json").out)
    (removed,) = data["segments"]
    assert removed["definition"] is None
    assert "country = 'DE'" in removed["before"]["query_dsl"]


def test_a_new_name_in_a_file_is_a_change_and_not_another_segment(shop: Project) -> None:
    commit_all(shop)
    shop.edit("segments/other.yaml", "name: Other", "name: Another")

    shown = shop.run("render", "--since", "HEAD").out
    assert "  - name: Other\n  + name: Another\n" in shown
    assert shown.endswith("1 segment changed since HEAD, 2 unchanged.\n")


def test_another_folder_and_settings_of_the_commit_count(shop: Project) -> None:
    commit_all(shop)
    (shop.root / "segments").rename(shop.root / "audiences")
    shop.edit("segctl.yaml", "version: 1", "version: 1\nsegments: audiences")

    assert shop.run("render", "--since", "HEAD").out == (
        "0 segments changed since HEAD, 3 unchanged.\n"
    )


@pytest.mark.parametrize("commit", ["nope", "HEAD~9", "--output=x", "", "@{u}", "HEAD^{tree}"])
def test_a_commit_that_does_not_exist_is_an_error(shop: Project, commit: str) -> None:
    commit_all(shop)
    result = shop.run("render", f"--since={commit}")

    assert (result.code, result.out) == (1, "")
    assert f"commit `{commit}` not found" in result.err


def test_without_a_repository_only_since_fails(shop: Project) -> None:
    assert shop.run("render").code == 0
    result = shop.run("render", "--since", "HEAD")
    assert result.code == 1
    assert "not in a git repository" in result.err


def test_errors_in_the_commit_are_not_taken_for_no_segments(shop: Project) -> None:
    shop.edit("segments/other.yaml", "query_dsl", "query")
    commit_all(shop)
    shop.edit("segments/other.yaml", "query:", "query_dsl:")

    result = shop.run("render", "--since", "HEAD")
    assert result.code == 1
    assert "have errors: segments/other.yaml:2:1: unknown key `query`" in result.err


def test_a_misspelt_name_is_an_error_and_a_target_without_segments_says_so(shop: Project) -> None:
    assert "did you mean `Winback de`?" in shop.run("render", "Winbak de").err
    for name in ("winback", "other"):
        path = f"segments/{name}.yaml"
        text = (shop.root / path).read_text("utf-8")
        shop.write({path: f"targets: [shop-us]\n{text}"})
    assert shop.run("render").err == "No file declares a segment for shop-eu.\n"


@pytest.mark.parametrize("path", ["segctl.yaml", "segments"])
def test_a_link_in_the_commit_does_not_look_like_nothing(shop: Project, path: str) -> None:
    (shop.root / path).rename(shop.root / "moved")
    (shop.root / path).symlink_to("moved")
    commit_all(shop)
    (shop.root / path).unlink()
    (shop.root / "moved").rename(shop.root / path)

    result = shop.run("render", "--since", "HEAD")
    assert (result.code, result.out) == (1, "")
    assert f"error: {path} is a link in commit" in result.err
