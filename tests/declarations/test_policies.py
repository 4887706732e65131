"""The policies of segctl.yaml and policies.yaml, and exceptions in segment files: reading them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from segctl.app import Project
from segctl.errors import InvalidInput
from segctl.model.policies import Level, RuleKind
from tests.support.builders import ALL, query, segment_yaml
from tests.support.process import REPOSITORY

if TYPE_CHECKING:
    from pathlib import Path

    from segctl.declarations.collection import Declarations
    from segctl.model.policies import Policy

ISSUE = """\
version: 1
policies:
  consent:    {everyone: "marketing_consent = 'yes'", for: "tag:marketing", why: GDPR 6(1)(a)}
  suppressed: {nobody: "country = 'XX'", level: overridable, except: {VIP: asked by phone, until: 2027-01-31}}
  languages:  {disjoint: "Winback *", level: advisory}
  cold:       {for: "tag:newsletter", at_most: 200000, change_at_most: 20%, events_within: 180 days, require: [owner, tests]}
"""  # noqa: E501 - one policy a line


def declarations(root: Path, files: dict[str, str]) -> Declarations:
    for name, text in {"segments/a.yaml": segment_yaml("A", ALL), **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return Project(root, env={}).declarations


def problems(root: Path, files: dict[str, str]) -> list[str]:
    """Return what is wrong, each as `FILE:LINE:COLUMN code`."""
    try:
        diagnostics = declarations(root, files).diagnostics
    except InvalidInput as error:
        diagnostics = error.diagnostics
    return [f"{problem.span} {problem.code}" for problem in diagnostics]


def policies(root: Path, text: str) -> dict[str, Policy]:
    return {policy.name: policy for policy in declarations(root, {"segctl.yaml": text}).policies}


def test_policies_are_read_as_they_are_written(tmp_path: Path) -> None:
    read = policies(tmp_path, ISSUE)

    assert [*read] == ["consent", "suppressed", "languages", "cold"]
    assert [policy.level for policy in read.values()] == [
        Level.MANDATORY, Level.OVERRIDABLE, Level.ADVISORY, Level.MANDATORY,
    ]  # fmt: skip
    assert (read["consent"].pattern, read["consent"].why) == ("tag:marketing", "GDPR 6(1)(a)")
    (exception,) = read["suppressed"].exceptions
    assert (exception.segment, exception.reason) == ("VIP", "asked by phone")
    assert (exception.until, str(exception.span)) == ("2027-01-31", "segctl.yaml:4:71")
    rules = {rule.kind: rule for rule in read["cold"].rules}
    assert [*rules] == [
        RuleKind.EVENTS_WITHIN, RuleKind.AT_MOST, RuleKind.CHANGE_AT_MOST, RuleKind.REQUIRE,
    ]  # fmt: skip
    assert (rules[RuleKind.AT_MOST].number, rules[RuleKind.CHANGE_AT_MOST].number) == (200_000, 20)
    assert rules[RuleKind.REQUIRE].items == ("owner", "tests")
    assert str(rules[RuleKind.AT_MOST].span) == "segctl.yaml:6:48"


def test_both_files_can_have_policies_of_other_names(tmp_path: Path) -> None:
    own = "policies: {small: {at_most: 10}}\n"
    read = declarations(tmp_path, {"segctl.yaml": ISSUE, "policies.yaml": own}).policies
    assert [policy.name for policy in read][-2:] == ["cold", "small"]

    again = {"segctl.yaml": ISSUE, "policies.yaml": "policies: {cold: {at_most: 10}}\n"}
    assert problems(tmp_path, again) == ["policies.yaml:1:12 duplicate-name"]


def test_a_project_can_have_policies_and_no_settings(tmp_path: Path) -> None:
    (policy,) = declarations(tmp_path, {"policies.yaml": "policies: {s: {at_most: 1}}"}).policies
    assert str(policy.span) == "policies.yaml:1:12"


def test_conditions_use_names_as_queries_do(tmp_path: Path) -> None:
    files = {
        "policies.yaml": "policies: {consent: {everyone: '@consented AND country = @country'}}\n",
        "segctl.yaml": "version: 1\nvalues: {country: CZ}\n",
        "segments/conditions.yaml": "conditions: {consented: marketing_consent = 'yes'}\n",
    }
    read = declarations(tmp_path, files)

    (policy,) = read.policies
    assert policy.rules[0].condition == "(marketing_consent = 'yes') AND country = 'CZ'"
    assert policy.rules[0].written == "@consented AND country = @country"
    # A condition that only a policy uses is used.
    assert read.diagnostics == ()


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("{for: A}", ["1:12 missing-key"]),
        ("{at_most: many}", ["1:25 wrong-type"]),
        ("{at_most: -1}", ["1:25 bad-value"]),
        ("{at_mots: 1, level: advisory}", ["1:16 unknown-key", "1:12 missing-key"]),
        ("{change_at_most: half}", ["1:32 bad-value"]),
        ("{events_within: 3 weeks}", ["1:31 bad-value"]),
        ("{require: [owners]}", ["1:26 bad-value"]),
        ("{name: '(a'}", ["1:22 bad-value"]),
        ("{at_most: 1, level: strict}", ["1:35 bad-value"]),
        ("{everyone: a =}", ["1:29 syntax-error"]),
        ("{everyone: a = 1 GROUP BY a}", ["1:26 not-a-condition"]),
        ("{everyone: a = @lst}", ["1:30 syntax-error"]),
        ("{nobody: \"array_contains(list_ids, [@list('L')])\"}", ["1:51 unknown-name"]),
        ("{at_most: 1, except: {A: ' '}}", ["1:40 empty-value"]),
        ("{at_most: 1, except: {A: why, until: 2027-02-30}}", ["1:52 bad-value"]),
        ("{at_most: 1, except: {until: 2027-02-03}}", ["1:28 missing-key"]),
    ],
)  # fmt: skip
def test_mistakes_are_reported_where_they_are(
    tmp_path: Path, rules: str, expected: list[str]
) -> None:
    found = problems(tmp_path, {"policies.yaml": f"policies: {{p: {rules}}}\n"})
    assert sorted(found) == sorted(f"policies.yaml:{place}" for place in expected)


@pytest.mark.parametrize("name", ["until", "Big", "1st", "a b"])
def test_names_of_policies_are_words(tmp_path: Path, name: str) -> None:
    files = {"policies.yaml": f"policies: {{{name}: {{at_most: 1}}}}\n"}
    assert problems(tmp_path, files) == ["policies.yaml:1:12 bad-name"]


@pytest.mark.parametrize(
    "until", ["2027-01-31", "'2027-01-31'"], ids=["without quotes", "in quotes"]
)
def test_a_segment_file_can_have_exceptions(tmp_path: Path, until: str) -> None:
    extra = f"except: {{consent: until the form is fixed, until: {until}}}\n"
    files = {"segments/a.yaml": segment_yaml("A", query("a = 1"), extra=extra)}
    (declared,) = declarations(tmp_path, files).declared

    (exception,) = declared.exceptions
    assert (exception.policy, exception.segment, exception.until) == ("consent", "A", "2027-01-31")
    assert exception.reason == "until the form is fixed"


@pytest.mark.parametrize(
    ("text", "code"),
    [("{until: 2027-01-31}", "missing-key"), ("{c: }", "wrong-type"),
     ("{c: x, until: soon}", "bad-value"), ("{c: x, until: 2027-13-01}", "bad-value")],
)  # fmt: skip
def test_mistakes_in_exceptions_are_reported(tmp_path: Path, text: str, code: str) -> None:
    files = {"segments/a.yaml": segment_yaml("A", ALL, extra=f"except: {text}\n")}
    assert {problem.split()[1] for problem in problems(tmp_path, files)} == {code}


def test_both_schemas_describe_the_same_policies() -> None:
    schemas = [
        json.loads((REPOSITORY / f"schemas/{name}.schema.json").read_text("utf-8"))
        for name in ("segctl", "policies")
    ]
    first, second = (schema["properties"]["policies"] for schema in schemas)
    assert first == second
