"""The formats by name: the one place where a name becomes text, for everything that has several.

Every command that shows a plan, a report, drift or findings offers the same formats; a fault comes
out in the one that was asked for, too, since who reads annotations reads nothing else. What is of
one format alone is imported by that one.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from segctl import __version__
from segctl.app.repository import render_context
from segctl.errors import Diagnostic, InvalidInput, Refused, SegctlError, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import TypeVar

    from segctl.app.session import Session
    from segctl.model import Plan, TargetRef
    from segctl.model.report import Report
    from segctl.planning.drift import DriftReport

    F = TypeVar("F", bound=Callable[..., Any])

FORMATS = ("text", "json", "markdown", "github", "sarif", "html")


def plan_in(
    output: str,
    plan: Plan,
    session: Session,
    *,
    generated_at: str | None = None,
    version: str = __version__,
    requests: int | None = None,
) -> str:
    """Give a plan in one of `FORMATS`, as this session's stdout can show it.

    `generated_at` (now, unless it is given) and `version` say when and by which segctl the plan
    was made; `requests`, where it is told, how many it took.
    """
    made = generated_at or _now(session)
    match output:
        case "json":
            from segctl.planfile.to_json import plan_to_json  # noqa: PLC0415

            return session.as_json(plan_to_json(plan, made, version, requests))
        case "markdown":
            from segctl.render.markdown.views import plan_markdown  # noqa: PLC0415

            return plan_markdown(plan, render_context(session, made))
        case "github":
            from segctl.render.as_diagnostics import plan_diagnostics  # noqa: PLC0415
            from segctl.render.github import workflow_annotations  # noqa: PLC0415
            from segctl.render.plan_text import plan_summary  # noqa: PLC0415
            from segctl.render.terminal import Style  # noqa: PLC0415

            closing = plan_summary(plan, Style()).strip()
            return workflow_annotations(
                plan_diagnostics(plan), render_context(session, made), closing
            )
        case "sarif":
            from segctl.render.as_diagnostics import plan_problem_diagnostics  # noqa: PLC0415

            return _sarif(plan_problem_diagnostics(plan), session, "plan", made, plan.target.name)
        case "html":
            from segctl.render.html.views import plan_html  # noqa: PLC0415

            return session.as_page(plan_html(plan, render_context(session, made)))
        case _:
            from segctl.render.plan_text import plan_text  # noqa: PLC0415

            return plan_text(plan, session.style, verbosity=session.verbosity)


def report_in(output: str, report: Report, plan: Plan, session: Session) -> str:
    """Give what an apply did in one of `FORMATS`; `plan` is the one that was performed."""
    made = _now(session)
    match output:
        case "json":
            from segctl.planfile.report_json import report_to_json  # noqa: PLC0415

            return session.as_json(report_to_json(report, plan, made))
        case "markdown":
            from segctl.render.markdown.views import report_markdown  # noqa: PLC0415

            return report_markdown(report, render_context(session, made), plan.target)
        case "github":
            from segctl.render.as_diagnostics import report_diagnostics, report_title  # noqa: PLC0415
            from segctl.render.github import workflow_annotations  # noqa: PLC0415

            closing = report_title(report)
            return workflow_annotations(
                report_diagnostics(report), render_context(session, made), closing
            )
        case "sarif":
            from segctl.render.as_diagnostics import report_diagnostics  # noqa: PLC0415

            return _sarif(report_diagnostics(report), session, "apply", made, plan.target.name)
        case "html":
            from segctl.render.html.views import report_html  # noqa: PLC0415

            return session.as_page(report_html(report, render_context(session, made), plan.target))
        case _:
            from segctl.render.report_text import report_text  # noqa: PLC0415

            return report_text(report, session.style, quiet=session.verbosity < 0)


def drift_in(
    output: str,
    drifts: DriftReport,
    target: TargetRef,
    diagnostics: Sequence[Diagnostic],
    session: Session,
) -> str:
    """Give drift in one of `FORMATS`; the text is without the findings."""
    made = _now(session)
    match output:
        case "json":
            from segctl.render.drift_text import drift_json  # noqa: PLC0415

            return session.as_json(drift_json(drifts, target, diagnostics, made))
        case "markdown":
            from segctl.render.markdown.views import drift_markdown  # noqa: PLC0415

            return drift_markdown(drifts, diagnostics, render_context(session, made), target)
        case "github":
            from segctl.render.as_diagnostics import drift_diagnostics  # noqa: PLC0415
            from segctl.render.drift_text import drift_summary  # noqa: PLC0415
            from segctl.render.github import workflow_annotations  # noqa: PLC0415
            from segctl.render.terminal import Style  # noqa: PLC0415

            found = (*diagnostics, *drift_diagnostics(drifts))
            return workflow_annotations(
                found, render_context(session, made), drift_summary(drifts, Style())
            )
        case "sarif":
            from segctl.render.as_diagnostics import drift_diagnostics  # noqa: PLC0415

            found = (*diagnostics, *drift_diagnostics(drifts))
            return _sarif(found, session, "drift", made, target.name)
        case "html":
            from segctl.render.html.views import drift_html  # noqa: PLC0415

            return session.as_page(
                drift_html(drifts, diagnostics, render_context(session, made), target)
            )
        case _:
            from segctl.render.drift_text import drift_text  # noqa: PLC0415

            return drift_text(drifts, session.style)


def diagnostics_in(
    output: str,
    diagnostics: Sequence[Diagnostic],
    session: Session,
    what: str,
    *,
    target: str = "",
    closing: str = "",
    **facts: Any,
) -> str:
    """Give the findings of a command (`what`, on a `target` if on any) in one of `FORMATS`.

    `closing` is what they come to, unless that is their number; `facts` go into the JSON.
    """
    made = _now(session)
    match output:
        case "json":
            from segctl.planfile.to_json import diagnostics_json, document_header  # noqa: PLC0415

            found = {"diagnostics": diagnostics_json(diagnostics)}
            return session.as_json({**document_header(made), **facts, **found})
        case "markdown":
            from segctl.render.markdown.views import diagnostics_markdown  # noqa: PLC0415

            place = render_context(session, made)
            return diagnostics_markdown(diagnostics, place, what, target=target, closing=closing)
        case "github":
            from segctl.render.github import workflow_annotations  # noqa: PLC0415

            return workflow_annotations(diagnostics, render_context(session, made), closing)
        case "sarif":
            return _sarif(diagnostics, session, what, made, target)
        case "html":
            from segctl.render.html.views import diagnostics_html  # noqa: PLC0415

            return session.as_page(
                diagnostics_html(diagnostics, render_context(session, made), what, closing)
            )
        case _:
            from segctl.render.diagnostics import diagnostics_text  # noqa: PLC0415

            return diagnostics_text(diagnostics, session.style)


@contextmanager
def faults_in(output: str, session: Session, what: str) -> Iterator[None]:
    """Show whatever ends a command in its format as well, and let it go on its way.

    In JSON, only what is wrong with the files: it has nothing but `diagnostics`, so nobody reads it
    as an answer.
    """
    try:
        yield
    except SegctlError as error:
        if isinstance(error, InvalidInput):
            found = error.diagnostics
        else:
            code = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", type(error).__name__).lower()
            one = Diagnostic(code, Severity.ERROR, error.message, hint=error.hint)
            found = (one, *error.diagnostics) if isinstance(error, Refused) else (one,)
        if output not in {"text", "json"} or (output == "json" and isinstance(error, InvalidInput)):
            target = session.target_name
            session.show(diagnostics_in(output, found, session, what, target=target))
        raise


def _sarif(
    found: Sequence[Diagnostic], session: Session, what: str, made: str, target: str = ""
) -> str:
    from segctl.render.sarif import sarif  # noqa: PLC0415

    return session.as_json(sarif(found, render_context(session, made), what, target=target))


def _now(session: Session) -> str:
    from segctl.common.clock import format_utc  # noqa: PLC0415

    return format_utc(session.clock.now())
