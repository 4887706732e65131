"""The formats of a plan by name: the one place where a name becomes text.

`plan` and `show` offer the same ones, so that a saved plan can be shown as anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from segctl import __version__

if TYPE_CHECKING:
    from segctl.cli.session import Session
    from segctl.model import Plan

PLAN_FORMATS = ("text", "json")


def plan_in(
    output: str,
    plan: Plan,
    session: Session,
    *,
    generated_at: str | None = None,
    version: str = __version__,
    requests: int | None = None,
) -> str:
    """Give a plan in one of `PLAN_FORMATS`, as this session's stdout can show it.

    `generated_at` (now, unless it is given) and `version` say when and by which segctl the plan
    was made; `requests`, where it is told, how many it took.

    Raises `ValueError` for another format.
    """
    match output:
        case "text":
            from segctl.render.plan_text import plan_text  # noqa: PLC0415 - of one format alone

            return plan_text(plan, session.style, verbosity=session.verbosity)
        case "json":
            from segctl.clock import iso  # noqa: PLC0415 - of one format alone
            from segctl.planfile import to_json  # noqa: PLC0415

            made = iso(session.clock.now()) if generated_at is None else generated_at
            return session.as_json(to_json(plan, made, version, requests))
        case _:
            raise ValueError(f"no format of a plan: {output}")
