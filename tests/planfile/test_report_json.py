"""The report's JSON fits its schema, and says what the text says."""

from __future__ import annotations

import json

import jsonschema
import pytest

from segctl.planfile.report_json import report_to_json
from segctl.planfile.to_json import digest
from tests.render.test_golden import report, rich_plan
from tests.support.process import REPOSITORY

SCHEMA = json.loads((REPOSITORY / "schemas/report.schema.json").read_text("utf-8"))


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_report_fits_its_schema(*, interrupted: bool) -> None:
    given, plan = report(interrupted=interrupted), rich_plan()
    data = report_to_json(given, plan, "2026-07-15T16:04:33Z")
    jsonschema.validate(data, SCHEMA)
    assert data["plan_digest"] == digest(plan)
    assert data["interrupted"] is interrupted
    assert data["complete"] is False
    assert [one["name"] for one in data["outcomes"]] == [o.change.name for o in given.outcomes]
    assert sum(data["summary"].values()) == len(given.outcomes)
    assert sum(data["refresh_summary"].values()) == len(given.refreshes)


def test_nothing_that_it_says_is_missing_from_the_schema() -> None:
    data = report_to_json(report(), rich_plan(), "2026-07-15T16:04:33Z")
    parts = SCHEMA["properties"]
    assert data.keys() == parts.keys() == set(SCHEMA["required"])
    for key in ("outcomes", "refreshes"):
        assert data[key][0].keys() == parts[key]["items"]["properties"].keys()
    for key in ("summary", "refresh_summary"):
        assert list(data[key]) == parts[key]["required"]
