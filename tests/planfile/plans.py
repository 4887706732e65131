"""Strategies for arbitrary plans, with hostile names and unpaired surrogates."""

from __future__ import annotations

import re

from hypothesis import strategies as st

from segctl.errors import Diagnostic, Severity, Span
from segctl.model import (
    Create,
    Delete,
    Ignore,
    Impact,
    Keep,
    Metadata,
    Patch,
    Plan,
    Precondition,
    Reason,
    Replace,
    Segment,
    Successor,
    TargetRef,
    Upgrade,
)
from segctl.model.automations import Automation, AutomationRole, AutomationUse
from segctl.model.clauses import ChangeKind, ClauseChange, ClauseKind
from segctl.model.plan_options import PlanOptions
from segctl.model.single_sends import SingleSend


def _without_surrogate_pairs(text: str) -> str:
    """Remove surrogate pairs: JSON reads each of them as one character."""
    return re.sub("[\ud800-\udbff](?=[\udc00-\udfff])", "", text)


HOSTILE = st.sampled_from(
    [
        "\x1b[2J",
        "\u202egnp.exe",
        "a\u2028b",
        "\ud800",
        "`;@|<b>",
        "```",
        '"\\',
        "\x00",
        "日本 é́",
        " ",
    ]
)
TEXTS = st.one_of(st.text(st.characters(), max_size=12), HOSTILE).map(_without_surrogate_pairs)
WORDS = TEXTS.filter(bool)
NUMBERS = st.integers(1, 2**53 - 1)
COUNTS = st.none() | st.integers(0, 2**53 - 1)
HASHES = st.text("0123456789abcdef", min_size=64, max_size=64)


def up_to_three(texts: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(texts, max_size=3).map(tuple)


SPANS = st.builds(Span, WORDS, NUMBERS, NUMBERS, st.none() | NUMBERS, st.none() | NUMBERS)
SEGMENTS = st.builds(Segment, TEXTS, TEXTS, up_to_three(TEXTS))
PRECONDITIONS = st.builds(Precondition, WORDS, st.none() | TEXTS, HASHES)
CLAUSES = st.builds(
    ClauseChange,
    st.sampled_from(ChangeKind),
    st.sampled_from(ClauseKind),
    TEXTS,
    TEXTS,
    up_to_three(TEXTS),
    up_to_three(TEXTS),
    up_to_three(TEXTS),
    TEXTS,
    TEXTS,
)
METADATA = st.builds(Metadata, TEXTS, TEXTS, up_to_three(TEXTS))
COUNTED_AT = st.none() | TEXTS
DIAGNOSTICS = st.builds(
    Diagnostic,
    st.from_regex(r"[a-z0-9]+(-[a-z0-9]+){0,3}", fullmatch=True).filter(
        lambda code: len(code) < 80
    ),
    st.sampled_from(Severity),
    TEXTS,
    st.none() | SPANS,
    TEXTS,
    TEXTS | st.just("x" * 1000),
)


def _impact(stay: int, lost: int, gained: int, others: int, as_of: str | None) -> Impact:
    total = stay + lost + gained + others
    return Impact(stay + lost, stay + gained, gained, lost, total, as_of)


CONTACTS = st.integers(0, 2**50)
IMPACTS = st.none() | st.builds(
    _impact, CONTACTS, CONTACTS, CONTACTS, CONTACTS, st.none() | st.just("2026-07-15T16:04:33Z")
)
EDITS = {
    "before": SEGMENTS,
    "after": SEGMENTS,
    "changed_fields": st.lists(
        st.sampled_from(["name", "query_dsl", "parent_list_ids"]), min_size=1, unique=True
    ).map(tuple),
    "precondition": PRECONDITIONS,
    "span": SPANS,
    "contacts_count": COUNTS,
    "clauses": st.lists(CLAUSES, max_size=2).map(tuple),
    "reason": st.sampled_from(Reason),
    "query_span": st.none() | SPANS,
    "impact": IMPACTS,
    "is_protected": st.booleans(),
    "counted_at": COUNTED_AT,
    "metadata": METADATA,
}

SINGLE_SENDS = st.builds(
    SingleSend,
    WORDS,
    TEXTS,
    TEXTS,
    up_to_three(TEXTS),
    updated_at=st.none(),
    send_at=st.none() | TEXTS,
)
AUTOMATIONS = st.builds(
    Automation,
    WORDS,
    TEXTS,
    TEXTS,
    st.lists(st.builds(AutomationUse, st.sampled_from(AutomationRole), WORDS), max_size=2).map(
        tuple
    ),
)
SUCCESSORS = st.builds(Successor, WORDS, SEGMENTS)


@st.composite
def upgrades(draw: st.DrawFn) -> Upgrade:
    """Return an upgrade. The JSON does not hold which other segments its Single Sends target."""
    precondition = draw(PRECONDITIONS)
    send = st.builds(SingleSend, WORDS, TEXTS, TEXTS, st.just((precondition.id,)))
    return Upgrade(
        before=draw(SEGMENTS),
        after=draw(SEGMENTS),
        precondition=precondition,
        span=draw(SPANS),
        successor_name=draw(TEXTS),
        successor=draw(st.none() | SUCCESSORS),
        contacts_count=draw(COUNTS),
        waits_for=draw(st.lists(send, max_size=2).map(tuple)),
        reason=draw(st.sampled_from(Reason)),
        query_span=draw(st.none() | SPANS),
        is_protected=draw(st.booleans()),
        counted_at=draw(COUNTED_AT),
        metadata=draw(METADATA),
        waits_for_automations=draw(st.lists(AUTOMATIONS, max_size=2).map(tuple)),
    )


DELETES = st.builds(
    Delete,
    SEGMENTS,
    PRECONDITIONS,
    st.none() | SPANS,
    COUNTS,
    st.sampled_from(Reason),
    st.booleans(),
    counted_at=COUNTED_AT,
    metadata=METADATA,
)
CHANGES = st.one_of(
    st.builds(
        Create, SEGMENTS, SPANS, st.sampled_from(Reason), st.none() | SPANS, IMPACTS, METADATA
    ),
    st.builds(Patch, **EDITS),
    st.builds(
        Replace,
        **EDITS,
        is_allowed=st.booleans(),
        successor=st.none() | SUCCESSORS,
    ),
    upgrades(),
    DELETES,
)
PLANS = st.builds(
    Plan,
    target=st.builds(TargetRef, WORDS, WORDS, st.none() | WORDS),
    changes=st.lists(CHANGES, max_size=3).map(tuple),
    kept=st.lists(st.builds(Keep, TEXTS, WORDS, SPANS, st.booleans()), max_size=2).map(tuple),
    ignored=st.lists(st.builds(Ignore, TEXTS, WORDS, st.booleans(), st.booleans()), max_size=2).map(
        tuple
    ),
    diagnostics=st.lists(DIAGNOSTICS, max_size=2).map(tuple),
    refusals=st.lists(DIAGNOSTICS, max_size=2).map(tuple),
    lists=st.dictionaries(TEXTS, st.none() | TEXTS, max_size=3),
    single_sends=st.none() | st.lists(SINGLE_SENDS, max_size=2).map(tuple),
    automations=st.none() | st.lists(AUTOMATIONS, max_size=2).map(tuple),
    options=st.builds(
        PlanOptions, up_to_three(TEXTS), st.booleans(), st.booleans(), up_to_three(TEXTS)
    ),
    folder=WORDS,
    project=WORDS,
    attention=st.integers(0, 2**53 - 1),
)
