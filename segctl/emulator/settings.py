"""The knobs of the emulated account: limits, delays, plan, keys.

Owns one value, `Settings`, whose defaults are the real account's numbers where they are known.
Holds no state and reads no file and no environment.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class AccountPlan(StrEnum):
    """What the account pays for: manual refresh needs Basic or Advanced (sendgrid-api.md §2)."""

    FREE = "free"
    BASIC = "basic"
    ADVANCED = "advanced"


class ResetStyle(StrEnum):
    """How `X-RateLimit-Reset` is to be read; both exist (sendgrid-api.md §2)."""

    DELTA = "delta"
    EPOCH = "epoch"


@dataclass(frozen=True, slots=True)
class Settings:
    """How the emulated SendGrid behaves. Every duration is in seconds.

    `update_lock`: how long after a create or an update the next PATCH is refused (observed,
    sendgrid-api.md §1); `update_lock_status` is the status of that refusal (guessed: only the
    text is attested). `cap`: segments an account may hold, v1 included; `None` lifts it
    (documented). `refreshes_per_segment_day`, `refresh_interval` and `refreshes_per_account_day`:
    the quotas of manual refresh (documented, sendgrid-api.md §2). `plan`: a free one may not
    refresh (documented).

    `validation_delay`: how long a query stays PENDING; 0 answers POST with the verdict, as
    observed for simple queries. `event_validation_delay`: the same for queries over
    `event_data` (guessed). `sample_delay`: until the first sample and count (observed 3 to 15);
    `event_sample_delay`: the same for queries over `event_data`, from the end of their check
    (documented, about 30 minutes). `sample_interval`: between the later ones (documented, 1 to 24
    hours). `delete_linger`: how
    long a deleted segment still shows in LIST (observed: under a minute).

    `rate_limit` requests every `rate_window` for each account (observed, 600 a minute); `None`
    lifts it. `search_rate_limit` is that of searches for contacts (observed, 200).
    `rate_limit_body` false makes the 429 empty; both occur. `reset_style` chooses the meaning of
    `X-RateLimit-Reset`.

    `export_delay`: until an export of contacts is ready (guessed); `export_expiry`: how long it is
    kept from there on (guessed; that it expires is documented). `export_file_contacts`: how many
    contacts a file of it holds at most, `None` for any number: `max_file_size`, in whole MB, is
    too coarse for small accounts. `export_failure`: the message with which exports fail; `None`
    lets them succeed. `export_origin`: the scheme and host of the files; `None` takes those of the
    request, where the real ones are on another host.

    `keys`: the accepted API keys, `None` accepts any non-empty one. `read_only_keys` are
    accepted too and get 403 for everything but GET. `subusers`: the names `on-behalf-of` may
    carry; `None` opens an account for any name on first use. `key_accounts`: the subuser that a key
    belongs to, and acts for alone; other keys are the parent account's and act for any. `plans` has
    the plans of subusers that are not on `plan`.

    `v1_in_v2_list` and `v1_holds_names` decide whether v1 segments show in the V2 list
    (observed) and whether they keep their names from V2 segments (guessed). `extra_fields` adds
    `identifier_counts` to a segment read by its id (observed). `origin` is the scheme and host of
    `next` links; `None` takes them from the request's `Host`.

    `latency` is waited by the carrier of the answer, never by `Emulator.handle`. `flipped` are the
    names of the assumptions that do not hold (`assumptions.Assumption`).

    Raises `ValueError` for what is negative, and for an interval, a window or a file of no length.
    """

    update_lock: float = 300.0
    update_lock_status: int = 400
    cap: int | None = 200
    plan: AccountPlan = AccountPlan.ADVANCED
    refreshes_per_segment_day: int = 2
    refreshes_per_account_day: int = 10
    refresh_interval: float = 3600.0
    validation_delay: float = 0.0
    event_validation_delay: float = 60.0
    sample_delay: float = 10.0
    event_sample_delay: float = 1800.0
    sample_interval: float = 3600.0
    delete_linger: float = 30.0
    rate_limit: int | None = 600
    search_rate_limit: int = 200
    rate_window: float = 60.0
    rate_limit_body: bool = True
    reset_style: ResetStyle = ResetStyle.DELTA
    export_delay: float = 5.0
    export_expiry: float = 259_200.0
    export_file_contacts: int | None = None
    export_failure: str | None = None
    export_origin: str | None = None
    keys: frozenset[str] | None = field(default=None, repr=False)
    read_only_keys: frozenset[str] = field(default=frozenset(), repr=False)
    subusers: frozenset[str] | None = None
    key_accounts: Mapping[str, str] = field(default_factory=dict, repr=False)
    plans: Mapping[str, AccountPlan] = field(default_factory=dict)
    v1_in_v2_list: bool = True
    v1_holds_names: bool = True
    extra_fields: bool = True
    origin: str | None = None
    latency: float = 0.0
    flipped: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for setting in fields(self):
            value = getattr(self, setting.name)
            if not isinstance(value, float | int) or isinstance(value, bool):
                continue
            never_zero = setting.name in ("rate_window", "sample_interval", "export_file_contacts")
            if value < 0 or (never_zero and value == 0):
                raise ValueError(f"{setting.name} cannot be {value}")

    def plan_of(self, account: str) -> AccountPlan:
        """Return the plan of the parent account (empty) or of a subuser."""
        return self.plans.get(account, self.plan)

    @classmethod
    def sandbox(cls) -> Settings:
        """Return the settings of the in-process sandbox: the same rules, with seconds for minutes.

        Quotas, cap and rate limit keep their real values; a deleted segment is gone at once.
        """
        return cls(
            update_lock=2.0,
            validation_delay=1.0,
            event_validation_delay=2.0,
            sample_delay=1.0,
            event_sample_delay=2.0,
            delete_linger=0.0,
            export_delay=1.0,
        )
