"""Policies: judged offline and in plans, proven or counted, refused, excepted, and shown."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from segctl.app import Project as FilesProject
from segctl.app import judge_policies
from segctl.planfile.loading import load_plan
from tests.support.builders import query
from tests.support.process import REPOSITORY

duckdb = pytest.importorskip("duckdb")

if TYPE_CHECKING:
    from tests.support.account import Remote
    from tests.support.project import Project

PEOPLE = 20
HEAD = "contact_id,first_name,email,total_spend,country,updated_at"
CONTACTS = "\n".join([
    HEAD,
    *(
        f"c{spend},Zdenka Kvapil,zdenka.{spend}@contacts.test,{spend},"
        f"{'CZ' if spend % 2 else 'DE'},2026-07-01T00:00:00Z"
        for spend in range(PEOPLE)
    ),
    "",
])  # fmt: skip
COUNTED = "version: 1\ncontacts: {contacts: people.csv}\n"

RICH_GERMANS = "among the contacts whose country is DE and whose total spend is more than 18"


@pytest.fixture
def shop(project: Project) -> Project:
    """A project with twenty contacts, half of them Czech, and two segments."""
    project.write({"segctl.yaml": COUNTED, "people.csv": CONTACTS})
    project.declare("Czech", query("country = 'CZ' AND total_spend > 3"), extra="tags: [mail]\n")
    project.declare("Rich", query("total_spend > 9"), extra="tags: [mail]\nowner: crm\n")
    return project


def judged(project: Project, policies: str, *argv: str) -> tuple[int, dict[str, Any]]:
    """Return the exit code of `segctl policy`, and its JSON."""
    project.write({"policies.yaml": f"policies:\n{policies}"})
    done = project.run("policy", "--format", "json", *argv)
    return done.code, json.loads(done.out)


def results(document: dict[str, Any]) -> dict[tuple[str, str], tuple[str, str]]:
    """Return the outcome and the sentence by rule and segment."""
    return {
        (result["rule"], result["segment"]): (result["outcome"], result["sentence"])
        for policy in document["policies"]
        for result in policy["results"]
    }


@pytest.mark.parametrize(
    ("rule", "czech", "rich"),
    [
        (
            "everyone: country = 'CZ'",
            ("proven", "every contact is among the contacts whose country is CZ"),
            ("refuted", "5 of 10 contacts are not among the contacts whose country is CZ"),
        ),
        (
            "nobody: country = 'DE' AND total_spend > 18",
            ("proven", f"no contact is {RICH_GERMANS}"),
            ("holds", f"none of 10 contacts is {RICH_GERMANS}"),
        ),
        (
            "subset_of: Rich",
            ("refuted", "3 of 8 contacts are not in `Rich`"),
            ("proven", "every contact is in `Rich`"),
        ),
        (
            "at_most: 9",
            ("holds", "it has 8 contacts, at most 9"),
            ("refuted", "it has 10 contacts, more than 9"),
        ),
        (
            "at_least: 9",
            ("refuted", "it has 8 contacts, fewer than 9"),
            ("holds", "it has 10 contacts, at least 9"),
        ),
        (
            "require: [owner, tags]",
            ("refuted", "its file has no owner"),
            ("proven", "its file has owner, tags"),
        ),
        (
            "name: 'R.*'",
            ("refuted", "its name does not match R.*"),
            ("proven", "its name matches R.*"),
        ),
    ],
    ids=lambda value: value.split(":")[0] if isinstance(value, str) else "",
)  # fmt: skip
def test_a_rule_is_proven_counted_or_read_from_the_file(
    shop: Project, rule: str, czech: tuple[str, str], rich: tuple[str, str]
) -> None:
    code, document = judged(shop, f"  p: {{{rule}}}\n")
    kind = rule.partition(":")[0]
    assert results(document) == {(kind, "Czech"): czech, (kind, "Rich"): rich}
    assert code == (3 if "refuted" in {czech[0], rich[0]} else 0)


def test_the_number_that_breaks_a_rule_is_given(shop: Project) -> None:
    _, document = judged(shop, "  p: {everyone: country = 'CZ'}\n")
    breaking = {each["segment"]: each["breaking"] for each in document["policies"][0]["results"]}
    assert breaking == {"Czech": None, "Rich": 5}


def test_segments_of_a_pattern_are_disjoint_by_twos(shop: Project) -> None:
    shop.declare("Rich Germans", query("total_spend > 9 AND country = 'DE'"))
    code, document = judged(shop, "  p: {disjoint: '*'}\n  q: {disjoint: 'R*', for: Czech}\n")
    assert code == 3
    sentences = [
        [f"{each['segment']}: {each['sentence']}" for each in policy["results"]]
        for policy in document["policies"]
    ]
    of_czech = [
        "Czech: no contact is in `Rich Germans` as well",
        "Czech: 5 of 8 contacts are in `Rich` as well",
    ]
    both = "Rich Germans: 5 of 5 contacts are in `Rich` as well"
    assert sentences == [[*of_czech, both], of_czech]


def test_either_of_two_segments_can_be_excepted(shop: Project) -> None:
    text = "  p: {disjoint: '*', level: overridable}\n"
    assert judged(shop, text)[0] == 3
    extra = "except: {p: they agreed}\n"
    for name, condition in (
        ("Czech", "country = 'CZ' AND total_spend > 3"), ("Rich", "total_spend > 9"),
    ):  # fmt: skip
        file = shop.declare(name, query(condition), extra=extra)
        code, document = judged(shop, text)
        assert (code, [each["code"] for each in document["diagnostics"]]) == (
            0, ["policy-exception"],
        )  # fmt: skip
        shop.edit(file, extra, "")


def test_a_policy_for_no_segment_is_reported(shop: Project) -> None:
    code, document = judged(shop, "  p: {at_least: 1, for: 'Winback *'}\n")
    (warning,) = document["diagnostics"]
    assert (code, warning["summary"]) == (0, "the policy `p` is for no segment")


def test_events_must_be_within_the_time(shop: Project) -> None:
    events = (
        "contact_id,event_type,timestamp\n"
        + "".join(f"c{number},open,2026-07-10T00:00:00Z\n" for number in range(4, PEOPLE, 2))
        + "c5,delivered,2026-07-10T00:00:00Z\nc7,click,2024-01-01T00:00:00Z\n"
    )
    settings = "version: 1\ncontacts: {contacts: people.csv, events: events.csv}\n"
    shop.write({"segctl.yaml": settings, "events.csv": events})
    _, document = judged(shop, "  cold: {events_within: 180 days, for: Rich}\n")
    people = "those who opened or clicked a mail in the last 180 days"
    sentence = f"5 of 10 contacts are not among {people}"
    assert results(document)["events_within", "Rich"] == ("refuted", sentence)


def test_without_contacts_what_is_not_proven_is_unknown_and_refused(shop: Project) -> None:
    shop.write({"segctl.yaml": "version: 1\n"})
    code, document = judged(
        shop, "  p: {everyone: country = 'CZ'}\n  q: {at_most: 9, level: advisory}\n"
    )
    assert code == 3
    assert [outcome for outcome, _ in results(document).values()] == [
        "proven", "unknown", "unknown", "unknown",
    ]  # fmt: skip
    errors = [each["summary"] for each in document["diagnostics"] if each["severity"] == "error"]
    reason = "not proven from the queries, and there are no contacts to count in"
    assert errors == [f"whether `Rich` fulfils the policy `p` is unknown: {reason}"]
    hints = " ".join(each["hint"] for each in document["diagnostics"])
    assert "add `contacts: pulled` to segctl.yaml" in hints


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"people.csv": f"{HEAD}\n"}, "the data set has no contacts"),
        ({"segctl.yaml": "version: 1\ncontacts: pulled\n"}, "no contacts pulled from the target"),
        ({"people.csv": CONTACTS.replace("country", "land")}, "it cannot be counted"),
    ],
    ids=["empty", "not pulled", "without the column"],
)
def test_nothing_is_counted_where_the_number_would_be_wrong(
    shop: Project, files: dict[str, str], reason: str
) -> None:
    shop.write(files)
    code, document = judged(shop, "  p: {everyone: country = 'CZ', for: Rich}\n")
    ((outcome, sentence),) = results(document).values()
    assert (code, outcome) == (3, "unknown")
    assert reason in sentence


def test_that_nothing_was_counted_is_reported_once_also_where_the_reason_is_masked(
    shop: Project,
) -> None:
    shop.write({"segctl.yaml": COUNTED.replace("people", "people@shop.test")})
    _, document = judged(shop, "  p: {at_least: 1}\n")
    (error,) = document["diagnostics"]
    assert error["summary"].endswith(": `Czech`, `Rich`")
    assert "whether 2 segments fulfil the policy `p` is unknown (at_least): " in error["summary"]
    assert "people@shop.test" not in error["summary"]


def test_an_advisory_policy_only_warns(shop: Project) -> None:
    code, document = judged(shop, "  p: {everyone: country = 'CZ', level: advisory}\n")
    assert code == 0
    (warning,) = document["diagnostics"]
    assert (warning["severity"], warning["code"]) == ("warning", "policy")
    assert warning["source"]["file"] == "segments/rich.yaml"
    assert "the policy is at policies.yaml:2:17" in warning["hint"]


def test_a_segment_excepts_itself_from_an_overridable_policy_alone(shop: Project) -> None:
    rule = "everyone: country = 'CZ', for: Rich"
    extra = "except: {p: all of them asked for it, until: 2026-12-31}\n"
    shop.declare("Rich", query("total_spend > 9"), extra=extra)

    code, document = judged(shop, f"  p: {{{rule}, level: overridable}}\n")
    assert code == 0
    (result,) = document["policies"][0]["results"]
    assert (result["outcome"], result["exception"]) == ("refuted", "all of them asked for it")
    assert document["policies"][0]["totals"]["excepted"] == 1
    (note,) = document["diagnostics"]
    assert note["code"] == "policy-exception"
    assert note["summary"].startswith(
        "`Rich` is excepted from the policy `p` until 2026-12-31: all of them asked for it (refuted"
    )

    code, document = judged(shop, f"  p: {{{rule}}}\n")
    assert code == 3
    assert "`p` is mandatory, so this exception does not count" in str(document["diagnostics"])
    code, document = judged(shop, f"  p: {{{rule}, except: {{Rich: a pilot}}}}\n")
    assert code == 0
    assert "a pilot" in str(document["diagnostics"])


@pytest.mark.parametrize(
    ("exceptions", "reason", "code"),
    [
        ("{q: why}", "no policy is called `q`", 3),
        ("{other: why}", "the policy `other` is not for `Rich`", 3),
        ("{easy: why}", "`Rich` fulfils the policy `easy` without an exception", 3),
        ("{p: why, until: 2020-01-31}", "the exception from `p` ended on 2020-01-31", 3),
        ("{p: why}", "", 0),
    ],
)
def test_exceptions_without_effect_are_reported(
    shop: Project, exceptions: str, reason: str, code: int
) -> None:
    text = (
        "  p: {everyone: country = 'CZ', for: Rich, level: overridable}\n"
        "  easy: {at_least: 1, level: overridable}\n"
        "  other: {at_least: 1, for: Czech, level: overridable}\n"
    )
    shop.declare("Rich", query("total_spend > 9"), extra=f"except: {exceptions}\n")
    actual, document = judged(shop, text)
    dead = [each for each in document["diagnostics"] if each["code"] == "unused-exception"]
    assert actual == code
    assert [each["summary"] for each in dead] == ([reason] if reason else [])
    assert all(each["source"]["line"] == 3 for each in dead)


def test_an_exception_of_an_unknown_segment_is_reported(shop: Project) -> None:
    _, document = judged(shop, "  p: {at_least: 1, except: {Rihc: why}}\n")
    (warning,) = document["diagnostics"]
    assert warning["summary"] == "no file declares the segment `Rihc`"
    assert warning["hint"] == "did you mean `Rich`?"


def test_policies_are_judged_by_name(shop: Project) -> None:
    text = "  p: {at_least: 1}\n  q: {at_most: 1}\n"
    code, document = judged(shop, text, "p")
    assert (code, [policy["name"] for policy in document["policies"]]) == (0, ["p"])
    done = shop.run("policy", "pp")
    assert done.code == 1
    assert "policy `pp` not found" in done.err


def test_a_project_without_policies_says_so(shop: Project) -> None:
    done = shop.run("policy")
    assert (done.code, done.out) == (0, "")
    assert "No policies; add `policies:` to segctl.yaml." in done.err


def test_the_python_api_judges(shop: Project) -> None:
    shop.write({"policies.yaml": "policies: {p: {everyone: country = 'CZ'}}\n"})
    report = judge_policies(FilesProject(shop.root, env={}, clock=shop.clock))
    assert report.is_refused
    assert [result.breaking for result in report.policies[0].results] == [None, 5]
    assert report.as_of


TWO = "  p: {everyone: country = 'CZ', why: the law}\n  q: {at_least: 1}\n"


@pytest.mark.parametrize("format_name", ["text", "markdown", "github", "sarif", "html", "junit"])
def test_every_format_has_both_places_and_no_contact(shop: Project, format_name: str) -> None:
    shop.write({"policies.yaml": f"policies:\n{TWO}"})
    done = shop.run("policy", "--format", format_name)
    assert done.code == 3
    assert "5 of 10 contacts are not among the contacts whose country is CZ" in done.out
    assert "segments/rich.yaml" in done.out
    assert "policies.yaml" in done.out
    for personal in ("Kvapil", "contacts.test", "Zdenka"):
        assert personal not in done.out + done.err


def test_the_text_fits_a_terminal(shop: Project) -> None:
    shop.write({"policies.yaml": f"policies:\n{TWO}"})
    done = shop.run("policy")
    assert (
        done.out
        == """\
p  mandatory  policies.yaml:2:3  the law
  proven    Czech: every contact is among the contacts whose country is CZ
  refuted   Rich: 5 of 10 contacts are not among the contacts whose country is CZ
            segments/rich.yaml:2:12, everyone at policies.yaml:2:17

q  mandatory  policies.yaml:3:3
  holds     Czech: it has 8 contacts, at least 1
  holds     Rich: it has 10 contacts, at least 1

2 policies: 1 proven, 2 hold, 1 refuted. 2 segments judged.
"""
    )
    quiet = shop.run("policy", "-q").out
    assert "Czech" not in quiet
    assert "Rich: 5 of 10" in quiet


def test_junit_counts_what_refuses(shop: Project) -> None:
    shop.write({"policies.yaml": f"policies:\n{TWO}"})
    root = ET.fromstring(shop.run("policy", "--format", "junit").out)  # noqa: S314 - our own
    counts = {suite.get("name"): suite.get("failures") for suite in root}
    assert counts == {"p": "1", "q": "0"}
    (failure,) = root.iter("failure")
    assert (failure.get("message") or "").startswith("refuted: 5 of 10 contacts")


@pytest.fixture
def planned(connected: Project, remote: Remote) -> Project:
    """A project whose account holds `Czech`; `Rich` is new."""
    connected.write({"segctl.yaml": COUNTED, "people.csv": CONTACTS})
    czech = query("country = 'CZ' AND total_spend > 3")
    remote.emulator.console.create("Czech", czech)
    connected.declare("Czech", czech)
    connected.declare("Rich", query("total_spend > 9"))
    return connected


def test_a_plan_judges_created_changed_and_unchanged_segments(
    planned: Project, remote: Remote
) -> None:
    planned.write({"policies.yaml": "policies: {p: {everyone: country = 'CZ'}}\n"})
    done = planned.run("plan")
    assert done.code == 3
    assert "error[policy]: `Rich` breaks the policy `p`: 5 of 10 contacts are not" in done.out
    assert "1 policy: 1 proven, 1 refuted.\n" in done.out
    assert planned.run("apply", "--auto-approve").code == 3
    assert {*remote.definitions()} == {"Czech"}

    planned.declare("Rich", query("total_spend > 9 AND country = 'CZ'"))
    assert planned.run("apply", "--auto-approve").code == 0
    again = planned.run("plan")
    assert again.code == 0
    assert "1 policy: 2 proven.\n" in again.out
    assert again.out.endswith("No changes. 2 segments of production match segments/.\n")

    # What is on the account already is judged as well.
    planned.write({"policies.yaml": "policies: {p: {at_most: 7}}\n"})
    refused = planned.run("plan")
    assert refused.code == 3
    assert "`Czech` breaks the policy `p`: it has 8 contacts, more than 7" in refused.out


def test_a_plan_judges_how_much_it_changes_an_audience(planned: Project) -> None:
    planned.declare("Czech", query("country = 'CZ' AND total_spend > 9"))
    planned.write({"policies.yaml": "policies: {p: {change_at_most: 20%}}\n"})
    done = planned.run("plan", "--format", "json")
    assert done.code == 3
    assert results(json.loads(done.out)) == {
        ("change_at_most", "Czech"): ("refuted", "its audience changes by 38 %, more than 20 %"),
        ("change_at_most", "Rich"): ("refuted", "its audience changes by 50 %, more than 20 %"),
    }
    # Offline, there is no change to judge.
    assert json.loads(planned.run("policy", "--format", "json").out)["policies"][0]["results"] == []


def test_a_plan_of_some_segments_judges_those(planned: Project) -> None:
    planned.write({"policies.yaml": "policies: {p: {everyone: country = 'CZ'}}\n"})
    assert planned.run("plan", "--only", "Czech").code == 0
    assert planned.run("plan", "--only", "Rich").code == 3


def test_a_saved_plan_shows_what_the_policies_said(planned: Project) -> None:
    planned.write({"policies.yaml": "policies: {p: {at_most: 9, level: advisory}}\n"})
    assert planned.run("plan", "--out", str(planned.root / "plan.json")).code == 0
    data = (planned.root / "plan.json").read_bytes()
    (policy,) = load_plan(data, "plan.json").plan.policies
    # All that is not fulfilled, and all of the segments that the plan changes.
    assert [(each.segment, each.outcome.value) for each in policy.results] == [("Rich", "refuted")]
    assert (policy.totals, policy.excepted) == ({"holds": 1, "refuted": 1}, 0)
    for format_name in ("text", "markdown", "html"):
        shown = planned.run("show", str(planned.root / "plan.json"), "--format", format_name)
        assert "1 policy: 1 holds, 1 refuted." in shown.out
    assert planned.run("apply", str(planned.root / "plan.json"), "--auto-approve").code == 0


def git(project: Project, *argv: str) -> None:
    options = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
    subprocess.run(["git", *options, *argv], cwd=project.root, check=True, capture_output=True)


def commit_all(project: Project) -> None:
    """Commit the files, but for the contacts."""
    project.write({".gitignore": "people.csv\n.segctl/\n"})
    git(project, "init", "-q")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "first")


def changes(project: Project) -> list[str]:
    """Return what a plan says of the change of policies."""
    document = json.loads(project.run("plan", "--format", "json").out)
    return [each["summary"] for each in document["diagnostics"] if each["code"] == "policy-change"]


def test_a_plan_shows_what_a_change_of_policies_does(planned: Project) -> None:
    planned.write(
        {"policies.yaml": "policies: {p: {everyone: country = 'CZ'}, q: {at_least: 1}}\n"}
    )
    commit_all(planned)
    assert changes(planned) == []

    # Not committed: compared with HEAD.
    planned.write({"policies.yaml": "policies: {p: {everyone: country = 'CZ', level: advisory}}\n"})
    first, second = changes(planned)
    assert first.startswith("the policy `p` changed since ")
    assert first.endswith(": refuted, mandatory -> refuted, advisory for `Rich`")
    assert second.startswith("the policy `q` was removed since ")
    assert second.endswith(": holds -> - for `Czech`, `Rich`")
    document = json.loads(planned.run("plan", "--format", "json").out)
    assert document["policies"][0]["changes"] == [
        {"segment": "Rich", "before": "refuted, mandatory", "after": "refuted, advisory"}
    ]

    # Committed: compared with the first parent.
    git(planned, "commit", "-qam", "second")
    assert changes(planned) == [first, second]
    git(planned, "commit", "-qm", "third", "--allow-empty")
    assert changes(planned) == []


def test_the_removal_of_all_policies_is_shown(planned: Project) -> None:
    planned.write({"policies.yaml": "policies: {p: {everyone: country = 'CZ'}}\n"})
    commit_all(planned)
    (planned.root / "policies.yaml").unlink()

    first, second = changes(planned)
    assert first.endswith(": proven -> - for `Czech`")
    assert second.endswith(": refuted, mandatory -> - for `Rich`")


def test_policies_that_were_invalid_are_not_compared(planned: Project) -> None:
    planned.write({"policies.yaml": "policies: {p: {at_lest: 1}}\n"})
    commit_all(planned)
    planned.write({"policies.yaml": "policies: {p: {at_least: 1}}\n"})

    (remark,) = changes(planned)
    assert "is unknown: policies.yaml:1:12 was invalid in " in remark


def test_a_merge_is_compared_with_its_first_parent(planned: Project) -> None:
    planned.write({"policies.yaml": "policies: {p: {at_least: 1}}\n"})
    commit_all(planned)
    git(planned, "checkout", "-qb", "stricter")
    for number in (2, 9):
        planned.write({"policies.yaml": f"policies: {{p: {{at_least: {number}}}}}\n"})
        git(planned, "commit", "-qam", f"at least {number}")
    git(planned, "checkout", "-q", "-")
    git(planned, "merge", "-q", "--no-ff", "-m", "merge", "stricter")

    (change,) = changes(planned)
    assert change.endswith(": holds -> refuted, mandatory for `Czech`")


def test_a_change_of_policies_that_changes_no_result_is_said(planned: Project) -> None:
    planned.write({"policies.yaml": "policies: {p: {at_least: 1}}\n"})
    commit_all(planned)
    planned.write({"policies.yaml": "policies: {p: {at_least: 2}}\n"})

    (remark,) = changes(planned)
    assert remark.endswith(": no segment gets another result")


def test_many_pairs_are_counted_in_batches(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    policies = "  p: {everyone: country = 'CZ'}\n  q: {disjoint: '*'}\n  r: {at_most: 9}\n"
    _, at_once = judged(shop, policies)
    monkeypatch.setattr("segctl.app.policy_counts._BATCH", 1)
    assert judged(shop, policies)[1]["policies"] == at_once["policies"]


def test_an_unknown_column_in_a_policy_is_an_error(shop: Project) -> None:
    fields = (REPOSITORY / "segments/fields.yaml").read_text("utf-8")
    shop.write(
        {
            "segments/fields.yaml": fields,
            "policies.yaml": "policies: {p: {everyone: contry = 'CZ'}}\n",
        }
    )
    done = shop.run("validate")
    assert done.code == 1
    assert "policies.yaml:1:26: error[unknown-column]: the policy `p`: contact_data has no" in (
        done.err
    )
    assert "did you mean `country`?" in done.err


def test_the_exceptions_of_a_file_with_instances_are_reported_once(shop: Project) -> None:
    text = "name: From ${land}\nfor_each: {land: {cz: {code: CZ}, de: {code: DE}}}\n"
    text += "except: {q: why}\n"
    text += "query_dsl: SELECT contact_id, updated_at FROM contact_data WHERE country = @code\n"
    shop.write({"segments/from.yaml": text})
    _, document = judged(shop, "  p: {at_least: 1}\n")
    (warning,) = document["diagnostics"]
    assert warning["summary"] == "no policy is called `q`"


def test_addresses_in_policies_are_masked(shop: Project) -> None:
    condition = (
        "email = 'jan@acme.example' AND total_spend > 1 AND country != 'FR' AND city IS NULL"
    )
    done = shop.run("policy")
    shop.write({"policies.yaml": f'policies: {{p: {{nobody: "{condition}"}}}}\n'})
    done = shop.run("policy", "--format", "json")
    assert "jan@acme" not in done.out + done.err


def test_standard_columns_are_understood_with_the_file_of_the_account(project: Project) -> None:
    settings = "version: 1\ndefault_target: sandbox\n"
    project.write({"segctl.yaml": settings})
    assert project.run("account", "pull").code == 0
    project.declare("Czech", query("country = 'CZ' AND email LIKE '%.cz'"))

    code, document = judged(project, "  czech: {everyone: country = 'CZ'}\n")
    assert (code, results(document)["everyone", "Czech"][0]) == (0, "proven")


def test_a_pull_has_the_members_of_lists_that_only_policies_name(project: Project) -> None:
    settings = "version: 1\ndefault_target: sandbox\ncontacts: pulled\n"
    project.write({"segctl.yaml": settings})
    assert project.run("account", "pull").code == 0
    project.declare("Everybody", query("email IS NOT NULL"))
    condition = "array_contains(list_ids, [@list('Internal testers')])"
    policies = f'  testers: {{nobody: "{condition}"}}\n'
    project.write({"policies.yaml": f"policies:\n{policies}"})

    # The sandbox has a clock of its own, by which the export is never ready here.
    pulled = project.run("contacts", "pull")
    assert "Started an export of the list `Internal testers`." in pulled.err


def test_an_id_that_another_list_has_is_found_in_the_condition_of_a_policy(
    connected: Project, remote: Remote
) -> None:
    for name in ("Newsletter", "Testers"):
        remote.emulator.console.add_list(name)
    assert connected.run("account", "pull").code == 0
    path = "segments/accounts/production.yaml"
    text = (connected.root / path).read_text("utf-8")
    swapped = text.replace("Newsletter", "?").replace("Testers", "Newsletter")
    connected.write({path: swapped.replace(" ?", " Testers")})
    connected.declare("Everybody", query("email IS NOT NULL"))
    nobody = "array_contains(list_ids, [@list('Testers')])"
    policies = f'policies:\n  a: {{nobody: "{nobody}", level: advisory}}\n'
    connected.write({"policies.yaml": policies})

    planned = connected.run("plan")
    assert planned.code == 1, planned.out
    assert ": error[other-name]: `Testers` stands for" in planned.out
    assert remote.definitions() == {}
