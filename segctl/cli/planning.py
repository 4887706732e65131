"""Works out a plan for a command: files, account, planner, policy, in that order.

`plan` and `apply` share it, so that what is performed is what would have been shown.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from segctl.cli.checking import check_before_sending
from segctl.cli.completing import segment_names
from segctl.cli.exit_codes import CHANGES_PRESENT, REFUSED
from segctl.errors import InvalidInput, Severity, UsageError
from segctl.history import read_ledger
from segctl.model import Delete, Ledger
from segctl.planner import Wishes, definitions_to_read, make_plan, select
from segctl.policy import destroyed, judge
from segctl.references import read_single_sends
from segctl.sends import References
from segctl.snapshot import take_snapshot
from segctl.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TypeVar

    from segctl.cli.session import Account, Session
    from segctl.declarations.collection import Declarations
    from segctl.model import Declared, Plan, Snapshot
    from segctl.planner import Named

    F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks of a plan."""

    only: tuple[str, ...] = ()
    strict_text: bool = False
    detect_renames: bool = True
    ignore_references: tuple[str, ...] = ()


def plan_options(function: F) -> F:
    """Add every option of `Options`."""
    for add in reversed((only_option, strict_text_option, _renames_option, _references_option)):
        function = add(function)
    return function


def _renames_option(function: F) -> F:
    return click.option(
        "--detect-renames/--no-detect-renames",
        default=True,
        help="Whether a removed file and a new one with an equal query are a rename.",
    )(function)


def _references_option(function: F) -> F:
    return click.option(
        "--ignore-references",
        metavar="NAME",
        shell_complete=segment_names,
        multiple=True,
        help="Delete or replace this segment though Single Sends use it; may be repeated.",
    )(function)


def only_option(function: F) -> F:
    """Add `--only`."""
    return click.option(
        "--only",
        metavar="GLOB",
        shell_complete=segment_names,
        multiple=True,
        help="Consider only segments whose name or file matches; may be repeated.",
    )(function)


def strict_text_option(function: F) -> F:
    """Add `--strict-text`."""
    return click.option(
        "--strict-text",
        is_flag=True,
        help="Take a query that is merely written another way for a change.",
    )(function)


def read_selection(
    session: Session, only: Sequence[str], what: str = "--only"
) -> tuple[Declarations, tuple[Declared, ...]]:
    """Read the files; give what they say and the segments that the patterns pick.

    `what` names where the patterns come from. Raises `InvalidInput` with every problem of every
    file, and `UsageError` for a pattern that picks nothing.
    """
    declarations = session.declarations
    if declarations.has_errors:
        raise InvalidInput(declarations.diagnostics)
    picked, unused = select(declarations.declared, only)
    if unused:
        raise _unused(unused[0], what, (one.name for one in declarations.declared))
    return declarations, picked


def _unused(pattern: str, what: str, names: Iterable[str]) -> UsageError:
    return UsageError(
        f"{what} `{pattern}` matches no segment",
        hint=did_you_mean(pattern, names, "it is compared with names and files"),
    )


@dataclass(frozen=True, slots=True)
class Question:
    """All that a plan needs to know before it asks the account."""

    declarations: Declarations
    wishes: Wishes
    ignored: frozenset[str] = frozenset()


def prepare(session: Session, options: Options) -> Question:
    """Read the files and the history. Raises `InvalidInput` and `UsageError`."""
    declarations = session.declarations
    if declarations.has_errors:
        raise InvalidInput(declarations.diagnostics)
    ledger = ledger_of(session, declarations)
    wishes = Wishes(
        tombstones=declarations.tombstones,
        ledger=ledger,
        ownership=session.config.ownership,
        detect_renames=options.detect_renames,
        selected=_selected(declarations, ledger, options.only),
        strict_text=options.strict_text,
    )
    return Question(declarations, wishes, frozenset(options.ignore_references))


def look(
    session: Session, account: Account, question: Question, *, everything: bool = False
) -> tuple[Plan, Snapshot]:
    """Compare the files with the account; give the plan, unjudged, and what it was made from.

    `everything` reads the definition of each V2 segment, whether the plan needs it or not.
    """
    declared, wishes = question.declarations.declared, question.wishes
    with session.progress("reading the account") as tell:
        snapshot = take_snapshot(
            account.reader,
            lambda listed: (
                [one for one in listed if not one.is_v1]
                if everything
                else definitions_to_read(declared, listed, wishes)
            ),
            tell,
        )
    return make_plan(account.ref, declared, snapshot, wishes), snapshot


def work_out(session: Session, account: Account, question: Question) -> Plan:
    """Compare the files with the account, and judge what follows.

    The plan's diagnostics begin with what the files gave rise to. Raises `RemoteError`.
    """
    declarations = question.declarations
    plan, snapshot = look(session, account, question)
    references = None
    if destroyed(plan):
        with session.progress("reading what uses them") as tell:
            sends = read_single_sends(account.reader, tell)
        references = References(sends, question.ignored)
    plan = judge(plan, session.config.limits, len(snapshot.remotes), references)
    changed = {change.name for change in plan.changes if not isinstance(change, Delete)}
    found = check_before_sending(
        session, account, [one for one in declarations.declared if one.name in changed]
    )
    return dataclasses.replace(
        plan, diagnostics=(*declarations.diagnostics, *found, *plan.diagnostics)
    )


def _selected(
    declarations: Declarations, ledger: Ledger, only: Sequence[str]
) -> frozenset[str] | None:
    """Give the names that --only picks, of segments that are declared, removed, or were once."""
    if not only:
        return None
    known: list[Named] = [*declarations.declared, *declarations.tombstones, *ledger.removals]
    picked, unused = select(known, only)
    if unused:
        raise _unused(unused[0], "--only", (one.name for one in known))
    return frozenset(one.name for one in picked)


def ledger_of(session: Session, declarations: Declarations) -> Ledger:
    """Ask git which segments were declared once and are not any more.

    Outside of a repository there is no history, so nothing was ever removed and nobody needs to
    be told, but in CI: there the checkout should have had one.
    """
    root = session.root.resolve()
    if not any((folder / ".git").exists() for folder in (root, *root.parents)):
        in_ci = session.env.get("CI", "") not in ("", "false", "0")
        missed = in_ci and not session.target.is_sandbox
        return Ledger(unavailable="this is no git repository" if missed else "")
    names = {one.name for one in declarations.declared}
    return read_ledger(session.root, session.config.segments, names, env=session.env)


def is_broken(plan: Plan) -> bool:
    """Say whether the plan could not be worked out for some segment."""
    return any(found.severity is Severity.ERROR for found in plan.diagnostics)


def exit_code(plan: Plan, *, detailed: bool) -> int:
    """Give the exit code of a plan that was shown."""
    if is_broken(plan):
        return 1
    if plan.refusals:
        return REFUSED
    return CHANGES_PRESENT if detailed and plan.changes else 0
