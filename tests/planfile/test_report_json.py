"""The JSON of a report is valid by its schema and complete."""

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
    original, plan = report(interrupted=interrupted), rich_plan()
    data = report_to_json(original, plan, "2026-07-15T16:04:33Z")
    jsonschema.validate(data, SCHEMA)
    assert data["plan_digest"] == digest(plan)
    assert data["interrupted"] is interrupted
    assert data["complete"] is False
    assert [entry["name"] for entry in data["outcomes"]] == [
        outcome.change.name for outcome in original.outcomes
    ]
    assert sum(data["summary"].values()) == len(original.outcomes)
    assert sum(data["refresh_summary"].values()) == len(original.refreshes)


def test_the_schema_describes_every_field() -> None:
    data = report_to_json(report(), rich_plan(), "2026-07-15T16:04:33Z")
    parts = SCHEMA["properties"]
    assert data.keys() == parts.keys() == set(SCHEMA["required"])
    for key in ("outcomes", "refreshes"):
        assert data[key][0].keys() == parts[key]["items"]["properties"].keys()
    for key in ("summary", "refresh_summary"):
        assert list(data[key]) == parts[key]["required"]
