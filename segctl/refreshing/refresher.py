"""Asks SendGrid to count segments anew, within its quota, and says what its answers mean.

Owns the asking: the most important first, each turn taken from the record before it is used, so
that two processes cannot take the same one, and given back where the answer says that nothing was
begun. One whose answer was lost is looked up and never sent again: a second one would take a second
turn, or be refused. A quota is no error: segments are counted on a schedule anyway
(sendgrid-api.md §1, §2).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from segctl.account.snapshot import at_once
from segctl.common.clock import format_utc
from segctl.common.timestamps import parse_utc
from segctl.errors import Forbidden, NotFound, RateLimited, RemoteError
from segctl.model import Validation
from segctl.model.report import Refresh, RefreshStatus
from segctl.refreshing.quota import Candidate, after_refusal, next_day, turns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from segctl.model import Remote
    from segctl.refreshing.quota import Past, Turn
    from segctl.refreshing.usage_log import RefreshRecord
    from segctl.sendgrid.api import Reader, Writer

RATE_WINDOW = 60.0
"""Seconds after which the account's rate limit is over, where no answer says (§2)."""

_ALSO = "SendGrid also counts by itself every 1 to 24 hours"
_REFUSALS_OF_A_FULL_DAY = 2

LOOKS_AFTER_FAILURE = (0.0, 3.0)
"""Seconds before each look at a segment whose refresh the server said that it failed at."""

LOOKS_AFTER_SILENCE = (0.0, 3.0, 12.0)
"""The same where it said nothing: new counts take 3 to 15 s (sendgrid-api.md §1)."""

SKEW = timedelta(minutes=1)
"""By how much the server's clock may well be behind ours."""

_ATTENTION = 0.25


@dataclass(frozen=True, slots=True)
class Wanted:
    """A segment that changed. `priority` is its file's; `is_new`: its id did not exist before."""

    id: str
    name: str
    priority: int = 0
    is_new: bool = False


def refresh_changed(
    account: Writer,
    wanted: Sequence[Wanted],
    record: RefreshRecord,
    zone: str,
    stopped: Callable[[], bool],
) -> Iterator[Refresh]:
    """Refresh those of the segments that are VALID, as `refresh_segments` does.

    Each is read again: only the account knows what it makes of the query, and how many contacts
    there are.
    """
    if stopped():
        yield from map(_not_asked, wanted)
        return
    found = {one.id: one for one in at_once(lambda one: _look(account, one), wanted)}
    looked = [found[one.id] for one in wanted]
    yield from (one for one in looked if isinstance(one, Refresh))
    candidates = [one for one in looked if isinstance(one, Candidate)]
    yield from refresh_segments(account, candidates, record, zone, stopped)


def refresh_segments(
    account: Writer,
    candidates: Sequence[Candidate],
    record: RefreshRecord,
    zone: str,
    stopped: Callable[[], bool] = lambda: False,
    *,
    force: bool = False,
) -> Iterator[Refresh]:
    """Refresh what the budget has room for, the most important first; say when the rest can go.

    `zone` is the IANA name whose midnight resets a segment's quota. `force` asks for all of them,
    whatever is known of the quota. Once `stopped()` is true nothing more is sent, and the rest is
    skipped. Raises nothing for what the server answers: that is the result.
    """
    run = _Run(account, record, zone, stopped, force=force)
    waiting = list(candidates)
    refused: list[Candidate] = []
    while waiting and not stopped():
        claim = run.claim(waiting)
        if claim is None:
            break
        waiting = [one for one in waiting if one.id != claim.candidate.id]
        result = run.ask(claim)
        if result is None:
            refused.append(claim.candidate)
        else:
            yield result
        if result is not None and result.status is RefreshStatus.FORBIDDEN:
            # It is the account's plan, or the key: the others would be told the same.
            yield from (replace(result, name=one.name, id=one.id) for one in waiting)
            waiting = []
    late = [*refused, *waiting]
    yield from map(_not_asked, late) if stopped() else run.defer(late)


def candidate(remote: Remote, priority: int = 0, *, is_new: bool = False) -> Candidate:
    """Make a candidate of what the account says of a segment."""
    return Candidate(
        remote.id,
        remote.name,
        priority,
        remote.contacts_count,
        remote.refreshes_used,
        remote.max_refreshes,
        parse_utc(remote.last_refreshed_at),
        is_new,
    )


def _look(account: Reader, one: Wanted) -> Candidate | Refresh:
    """Read a segment again; say why it is not refreshed where it is not VALID."""
    try:
        remote = account.get_segment(one.id)
    except NotFound:
        return _gone(one)
    except RemoteError as error:
        return Refresh(one.name, one.id, RefreshStatus.FAILED, error.message, error.hint)
    if remote.validation is Validation.VALID:
        return candidate(remote, one.priority, is_new=one.is_new)
    what = {
        Validation.PENDING: "SendGrid is still checking its query",
        Validation.INVALID: "SendGrid does not accept its query",
    }.get(remote.validation, "SendGrid does not say whether it accepts its query")
    hint = "only a segment whose query is valid is counted: `segctl list` shows how it stands"
    return Refresh(one.name, one.id, RefreshStatus.SKIPPED, what, hint)


def _not_asked(one: Wanted | Candidate) -> Refresh:
    words = "interrupted before it was asked for"
    hint = f"`segctl refresh NAME` asks for it; {_ALSO}"
    return Refresh(one.name, one.id, RefreshStatus.SKIPPED, words, hint)


def _gone(one: Wanted | Candidate) -> Refresh:
    return Refresh(
        one.name,
        one.id,
        RefreshStatus.NOT_FOUND,
        "the account has no such segment any more",
        "`segctl plan` shows how it stands",
    )


@dataclass(frozen=True, slots=True)
class _Claim:
    """A turn taken from the record: it counts as used until it is given back."""

    candidate: Candidate
    moment: datetime


class _Run:
    """One run of requests: what it was refused, and what follows from that."""

    def __init__(
        self,
        account: Writer,
        record: RefreshRecord,
        zone: str,
        stopped: Callable[[], bool],
        *,
        force: bool,
    ) -> None:
        self._account = account
        self._record = record
        self._zone_name = zone
        self._zone: tzinfo = ZoneInfo(zone)
        self._stopped = stopped
        self._force = force
        self._refusals = 0
        self._soonest: dict[str, datetime] = {}

    def claim(self, waiting: Sequence[Candidate]) -> _Claim | None:
        """Take the turn of the most important segment that can go now, if there is one."""
        claimed: list[_Claim] = []

        def take(past: Past, now: datetime) -> Past:
            for turn in turns(waiting, past, now, self._zone):
                if turn.at <= now or self._force:
                    claimed.append(_Claim(turn.candidate, now))
                    return past.with_use(turn.candidate.key, now)
            return past

        self._record.update(take)
        return claimed[0] if claimed else None

    def ask(self, claim: _Claim) -> Refresh | None:
        """Ask for one segment; `None` where a limit was met and it has to wait."""
        one = claim.candidate
        refusals, self._refusals = self._refusals, 0
        try:
            self._account.refresh_segment(one.id, self._zone_name)
        except RateLimited as error:
            self._give_back(claim)
            if _is_rate_limit(error):
                pause = RATE_WINDOW if error.retry_after is None else error.retry_after
                self._soonest[one.id] = self._record.clock.now() + timedelta(seconds=pause)
            else:
                self._refusals = refusals + 1
                self._learn(one)
            return None
        except Forbidden as error:
            self._give_back(claim)
            return _forbidden(one, error)
        except NotFound:
            self._give_back(claim)
            return _gone(one)
        except RemoteError as error:
            if error.ambiguous:
                self._settle(claim)
                return self._looked_up(claim, error)
            self._give_back(claim)
            return Refresh(one.name, one.id, RefreshStatus.FAILED, error.message, error.hint)
        self._settle(claim)
        return Refresh(one.name, one.id, RefreshStatus.ACCEPTED)

    def _looked_up(self, claim: _Claim, lost: RemoteError) -> Refresh:
        """Say what became of a refresh whose answer was lost.

        The account can show that it was begun. That it was not, nothing shows: fields may be absent
        (sendgrid-api.md §1), or late.
        """
        one = claim.candidate
        for seconds in LOOKS_AFTER_SILENCE if lost.status is None else LOOKS_AFTER_FAILURE:
            self._let_pass(seconds)
            if self._stopped():
                break
            try:
                words = _evidence(claim, self._account.lenient().get_segment(one.id))
            except RemoteError:
                # It was repeated as often as is worth it, and shows nothing.
                break
            if words:
                self._account.settle("refresh", one.id, done=True)
                return Refresh(one.name, one.id, RefreshStatus.ACCEPTED, words)
        hint = (
            "SendGrid may have begun it all the same, and then it counts against the quota: "
            "`segctl list` shows the refreshes used"
        )
        return Refresh(one.name, one.id, RefreshStatus.FAILED, lost.message, hint)

    def _let_pass(self, seconds: float) -> None:
        """Wait, in pieces: whoever stops it does not wait for the end of that."""
        clock = self._record.clock
        until = clock.monotonic() + seconds
        while not self._stopped() and (left := until - clock.monotonic()) > 0:
            clock.sleep(min(left, _ATTENTION))

    def defer(self, late: Sequence[Candidate]) -> Iterator[Refresh]:
        """Say of each segment that did not fit when it can go."""
        if not late:
            return
        past = self._record.update(lambda past, _: past)
        for turn in turns(late, past, self._record.clock.now(), self._zone):
            yield self._deferred(turn)

    def _deferred(self, turn: Turn) -> Refresh:
        one = turn.candidate
        at, reason = turn.at, turn.reason
        soonest = self._soonest.get(one.id)
        if soonest is not None and soonest >= at:
            at, reason = soonest, "the account's rate limit was reached"
        local = _whole(at, timedelta(minutes=1)).astimezone(self._zone)
        words = f"not before {local:%Y-%m-%d %H:%M} {self._zone_name}"
        return Refresh(
            one.name,
            one.id,
            RefreshStatus.DEFERRED,
            f"{words}: {reason}" if reason else words,
            f"`segctl refresh NAME` asks again then; {_ALSO}",
            format_utc(_whole(at, timedelta(seconds=1))),
        )

    def _give_back(self, claim: _Claim) -> None:
        key, moment = claim.candidate.key, claim.moment
        self._record.update(lambda past, _: past.without_use(key, moment))

    def _settle(self, claim: _Claim) -> None:
        # The hour until the next one is reckoned from when the server acted, which was before now.
        key, moment = claim.candidate.key, claim.moment
        self._record.update(lambda past, now: past.without_use(key, moment).with_use(key, now))

    def _learn(self, one: Candidate) -> None:
        """Remember a refusal for which the record knew no reason.

        Nobody can have refreshed a segment that was made a moment ago, and two that have both met
        their own limit unbeknown to the record are less likely than an account that has met its.
        """
        full = one.is_new or self._refusals >= _REFUSALS_OF_A_FULL_DAY

        def close(past: Past, now: datetime) -> Past:
            if full:
                return past.with_account_closed(next_day(now, UTC))
            return past.with_closed(one.key, after_refusal(now, self._zone))

        self._record.update(close)


def _evidence(claim: _Claim, now: Remote) -> str:
    """Say what shows that a refresh was begun since it was claimed, empty where nothing does.

    An earlier number is needed to compare with: the list may leave out what a single read has.
    """
    before = claim.candidate
    used, last = now.refreshes_used, parse_utc(now.last_refreshed_at)
    is_counted_up = before.used is not None and used is not None and used > before.used
    if is_counted_up or (last is not None and last > claim.moment - SKEW):
        return "SendGrid had begun it, without an answer"
    sample = parse_utc(now.sample_updated_at)
    if sample is not None and sample > claim.moment:
        return "no answer came, but it was counted since"
    return ""


def _is_rate_limit(error: RateLimited) -> bool:
    """Tell the account's rate limit, which passes in a minute, from the quota of refreshes.

    Where the answer does not say: the quota's 429 has no body (sendgrid-api.md §1).
    """
    return bool(error.messages) if error.exhausted is None else error.exhausted


def _forbidden(one: Candidate, error: Forbidden) -> Refresh:
    if error.messages:
        # A free plan's 403 has no body (sendgrid-api.md §1): this one is about the key.
        return Refresh(one.name, one.id, RefreshStatus.FORBIDDEN, error.message, error.hint)
    return Refresh(
        one.name,
        one.id,
        RefreshStatus.FORBIDDEN,
        "the account's plan has no manual refresh, or the key may not use it",
        f"Basic and Advanced plans have it; {_ALSO}",
    )


def _whole(moment: datetime, unit: timedelta) -> datetime:
    """Round up, so that what is shown is never too early."""
    over = (moment - datetime(1970, 1, 1, tzinfo=UTC)) % unit
    return moment + (unit - over) if over else moment
