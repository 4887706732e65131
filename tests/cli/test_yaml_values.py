"""A value in a test is what its author wrote, or an error that says how YAML reads it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.support.builders import FIELDS, query, segment_yaml

if TYPE_CHECKING:
    from tests.support.project import Project

pytest.importorskip("duckdb")

READ_AS = {
    "012": "as the number 10",
    "-017": "as the number -15",
    "1:30": "as the number 90",
    "1:30.5": "as the number 90.5",
    "0x10": "as the number 16",
    "0b11": "as the number 3",
    "1_000": "as the number 1000",
    "1_0.5": "as the number 10.5",
    "1234567890123456789.5": "as the number 1.2345678901234568e+18",
    "1.0e+999": "as the number inf",
    "NO": "as false",
    "yes": "as true",
    "Off": "as false",
    "&a NO": "as false",
    "2026-01-02": "as a date",
    "2026-01-02T00:00:00Z": "as a date",
    "~": "as null",
    "Null": "as null",
}
"""What YAML reads as something else."""

MISSING = ("", "#1")
"""What YAML reads as null, and where it stands."""

TEXTS = ("1e3", "0o17", "08", "01:30", "12-31", "n", "y", "1.2.3", "1,5", "=", "nulls", ".a")
"""What YAML reads as the text that it is."""

NUMBERS = {"5": "5", "+5": "5", "-5": "-5", "0": "0", ".5": "0.5", "5.": "5", "1.50": "1.5"}
NUMBERS |= {"012.5": "12.5", "1.0e+3": "1000", "123456789012345678": "123456789012345678"}
"""What YAML reads as a number, and the same in SQL."""


def write(project: Project, column: str, written: str, condition: str) -> None:
    tests = f"tests:\n- name: a\n  contact:\n    {column}: {written}\n  expect: in\n"
    project.write(
        {
            "segments/a.yaml": segment_yaml("A", query(condition), extra=tests),
            "segments/fields.yaml": FIELDS,
        }
    )


def assert_explained(errors: str, written: str) -> None:
    """Check that there is one error, which says how YAML reads what is written."""
    word = re.escape(written.removeprefix("&a "))
    reading = re.escape(READ_AS[written])
    pattern = f"YAML reads `{word}` {reading}|got `{word}`, which YAML reads {reading}"
    assert re.search(pattern, errors)
    assert "\n1 error." in errors


@pytest.mark.parametrize("column", ["plan", "total_spend", "city", "renewal_date"])
@pytest.mark.parametrize("written", READ_AS)
def test_what_yaml_reads_as_something_else_is_an_error(
    project: Project, written: str, column: str
) -> None:
    write(project, column, written, f"{column} IS NOT NULL")
    assert project.run("test").code == 1
    result = project.run("validate")
    assert_explained(result.err, written)
    assert f"segments/a.yaml:6:{len(column) + 7}: error" in result.err


@pytest.mark.parametrize("written", MISSING)
def test_a_missing_value_is_an_error(project: Project, written: str) -> None:
    write(project, "plan", written, "plan IS NULL")
    result = project.run("test")
    assert result.code == 1
    assert "error[empty-value]: YAML reads a missing value as null" in result.err
    assert re.search(r"segments/a\.yaml:6:(9|10|11):", result.err)


@pytest.mark.parametrize("written", TEXTS)
def test_text_is_the_text_that_is_written(project: Project, written: str) -> None:
    write(project, "plan", written, f"plan = '{written}'")
    assert project.run("test").code == 0
    write(project, "total_spend", written, "total_spend > 0")
    result = project.run("test")
    assert result.code == 1
    assert "segments/a.yaml:6:18: error[bad-value]: `total_spend` must be a number" in result.err


@pytest.mark.parametrize("written", NUMBERS)
def test_a_number_is_the_number_that_is_written(project: Project, written: str) -> None:
    write(project, "total_spend", written, f"total_spend = {NUMBERS[written]}")
    assert project.run("test").code == 0
    write(project, "plan", written, "plan IS NOT NULL")
    result = project.run("test")
    assert result.code == 1
    assert "segments/a.yaml:6:11: error[bad-value]: `plan` must be a string" in result.err


@pytest.mark.parametrize("written", ["null", "NULL"])
def test_null_is_null(project: Project, written: str) -> None:
    write(project, "plan", written, "plan IS NULL")
    assert project.run("test").code == 0


@pytest.mark.parametrize("written", READ_AS)
def test_a_value_in_the_data_of_an_event_is_no_other(project: Project, written: str) -> None:
    extra = (
        "tests:\n- name: a\n  expect: in\n  contact: {}\n  events:\n"
        f"  - data:\n      a:\n      - b: {written}\n"
    )
    project.write({"segments/a.yaml": segment_yaml("A", query("city = 'x'"), extra=extra)})
    result = project.run("validate")
    assert result.code == 1
    assert_explained(result.err, written)
    assert "segments/a.yaml:10:12: error" in result.err


def test_fixtures_are_read_in_the_same_way(project: Project) -> None:
    write(project, "plan", "pro", "plan = 'pro'")
    fixtures = "fixtures:\n  a:\n    contact:\n      plan: 012\n  b:\n    contact: {city: ~}\n"
    project.write({"segments/fixtures.yaml": fixtures})
    assert "segments/fixtures.yaml:4:13: error[yaml-number]" in project.run("validate").err
    project.write({"segments/fixtures.yaml": fixtures.replace("012", "'012'")})
    assert "segments/fixtures.yaml:6:21: error[yaml-word]" in project.run("validate").err
    project.write({"segments/fixtures.yaml": fixtures.replace("012", "x").replace("~", "null")})
    assert project.run("test").code == 0


SETTINGS = {
    "limits: {max_destroy: 010}": "1:23: error[yaml-number]: YAML reads `010` as the number 8",
    "limits: {max_audience_change: 0x14}": "YAML reads `0x14` as the number 20",
    "default_target: NO": "got `NO`, which YAML reads as false",
    "targets: {eu: {subuser: 012}}": "YAML reads `012` as the number 10",
    "time_zone: 1:30": "YAML reads `1:30` as the number 90",
}
KEYS = {
    "name: NO": "`name` must be a string, got `NO`, which YAML reads as false",
    "name: 012": "YAML reads `012` as the number 10",
    "owner: off": "`owner` must be a string, got `off`, which YAML reads as false",
    "tags: [1_0]": "YAML reads `1_0` as the number 10",
    "tags: [2026-01-01]": "got `2026-01-01`, which YAML reads as a date",
    "refresh_priority: 010": "YAML reads `010` as the number 8",
    "parent_list_ids: [12345678]": "item 1, must be a string, got a number",
    "parent_list_ids: [0x0b1f4a10]": "YAML reads `0x0b1f4a10` as the number",
}


@pytest.mark.parametrize(("line", "words"), SETTINGS.items(), ids=SETTINGS)
def test_settings_are_what_is_written(project: Project, line: str, words: str) -> None:
    project.write({"segctl.yaml": f"{line}\nversion: 1\n"})
    result = project.run("validate")
    assert result.code == 1
    assert words in result.err
    assert "1 error." in result.err


@pytest.mark.parametrize(("line", "words"), KEYS.items(), ids=KEYS)
def test_keys_of_a_segment_are_what_is_written(project: Project, line: str, words: str) -> None:
    name = "" if line.startswith("name") else "name: A\n"
    project.write({"segments/a.yaml": f"{name}{line}\nquery_dsl: {query('city = 1')}\n"})
    result = project.run("validate")
    assert result.code == 1
    assert words in result.err
    assert "1 error." in result.err


def test_a_removed_segment_with_such_a_name_is_not_read(project: Project) -> None:
    project.write({"segments/a.yaml": "name: 012\nremoved: true\n"})
    assert "error[yaml-number]" in project.run("validate").err


def test_a_boolean_setting_may_be_yes(project: Project) -> None:
    project.write({"segments/a.yaml": f"name: A\nprotected: yes\nquery_dsl: {query('city = 1')}\n"})
    assert project.run("validate").code == 0
