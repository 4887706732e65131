"""`segctl test`: what it reports, what it refuses, and what it must not show."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from segctl.declarations.formatting import format_segment_file
from tests.support.builders import FIELDS
from tests.support.process import REPOSITORY

if TYPE_CHECKING:
    from tests.support.project import Project

pytest.importorskip("duckdb")

BIG = """\
name: Big
parent_list_ids: [0b1f4a10-5c1d-4a6e-9f02-000000000001]
query_dsl: |
  SELECT contact_id, updated_at
  FROM contact_data
  WHERE total_spend > 500
    AND (plan = 'pro' OR renewal_date > now())
tests:
  - name: the first
    fixture: rich
    contact: {CONTACT}
    expect: {EXPECT}
"""
FIXTURES = """\
now: "2026-03-01T00:00:00Z"
fixtures:
  rich:
    contact:
      email: rich@example.com
      list_ids: [0b1f4a10-5c1d-4a6e-9f02-000000000001]
      total_spend: 900
      plan: pro
"""
CLICKS = """\
name: Clicks
query_dsl: |
  SELECT c.contact_id, c.updated_at
  FROM contact_data c
  JOIN event_data e ON c.contact_id = e.contact_id
  WHERE e.event_type = 'click'
    AND e.timestamp > now() - 30 days
tests:
  - name: only old clicks
    contact: { email: a@example.com }
    now: "2026-03-31T00:00:00Z"
    events:
      - { event_type: click, timestamp: "2026-01-01T00:00:00Z" }
      - { event_type: open, timestamp: "2026-03-30T00:00:00Z" }
    expect: in
"""


def big(contact: str, expect: str) -> dict[str, str]:
    return {
        "segments/big.yaml": BIG.replace("{CONTACT}", contact).replace("{EXPECT}", expect),
        "segments/fixtures.yaml": FIXTURES,
        "segments/fields.yaml": FIELDS,
    }


@pytest.mark.parametrize(
    ("contact", "expect"),
    [
        ("{}", "in"),
        ("{ total_spend: 500 }", "out"),
        ("{ total_spend: null }", "out"),
        ("{ list_ids: [] }", "out"),
        ("{ list_ids: null }", "out"),
        ("{ plan: free }", "out"),
        ('{ plan: free, renewal_date: "2026-03-02T00:00:00Z" }', "in"),
        ('{ plan: null, renewal_date: "2026-02-28T23:00:00-02:00" }', "in"),
        ('{ plan: null, renewal_date: "2026-03-01" }', "out"),
    ],
)
def test_a_contact_is_where_the_query_puts_it(project: Project, contact: str, expect: str) -> None:
    project.write(big(contact, expect))
    result = project.run("test")
    assert (result.code, result.err) == (0, "")
    assert result.out.endswith("1 test: 1 passed, 0 failed.\n")
    other = "out" if expect == "in" else "in"
    project.write(big(contact, other))
    assert project.run("test").code == 1


def test_a_failure_names_the_deciding_condition_and_its_place(project: Project) -> None:
    project.write(big("{ plan: null, total_spend: 900.5 }", "in"))
    assert project.run("test").out == (
        "Big  segments/big.yaml\n"
        "  FAIL  the first  segments/big.yaml:9:11\n"
        "        expected in, got out\n"
        "        contact: email: rich@example.com,"
        ' list_ids: ["0b1f4a10-5c1d-4a6e-9f02-000000000001"],'
        " total_spend: 900.5, plan: NULL\n"
        "        NULL: plan = 'pro'  (segments/big.yaml:7:10)\n"
        "        NULL: renewal_date > now()  (segments/big.yaml:7:26)\n"
        "\n"
        "1 test: 0 passed, 1 failed.\n"
    )


def test_a_contact_that_should_be_out_has_reasons(project: Project) -> None:
    project.write(big("{}", "out"))
    out = project.run("test").out
    assert "true: on the parent list 0b1f4a10" in out
    assert "true: total_spend > 500  (segments/big.yaml:6:9)" in out
    assert "true: plan = 'pro'" in out
    assert "renewal_date" not in out


def test_conditions_that_no_single_event_meets_are_reported_together(project: Project) -> None:
    project.write({"segments/clicks.yaml": CLICKS})
    out = project.run("test").out
    assert "event: event_type: open, timestamp: 2026-03-30T00:00:00Z" in out
    assert (
        "false: all on one event: e.event_type = 'click' AND e.timestamp > now() - 30 days"
        "  (segments/clicks.yaml:6:9)"
    ) in out
    project.write({"segments/clicks.yaml": CLICKS.replace("01-01T", "03-30T")})
    assert project.run("test").code == 0
    none = CLICKS.replace('      - { event_type: click, timestamp: "2026-01-01T00:00:00Z" }\n', "")
    project.write({"segments/clicks.yaml": none})
    assert "false: e.event_type = 'click'  (segments/clicks.yaml:6:9)" in project.run("test").out


def reasons(project: Project) -> list[tuple[str, str]]:
    (result,) = json.loads(project.run("test", "--format", "json").out)["tests"]
    return [(reason["truth"], reason["condition"]) for reason in result["reasons"]]


def test_a_contact_without_events_fails_for_the_lack_of_events(project: Project) -> None:
    head, _, tail = CLICKS.partition("    events:\n")
    project.write({"segments/clicks.yaml": f"{head}    expect: in\n"})
    assert reasons(project) == [("false", "JOIN event_data e ON c.contact_id = e.contact_id")]
    no_type = tail.replace("event_type: click, ", "").partition("      - { event_type: open")[0]
    project.write({"segments/clicks.yaml": f"{head}    events:\n{no_type}    expect: in\n"})
    assert reasons(project) == [
        ("NULL", "e.event_type = 'click'"),
        ("false", "e.timestamp > now() - 30 days"),
    ]


@pytest.mark.parametrize(
    ("contact", "expect", "inside"),
    [
        ("{ plan: pro }", "in", [("true", "plan = 'pro'")]),
        ("{ plan: null }", "in", [("NULL", "plan = 'pro'")]),
        (
            "{ plan: pro, renewal_date: '2026-09-09', total_spend: 1 }",
            "in",
            [
                ("true", "plan = 'pro'"),
                ("true", "total_spend < 5"),
                ("true", "renewal_date > now()"),
            ],
        ),
        (
            "{ plan: free, renewal_date: '2026-09-09' }",
            "out",
            [("false", "plan = 'pro'"), ("false", "total_spend < 5")],
        ),
    ],
)
def test_the_condition_inside_a_not_decides_by_its_opposite(
    project: Project, contact: str, expect: str, inside: list[tuple[str, str]]
) -> None:
    condition = "NOT (plan = 'pro' OR total_spend < 5 AND renewal_date > now())"
    text = f"{BIG.partition('total_spend')[0]}{condition}\ntests:{BIG.partition('tests:')[2]}"
    text = text.replace("{CONTACT}", contact).replace("{EXPECT}", expect)
    project.write(big("{}", "in") | {"segments/big.yaml": text})
    whole = {"in": "NULL" if "null" in contact else "false", "out": "true"}[expect]
    parents = [("true", "on the parent list 0b1f4a10-5c1d-4a6e-9f02-000000000001")]
    wanted = [*(parents if expect == "out" else []), (whole, condition), *inside]
    assert reasons(project) == wanted


def test_a_nested_not_is_explained(project: Project) -> None:
    condition = "NOT (NOT (plan = 'pro' OR total_spend < 5))"
    text = BIG.replace("{CONTACT}", "{ plan: null }").replace("{EXPECT}", "in")
    text = f"{text.partition('total_spend')[0]}{condition}\ntests:{text.partition('tests:')[2]}"
    project.write(big("{}", "in") | {"segments/big.yaml": text})
    assert reasons(project) == [
        ("NULL", condition),
        ("NULL", "NOT (plan = 'pro' OR total_spend < 5)"),
        ("NULL", "plan = 'pro'"),
        ("false", "total_spend < 5"),
    ]


def test_data_of_an_excluded_event_fails_no_test(project: Project) -> None:
    text = CLICKS.replace("e.timestamp > now() - 30 days", "e.DATA:payload.n = '5'")
    text = text.replace("event_type: click,", "event_type: click, data: { payload: { n: '5' } },")
    text = text.replace("event_type: open,", "event_type: open, data: { payload: { n: 5 } },")
    project.write({"segments/clicks.yaml": text})
    assert project.run("test").code == 0
    project.write({"segments/clicks.yaml": text.replace("n: '5'", "n: '6'")})
    assert reasons(project) == [("false", "e.event_type = 'click' AND e.DATA:payload.n = '5'")]


def test_a_test_without_now_uses_the_present(project: Project) -> None:
    text = CLICKS.replace('    now: "2026-03-31T00:00:00Z"\n', "")
    project.write({"segments/clicks.yaml": text})
    assert project.run("test").code == 1
    project.write({"segments/clicks.yaml": text.replace("2026-01-01T", "2026-07-01T")})
    assert project.run("test").code == 0


def test_json_and_junit_hold_the_results(project: Project) -> None:
    project.write(big("{ plan: free }", "in"))
    result = project.run("test", "--format", "json")
    data = json.loads(result.out)
    assert result.code == 1
    assert data["summary"] == "1 test: 0 passed, 1 failed."
    (test,) = data["tests"]
    assert (test["segment"], test["name"], test["passed"]) == ("Big", "the first", False)
    assert (test["expect"], test["actual"]) == ("in", "out")
    place = {"file": "segments/big.yaml", "line": 7, "column": 10, "end_line": 7, "end_column": 22}
    assert test["reasons"][0] == {"condition": "plan = 'pro'", "truth": "false", "source": place}
    suite = ET.fromstring(project.run("test", "--format", "junit").out)  # noqa: S314 - ours
    assert suite.attrib["failures"] == "1"
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert "plan = 'pro'" in (failure.text or "")


def test_json_and_junit_hold_problems_of_the_files(project: Project) -> None:
    project.write(big("{ plan: 5 }", "in"))
    result = project.run("test", "--format", "json")
    (diagnostic,) = json.loads(result.out)["diagnostics"]
    assert (result.code, diagnostic["code"]) == (1, "bad-value")
    suite = ET.fromstring(project.run("test", "--format", "junit").out)  # noqa: S314 - ours
    assert suite.attrib["errors"] == "1"
    case = suite.find("testcase")
    assert case is not None
    assert (case.attrib["file"], case.attrib["line"]) == ("segments/big.yaml", "11")


def test_a_name_that_xml_cannot_hold_is_escaped(project: Project) -> None:
    files = big("{ plan: free }", "in")
    text = files["segments/big.yaml"].replace("the first", r'"\uFFFE \uFFFF \x1b \U0001F600"')
    project.write(files | {"segments/big.yaml": text})
    suite = ET.fromstring(project.run("test", "--format", "junit").out)  # noqa: S314 - ours
    (case,) = suite.findall("testcase")
    assert case.attrib["name"] == "\\ufffe \\uffff \\x1b \U0001f600"


def test_a_query_that_cannot_be_computed_exactly_is_refused(project: Project) -> None:
    text = BIG.replace("total_spend > 500", "total_spend > '500'\n    AND total_spend < '900'")
    files = big("{}", "in") | {"segments/big.yaml": text.format(CONTACT="{}", EXPECT="in")}
    project.write(files)
    result = project.run("test")
    assert result.code == 1
    assert "segments/big.yaml:6:23: error[not-translated]" in result.err
    assert "segments/big.yaml:7:23: error[not-translated]" in result.err
    assert "  FAIL  the first" in result.out
    assert "its query cannot be computed: segments/big.yaml:6:23" in result.out
    assert result.out.endswith("1 test: 0 passed, 1 failed.\n")
    suite = ET.fromstring(project.run("test", "--format", "junit").out)  # noqa: S314 - ours
    assert (suite.attrib["tests"], suite.attrib["errors"]) == ("3", "3")
    (test,) = json.loads(project.run("test", "--format", "json").out)["tests"]
    assert (test["passed"], test["actual"]) == (False, None)


def test_a_contact_condition_works_beside_an_event_condition(project: Project) -> None:
    either = CLICKS.replace(
        "e.event_type = 'click'", "(c.country = 'CZ' OR e.event_type = 'click')"
    )
    project.write({"segments/clicks.yaml": either})
    words = "(c.country = 'CZ' OR e.event_type = 'click') AND e.timestamp > now() - 30 days"
    assert reasons(project) == [("false", f"all on one event: {words}")]
    project.write({"segments/clicks.yaml": either.replace("-03-30T", "-01-30T")})
    assert reasons(project) == [("false", "e.timestamp > now() - 30 days")]


def test_values_that_are_not_text_are_not_guessed(project: Project) -> None:
    text = CLICKS.replace("e.timestamp > now() - 30 days", "e.DATA:payload.n = '5'")
    text = text.replace("event_type: click,", "event_type: click, data: { payload: { n: 5 } },")
    project.write({"segments/clicks.yaml": text})
    result = project.run("test")
    assert result.code == 1
    assert "e.DATA:payload.n is not a string in some event" in result.out


def test_files_without_tests_pass_unless_required(project: Project) -> None:
    project.write(big("{}", "in"))
    file = project.declare("Other", "SELECT contact_id, updated_at FROM contact_data")
    assert project.run("test").code == 0
    result = project.run("test", "--require")
    assert result.code == 1
    assert f"{file}:1:7: error[no-tests]" in result.err
    assert project.run("test", "Big", "--require").code == 0


@pytest.mark.parametrize(
    ("contact", "message"),
    [
        ("{ totalspend: 5 }", "did you mean `total_spend`?"),
        ("{ total_spend: '5' }", "`total_spend` must be a number"),
        ("{ total_spend: 0.12345678901 }", "at most 9 decimals"),
        ("{ plan: 5 }", "`plan` must be a string"),
        ("{ plan: true }", "must be a string, got true or false"),
        ("{ renewal_date: '06/07/2026' }", "`renewal_date` must be a time"),
        ("{ renewal_date: 2026-07-06 }", "put it in quotes"),
        ("{ list_ids: x }", "write a list: [value]"),
        ("{ PLAN: pro, plan: free }", "duplicate key `plan`: column names ignore case"),
        ("{ total_spend: 1e3 }", "no exponent"),
        ("{ contact_id: null }", "contact_id must not be null"),
        ("{}\n    events: [{ type: click }]", "unknown key `type`"),
        ("{}\n    events: [{ timestamp: soon }]", "`timestamp` must be a time"),
        ("{}\n    events: [{ data: { a: [2026-01-01] } }]", "YAML reads `2026-01-01` as a date"),
        ("{}\n    events: [{ data: { a: { b: .nan } } }]", "must be a finite number"),
        ("{}\n    now: soon", "`now` must be a time"),
        ("{}\n    expect: in\n  - name: x", "the test has no contact"),
        ("{}\n    expect: in\n  - name: the first", "duplicate test name"),
    ],
)
@pytest.mark.parametrize("command", ["validate", "test"])
def test_an_invalid_test_is_reported(
    project: Project, command: str, contact: str, message: str
) -> None:
    project.write(big(contact, "in"))
    result = project.run(command)
    assert result.code == 1
    assert message in result.err
    assert "segments/big.yaml:" in result.err


def test_invalid_fixtures_are_reported(project: Project) -> None:
    files = big("{}", "in")
    wrong = FIXTURES.replace("plan: pro", "paln: pro").replace("  rich:", "  richer:")
    project.write(files | {"segments/fixtures.yaml": wrong})
    for command in ("validate", "test"):
        err = project.run(command).err
        assert "segments/fixtures.yaml:8:7: error[unknown-column]" in err
        assert "did you mean `plan`?" in err
        assert "fixture `rich` not found" in err
        assert "did you mean `richer`?" in err
    project.write({"segments/fixtures.yaml": "fixture: {}\n"})
    assert "unknown key `fixture`" in project.run("validate").err
    project.write({"segments/fixtures.yaml": FIXTURES, "segments/eu/fixtures.yaml": FIXTURES})
    assert "in fixtures.yaml, at the top of the segments folder" in project.run("validate").err


def test_without_fields_the_contacts_determine_the_types(project: Project) -> None:
    project.write(big("{ renewal_date: '2026-05-01T00:00:00Z', plan: x }", "in"))
    (project.root / "segments/fields.yaml").unlink()
    assert project.run("test").code == 0
    project.write(big("{}", "in"))
    (project.root / "segments/fields.yaml").unlink()
    result = project.run("test")
    assert result.code == 1
    assert "the type of the column `renewal_date` is unknown" in result.err
    assert "segctl account pull" in result.err


def test_a_possibly_real_address_is_a_masked_warning(project: Project) -> None:
    project.write(big("{ email: jana@mail.cz }", "in"))
    wrong = FIXTURES.replace("rich@example.com", "rich@shop.de")
    project.write({"segments/fixtures.yaml": wrong})
    result = project.run("validate")
    assert result.code == 0
    assert "segments/big.yaml:11:23: warning[test-address]" in result.err
    assert "segments/fixtures.yaml:5:14: warning[test-address]" in result.err
    assert "jana" not in result.err
    assert "rich@" not in result.err
    project.write({"segments/big.yaml": big("{ email: jana@mail.cz }", "out")["segments/big.yaml"]})
    for output in ("text", "json", "junit"):
        failed = project.run("test", "--format", output)
        assert failed.code == 1
        assert "jana" not in failed.out + failed.err
        assert "email: ***" in failed.out
    project.write(big("{ email: jana@mail.cz, plan: 5, list_ids: x }", "in"))
    for command in ("validate", "test"):
        err = project.run(command).err
        assert "`plan` must be a string" in err
        assert "{ email: ************, plan: 5, list_ids: x }" in err
        assert "jana" not in err
    broken = big("{ email: jana@mail.cz, plan: [ }", "in")
    project.write(broken)
    assert "jana" not in project.run("validate").err
    project.write(big("{ email: jana@mail.cz }", "in"))
    project.write({"segctl.yaml": "version: 1\nlint: { rules: { test-address: off } }\n"})
    assert project.run("validate").err == ""


def test_a_missing_duckdb_is_reported_with_its_installation(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    project.write(big("{}", "in"))
    result = project.run("test")
    assert result.code == 1
    assert "pip install 'segctl[preview]'" in result.err
    assert project.run("validate").code == 0


def test_a_project_without_tests_is_reported(project: Project) -> None:
    project.declare("Other", "SELECT contact_id, updated_at FROM contact_data")
    result = project.run("test")
    assert (result.code, result.out) == (0, "0 tests: 0 passed, 0 failed.\n")
    assert "add `tests:`" in result.err


@pytest.mark.parametrize("value", [r"a\0b", r"\U0001F600 it's \"x\"", r"\\", "%_"])
def test_a_value_stays_what_it_is(project: Project, value: str) -> None:
    project.write(big(f'{{ plan: "{value}" }}', "out"))
    assert project.run("test").code == 0


def test_text_from_the_files_cannot_control_the_terminal(project: Project) -> None:
    project.write(big('{ plan: "\\u202Efree\\x1b[2J" }', "in"))
    out = project.run("test").out
    assert "\\u202efree\\x1b[2J" in out


def test_tests_change_no_plan(connected: Project) -> None:
    connected.write({"segments/clicks.yaml": CLICKS})
    assert connected.run("apply", "--auto-approve").code == 0
    connected.write({"segments/clicks.yaml": CLICKS.replace("expect: in", "expect: out")})
    assert connected.run("plan", "--detailed-exitcode").code == 0


def test_the_tests_of_a_removed_segment_do_not_run(project: Project) -> None:
    name, rest = CLICKS.split("\n", 1)
    project.write({"segments/a.yaml": CLICKS})
    assert "FAIL" in project.run("test").out
    project.write({"segments/a.yaml": f"{name}\nremoved: true\n{rest}"})
    assert project.run("validate").code == 0
    assert "FAIL" not in project.run("test").out


def test_fmt_puts_the_tests_below_the_query() -> None:
    head, _, tests = CLICKS.partition("tests:\n")
    assert format_segment_file("a.yaml", f"tests:\n{tests}{head}").text == CLICKS


def test_the_examples_of_this_repository_pass(project: Project) -> None:
    result = project.run("-C", str(REPOSITORY), "test")
    assert (result.code, result.err) == (0, "")
    assert "0 failed" in result.out


def test_the_documentation_of_tests_matches_the_output(project: Project) -> None:
    page = (REPOSITORY / "docs/testing-segments.md").read_text("utf-8")
    (segment, fixtures), (failure, *_) = (
        re.findall(rf"^```{kind}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
        for kind in ("yaml", "text")
    )
    fields = (REPOSITORY / "segments/fields.yaml").read_text("utf-8")
    project.write({"segments/fields.yaml": fields, "segments/fixtures.yaml": fixtures})
    project.write({"segments/a.yaml": segment})
    assert project.run("validate").err == ""
    assert project.run("test").code == 0
    project.write({"segments/a.yaml": segment.replace("expect: out", "expect: in")})
    assert project.run("test").out == failure
