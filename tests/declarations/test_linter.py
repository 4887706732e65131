"""Findings in files: spans, severities, ignore comments, and what must not be shown."""

from __future__ import annotations

import pytest

from segctl.declarations.lint_settings import (
    RuleSettings,
    SettingProblem,
    settings_problems,
)
from segctl.declarations.linter import (
    declaration_needs,
    lint_declarations,
)
from segctl.declarations.query_source import QuerySource
from segctl.declarations.segment_file import read_segment
from segctl.documents.yaml_reader import parse_document
from segctl.errors import Diagnostic, Severity
from segctl.query.catalogue import ColumnType
from segctl.query.lint import AccountSchema, Needs

Q = "SELECT contact_id, updated_at FROM contact_data"
KNOWN = AccountSchema({"plan": ColumnType.VARCHAR}, fresh=True)
DEFAULT = RuleSettings()


def run(
    *texts: str,
    sql: str = "",
    account_schema: AccountSchema = KNOWN,
    settings: RuleSettings = DEFAULT,
) -> tuple[Diagnostic, ...]:
    declared, documents = [], {}
    for number, text in enumerate(texts, 1):
        file = f"segments/{number}.yaml"
        segment, document = read_segment(
            file, text.encode(), {"segments/q.sql": sql.encode()}, "segments"
        )
        assert segment, document
        declared.append(segment)
        documents[file] = parse_document(file, text)
    return lint_declarations(declared, documents, account_schema, settings)


def codes(*texts: str, sql: str = "", account_schema: AccountSchema = KNOWN) -> list[str]:
    return [finding.code for finding in run(*texts, sql=sql, account_schema=account_schema)]


@pytest.mark.parametrize(
    ("text", "line", "column", "end"),
    [
        (f"name: a\nquery_dsl: |\n  {Q}\n  WHERE plan != 'x'\n", 4, 9, (4, 20)),
        (f"name: a\nquery_dsl: >\n  {Q}\n  WHERE plan != 'x'\n", 4, 9, (4, 20)),
        (f"name: a\nquery_dsl: '{Q} WHERE plan != ''x'''\n", 2, 67, (2, 79)),
        (f"name: a\nquery_dsl: \"{Q}\\nWHERE plan != 'x'\"\n", 2, 68, (2, 79)),
        (f"name: a\nquery_dsl: {Q} WHERE plan != 'x'\n", 2, 66, (2, 77)),
        (f"name: a\nquery_dsl: |\n  {Q}\n  WHERE plan\n    != 'x'\n", 4, 9, (5, 11)),
    ],
)
def test_a_finding_has_the_span_of_its_text_in_the_file(
    text: str, line: int, column: int, end: tuple[int, int]
) -> None:
    (finding,) = run(text)
    assert finding.span
    assert (finding.span.line, finding.span.column) == (line, column)
    assert (finding.span.end_line, finding.span.end_column) == end
    assert finding.excerpt == text.split("\n")[line - 1]
    assert finding.code == "drops-nulls"
    assert finding.severity is Severity.WARNING


def test_a_finding_in_a_query_file_has_its_place_there() -> None:
    text = "name: a\nquery_file: q.sql\n"
    (finding,) = run(text, sql=f"{Q}\nWHERE plan != 'x'\n")
    assert str(finding.span) == "segments/q.sql:2:7"
    assert finding.excerpt == "WHERE plan != 'x'"
    ignored = "name: a\n# segctl: ignore[drops-nulls]\nquery_file: q.sql\n"
    assert run(ignored, sql=f"{Q}\nWHERE plan != 'x'\n") == ()
    # Two segments, one file: the finding is reported once.
    twice = run(text, text.replace("name: a", "name: b", 1), sql=f"{Q}\nWHERE plan != 'x'\n")
    assert [finding.code for finding in twice] == ["duplicate-definition", "drops-nulls"]


def test_a_finding_in_an_alias_has_the_place_of_the_alias() -> None:
    text = f"name: a\ndescription: &q {Q} WHERE plan != 'x'\nquery_dsl: *q\n"
    (finding,) = run(text)
    assert str(finding.span) == "segments/1.yaml:3:12"


def test_an_offset_in_the_query_becomes_a_place_in_the_file() -> None:
    text = f"name: a\nquery_dsl: |\n  {Q}\n"
    segment, _ = read_segment("segments/1.yaml", text.encode(), {}, "segments")
    assert segment
    source = QuerySource.of(segment, parse_document("segments/1.yaml", text))
    assert source.locate(7) == ("segments/1.yaml", 3, 10)


DROPS = "WHERE plan != 'x'"
IGNORE = "segctl: ignore[drops-nulls]"


@pytest.mark.parametrize(
    "text",
    [
        f"name: a\n# {IGNORE}\nquery_dsl: |\n  {Q}\n  {DROPS}\n",
        f"name: a\n# {IGNORE}\n# more words\nquery_dsl: |\n  {Q}\n  {DROPS}\n",
        f"# {IGNORE}\nquery_dsl: |\n  {Q}\n  {DROPS}\nname: a\n",
        f"name: a\nquery_dsl: | # {IGNORE}\n  {Q}\n  {DROPS}\n",
        f"name: a\nquery_dsl: {Q} {DROPS} # {IGNORE}\n",
        f"name: a\nquery_dsl: |\n  {Q}\n  {DROPS} -- {IGNORE}\n",
        f"name: a\nquery_dsl: |\n  {Q}\n  {DROPS} -- segctl: ignore[Drops-NULLs]\n",
        f"name: a\nquery_dsl: |\n  {Q}\n  -- {IGNORE}\n  -- why\n\n  {DROPS}\n",
        f"name: a\nquery_dsl: |\n  {Q}\n  /* {IGNORE} */\n  {DROPS}\n",
        f"name: a\nquery_dsl: |\n  {Q}\n  {DROPS} /* it's segctl: ignore[x-y, drops-nulls] */\n",
    ],
)
def test_an_ignore_comment_suppresses_the_finding(text: str) -> None:
    assert "drops-nulls" not in codes(text)
    assert "unused-ignore" not in codes(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"# {IGNORE}\nname: a\nquery_dsl: {Q} {DROPS}\n", ["unused-ignore", "drops-nulls"]),
        (f"name: a # {IGNORE}\nquery_dsl: {Q} {DROPS}\n", ["unused-ignore", "drops-nulls"]),
        (f"name: a\nquery_dsl: {Q} {DROPS}\n# {IGNORE}\n", ["drops-nulls", "unused-ignore"]),
        (f"name: a\nquery_dsl: |\n  {Q}\n  {DROPS}\n  -- {IGNORE}\n",
         ["drops-nulls", "unused-ignore"]),
        (f"name: a\ndescription: '# {IGNORE}'\nquery_dsl: {Q} {DROPS}\n", ["drops-nulls"]),
        (f"name: a\ndescription: |\n  # {IGNORE}\nquery_dsl: {Q} {DROPS}\n", ["drops-nulls"]),
        (f"name: a\nquery_dsl: |\n  {Q} WHERE plan != '-- {IGNORE}'\n", ["drops-nulls"]),
        (f"name: a\n# segctl: ignore[drop-nulls]\nquery_dsl: {Q} {DROPS}\n",
         ["unknown-code", "drops-nulls"]),
        (f"name: a\n# segctl: ignore\nquery_dsl: {Q} {DROPS}\n", ["unknown-code", "drops-nulls"]),
        (f"name: a\nquery_dsl: |\n  -- segctl: ignore[nonsense]\n  {Q}\n", ["unknown-code"]),
        # What needs more than is known may yet be found; what is off may be turned on.
        (f"name: a\n# segctl: ignore[unknown-list, missing-owner]\nquery_dsl: {Q}\n", []),
        (f"name: a\nquery_dsl: |\n  {Q} WHERE (\n  -- segctl: ignore[syntax-error]\n",
         ["unused-ignore", "syntax-error"]),
        (f"name: a\nquery_dsl: |\n  -- segctl: ignore[syntax-error]\n  {Q} WHERE (\n", []),
    ],
)  # fmt: skip
def test_an_ignore_comment_that_suppresses_nothing_is_reported(
    text: str, expected: list[str]
) -> None:
    assert codes(text) == expected


def test_an_ignore_comment_is_not_unused_until_the_fields_are_known() -> None:
    text = f"name: a\n# segctl: ignore[type-mismatch]\nquery_dsl: {Q}\n"
    assert codes(text, account_schema=AccountSchema()) == []
    assert codes(text) == ["unused-ignore"]


def test_an_unknown_parent_list_is_reported_with_the_lists_of_the_account() -> None:
    text = f"name: a\nquery_dsl: {Q}\nparent_list_ids:\n  - 0b1f4a10-5c1d-4a6e-9f02-000000000001\n"
    account_schema = AccountSchema({}, fresh=True, lists={"x": "Customers"})
    (finding,) = run(text, account_schema=account_schema)
    assert (finding.code, finding.severity) == ("unknown-list", Severity.ERROR)
    assert str(finding.span) == "segments/1.yaml:4:5"
    assert finding.hint == "use the id of a list of this account: `Customers` is x"
    none = AccountSchema({}, fresh=True, lists={})
    assert [finding.hint for finding in run(text, account_schema=none)] == [
        "the account has no lists: remove the id"
    ]
    many = AccountSchema({}, fresh=True, lists={str(n): f"List {n}" for n in range(10)})
    assert run(text, account_schema=many)[0].hint.endswith("`List 7` is 7, and 2 more")
    ignored = text.replace("  - ", "  # segctl: ignore[unknown-list]\n  - ")
    assert codes(ignored, account_schema=account_schema) == []
    known = AccountSchema({}, lists={"0b1f4a10-5c1d-4a6e-9f02-000000000001": "Customers"})
    assert codes(text, account_schema=known) == []


@pytest.mark.parametrize("name", ["VIP {{ env }}", "VIP <<env>>"])
def test_a_placeholder_in_a_name_is_an_error_unless_it_is_ignored(name: str) -> None:
    (finding,) = run(f"name: '{name}'\nquery_dsl: {Q}\n")
    assert (finding.code, finding.severity) == ("placeholder", Severity.ERROR)
    assert str(finding.span) == "segments/1.yaml:1:7"
    assert finding.summary == f"`{name[4:]}` looks like a placeholder, which nothing fills in"
    comment = "# segctl: ignore[placeholder]"
    assert codes(f"name: '{name}' {comment}\nquery_dsl: {Q}\n") == []
    assert codes(f"name: VIP {{x}} $y\nquery_dsl: {Q}\n") == []
    (previous,) = run(f"name: a\nprevious_names: [b, '{name}']\nquery_dsl: {Q}\n")
    assert (previous.code, str(previous.span)) == ("placeholder", "segments/1.yaml:2:21")


def test_a_placeholder_in_a_literal_is_an_error_unless_it_is_ignored() -> None:
    where = "WHERE plan = '${plan}'"
    (finding,) = run(f"name: a\nquery_dsl: |\n  {Q}\n  {where}\n")
    assert (finding.code, finding.severity) == ("placeholder", Severity.ERROR)
    assert str(finding.span) == "segments/1.yaml:4:17"
    comment = "-- segctl: ignore[placeholder]"
    assert codes(f"name: a\nquery_dsl: |\n  {Q}\n  {where} {comment}\n") == []


def test_settings_change_the_severity_of_a_rule() -> None:
    text = f"name: a\nquery_dsl: {Q} {DROPS}\n"
    (finding,) = run(text, settings=RuleSettings.from_config({"drops-nulls": "error"}))
    assert finding.severity is Severity.ERROR
    assert run(text, settings=RuleSettings.from_config({"drops-nulls": "off"})) == ()
    finding, *_ = run(text, settings=RuleSettings.from_config({"missing-owner": "info"}))
    assert (finding.code, finding.severity) == ("missing-owner", Severity.INFO)
    owned = f"owner: sales\n{text}"
    assert len(run(owned, settings=RuleSettings.from_config({"missing-owner": "info"}))) == 1


def test_a_name_must_match_the_pattern_of_the_project() -> None:
    settings = RuleSettings.from_config({}, "[a-z]+: .+")
    (finding,) = run(f"name: VIP\nquery_dsl: {Q}\n", settings=settings)
    assert (finding.code, str(finding.span)) == ("name-pattern", "segments/1.yaml:1:7")
    assert finding.severity is Severity.ERROR
    assert run(f"name: 'sales: VIP'\nquery_dsl: {Q}\n", settings=settings) == ()


def test_an_owner_must_be_listed_where_owners_are() -> None:
    settings = RuleSettings.from_config({}, owners=("sales", "crm"))
    (finding,) = run(f"name: a\nowner: slaes\nquery_dsl: {Q}\n", settings=settings)
    assert (finding.code, str(finding.span)) == ("unknown-owner", "segments/1.yaml:2:8")
    assert (finding.severity, finding.hint) == (Severity.ERROR, "did you mean `sales`?")
    (far,) = run(f"name: a\nowner: it\nquery_dsl: {Q}\n", settings=settings)
    assert far.hint == "correct it, or add it to `owners:`"
    assert run(f"name: a\nowner: sales\nquery_dsl: {Q}\n", settings=settings) == ()
    # A segment without an owner is the business of `missing-owner`.
    assert run(f"name: a\nquery_dsl: {Q}\n", settings=settings) == ()
    assert run(f"name: a\nowner: it\nquery_dsl: {Q}\n") == ()


def test_two_segments_with_the_same_definition_are_reported() -> None:
    first = f"name: a\nquery_dsl: {Q} WHERE plan = 'x' AND city = 'y'\n"
    second = f"name: b\nquery_dsl: {Q.lower()} where city='y' and plan='x'\n"
    (finding,) = run(first, second)
    assert (finding.code, str(finding.span)) == ("duplicate-definition", "segments/2.yaml:2:12")
    assert "segments/1.yaml:1:7" in finding.hint
    parents = "parent_list_ids: [0b1f4a10-5c1d-4a6e-9f02-000000000001]\n"
    assert run(first, second + parents) == ()
    assert run(first, second.replace("'x'", "'z'")) == ()
    assert run(first, second.replace("'x' and", "'x' or").replace(" and ", " or ")) == ()
    unread = f"name: a\nquery_dsl: {Q} WHERE (\n"
    assert codes(unread, unread.replace("name: a", "name: b", 1)).count("duplicate-definition") == 1


@pytest.mark.parametrize(
    "query",
    [
        f"{Q} WHERE email != 'some@one.test' AND zzz = 1",
        f"{Q} WHERE plan != 'some@one.test'",
        f"{Q} WHERE plan != '+420 777 123 name' AND email = 'some@one.test'",
        f"{Q} WHERE plan = 'some@one.test' OR plan = 'some@one.test'",
        f"{Q} WHERE updated_at > 'some@one.test'",
        f"{Q} WHERE email LIKE '%some@one.test%' AND zzz = 1",
        f"{Q} WHERE (email LIKE '%some@one.test'",
        f"{Q} UNION {Q} WHERE email = 'some@one.test'",
    ],
)
@pytest.mark.parametrize("ignore", ["", "# segctl: ignore[personal-data]\n"])
def test_addresses_are_not_shown(query: str, ignore: str) -> None:
    findings = run(f'name: a\n{ignore}query_dsl: "{query}"\n')
    assert findings
    for finding in findings:
        assert "some@one.test" not in finding.summary + finding.hint + finding.excerpt
        assert not finding.excerpt or len(finding.excerpt) == len(f'query_dsl: "{query}"')


def test_phone_numbers_are_not_shown() -> None:
    query = f"{Q} WHERE phone_number != '777 123 456' AND zzz = 1 AND whatsapp = 420777123456"
    findings = run(f"name: a\nquery_dsl: {query}\n")
    assert len(findings) > 3
    for finding in findings:
        shown = finding.summary + finding.hint + finding.excerpt
        assert "123 456" not in shown
        assert "420777123456" not in shown


def test_settings_must_name_rules_and_have_a_valid_pattern() -> None:
    assert settings_problems(["drops-nulls", "missing-owner"], "a+") == ()
    assert settings_problems(["drop-nulls"]) == (
        SettingProblem(
            "unknown-rule",
            ("rules", "drop-nulls"),
            "lint rule `drop-nulls` not found",
            "did you mean `drops-nulls`?",
            key=True,
        ),
    )
    (problem,) = settings_problems([], "(")
    assert problem.path == ("name_pattern",)


def test_a_query_needs_fields_or_lists_only_if_it_uses_them() -> None:
    def needs(condition: str, parent: str = "") -> frozenset[Needs]:
        parents = f"parent_list_ids: [{parent}]\n" if parent else ""
        text = f"name: a\n{parents}query_dsl: {Q} WHERE {condition}\n"
        segment, _ = read_segment("segments/1.yaml", text.encode(), {}, "segments")
        assert segment
        return declaration_needs([segment])

    assert needs("country = 'CZ'") == frozenset()
    assert needs("Total_Spend > 5") == {Needs.FIELDS}
    assert needs("array_contains(list_ids, ['x'])") == {Needs.LISTS}
    assert needs("country = 'CZ'", "0b1f4a10-5c1d-4a6e-9f02-000000000001") == {Needs.LISTS}
    assert needs("this is no condition") == frozenset()


def test_a_declaration_without_its_document_is_not_checked() -> None:
    segment, _ = read_segment(
        "segments/1.yaml", f"name: a\nquery_dsl: {Q} {DROPS}\n".encode(), {}, "s"
    )
    assert segment
    assert lint_declarations([segment], {}, KNOWN, DEFAULT) == ()


def test_addresses_in_comments_are_not_shown() -> None:
    query = f"{Q} WHERE plan != 'x' -- ask some@one.test"
    (finding,) = run(f"name: a\nquery_dsl: |\n  {query}\n")
    assert finding.excerpt == f"  {query}".replace("some@one.test", "*" * 13)
    (finding,) = run(
        f"name: some@one.test\nquery_dsl: {Q}\n", settings=RuleSettings.from_config({}, "x")
    )
    assert "`***`" in finding.summary


def test_half_an_address_is_not_shown_either() -> None:
    """A message quotes forty characters of a query; the mask comes before they are cut off."""
    long = "jana.with.a.long.name.indeed.and.longer@one.test"
    findings = run(f"name: a\nquery_dsl: {Q} WHERE city = 'x' '{long}'\n")
    assert {finding.code for finding in findings} == {"personal-data", "syntax-error"}
    assert "jana" not in "".join(
        f"{finding.summary}{finding.hint}{finding.excerpt}" for finding in findings
    )
