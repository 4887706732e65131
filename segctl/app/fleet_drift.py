"""Drift of several targets at once: what changed on each account that no commit did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl.app.console import SILENT
from segctl.app.drift import detect_drift
from segctl.model.fleet import Failure
from segctl.planning.fleet_drift import FleetDrift, TargetDrift

if TYPE_CHECKING:
    from segctl.app.connection import Connection
    from segctl.app.console import Console
    from segctl.app.fleet import Fleet, Member


def detect_drift_of_targets(
    fleet: Fleet, console: Console = SILENT, *, managed_only: bool = False
) -> FleetDrift:
    """Compare each account with the files, or say why that failed; see `detect_drift`."""

    def detect(member: Member, connection: Connection) -> TargetDrift:
        drift = detect_drift(member.project, connection, member.console, managed_only=managed_only)
        return TargetDrift(member.name, drift.report, drift.diagnostics, connection.target)

    with fleet.showing_progress("comparing", console):
        results = fleet.run(detect)
    return FleetDrift(
        fleet.name,
        tuple(
            TargetDrift(member.name, failure=result) if isinstance(result, Failure) else result
            for member, result in zip(fleet.members, results, strict=True)
        ),
    )
