"""A key, and whatever looks like one, is never shown."""

from __future__ import annotations

import logging
import traceback

import pytest

from segctl.common.secrets import MASK, Secret, find_keys, has_email_address, redact

KEY = "SG." + "a" * 22 + "." + "b" * 43


def test_a_secret_shows_itself_to_nobody_but_who_reveals_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    secret = Secret(KEY)

    logging.getLogger("x").warning("%s %r", secret, [secret])
    text = "".join(traceback.format_exception(ValueError(secret)))

    for shown in (str(secret), repr(secret), f"{secret}", f"{[secret]}", caplog.text, text):
        assert "a" * 22 not in shown
    assert secret.reveal() == KEY
    assert not hasattr(secret, "__dict__")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (KEY, MASK),
        (f"key={KEY}, again {KEY}.", f"key={MASK}, again {MASK}"),
        (f"KEY_{KEY}", f"KEY_{MASK}"),
        (f"Bearer{KEY}", f"Bearer{MASK}"),
        ("SG.abcd", MASK),
        ("SG.abc", "SG.abc"),
        ("MSG.contact_id", "MSG.contact_id"),
        ("é SG.abcdefgh\nSG.", f"é {MASK}\nSG."),
        ("", ""),
    ],
)
def test_the_mask_covers_what_looks_like_a_key(text: str, shown: str) -> None:
    assert redact(text) == shown


@pytest.mark.parametrize(
    ("secret", "text", "shown"),
    [
        ("opaque-token", "401: opaque-token is bad", f"401: {MASK} is bad"),
        ("x", "expired", "expired"),
        ("", "as it was", "as it was"),
        ("opaque-token", f"{KEY} opaque-token", f"{MASK} {MASK}"),
    ],
)
def test_a_secret_masks_itself_in_the_words_of_others(secret: str, text: str, shown: str) -> None:
    assert Secret(secret).mask(text) == shown


def test_keys_are_found_where_they_stand() -> None:
    assert find_keys(f"a {KEY} b {KEY}", whole=True) == [2, 74]
    assert find_keys("WHERE SG.contact_id = 1") == [6]
    assert find_keys("WHERE SG.contact_id = 1", whole=True) == []
    assert find_keys("nothing") == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("duplicate contact jan.novak@example.com", True),
        ('{"email": "o\'neil+news@mail.example.test"}', True),
        ("jos\u00e9@example.test", True),
        ("email LIKE '%@example.com'", False),
        ("email LIKE '%@%'", False),
        ("a@b", False),
        ("follow us @example.com", False),
        ("", False),
    ],
)
def test_a_message_with_an_address_names_somebody(text: str, *, expected: bool) -> None:
    assert has_email_address(text) is expected
