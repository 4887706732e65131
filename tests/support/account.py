"""The emulated account of the tests, and the key that opens it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.emulator import Settings

if TYPE_CHECKING:
    from segctl.emulator import Emulator
    from tests.support.clock import FakeClock

KEY = "SG.aaaaaaaaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

TEST_SETTINGS = dataclasses.replace(Settings(), rate_limit=None, delete_linger=0.0)
"""SendGrid's limits except the rate limit; a deleted segment leaves the list at once."""


@dataclass
class Remote:
    """An emulated account on a socket."""

    emulator: Emulator
    clock: FakeClock
    url: str

    def definitions(self) -> dict[str, tuple[str, tuple[str, ...]]]:
        """Return the V2 segments of the account: name to query and parent lists."""
        return {
            segment.name: (segment.query, segment.parent_list_ids or ())
            for segment in self.emulator.console.segments()
            if segment.version == 2
        }
