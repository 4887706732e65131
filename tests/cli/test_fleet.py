"""Several targets at once: planned and applied together, each as it would be alone."""

from __future__ import annotations

import json
import re
import signal
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from segctl.emulator import Emulator, serve
from segctl.planfile.loading import load_saved
from segctl.planfile.to_json import checksum
from tests.support.account import KEY, TEST_SETTINGS, Remote
from tests.support.builders import query, segment_yaml
from tests.support.clock import FakeClock
from tests.support.process import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.project import Project, Result

TARGETS = ("shop-eu", "shop-us", "shop-de")
VIP, CZECH = query("total_spend > 500"), query("country = 'CZ'")
SETTINGS = """\
version: 1
ownership: declared
targets:
  shop-eu: {api_key_env: SENDGRID_KEY_EU}
  shop-us: {api_key_env: SENDGRID_KEY_US}
  shop-de: {api_key_env: SENDGRID_KEY_DE}
groups:
  shops: [shop-eu, shop-us, shop-de]
  europe: [shop-eu, shop-de]
"""


@pytest.fixture
def accounts() -> Iterator[dict[str, Remote]]:
    """An account on a socket for each target, with a segment that its file changes."""
    with ExitStack() as stack:
        remotes = {}
        for target in TARGETS:
            clock = FakeClock()
            emulator = stack.enter_context(Emulator(None, TEST_SETTINGS, now=clock))
            emulator.console.add_field("total_spend", "Number")
            emulator.console.create("VIP", CZECH, contacts_count=7)
            remotes[target] = Remote(emulator, clock, stack.enter_context(serve(emulator)).url)
        yield remotes


@pytest.fixture
def fleet(project: Project, accounts: dict[str, Remote]) -> Project:
    """A project of three targets, whose two files patch a segment and create one in each."""
    project.write({"segctl.yaml": SETTINGS})
    project.declare("VIP", VIP, extra="adopt: true\n")
    project.declare("Czech", CZECH)
    for target, remote in accounts.items():
        name = target.upper().replace("-", "_")
        project.env[f"SEGCTL_BASE_URL_{name}"] = remote.url
        project.env[f"SENDGRID_KEY_{name[-2:]}"] = KEY
    return project


def names(remote: Remote) -> set[str]:
    return set(remote.definitions())


def writes(*remotes: Remote) -> list[str]:
    return [
        request.method
        for remote in remotes
        for request in remote.emulator.log
        if request.method != "GET"
    ]


def apply(fleet: Project, *options: str) -> Result:
    return fleet.run("--target", "shops", "apply", "--auto-approve", *options)


def table(text: str) -> dict[str, str]:
    """Return the results in the table of targets."""
    rows = text.split("\n\n", maxsplit=1)[0].splitlines()[1:]
    return {row.split()[0]: row.split(maxsplit=6)[-1] for row in rows}


# Plans


def test_a_plan_has_a_table_and_a_part_for_each_target(fleet: Project) -> None:
    result = fleet.run("--target", "shops", "plan")

    assert (result.code, result.err) == (0, "")
    assert table(result.out) == dict.fromkeys(TARGETS, "changes")
    assert [line for line in result.out.splitlines() if line.startswith("Target ")] == [
        f"Target {target}" for target in TARGETS
    ]
    assert result.out.endswith(
        "Plan for shops, 3 of 3 targets: 3 to create, 3 to patch, 0 to replace, 0 to delete.\n"
    )


def test_the_order_and_the_choice_of_targets_are_those_of_the_group(fleet: Project) -> None:
    for argv, env, expected in (
        (("--target", "europe", "plan"), {}, ["shop-eu", "shop-de"]),
        (("plan",), {"SEGCTL_TARGET": "europe"}, ["shop-eu", "shop-de"]),
        (("plan", "--all-targets"), {"SEGCTL_TARGET": "europe"}, list(TARGETS)),
    ):
        document = json.loads(fleet.run(*argv, "--format", "json", **env).out)
        assert [entry["name"] for entry in document["targets"]] == expected
    assert document["group"] is None


def test_a_definition_that_is_the_same_in_several_targets_is_shown_once(fleet: Project) -> None:
    text = fleet.run("--target", "shops", "plan").out

    assert text.count("+ SELECT contact_id") == 1
    assert text.count("the same definition as for shop-eu, above") == 4
    # What is each account's own is not left out.
    assert text.count("7 contacts now by SendGrid's count") == 3


@pytest.mark.parametrize("difference", ["query", "name of a list"])
def test_a_definition_that_differs_in_anything_is_shown(
    fleet: Project, accounts: dict[str, Remote], difference: str
) -> None:
    list_id = "0b1f4a10-5c1d-4a6e-9f02-000000000001"
    (fleet.root / "segments/czech.yaml").unlink()
    fleet.declare("New", query(f"array_contains(list_ids, ['{list_id}'])"))
    for target, remote in accounts.items():
        is_other = target == "shop-us"
        name = "Other" if is_other and difference == "name of a list" else "Newsletter"
        remote.emulator.console.add_list(name, id=list_id)
        if is_other and difference == "query":
            (segment,) = remote.emulator.console.segments()
            remote.emulator.console.edit(segment.id, query=query("country = 'SK'"))

    first, second, third = fleet.run("--target", "shops", "plan").out.split("Target ")[1:]

    # One change differs in the second target, and is shown there in full.
    assert "the same definition" not in first
    assert second.count("the same definition as for shop-eu") == 1
    assert ("Other" in second) is (difference == "name of a list")
    assert third.count("the same definition as for shop-eu") == 2


def test_an_account_that_fails_leaves_the_other_plans_true(
    fleet: Project, accounts: dict[str, Remote]
) -> None:
    accounts["shop-us"].emulator.faults.add("GET * 403 always")

    result = fleet.run("--target", "shops", "plan")
    document = json.loads(fleet.run("--target", "shops", "plan", "--format", "json").out)

    assert result.code == 1
    assert (
        "shop-us       ?      ?        ?       ?          ?  failed: could not list" in result.out
    )
    assert "Target shop-eu" in result.out
    assert "Target shop-de" in result.out
    assert "(in shop-us)" in result.out
    assert "1 failed among 3 targets of shops: nothing can be applied to any." in result.out
    failed = document["targets"][1]
    assert failed["plan"] is None
    assert failed["failure"]["exit_code"] == 1
    assert [problem["code"] for problem in failed["failure"]["diagnostics"]] == ["forbidden"]
    assert document["summary"]["failed"] == 1
    alone = json.loads(fleet.run("--target", "shop-eu", "plan", "--format", "json").out)
    assert document["targets"][0]["plan"] == alone


def test_a_target_without_a_key_fails_alone(fleet: Project) -> None:
    result = fleet.run("--target", "shops", "plan", SENDGRID_KEY_DE="")

    assert result.code == 1
    assert "failed: no API key for the target `shop-de`: SENDGRID_KEY_DE is empty" in result.out
    assert result.out.count("Target ") == 2


def test_a_refused_plan_is_shown_with_its_reason(
    fleet: Project, accounts: dict[str, Remote]
) -> None:
    accounts["shop-us"].emulator.console.create("Third", VIP)
    fleet.edit(
        "segctl.yaml", "ownership: declared", "limits: {max_segments: 2}\nownership: declared"
    )

    result = fleet.run("--target", "shops", "plan")

    assert result.code == 3
    assert "refused: over-the-cap" in result.out
    assert table(result.out)["shop-eu"] == "changes"


def test_an_error_wins_over_a_refusal(fleet: Project, accounts: dict[str, Remote]) -> None:
    accounts["shop-us"].emulator.console.create("Third", VIP)
    fleet.edit(
        "segctl.yaml", "ownership: declared", "limits: {max_segments: 2}\nownership: declared"
    )

    assert fleet.run("--target", "shops", "plan", SENDGRID_KEY_DE="").code == 1


def test_errors_of_the_files_are_reported_once(fleet: Project) -> None:
    fleet.edit("segments/czech.yaml", "country", "countri")

    result = fleet.run("--target", "shops", "plan")
    assert result.code == 1
    assert result.out.count("error[") == 1

    fleet.write({"segments/czech.yaml": "name: [\n"})
    result = fleet.run("--target", "shops", "plan")
    assert result.code == 1
    assert result.out.count("error[") == 1


def test_two_targets_of_one_account_are_an_error(
    fleet: Project, accounts: dict[str, Remote]
) -> None:
    url = accounts["shop-eu"].url
    by_key = fleet.run("--target", "shops", "plan", SEGCTL_BASE_URL_SHOP_DE=url)
    # Another key of the same account shows only in what the account has.
    other = KEY.replace("aa", "cc")
    by_segment = fleet.run(
        "--target", "shops", "plan", SEGCTL_BASE_URL_SHOP_DE=url, SENDGRID_KEY_DE=other
    )

    for result in (by_key, by_segment):
        assert result.code == 1
        assert "the targets `shop-eu` and `shop-de` are the same account" in result.err
        assert result.out == ""
    assert not accounts["shop-us"].emulator.log or writes(*accounts.values()) == []


def test_detailed_exit_codes_and_a_second_plan(fleet: Project) -> None:
    assert fleet.run("--target", "shops", "plan", "--detailed-exitcode").code == 2
    assert apply(fleet).code == 0

    second = fleet.run("--target", "shops", "plan", "--detailed-exitcode")
    assert second.code == 0
    assert second.out.endswith("No changes. 6 segments of 3 targets match the files.\n")
    assert "Target " not in second.out


def test_only_may_pick_what_one_target_has(fleet: Project) -> None:
    result = fleet.run("--target", "shops", "plan", "--only", "VIP")
    assert result.out.endswith("3 to patch, 0 to replace, 0 to delete.\n")

    result = fleet.run("--target", "shops", "plan", "--only", "VIPP")
    assert result.code == 1
    assert "--only `VIPP` matches no segment" in result.err
    assert "VIP" in result.err


def test_commands_for_one_account_name_the_targets_of_a_group(fleet: Project) -> None:
    result = fleet.run("--target", "shops", "list")
    assert result.code == 1
    assert "`shops` is a group, and this command works on one target" in result.err
    assert "shop-eu, shop-us, shop-de" in result.err

    contradiction = fleet.run("--target", "shops", "plan", "--all-targets")
    assert "--all-targets contradicts --target" in contradiction.err


@pytest.mark.parametrize("command", ["render", "explain", "policy", "owners", "history"])
def test_commands_without_an_account_refuse_a_group_as_well(fleet: Project, command: str) -> None:
    for arguments, env in ((("--target", "shops"), {}), ((), {"SEGCTL_TARGET": "shops"})):
        result = fleet.run(*arguments, command, **env)
        assert result.code == 1
        assert "`shops` is a group, and this command works on one target" in result.err


@pytest.mark.parametrize("command", ["plan", "validate", "lint", "render", "test", "history"])
def test_a_misspelt_target_is_the_only_error(fleet: Project, command: str) -> None:
    fleet.write({"segments/vip.yaml": segment_yaml("VIP ${brand}", "SELECT @nothing")})
    result = fleet.run("--target", "shopz", command)
    assert result.code == 1
    assert "target `shopz` not found" in result.err
    assert "did you mean `shops`?" in result.err
    assert "unknown-name" not in result.out + result.err


@pytest.mark.parametrize("format_name", ["json", "markdown", "github", "sarif", "html"])
def test_every_format_names_every_target(fleet: Project, format_name: str) -> None:
    result = fleet.run("--target", "shops", "plan", "--format", format_name, SENDGRID_KEY_DE="")

    assert result.code == 1
    # An alert of SARIF has a place in a file, which only warnings of every target have here.
    for target in TARGETS if format_name != "sarif" else ():
        assert target in result.out
    assert KEY not in result.out
    saved = fleet.root / "plan.json"
    fleet.run("--target", "shops", "plan", "--out", str(saved), SENDGRID_KEY_DE="")
    shown = fleet.run("show", str(saved), "--format", format_name)
    assert shown.out == re.sub(r'\n *"requests": \d+,', "", result.out)


def test_a_comment_of_many_targets_fits(fleet: Project, accounts: dict[str, Remote]) -> None:
    for number in range(120):
        fleet.declare(
            f"Segment {number}", query(f"total_spend > {number} AND city = '{'x' * 400}'")
        )

    text = fleet.run("--target", "shops", "plan", "--format", "markdown").out

    assert len(text.encode()) < 65_536
    for target in TARGETS:
        assert f"<h4>Target <code>{target}</code></h4>" in text
    assert text.startswith("<!-- segctl:plan target=shops ")
    assert "shortened to a line" in text


# Saved plans and applies


@pytest.fixture
def plan(fleet: Project) -> Path:
    """The saved plan of the group."""
    path = fleet.root / "plan.json"
    assert fleet.run("--target", "shops", "plan", "--out", str(path)).code == 0
    return path


def test_a_saved_plan_follows_its_schema_and_is_applied(
    fleet: Project, accounts: dict[str, Remote], plan: Path
) -> None:
    document = json.loads(plan.read_text("utf-8"))
    schema = json.loads((REPOSITORY / "schemas/fleet-plan.schema.json").read_text("utf-8"))
    Draft202012Validator(schema).validate(document)

    result = apply(fleet, str(plan), "--format", "json", "--journal", str(fleet.root / "j.ndjson"))

    assert result.code == 0
    report = json.loads(result.out)
    schema = json.loads((REPOSITORY / "schemas/fleet-report.schema.json").read_text("utf-8"))
    Draft202012Validator(schema).validate(report)
    assert report["complete"]
    assert report["plan_digest"] == document["digest"]
    assert [entry["name"] for entry in report["targets"]] == list(TARGETS)
    assert all(names(remote) == {"VIP", "Czech"} for remote in accounts.values())
    lines = [json.loads(line) for line in (fleet.root / "j.ndjson").read_text().splitlines()]
    by_target = {line["by"]["target"]["name"] for line in lines if "by" in line}
    assert by_target == set(TARGETS)
    digests = {entry["plan"]["digest"] for entry in document["targets"]}
    assert {line["by"]["plan"] for line in lines if "by" in line} == digests
    again = apply(fleet, str(plan))
    assert again.code == 3
    assert "nothing is left to do" in again.err


def test_the_digest_of_all_approves_all(fleet: Project, accounts: dict[str, Remote]) -> None:
    document = json.loads(fleet.run("--target", "shops", "plan", "--format", "json").out)
    part = document["targets"][0]["plan"]["digest"]

    wrong = apply(fleet, "--expect-digest", part)
    assert wrong.code == 3
    assert "the digest of the plan must be" in wrong.err
    assert writes(*accounts.values()) == []
    assert apply(fleet, "--expect-digest", document["digest"][:32]).code == 0


def test_one_stale_target_holds_all(
    fleet: Project, accounts: dict[str, Remote], plan: Path
) -> None:
    console = accounts["shop-us"].emulator.console
    (segment,) = console.segments()
    console.edit(segment.id, query=query("country = 'SK'"))

    result = apply(fleet, str(plan))

    assert result.code == 3
    assert "shop-us: the query of `VIP` changed on the account" in result.err
    assert "nothing was changed on any target" in result.err
    assert writes(*accounts.values()) == []


def test_a_saved_plan_is_for_its_targets_alone(
    fleet: Project, accounts: dict[str, Remote], plan: Path
) -> None:
    one = fleet.root / "one.json"
    fleet.run("--target", "shop-eu", "plan", "--out", str(one))

    for argv, words in (
        (("--target", "europe", "apply", str(plan)), "is for shop-eu, shop-us, shop-de, but this"),
        (("--target", "shop-eu", "apply", str(plan)), "is for shops, but this is for the target"),
        (("--target", "shops", "apply", str(one)), "for the target `shop-eu` alone"),
    ):
        result = fleet.run(*argv, "--auto-approve")
        assert result.code == 3, result.err
        assert words in result.err
    assert writes(*accounts.values()) == []


def edited(plan: Path, part: str) -> None:
    document: Any = json.loads(plan.read_text("utf-8"))
    targets = document["targets"]
    match part:
        case "query":
            targets[0]["plan"]["changes"][0]["after"]["query_dsl"] = query("city = 'x'")
        case "query and checksum":
            targets[0]["plan"]["changes"][0]["after"]["query_dsl"] = query("city = 'x'")
            targets[0]["plan"]["checksum"] = checksum(targets[0]["plan"])
        case "a target left out":
            del targets[1]
        case "targets exchanged":
            targets[0]["plan"], targets[1]["plan"] = targets[1]["plan"], targets[0]["plan"]
        case "name":
            targets[0]["name"] = "shop-xx"
        case "failure":
            targets[0] |= {"plan": None, "failure": None}
        case "not a plan":
            targets[0]["plan"] = {"checksum": "x"}
        case "group":
            document["group"] = "europe"
    plan.write_text(json.dumps(document), "utf-8")


@pytest.mark.parametrize(
    "part",
    [
        *("query", "query and checksum", "a target left out", "targets exchanged", "name"),
        *("failure", "not a plan", "group"),
    ],
)
def test_an_edited_plan_is_refused(
    fleet: Project, accounts: dict[str, Remote], plan: Path, part: str
) -> None:
    edited(plan, part)

    result = apply(fleet, str(plan))

    assert result.code == 1
    assert "error[" in result.err
    assert writes(*accounts.values()) == []


def test_targets_that_were_exchanged_are_found_even_with_checksums(plan: Path) -> None:
    data = plan.read_bytes()
    saved = load_saved(data, "plan.json")
    assert [part.target for part in saved.fleet.parts] == list(TARGETS)  # type: ignore[union-attr]


def test_one_refused_or_failed_target_holds_all(
    fleet: Project, accounts: dict[str, Remote]
) -> None:
    failed = fleet.run("--target", "shops", "apply", "--auto-approve", SENDGRID_KEY_DE="")
    assert failed.code == 1
    assert writes(*accounts.values()) == []

    accounts["shop-us"].emulator.console.create("Third", VIP)
    fleet.edit(
        "segctl.yaml", "ownership: declared", "limits: {max_segments: 2}\nownership: declared"
    )
    refused = apply(fleet)
    assert refused.code == 3
    assert "shop-us cannot be applied, so nothing was changed on any target" in refused.err
    assert writes(*accounts.values()) == []
    # The others can be applied by themselves.
    assert fleet.run("--target", "europe", "apply", "--auto-approve").code == 0


@pytest.mark.parametrize("fault", ["POST * 403 always", "POST * 500 after always"])
def test_an_account_that_fails_during_the_apply_holds_no_other(
    fleet: Project, accounts: dict[str, Remote], fault: str
) -> None:
    accounts["shop-eu"].emulator.faults.add(fault, "PATCH * 500 always")

    result = apply(fleet)

    assert result.code == 4
    assert "Partially applied to shops: 2 of 3 targets match the files." in result.out
    assert names(accounts["shop-us"]) == names(accounts["shop-de"]) == {"VIP", "Czech"}
    accounts["shop-eu"].emulator.faults.clear()
    assert apply(fleet).code == 0


def test_stop_on_failure_begins_no_further_target(
    fleet: Project, accounts: dict[str, Remote]
) -> None:
    accounts["shop-eu"].emulator.faults.add("!GET * 403 always")

    result = apply(fleet, "--stop-on-failure", "--format", "json")

    assert result.code == 1
    report = json.loads(result.out)
    begun, *others = report["targets"]
    assert begun["report"]["summary"]["failed"] == 2
    for entry in others:
        statuses = {outcome["status"] for outcome in entry["report"]["outcomes"]}
        assert statuses == {"not_attempted"}
        messages = {outcome["message"] for outcome in entry["report"]["outcomes"]}
        assert messages == {"`shop-eu` failed before; nothing was sent"}
    assert writes(accounts["shop-us"], accounts["shop-de"]) == []
    assert "not begun" in apply(fleet, "--stop-on-failure").out


def test_stop_on_failure_is_for_several_targets(fleet: Project) -> None:
    result = fleet.run("--target", "shop-eu", "apply", "--stop-on-failure")
    assert result.code == 1
    assert "for several targets" in result.err


def test_what_is_said_of_a_target_names_it(fleet: Project, accounts: dict[str, Remote]) -> None:
    accounts["shop-us"].emulator.faults.add("GET /v3/marketing/segments/2.0 503 #1")

    result = apply(fleet)

    assert result.code == 0
    lines = result.err.splitlines()
    assert all(line.split(":")[0] in TARGETS for line in lines)
    assert any(line.startswith("shop-us: could not list") or "attempt" in line for line in lines)
    assert "shop-de: create Czech …" in lines


def test_without_a_terminal_nothing_is_asked(fleet: Project, accounts: dict[str, Remote]) -> None:
    result = fleet.run("--target", "shops", "apply")
    assert result.code == 3
    assert "cannot ask for approval" in result.err
    assert writes(*accounts.values()) == []


def test_ctrl_c_stops_every_target(
    fleet: Project, accounts: dict[str, Remote], monkeypatch: pytest.MonkeyPatch
) -> None:
    began = threading.Event()
    respond = accounts["shop-us"].emulator.handle

    def handle(method: str, *rest: Any) -> Any:
        if method == "POST" and not began.is_set():
            began.set()
            signal.raise_signal(signal.SIGINT)
        return respond(method, *rest)

    monkeypatch.setattr(accounts["shop-us"].emulator, "handle", handle)

    result = apply(fleet, "--stop-on-failure", "--parallelism", "1")

    assert began.is_set()
    assert result.code == 130
    assert "Interrupted" in result.out
    assert names(accounts["shop-de"]) == {"VIP"}


# Drift


def test_drift_of_several_targets_is_one_table_and_a_part_for_each(
    fleet: Project, accounts: dict[str, Remote]
) -> None:
    assert apply(fleet).code == 0
    assert fleet.run("--target", "shops", "drift", "--detailed-exitcode").code == 0
    console = accounts["shop-us"].emulator.console
    console.edit(console.segments()[0].id, query=query("country = 'SK'"))

    result = fleet.run("--target", "shops", "drift", "--detailed-exitcode")

    assert result.code == 2
    rows = [line.split() for line in result.out.splitlines()[1:4]]
    assert [(row[0], row[1], row[-1]) for row in rows] == [
        ("shop-eu", "0", "drift"),
        ("shop-us", "1", "drift"),
        ("shop-de", "0", "drift"),
    ]
    assert result.out.count("no drift") == 2
    assert result.out.count("Target ") == 1
    assert result.out.endswith("Drift on shops, 1 of 3 targets: 1 segment.\n")


@pytest.mark.parametrize("format_name", ["json", "markdown", "github", "html", "text"])
def test_drift_of_an_account_that_fails_is_not_known(fleet: Project, format_name: str) -> None:
    assert apply(fleet).code == 0

    result = fleet.run("--target", "shops", "drift", "--format", format_name, SENDGRID_KEY_DE="")

    assert result.code == 1
    assert "no API key for the target" in result.out
    if format_name == "json":
        document = json.loads(result.out)
        assert [entry["drift"] is None for entry in document["targets"]] == [False, False, True]
    if format_name == "text":
        assert result.out.endswith("No drift on shops, 2 of 3 targets. 1 failed.\n")


# Checks offline

VALUES = """\
version: 1
values: {least: 100}
default_target: shop-eu
targets:
  shop-eu: {api_key_env: SENDGRID_KEY_EU}
  shop-us: {api_key_env: SENDGRID_KEY_US, values: {least: "a lot"}}
  shop-de: {api_key_env: SENDGRID_KEY_DE}
groups:
  europe: [shop-eu, shop-de]
"""


def test_what_is_wrong_in_one_target_alone_is_found_before_the_merge(project: Project) -> None:
    project.write({"segctl.yaml": VALUES})
    project.declare("VIP", query("first_name = @least OR last_name = 3"))
    for command in ("validate", "lint"):
        result = project.run(command)
        assert result.code == 0
        assert result.out == "1 segment in segments/: valid, 2 warnings.\n"
        # What every target has is reported once, and names none.
        assert result.err.count("warning[") == 2
        assert result.err.count("(in ") == result.err.count("(in shop-eu, shop-de)") == 1

    for argv, warnings in (
        (("--target", "europe"), 2),
        (("--target", "shop-us"), 1),
        (("--target", "shop-eu"), 2),
    ):
        result = project.run(*argv, "validate")
        assert (result.err.count("warning["), result.err.count("(in ")) == (warnings, 0)
    assert project.run("validate", SEGCTL_TARGET="shop-us").err.count("warning[") == 1


def test_a_missing_account_file_names_the_target_that_lacks_it(project: Project) -> None:
    account = 'target: {}\npulled_at: "2026-07-15T00:00:00Z"\nlists: {{{}: Newsletter}}\n'
    list_id = "0b1f4a10-5c1d-4a6e-9f02-000000000001"
    project.write(
        {
            "segctl.yaml": VALUES,
            **{
                f"segments/accounts/{target}.yaml": account.format(target, list_id)
                for target in ("shop-eu", "shop-us")
            },
        }
    )
    project.declare("VIP", query("array_contains(list_ids, [@list('Newsletter')])"))

    result = project.run("validate")

    assert result.code == 1
    assert "(in shop-de)" in result.err
    assert "`segctl --target shop-de account pull`" in result.err


TESTED = """\
name: VIP
query_dsl: SELECT contact_id, updated_at FROM contact_data WHERE first_name = @least
tests:
  - name: a hundred
    contact: {first_name: "100"}
    expect: in
  - name: nobody
    contact: {first_name: nobody}
    expect: out
"""


def test_the_tests_of_segments_run_for_each_target_of_a_group(project: Project) -> None:
    values = VALUES.replace("values: {least: 100}", 'values: {least: "100"}')
    project.write({"segctl.yaml": values.replace("[shop-eu, shop-de]", "[shop-eu, shop-us]")})
    project.write({"segments/vip.yaml": TESTED})

    assert project.run("test").code == 0
    result = project.run("--target", "europe", "test")

    assert result.code == 1
    assert "VIP (in shop-us)" in result.out
    assert result.out.count("nobody") <= 1
    assert project.run("--target", "europe", "test", "VIPP").code == 1
    assert project.run("--target", "shop-eu", "explain").code == 0
