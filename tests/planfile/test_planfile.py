"""A plan as JSON and back: nothing is lost, and every problem of a file is reported."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segctl import __version__
from segctl.common.json_text import json_text
from segctl.errors import Diagnostic, InvalidInput, Severity, Span
from segctl.model import Create, Delete, Impact, Plan, Precondition, Reason, Segment, TargetRef
from segctl.model.clauses import ChangeKind, ClauseKind
from segctl.model.fleet import Failure, FleetPlan, TargetPlan
from segctl.model.plan_options import PlanOptions
from segctl.planfile import loading
from segctl.planfile.fleet_json import fleet_digest, fleet_to_json
from segctl.planfile.loading import SavedFleet, load_plan, load_saved
from segctl.planfile.staleness import plan_differences
from segctl.planfile.to_json import checksum, digest, plan_to_json
from tests.planfile.plans import DIAGNOSTICS, PLANS, TEXTS
from tests.support.process import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = "2026-07-15T16:04:33Z"
SCHEMA = json.loads((REPOSITORY / "schemas/plan.schema.json").read_text("utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

PLAN = Plan(
    TargetRef("production", "api.sendgrid.com"),
    (
        Create(Segment("VIP", "SELECT 1"), Span("segments/vip.yaml", 1, 7)),
        Delete(Segment("Old", "SELECT 2"), Precondition("id-1", None, "0" * 64)),
    ),
)


IMPACT: dict[str, Any] = {
    "before": 0, "after": 3, "gained": 3, "lost": 0, "base": 8, "as_of": "2026-07-14T02:00:00Z",
}  # fmt: skip


def document_of(plan: Plan = PLAN) -> Any:
    """Return the JSON data of a plan as a reader gets it."""
    return json.loads(json_text(plan_to_json(plan, NOW)))


def to_bytes(document: Any) -> bytes:
    return json_text(document).encode("utf-8")


def problem(content: bytes) -> Diagnostic:
    with pytest.raises(InvalidInput) as caught:
        load_plan(content, "plan.json")
    [diagnostic] = caught.value.diagnostics
    assert diagnostic.span is not None
    assert diagnostic.hint
    return diagnostic


# Properties


FLEETS = st.lists(
    st.tuples(PLANS | st.builds(Failure, st.tuples(DIAGNOSTICS), st.sampled_from((1, 3)))),
    min_size=1,
    max_size=3,
).map(
    lambda results: FleetPlan(
        "shops",
        tuple(
            TargetPlan(result.target.name if isinstance(result, Plan) else f"shop-{number}", result)
            for number, (result,) in enumerate(results)
        ),
    )
)


@given(FLEETS)
@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=50)
def test_the_plans_of_several_targets_that_are_read_back_are_unchanged(fleet: FleetPlan) -> None:
    document = fleet_to_json(fleet, NOW)
    names = {part.target for part in fleet.parts}
    if not all(names):
        return
    saved = load_saved(to_bytes(document), "plan.json")
    assert isinstance(saved, SavedFleet)
    assert saved.fleet.plans == fleet.plans
    assert fleet_to_json(saved.fleet, NOW) == document
    assert fleet_digest(saved.fleet) == fleet_digest(fleet)
    without_one = FleetPlan(fleet.name, fleet.parts[1:])
    assert fleet_digest(without_one) != fleet_digest(fleet)


@given(PLANS)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_a_plan_that_is_read_back_is_unchanged(plan: Plan) -> None:
    saved = load_plan(to_bytes(plan_to_json(plan, NOW)), "plan.json")
    assert saved.plan == plan
    assert saved.plan.lists == plan.lists
    assert (saved.version, saved.generated_at) == (__version__, NOW)
    assert plan_to_json(saved.plan, NOW) == plan_to_json(plan, NOW)


@given(PLANS)
@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=50)
def test_every_plan_fits_the_schema(plan: Plan) -> None:
    assert [*VALIDATOR.iter_errors(document_of(plan))] == []


@given(PLANS, st.data())
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_every_edit_is_detected(plan: Plan, choices: st.DataObject) -> None:
    document = document_of(plan)
    entries = [
        (container, key)
        for container in containers_in(document)
        for key in (container if isinstance(container, dict) else range(len(container)))
    ]
    container, key = choices.draw(st.sampled_from(entries))
    change = choices.draw(st.sampled_from(["remove", "null", "text", "number", "add"]))
    before = json_text(document)
    match change:
        case "remove":
            del container[key]
        case "null":
            container[key] = None
        case "text":
            container[key] = choices.draw(TEXTS)
        case "number":
            container[key] = 7
        case _ if isinstance(container, dict):
            container["more"] = 1
        case _:
            container.append(container[key])
    if json_text(document) != before:
        problem(to_bytes(document))


def containers_in(value: Any) -> list[Any]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    own = [value] if isinstance(value, dict | list) and value else []
    return own + [container for item in inner for container in containers_in(item)]


@given(st.integers(0, 10_000), PLANS)
@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
def test_a_truncated_plan_is_an_error(length: int, plan: Plan) -> None:
    content = to_bytes(document_of(plan))
    # The last two bytes are the closing brace and the line break.
    content = content[: length % (len(content) - 2)]
    assert problem(content).code in ("not-utf8", "not-a-plan")


@given(st.binary(max_size=40) | st.text().map(lambda text: json.dumps(text).encode()))
def test_arbitrary_content_is_an_error_and_never_a_traceback(content: bytes) -> None:
    problem(content)


# Other files


@pytest.mark.parametrize(
    ("content", "code", "place", "words"),
    [
        (b"", "not-a-plan", "1:1", "or a truncated one"),
        (b'{"a": 1,\n "b', "not-a-plan", "2:2", "or a truncated one"),
        (b'{"a": 1\n "b": 2}', "not-a-plan", "2:2", "invalid JSON"),
        (b"name: VIP\n", "not-a-plan", "1:1", "invalid JSON"),
        (b'{"a": NaN}', "not-a-plan", "1:1", "invalid JSON"),
        (b'{"a": ' + b"1" * 5000 + b"}", "not-a-plan", "1:1", "invalid JSON"),
        (b"\xff\xfe{\x00}\x00", "not-utf8", "1:1", "UTF-16"),
        (b'{"a":\n "\xff"}', "not-utf8", "2:3", "byte 0xff"),
        (b"[" * 100_000, "not-a-plan", "1:1", "not a segctl plan file"),
        (b"[" * 500 + b"]" * 500, "not-a-plan", "1:1", "not a segctl plan file"),
        (b"[]", "not-a-plan", "1:1", "not a segctl plan file"),
        (b'{"format_version": "1.2", "planned_values": {}}', "not-a-plan", "1:1", "not a segctl"),
        (b'{"tool": {"name": "segctl"}, "drift": []}', "not-a-plan", "1:1", "not a segctl plan"),
    ],
)
def test_a_file_that_is_not_a_plan(content: bytes, code: str, place: str, words: str) -> None:
    diagnostic = problem(content)
    assert (diagnostic.code, str(diagnostic.span)) == (code, f"plan.json:{place}")
    assert words in diagnostic.summary


def test_a_file_that_is_too_large_is_rejected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "MAX_BYTES", 100)
    diagnostic = problem(to_bytes(document_of()))
    assert (diagnostic.code, diagnostic.summary) == (
        "file-too-large",
        "the file is larger than the limit of 100 bytes",
    )


def test_a_byte_order_mark_is_skipped() -> None:
    assert load_plan(b"\xef\xbb\xbf" + to_bytes(document_of()), "plan.json").plan == PLAN


def test_a_duplicate_key_is_an_edit() -> None:
    text = json_text(document_of()).replace('"name": "VIP"', '"name": "Others", "name": "VIP"')
    assert json.loads(text) == document_of()
    assert problem(text.encode()).code == "tampered"


@pytest.mark.parametrize("version", [None, 1, "", "one", "1", "1.x", "¹.²", "1." + "9" * 5000])
def test_a_plan_without_a_format_version_is_rejected(version: Any) -> None:
    assert problem(to_bytes({**document_of(), "format_version": version})).code == "unknown-format"


def test_a_plan_of_another_format_is_rejected() -> None:
    assert problem(to_bytes({**document_of(), "format_version": "2.0"})).summary == (
        "the plan file was made by another version of segctl: "
        "it has format `2.0`, and this version reads 1.1 and later 1.x"
    )
    assert (
        "it has format `1.0`"
        in problem(to_bytes({**document_of(), "format_version": "1.0"})).summary
    )
    assert "no format version" in problem(to_bytes({**document_of(), "format_version": 1})).summary


def test_additions_of_a_later_version_are_skipped() -> None:
    document = {**document_of(), "format_version": "1.99", "mood": "good"}
    document["changes"][0]["mood"] = {"a": []}
    document["changes"][0]["after"]["mood"] = "good"
    document["checksum"] = checksum(document)
    assert load_plan(to_bytes(document), "plan.json").plan == PLAN
    document["changes"][0]["after"]["name"] = None
    document["checksum"] = checksum(document)
    assert problem(to_bytes(document)).summary.startswith("`.changes[0].after.name` violates")
    document["mood"] = "bad"
    assert problem(to_bytes(document)).code == "tampered"


def test_a_plan_of_an_earlier_format_is_read() -> None:
    document = {**document_of(), "format_version": "1.1"}
    for change in document["changes"]:
        for key in ("impact", "attention", "description", "owner", "tags", "contacts_counted_at"):
            del change[key]
    del document["lists"], document["attention"]
    document["checksum"] = checksum(document)
    assert load_plan(to_bytes(document), "plan.json").plan == PLAN


# Edits with a corrected checksum


def edited(edit: Callable[[Any], object]) -> str:
    document = document_of()
    edit(document)
    document["checksum"] = checksum(document)
    diagnostic = problem(to_bytes(document))
    return f"{diagnostic.code}: {diagnostic.summary}"


@pytest.mark.parametrize(
    ("edit", "path", "rule"),
    [
        (lambda d: d["changes"][1].update(before=None), ".changes[1].before", "type"),
        (lambda d: d["changes"][0].update(before=7), ".changes[0].before", "type"),
        (lambda d: d["changes"][0]["after"].pop("name"), ".changes[0].after", "required"),
        (lambda d: d["changes"][0].update(action="destroy"), ".changes[0].action", "enum"),
        (lambda d: d["options"].update(force=True), ".options", "additionalProperties"),
        (lambda d: d["changes"][0]["source"].update(line=0), ".changes[0].source.line", "minimum"),
        (lambda d: d["lists"].update(a=7), ".lists.a", "type"),
        (lambda d: d.update(mood=1), ".", "additionalProperties"),
    ],
)
def test_a_violation_of_the_schema_is_named_by_its_path(
    edit: Callable[[Any], object], path: str, rule: str
) -> None:
    assert edited(edit) == f"bad-plan: `{path}` violates the schema of a plan: rule `{rule}`"


@pytest.mark.parametrize(
    "edit",
    [
        lambda d: d["changes"].pop(),
        lambda d: d["changes"][0]["after"].update(name="Other"),
        lambda d: d["changes"][1].update(id="id-2"),
    ],
)
def test_content_that_the_digest_covers_cannot_be_edited(edit: Callable[[Any], object]) -> None:
    assert edited(edit) == (
        "tampered: the plan file was edited or truncated after segctl wrote it: "
        "its checksum or digest does not match"
    )


def test_a_whole_number_may_have_a_decimal_point() -> None:
    document = document_of()
    document["changes"][0]["source"]["line"] = 1.0
    document["checksum"] = checksum(document)
    [change, _] = load_plan(to_bytes(document), "plan.json").plan.changes
    assert str(change.span) == "segments/vip.yaml:1:7"


# The digest, the checksum, the schema


def test_the_digest_does_not_cover_the_impact() -> None:
    create, delete = PLAN.changes
    assert isinstance(create, Create)
    create = dataclasses.replace(create, impact=Impact(**IMPACT))
    counted = dataclasses.replace(PLAN, changes=(create, delete))
    assert digest(counted) == digest(PLAN)
    assert plan_differences(counted, PLAN) == plan_differences(PLAN, counted) == ()
    document = document_of(counted)
    assert document["checksum"] != document_of()["checksum"]
    assert load_plan(to_bytes(document), "plan.json").plan == counted


def test_the_digest_does_not_cover_the_names_of_lists() -> None:
    named = dataclasses.replace(PLAN, lists={"a": "Newsletter", "b": None})
    assert (digest(named), named) == (digest(PLAN), PLAN)
    assert plan_differences(named, PLAN) == plan_differences(PLAN, named) == ()
    document = document_of(named)
    assert load_plan(to_bytes(document), "plan.json").plan.lists == named.lists
    document["lists"]["a"] = "Customers"
    assert problem(to_bytes(document)).code == "tampered"


def test_the_digest_covers_the_ignored_references() -> None:
    ignoring = dataclasses.replace(PLAN, options=PlanOptions(ignore_references=("Old",)))
    idle = dataclasses.replace(PLAN, options=PlanOptions(ignore_references=("VIP", "Others")))
    assert digest(ignoring) != digest(PLAN)
    assert digest(idle) == digest(PLAN)


def test_the_checksum_covers_what_the_digest_does_not() -> None:
    refused = Diagnostic("in-use", Severity.ERROR, "a Single Send targets it")
    document = document_of(dataclasses.replace(PLAN, refusals=(refused,)))
    assert document["digest"] == digest(PLAN)
    document["refusals"] = []
    assert problem(to_bytes(document)).code == "tampered"


def test_the_schema_has_the_values_of_the_model() -> None:
    parts = SCHEMA["$defs"]
    fields = parts["change"]["properties"]
    assert fields["reason"]["enum"] == [*Reason]
    assert parts["clause"]["properties"]["kind"]["enum"] == [*ChangeKind]
    assert parts["clause"]["properties"]["clause"]["enum"] == [*ClauseKind]
    assert parts["diagnostic"]["properties"]["severity"]["enum"] == [*Severity]
    assert fields["action"]["enum"] == ["create", "patch", "replace", "upgrade", "delete"]
