"""Counting for policies in the contacts that segctl.yaml names, or the reason why there are none.

Where a number could be wrong, there is none: of contacts of some lists only, of another account, or
of events that the data set may lack.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from segctl.audience.results import Uncountable
from segctl.errors import Diagnostic, Interrupted, Refused, SegctlError, UsageError
from segctl.policies.judge import Counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from segctl.app.audiences import Evaluation
    from segctl.app.connection import Connection
    from segctl.app.console import Console
    from segctl.app.project import Project
    from segctl.policies.questions import Pair

_BATCH = 1_000
"""Pairs that one pass counts. DuckDB takes much longer for one statement with thousands, which a
`disjoint` of every two segments needs."""


class PolicyCounts(NamedTuple):
    """What was counted, the time of the contacts (ISO 8601, empty if unknown), and remarks."""

    counted: Counted
    as_of: str = ""
    remarks: tuple[Diagnostic, ...] = ()


def count_pairs(
    project: Project, pairs: Sequence[Pair], connection: Connection | None, console: Console
) -> PolicyCounts:
    """Count pairs of segments, at least one, if segctl.yaml names contacts."""
    configured = project.config.contacts
    if configured is None:
        return PolicyCounts(Counted())
    from segctl.app.audiences import evaluate  # noqa: PLC0415 - DuckDB's room, only with contacts
    from segctl.app.contact_sources import configured_source  # noqa: PLC0415 - as above
    from segctl.app.impacts import old_contacts  # noqa: PLC0415 - as above

    try:
        source = configured_source(project, configured)
        with console.progress("counting contacts for policies"):
            evaluations = [
                evaluation
                for start in range(0, len(pairs), _BATCH)
                for evaluation in evaluate(
                    project, source, pairs[start : start + _BATCH], connection
                )
            ]
        _check_whole(evaluations[0])
    except Interrupted:
        raise
    except Refused as error:
        return PolicyCounts(Counted(reason=error.message, hint=error.hint), "", error.diagnostics)
    except SegctlError as error:
        return PolicyCounts(Counted(reason=error.message, hint=error.hint))
    first = evaluations[0]
    return PolicyCounts(
        _counted(dict(zip(pairs, evaluations, strict=True))),
        first.as_of or first.modified_at or "",
        (*source.exposed, *old_contacts(project, first)),
    )


def _check_whole(evaluation: Evaluation) -> None:
    """Raise `UsageError` where numbers would not be those of all contacts."""
    if not evaluation.total:
        raise UsageError("the data set has no contacts", hint="export the contacts again")
    if evaluation.only:
        names = ", ".join(f"`{name}`" for name in evaluation.only)
        raise UsageError(
            f"the pulled contacts are only those of {names}",
            hint="run `segctl contacts pull` without --list to pull all contacts",
        )


def _counted(evaluations: Mapping[Pair, Evaluation]) -> Counted:
    return Counted(
        {
            pair: evaluation.counts or Uncountable(evaluation.problems, evaluation.in_before)
            for pair, evaluation in evaluations.items()
        },
        {
            pair: "; ".join(dict.fromkeys(problem.message for problem in evaluation.warnings))
            for pair, evaluation in evaluations.items()
            if evaluation.warnings
        },
    )
