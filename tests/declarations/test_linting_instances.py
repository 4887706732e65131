"""Findings in files with `for_each`: each once, with the instances that have it."""

from __future__ import annotations

from segctl.declarations.collection import read_declarations
from segctl.declarations.lint_settings import RuleSettings
from segctl.declarations.linter import declaration_needs, lint_declarations
from segctl.errors import Severity
from segctl.query.lint import AccountSchema, Needs
from tests.declarations.reading import FILE

Q = "SELECT contact_id, updated_at FROM contact_data"
KNOWN = AccountSchema({}, fresh=True)


def text(query: str, *, keys: str = "[AT, CH, DE]", more: str = "", name: str = "${a}") -> str:
    return f"name: To {name}\nfor_each:\n  a: {keys}\n{more}query_dsl: |\n  {query}\n"


def lint(
    *texts: str,
    sql: str = "",
    settings: RuleSettings | None = None,
    only: tuple[str, ...] = (),
    schema: AccountSchema = KNOWN,
) -> list[str]:
    """Return the findings in files, as they are read; with `only`, in these instances."""
    files = {FILE.replace(".yaml", f"{n or ''}.yaml"): t.encode() for n, t in enumerate(texts)}
    queries = {"segments/q.sql": sql.encode()} if sql else {}
    declarations = read_declarations(files, queries, "segments")
    assert not declarations.has_errors, declarations.diagnostics
    declared = [item for item in declarations.declared if not only or item.span.instance in only]
    instances = {FILE: len(declarations.declared)} if len(texts) == 1 else None
    found = lint_declarations(
        declared, declarations.documents, schema, settings or RuleSettings(), instances
    )
    return [f"{item.span}: {item.code}: {item.summary} ({item.hint})" for item in found]


def test_what_all_instances_have_is_reported_once_without_an_instance() -> None:
    (finding,) = lint(text(f"{Q} WHERE country != @a"))
    assert finding == (
        f"{FILE}:5:57: drops-nulls: contacts whose `country` is empty are left out "
        "(write `country != 'AT' OR country IS NULL` to include them, or add "
        "`AND country IS NOT NULL` if this is intended; `@a` is set on line 3)"
    )


def test_what_some_instances_have_is_reported_at_the_first_with_their_number() -> None:
    (finding,) = lint(text(f"{Q} WHERE city = @a", keys=f"[AT, {'x' * 61}, CH, {'y' * 61}]"))
    assert finding.startswith(
        f"{FILE}:5:64 [{'x' * 61}]: value-too-long: "
        "the value has 61 characters, and `city` at most 60 (and 1 more of 4 instances)"
    )


def test_each_of_several_mistakes_is_reported() -> None:
    query = (
        "SELECT c.contact_id, c.updated_at FROM contact_data c JOIN event_data e "
        "ON c.contact_id = e.contact_id WHERE e.event_type = @a AND e.timestamp > now() - 3 days"
    )
    findings = lint(text(query, keys="[opened, open, clickd]"))
    assert {finding.partition(" (")[0] for finding in findings} == {
        f"{FILE}:5:127 [opened]: unknown-event: unknown event_type `'opened'`",
        f"{FILE}:5:127 [clickd]: unknown-event: unknown event_type `'clickd'`",
    }


def test_a_part_of_the_instances_is_named_among_all_of_them() -> None:
    (finding,) = lint(text(f"{Q} WHERE country != @a"), only=("CH", "DE"))
    assert finding.startswith(f"{FILE}:5:57 [CH]: drops-nulls: ")
    assert "left out (and 1 more of 3 instances)" in finding


def test_names_are_checked_one_by_one() -> None:
    settings = RuleSettings.from_config({"missing-owner": "error"}, "To [A-C].")
    findings = lint(text(f"{Q} WHERE country = @a"), settings=settings)
    assert [finding.partition(" (")[0] for finding in findings] == [
        f"{FILE}:1:7: missing-owner: the segment has no owner",
        f"{FILE}:1:7 [DE]: name-pattern: the name `To DE` does not match the project's pattern",
    ]


def test_instances_with_the_same_definition_are_duplicates() -> None:
    keys = "{x: {c: DE}, y: {c: AT}, z: {c: DE}}"
    (finding,) = lint(text(f"{Q} WHERE country = @c", keys=keys))
    assert f"{FILE}:4:12 [z]: duplicate-definition: `To x` selects exactly the same" in finding
    # The same literals at other places are another definition.
    keys = "{x: {c: DE, d: AT}, y: {c: AT, d: DE}}"
    assert lint(text(f"{Q} WHERE country = @c AND city = @d", keys=keys)) == []


def test_a_comment_suppresses_a_finding_in_every_instance() -> None:
    query = f"{Q} WHERE country != @a -- segctl: ignore[drops-nulls]"
    assert lint(text(query)) == []
    assert lint(text(f"{Q} WHERE country != @a", more="# segctl: ignore[drops-nulls]\n")) == []
    file = text("").replace("query_dsl: |\n  \n", "query_file: q.sql\n")
    assert lint(file, sql=query) == []
    suppressed = file.replace("query_file", "# segctl: ignore[drops-nulls]\nquery_file")
    assert lint(suppressed, sql=f"{Q} WHERE country != @a") == []


def test_a_comment_is_unused_only_if_no_instance_needs_it() -> None:
    keys = f"[AT, {'x' * 61}]"
    query = f"{Q} WHERE city = @a -- segctl: ignore[value-too-long]"
    assert lint(text(query, keys=keys)) == []
    assert lint(text(query, keys=keys), only=("AT",)) == []
    (finding,) = lint(text(query))
    assert finding.startswith(f"{FILE}:5:70: unused-ignore: ")


def test_personal_data_of_no_instance_is_shown_for_another() -> None:
    keys = "{x: {c: '777123456'}, y: {c: jan.novak@mail.cz}, z: {c: '777123456'}}"
    findings = lint(text(f"{Q} WHERE phone_number != @c", keys=keys, name="${a} ${c}"))
    shown = "\n".join(findings)
    assert "personal-data" in shown
    assert "duplicate-definition" in shown
    assert "777123456" not in shown
    assert "jan.novak" not in shown


def test_files_with_the_same_query_are_checked_each_at_its_places() -> None:
    shared = text("").replace("query_dsl: |\n  \n", "query_file: q.sql\n")
    plain = f"name: b\nquery_dsl: {Q} WHERE country != 'AT'\n"
    findings = lint(shared, plain, text(f"\n  {Q} WHERE country != @a", name="c ${a}"),
                    sql=f"{Q} WHERE country != @a")  # fmt: skip
    at = [finding.partition(":")[0] + finding.split(": ")[1] for finding in findings]
    assert at.count("segments/q.sqldrops-nulls") == 1
    assert len([place for place in at if place.endswith("drops-nulls")]) == 3


def test_needs_are_those_of_the_template() -> None:
    files = {FILE: text(f"{Q} WHERE array_contains(list_ids, [@a]) AND plan = 'x'").encode()}
    declared = read_declarations(files, {}, "segments").declared
    assert declaration_needs(declared) == {Needs.FIELDS, Needs.LISTS}


def test_severities_of_segctl_yaml_hold() -> None:
    settings = RuleSettings({"drops-nulls": None})
    assert lint(text(f"{Q} WHERE country != @a"), settings=settings) == []
    settings = RuleSettings({"drops-nulls": Severity.ERROR})
    assert len(lint(text(f"{Q} WHERE country != @a"), settings=settings)) == 1
