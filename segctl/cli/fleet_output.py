"""The formats of `Output` for the plans and the reports of several targets."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from segctl import __version__
from segctl.cli.output import Output
from segctl.model.fleet import Failure, FleetPlan, FleetReport, TargetPlan, TargetReport

if TYPE_CHECKING:
    from segctl.planning.fleet_drift import FleetDrift


class FleetOutput(Output):
    """Turns what concerns several targets into one of `FORMATS`."""

    def fleet_plan(
        self, fleet: FleetPlan, *, generated_at: str | None = None, version: str = __version__
    ) -> str:
        """Return the plans of several targets; see `plan`."""
        made_at = generated_at or self._now()
        if self.name == "json":
            from segctl.planfile.fleet_json import fleet_to_json  # noqa: PLC0415

            return self.console.as_json(fleet_to_json(fleet, made_at, version))
        fleet = FleetPlan(fleet.name, tuple(map(self._part_with_commands, fleet.parts)))
        match self.name:
            case "markdown":
                from segctl.render.markdown.fleet import fleet_markdown  # noqa: PLC0415

                return fleet_markdown(fleet, self._context(made_at))
            case "github":
                from segctl.render.fleet import fleet_diagnostics, fleet_summary  # noqa: PLC0415
                from segctl.render.github import workflow_annotations  # noqa: PLC0415

                return workflow_annotations(
                    fleet_diagnostics(fleet), self._context(made_at), fleet_summary(fleet)
                )
            case "sarif":
                from segctl.render.fleet import fleet_problem_diagnostics  # noqa: PLC0415

                return self._sarif(fleet_problem_diagnostics(fleet), "plan", made_at, fleet.name)
            case "html":
                from segctl.render.html.fleet import fleet_html  # noqa: PLC0415

                return self.console.as_html(fleet_html(fleet, self._context(made_at)))
            case _:
                from segctl.render.fleet_text import fleet_text  # noqa: PLC0415

                style, verbosity = self.console.style, self.console.verbosity
                return fleet_text(fleet, style, verbosity=verbosity)

    def fleet_report(self, report: FleetReport, plan: FleetPlan) -> str:
        """Return what an apply did with the plans of several targets."""
        now = self._now()
        if self.name == "json":
            from segctl.planfile.fleet_json import fleet_report_to_json  # noqa: PLC0415

            return self.console.as_json(fleet_report_to_json(report, plan, now))
        report = FleetReport(report.name, tuple(map(self._report_part_with_commands, report.parts)))
        match self.name:
            case "markdown":
                from segctl.render.markdown.fleet import fleet_report_markdown  # noqa: PLC0415

                return fleet_report_markdown(report, self._context(now))
            case "github":
                from segctl.render.fleet import (  # noqa: PLC0415
                    fleet_report_diagnostics,
                    report_fleet_summary,
                )
                from segctl.render.github import workflow_annotations  # noqa: PLC0415

                return workflow_annotations(
                    fleet_report_diagnostics(report),
                    self._context(now),
                    report_fleet_summary(report),
                )
            case "sarif":
                from segctl.render.fleet import fleet_report_diagnostics  # noqa: PLC0415

                return self._sarif(fleet_report_diagnostics(report), "apply", now, report.name)
            case "html":
                from segctl.render.html.fleet import fleet_report_html  # noqa: PLC0415

                return self.console.as_html(fleet_report_html(report, self._context(now)))
            case _:
                from segctl.render.fleet_text import fleet_report_text  # noqa: PLC0415

                is_quiet = self.console.verbosity < 0
                return fleet_report_text(report, self.console.style, quiet=is_quiet)

    def fleet_drift(self, fleet: FleetDrift) -> str:
        """Return the drift of several targets."""
        from segctl.render import fleet_drift as views  # noqa: PLC0415 - as the others

        now = self._now()
        match self.name:
            case "json":
                return self.console.as_json(views.fleet_drift_json(fleet, now))
            case "markdown":
                from segctl.render.markdown.fleet import fleet_drift_markdown  # noqa: PLC0415

                return fleet_drift_markdown(fleet, self._context(now))
            case "github":
                from segctl.render.github import workflow_annotations  # noqa: PLC0415

                diagnostics = views.fleet_drift_diagnostics(fleet)
                closing = views.fleet_drift_summary(fleet)
                return workflow_annotations(diagnostics, self._context(now), closing)
            case "sarif":
                return self._sarif(views.fleet_drift_diagnostics(fleet), "drift", now, fleet.name)
            case "html":
                from segctl.render.html.fleet import fleet_drift_html  # noqa: PLC0415

                return self.console.as_html(fleet_drift_html(fleet, self._context(now)))
            case _:
                from segctl.render.fleet_text import fleet_drift_text  # noqa: PLC0415

                return fleet_drift_text(fleet, self.console.style)

    def fleet_problems(self, fleet: FleetPlan, command: str) -> str:
        """Return why the plans of several targets cannot be applied."""
        from segctl.render.fleet import fleet_problem_diagnostics  # noqa: PLC0415

        diagnostics = fleet_problem_diagnostics(fleet)
        return self.diagnostics(diagnostics, command, target=fleet.name)

    def _part_with_commands(self, part: TargetPlan) -> TargetPlan:
        """Return the plan of a target with complete commands in its hints."""
        result = (
            self._failure_with_commands(part.result, part.target)
            if isinstance(part.result, Failure)
            else self._plan_with_commands(part.result)
        )
        return dataclasses.replace(part, result=result)

    def _report_part_with_commands(self, part: TargetReport) -> TargetReport:
        """Return what was done to a target with complete commands in its hints."""
        report = self._report_with_commands(part.report, part.target)
        failure = part.failure and self._failure_with_commands(part.failure, part.target)
        return dataclasses.replace(part, report=report, failure=failure)

    def _failure_with_commands(self, failure: Failure, target: str) -> Failure:
        diagnostics = self.console.complete_hints(failure.diagnostics, target)
        return dataclasses.replace(failure, diagnostics=diagnostics)
