"""What was approved before an apply, on the command line: a saved plan, a digest, or both."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from segctl.errors import Refused, UsageError
from segctl.model.plan_options import PlanOptions
from segctl.render.terminal import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeVar

    from segctl.app.console import Console
    from segctl.model import Plan, TargetRef
    from segctl.planfile.loading import SavedPlan

    F = TypeVar("F", bound=Callable[..., Any])

STDIN = "-"
_WHOLE_DIGEST = 64


def approval_options(function: F) -> F:
    """Add the argument PLAN and the option `--expect-digest`."""
    function = click.option(
        "--expect-digest",
        metavar="DIGEST",
        help="Refuse unless the plan has this digest: 64 hex digits, or at least the first 32.",
    )(function)
    return click.argument("plan_file", metavar="[PLAN]", required=False)(function)


def read_plan(file: str) -> SavedPlan:
    """Read a plan file, or stdin for `-`.

    Raises `UsageError` if it cannot be read, and `InvalidInput` if it holds no plan.
    """
    from segctl.app.saved_plan import read_saved_plan, unreadable_plan  # noqa: PLC0415
    from segctl.planfile.loading import MAX_BYTES, load_plan  # noqa: PLC0415 - only for a plan file

    if not file:
        raise UsageError("the name of the plan file is empty")
    if file != STDIN:
        return read_saved_plan(file)
    try:
        # A closed stdin (`<&-`) is empty.
        data = sys.stdin.buffer.read(MAX_BYTES + 1) if sys.stdin is not None else b""
    except (OSError, ValueError) as error:
        raise unreadable_plan(STDIN, error) from None
    return load_plan(data, "stdin")


@dataclass(frozen=True, slots=True)
class Approval:
    """What was approved before this apply; `digest` may be the first digits of one, or empty."""

    options: PlanOptions
    saved: SavedPlan | None = None
    digest: str = ""

    @property
    def is_given(self) -> bool:
        """Whether someone approved a plan before."""
        return self.saved is not None or bool(self.digest)

    def check_account(self, target: TargetRef, console: Console) -> None:
        """Raise `Refused` if the saved plan is for another account."""
        if self.saved is None:
            return
        from segctl.app.saved_plan import check_same_account  # noqa: PLC0415 - only for a saved plan

        try:
            check_same_account(self.saved, target)
        except Refused as error:
            console.warn(error.diagnostics)
            raise

    def check_plan(self, plan: Plan, console: Console) -> None:
        """Raise `Refused` if the plan made now is not the one that was approved."""
        if not self.is_given:
            return
        from segctl.app.saved_plan import check_current, check_digest  # noqa: PLC0415

        try:
            if self.saved is not None:
                check_current(self.saved, plan)
            check_digest(plan, self.digest)
        except Refused as error:
            console.warn(error.diagnostics)
            raise


def read_approval(
    plan_file: str | None, expect_digest: str | None, options: Mapping[str, Any]
) -> Approval:
    """Return what was approved; `options` are those of a plan, from the command line.

    Raises `UsageError` if the options contradict a saved plan, `InvalidInput` for a file that holds
    no plan, and `Refused` for a plan that this segctl must not apply.
    """
    digest = _digest(expect_digest)
    if plan_file is None:
        return Approval(PlanOptions(**options), digest=digest)
    from segctl.app.saved_plan import check_applicable  # noqa: PLC0415 - only for a saved plan

    context = click.get_current_context()
    for name in options:
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            raise UsageError(
                f"--{name.replace('_', '-')} is part of the saved plan and cannot be changed",
                hint="remove it, or make a new plan with it: `segctl plan --out FILE`",
            )
    saved = read_plan(plan_file)
    check_applicable(saved, plan_file)
    return Approval(saved.plan.options, saved, digest)


def _digest(text: str | None) -> str:
    if text is None:
        return ""
    from segctl.planfile.to_json import SHORT_DIGEST  # noqa: PLC0415 - only for a digest

    digits = text.lower()
    if not re.fullmatch(f"[0-9a-f]{{{SHORT_DIGEST},{_WHOLE_DIGEST}}}", digits):
        raise UsageError(
            f"--expect-digest must be {_WHOLE_DIGEST} hex digits, or at least the first "
            f"{SHORT_DIGEST}",
            hint="copy `digest` from the JSON of `segctl plan`, or run `segctl plan -v`",
        )
    return digits


def saved_as(console: Console, file: str, plan: Plan) -> str:
    """Return where a plan was saved, its digest, and how to apply it if that is possible."""
    from shlex import quote  # noqa: PLC0415 - of one line

    from segctl.planfile.to_json import SHORT_DIGEST, digest  # noqa: PLC0415

    text = f"Saved as {clean(file)}, digest {digest(plan)[:SHORT_DIGEST]}"
    if not plan.is_applicable:
        return f"{text}."
    apply = console.command(f"apply {clean(quote(file))}", plan.target.name)
    return f"{text}; apply it with `{apply}`"
