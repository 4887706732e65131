"""What a probe observed decides severities and waits, and nothing that is dangerous."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from segctl.errors import UsageError
from segctl.model.observed import Observed
from segctl.project.config import load_config
from segctl.project.observations import with_observed
from tests.faults.harness import write
from tests.support.builders import ALL, query, segment_yaml

from .world import probe_world

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.project import Project

LOWER = query("lower(city) = 'x'")
WITH_WORD = query("updated_at > now() - interval '9 days'")
FUNCTION = "undocumented-function"
JOIN = (
    f"{ALL} JOIN event_data ON contact_id WHERE event_type = 'open' AND timestamp > now() - 9 days"
)


def severities(project: Project, text: str, observed: str = "") -> dict[str, str]:
    """Return the severity of each finding in a query, by its code."""
    block = f"observed: {observed}\n" if observed else ""
    project.write({"segctl.yaml": f"version: 1\n{block}"})
    project.declare("A", text)
    findings = json.loads(project.run("lint", "--format", "json").out)["diagnostics"]
    return {item["code"]: item["severity"] for item in findings}


@pytest.mark.parametrize(
    ("text", "observed", "code", "severity"),
    [
        (f"{query('1 = 1')} GROUP BY contact_id", "", "unsupported-clause", "error"),
        (f"{ALL} GROUP BY contact_id", "{group_by: accepted}", "unsupported-clause", "info"),
        (f"{ALL} GROUP BY contact_id", "{group_by: refused}", "unsupported-clause", "error"),
        (f"{ALL} LIMIT 5", "{group_by: accepted}", "unsupported-clause", "error"),
        (LOWER, "", FUNCTION, "info"),
        (LOWER, "{functions: {LOWER: accepted}}", FUNCTION, None),
        (LOWER, "{functions: {LOWER: refused}}", FUNCTION, "error"),
        (query("trim(city) = 'x'"), "{functions: {LOWER: refused}}", FUNCTION, "info"),
        (JOIN, "", "join-condition", None),
        (JOIN, "{bare_join: refused}", "join-condition", "error"),
        (JOIN, "{bare_join: accepted}", "join-condition", None),
        (JOIN, "{interval: refused}", "undocumented-syntax", "error"),
        (JOIN, "{interval: accepted}", "undocumented-syntax", None),
        (WITH_WORD, "{interval: refused}", "undocumented-syntax", None),
        (query('first_name = "John"'), "", "quoted-value", "warning"),
        (query('first_name = "John"'), "{double_quoted_text: refused}", "quoted-value", "error"),
        (query('first_name = "John"'), "{double_quoted_text: accepted}", "quoted-value", "info"),
    ],
)  # fmt: skip
def test_an_observation_decides_a_severity(
    project: Project, text: str, observed: str, code: str, severity: str | None
) -> None:
    assert severities(project, text, observed).get(code) == severity


def test_the_settings_of_rules_override_an_observation(project: Project) -> None:
    project.write({
        "segctl.yaml": "version: 1\nobserved: {group_by: accepted}\n"
        "lint: {rules: {unsupported-clause: error}}\n"
    })  # fmt: skip
    project.declare("A", f"{ALL} GROUP BY contact_id")
    assert project.run("lint").code == 1


@pytest.mark.parametrize(("case", "code"), [("", 0), ("significant", 0), ("ignored", 1)])
def test_a_name_that_differs_by_case_is_an_error_if_sendgrid_ignores_case(
    connected: Project, case: str, code: int
) -> None:
    connected.declare("VIP", query("city = 'x'"))
    assert connected.run("apply", "--auto-approve").code == 0
    for file in (connected.root / "segments").iterdir():
        file.unlink()
    connected.declare("Vip", query("city = 'x'"))
    observed = f"observed: {{name_case: {case}}}\n" if case else ""
    connected.write({"segctl.yaml": f"version: 1\n{observed}"})
    result = connected.run("plan")
    assert result.code == code
    assert "name-differs-by-case" in result.err + result.out


@pytest.mark.parametrize(
    "observed",
    [
        "{group_by: true}",
        "{update_lock: 0}",
        "{update_lock: 999999}",
        "{date: yesterday}",
        "{functions: {lower: accepted}}",
        "{functions: {LOWER: perhaps}}",
        "{max_destroy: 100}",
    ],
)
def test_an_invalid_observation_is_an_error(project: Project, observed: str) -> None:
    project.write({"segctl.yaml": f"version: 1\nobserved: {observed}\n"})
    project.declare("A", query("city = 'x'"))
    assert project.run("validate").code == 1


def test_no_observation_allows_a_delete(connected: Project) -> None:
    for name in ("A", "B", "C", "D", "E", "F"):
        connected.declare(name, query(f"city = '{name}'"))
    assert connected.run("apply", "--auto-approve").code == 0
    for name in "abcde":
        connected.write({f"segments/{name}.yaml": f"name: {name.upper()}\nremoved: true\n"})
    everything = (
        "version: 1\nobserved:\n  group_by: accepted\n  bare_join: accepted\n"
        "  interval: accepted\n  double_quoted_text: accepted\n  name_case: significant\n"
        "  update_lock: 1\n  functions: {LOWER: accepted}\n"
    )
    plans = []
    for settings in ("version: 1\n", everything):
        connected.write({"segctl.yaml": settings})
        result = connected.run("plan", "--format", "json")
        plan = json.loads(result.out)
        plans.append((result.code, plan["changes"], plan["refusals"]))
    assert plans[0] == plans[1]
    assert plans[0][0] == 3


@pytest.mark.parametrize(
    ("observed", "seconds"), [("", 302), ("observed: {update_lock: 90}\n", 92)]
)
def test_the_observed_lock_is_how_long_an_apply_waits(
    tmp_path: Path, observed: str, seconds: int
) -> None:
    with probe_world(tmp_path, update_lock=90.0) as world:
        write(tmp_path, {"segctl.yaml": f"version: 1\n{observed}"})
        for city in ("x", "y"):
            write(tmp_path, {"segments/a.yaml": segment_yaml("A", query(f"city = '{city}'"))})
            began = world.clock.moment
            run = world.run(tmp_path, "apply", "--auto-approve")
            assert run.code == 0, run.err
        assert abs(world.clock.moment - began - seconds) < 5


def test_a_missing_file_is_created() -> None:
    assert with_observed(None, {"date": "2026-07-15", "group_by": "refused"}) == (
        'version: 1\nobserved:\n  date: "2026-07-15"\n  group_by: refused\n'
    )


def test_what_was_observed_before_stays_unless_it_was_observed_again() -> None:
    text = (
        "version: 1\n\n# ours\nobserved: # by hand\n  group_by: accepted # really\n"
        "  interval: accepted\n  functions: {LOWER: accepted}\n# last\ntime_zone: UTC\n"
    )
    new = {"date": "2026-07-15", "group_by": "refused", "functions": {"TRIM": "refused"}}
    updated = with_observed(text, new)
    assert updated == (
        "version: 1\n\n# ours\n# really\n# by hand\nobserved:\n"
        '  date: "2026-07-15"\n  group_by: refused\n  interval: accepted\n  functions:\n'
        "    LOWER: accepted\n    TRIM: refused\n# last\ntime_zone: UTC\n"
    )


def test_line_ends_stay() -> None:
    updated = with_observed("version: 1\r\n# end\r\n", {"date": "2026-07-15"})
    assert updated == 'version: 1\r\nobserved:\r\n  date: "2026-07-15"\r\n# end\r\n'


def test_a_file_that_cannot_be_updated_for_certain_is_left_alone() -> None:
    with pytest.raises(UsageError, match="left as it is"):
        with_observed("{version: 1}\n", {"group_by": "refused"})


def test_the_defaults_observe_nothing(tmp_path: Path) -> None:
    assert load_config(tmp_path).observed == Observed()
