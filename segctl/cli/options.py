"""Options that several commands take, as decorators. Acts on none of them."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from segctl.cli.output import FORMATS
from segctl.cli.shell_completion import complete_segment_names, complete_targets

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeVar

    from segctl.app.project import Project
    from segctl.cli.invocation import Invocation
    from segctl.model.fleet import TargetGroup

    F = TypeVar("F", bound=Callable[..., Any])


def _only_target(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> str | None:
    """Return the target, `None` without the option. Raises `click.UsageError` for two of them."""
    del param
    # It may also stand before the command.
    root = ctx.find_root()
    outer = None if ctx is root else root.params.get("target")
    names = dict.fromkeys((*(() if outer is None else (outer,)), *value))
    if len(names) > 1:
        raise click.UsageError("--target is given twice: a command works on one account")
    return next(iter(names), None)


def global_options(*, hidden: bool = True) -> Callable[[F], F]:
    """Add the global options to a command.

    Their place is before the command (`segctl --target eu plan`), but everybody also writes them
    after it: each command takes them there, without listing them again.
    """
    options = [
        click.option(
            "--target",
            metavar="NAME",
            multiple=True,
            callback=_only_target,
            hidden=hidden,
            shell_complete=complete_targets,
            help="The account to work on: a target of segctl.yaml, or `sandbox`. Some commands "
            "take a group of targets as well.",
        ),
        click.option(
            "--color",
            type=click.Choice(["auto", "always", "never"]),
            hidden=hidden,
            help="When to use colours; `auto`: on a terminal, unless NO_COLOR is set.",
        ),
        click.option(
            "--no-cache",
            is_flag=True,
            hidden=hidden,
            help="Read every definition from the account, and keep none on this machine.",
        ),
        click.option("-q", "--quiet", count=True, hidden=hidden, help="Show less."),
        click.option("-v", "--verbose", count=True, hidden=hidden, help="Show more."),
    ]

    def add(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return add


def with_project(function: Callable[..., Any]) -> Callable[..., Any]:
    """Call a command with the project and the console that the global options describe.

    Without -C, the project may be that of a folder above.
    """
    return _with_project(function, lambda invocation: invocation.project)


def with_project_here(function: Callable[..., Any]) -> Callable[..., Any]:
    """Call a command as `with_project` does, with the project of the current folder or of -C."""
    return _with_project(function, lambda invocation: invocation.project_here())


def _with_project(
    function: Callable[..., Any], project_of: Callable[[Invocation], Project]
) -> Callable[..., Any]:

    @global_options()
    @click.pass_obj
    @wraps(function)
    def command(
        invocation: Invocation,
        /,
        *,
        target: str | None,
        color: str | None,
        no_cache: bool,
        quiet: int,
        verbose: int,
        **options: Any,
    ) -> Any:
        invocation.set_options(
            target=target, color=color, no_cache=no_cache, quiet=quiet, verbose=verbose
        )
        return function(project_of(invocation), invocation.console, **options)

    return command


def plan_options(function: F) -> F:
    """Add every option of `PlanOptions`."""
    for add in reversed((_only_option, _strict_text_option, _renames_option, _references_option)):
        function = add(function)
    return function


def _only_option(function: F) -> F:
    return click.option(
        "--only",
        metavar="GLOB",
        shell_complete=complete_segment_names,
        multiple=True,
        help="Only segments whose name, file or folder (with a slash) matches, or whose tag or "
        "owner does (tag:GLOB, owner:GLOB); may be repeated.",
    )(function)


def _strict_text_option(function: F) -> F:
    return click.option(
        "--strict-text",
        is_flag=True,
        help="Treat a query that is only written differently as a change.",
    )(function)


def _renames_option(function: F) -> F:
    return click.option(
        "--detect-renames/--no-detect-renames",
        default=True,
        help="Whether to detect renames from git: a name that changed in its file, or a removed "
        "file and a new one with an equal query.",
    )(function)


def _references_option(function: F) -> F:
    return click.option(
        "--ignore-references",
        metavar="NAME",
        shell_complete=complete_segment_names,
        multiple=True,
        help="Delete, replace or upgrade this segment even if Single Sends use it; may be "
        "repeated.",
    )(function)


def format_option(what: str) -> Callable[[F], F]:
    """Add `--format`, the format of `what`."""
    return click.option(
        "--format",
        "format_name",
        type=click.Choice(FORMATS),
        default="text",
        help=f"The format of {what}: markdown for a comment, github for annotations of a workflow "
        "run, sarif for code scanning, html for a browser.",
    )


def all_targets_option(function: F) -> F:
    """Add `--all-targets`."""
    return click.option(
        "--all-targets",
        is_flag=True,
        help="Work on every target of segctl.yaml, as --target does with a group.",
    )(function)


def chosen_group(project: Project, *, all_targets: bool) -> TargetGroup | None:
    """Return the group that a run is for, with its targets; `None` if it is for one target.

    Raises `InvalidInput` and `UsageError`.
    """
    if not (all_targets or project.config.groups):
        return None
    from segctl.project.groups import find_group  # noqa: PLC0415 - only where there are groups

    return find_group(project.config, project.requested_target, project.env, every=all_targets)


def check_names(names: Sequence[str], *, everything: bool) -> None:
    """Raise `click.UsageError` unless either names or --all say which segments are meant."""
    if everything and names:
        raise click.UsageError("--all cannot be combined with NAME")
    if not everything and not names:
        raise click.UsageError("missing argument: add names or ids of segments, or --all")
