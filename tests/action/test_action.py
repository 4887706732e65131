"""The action from end to end, with real git, the emulated SendGrid and a fake GitHub."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.action.runner import ACTION
from tests.action.shop import Shop, serve_shop
from tests.support.account import KEY
from tests.support.builders import query, segment_yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.account import Remote

pytestmark = pytest.mark.posix


@pytest.fixture
def shop(tmp_path: Path, remote: Remote) -> Iterator[Shop]:
    with serve_shop(tmp_path, remote) as shop:
        yield shop


def test_the_plan_in_the_comment_is_the_plan_that_is_applied(shop: Shop) -> None:
    first = shop.run(pull=7)
    assert first.code == 0, first.log
    assert first.outputs["changes"] == "true"
    assert (first.outputs["to_create"], first.outputs["to_delete"]) == ("1", "0")
    [comment] = shop.hub.comments_on(7)
    assert f"digest={first.outputs['digest']}" in comment.splitlines()[0]
    assert comment.strip() == first.summary.strip()
    assert "1 to create" in first.log

    commit = shop.commit({"segments/new.yaml": segment_yaml("New", query("total_spend > 5"))})
    second = shop.run(pull=7)
    [comment] = shop.hub.comments_on(7)
    assert second.outputs["to_create"] == "2"
    assert f"digest={second.outputs['digest']}" in comment.splitlines()[0]

    shop.merge(commit)
    applied = shop.run(command="apply", arguments="--refresh changed")
    assert applied.code == 0, applied.log
    assert set(shop.remote.definitions()) == {"VIP", "New"}
    plan, report = shop.hub.comments_on(7)
    assert plan == comment
    assert report.startswith("<!-- segctl:apply target=production")
    assert "2 done" in report
    assert shop.run(pull=7).outputs["changes"] == "false"
    assert len(shop.hub.comments_on(7)) == 2
    again = shop.run(command="apply", expect_digest="")
    assert again.code == 0, again.log


def test_a_plan_that_changed_after_the_approval_is_not_applied(shop: Shop) -> None:
    text = segment_yaml("VIP", query("total_spend > 500"), extra="adopt: true\n")
    shop.commit({"segments/vip.yaml": text})
    assert shop.run(pull=7).code == 0
    shop.merge(shop.git("rev-parse", "HEAD"))
    shop.remote.emulator.console.create("VIP", query("total_spend > 1"))
    refused = shop.run(command="apply")
    assert refused.code == 3, refused.log
    assert shop.remote.definitions()["VIP"][0] == query("total_spend > 1")
    assert "digest" in shop.hub.comments_on(7)[1]
    # Someone reviews the current plan and approves it by hand.
    assert "1 to patch" in refused.summary
    assert "total_spend &gt; 1" in refused.summary or "total_spend > 1" in refused.summary
    digest = re.search(r"got <code>([0-9a-f]{32})</code>", refused.summary)
    assert digest, refused.summary
    assert shop.run(command="apply", expect_digest=digest[1]).code == 0
    assert shop.remote.definitions()["VIP"][0] == query("total_spend > 500")


@pytest.mark.parametrize("forged", [False, True])
def test_without_an_approved_plan_nothing_is_applied(shop: Shop, *, forged: bool) -> None:
    digest = shop.run(pull=8).outputs["digest"]
    shop.merge(shop.git("rev-parse", "HEAD"))
    if forged:
        shop.hub.add_comment(
            7, f"<!-- segctl:plan target=production digest={digest} -->", "a-stranger"
        )
    done = shop.run(command="apply")
    assert done.code == 1
    assert "no plan was approved" in done.summary
    assert shop.remote.definitions() == {}


def test_a_required_approval_is_of_the_last_commit_and_its_plan(shop: Shop) -> None:
    assert shop.run(pull=7).code == 0
    shop.merge(shop.git("rev-parse", "HEAD"))
    refused = shop.run(command="apply", require_approval="true")
    assert refused.code == 1
    assert "nobody with write access approved #7" in refused.summary
    shop.hub.review("alice")
    # A push after the approval: the comment shows another plan, which nobody approved.
    commit = shop.commit({"segments/new.yaml": segment_yaml("New", query("total_spend > 5"))})
    assert shop.run(pull=7).code == 0
    shop.hub.merge(7, commit, head="be" * 20)
    for required in ("true", "false"):
        refused = shop.run(command="apply", require_approval=required)
        assert refused.code == 1
        assert "::error title=segctl::#7 was approved at the commit adadada" in refused.log
        assert "which was pushed later" in shop.hub.comments_on(7)[1]
    assert shop.remote.definitions() == {}
    shop.hub.review("alice", commit="be" * 20)
    assert shop.run(command="apply", require_approval="true").code == 0
    assert set(shop.remote.definitions()) == {"VIP", "New"}


def test_a_required_approval_needs_a_digest(shop: Shop) -> None:
    refused = shop.run(command="apply", expect_digest="", require_approval="true")
    assert refused.code == 1
    assert "expect-digest is empty, and require-approval is not false" in refused.summary
    unclear = shop.run(command="apply", require_approval="yes")
    assert unclear.code == 1
    assert "the input require-approval must be true or false" in unclear.log
    assert shop.remote.definitions() == {}


@pytest.mark.parametrize("digest", ["0" * 31, "approved ", "0" * 65])
def test_a_digest_that_is_too_short_is_refused(shop: Shop, digest: str) -> None:
    done = shop.run(command="apply", expect_digest=digest)
    assert done.code == 1
    assert "--expect-digest must be 64 hex digits, or at least the first 32" in done.log
    assert shop.remote.definitions() == {}


def test_without_a_key_the_input_is_named(shop: Shop) -> None:
    done = shop.run(pull=7, key="")
    assert "::notice title=segctl::the input api-key is empty" in done.log


PROMOTED = """\
version: 1
default_target: production
targets:
  production:
  staging: {api_key_env: STAGING_SENDGRID_KEY}
promote: {production: {after: staging}}
"""


def test_the_key_of_another_target_reaches_segctl(shop: Shop) -> None:
    shop.commit({"segctl.yaml": PROMOTED})
    keys = f"\r\n  \nDEV_SENDGRID_KEY=other\nSTAGING_SENDGRID_KEY={KEY}\r\n"
    done = shop.run(command="plan", more_api_keys=keys)
    assert done.code == 3
    assert "the targets production and staging are the same account" in done.summary
    done = shop.run(command="plan")
    assert done.code == 3
    assert "no API key for the target <code>staging</code>" in done.summary


GROUP = """\
version: 1
targets:
  shop-eu: {api_key_env: SENDGRID_KEY_EU}
  shop-us: {api_key_env: SENDGRID_KEY_US, subuser: us}
groups: {shops: [shop-eu, shop-us]}
"""


def test_a_group_has_one_comment_and_one_approval(shop: Shop) -> None:
    emulator = shop.remote.emulator
    emulator.settings = dataclasses.replace(emulator.settings, subusers=frozenset({"us"}))
    emulator.console_of("us").add_field("total_spend", "Number")
    keys = f"SENDGRID_KEY_EU={KEY}\n\nSENDGRID_KEY_US={KEY}\n"
    inputs: dict[str, Any] = {"target": "shops", "key": "", "more_api_keys": keys}
    commit = shop.commit({"segctl.yaml": GROUP})

    planned = shop.run(pull=7, **inputs)
    assert planned.code == 0, planned.log
    assert planned.outputs["to_create"] == "2"
    [comment] = shop.hub.comments_on(7)
    assert comment.startswith("<!-- segctl:plan target=shops ")
    assert comment.index("<table>") < comment.index("<h4>Target <code>shop-eu</code></h4>")

    shop.merge(commit)
    applied = shop.run(command="apply", **inputs)
    assert applied.code == 0, applied.log
    _, report = shop.hub.comments_on(7)
    assert report.startswith("<!-- segctl:apply target=shops ")
    assert [*shop.remote.definitions()] == ["VIP"]
    assert [segment.name for segment in emulator.console_of("us").segments()] == ["VIP"]
    assert KEY not in planned.log + applied.log + comment + report

    failed = shop.run(pull=7, **{**inputs, "more_api_keys": f"SENDGRID_KEY_EU={KEY}"})
    assert failed.code == 1
    assert "failed: no API key for the target `shop-us`" in failed.log


@pytest.mark.parametrize("line", ["PATH=/tmp", "STAGING_SENDGRID_KEY", KEY, "A B=c", "LD_KEY=x"])
def test_a_line_that_is_no_key_is_refused(shop: Shop, line: str) -> None:
    done = shop.run(command="plan", more_api_keys=f"A_SENDGRID_KEY=x\n{line}")
    assert done.code == 1
    assert "each line of the input more-api-keys must be VARIABLE=KEY" in done.log


def test_a_fork_without_a_secret_gets_the_offline_check(shop: Shop) -> None:
    shop.hub.read_only = True
    fine = shop.run(pull=7, key="", command="validate")
    assert (fine.code, fine.outputs["changes"]) == (0, "")
    shop.commit({"segments/broken.yaml": "name: Broken\nquerry_dsl: SELECT 1\n"})
    broken = shop.run(pull=7, key="", command="validate")
    assert broken.code == 1
    assert re.search(r"^::error file=segments/broken\.yaml,line=2,", broken.log, re.MULTILINE)
    assert [line for line in shop.hub.requests if not line.startswith("GET")] == []


def test_a_token_that_cannot_comment_still_writes_the_summary(shop: Shop) -> None:
    shop.hub.read_only = True
    done = shop.run(pull=7)
    assert done.code == 0
    assert "::notice title=segctl::this token cannot write the comment" in done.log
    assert "VIP" in done.summary


def test_without_a_key_the_comment_explains_the_missing_plan(shop: Shop) -> None:
    shop.run(pull=7)
    done = shop.run(pull=7, key="")
    assert done.code == 1
    [comment] = shop.hub.comments_on(7)
    assert "segctl could not make a plan" in comment
    assert "no API key for the target `production`" in comment


def test_a_refused_plan_fails_the_check_and_is_shown(shop: Shop) -> None:
    list_id = "0b1f4a10-5c1d-4a6e-9f02-000000000002"
    shop.remote.emulator.console.add_list("Customers", id=list_id)
    shop.remote.emulator.console.create("VIP", query("total_spend > 500"))
    shop.commit(
        {"segments/vip.yaml": segment_yaml("VIP", query("total_spend > 500"), parent=list_id)}
    )
    done = shop.run(pull=7)
    assert (done.code, done.outputs["to_replace"]) == (3, "1")
    assert "replace" in shop.hub.comments_on(7)[0].lower()
    assert "::error file=segments/vip.yaml" in done.log


def test_a_plan_too_long_for_a_comment_is_shortened(shop: Shop) -> None:
    terms = " OR ".join(f"country = 'country number {number}'" for number in range(150))
    shop.commit(
        {
            f"segments/{number}.yaml": segment_yaml(f"Segment {number}", query(terms))
            for number in range(40)
        }
    )
    done = shop.run(pull=7)
    assert (done.code, done.outputs["to_create"]) == (0, "41")
    [comment] = shop.hub.comments_on(7)
    assert len(comment) < 65_536
    assert "41 to create" in comment.split("<details>")[0]
    assert len(done.summary.encode()) < 1 << 20


def test_text_from_a_file_is_not_a_workflow_command(shop: Shop) -> None:
    text = query("first_name = 'a'") + "\n::set-output name=digest::forged\n::error::forged\n"
    shop.commit({"segments/forged.yaml": segment_yaml("::error::forged", text)})
    done = shop.run(pull=7)
    stopped = False
    for line in done.log.splitlines():
        word = line.strip()
        if word.startswith("::stop-commands::"):
            stopped, token = True, word.removeprefix("::stop-commands::")
        elif stopped and word == f"::{token}::":
            stopped = False
        elif not stopped:
            assert not re.match(r"::(set-output|error::forged)", word), line


def test_drift_opens_updates_and_closes_one_issue(shop: Shop) -> None:
    assert shop.run(command="apply", expect_digest="").code == 0
    quiet = shop.run(command="drift")
    assert (quiet.code, quiet.outputs["changes"], shop.hub.issues) == (0, "false", {})
    [segment] = shop.remote.emulator.console.segments()
    shop.remote.clock.forward(minutes=6)
    shop.remote.emulator.console.edit(segment.id, query=query("total_spend > 1"))
    for _ in range(2):
        drifted = shop.run(command="drift")
        assert (drifted.code, drifted.outputs["changes"]) == (0, "true"), drifted.log
        assert [issue["title"] for issue in shop.hub.issues.values()] == [
            "segctl: drift on production"
        ]
    assert "VIP" in shop.hub.issues[1]["body"]
    shop.remote.clock.forward(minutes=6)
    shop.remote.emulator.console.edit(segment.id, query=query("total_spend > 500"))
    shop.run(command="drift")
    assert shop.hub.issues[1]["state"] == "closed"


def test_the_journal_is_an_output(shop: Shop) -> None:
    done = shop.run(command="apply", expect_digest="")
    text = Path(done.outputs["journal"]).read_text("utf-8")
    assert len([json.loads(line) for line in text.splitlines()]) == 2


def test_an_unknown_command_is_an_error(shop: Shop) -> None:
    done = shop.run(command="destroy")
    assert done.code == 1
    assert "command must be validate, plan, apply or drift" in done.log


def test_a_project_in_a_folder_is_annotated_from_the_root(shop: Shop) -> None:
    shop.commit({"shop/segments/broken.yaml": "name: Broken\nquerry_dsl: SELECT 1\n"})
    done = shop.run(command="validate", working_directory="shop", key="")
    assert done.code == 1
    assert "::error file=shop/segments/broken.yaml,line=2," in done.log


def test_two_projects_of_a_repository_have_their_own_comments_and_approvals(shop: Shop) -> None:
    other = segment_yaml("Other", query("total_spend > 5"))
    commit = shop.commit({"eu shop/segments/other.yaml": other})
    for _ in range(2):
        top, inner = shop.run(pull=7), shop.run(pull=7, working_directory="eu shop")
    assert [comment.split()[3] for comment in shop.hub.comments_on(7)] == [
        "project=.",
        "project=eu%20shop",
    ]
    assert top.outputs["plan"] != inner.outputs["plan"]
    assert (
        json.loads(Path(top.outputs["plan"]).read_text("utf-8"))["digest"]
        in shop.hub.comments_on(7)[0]
    )
    shop.merge(commit)
    assert shop.run(command="apply", working_directory="eu shop").code == 0
    assert set(shop.remote.definitions()) == {"Other"}
    assert shop.run(command="apply").code == 0
    assert set(shop.remote.definitions()) == {"Other", "VIP"}
    # An error in one project is reported in the comment of that project.
    shop.commit({"eu shop/segments/other.yaml": "name: Other\n"})
    assert shop.run(pull=7, working_directory="eu shop").code == 1
    assert "could not make a plan" in shop.hub.comments_on(7)[1]
    assert "could not make a plan" not in shop.hub.comments_on(7)[0]


def test_a_missing_approval_is_an_annotation(shop: Shop) -> None:
    done = shop.run(command="apply")
    annotation = re.search(r"^::error title=segctl::this commit does not", done.log, re.MULTILINE)
    assert annotation, done.log
    assert done.log[: annotation.start()].rstrip().endswith("::")
    assert "::error" not in done.summary


def test_a_refusal_with_a_long_plan_refers_to_the_summary(shop: Shop) -> None:
    assert shop.run(pull=7).code == 0
    text = query("country = 'one of those far away' OR city = 'a little town'")
    commit = shop.commit(
        {
            f"segments/{number}.yaml": segment_yaml(f"Segment {number}", text)
            for number in range(150)
        }
    )
    shop.merge(commit)
    done = shop.run(command="apply")
    assert done.code == 3, done.log
    report = shop.hub.comments_on(7)[1]
    assert "The job summary shows it" in report
    assert report.count("<details>") == report.count("</details>")
    assert "151 to create" in done.summary
    assert len(done.summary.encode()) < 1 << 20


def test_arguments_can_span_several_lines(shop: Shop) -> None:
    done = shop.run(arguments="--only\nV*\n--detailed-exitcode\n")
    assert (done.code, done.outputs["changes"]) == (2, "true"), done.log


def test_the_summary_has_the_findings_of_validate(shop: Shop) -> None:
    shop.commit({"segments/broken.yaml": "name: '##[error]Broken'\nquerry_dsl: SELECT 1\n"})
    done = shop.run(pull=7, key="", command="validate")
    assert "unknown key <code>querry_dsl</code>" in done.summary
    assert shop.hub.requests == []
    # The runner executes no command in segctl's output, which quotes lines of the files.
    parts = done.log.split("::stop-commands::")
    for part in parts[1:]:
        token, _, rest = part.partition("\n")
        assert "##[error]" not in rest.partition(f"::{token}::")[2]


def test_validate_runs_the_tests_of_the_segments(shop: Shop) -> None:
    pytest.importorskip("duckdb")
    case = "  - name: %s\n    contact: { total_spend: %s }\n    expect: in\n"
    text = segment_yaml("VIP", query("total_spend > 500")) + "tests:\n" + case % ("rich", 501)
    shop.commit({"segments/vip.yaml": text})
    fine = shop.run(key="", command="validate")
    assert fine.code == 0, fine.log
    assert "1 test: 1 passed, 0 failed." in fine.summary
    shop.commit({"segments/vip.yaml": text + case % ("poor", 5)})
    broken = shop.run(key="", command="validate")
    assert broken.code == 1
    assert "`VIP`: poor: expected in, got out%0Afalse: total_spend > 500" in broken.log
    assert re.search(r"^::error file=segments/vip\.yaml,line=\d+,", broken.log, re.MULTILINE)
    assert "2 tests: 1 passed, 1 failed." in broken.summary


def test_the_scripts_use_only_features_of_bash_3_2() -> None:
    for script in ACTION.glob("*.sh"):
        text = script.read_text("utf-8")
        # Before bash 4.4 an empty array is unset, and `set -u` ends the script.
        for name in re.findall(r"(?<![+])\"\$\{(\w+)\[@\]\}\"", text):
            assert re.search(rf"^ *{name}=\([^)]", text, re.MULTILINE), f"{script.name}: {name}"
        assert not re.search(r"mapfile|readarray|declare -A|\$\{\w+(,,|\^\^)|>\(", text), (
            script.name
        )
