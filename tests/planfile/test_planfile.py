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
from segctl.cli.session import json_text
from segctl.errors import Diagnostic, InvalidInput, Severity, Span
from segctl.model import Create, Delete, Impact, Plan, Precondition, Reason, Segment, TargetRef
from segctl.model.plan_options import Options
from segctl.planfile import loading
from segctl.planfile.loading import MOST_PROBLEMS, from_json
from segctl.planfile.places import DEEPEST, Places
from segctl.planfile.staleness import differences
from segctl.planfile.to_json import checksum, digest, to_json
from segctl.query.diff import ChangeKind, ClauseKind
from tests.conftest import REPOSITORY
from tests.planfile.plans import PLANS, TEXTS

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
    return json.loads(json_text(to_json(plan, NOW)))


def written(document: Any) -> bytes:
    return json_text(document).encode("utf-8")


def problems(content: bytes) -> list[Diagnostic]:
    with pytest.raises(InvalidInput) as caught:
        from_json(content, "plan.json")
    return list(caught.value.diagnostics)


# What always holds


@given(PLANS)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_a_plan_that_is_read_back_is_the_plan(plan: Plan) -> None:
    saved = from_json(written(to_json(plan, NOW)), "plan.json")
    assert saved.plan == plan
    assert saved.plan.lists == plan.lists
    assert (saved.version, saved.generated_at) == (__version__, NOW)
    assert to_json(saved.plan, NOW) == to_json(plan, NOW)


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
        found = problems(written(document))
        assert all(one.span is not None or one.code == "more-problems" for one in found)


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
    [found] = problems(content)
    assert found.code in ("cut-off", "empty-file", "not-utf8", "not-json")
    assert found.span is not None


@given(st.binary(max_size=40) | st.text().map(lambda text: json.dumps(text).encode()))
def test_what_is_no_plan_is_an_error_and_never_a_traceback(content: bytes) -> None:
    assert problems(content)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=12,
)


@given(JSON_VALUES, st.sampled_from([None, 1]))
def test_every_value_is_found_at_its_place(value: Any, indent: int | None) -> None:
    text = "\n " + json.dumps(value, indent=indent) + " "
    places = Places.of(text)
    for path, offset in places.values.items():
        wanted = value
        for step in path:
            wanted = wanted[step]
        assert json.JSONDecoder().raw_decode(text, offset)[0] == wanted
        if path and isinstance(path[-1], str):
            assert json.JSONDecoder().raw_decode(text, places.keys[path])[0] == path[-1]
    assert places.repeated == []


# What a file can be instead


@pytest.mark.parametrize(
    ("content", "code", "place", "words"),
    [
        (b"", "empty-file", "1:1", "the file is empty"),
        (b" \n", "empty-file", "1:1", "the file is empty"),
        (b'{"a": 1,\n "b', "cut-off", "2:2", "was cut off"),
        (b'{"a": 1,\n', "cut-off", "2:1", "was cut off"),
        (b'{"a": 1\n "b": 2}', "not-json", "2:2", "expecting ',' delimiter"),
        (b"name: VIP\n", "not-json", "1:1", "this is not JSON"),
        (b'{"a": NaN}', "not-json", "1:1", "NaN is no value"),
        (b'{"a": ' + b"1" * 5000 + b"}", "not-json", "1:1", "digits"),
        (b"\xff\xfe{\x00}\x00", "not-utf8", "1:1", "UTF-16"),
        (b'{"a":\n "\xff"}', "not-utf8", "2:3", "byte 0xff"),
        (b"[" * 100_000, "not-a-plan", "1:1", "nested too deeply"),
        (b"[" * 500 + b"]" * 500, "not-a-plan", "1:1", "no plan of segctl"),
        (b"[]", "not-a-plan", "1:1", "no plan of segctl"),
        (b'{"format_version": "1.2", "planned_values": {}}', "not-a-plan", "1:1", "no plan of"),
        (b'{"tool": {"name": "segctl"}, "drift": []}', "not-a-plan", "1:1", "no list of `changes`"),
    ],
)
def test_what_is_no_plan(content: bytes, code: str, place: str, words: str) -> None:
    [found] = problems(content)
    assert (found.code, str(found.span)) == (code, f"plan.json:{place}")
    assert words in found.summary
    assert found.hint


def test_a_file_that_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "MAX_BYTES", 100)
    [found] = problems(written(data()))
    assert (found.code, found.summary) == ("file-too-large", "the file is larger than 100 bytes")


def test_a_byte_order_mark_is_passed_over() -> None:
    assert from_json(b"\xef\xbb\xbf" + written(data()), "plan.json").plan == PLAN


def test_every_key_that_stands_twice_is_told() -> None:
    text = json_text(data()).replace('"name": "VIP"', '"name": "VIP", "name": "Others"')
    found = problems(text.encode())
    assert [one.code for one in found] == ["repeated-key"] * 2
    assert {one.summary for one in found} == {"the key `name` stands here a second time"}
    lines = [number for number, line in enumerate(text.split("\n"), 1) if "Others" in line]
    assert [one.span.line for one in found if one.span] == lines


@pytest.mark.parametrize("version", [None, 1, "", "one", "1", "1.x", "¹.²", "1." + "9" * 5000])
def test_a_plan_without_a_version_of_its_format(version: Any) -> None:
    found = problems(written({**data(), "format_version": version}))
    assert [one.code for one in found] == ["unknown-format"]


def test_a_plan_of_another_format() -> None:
    [found] = problems(written({**data(), "format_version": "2.0"}))
    assert found.summary == "this plan has format 2.0, and this segctl reads 1.x"
    assert str(found.span) == "plan.json:2:21"
    [found] = problems(written({**data(), "format_version": "1.0"}))
    assert "did not hold a whole plan yet" in found.summary


def test_what_a_later_version_adds_is_passed_over() -> None:
    document = {**data(), "format_version": "1.99", "mood": "good"}
    document["changes"][0]["mood"] = {"a": []}
    document["checksum"] = checksum(document)
    assert from_json(written(document), "plan.json").plan == PLAN
    document["mood"] = "bad"
    [found] = problems(written(document))
    assert found.code == "tampered"


def test_a_plan_of_the_format_before_is_read() -> None:
    document = {**data(), "format_version": "1.1"}
    for change in document["changes"]:
        del change["impact"]
    del document["lists"]
    document["checksum"] = checksum(document)
    assert from_json(written(document), "plan.json").plan == PLAN


# Edited with care: the checksum is right again


def edited(edit: Callable[[Any], object]) -> list[str]:
    document = data()
    edit(document)
    document["checksum"] = checksum(document)
    return [f"{one.code}: {one.summary}" for one in problems(written(document))]


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (
            lambda d: d["changes"].pop(),
            [
                "contradiction: `.summary.delete` is not what the plan holds, which is 0",
                "contradiction: the digest is not that of the changes: one of the two was edited",
            ],
        ),
        (
            lambda d: d["changes"][0].update(name="Other"),
            ["contradiction: `.changes[0].name` is not that of the definition"],
        ),
        (
            lambda d: d["changes"][1].update(id="id-2"),
            ["contradiction: the digest is not that of the changes: one of the two was edited"],
        ),
        (
            lambda d: d["changes"][1].update(before=None, precondition=None),
            [
                "wrong-type: `.changes[1].before` must be an object",
                "wrong-type: `.changes[1].precondition` must be an object",
            ],
        ),
        (
            lambda d: d["changes"][0].update(before={}, allow_replace=True),
            [
                "missing-key: `.changes[0].before` has no `name`",
                "missing-key: `.changes[0].before` has no `parent_list_ids`",
                "missing-key: `.changes[0].before` has no `query_dsl`",
                "wrong-type: `.changes[0].before` must be null",
                "wrong-type: `.changes[0].allow_replace` must be null",
            ],
        ),
        (
            lambda d: d["changes"][0].update(action="destroy", clauses=7),
            [
                "bad-value: `.changes[0].action` must be "
                + " or ".join(SCHEMA["$defs"]["change"]["properties"]["action"]["enum"]),
                "wrong-type: `.changes[0].clauses` must be a list",
            ],
        ),
        (
            lambda d: d["options"].update(force=True),
            ["unknown-key: `.options` has the key `force`, which no plan has"],
        ),
        (
            lambda d: d["changes"][0]["source"].update(line=0, column="1"),
            [
                "bad-value: `.changes[0].source.line` has a value that it cannot have",
                "wrong-type: `.changes[0].source.column` must be a whole number",
            ],
        ),
        (
            lambda d: d["changes"][0].update(impact={**IMPACT, "after": 4, "as_of": "today"}),
            ["bad-value: `.changes[0].impact.as_of` has a value that it cannot have"],
        ),
        (
            lambda d: d["changes"][0].update(impact={**IMPACT, "after": 4}),
            ["contradiction: the counts of `.changes[0].impact` do not add up"],
        ),
        (
            lambda d: d["changes"][0].update(impact={**IMPACT, "base": 2}),
            ["contradiction: the counts of `.changes[0].impact` do not add up"],
        ),
        (
            lambda d: d["changes"][1].update(impact=IMPACT),
            ["wrong-type: `.changes[1].impact` must be null"],
        ),
    ],
)
def test_contradictions_are_told_all_at_once(
    edit: Callable[[Any], object], words: list[str]
) -> None:
    assert edited(edit) == words


def test_more_problems_than_anybody_reads_are_cut() -> None:
    document = data()
    document["changes"] *= 100
    for change in document["changes"]:
        change["reason"] = "because"
    found = problems(written(document))
    assert len(found) == MOST_PROBLEMS + 1
    assert found[-1].summary == f"there are more than these {MOST_PROBLEMS} problems"


def test_a_whole_number_may_have_a_point() -> None:
    document = data()
    document["changes"][0]["source"]["line"] = 1.0
    document["checksum"] = checksum(document)
    [change, _] = from_json(written(document), "plan.json").plan.changes
    assert str(change.span) == "segments/vip.yaml:1:7"


def test_what_lies_too_deep_is_at_the_place_of_what_holds_it() -> None:
    places = Places.of("[" * 40 + "1" + "]" * 40)
    assert max(map(len, places.values)) == DEEPEST
    assert places.at((0,) * 30) == DEEPEST


# The digest, the checksum, the schema


def test_what_is_done_does_not_depend_on_the_impact() -> None:
    create, delete = PLAN.changes
    assert isinstance(create, Create)
    create = dataclasses.replace(create, impact=Impact(**IMPACT))
    counted = dataclasses.replace(PLAN, changes=(create, delete))
    assert digest(counted) == digest(PLAN)
    assert differences(counted, PLAN) == differences(PLAN, counted) == ()
    document = data(counted)
    assert document["checksum"] != data()["checksum"]
    assert from_json(written(document), "plan.json").plan == counted


def test_what_lists_are_called_is_no_part_of_what_is_done() -> None:
    named = dataclasses.replace(PLAN, lists={"a": "Newsletter", "b": None})
    assert (digest(named), named) == (digest(PLAN), PLAN)
    assert differences(named, PLAN) == differences(PLAN, named) == ()
    document = data(named)
    assert from_json(written(document), "plan.json").plan.lists == named.lists
    document["lists"]["a"] = "Customers"
    [found] = problems(written(document))
    assert found.code == "tampered"
    document["lists"]["a"] = 7
    assert "wrong-type: `.lists.a` must be text or null" in edited(lambda d: d.update(document))


def test_the_digest_knows_which_references_are_ignored() -> None:
    ignoring = dataclasses.replace(PLAN, options=Options(ignore_references=("Old",)))
    idle = dataclasses.replace(PLAN, options=Options(ignore_references=("VIP", "Others")))
    assert digest(ignoring) != digest(PLAN)
    assert digest(idle) == digest(PLAN)


def test_the_checksum_covers_what_the_digest_does_not() -> None:
    refused = Diagnostic("in-use", Severity.ERROR, "a Single Send goes there")
    document = data(dataclasses.replace(PLAN, refusals=(refused,)))
    assert document["digest"] == digest(PLAN)
    document["refusals"] = []
    [found] = problems(written(document))
    assert found.summary == "the checksum does not fit: the file was changed since segctl wrote it"


def test_the_schema_lists_what_the_model_does() -> None:
    parts = SCHEMA["$defs"]
    fields = parts["change"]["properties"]
    assert fields["reason"]["enum"] == [*Reason]
    assert parts["clause"]["properties"]["kind"]["enum"] == [*ChangeKind]
    assert parts["clause"]["properties"]["clause"]["enum"] == [*ClauseKind]
    assert parts["diagnostic"]["properties"]["severity"]["enum"] == [*Severity]
    assert fields["action"]["enum"] == ["create", "patch", "replace", "upgrade", "delete"]
