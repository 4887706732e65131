"""What a probe saw SendGrid do, as `observed:` in segctl.yaml keeps it. Shapes only.

An observation decides severities of lint rules, remarks on names, and how long an apply expects a
lock to last. It never decides what is deleted, replaced or owned: a pull request can edit the file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_NO_FUNCTIONS: Mapping[str, bool] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Observed:
    """What a probe saw. `None` is not known; `True` is accepted, `False` is refused.

    `functions` are by their upper-case names. `name_case_matters`: whether names that differ only
    in case are two names. `update_lock` is in seconds. `date` is the day of the probe.
    """

    date: str = ""
    group_by: bool | None = None
    bare_join: bool | None = None
    interval: bool | None = None
    double_quoted_text: bool | None = None
    functions: Mapping[str, bool] = field(default_factory=lambda: _NO_FUNCTIONS)
    name_case_matters: bool | None = None
    update_lock: int | None = None

    @property
    def source(self) -> str:
        """What a message names as its source."""
        return f"a probe on {self.date}" if self.date else "a probe"


LANGUAGE_KEYS = ("group_by", "bare_join", "interval", "double_quoted_text")
"""The keys of `observed` whose values say whether a query was accepted."""


def read_observed(value: Mapping[str, Any]) -> Observed:
    """Return what a valid value of `observed` says."""
    return Observed(
        date=value.get("date", ""),
        functions={
            name: result == "accepted" for name, result in value.get("functions", {}).items()
        },
        name_case_matters=(value["name_case"] == "significant" if "name_case" in value else None),
        update_lock=value.get("update_lock"),
        **{key: value[key] == "accepted" for key in LANGUAGE_KEYS if key in value},
    )


NOTHING_OBSERVED = Observed()
