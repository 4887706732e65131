"""The drift of several targets, as values. Does not find it: `drift` does."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from segctl.planning.drift import DriftReport

if TYPE_CHECKING:
    from segctl.errors import Diagnostic
    from segctl.model import TargetRef
    from segctl.model.fleet import Failure


@dataclass(frozen=True, slots=True)
class TargetDrift:
    """The drift of one target, with the diagnostics of the comparison, or why there is none.

    `account` is `None` with a `failure`.
    """

    target: str
    report: DriftReport = field(default_factory=DriftReport)
    diagnostics: tuple[Diagnostic, ...] = ()
    account: TargetRef | None = None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class FleetDrift:
    """The drift of several targets, in the order of their group, whose `name` it has."""

    name: str
    parts: tuple[TargetDrift, ...]

    @property
    def has_drift(self) -> bool:
        """Whether any account differs from the files."""
        return any(part.report.drifts for part in self.parts)
