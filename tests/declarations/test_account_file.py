"""The file of an account: what was pulled is read again, and what people do to it is reported."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segctl.declarations.account_file import account_text, read_account, read_accounts
from segctl.model.contact_fields import Field, FieldType, KnownAccount
from tests.support.builders import FIELDS

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=20)
SOME = st.dictionaries(NAMES, st.sampled_from(FieldType), max_size=5).map(
    lambda names: tuple(Field(name, kind) for name, kind in names.items())
)


FILE = "segments/accounts/production.yaml"
ID = "0b1f4a10-5c1d-4a6e-9f02-00000000000"
IDS = st.dictionaries(st.uuids().map(str), NAMES, max_size=4)


def account(
    custom: tuple[Field, ...] = (),
    lists: dict[str, str] | None = None,
    sends: dict[str, str] | None = None,
) -> KnownAccount:
    return KnownAccount(custom, (), "production", "2026-07-15T16:04:33Z", lists or {}, sends or {})


@given(st.builds(KnownAccount, SOME, SOME, NAMES, st.just("2026-07-15T16:04:33Z"), IDS, IDS))
def test_the_written_account_is_read_again(known: KnownAccount) -> None:
    assert read_account(FILE, account_text(known).encode()) == (known, [])


@pytest.mark.parametrize("name", ["yes", "no", "null", "1e3", "2026-01-01", "<<", "a: b", "#"])
def test_names_that_yaml_does_not_read_as_strings_are_quoted(name: str) -> None:
    known = account((Field(name, FieldType.TEXT),), {f"{ID}1": name}, {"send-1": name})
    assert read_account(FILE, account_text(known).encode()) == (known, [])


def test_the_file_is_readable() -> None:
    known = account(
        (Field("total_spend", FieldType.NUMBER), Field("last order", FieldType.DATE)),
        {f"{ID}1": "Newsletter", f"{ID}2": "Customers"},
        {"send-1": "Spring", "send-2": "for jane@example.com"},
    )
    assert account_text(known) == (
        "# The account of this target, for checks without a network connection. Its lists identify "
        "it: on\n"
        "# another account, segctl plans and applies nothing.\n"
        "# Written by `segctl account pull`: run it again after a list or a field is added in "
        "SendGrid.\n"
        "target: production\n"
        'pulled_at: "2026-07-15T16:04:33Z"\n'
        "lists:\n"
        f'  "{ID}2": Customers\n'
        f'  "{ID}1": Newsletter\n'
        "custom_fields:\n"
        "  total_spend: Number\n"
        '  "last order": Date\n'
        "reserved_fields: {}\n"
        "single_sends:\n"
        '  "send-1": Spring\n'
        '  "send-2": "(not shown, since it holds an e-mail address)"\n'
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty-file"),
        ("target: [", "yaml-syntax"),
        ("target: a\n", "missing-key"),
        (FIELDS, "missing-key"),
        (account_text(account()).replace("2026-07-15T", "x"), "bad-value"),
        (account_text(account()).replace("lists: {}", "lists: {a: b}", 1), "bad-value"),
        ("\xff", "not-utf8"),
    ],
)
def test_a_broken_file_is_reported(text: str, code: str) -> None:
    known, diagnostics = read_account(FILE, text.encode("latin-1"))
    assert known is None
    assert code in {diagnostic.code for diagnostic in diagnostics}
    assert all(
        diagnostic.span is not None and diagnostic.span.file == FILE for diagnostic in diagnostics
    )


def test_a_file_with_fields_alone_is_read() -> None:
    known, diagnostics = read_account("segments/fields.yaml", FIELDS.encode(), "fields")
    assert diagnostics == []
    assert known is not None
    assert known.custom
    assert known.lists is None


@pytest.mark.parametrize(
    "file",
    [
        "segments/accounts/vip.yaml",
        "segments/accounts/production.yml",
        "segments/accounts/eu/production.yaml",
    ],
)
def test_a_segment_file_among_the_accounts_is_an_error(file: str) -> None:
    files = {file: b"name: VIP\nquery_dsl: SELECT 1\n", FILE: account_text(account()).encode()}
    accounts, (diagnostic,) = read_accounts(files, "segments", ("production", "sandbox"))
    assert [*accounts] == ["production"]
    assert diagnostic.code == "unknown-target"
    assert str(diagnostic.span).startswith(file)
