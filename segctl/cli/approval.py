"""What was approved before an apply, on the command line: a saved plan, a digest, or both.

Also shows a plan that is to be approved, and saves it.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from segctl.errors import Refused, UsageError
from segctl.model.plan_options import PlanOptions
from segctl.render.terminal import clean, count

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeVar

    from segctl.app.console import Console
    from segctl.cli.output import Output
    from segctl.model import Plan, TargetRef
    from segctl.model.fleet import FleetPlan
    from segctl.planfile.loading import SavedFleet, SavedPlan

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


def read_plan(file: str) -> SavedPlan | SavedFleet:
    """Read a plan file, of one target or of several, or stdin for `-`.

    Raises `UsageError` if it cannot be read, and `InvalidInput` if it holds no plan.
    """
    from segctl.app.saved_plan import read_saved, unreadable_plan  # noqa: PLC0415
    from segctl.planfile.loading import MAX_BYTES, load_saved  # noqa: PLC0415 - only for a plan file

    if not file:
        raise UsageError("the name of the plan file is empty")
    if file != STDIN:
        return read_saved(file)
    try:
        # A closed stdin (`<&-`) is empty.
        data = sys.stdin.buffer.read(MAX_BYTES + 1) if sys.stdin is not None else b""
    except (OSError, ValueError) as error:
        raise unreadable_plan(STDIN, error) from None
    return load_saved(data, "stdin")


@dataclass(frozen=True, slots=True)
class Approval:
    """What was approved before this apply; `digest` may be the first digits of one, or empty."""

    options: PlanOptions
    saved: SavedPlan | SavedFleet | None = None
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
        from segctl.planfile.loading import SavedFleet  # noqa: PLC0415

        if isinstance(self.saved, SavedFleet):
            raise Refused(
                f"the plan is for {clean(self.saved.fleet.name)}, but this is for the target "
                f"`{clean(target.name)}`; nothing was changed",
                hint="choose its targets with --target or --all-targets",
            )
        try:
            check_same_account(self.saved, target)
        except Refused as error:
            console.warn(error.diagnostics)
            raise

    def check_group(self, name: str) -> None:
        """Raise `Refused` if the saved plan is for one target, and this for several."""
        from segctl.planfile.loading import SavedPlan  # noqa: PLC0415 - only for a saved plan

        if isinstance(self.saved, SavedPlan):
            target = clean(self.saved.plan.target.name)
            raise Refused(
                f"the plan is for the target `{target}` alone, but this is for {clean(name)}; "
                "nothing was changed",
                hint=f"choose its target with --target {target}",
            )

    def check_plan(self, plan: Plan | FleetPlan, console: Console) -> None:
        """Raise `Refused` if what was planned now is not what was approved."""
        if not self.is_given:
            return
        from segctl.app.saved_plan import check_current, check_digest, check_fleet  # noqa: PLC0415
        from segctl.model.fleet import FleetPlan  # noqa: PLC0415
        from segctl.planfile.loading import SavedFleet, SavedPlan  # noqa: PLC0415

        try:
            if isinstance(self.saved, SavedPlan) and not isinstance(plan, FleetPlan):
                check_current(self.saved, plan)
            if isinstance(self.saved, SavedFleet) and isinstance(plan, FleetPlan):
                check_fleet(self.saved, plan)
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
    return Approval(_options_of(saved), saved, digest)


def _options_of(saved: SavedPlan | SavedFleet) -> PlanOptions:
    """Return the options that a saved plan was made with: those of several targets share them."""
    from segctl.planfile.loading import SavedPlan  # noqa: PLC0415 - only for a saved plan

    plans = (saved.plan,) if isinstance(saved, SavedPlan) else saved.fleet.plans
    return plans[0].options


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


def show_plan(
    output: Output,
    plan: Plan | FleetPlan,
    text: str,
    *,
    out: str | None,
    generated_at: str,
    requests: int,
) -> None:
    """Show the text of a plan that took so many requests; with `out`, save the plan first."""
    console = output.console
    if out is not None:
        from segctl.app.saved_plan import save_plan  # noqa: PLC0415 - only with --out

        save_plan(output.project, plan, out, generated_at=generated_at)
    output.show(text)
    if out is not None:
        console.talk(_saved_as(console, out, plan))
    console.mention(f"{count(requests, 'request')} sent.")


def _saved_as(console: Console, file: str, plan: Plan | FleetPlan) -> str:
    """Return where a plan was saved, its digest, and how to apply it if that is possible."""
    from shlex import quote  # noqa: PLC0415 - of one line

    from segctl.model.fleet import ALL_TARGETS, FleetPlan  # noqa: PLC0415
    from segctl.planfile.fleet_json import digest_of  # noqa: PLC0415
    from segctl.planfile.to_json import SHORT_DIGEST  # noqa: PLC0415

    text = f"Saved as {clean(file)}, digest {digest_of(plan)[:SHORT_DIGEST]}"
    if not plan.is_applicable:
        return f"{text}."
    arguments = f"apply {clean(quote(file))}"
    target = plan.name if isinstance(plan, FleetPlan) else plan.target.name
    if target == ALL_TARGETS:
        return f"{text}; apply it with `{console.command(f'{arguments} --all-targets')}`"
    return f"{text}; apply it with `{console.command(arguments, target)}`"
