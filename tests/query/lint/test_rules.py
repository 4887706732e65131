"""Every rule against the corpus, against its own documentation, and against nonsense."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from segctl.declarations.linter import ALL_RULES, explain, rules_markdown
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
def test_it_fires(code: str, query: str, excerpt: str, message: str, hint: str) -> None:
    first = next(found for found in find(query) if found.code == code)
    assert (query[first.start : first.end], first.message, first.hint) == (excerpt, message, hint)
    assert not message.endswith(".")


@pytest.mark.parametrize(("code", "query"), SILENT)
def test_it_stays_silent(code: str, query: str) -> None:
    assert code not in {found.code for found in find(query)}


def test_the_corpus_is_large() -> None:
    for code in RULES:
        assert sum(row[0] == code for row in FIRES) >= 3, code
        assert sum(row[0] == code for row in SILENT) >= 3, code


def queries_of_segments() -> list[str]:
    found = [path.read_text("utf-8") for path in SEGMENTS.rglob("*.sql")]
    for path in SEGMENTS.rglob("*.yaml"):
        query = yaml.safe_load(path.read_text("utf-8")).get("query_dsl")
        found += [query] if query else []
    return found


@pytest.mark.parametrize("query", [*SHAPES, *queries_of_segments()])
def test_what_real_accounts_use_is_clean(query: str) -> None:
    # '<uuid>' stands for two different ids.
    query = query.replace("<uuid>", LIST, 1).replace("<uuid>", LIST[:-1] + "2")
    found = find(query, AccountSchema(FIELDS, fresh=True))
    assert [one for one in found if one.severity is not Severity.INFO] == []


def whole(text: str) -> str:
    return text if text.startswith(("SELECT", "DELETE")) else W + text


@pytest.mark.parametrize("code", RULES)
def test_the_documented_examples_are_true(code: str) -> None:
    rule = RULES[code]
    assert {found.code for found in find(whole(example(rule, "Bad")))} == {code}
    assert code not in {found.code for found in find(whole(example(rule, "Good")))}


def test_the_documentation() -> None:
    for code, rule in ALL_RULES.items():
        text = explain(code)
        assert text.startswith(f"{code} (")
        assert "Instead of:" in text, code
        assert "Write:" in text, code
        assert rule.severity is not None or "off by default" in text
    page = rules_markdown()
    assert all(f"\n## {code}\n" in page for code in ALL_RULES)
    assert "Runs only when the account's lists are known." in explain("unknown-list")
    with pytest.raises(KeyError):
        explain("nonsense")


def test_what_is_not_known_is_no_error() -> None:
    for account_schema in (NOTHING, AccountSchema(FIELDS, fresh=False)):
        (found,) = find(W + "prefered_language = 'cs'", account_schema)
        assert (found.code, found.severity) == ("unknown-column", Severity.WARNING)
    (found,) = find(W + "zzz = 'cs'", NOTHING)
    assert found.hint.startswith("run `segctl fields pull`")
    (found,) = find(W + 'first_name = "John"', NOTHING)
    assert (found.code, found.severity) == ("quoted-value", Severity.WARNING)
    (found,) = find("SELECT contact_id, updated_at FROM event_data WHERE zzz = 1")[:1]
    assert found.severity is Severity.WARNING or found.code != "unknown-column"


def test_the_account_may_have_more_reserved_fields() -> None:
    account_schema = AccountSchema({}, fresh=True, reserved_fields={"nickname": ColumnType.VARCHAR})
    assert find(W + "nickname = 'x'", account_schema) == ()
    (found,) = find(W + "nicknam = 'x'", account_schema)
    assert found.hint == "did you mean `nickname`?"


def test_findings_come_in_the_order_of_places() -> None:
    starts = [found.start for found in find(W + "zzz = 1 AND country != 'x' AND 1 = 1")]
    assert starts == sorted(starts)
    assert len(starts) == 3


def test_a_chain_of_joined_texts_is_told_once() -> None:
    text = W + "city || ' ' || country || '!' = 'x'"
    (found,) = [one for one in find(text) if one.code == "undocumented-syntax"]
    assert text[found.start : found.end] == "city || ' '"


def test_a_private_finding_says_so() -> None:
    (found,) = find(W + "email = 'some@one.test'")
    assert found.private
    assert "some@" not in found.message + found.hint


def test_a_person_is_found_once() -> None:
    (found,) = find(W + "email = 'some@one.test'")
    assert found.code == "personal-data"
    assert len(find(W + "phone_number = '+420 777 123 456' AND country = 'some@one.test'")) == 2
    assert find(W + "(email = 'some@one.test'")[-1].private


@pytest.mark.parametrize("query", ACCEPTED)
def test_lint_never_raises(query: str) -> None:
    for account_schema in (KNOWN, NOTHING):
        for found in find(query, account_schema):
            assert 0 <= found.start <= found.end <= len(query)


@settings(deadline=None)
@given(queries, st.randoms(use_true_random=False))
def test_lint_never_raises_on_any_query(meaning: Meaning, random: Random) -> None:
    text = spell(meaning, random)
    for account_schema in (KNOWN, NOTHING):
        for found in find(text, account_schema):
            assert 0 <= found.start <= found.end <= len(text)
            assert found.code in RULES


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
