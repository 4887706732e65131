"""`segctl diff`: what differs between the accounts of two targets, by names instead of ids."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.builders import ALL, query, segment_yaml
from tests.support.targets import SETTINGS, Targets, three_accounts

if TYPE_CHECKING:
    from tests.support.account import Remote
    from tests.support.project import Project, Result

SEGMENTS = "GET /v3/marketing/segments/2.0"
LISTS = "GET /v3/marketing/lists"
SENDS = "GET /v3/marketing/singlesends"
BUYERS = """\
name: Buyers
parent_list: Newsletter
query_dsl: |
  SELECT contact_id, updated_at FROM contact_data
  WHERE NOT array_contains(list_ids, [@list('Blocked')]) AND spend > 5
"""
OPENED = (
    "SELECT c.contact_id, c.updated_at FROM contact_data c JOIN event_data e "
    "ON c.contact_id = e.contact_id WHERE e.event_type = 'open' "
    "AND e.DATA:payload.unique_args.singlesend_id = @single_send('Spring')"
)
FILE = "segments/buyers.yaml"


@pytest.fixture
def targets(project: Project, remote: Remote) -> Targets:
    targets = three_accounts(project, remote)
    project.write({FILE: BUYERS})
    return targets


def diff(targets: Targets, *argv: str) -> Result:
    targets.wait()
    pair = ["diff", "--from", "staging", "--to", "production"]
    return targets.project.run(*pair, "--detailed-exitcode", *argv)


def as_json(targets: Targets, *argv: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(diff(targets, "--format", "json", *argv).out)
    return document


def apply_both(targets: Targets) -> None:
    for target in ("staging", "production"):
        result = targets.apply(target)
        assert result.code == 0, result.out + result.err


def test_ids_of_lists_and_single_sends_with_one_name_are_no_difference(targets: Targets) -> None:
    targets.project.declare("Opened", OPENED)
    apply_both(targets)
    first, second = (
        {segment.query for segment in targets.console(name).segments()}
        for name in ("staging", "production")
    )
    assert first.isdisjoint(second)
    shown = diff(targets)
    assert shown.out == ("No differences between staging and production. 2 segments the same.\n")
    assert shown.code == 0


def test_what_production_lacks_is_shown_under_the_names_of_the_targets(targets: Targets) -> None:
    apply_both(targets)
    targets.project.edit(FILE, "spend > 5", "spend > 50 AND city = 'Brno'")
    assert targets.apply("staging").code == 0
    shown = diff(targets)
    assert shown.code == 2
    assert shown.out == (
        "  differs  Buyers\n"
        "      segments/buyers.yaml:1:7, production is not as the files declare\n"
        "      staging     spend > 50\n"
        "      production  spend > 5\n"
        "      staging     city = 'Brno'\n"
        "      production  (none)\n"
        "1 difference between staging and production. 0 segments the same.\n"
    )
    apply_both(targets)
    assert diff(targets).code == 0


def test_an_edit_by_hand_names_the_account(targets: Targets) -> None:
    apply_both(targets)
    targets.edit("staging", "Buyers", query("spend > 6"))
    assert "staging is not as the files declare" in diff(targets).out
    targets.edit("production", "Buyers", query("spend > 7"))
    assert "neither account is as the files declare" in diff(targets).out


def test_another_list_is_a_difference_by_its_name(targets: Targets) -> None:
    apply_both(targets)
    targets.project.edit(FILE, "parent_list: Newsletter", "parent_list: Blocked")
    targets.project.edit(FILE, "@list('Blocked')", "@list('Newsletter')")
    targets.project.edit(FILE, "name: Buyers", "name: Buyers\nallow_replace: true")
    targets.project.write({"segctl.yaml": SETTINGS + "limits: {max_destroy: 1}\n"})
    applied = targets.apply("staging", "--ignore-references", "Buyers")
    assert applied.code == 0, applied.out + applied.err
    shown = diff(targets).out
    assert "      staging     parent list @list('Blocked')\n" in shown
    assert "      production  parent list @list('Newsletter')\n" in shown
    assert "staging     NOT array_contains(list_ids, [@list('Newsletter')])\n" in shown
    assert "production  NOT array_contains(list_ids, [@list('Blocked')])\n" in shown


def test_a_name_of_two_lists_stands_for_neither(targets: Targets) -> None:
    apply_both(targets)
    targets.console("production").add_list("Blocked")
    (difference,) = as_json(targets)["differences"]
    assert difference["changed_fields"] == ["query_dsl"]
    assert "@list('Blocked')" in difference["from"]["definition"]["query_dsl"]
    assert "@list" not in difference["to"]["definition"]["query_dsl"]


def test_a_name_that_is_personal_data_is_not_shown(targets: Targets) -> None:
    for target in ("staging", "production"):
        console = targets.console(target)
        list_id = console.add_list("ann@example.com")
        console.create("Private", query(f"array_contains(list_ids, ['{list_id}'])"))
    for shown in (diff(targets, "--all"), diff(targets, "--all", "--format", "json")):
        assert shown.code == 2
        assert "array_contains(list_ids, ['" in shown.out
        assert "ann@" not in shown.out


def test_a_reference_that_an_account_holds_as_text_is_no_name(targets: Targets) -> None:
    apply_both(targets)
    text = "NOT array_contains(list_ids, [@list('Blocked')]) AND spend > 5"
    targets.edit("staging", "Buyers", query(text))
    assert diff(targets).code == 2


def test_values_of_a_target_are_no_difference_to_promote(targets: Targets) -> None:
    targets.project.edit(FILE, "spend > 5", "spend > @floor")
    apply_both(targets)
    shown = diff(targets)
    assert shown.out == (
        "No differences between staging and production. 0 segments the same, "
        "1 differs as the files declare (-v shows them).\n"
    )
    assert shown.code == 0
    verbose = diff(targets, "-v").out
    assert "segments/buyers.yaml:1:7, as the files declare\n" in verbose
    assert "      staging     spend > 10\n      production  spend > 100\n" in verbose

    targets.project.edit(FILE, "spend > @floor", "spend > @floor AND city = 'Brno'")
    assert targets.apply("staging").code == 0
    shown = diff(targets)
    assert shown.code == 2
    assert "      staging     city = 'Brno'\n      production  (none)\n" in shown.out
    assert "spend" not in shown.out
    (difference,) = as_json(targets)["differences"]
    assert (difference["declared"], len(difference["clauses"])) == (False, 1)
    assert (difference["from"]["as_declared"], difference["to"]["as_declared"]) == (True, False)


def test_segments_that_one_account_lacks(targets: Targets) -> None:
    apply_both(targets)
    targets.project.declare("New", query("spend > 1"))
    assert targets.apply("staging").code == 0
    targets.console("production").create("By hand", ALL)
    targets.console("staging").create("Mine", ALL)
    shown = diff(targets)
    assert shown.code == 2
    assert "  missing  New\n      segments/new.yaml:1:7, production lacks it" in shown.out
    assert "By hand" not in shown.out
    assert "Not compared, since no file declares them: 1 segment on staging, 1 on production" in (
        shown.out
    )
    everything = diff(targets, "--all").out
    assert "  extra    By hand\n      staging lacks it, no file declares it\n" in everything
    assert "  missing  Mine\n      production lacks it, no file declares it\n" in everything
    assert "Not compared" not in everything


def test_instances_and_segments_of_one_target_alone(targets: Targets) -> None:
    matrix = (
        "name: ${brand} ${stage}\nfor_each: {brand: [acme, globex]}\n"
        "targets:\n  staging: {values: {stage: trial}}\n  production: {values: {stage: air}}\n"
        f"query_dsl: {query('city = @brand')}\n"
    )
    targets.project.write({FILE: matrix})
    alone = segment_yaml("Alone", query("spend > 1"), extra="targets: [production]\n")
    targets.project.write({"segments/alone.yaml": alone})
    apply_both(targets)
    shown = diff(targets, "-v")
    assert shown.code == 0
    assert "segments/alone.yaml:1:7, staging lacks it, as the files declare\n" in shown.out
    assert "segments/buyers.yaml:1:7 [acme], as the files declare\n" in shown.out
    assert "      staging     name acme trial\n      production  name acme air\n" in shown.out
    targets.edit("production", "globex air", query("city = 'globex' AND spend > 1"))
    (difference,) = [item for item in as_json(targets)["differences"] if not item["declared"]]
    assert difference["source"]["instance"] == "globex"
    assert difference["changed_fields"] == ["query_dsl"]
    targets.console("staging").create("Alone", query("spend > 1"))
    assert "Alone" not in diff(targets, "--all").out


def test_a_removed_file_that_one_account_still_holds(targets: Targets) -> None:
    apply_both(targets)
    targets.project.write({FILE: "name: Buyers\nremoved: true\n"})
    targets.project.write({"segctl.yaml": SETTINGS + "limits: {allow_destroy: 1}\n"})
    assert targets.apply("staging").code == 0
    shown = diff(targets)
    assert shown.code == 2
    assert "  extra    Buyers\n      staging lacks it, its file was removed\n" in shown.out


def test_undeclared_segments_of_one_name_are_compared_on_request(targets: Targets) -> None:
    apply_both(targets)
    targets.console("staging").create("By hand", query("spend > 1"))
    targets.console("production").create("By hand", query("spend > 2"))
    shown = diff(targets, "--all")
    assert "      staging     spend > 1\n      production  spend > 2\n" in shown.out
    assert "no file declares it" in shown.out


def test_a_different_verdict_is_a_difference(targets: Targets) -> None:
    odd = query("tier = 'gold'")
    targets.project.declare("Tiered", odd)
    targets.console("production").add_field("tier", "Text")
    for target in ("staging", "production"):
        targets.console(target).create("Tiered", odd)
    shown = diff(targets)
    assert shown.code == 2
    assert "      staging     INVALID: " in shown.out
    assert "      production  VALID\n" in shown.out


@pytest.mark.parametrize("format_name", ["markdown", "github", "sarif", "html"])
def test_every_format_shows_the_differences(targets: Targets, format_name: str) -> None:
    apply_both(targets)
    targets.project.edit(FILE, "spend > 5", "spend > 50")
    assert targets.apply("staging").code == 0
    shown = diff(targets, "--format", format_name)
    assert shown.code == 2
    assert "Buyers" in shown.out
    if format_name in {"markdown", "html"}:
        assert "<code>spend &gt; 50</code>" in shown.out
        assert "production is not as the files declare" in shown.out
    else:
        assert "has a different query_dsl on staging and production" in shown.out


def test_the_targets_come_from_the_project_if_they_are_not_named(targets: Targets) -> None:
    rule = "promote: {production: {after: staging}}\n"
    targets.project.write({"segctl.yaml": SETTINGS + rule})
    assert "between staging and production" in targets.project.run("diff").out
    assert "between dev and production" in targets.project.run("diff", "--from", "dev").out
    found = targets.project.run("--target", "staging", "diff", "--from", "dev")
    assert "between dev and staging" in found.out


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--from", "stagng"], "target `stagng` not found"),
        (["--from", "production"], "--from and --to are both production"),
        ([], "what to compare production with is not known"),
        (["--from", "dev", "--to", "staging", "--target", "production"], "different targets"),
        (["--from", ""], "is empty"),
    ],
)
def test_targets_that_make_no_sense_are_errors(
    targets: Targets, argv: list[str], message: str
) -> None:
    shown = targets.project.run("diff", *argv)
    assert shown.code == 1
    assert message in shown.err
    assert "hint: " in shown.err
    assert targets.requests() == []


@pytest.mark.parametrize(
    ("env", "fault", "code"),
    [
        ({"STAGING_SENDGRID_KEY": ""}, "", 1),
        ({"SHOP_SENDGRID_KEY": "wrong"}, "", 1),
        ({"STAGING_SENDGRID_KEY": "dev"}, "", 3),
        ({}, f"{SEGMENTS} 502 always", 1),
        ({}, f"{SEGMENTS}/* 404 always", 1),
        ({}, f"{LISTS} 403 always", 1),
    ],
)
def test_what_was_not_read_is_never_missing(
    targets: Targets, env: dict[str, str], fault: str, code: int
) -> None:
    apply_both(targets)
    if fault:
        targets.remote.emulator.faults.add(fault)
    pair = ["diff", "--from", "staging", "--to", "production", "--no-cache"]
    shown = targets.project.run(*pair, **env)
    assert shown.code == code, shown.err
    assert shown.out == ""
    assert "error: " in shown.err


def test_the_requests_of_a_comparison(targets: Targets) -> None:
    for number in range(5):
        targets.project.declare(f"Group {number}", query(f"spend > {number}"))
    targets.project.declare("Opened", OPENED)
    apply_both(targets)
    targets.requests()
    assert diff(targets).code == 0
    first = targets.requests()
    assert sum(request.startswith(f"{SEGMENTS}/") for request in first) == 14
    assert diff(targets, "-v").code == 0
    second = targets.requests()
    assert sorted(second) == sorted([SEGMENTS, LISTS, SENDS] * 2)


def test_accounts_that_hold_the_same_text_are_not_asked_for_names(targets: Targets) -> None:
    targets.project.write({FILE: segment_yaml("Buyers", query("spend > 5"))})
    apply_both(targets)
    diff(targets)
    targets.requests()
    assert diff(targets).code == 0
    assert targets.requests() == [SEGMENTS] * 2
