"""Plans that were saved or approved: reading one, and holding the plan made now against it.

Owns what `apply PLAN` and `apply --expect-digest` add to an apply: the question comes from the
file, and the plan that follows from it now must come to the same, or nothing is performed. The
plan performed is always the one made now, judged now; what was saved only says no.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from segctl import __version__
from segctl.common.files import read_bounded
from segctl.errors import Refused, UsageError
from segctl.model.plan_options import PlanOptions
from segctl.render.terminal import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import TypeVar

    from segctl.app.session import Session
    from segctl.errors import Diagnostic
    from segctl.model import Plan, TargetRef
    from segctl.planfile.loading import SavedPlan

    F = TypeVar("F", bound=Callable[..., Any])

STDIN = "-"
_SHORTEST_DIGEST, _WHOLE_DIGEST = 12, 64


def approval_options(function: F) -> F:
    """Add the argument PLAN and `--expect-digest`: what was approved before."""
    function = click.option(
        "--expect-digest",
        metavar="DIGEST",
        help="Refuse unless the plan has this digest: 64 hex digits, or the first 12 or more.",
    )(function)
    return click.argument("plan_file", metavar="[PLAN]", required=False)(function)


def read_plan(file: str) -> SavedPlan:
    """Read a plan file, or stdin for `-`.

    Raises `UsageError` where it cannot be read and `InvalidInput` where it is no plan.
    """
    from segctl.planfile.loading import MAX_BYTES, load_plan  # noqa: PLC0415 - only for a plan file

    if not file:
        raise UsageError("the name of the plan file is empty")
    try:
        if file == STDIN:
            # Closed by the shell (`<&-`), it is nothing to read.
            data = sys.stdin.buffer.read(MAX_BYTES + 1) if sys.stdin is not None else b""
        else:
            data = read_bounded(file, MAX_BYTES)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it is no name of a file"
        raise UsageError(
            f"cannot read {file}: {reason}", hint="segctl plan --out FILE writes a plan"
        ) from None
    return load_plan(data, "stdin" if file == STDIN else file)


@dataclass(frozen=True, slots=True)
class Approval:
    """What was approved before this apply: a saved plan, a digest, both or nothing."""

    options: PlanOptions
    saved: SavedPlan | None = None
    digest: str = ""

    def check_account(self, session: Session, account: TargetRef) -> None:
        """Raise `Refused` where the saved plan is for another account."""
        if self.saved is None:
            return
        from segctl.planfile.staleness import account_differences  # noqa: PLC0415 - only for a saved plan

        self._refuse(
            session,
            account_differences(self.saved.plan.target, account),
            "the plan is for another account, and nothing was changed",
            "choose its target with --target, or make a plan for this one",
        )

    def check_plan(self, session: Session, plan: Plan) -> None:
        """Raise `Refused` where the plan made now is not the one that was approved."""
        from segctl.planfile.staleness import plan_differences  # noqa: PLC0415
        from segctl.planfile.to_json import SHORT_DIGEST, digest  # noqa: PLC0415 - only where approved

        if self.saved is not None:
            self._refuse(
                session,
                plan_differences(self.saved.plan, plan),
                "the saved plan is stale, and nothing was changed",
                "make it anew with segctl plan --out, and have that one approved"
                if plan.changes
                else "nothing is left to do: the account is as the files say",
            )
        found = digest(plan)
        if not found.startswith(self.digest):
            raise Refused(
                f"the plan has the digest {found[:SHORT_DIGEST]}, and {self.digest[:SHORT_DIGEST]} "
                "was expected; nothing was changed",
                hint="files or account changed since: have the plan above approved, with "
                f"--expect-digest {found[:SHORT_DIGEST]}",
            )

    def _refuse(
        self, session: Session, found: Sequence[Diagnostic], message: str, hint: str
    ) -> None:
        if found:
            session.warn(found)
            raise Refused(message, hint=hint, diagnostics=found)


def approval(
    plan_file: str | None, expect_digest: str | None, options: Mapping[str, Any]
) -> Approval:
    """Take in what was approved; `options` are those of the command line.

    Raises `UsageError` where it makes no sense, `InvalidInput` for a file that is no plan, and
    `Refused` for a plan that nobody may perform with this segctl.
    """
    wanted = _digest(expect_digest)
    if plan_file is None:
        return Approval(PlanOptions(**options), digest=wanted)
    context = click.get_current_context()
    for name in options:
        if context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            raise UsageError(
                f"--{name.replace('_', '-')} is part of the saved plan and cannot be given again",
                hint="leave it out, or make another plan with it: segctl plan --out FILE",
            )
    saved = read_plan(plan_file)
    made, here = saved.version.split(".")[0], __version__.split(".")[0]
    if made != here:
        raise Refused(
            f"the plan was made by segctl {saved.version}, and this is {__version__}",
            hint="apply it with that version, or make it anew with this one",
        )
    if not saved.plan.is_applicable:
        raise Refused(
            "the plan could not be applied when it was made, and cannot now",
            hint=f"segctl show {plan_file} says why; mend that, and make a plan anew",
        )
    return Approval(saved.plan.options, saved, wanted)


def _digest(text: str | None) -> str:
    if text is None:
        return ""
    found = text.lower()
    if not re.fullmatch(f"[0-9a-f]{{{_SHORTEST_DIGEST},{_WHOLE_DIGEST}}}", found):
        raise UsageError(
            f"--expect-digest takes {_WHOLE_DIGEST} hex digits, or the first {_SHORTEST_DIGEST} or "
            "more of them",
            hint="`digest` in the JSON of segctl plan has it, and segctl plan -v shows it",
        )
    return found


def saved_as(session: Session, file: str, plan: Plan) -> str:
    """Say where a plan was saved, its digest, and how to apply it if that is possible."""
    from shlex import quote  # noqa: PLC0415 - of one line

    from segctl.planfile.to_json import SHORT_DIGEST, digest  # noqa: PLC0415
    from segctl.project.config import choose_target  # noqa: PLC0415

    text = f"Saved as {clean(file)}, digest {digest(plan)[:SHORT_DIGEST]}"
    if not plan.is_applicable:
        return f"{text}."
    try:
        usual = choose_target(session.config, None, session.env).name
    except UsageError:
        usual = ""
    target = "" if plan.target.name == usual else f"--target {quote(plan.target.name)} "
    return f"{text}; apply it with: segctl apply {target}{clean(quote(file))}"
