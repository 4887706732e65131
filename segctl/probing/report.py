"""What a probe will do and what it found: as text, as Markdown for an issue, and as JSON.

Pure. Names neither the account nor a segment of others, and shows only keys of automations. Texts
of SendGrid's are sanitized before they come here, and escaped here.
"""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, Any

from segctl import __version__
from segctl.planfile.to_json import document_header
from segctl.probing.assumptions import ASSUMPTIONS, Verdict
from segctl.render.markdown.escape import code, fence, prose
from segctl.render.markup import html, tag
from segctl.render.terminal import clean, count

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from segctl.model import TargetRef
    from segctl.probing.assumptions import Finding
    from segctl.probing.record import Entry
    from segctl.probing.run import Probed
    from segctl.render.terminal import Style

WIDTH = 80
_LABEL = 9
_ORDER = (Verdict.DIFFERS, Verdict.NOT_LEARNT, Verdict.AS_ASSUMED)
_HEADS = {
    Verdict.DIFFERS: "Differs",
    Verdict.NOT_LEARNT: "Not learnt",
    Verdict.AS_ASSUMED: "As assumed",
}


def intention_text(
    target: TargetRef, *, segments: int, requests: int, minutes: int, most: int, earlier: int
) -> str:
    """Return what a probe is about to do, before anything is sent."""
    account = clean(
        f"`{target.name}` ({target.host}"
        + (f", subuser {target.subuser})" if target.subuser else ")")
    )
    lines = _wrapped(
        f"A probe of {account} creates {count(segments, 'segment')} named segctl-probe-…, "
        "changes 3 of them, and deletes all of them again. It sends about "
        f"{requests} requests in about {minutes} minutes, {most} at most, most of which it waits "
        "for SendGrid's update lock. It writes to no other segment, and reads no contact."
    )
    if earlier:
        lines += _wrapped(
            f"First it deletes {count(earlier, 'segment')} that an earlier probe left."
        )
    lines += ["", "It tests whether"]
    for assumption in ASSUMPTIONS.values():
        lines += _wrapped(f"- {assumption.claim}", "  ", first="")
    return "".join(f"{line}\n" for line in lines)


def summary(findings: Iterable[Finding]) -> str:
    """Return how many assumptions hold."""
    verdicts = [finding.verdict for finding in findings]
    numbers = {verdict: verdicts.count(verdict) for verdict in Verdict}
    differing = numbers[Verdict.DIFFERS]
    return (
        f"{numbers[Verdict.AS_ASSUMED]} as assumed, {differing} "
        f"{'differs' if differing == 1 else 'differ'}, {numbers[Verdict.NOT_LEARNT]} not learnt"
    )


def probe_text(probed: Probed, date: str, style: Style) -> str:
    """Return the findings as text, 80 columns wide, those that differ first."""
    lines = [style.bold(f"Probed on {date}: {summary(probed.findings)}.")]
    for verdict, findings in _by_verdict(probed.findings):
        lines += ["", style.bold(_HEADS[verdict])]
        for finding in findings:
            lines += _finding_lines(finding)
    return "".join(f"{line}\n" for line in lines)


def _by_verdict(findings: Sequence[Finding]) -> Iterator[tuple[Verdict, list[Finding]]]:
    for verdict in _ORDER:
        chosen = [finding for finding in findings if finding.verdict is verdict]
        if chosen:
            yield verdict, chosen


def _finding_lines(finding: Finding) -> list[str]:
    assumption = finding.assumption
    rows = [("seen", finding.seen)]
    if finding.verdict is not Verdict.AS_ASSUMED:
        rows.insert(0, ("assumed", f"{assumption.claim} ({assumption.standing})"))
        rows.append(("follows", assumption.depends))
    lines = [f"  {assumption.id}"]
    for label, text in rows:
        lines += _wrapped(text, " " * (4 + _LABEL), first=f"    {label:<{_LABEL}}")
    return lines


def _wrapped(text: str, indent: str = "", *, first: str = "") -> list[str]:
    return wrap(
        clean(text), WIDTH, initial_indent=first, subsequent_indent=indent, break_on_hyphens=False
    )


def left_text(left: Sequence[Entry], target: TargetRef) -> str:
    """Return what could not be deleted, and the command that deletes it."""
    lines = [f"The account still has, or may have, {count(len(left), 'segment')} of this probe:"]
    lines += [
        f"  {clean(entry.name)} ({clean(entry.id or 'its id is not known')})" for entry in left
    ]
    lines.append(f"Run `segctl --target {clean(target.name)} probe --clean-up` to delete them.")
    return "\n".join(lines)


def probe_markdown(probed: Probed, date: str, observed: Sequence[str]) -> str:
    """Return the findings as Markdown, to paste into an issue."""
    rows = [tag("tr", *(tag("th", head) for head in ("", "verdict", "assumed", "seen")))]
    rows += [
        tag(
            "tr",
            tag("td", code(finding.assumption.id)),
            tag("td", finding.verdict.value),
            tag("td", prose(finding.assumption.claim)),
            tag("td", prose(finding.seen)),
        )
        for _, findings in _by_verdict(probed.findings)
        for finding in findings
    ]
    parts: list[str] = [
        html(f"### segctl probe, {date}: {summary(probed.findings)}"),
        html(f"segctl {__version__}"),
        "<table>\n" + "\n".join(rows) + "\n</table>",
    ]
    if observed:
        parts.append(fence(observed, "yaml"))
    return "\n\n".join(parts) + "\n"


def probe_json(probed: Probed, generated_at: str) -> dict[str, Any]:
    """Return the findings as JSON data."""
    return {
        **document_header(generated_at),
        "stopped": probed.stopped or None,
        "summary": {
            verdict.value.replace(" ", "_"): sum(
                finding.verdict is verdict for finding in probed.findings
            )
            for verdict in reversed(_ORDER)
        },
        "assumptions": [
            {
                "id": finding.assumption.id,
                "assumed": finding.assumption.claim,
                "standing": finding.assumption.standing.value,
                "test": finding.assumption.test,
                "depends": finding.assumption.depends,
                "observed_key": finding.assumption.key or None,
                "verdict": finding.verdict.value.replace(" ", "_"),
                "seen": finding.seen,
            }
            for finding in probed.findings
        ],
        "observed": dict(probed.observed),
        "left": [{"name": entry.name, "id": entry.id} for entry in probed.left],
    }
