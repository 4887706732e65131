"""A plan as JSON and back: nothing is lost, and whatever is wrong with a file is said."""

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
from segctl.model.plan_options import PlanOptions
from segctl.planfile import loading
from segctl.planfile.loading import load_plan
from segctl.planfile.staleness import plan_differences
from segctl.planfile.to_json import checksum, digest, plan_to_json
from tests.planfile.plans import PLANS, TEXTS
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


def data(plan: Plan = PLAN) -> Any:
    """Give a plan's JSON as somebody reads it."""
    return json.loads(json_text(plan_to_json(plan, NOW)))


def written(document: Any) -> bytes:
    return json_text(document).encode("utf-8")


def problem(content: bytes) -> Diagnostic:
    with pytest.raises(InvalidInput) as caught:
        load_plan(content, "plan.json")
    [found] = caught.value.diagnostics
    assert found.span is not None
    assert found.hint
    return found


# What always holds


@given(PLANS)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_a_plan_that_is_read_back_is_the_plan(plan: Plan) -> None:
    saved = load_plan(written(plan_to_json(plan, NOW)), "plan.json")
    assert saved.plan == plan
    assert saved.plan.lists == plan.lists
    assert (saved.version, saved.generated_at) == (__version__, NOW)
    assert plan_to_json(saved.plan, NOW) == plan_to_json(plan, NOW)


@given(PLANS)
@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=50)
def test_every_plan_fits_the_schema(plan: Plan) -> None:
    assert [*VALIDATOR.iter_errors(data(plan))] == []


@given(PLANS, st.data())
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_whatever_is_edited_is_found(plan: Plan, choices: st.DataObject) -> None:
    document = data(plan)
    holders = [
        (holder, key)
        for holder in holders_in(document)
        for key in (holder if isinstance(holder, dict) else range(len(holder)))
    ]
    holder, key = choices.draw(st.sampled_from(holders))
    change = choices.draw(st.sampled_from(["remove", "null", "text", "number", "add"]))
    before = json_text(document)
    match change:
        case "remove":
            del holder[key]
        case "null":
            holder[key] = None
        case "text":
            holder[key] = choices.draw(TEXTS)
        case "number":
            holder[key] = 7
        case _ if isinstance(holder, dict):
            holder["more"] = 1
        case _:
            holder.append(holder[key])
    if json_text(document) != before:
        problem(written(document))


def holders_in(value: Any) -> list[Any]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    own = [value] if isinstance(value, dict | list) and value else []
    return own + [found for one in inner for found in holders_in(one)]


@given(st.integers(0, 10_000), PLANS)
@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
def test_a_plan_that_was_cut_off_is_no_plan(length: int, plan: Plan) -> None:
    content = written(data(plan))
    # The last two bytes are the closing brace and the line break.
    content = content[: length % (len(content) - 2)]
    assert problem(content).code in ("not-utf8", "not-a-plan")


@given(st.binary(max_size=40) | st.text().map(lambda text: json.dumps(text).encode()))
def test_what_is_no_plan_is_an_error_and_never_a_traceback(content: bytes) -> None:
    problem(content)


# What a file can be instead


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
def test_what_is_no_plan(content: bytes, code: str, place: str, words: str) -> None:
    found = problem(content)
    assert (found.code, str(found.span)) == (code, f"plan.json:{place}")
    assert words in found.summary


def test_a_file_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "MAX_BYTES", 100)
    found = problem(written(data()))
    assert (found.code, found.summary) == (
        "file-too-large",
        "the file is larger than the limit of 100 bytes",
    )


def test_a_byte_order_mark_is_passed_over() -> None:
    assert load_plan(b"\xef\xbb\xbf" + written(data()), "plan.json").plan == PLAN


def test_a_key_that_stands_twice_is_an_edit() -> None:
    text = json_text(data()).replace('"name": "VIP"', '"name": "Others", "name": "VIP"')
    assert json.loads(text) == data()
    assert problem(text.encode()).code == "tampered"


@pytest.mark.parametrize("version", [None, 1, "", "one", "1", "1.x", "¹.²", "1." + "9" * 5000])
def test_a_plan_without_a_version_of_its_format(version: Any) -> None:
    assert problem(written({**data(), "format_version": version})).code == "unknown-format"


def test_a_plan_of_another_format() -> None:
    assert problem(written({**data(), "format_version": "2.0"})).summary == (
        "the plan file was made by another version of segctl: "
        "it has format `2.0`, and this version reads 1.1 and later 1.x"
    )
    assert "it has format `1.0`" in problem(written({**data(), "format_version": "1.0"})).summary
    assert "no format version" in problem(written({**data(), "format_version": 1})).summary


def test_what_a_later_version_adds_is_passed_over() -> None:
    document = {**data(), "format_version": "1.99", "mood": "good"}
    document["changes"][0]["mood"] = {"a": []}
    document["changes"][0]["after"]["mood"] = "good"
    document["checksum"] = checksum(document)
    assert load_plan(written(document), "plan.json").plan == PLAN
    document["changes"][0]["after"]["name"] = None
    document["checksum"] = checksum(document)
    assert problem(written(document)).summary.startswith("`.changes[0].after.name` violates")
    document["mood"] = "bad"
    assert problem(written(document)).code == "tampered"


def test_a_plan_of_the_format_before_is_read() -> None:
    document = {**data(), "format_version": "1.1"}
    for change in document["changes"]:
        del change["impact"]
    del document["lists"]
    document["checksum"] = checksum(document)
    assert load_plan(written(document), "plan.json").plan == PLAN


# Edited with care: the checksum is right again


def edited(edit: Callable[[Any], object]) -> str:
    document = data()
    edit(document)
    document["checksum"] = checksum(document)
    found = problem(written(document))
    return f"{found.code}: {found.summary}"


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
def test_what_violates_the_schema_is_named_by_its_path(
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
def test_what_the_digest_covers_cannot_be_edited(edit: Callable[[Any], object]) -> None:
    assert edited(edit) == (
        "tampered: the plan file was edited or truncated after segctl wrote it: "
        "its checksum or digest does not match"
    )


def test_a_whole_number_may_have_a_point() -> None:
    document = data()
    document["changes"][0]["source"]["line"] = 1.0
    document["checksum"] = checksum(document)
    [change, _] = load_plan(written(document), "plan.json").plan.changes
    assert str(change.span) == "segments/vip.yaml:1:7"


# The digest, the checksum, the schema


def test_what_is_done_does_not_depend_on_the_impact() -> None:
    create, delete = PLAN.changes
    assert isinstance(create, Create)
    create = dataclasses.replace(create, impact=Impact(**IMPACT))
    counted = dataclasses.replace(PLAN, changes=(create, delete))
    assert digest(counted) == digest(PLAN)
    assert plan_differences(counted, PLAN) == plan_differences(PLAN, counted) == ()
    document = data(counted)
    assert document["checksum"] != data()["checksum"]
    assert load_plan(written(document), "plan.json").plan == counted


def test_what_lists_are_called_is_no_part_of_what_is_done() -> None:
    named = dataclasses.replace(PLAN, lists={"a": "Newsletter", "b": None})
    assert (digest(named), named) == (digest(PLAN), PLAN)
    assert plan_differences(named, PLAN) == plan_differences(PLAN, named) == ()
    document = data(named)
    assert load_plan(written(document), "plan.json").plan.lists == named.lists
    document["lists"]["a"] = "Customers"
    assert problem(written(document)).code == "tampered"


def test_the_digest_knows_which_references_are_ignored() -> None:
    ignoring = dataclasses.replace(PLAN, options=PlanOptions(ignore_references=("Old",)))
    idle = dataclasses.replace(PLAN, options=PlanOptions(ignore_references=("VIP", "Others")))
    assert digest(ignoring) != digest(PLAN)
    assert digest(idle) == digest(PLAN)


def test_the_checksum_covers_what_the_digest_does_not() -> None:
    refused = Diagnostic("in-use", Severity.ERROR, "a Single Send goes there")
    document = data(dataclasses.replace(PLAN, refusals=(refused,)))
    assert document["digest"] == digest(PLAN)
    document["refusals"] = []
    assert problem(written(document)).code == "tampered"


def test_the_schema_lists_what_the_model_does() -> None:
    parts = SCHEMA["$defs"]
    fields = parts["change"]["properties"]
    assert fields["reason"]["enum"] == [*Reason]
    assert parts["clause"]["properties"]["kind"]["enum"] == [*ChangeKind]
    assert parts["clause"]["properties"]["clause"]["enum"] == [*ClauseKind]
    assert parts["diagnostic"]["properties"]["severity"]["enum"] == [*Severity]
    assert fields["action"]["enum"] == ["create", "patch", "replace", "upgrade", "delete"]
