"""Keys, and text that looks like one, are masked; e-mail addresses are detected."""

from __future__ import annotations

import logging
import traceback

import pytest

from segctl.common.secrets import MASK, Secret, find_keys, has_email_address, redact

KEY = "SG." + "a" * 22 + "." + "b" * 43


def test_only_reveal_returns_the_text_of_a_secret(
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
def test_text_that_looks_like_a_key_is_masked(text: str, shown: str) -> None:
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
def test_a_secret_masks_itself_in_other_texts(secret: str, text: str, shown: str) -> None:
    assert Secret(secret).mask(text) == shown


def test_keys_are_found_with_their_offsets() -> None:
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
def test_a_message_with_an_e_mail_address_is_detected(text: str, *, expected: bool) -> None:
    assert has_email_address(text) is expected
