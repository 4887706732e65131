"""One probe from its first request to its last, and what it needs of an account.

`check_account` refuses an account that is in use; `run_probe` runs the trials in an order in which
they wait together, and cleans up in any case.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from segctl.errors import NotFound, Refused
from segctl.probing import judgement
from segctl.probing.account import INTERRUPTED, ProbeAccount, ProbeStopped
from segctl.probing.assumptions import ASSUMPTIONS, Verdict
from segctl.probing.cleanup import clean_up
from segctl.probing.queries import FUNCTIONS, PLAIN, QUERIES
from segctl.probing.query_trials import try_queries
from segctl.probing.record import PREFIX
from segctl.probing.trials import Trials

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from segctl.common.clock import Clock
    from segctl.common.stopping import Stop
    from segctl.model import Remote
    from segctl.probing.assumptions import Finding
    from segctl.probing.record import Entry, ProbeRecord
    from segctl.sendgrid.api import Reader
    from segctl.sendgrid.transport import Transport

CAP = 200
SEGMENTS_CREATED = 5 + len(QUERIES) + len(FUNCTIONS)
ABOUT_REQUESTS = 80
ABOUT_MINUTES = 6
MOST_MINUTES = 15
_STEPS = 8


@dataclass(frozen=True, slots=True)
class Probed:
    """What a probe found, in the order of the assumptions, and the segments that it left.

    `stopped` is why some assumptions were not tested, empty if all were.
    """

    findings: tuple[Finding, ...]
    left: tuple[Entry, ...]
    stopped: str = ""

    @property
    def observed(self) -> Mapping[str, Any]:
        """What segctl.yaml keeps of it."""
        observed: dict[str, Any] = {}
        for finding in self.findings:
            observed |= finding.observed
        return observed

    @property
    def differing(self) -> tuple[Finding, ...]:
        """The findings on assumptions that do not hold."""
        return tuple(item for item in self.findings if item.verdict is Verdict.DIFFERS)


def check_account(reader: Reader, record: ProbeRecord, *, allow_in_use: bool) -> frozenset[str]:
    """Return the ids of the segments that no probe created.

    Raises `Refused` for an account that has segments, Single Sends or contacts on lists, unless
    `allow_in_use`, and for one without room; and `RemoteError`.
    """
    names = {entry.name for entry in record.entries}
    listed = [segment for segment in reader.list_segments() if segment.name not in names]
    others = {segment.id for segment in listed if not _is_deleted(reader, segment)} - record.ids
    # The list has the v1 segments as well; their own path may be gone one day.
    with suppress(NotFound):
        others |= {segment.id for segment in reader.list_v1_segments()}
    if len(others) + SEGMENTS_CREATED > CAP:
        raise Refused(
            f"the account has {len(others)} segments, and a probe needs {SEGMENTS_CREATED} of the "
            f"{CAP} that it can have; nothing was changed",
            hint="use a subuser that nobody needs",
        )
    if allow_in_use:
        return frozenset(others)
    signs = []
    if others:
        signs.append(f"segments ({len(others)})")
    sends = reader.list_single_sends()
    if sends:
        signs.append(f"Single Sends ({len(sends)})")
    if any(contact_list.contacts_count for contact_list in reader.list_contact_lists()):
        signs.append("lists with contacts")
    if signs:
        raise Refused(
            f"the account is in use: it has {' and '.join(signs)}; nothing was changed",
            hint="use a subuser that nobody needs; --allow-in-use probes this one all the same",
        )
    return frozenset(others)


def _is_deleted(reader: Reader, segment: Remote) -> bool:
    """Return whether a segment of an earlier probe is gone, though the list still has it."""
    if not segment.name.lower().startswith(PREFIX):
        return False
    try:
        reader.get_segment(segment.id)
    except NotFound:
        return True
    return False


def run_probe(
    transport: Transport,
    record: ProbeRecord,
    clock: Clock,
    stop: Stop,
    *,
    others: frozenset[str],
    ask_eu: Callable[[str], int | str],
    update: Callable[[int, int], None] = lambda _, __: None,
) -> Probed:
    """Test every assumption, delete what that created, and return the findings.

    `others` are the segments that must not be touched. `ask_eu` returns the status of a path
    on the European host, or why there is none. `update` gets how many steps are over, and how many
    there are. Raises `UsageError` if the record cannot be written, and `Forbidden` if the key may
    not create segments; the clean-up has run then, too.
    """
    account = ProbeAccount(
        transport,
        record,
        clock,
        stop,
        prefix=f"{PREFIX}{secrets.token_hex(8)}-",
        others=others,
    )
    trials = Trials(account)
    stopped = ""
    try:
        _run_trials(trials, ask_eu, update)
    except ProbeStopped as stop_reason:
        stopped = str(stop_reason)
    finally:
        left = clean_up(account, clock, stop)
    stopped = INTERRUPTED if stop.requested else stopped
    reason = stopped or "a segment could not be created"
    findings = tuple(
        trials.findings.get(id_) or judgement.not_learnt(id_, reason) for id_ in ASSUMPTIONS
    )
    return Probed(findings, left, stopped)


def _run_trials(
    trials: Trials, ask_eu: Callable[[str], int | str], update: Callable[[int, int], None]
) -> None:
    """Run the trials: what must be soon first, and what waits for the lock last."""
    first = trials.create(
        "first", PLAIN, "list-after-create", "lock-status", "lock-length", "name-case"
    )
    if first is not None:
        trials.list_after_create(first)
        trials.lock_status(first)
    update(1, _STEPS)
    second = trials.create("second", PLAIN, "lock-name-only")
    if second is not None:
        trials.lock_name_only(second)
    third = trials.create("third", PLAIN, "patch-parent-list")
    twin = None if first is None else trials.name_case(first)
    update(2, _STEPS)
    if first is not None and second is not None and third is not None:
        trials.ids((first, second), third)
    update(3, _STEPS)
    trials.byte_exact()
    segments = try_queries(trials, third)
    update(4, _STEPS)
    trials.automations()
    trials.eu_host(ask_eu)
    update(5, _STEPS)
    victim = next(iter(segments.values()), twin)
    if victim is not None:
        trials.list_after_delete(victim)
    update(6, _STEPS)
    if first is not None:
        trials.lock_length(first)
    update(7, _STEPS)
    if third is not None:
        trials.parent_list(third)
    trials.rate_limit_headers()
    update(_STEPS, _STEPS)
