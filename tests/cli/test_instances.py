"""Files with instances at the command line: tests, lint and plan name file and instance."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.support.builders import ALL

if TYPE_CHECKING:
    from tests.support.project import Project

FILE = "segments/vip.yaml"
VIP = f"""\
name: VIP ${{plan}}
values: {{city: Brno}}
for_each:
  plan:
    pro: {{least: 500}}
    team: {{least: 900}}
query_dsl: {ALL} WHERE plan = @plan AND total_spend > @least AND city = @city
tests:
  - name: above the floor of ${{plan}}
    contact: {{plan: "${{plan}}", total_spend: 901, city: "${{city}}"}}
    expect: in
  - name: at the floor
    contact: {{plan: "${{plan}}", total_spend: "${{least}}", city: Brno}}
    expect: out
"""


def test_tests_run_for_each_instance_with_its_values(project: Project) -> None:
    project.write({FILE: VIP})

    shown = project.run("test")
    assert shown.code == 0, shown.out
    assert "VIP pro  segments/vip.yaml[pro]\n" in shown.out
    assert "above the floor of team" in shown.out
    assert "4 passed" in shown.out

    project.edit(FILE, "total_spend: 901", "total_spend: 600")
    failed = project.run("test", "--format", "junit")
    assert failed.code == 1
    assert failed.out.count("<failure") == 1
    assert 'classname="VIP team"' in failed.out.partition("<failure")[0].rpartition("<testcase")[2]


def test_a_misspelt_value_in_a_test_is_an_error_at_its_place(project: Project) -> None:
    project.write({FILE: VIP.replace('"${least}"', '"${lest}"')})

    result = project.run("validate")
    assert result.code == 1
    assert result.err.count("unknown value `${lest}`") == 1
    assert f"{FILE}:13:45: error[unknown-name]" in result.err


def test_a_finding_of_one_instance_names_it(project: Project) -> None:
    text = VIP.partition("tests:")[0].replace("city = @city", "created_at > @city")
    project.write({FILE: text.replace("{least: 900}", "{least: 900, city: yesterday}")})
    project.edit(FILE, "city: Brno", "city: '2026-01-31T00:00:00Z'")

    shown = project.run("lint").err
    assert "[team]: warning[unreadable-timestamp]: invalid time `'yesterday'`" in shown
    assert "; `@city` is set on line 6\n" in shown
    assert "[pro]" not in shown


def test_a_plan_names_file_and_instance_in_every_format(connected: Project) -> None:
    connected.write({FILE: VIP.partition("tests:")[0]})

    places = {
        name: connected.run("plan", "--format", name).out
        for name in ("text", "markdown", "html", "github")
    }
    assert [name for name, shown in places.items() if "[team]" not in shown] == []
    data = json.loads(connected.run("plan", "--format", "json").out)
    assert {change["source"]["instance"] for change in data["changes"]} == {"pro", "team"}
    assert connected.run("apply", "--auto-approve").code == 0
    assert connected.run("plan").out.startswith("No changes.")


def test_an_escaped_dollar_sign_is_no_forgotten_placeholder(project: Project) -> None:
    project.write({"segments/a.yaml": f"name: Worth $${{x}}\nquery_dsl: {ALL}\n"})
    assert project.run("lint").code == 0

    project.edit("segments/a.yaml", "$$", "$")
    assert "error[unknown-name]: unknown value `${x}`" in project.run("lint").err
