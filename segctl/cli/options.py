"""Options that several commands take, as decorators; reads none of what they name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from segctl.cli.output import FORMATS
from segctl.cli.shell_completion import segment_names, targets

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeVar

    from segctl.app.session import Session

    F = TypeVar("F", bound=Callable[..., Any])


def session_options(*, hidden: bool = True) -> Callable[[F], F]:
    """Add the global options to a command.

    They stand before the command (`segctl --target eu plan`); since everybody writes them after it
    too, each command takes them there as well, without listing them again.
    """
    options = [
        click.option(
            "--target",
            metavar="NAME",
            hidden=hidden,
            shell_complete=targets,
            help="The account to work on: a target of segctl.yaml, or `sandbox`.",
        ),
        click.option(
            "--color",
            type=click.Choice(["auto", "always", "never"]),
            hidden=hidden,
            help="When to use colours; `auto` is on a terminal without NO_COLOR.",
        ),
        click.option(
            "--no-cache",
            is_flag=True,
            hidden=hidden,
            help="Read every definition from the account, and remember none.",
        ),
        click.option("-q", "--quiet", count=True, hidden=hidden, help="Say less."),
        click.option("-v", "--verbose", count=True, hidden=hidden, help="Say more."),
    ]

    def add(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return add


def with_session(function: Callable[..., Any]) -> Callable[..., Any]:
    """Hand a command its `Session`, with the global options that stood behind it taken in."""

    @session_options()
    @click.pass_context
    def command(
        ctx: click.Context,
        /,
        *,
        target: str | None,
        color: str | None,
        no_cache: bool,
        quiet: int,
        verbose: int,
        **options: Any,
    ) -> Any:
        session: Session = ctx.obj
        session.update(target=target, color=color, no_cache=no_cache, quiet=quiet, verbose=verbose)
        return function(session, **options)

    command.__doc__ = function.__doc__
    return command


def plan_options(function: F) -> F:
    """Add every option of `Options`."""
    for add in reversed((only_option, strict_text_option, _renames_option, _references_option)):
        function = add(function)
    return function


def _renames_option(function: F) -> F:
    return click.option(
        "--detect-renames/--no-detect-renames",
        default=True,
        help="Whether git may tell a rename: a name that changed in its file, or a removed file "
        "and a new one with an equal query.",
    )(function)


def _references_option(function: F) -> F:
    return click.option(
        "--ignore-references",
        metavar="NAME",
        shell_complete=segment_names,
        multiple=True,
        help="Delete, replace or upgrade this segment though Single Sends use it; may be repeated.",
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


def format_option(what: str) -> Callable[[F], F]:
    """Add `--format`; `what` is that which it is the format of."""
    return click.option(
        "--format",
        "output",
        type=click.Choice(FORMATS),
        default="text",
        help=f"How to write {what}: markdown for a comment, github for annotations of a workflow "
        "run, sarif for code scanning, html for a browser.",
    )


def check_usage(names: Sequence[str], *, everything: bool) -> None:
    """Raise `UsageError` unless it is clear which segments are asked for."""
    if everything and names:
        raise click.UsageError("--all and NAME do not go together.")
    if not everything and not names:
        raise click.UsageError("Missing which segments: give their names or ids, or --all.")
