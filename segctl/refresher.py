"""Asks SendGrid to count segments anew, and says what its answer means to the user.

Owns the meaning of the five answers (sendgrid-api.md §1, §2). A quota is no error: segments are
counted on a schedule anyway.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.errors import Forbidden, NotFound, RateLimited, RemoteError
from segctl.report import Refresh, RefreshStatus

if TYPE_CHECKING:
    from segctl.sendgrid.api import Writer


def refresh(account: Writer, name: str, segment_id: str, time_zone: str) -> Refresh:
    """Ask for one segment; `time_zone` is the IANA name whose midnight resets the quota.

    Raises nothing for what the server answers: that is the result.
    """
    try:
        account.refresh_segment(segment_id, time_zone)
    except RateLimited:
        return Refresh(
            name,
            segment_id,
            RefreshStatus.OVER_QUOTA,
            "the quota is used up: 1 refresh an hour and 2 a day for a segment, 10 a day for the "
            "account",
            f"a segment's day ends at midnight in {time_zone}, the account's at 00:00 UTC; "
            "SendGrid also counts by itself every 1 to 24 hours",
        )
    except Forbidden as error:
        if error.messages:
            # A free plan's 403 has no body (sendgrid-api.md §1): this one is about the key.
            return Refresh(name, segment_id, RefreshStatus.FORBIDDEN, error.message, error.hint)
        return Refresh(
            name,
            segment_id,
            RefreshStatus.FORBIDDEN,
            "the account's plan has no manual refresh, or the key may not use it",
            "Basic and Advanced plans have it; SendGrid counts by itself every 1 to 24 hours",
        )
    except NotFound:
        return Refresh(
            name,
            segment_id,
            RefreshStatus.NOT_FOUND,
            "the account has no such segment any more",
            "`segctl plan` shows how it stands",
        )
    except RemoteError as error:
        hint = error.hint
        if error.ambiguous:
            hint = (
                "SendGrid may have begun it all the same, and then it counts against the quota: "
                "`segctl list` shows the refreshes used"
            )
        return Refresh(name, segment_id, RefreshStatus.FAILED, error.message, hint)
    return Refresh(name, segment_id, RefreshStatus.ACCEPTED)
