from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .account import Account

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def account() -> Iterator[Account]:
    with Account() as account:
        yield account
