from __future__ import annotations

import pytest

from segctl.emulator import FLIPPED, Assumption, Emulator, Settings

from .account import QUERY, V2, Account


def flipped(*assumptions: Assumption) -> Account:
    return Account(Settings(flipped=frozenset(assumptions)))


def test_every_assumption_says_what_its_flip_does() -> None:
    assert [*FLIPPED] == [*Assumption]


def test_an_unknown_assumption_is_an_error() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        Emulator(None, Settings(flipped=frozenset({"nonsense"})))


def test_an_invalid_query_may_be_refused_without_a_trace() -> None:
    with flipped(Assumption.INVALID_QUERY) as account:
        body = {"name": "A", "query_dsl": "SELECT * FROM contact_data"}
        assert account.ask("POST", V2, body).status == 400
        assert account.names() == []


@pytest.mark.parametrize(
    ("assumption", "query"),
    [
        (Assumption.GROUP_BY, f"{QUERY} GROUP BY contact_id, updated_at"),
        (Assumption.DOUBLE_QUOTED_TEXT, QUERY.replace("'", '"')),
        (Assumption.INTERVAL, QUERY.replace("city = 'Brno'", "updated_at > now() - 30 days")),
        (Assumption.FUNCTIONS, QUERY.replace("city", "lower(city)")),
        (
            Assumption.BARE_JOIN,
            QUERY.replace("WHERE", "JOIN event_data ON contact_id WHERE"),
        ),
    ],
)
def test_the_verdict_on_a_query_turns_round(assumption: Assumption, query: str) -> None:
    verdicts = []
    for account in (Account(), flipped(assumption)):
        with account:
            segment = account.create("A", query)
            account.clock.forward(300)
            status = account.get(f"{V2}/{segment['id']}")["status"]
            verdicts.append(status["query_validation"])
    assert sorted(verdicts) == ["INVALID", "VALID"]


def test_a_flip_leaves_all_other_queries_alone() -> None:
    with flipped(*Assumption) as account:
        assert account.create("A")["status"] == {"query_validation": "VALID"}
