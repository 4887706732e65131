"""The program around the commands: global options, commands by name, and every error's end.

Commands raise; here an error becomes a message on stderr and an exit code.
"""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from segctl import __version__
from segctl.cli.exit_codes import INTERRUPTED
from segctl.cli.help import Context, with_layout
from segctl.cli.invocation import Invocation
from segctl.cli.options import global_options
from segctl.errors import InvalidInput, SegctlError
from segctl.render.diagnostics import diagnostics_text, severity_summary
from segctl.render.terminal import clean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from segctl.app.console import Console
    from segctl.common.clock import Clock

COMMANDS = {
    "init": "Write the first files of a repository.",
    "validate": "Check the segment files and segctl.yaml, offline.",
    "fmt": "Format the segment files.",
    "lint": "Check the queries by the lint rules, or explain a rule.",
    "test": "Run the tests of the segment files, offline.",
    "policy": "Judge the policies: who may be in which segments.",
    "preview": "Count who is in an audience, in your own or in pulled contacts.",
    "explain": "Explain in plain English who is in an audience.",
    "render": "Show what is sent of segments, with values, conditions and ids in place.",
    "plan": "Show what apply would change, and change nothing.",
    "show": "Show a saved plan, or a segment as it is on the account.",
    "apply": "Make the account match the files.",
    "drift": "Show what changed on the account that no commit did.",
    "diff": "Show what differs between the accounts of two targets.",
    "import": "Write files for segments that the account already has.",
    "upgrade": "Write files for V2 segments that replace v1 segments.",
    "account": "Keep what the account has with the files.",
    "contacts": "Keep the account's contacts here, to count audiences in them.",
    "refresh": "Ask SendGrid to count segments' contacts now.",
    "history": "Show who created, changed, renamed or removed segments.",
    "owners": "Show who owns which segments, or keep CODEOWNERS.",
    "list": "List the account's segments.",
    "lists": "List the account's contact lists.",
    "ids": "Write the ids of segments for the programs that send to them.",
    "probe": "Test what segctl assumes about SendGrid, on a throw-away account.",
    "emulator": "Serve an emulated SendGrid on this machine.",
    "completion": "Print the script that completes commands, options and segment names.",
}
"""Each command and its line in `--help`; its module is segctl.cli.commands.NAME."""


class LazyGroup(click.Group):
    """Knows its commands by name, and imports one only when it is called."""

    context_class = Context

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, in the order in which people meet the commands."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        return with_layout(import_module(f"segctl.cli.commands.{cmd_name}").command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or fail with the name that was perhaps meant."""
        if args and args[0] not in COMMANDS:
            from segctl.common.suggest import closest_match  # noqa: PLC0415

            close = closest_match(args[0], COMMANDS)
            hint = f" (Did you mean '{close}'?)" if close else ""
            ctx.fail(f"no such command '{args[0]}'{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing any."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Without an account: segctl --target sandbox plan",
)
@click.option(
    "-C",
    "directory",
    metavar="DIR",
    help="The project's folder. Without it, the nearest folder with a segctl.yaml, from here to "
    "the top of the git repository.",
)
@global_options(hidden=False)
@click.version_option(__version__, message="segctl %(version)s")
@click.pass_obj
def program(invocation: Invocation, /, directory: str | None, **options: Any) -> None:
    """Terraform for e-mail audiences: SendGrid segments as files in git."""
    invocation.console.directory = directory
    invocation.set_options(**options)


def run(argv: Sequence[str], env: Mapping[str, str], clock: Clock | None) -> int:
    """Run the program; turn an error into a message and an exit code."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            # Closed by the shell (`>&-`): the output is discarded.
            setattr(sys, name, StringIO())
        elif hasattr(stream, "reconfigure"):
            # A terminal that cannot show a character must not stop an apply. This writes what the
            # stream still holds; a full disk is reported when the program writes.
            with suppress(OSError):
                stream.reconfigure(errors="backslashreplace")
    invocation = Invocation(env, clock)
    console = invocation.console
    code: Any = 0
    try:
        code = program.main(
            args=list(argv), prog_name="segctl", standalone_mode=False, obj=invocation
        )
    except SystemExit as error:
        # How click ends when the reader of the output has gone (`segctl list | head`).
        code = error.code
    except (click.ClickException, click.Abort, KeyboardInterrupt, SegctlError) as error:
        code = _report(error, console)
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EIO}:
            _report_bug(error, console)
        else:
            _say_error(console, f"cannot write the output: {error.strerror}", "")
            _discard_output()
        code = 1
    except Exception as error:  # noqa: BLE001 - Python's own report could show a contact, or a key
        _report_bug(error, console)
        code = 1
    return code if isinstance(code, int) else 0


def _discard_output() -> None:
    """Drop what stdout still holds: Python would fail to write it at exit, with code 120."""
    # A stream without a descriptor is not written at exit.
    with suppress(OSError), Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def _report(error: BaseException, console: Console) -> int:
    """Report on stderr what went wrong and what to do; return the exit code."""
    match error:
        case InvalidInput(diagnostics=diagnostics):
            style = console.error_style
            console.say(diagnostics_text(console.complete_hints(diagnostics), style), end="")
            console.say(style.bold(f"{severity_summary(diagnostics)}."))
            return error.exit_code
        case SegctlError(message=message, hint=hint):
            _say_error(console, message, hint)
            return error.exit_code
        case click.exceptions.NoArgsIsHelpError():
            console.say(error.format_message())
        case click.UsageError(ctx=click.Context(command_path=path)):
            _say_error(console, _in_house_style(error), f"run `{path} --help`")
        case click.ClickException():
            _say_error(console, _in_house_style(error), "")
        case _:
            console.say("Interrupted.")
            return INTERRUPTED
    return 1


def _in_house_style(error: click.ClickException) -> str:
    """Return click's message on one line, in lower case at its start and without a full stop.

    Click writes sentences, and lists the choices of a missing argument on lines of their own.
    """
    message = " ".join(error.format_message().split()).removesuffix(".")
    return f"{message[:1].lower()}{message[1:]}"


def _report_bug(error: Exception, console: Console) -> None:
    """Report a bug in segctl: where it is, but not the message of the exception.

    That may hold any value, while the lines of the code hold none.
    """
    import traceback  # noqa: PLC0415 - 10 ms, and never if all is well

    console.say("".join(traceback.format_tb(error.__traceback__)), end="")
    _say_error(
        console,
        f"internal error: {type(error).__name__}. This is a bug in segctl",
        "report it with the lines above, which contain no data; run `segctl plan` to see the "
        "state of the account",
    )


def _say_error(console: Console, message: str, hint: str) -> None:
    style = console.error_style
    console.say(f"{style.red('error:')} {clean(message)}")
    if hint:
        console.say(f"  {style.dim('hint:')} {clean(console.complete(hint))}")
