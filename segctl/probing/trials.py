"""The trials of a probe: each asks SendGrid something and records what an assumption is worth.

Each trial stores its findings itself, so that one that fails or is interrupted leaves those of the
others. Those of queries are in `query_trials`. Which segments exist in the end is the business of
`cleanup`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from segctl.errors import Forbidden, NotFound, RemoteError
from segctl.probing import judgement
from segctl.probing.account import Created
from segctl.probing.judgement import not_learnt
from segctl.probing.queries import CHANGED, ODD, PLAIN
from segctl.sendgrid.api import AUTOMATIONS, LISTS, SEGMENTS, path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from segctl.model import Remote
    from segctl.probing.account import ProbeAccount, Reply
    from segctl.probing.assumptions import Finding

NO_SUCH_PATH = "/v3/segctl-probe-no-such-path"
LIST_PAUSES = (0.0, 1.0, 2.0, 5.0, 10.0, 15.0, 25.0)
"""Seconds before each look at the list for a change that was just made."""

DELETE_PAUSES = (0.0, 5.0, 10.0, 15.0, 15.0, 20.0, 60.0)
LOCK_AGES = (30.0, 60.0, 120.0, 180.0, 240.0, 303.0, 315.0, 330.0, 360.0)
"""The ages in seconds at which a locked segment is changed again."""

LOCK_MARGIN = 5.0


@dataclass(slots=True)
class Trials:
    """The trials of one run. `findings` are by the id of their assumption.

    `last_locked` is the age in seconds at which the lock was last seen to hold, `first_free` the
    one at which a change was first accepted.
    """

    account: ProbeAccount
    findings: dict[str, Finding] = field(default_factory=dict)
    last_locked: float | None = None
    first_free: float | None = None

    def store(self, finding: Finding) -> None:
        """Store a finding; the first one of an assumption stays."""
        self.findings.setdefault(finding.assumption.id, finding)

    def miss(self, id_: str, reply: Reply) -> None:
        """Store that an assumption was not learnt because of an answer."""
        self.store(not_learnt(id_, reply.reason))

    def create(self, label: str, query: str, *ids: str) -> Created | None:
        """Create a segment; without it, the assumptions with these ids are not learnt.

        Raises `Forbidden` if the key may not create any.
        """
        created = self.account.create(f"{self.account.prefix}{label}", query)
        if isinstance(created, Created):
            return created
        if created.status in (401, 403):
            raise Forbidden(
                "the API key may not create segments, so nothing can be probed",
                hint="grant the key full access to Marketing in the SendGrid settings",
                status=created.status,
            )
        for id_ in ids:
            self.miss(id_, created)
        return None

    # The list

    def list_after_create(self, segment: Created) -> None:
        """Look for a segment in the list until it is there."""
        if segment.reply.status is None:
            self.miss("list-after-create", segment.reply)
            return
        missing = 0
        for pause in LIST_PAUSES:
            self.account.sleep(pause)
            sent = self.account.now
            try:
                is_listed = segment.id in self.account.segments()
            except RemoteError as error:
                self.store(not_learnt("list-after-create", error.message))
                return
            if is_listed:
                seconds = self.account.now - segment.reply.sent
                break
            missing += 1
            seconds = sent - segment.reply.answered
        self.store(judgement.judge_list_after_create(missing, seconds, is_listed=is_listed))

    def ids(self, wanted: tuple[Created, Created], other: Created) -> None:
        """Filter the list by two of three segments, in both forms."""
        every = {wanted[0].id, wanted[1].id, other.id}
        if not self._are_listed(every):
            for id_ in ("ids-repeated", "ids-comma"):
                self.store(not_learnt(id_, "the list did not have the segments yet"))
            return
        first, second = (segment.id for segment in wanted)
        self._filter("ids-repeated", [first, second], {first, second}, other.id)
        self._filter("ids-comma", f"{first},{second}", {first, second}, other.id)

    def _are_listed(self, ids: set[str]) -> bool:
        for pause in LIST_PAUSES:
            self.account.sleep(pause)
            try:
                if ids <= self.account.segments().keys():
                    return True
            except RemoteError:
                return False
        return False

    def _filter(self, id_: str, value: str | list[str], wanted: set[str], other: str) -> None:
        reply = self.account.ask("GET", SEGMENTS, params={"ids": value})
        if reply.status is None:
            self.miss(id_, reply)
            return
        items = reply.data.get("results") if isinstance(reply.data, dict) else None
        if reply.is_success and not isinstance(items, list):
            self.store(not_learnt(id_, "the answer has no list"))
            return
        got = {str(item.get("id")) for item in items or () if isinstance(item, dict)}
        self.store(
            judgement.judge_ids(id_, wanted, other, got if reply.is_success else None, reply.status)
        )

    def list_after_delete(self, segment: Created) -> None:
        """Delete a segment, then read it and look for it in the list until it is gone."""
        id_ = "list-after-delete"
        for _ in range(2):
            reply = self.account.ask("DELETE", path(segment.id))
            is_readable = self._is_readable(segment)
            if not reply.ambiguous:
                break
            if is_readable is False:
                reply = replace(reply, status=202, answered=self.account.now)
                break
        if not reply.is_success:
            self.miss(id_, reply)
            return
        last_listed = first_missing = None
        for pause in DELETE_PAUSES:
            self.account.sleep(pause)
            sent = self.account.now
            try:
                listed = self.account.segments()
            except RemoteError as error:
                self.store(not_learnt(id_, error.message))
                return
            if segment.id not in listed:
                first_missing = self.account.now - reply.sent
                break
            last_listed = sent - reply.answered
        self.store(judgement.judge_list_after_delete(is_readable, last_listed, first_missing))

    def _is_readable(self, segment: Created) -> bool | None:
        """Return whether a segment can be read; `None` where that is not known."""
        try:
            self.account.segment(segment.id)
        except NotFound:
            return False
        except RemoteError:
            return None
        return True

    # Names and bytes

    def name_case(self, segment: Created) -> Created | None:
        """Create a second segment whose name differs from that of another only in case."""
        created = self.account.create(segment.name.upper(), PLAIN)
        if isinstance(created, Created):
            self.store(judgement.judge_name_case(accepted=True, text=""))
            return created
        if created.status in (400, 409, 422):
            self.store(judgement.judge_name_case(accepted=False, text=created.text))
        else:
            self.miss("name-case", created)
        return None

    def byte_exact(self) -> None:
        """Create a segment with an odd query, and compare what is returned with what was sent."""
        segment = self.create("bytes", ODD, "byte-exact")
        if segment is None:
            return
        try:
            returned = self.account.segment(segment.id).query
        except RemoteError as error:
            self.store(not_learnt("byte-exact", error.message))
            return
        self.store(judgement.judge_byte_exact(segment.query, returned or ""))

    # The lock

    def lock_status(self, segment: Created) -> None:
        """Change a segment right after it was created."""
        reply = self._patch(segment, {"query_dsl": CHANGED}, lambda remote: remote.query == CHANGED)
        if reply.status is None:
            self.miss("lock-status", reply)
            if reply.ambiguous:
                # If it was carried out, it began a lock of its own.
                self.miss("lock-length", reply)
            return
        age = reply.answered - segment.reply.sent
        self.store(
            judgement.judge_lock_status(reply.status, reply.text, is_lock=reply.locked, age=age)
        )
        if reply.is_success:
            self.first_free = age
            self.store(judgement.judge_lock_length(None, age))
        elif reply.locked:
            self.last_locked = max(0.0, reply.sent - segment.reply.answered)

    def lock_name_only(self, segment: Created) -> None:
        """Change nothing but the name of a segment right after it was created."""
        name = f"{segment.name}-renamed"
        reply = self._patch(segment, {"name": name}, lambda remote: remote.name == name)
        if reply.is_success or reply.locked:
            age = reply.answered - segment.reply.sent
            self.store(judgement.judge_lock_name_only(reply.locked, age))
        else:
            self.miss("lock-name-only", reply)

    def lock_length(self, segment: Created) -> None:
        """Change a segment again and again until SendGrid accepts it."""
        born = segment.reply
        for age in LOCK_AGES if "lock-length" not in self.findings else ():
            if self.account.now > born.answered + age + 1:
                continue
            self.account.sleep(born.answered + age - self.account.now)
            reply = self._patch(
                segment, {"query_dsl": CHANGED}, lambda remote: remote.query == CHANGED
            )
            if reply.is_success:
                self.first_free = reply.answered - born.sent
                break
            if reply.locked:
                self.last_locked = max(0.0, reply.sent - born.answered)
            elif reply.ambiguous:
                self.miss("lock-length", reply)
                break
        self.store(judgement.judge_lock_length(self.last_locked, self.first_free))

    def _patch(
        self, segment: Created, body: Mapping[str, str], is_done: Callable[[Remote], bool]
    ) -> Reply:
        """Change a segment; if the answer is lost, read whether it changed, and else try again."""
        self.account.check_stop()
        for _ in range(2):
            reply = self.account.ask("PATCH", path(segment.id), body=dict(body))
            if reply.status is not None or not reply.ambiguous:
                return reply
            try:
                if is_done(self.account.segment(segment.id)):
                    return replace(reply, status=200, answered=self.account.now, failure="")
            except RemoteError:
                return reply
        return reply

    def parent_list(self, segment: Created) -> None:
        """Send a parent list, or none if the account has no list, in an update."""
        id_ = "patch-parent-list"
        free = (LOCK_AGES[-1] if self.first_free is None else self.first_free) + LOCK_MARGIN
        self.account.sleep(segment.reply.answered + free - self.account.now)
        reply = self.account.ask("GET", LISTS, params={"page_size": "1"})
        lists = reply.data.get("result") if isinstance(reply.data, dict) else None
        if not isinstance(lists, list):
            self.miss(id_, reply)
            return
        ids = [item["id"] for item in lists[:1] if isinstance(item, dict) and "id" in item]
        reply = self.account.ask("PATCH", path(segment.id), body={"parent_list_ids": ids})
        if reply.status is None or reply.locked:
            self.miss(id_, reply)
            return
        has_changed = None
        if reply.is_success and ids:
            try:
                has_changed = bool(self.account.segment(segment.id).parent_list_ids)
            except RemoteError as error:
                self.store(not_learnt(id_, error.message))
                return
        self.store(judgement.judge_parent_list(reply.status, reply.text, has_changed=has_changed))

    # What needs no segment

    def automations(self) -> None:
        """List the automations, and look at the keys alone."""
        reply = self.account.ask("GET", AUTOMATIONS, params={"offset": "0", "limit": "10"})
        if reply.status in (None, 401, 403):
            self.miss("automations", reply)
        else:
            self.store(judgement.judge_automations(reply.status, reply.data))

    def eu_host(self, ask: Callable[[str], int | str]) -> None:
        """Ask the European host; `ask` returns the status of a path, or why there is none."""
        self.account.check_stop()
        status, control = ask(SEGMENTS), ask(NO_SUCH_PATH)
        match status, control:
            case int(), int():
                self.store(judgement.judge_eu_host(status, control))
            case _:
                reason = control if isinstance(status, int) else status
                self.store(not_learnt("eu-host", str(reason)))

    def rate_limit_headers(self) -> None:
        """Judge the headers of all answers so far."""
        self.store(
            judgement.judge_rate_limit(
                [
                    None if limits is None else (limits.limit, limits.is_epoch)
                    for limits in self.account.limits
                ]
            )
        )
