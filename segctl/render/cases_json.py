"""The results of segment tests as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from segctl.planfile.to_json import source_json
from segctl.render.cases_text import describe_failure
from segctl.render.terminal import clean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from segctl.audience.cases import CaseResult
    from segctl.model.contact_fields import ListNames


def cases_json(
    results: Iterable[CaseResult], lists: ListNames | None = None
) -> list[dict[str, Any]]:
    """Return every result as a JSON object."""
    return [
        {
            "segment": clean(result.segment),
            "name": clean(result.case.name),
            "source": source_json(result.case.span),
            "expect": "in" if result.case.expected else "out",
            "actual": None if result.actual is None else "in" if result.actual else "out",
            "passed": result.passed,
            "details": [] if result.passed else describe_failure(result, lists),
            "reasons": [
                {
                    "condition": clean(reason.condition),
                    "truth": reason.truth,
                    "source": source_json(reason.span),
                }
                for reason in result.reasons
            ],
        }
        for result in results
    ]
