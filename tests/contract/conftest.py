from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract import official, ours
from tests.contract.story import tell

if TYPE_CHECKING:
    from tests.contract.exchange import Exchange
    from tests.contract.openapi import Contract


@pytest.fixture(scope="package", params=["ours", "official"])
def contract(request: pytest.FixtureRequest) -> Contract:
    """What the requests and responses are held against."""
    if request.param == "ours":
        return ours.contract()
    if not official.is_present():
        pytest.skip("the official files are not beside the checkout")
    return official.contract()


@pytest.fixture(scope="package")
def story(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Exchange], set[str]]:
    """The exchanges of every command, and the names of the commands."""
    return tell(tmp_path_factory.mktemp("story") / "shop")
