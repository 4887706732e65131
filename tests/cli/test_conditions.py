"""Conditions of conditions.yaml where they stand: linted, and explained by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.builders import ALL

if TYPE_CHECKING:
    from tests.support.project import Project

FILE = "segments/conditions.yaml"
CONDITIONS = """\
conditions:
  german: country = 'DE' AND city = 'Berlin'
  clicked(since): last_clicked > @since
  speaks: first_name = @language
  rich: "last_name = @family"
"""
SEGMENT = f"""\
name: a ${{language}}
for_each: {{language: [de]}}
query_dsl: {ALL} WHERE @german AND @clicked('2026-01-31T00:00:00Z') AND @speaks AND @rich
"""


@pytest.fixture
def shop(project: Project) -> Project:
    project.write(
        {
            "segctl.yaml": "version: 1\nvalues: {family: Smith}\n",
            FILE: CONDITIONS,
            "segments/a.yaml": SEGMENT,
        }
    )
    return project


def test_a_condition_is_explained_by_its_name(shop: Project) -> None:
    assert shop.run("explain", "@german", "@clicked", "@speaks", "@rich").out == (
        "@german  segments/conditions.yaml:2:3\n"
        "  Contacts whose country is DE and whose city is Berlin.\n"
        "\n"
        "@clicked  segments/conditions.yaml:3:3\n"
        "  Contacts whose last clicked is more than @since.\n"
        "\n"
        "@speaks  segments/conditions.yaml:4:3\n"
        "  Contacts whose first name is @language.\n"
        "\n"
        "@rich  segments/conditions.yaml:5:3\n"
        "  Contacts whose last name is Smith.\n"
    )
    missed = shop.run("explain", "@germna")
    assert (missed.code, "did you mean `german`?" in missed.err) == (1, True)


def test_a_finding_is_at_the_condition_and_where_it_is_used(shop: Project) -> None:
    shop.edit(FILE, "country = 'DE'", "country = NULL")

    shown = shop.run("lint").err
    assert f"{FILE}:2:11: warning[null-comparison]: the condition `german`: " in shown
    assert "segments/a.yaml:3:" in shown


def test_a_comment_suppresses_a_finding_of_a_condition(shop: Project) -> None:
    shop.edit(
        FILE,
        "german: country = 'DE' AND city = 'Berlin'",
        '"german": |\n    country = NULL -- segctl: ignore[null-comparison]\n    AND city = 1',
    )

    assert f"{FILE}:3" not in shop.run("lint").err


def test_personal_data_in_a_condition_is_not_shown(shop: Project) -> None:
    shop.edit(FILE, "city = 'Berlin'", "email = 'ada.lovelace@example.com'")

    result = shop.run("lint")
    assert f"{FILE}:2:" in result.err
    assert "lovelace" not in result.out + result.err


def test_what_has_no_value_yet_is_no_finding(shop: Project) -> None:
    shown = shop.run("lint")

    assert (shown.code, FILE in shown.err) == (0, False), shown.err
