"""The formats by name: plans, reports, drift and diagnostics as text on stdout.

Every command that shows one of these offers the same formats, and an error is shown in the chosen
one as well, since a reader of annotations reads nothing else. What only one format needs is
imported for that one.
"""

from __future__ import annotations

import dataclasses
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from segctl import __version__
from segctl.app.repository import render_context
from segctl.errors import InvalidInput, SegctlError, diagnostics_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from segctl.app.console import Console
    from segctl.app.drift import DriftResult
    from segctl.app.project import Project
    from segctl.errors import Diagnostic
    from segctl.model import Plan, TargetRef
    from segctl.model.differences import TargetDifferences
    from segctl.model.report import Report
    from segctl.render.context import RenderContext

FORMATS = ("text", "json", "markdown", "github", "sarif", "html")


class Output:
    """Turns results into one of `FORMATS`, as the stdout of the console can show it.

    In all formats but JSON, which is the same however segctl is called, the commands in hints have
    the folder and the target of the run.
    """

    def __init__(self, name: str, project: Project, console: Console) -> None:
        self.name = name
        self.project = project
        self.console = console

    @property
    def is_text(self) -> bool:
        """Whether the format is for people at a terminal."""
        return self.name == "text"

    def show(self, text: str) -> None:
        """Write a result in this format to stdout."""
        self.console.show(text, as_is=not self.is_text)

    def show_first(self, text: str) -> None:
        """Write a text before the result: to stderr where stdout is for another format."""
        if self.is_text:
            self.console.show(text)
        else:
            self.console.say(text.rstrip())

    def plan(
        self,
        plan: Plan,
        *,
        generated_at: str | None = None,
        version: str = __version__,
        requests: int | None = None,
    ) -> str:
        """Return a plan.

        `generated_at` (by default now) and `version` say when and by which segctl it was made,
        `requests` how many requests that took, if known.
        """
        made_at = generated_at or self._now()
        if self.name == "json":
            from segctl.planfile.to_json import plan_to_json  # noqa: PLC0415

            return self.console.as_json(plan_to_json(plan, made_at, version, requests))
        plan = self._plan_with_commands(plan)
        match self.name:
            case "markdown":
                from segctl.render.markdown.views import plan_markdown  # noqa: PLC0415

                return plan_markdown(plan, self._context(made_at))
            case "github":
                from segctl.render.as_diagnostics import plan_diagnostics  # noqa: PLC0415
                from segctl.render.github import workflow_annotations  # noqa: PLC0415
                from segctl.render.plan_text import plan_summary  # noqa: PLC0415
                from segctl.render.terminal import Style  # noqa: PLC0415

                closing = plan_summary(plan, Style()).strip()
                return workflow_annotations(plan_diagnostics(plan), self._context(made_at), closing)
            case "sarif":
                from segctl.render.as_diagnostics import plan_problem_diagnostics  # noqa: PLC0415

                diagnostics = plan_problem_diagnostics(plan)
                return self._sarif(diagnostics, "plan", made_at, plan.target.name)
            case "html":
                from segctl.render.html.views import plan_html  # noqa: PLC0415

                return self.console.as_html(plan_html(plan, self._context(made_at)))
            case _:
                from segctl.render.plan_text import plan_text  # noqa: PLC0415

                return plan_text(plan, self.console.style, verbosity=self.console.verbosity)

    def report(self, report: Report, plan: Plan) -> str:
        """Return what an apply did with a plan."""
        now = self._now()
        if self.name == "json":
            from segctl.planfile.report_json import report_to_json  # noqa: PLC0415

            return self.console.as_json(report_to_json(report, plan, now))
        report = self._report_with_commands(report)
        match self.name:
            case "markdown":
                from segctl.render.markdown.views import report_markdown  # noqa: PLC0415

                return report_markdown(report, self._context(now), plan.target)
            case "github":
                from segctl.render.as_diagnostics import (  # noqa: PLC0415
                    report_diagnostics,
                    report_title,
                )
                from segctl.render.github import workflow_annotations  # noqa: PLC0415

                diagnostics = report_diagnostics(report)
                return workflow_annotations(
                    diagnostics, self._context(now), report_title(report, plan.target)
                )
            case "sarif":
                from segctl.render.as_diagnostics import report_diagnostics  # noqa: PLC0415

                diagnostics = report_diagnostics(report)
                return self._sarif(diagnostics, "apply", now, plan.target.name)
            case "html":
                from segctl.render.html.views import report_html  # noqa: PLC0415

                page = report_html(report, self._context(now), plan.target)
                return self.console.as_html(page)
            case _:
                from segctl.render.report_text import report_text  # noqa: PLC0415

                is_quiet = self.console.verbosity < 0
                return report_text(report, self.console.style, plan.target, quiet=is_quiet)

    def drift(self, detected: DriftResult, target: TargetRef) -> str:
        """Return drift; the text format leaves out the diagnostics."""
        report, diagnostics = detected.report, detected.diagnostics
        now = self._now()
        if self.name == "json":
            from segctl.render.drift_text import drift_json  # noqa: PLC0415

            return self.console.as_json(drift_json(report, target, diagnostics, now))
        diagnostics = self.console.complete_hints(diagnostics)
        match self.name:
            case "markdown":
                from segctl.render.markdown.views import drift_markdown  # noqa: PLC0415

                return drift_markdown(report, diagnostics, self._context(now), target)
            case "github":
                from segctl.render.as_diagnostics import drift_diagnostics  # noqa: PLC0415
                from segctl.render.drift_text import drift_summary  # noqa: PLC0415
                from segctl.render.github import workflow_annotations  # noqa: PLC0415
                from segctl.render.terminal import Style  # noqa: PLC0415

                closing = drift_summary(report, Style(), target)
                every = (*diagnostics, *drift_diagnostics(report))
                return workflow_annotations(every, self._context(now), closing)
            case "sarif":
                from segctl.render.as_diagnostics import drift_diagnostics  # noqa: PLC0415

                every = (*diagnostics, *drift_diagnostics(report))
                return self._sarif(every, "drift", now, target.name)
            case "html":
                from segctl.render.html.views import drift_html  # noqa: PLC0415

                page = drift_html(report, diagnostics, self._context(now), target)
                return self.console.as_html(page)
            case _:
                from segctl.render.drift_text import drift_text  # noqa: PLC0415

                return drift_text(report, self.console.style, target)

    def differences(self, comparison: TargetDifferences) -> str:
        """Return what differs between two targets."""
        now = self._now()
        match self.name:
            case "json":
                from segctl.render.differences import differences_json  # noqa: PLC0415

                return self.console.as_json(differences_json(comparison, now))
            case "markdown":
                from segctl.render.markdown.differences import differences_markdown  # noqa: PLC0415

                return differences_markdown(comparison, self._context(now))
            case "github":
                from segctl.render.differences import (  # noqa: PLC0415
                    differences_diagnostics,
                    differences_summary,
                )
                from segctl.render.github import workflow_annotations  # noqa: PLC0415
                from segctl.render.terminal import Style  # noqa: PLC0415

                closing = " ".join(differences_summary(comparison, Style(), verbosity=1))
                diagnostics = differences_diagnostics(comparison)
                return workflow_annotations(diagnostics, self._context(now), closing)
            case "sarif":
                from segctl.render.differences import differences_diagnostics  # noqa: PLC0415

                diagnostics = differences_diagnostics(comparison)
                return self._sarif(diagnostics, "diff", now, comparison.destination.name)
            case "html":
                from segctl.render.html.differences import differences_html  # noqa: PLC0415

                return self.console.as_html(differences_html(comparison, self._context(now)))
            case _:
                from segctl.render.differences import differences_text  # noqa: PLC0415

                verbosity = self.console.verbosity
                return differences_text(comparison, self.console.style, verbosity=verbosity)

    def diagnostics(
        self,
        diagnostics: Sequence[Diagnostic],
        command: str,
        *,
        target: str = "",
        closing: str = "",
        **facts: Any,
    ) -> str:
        """Return the diagnostics of a command, on a target if it has one.

        `closing` sums them up, instead of their number; `facts` go into the JSON.
        """
        now = self._now()
        if self.name == "json":
            from segctl.planfile.to_json import diagnostics_json, document_header  # noqa: PLC0415

            document = {"diagnostics": diagnostics_json(diagnostics)}
            return self.console.as_json({**document_header(now), **facts, **document})
        diagnostics = self.console.complete_hints(diagnostics)
        match self.name:
            case "markdown":
                from segctl.render.markdown.views import diagnostics_markdown  # noqa: PLC0415

                return diagnostics_markdown(
                    diagnostics, self._context(now), command, target=target, summary=closing
                )
            case "github":
                from segctl.render.github import workflow_annotations  # noqa: PLC0415

                return workflow_annotations(diagnostics, self._context(now), closing)
            case "sarif":
                return self._sarif(diagnostics, command, now, target)
            case "html":
                from segctl.render.html.views import diagnostics_html  # noqa: PLC0415

                page = diagnostics_html(diagnostics, self._context(now), command, closing)
                return self.console.as_html(page)
            case _:
                from segctl.render.diagnostics import diagnostics_text  # noqa: PLC0415

                return diagnostics_text(diagnostics, self.console.style)

    @contextmanager
    def showing_errors(self, command: str) -> Iterator[None]:
        """Show the error that ends a command in this format as well, and let it pass.

        In JSON only what is wrong with the files: that document has nothing but `diagnostics`, so
        nobody takes it for a result.
        """
        try:
            yield
        except SegctlError as error:
            is_shown = not self.is_text
            if self.name == "json":
                is_shown = isinstance(error, InvalidInput)
            if is_shown:
                target = self.project.target_name
                text = self.diagnostics(diagnostics_of(error), command, target=target)
                self.show(text)
            raise

    def _plan_with_commands(self, plan: Plan) -> Plan:
        """Return a plan with complete commands in its hints."""
        target = plan.target.name
        return dataclasses.replace(
            plan,
            diagnostics=self.console.complete_hints(plan.diagnostics, target),
            refusals=self.console.complete_hints(plan.refusals, target),
        )

    def _report_with_commands(self, report: Report, target: str | None = None) -> Report:
        """Return a report with complete commands in its hints, for the target if it is given."""
        return dataclasses.replace(
            report,
            outcomes=self.console.complete_hints(report.outcomes, target),
            refreshes=self.console.complete_hints(report.refreshes, target),
        )

    def _sarif(
        self, diagnostics: Sequence[Diagnostic], command: str, made_at: str, target: str = ""
    ) -> str:
        from segctl.render.sarif import sarif  # noqa: PLC0415

        context = self._context(made_at)
        return self.console.as_json(sarif(diagnostics, context, command, target=target))

    def _context(self, made_at: str) -> RenderContext:
        return render_context(self.project, made_at)

    def _now(self) -> str:
        from segctl.common.clock import format_utc  # noqa: PLC0415

        return format_utc(self.project.clock.now())
