"""Every rule against the corpus, against its own documentation, and against nonsense."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from segctl.declarations.lint_settings import ALL_RULES, explain, rules_markdown
from segctl.errors import Severity
from segctl.query.catalogue import ColumnType
from segctl.query.lint import RULES, AccountSchema, Finding, lint, names, scope
from segctl.query.lint.help import example
from segctl.query.parser.parse import parse
from segctl.query.parser.tokens import lower
from tests.query.corpus import ACCEPTED, SHAPES
from tests.query.lint.corpus import FIRES, SILENT, W
from tests.query.strategies import Meaning, queries, spell

if TYPE_CHECKING:
    from random import Random

LIST = "0b1f4a10-5c1d-4a6e-9f02-000000000001"
FIELDS = {
    "plan": ColumnType.VARCHAR,
    "signed_up": ColumnType.TIMESTAMP,
    "renewal_date": ColumnType.TIMESTAMP,
    "preferred_language": ColumnType.VARCHAR,
    "last_order": ColumnType.TIMESTAMP,
    "tags": ColumnType.VARCHAR,
    "orders_count": ColumnType.NUMBER,
    "total_spend": ColumnType.NUMBER,
}
KNOWN = AccountSchema(FIELDS, fresh=True, lists={LIST: "Customers"})
NOTHING = AccountSchema()
SEGMENTS = Path(__file__).parents[3] / "segments"


def find(query: str, account_schema: AccountSchema = KNOWN) -> tuple[Finding, ...]:
    return lint(parse(query), account_schema)


@pytest.mark.parametrize(("code", "query", "excerpt", "message", "hint"), FIRES)
def test_a_rule_reports_its_violation(
    code: str, query: str, excerpt: str, message: str, hint: str
) -> None:
    first = next(finding for finding in find(query) if finding.code == code)
    assert (query[first.start : first.end], first.message, first.hint) == (excerpt, message, hint)
    assert not message.endswith(".")


@pytest.mark.parametrize(("code", "query"), SILENT)
def test_a_rule_does_not_report_what_is_correct(code: str, query: str) -> None:
    assert code not in {finding.code for finding in find(query)}


def test_every_rule_has_three_examples_of_each_kind() -> None:
    for code in RULES:
        assert sum(row[0] == code for row in FIRES) >= 3, code
        assert sum(row[0] == code for row in SILENT) >= 3, code


def queries_of_segments() -> list[str]:
    queries = [path.read_text("utf-8") for path in SEGMENTS.rglob("*.sql")]
    for path in SEGMENTS.rglob("*.yaml"):
        query = yaml.safe_load(path.read_text("utf-8")).get("query_dsl")
        queries += [query] if query else []
    return queries


ONE_VALUE = W + "array_contains(alternate_emails,'x') AND NOT array_contains(list_ids,'<uuid>')"


@pytest.mark.parametrize("query", [*SHAPES, ONE_VALUE, *queries_of_segments()])
def test_queries_of_real_accounts_have_no_warnings(query: str) -> None:
    # '<uuid>' stands for two different ids.
    query = query.replace("<uuid>", LIST, 1).replace("<uuid>", LIST[:-1] + "2")
    findings = find(query, AccountSchema(FIELDS, fresh=True))
    assert [finding for finding in findings if finding.severity is not Severity.INFO] == []


def whole(text: str) -> str:
    return text if text.startswith(("SELECT", "DELETE")) else W + text


@pytest.mark.parametrize("code", RULES)
def test_the_documented_examples_do_what_they_say(code: str) -> None:
    rule = RULES[code]
    assert {finding.code for finding in find(whole(example(rule, "Bad")))} == {code}
    assert code not in {finding.code for finding in find(whole(example(rule, "Good")))}


def test_every_rule_is_documented() -> None:
    for code, rule in ALL_RULES.items():
        text = explain(code)
        assert text.startswith(f"{code} (")
        assert "Instead of:" in text, code
        assert "Write:" in text, code
        assert rule.severity is not None or "off by default" in text
    page = rules_markdown()
    assert all(f"\n## {code}\n" in page for code in ALL_RULES)
    assert "Runs only when the account's lists are known: run" in explain("unknown-list")
    with pytest.raises(KeyError):
        explain("nonsense")


def test_an_unknown_name_is_a_warning_unless_the_fields_are_fresh() -> None:
    for account_schema in (NOTHING, AccountSchema(FIELDS, fresh=False)):
        (finding,) = find(W + "prefered_language = 'cs'", account_schema)
        assert (finding.code, finding.severity) == ("unknown-column", Severity.WARNING)
    (finding,) = find(W + "zzz = 'cs'", NOTHING)
    assert finding.hint.startswith("run `segctl account pull`")
    (finding,) = find(W + 'first_name = "John"', NOTHING)
    assert (finding.code, finding.severity) == ("quoted-value", Severity.WARNING)
    (finding,) = find("SELECT contact_id, updated_at FROM event_data WHERE zzz = 1")[:1]
    assert finding.severity is Severity.WARNING or finding.code != "unknown-column"


def test_reserved_fields_of_the_account_are_known() -> None:
    account_schema = AccountSchema({}, fresh=True, reserved_fields={"nickname": ColumnType.VARCHAR})
    assert find(W + "nickname = 'x'", account_schema) == ()
    (finding,) = find(W + "nicknam = 'x'", account_schema)
    assert finding.hint == "did you mean `nickname`?"


def test_findings_are_in_the_order_of_places() -> None:
    starts = [finding.start for finding in find(W + "zzz = 1 AND country != 'x' AND 1 = 1")]
    assert starts == sorted(starts)
    assert len(starts) == 3


def test_a_chain_of_concatenations_is_reported_once() -> None:
    text = W + "city || ' ' || country || '!' = 'x'"
    (finding,) = [finding for finding in find(text) if finding.code == "undocumented-syntax"]
    assert text[finding.start : finding.end] == "city || ' '"


def test_personal_data_is_marked_private() -> None:
    (finding,) = find(W + "email = 'some@one.test'")
    assert finding.private
    assert "some@" not in finding.message + finding.hint


def test_personal_data_is_reported_once() -> None:
    (finding,) = find(W + "email = 'some@one.test'")
    assert finding.code == "personal-data"
    assert len(find(W + "phone_number = '+420 777 123 456' AND country = 'some@one.test'")) == 2
    assert find(W + "(email = 'some@one.test'")[-1].private


@pytest.mark.parametrize("query", ACCEPTED)
def test_lint_never_raises(query: str) -> None:
    for account_schema in (KNOWN, NOTHING):
        for finding in find(query, account_schema):
            assert 0 <= finding.start <= finding.end <= len(query)


@settings(deadline=None)
@given(queries, st.randoms(use_true_random=False))
def test_lint_never_raises_on_any_query(meaning: Meaning, random: Random) -> None:
    text = spell(meaning, random)
    for account_schema in (KNOWN, NOTHING):
        for finding in find(text, account_schema):
            assert 0 <= finding.start <= finding.end <= len(text)
            assert finding.code in RULES


@pytest.mark.parametrize(
    "query",
    [
        W + " AND ".join(f"total_spend > {n}" for n in range(3000)),
        W + " OR ".join(f"country != '{n}'" for n in range(3000)),
        W + "country IN (" + ", ".join(f"'{n}'" for n in range(5000)) + ")",
        W + "(" * 60 + "country != 'x'" + ")" * 60,
        W + "total_spend = " + "9" * 5000 + " AND total_spend = 1",
        W.replace("updated_at", ", ".join(f"zzz{n} AS y{n}" for n in range(8000))) + "a = 1",
    ],
)
def test_large_queries_take_bounded_time(query: str) -> None:
    find(query)


def test_a_long_select_list_takes_linear_work(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = 0

    def counted(text: str) -> str:
        nonlocal calls
        calls += 1
        return lower(text)

    for module in (names, scope):
        monkeypatch.setattr(module, "lower", counted)
    find(W.replace("updated_at", ", ".join(f"zzz{n} AS y{n}" for n in range(500))) + "a = 1")
    assert calls < 500 * 20
