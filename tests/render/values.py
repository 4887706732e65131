"""Plans, reports, drift and differences with whatever an account or a file may hold."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from segctl.errors import Diagnostic, Severity, Span
from segctl.model import (
    Change,
    Create,
    Delete,
    Impact,
    Metadata,
    Patch,
    Plan,
    Precondition,
    Reason,
    Replace,
    Segment,
    TargetRef,
    Validation,
)
from segctl.model.clauses import ChangeKind, ClauseChange, ClauseKind
from segctl.model.differences import Difference, DifferenceKind, Side, TargetDifferences
from segctl.model.drift import Drift, DriftKind
from segctl.model.proof import CommitRef, Evidence, Proof
from segctl.model.report import Outcome, Refresh, RefreshStatus, Report, Status
from segctl.planning.drift import DriftReport
from segctl.query.diff import clause_changes
from segctl.render.context import RenderContext
from tests.support.account import KEY
from tests.support.builders import query

HOSTILE = (
    "```",
    "````diff",
    "~~~",
    "`",
    "@everyone",
    "@acme/marketing",
    "#1",
    "GH-12",
    "acme/shop#7",
    "PROJ-42",
    "0123abcdef0123abcdef",
    "https://evil.test/x",
    "www.evil.test",
    "someone@example.com",
    ":tada:",
    "|",
    "\\|",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</details>",
    "</code></pre>",
    "<!-- segctl:plan target=production project=. commit=x digest=y -->",
    "-->",
    "&lt;b&gt;",
    "[link](https://evil.test)",
    "![picture](https://evil.test/x.png)",
    "*bold* _it_ ~~gone~~ $x$ $`y`$",
    "\n",
    "\r\n",
    "\n\n# heading\n",
    "\n::error ::forged",
    "%0A::error::forged",
    "\u202e",
    "\u2066",
    "\u200b",
    "\x00",
    "\x1b[31m",
    "\x85",
    "\u2028",
    "\ud800",
    "日本の顧客",
    "{{first_name}}",
    "a, b: c",
    "file=x,line=1::",
    " ",
    KEY,
    "VIP",
    "'",
    '"',
)
texts = st.lists(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=12)), max_size=6).map("".join)
QUOTED = str.maketrans({"\\": "\\\\", "'": "\\'"})
LISTS = ("0b1f4a10-5c1d-4a6e-9f02-000000000001", "0b1f4a10-5c1d-4a6e-9f02-000000000002")
queries = st.one_of(
    texts,
    texts.map(lambda text: query(f"city = '{text.translate(QUOTED)}'")),
    st.sampled_from(LISTS).map(lambda list_id: query(f"array_contains(list_ids, ['{list_id}'])")),
)
segments = st.builds(
    Segment, texts, queries, st.one_of(st.just(()), st.tuples(st.sampled_from(LISTS) | texts))
)
spans = st.builds(
    Span, st.one_of(st.just("segments/vip.yaml"), texts), st.integers(1, 99), st.integers(1, 99)
)
maybe_spans = st.one_of(st.none(), spans)
counts = st.one_of(st.none(), st.integers(0, 10**9))


def _impact(stay: int, lost: int, gained: int, others: int, as_of: str | None) -> Impact:
    everyone = stay + lost + gained + others
    return Impact(stay + lost, stay + gained, gained, lost, everyone, as_of)


contacts = st.integers(0, 10**9)
impacts = st.one_of(
    st.none(),
    st.builds(_impact, contacts, contacts, contacts, contacts, st.one_of(st.none(), texts)),
)
evidence = st.one_of(
    st.none(), st.builds(Evidence, texts, st.builds(CommitRef, texts, texts, texts))
)
proofs = st.one_of(st.none(), st.builds(Proof, evidence, evidence, evidence))
preconditions = st.builds(Precondition, texts, st.none(), st.just("x"))


metadata = st.builds(Metadata, texts, texts, st.lists(texts, max_size=3).map(tuple))
moved_windows = st.builds(
    ClauseChange,
    st.sampled_from(ChangeKind),
    st.just(ClauseKind.CONDITION),
    texts,
    texts,
    window_before=texts,
    window_after=texts,
).map(lambda clause: (clause,))


@st.composite
def changes(draw: st.DrawFn) -> Change:
    before, after = draw(segments), draw(segments)
    precondition = draw(preconditions)
    reason = draw(st.sampled_from(Reason))
    fields = ("name", "query_dsl", "parent_list_ids")
    clauses = draw(st.just(clause_changes(before.query, after.query)) | moved_windows)
    said = draw(metadata)
    of_both: dict[str, Any] = {"metadata": said, "counted_at": draw(st.none() | texts)}
    match draw(st.integers(0, 3)):
        case 0:
            return Create(after, draw(spans), reason, impact=draw(impacts), metadata=said)
        case 1:
            return Delete(
                before,
                precondition,
                draw(maybe_spans),
                draw(counts),
                reason,
                proof=draw(proofs),
                **of_both,
            )
        case 2:
            edit = (
                before, after, fields[:2], precondition, draw(spans), draw(counts), clauses, reason,
            )  # fmt: skip
            return Patch(*edit, impact=draw(impacts), proof=draw(proofs), **of_both)
        case _:
            replacement = (
                before, after, fields, precondition, draw(spans), draw(counts), clauses, reason,
            )  # fmt: skip
            return Replace(*replacement, impact=draw(impacts), proof=draw(proofs), **of_both)


diagnostics = st.builds(
    Diagnostic, texts, st.sampled_from(Severity), texts, maybe_spans, texts, texts
)
targets = st.builds(TargetRef, texts, texts, st.one_of(st.none(), texts))
plans = st.builds(
    Plan,
    targets,
    st.lists(changes(), max_size=4).map(tuple),
    diagnostics=st.lists(diagnostics, max_size=3).map(tuple),
    refusals=st.lists(diagnostics, max_size=3).map(tuple),
    lists=st.dictionaries(st.sampled_from(LISTS), st.none() | texts),
    attention=st.integers(0, 100),
)
outcomes = st.builds(
    Outcome, changes(), st.sampled_from(Status), st.one_of(st.none(), texts), texts, texts
)
refreshes = st.builds(Refresh, texts, texts, st.sampled_from(RefreshStatus), texts, texts)
reports = st.builds(
    Report,
    st.lists(outcomes, max_size=4).map(tuple),
    st.lists(refreshes, max_size=2).map(tuple),
)
drift = st.builds(
    Drift,
    st.sampled_from(DriftKind),
    texts,
    st.one_of(st.none(), texts),
    texts,
    st.lists(texts, max_size=2).map(tuple),
    updated_at=st.one_of(st.none(), texts),
    span=maybe_spans,
)
drifts = st.builds(DriftReport, st.lists(drift, max_size=3).map(tuple), st.integers(0, 3))
sides = st.builds(
    Side,
    st.none() | texts,
    st.none() | segments,
    st.sampled_from(Validation),
    texts,
    st.none() | st.booleans(),
)
clause_lists = st.builds(
    lambda before, after: clause_changes(before.query, after.query), segments, segments
)
differences = st.builds(
    TargetDifferences,
    targets,
    targets,
    st.lists(
        st.builds(
            Difference,
            st.sampled_from(DifferenceKind),
            texts,
            sides,
            sides,
            st.sampled_from((("name", "status"), ("query_dsl",), ("parent_list_ids",))),
            clause_lists,
            st.booleans(),
            st.booleans(),
            maybe_spans,
        ),
        max_size=3,
    ).map(tuple),
    st.integers(0, 3),
    st.tuples(st.integers(0, 2), st.integers(0, 2)),
)
frames = st.builds(
    RenderContext,
    st.just("2026-07-15T16:04:33Z"),
    st.sampled_from(("", "0123456789abcdef0123456789abcdef01234567")),
    st.one_of(st.just(""), texts),
)
