"""The check of `time_zone` in segctl.yaml."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from segctl.common.suggest import did_you_mean
from segctl.documents.document import quote_value

if TYPE_CHECKING:
    from segctl.documents.document import Document

# Files in the time zone folder that mean something only on this machine.
_LOCAL_ZONES = re.compile(r"localtime$|posixrules$|Factory$|posix/|right/")


def check_time_zone(document: Document, name: str) -> None:
    """Report a name that is no time zone on every machine."""
    if not _is_time_zone(name):
        document.report(
            "unknown-time-zone",
            f"unknown time zone {quote_value(name)}",
            path=("time_zone",),
            hint=_time_zone_hint(name),
        )


def _is_time_zone(name: str) -> bool:
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - only where segctl.yaml names one

    if name == "UTC":
        # Known even if the machine has no time zone data.
        return True
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        return False
    return not _LOCAL_ZONES.match(name)


def _time_zone_hint(name: str) -> str:
    if _LOCAL_ZONES.match(name):
        return (
            "that name means another zone on each machine: use an IANA name such as Europe/Prague, "
            "America/Chicago or UTC"
        )
    from zoneinfo import available_timezones  # noqa: PLC0415 - only for a name that is wrong

    known = sorted(available_timezones())
    if not known:
        return "this machine has no time zone data; run `pip install tzdata`"
    return did_you_mean(
        name, known, "use an IANA name such as Europe/Prague, America/Chicago or UTC"
    )
