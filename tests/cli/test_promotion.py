"""`promote` in segctl.yaml: a target gets only what the one before it holds, and holds VALID."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.support.builders import ALL, query, segment_yaml
from tests.support.targets import SETTINGS, Targets, three_accounts

if TYPE_CHECKING:
    from tests.support.account import Remote
    from tests.support.project import Project

SEGMENTS = "GET /v3/marketing/segments/2.0"
RULE = "promote: {production: {after: staging}}\n"
BUYERS = """\
name: Buyers
parent_list: Newsletter
query_dsl: |
  SELECT contact_id, updated_at FROM contact_data
  WHERE spend > @floor AND NOT array_contains(list_ids, [@list('Blocked')])
"""
FILE = "segments/buyers.yaml"


@pytest.fixture
def targets(project: Project, remote: Remote) -> Targets:
    targets = three_accounts(project, remote)
    project.write({"segctl.yaml": SETTINGS + RULE, FILE: BUYERS})
    return targets


def held(targets: Targets, target: str) -> dict[str, str]:
    return {segment.name: segment.query for segment in targets.console(target).segments()}


def test_production_gets_only_what_staging_holds(targets: Targets) -> None:
    for command in (["plan"], ["apply", "--auto-approve"]):
        refused = targets.run("production", *command)
        assert refused.code == 3, refused.err
        assert "error[not-promoted]: `Buyers` is not on staging, which must hold it before" in (
            refused.out
        )
        assert "run `segctl --target staging apply` first" in refused.out
    assert held(targets, "production") == {}

    assert targets.apply("staging").code == 0
    assert targets.run("production", "plan").code == 0
    assert targets.apply("production").code == 0
    assert "spend > 10 " in held(targets, "staging")["Buyers"]
    assert "spend > 100 " in held(targets, "production")["Buyers"]
    for target in ("staging", "production"):
        assert targets.run(target, "plan").out.startswith("No changes.")


def test_segments_that_staging_lacks_are_one_refusal(targets: Targets) -> None:
    names = [f"Segment {number}" for number in range(7)]
    targets.project.write(
        {f"segments/{number}.yaml": segment_yaml(name, ALL) for number, name in enumerate(names)}
    )
    (refusal,) = json.loads(targets.run("production", "plan", "--format", "json").out)["refusals"]
    assert refusal["summary"] == (
        "`Buyers`, `Segment 0`, `Segment 1`, `Segment 2`, `Segment 3` and 3 more are not on "
        "staging, which must hold them before production"
    )
    assert len(set(re.findall('"[0-9a-f]{16}"', refusal["hint"]))) == 8
    assert targets.apply("staging").code == 0
    for number in range(2):
        targets.project.edit(f"segments/{number}.yaml", "contact_data", "contact_data WHERE 1 = 1")
    (refusal,) = json.loads(targets.run("production", "plan", "--format", "json").out)["refusals"]
    assert "`Segment 0`, `Segment 1` have another query_dsl on staging" in refusal["summary"]
    key = re.search('"([0-9a-f]{16})" for `Segment 1`', refusal["hint"])
    assert key is not None
    rule = f'promote: {{production: {{after: staging, allow: ["{key[1]}"]}}}}\n'
    targets.project.write({"segctl.yaml": SETTINGS + rule})
    (refusal,) = json.loads(targets.run("production", "plan", "--format", "json").out)["refusals"]
    assert refusal["summary"].startswith("`Segment 0` has another query_dsl on staging")


def test_a_change_is_refused_until_staging_has_it(targets: Targets) -> None:
    assert targets.apply("staging").code == 0
    assert targets.apply("production").code == 0
    targets.project.edit(FILE, "spend >", "spend >=")
    refused = targets.run("production", "plan")
    assert refused.code == 3
    assert "`Buyers` has another query_dsl on staging" in refused.out
    assert targets.apply("staging").code == 0
    assert targets.apply("production").code == 0
    assert targets.run("production", "plan").out.startswith("No changes.")


def test_layout_is_no_other_definition(targets: Targets) -> None:
    assert targets.apply("staging").code == 0
    targets.edit("staging", "Buyers", held(targets, "staging")["Buyers"].replace("AND", "\n and"))
    assert targets.apply("production").code == 0


def test_a_deletion_needs_no_promotion(targets: Targets) -> None:
    assert targets.apply("staging").code == 0
    assert targets.apply("production").code == 0
    targets.project.write({FILE: "name: Buyers\nremoved: true\n"})
    limits = "limits: {allow_destroy: 1}\n"
    targets.project.write({"segctl.yaml": SETTINGS + RULE + limits})
    assert targets.apply("production").code == 0
    assert held(targets, "production") == {}


def test_an_edit_on_staging_by_hand_is_found(targets: Targets) -> None:
    assert targets.apply("staging").code == 0
    targets.edit("staging", "Buyers", query("spend > 11"))
    refused = targets.apply("production")
    assert refused.code == 3
    assert "`Buyers` has another query_dsl on staging" in refused.out
    assert held(targets, "production") == {}


def test_a_query_that_staging_does_not_accept_is_not_promoted(targets: Targets) -> None:
    targets.console("production").add_field("tier", "Text")
    assert targets.run("production", "account", "pull").code == 0
    targets.project.write({FILE: segment_yaml("Tiered", query("tier = 'gold'"))})
    targets.console("staging").create("Tiered", query("tier = 'gold'"))
    refused = targets.run("production", "plan", "--format", "json")
    assert refused.code == 3
    (refusal,) = json.loads(refused.out)["refusals"]
    assert refusal["code"] == "not-promoted"
    assert "a query that SendGrid does not accept (" in refusal["summary"]
    assert refusal["source"]["file"] == FILE


def test_a_query_that_is_being_validated_has_to_wait(targets: Targets, remote: Remote) -> None:
    settings = remote.emulator.settings
    remote.emulator.settings = dataclasses.replace(settings, validation_delay=9_000)
    targets.apply("staging", "--validation-timeout", "0")
    refused = targets.run("production", "plan")
    assert refused.code == 3
    assert "`Buyers` is still being validated by SendGrid on staging" in refused.out
    assert "wait a minute, then run `segctl plan` again" in refused.out
    remote.clock.forward(hours=3)
    assert targets.run("production", "plan").code == 0


@pytest.mark.parametrize("format_name", ["text", "json", "markdown", "github", "sarif", "html"])
def test_every_format_shows_the_refusal(targets: Targets, format_name: str) -> None:
    shown = targets.run("production", "plan", "--format", format_name)
    assert shown.code == 3
    assert "not-promoted" in shown.out
    assert "is not on staging" in shown.out


@pytest.mark.parametrize(
    ("env", "fault", "reason", "hint"),
    [
        ({"STAGING_SENDGRID_KEY": ""}, "", "no API key for the target `staging`", "set STAGING_"),
        ({"STAGING_SENDGRID_KEY": "wrong"}, "", "the API key is not accepted", "check the key"),
        ({}, f"{SEGMENTS} 502 #2 always", "SendGrid", ""),
        ({}, "GET /v3/marketing/segments/2.0/* 404 always", "not", ""),
        ({"STAGING_SENDGRID_KEY": "production"}, "", "are the same account", "`api_key_env`"),
        ({"STAGING_SENDGRID_KEY": "dev"}, "", "is for another account", "STAGING_SENDGRID_KEY"),
    ],
)
def test_what_cannot_be_read_is_never_held(
    targets: Targets, env: dict[str, str], fault: str, reason: str, hint: str
) -> None:
    assert targets.apply("staging", "--no-cache").code == 0
    if fault:
        targets.remote.emulator.faults.add(fault)
    refused = targets.run("production", "apply", "--auto-approve", "--no-cache", **env)
    assert refused.code == 3, refused.out + refused.err
    assert "error[promotion-unknown]: whether staging holds the changed segments is not known" in (
        refused.out
    )
    shown = " ".join(refused.out.split())
    assert reason in shown
    assert hint in shown
    assert held(targets, "production") == {}


def test_files_that_are_wrong_for_staging_alone_are_refused(targets: Targets) -> None:
    targets.project.edit("segments/accounts/staging.yaml", "Blocked", "Banned")
    refused = targets.run("production", "plan")
    assert refused.code == 3
    assert "error[promotion-unknown]" in refused.out
    assert "run `segctl --target staging validate`" in refused.out
    assert "has no list `Blocked`" in targets.run("staging", "validate").err


def test_the_account_before_is_asked_only_for_changes(targets: Targets) -> None:
    project = targets.project
    names = [f"Group {number}" for number in range(5)]
    for name in names:
        project.declare(name, query(f"spend > {len(name)}"))
    assert targets.apply("staging").code == 0
    assert targets.apply("production").code == 0
    targets.run("production", "plan")
    targets.requests()
    assert targets.run("production", "plan").code == 0
    assert targets.requests() == [SEGMENTS]

    project.declare(names[0], query("spend > 5000"))
    assert targets.apply("staging").code == 0
    targets.requests()
    shown = targets.run("production", "plan", "-v")
    assert shown.code == 0
    requests = targets.requests()
    assert requests.count(SEGMENTS) == 2
    assert "2 requests sent to staging." in shown.err


def test_a_saved_plan_is_checked_again(targets: Targets) -> None:
    assert targets.apply("staging").code == 0
    plan = str(targets.project.root / "plan.json")
    assert targets.run("production", "plan", "--out", plan).code == 0
    targets.edit("staging", "Buyers", query("spend > 11"))
    refused = targets.run("production", "apply", plan, "--auto-approve")
    assert refused.code == 3
    assert "error[not-promoted]" in refused.out
    assert held(targets, "production") == {}


def test_a_chain_goes_step_by_step(targets: Targets) -> None:
    chain = "promote: {production: {after: staging}, staging: {after: dev}}\n"
    targets.project.write({"segctl.yaml": SETTINGS + chain})
    assert [targets.run(name, "plan").code for name in ("production", "staging", "dev")] == [
        *(3, 3, 0)
    ]
    for name in ("dev", "staging", "production"):
        assert targets.apply(name).code == 0
    for name in ("dev", "staging", "production"):
        assert targets.run(name, "plan").out.startswith("No changes.")


def test_a_group_is_applied_once_staging_holds_what_the_others_get(targets: Targets) -> None:
    rules = "promote: {production: {after: staging}, dev: {after: staging}}\n"
    groups = "groups: {both: [dev, production], all: [staging, production]}\n"
    targets.project.write({"segctl.yaml": SETTINGS + rules + groups})
    for group, refusals in (("both", 2), ("all", 1)):
        refused = targets.run(group, "apply", "--auto-approve")
        assert refused.code == 3, refused.out + refused.err
        assert refused.out.count("error[not-promoted]") == refusals
    assert not any(held(targets, name) for name in ("dev", "staging", "production"))
    assert targets.apply("staging").code == 0
    for group in ("both", "all"):
        applied = targets.apply(group)
        assert applied.code == 0, applied.out + applied.err
    assert targets.run("both", "plan").code == 0
    assert all(held(targets, name) for name in ("dev", "production"))


def test_exactly_one_definition_may_pass(targets: Targets) -> None:
    refused = targets.run("production", "plan")
    key = re.search(r'add "([0-9a-f]{16})" to `allow` of', " ".join(refused.out.split()))
    assert key is not None
    rule = f'promote: {{production: {{after: staging, allow: ["{key[1]}"]}}}}\n'
    targets.project.write({"segctl.yaml": SETTINGS + rule})
    targets.requests()
    allowed = targets.run("production", "plan", STAGING_SENDGRID_KEY="")
    assert allowed.code == 0, allowed.out
    assert "warning[promotion-skipped]: `Buyers` is not looked up on staging" in allowed.out
    assert targets.requests().count(SEGMENTS) == 1
    targets.project.edit(FILE, "spend >", "spend >=")
    assert targets.run("production", "plan").code == 3


MATRIX = """\
name: ${brand} on ${stage}
targets:
  staging: {values: {stage: trial}}
  production: {values: {stage: air}}
for_each: {brand: [acme, globex]}
query_dsl: SELECT contact_id, updated_at FROM contact_data WHERE city = @brand
"""


def test_instances_match_by_file_and_key_whatever_their_names(targets: Targets) -> None:
    targets.project.write({FILE: MATRIX})
    refused = targets.run("production", "plan")
    assert refused.code == 3
    assert "`acme on air` (`acme on trial` there) is not on staging" in refused.out
    assert targets.apply("staging", "--only", "acme*").code == 0
    refused = targets.run("production", "plan")
    assert refused.code == 3
    assert refused.out.count("error[not-promoted]") == 1
    assert "`globex on air` (`globex on trial` there) is not on staging" in refused.out
    assert targets.apply("staging").code == 0
    assert targets.apply("production").code == 0
    assert set(held(targets, "production")) == {"acme on air", "globex on air"}


def test_a_segment_for_production_alone_passes_and_is_pointed_out(targets: Targets) -> None:
    targets.project.write({FILE: f"{BUYERS}targets: [production]\n"})
    targets.requests()
    shown = targets.run("production", "plan", STAGING_SENDGRID_KEY="")
    assert shown.code == 0, shown.out
    assert (
        "warning[promotion-skipped]: `Buyers` is declared for production, but not for staging"
        in shown.out
    )
    assert targets.requests().count(SEGMENTS) == 1


def test_a_v1_segment_does_not_count_as_held(targets: Targets) -> None:
    targets.project.write({FILE: segment_yaml("Old", ALL)})
    targets.console("staging").seed_v1("Old", "email LIKE '%x'")
    refused = targets.run("production", "plan")
    assert refused.code == 3
    assert "`Old` is not on staging" in refused.out
