"""The program around the commands: the global options, the lazy group, the one place that catches.

Commands raise; here an error becomes words on stderr and an exit code.
"""

from __future__ import annotations

import errno
import sys
from importlib import import_module
from io import StringIO
from typing import TYPE_CHECKING, Any

import click

from segctl import __version__
from segctl.app.session import Session
from segctl.cli.exit_codes import INTERRUPTED
from segctl.cli.options import session_options
from segctl.errors import InvalidInput, SegctlError
from segctl.render.diagnostics import diagnostics_text, severity_summary
from segctl.render.terminal import clean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from segctl.common.clock import Clock

COMMANDS = {
    "init": "Write the first files of a repository.",
    "validate": "Check the segment files and segctl.yaml, offline.",
    "fmt": "Write the segment files in one layout.",
    "lint": "Check the queries by the lint rules, or explain a rule.",
    "test": "Try the tests of the segment files, offline.",
    "preview": "Count who is in an audience, in a file of your contacts or those pulled.",
    "explain": "Say in plain English who is in an audience.",
    "plan": "Show what apply would change, and change nothing.",
    "show": "Show a plan that was saved with `segctl plan --out`.",
    "apply": "Make the account match the files.",
    "drift": "Show what changed on the account that no commit did.",
    "import": "Write a file for segments that the account has already.",
    "upgrade": "Write files by which V2 segments take the place of v1 ones.",
    "fields": "Keep the account's fields with the files.",
    "contacts": "Keep the account's contacts here, to count audiences in them.",
    "refresh": "Ask SendGrid to count segments' contacts now.",
    "history": "Show who created, changed, renamed or removed segments.",
    "list": "List the account's segments.",
    "emulator": "Serve an emulated SendGrid on this machine.",
    "completion": "Print the script that completes commands, options and segment names.",
}
"""Each command and its line in `--help`; its module is segctl.cli.commands.NAME."""


class LazyGroup(click.Group):
    """Knows its commands by name and imports one only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Give the names, in the order in which people meet them."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"segctl.cli.commands.{cmd_name}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that was asked for, or say which one was perhaps meant."""
        if args and args[0] not in COMMANDS:
            from segctl.common.suggest import closest_match  # noqa: PLC0415

            meant = closest_match(args[0], COMMANDS)
            hint = f" Did you mean '{meant}'?" if meant else ""
            ctx.fail(f"No such command '{args[0]}'.{hint}")
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
    default=".",
    help="The project's folder: the one of segctl.yaml and segments/.",
)
@session_options(hidden=False)
@click.version_option(__version__, message="segctl %(version)s")
@click.pass_context
def program(ctx: click.Context, /, directory: str, **options: Any) -> None:
    """Terraform for e-mail audiences: SendGrid segments as files in git."""
    session: Session = ctx.obj
    session.enter(directory)
    session.update(**options)


def run(argv: Sequence[str], env: Mapping[str, str], clock: Clock | None) -> int:
    """Run the program and turn whatever it raises into words and an exit code."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            # Closed by the shell (`>&-`): what is said is said to nobody.
            setattr(sys, name, StringIO())
        elif hasattr(stream, "reconfigure"):
            # A terminal that cannot show a character must not stop an apply.
            stream.reconfigure(errors="backslashreplace")
    session = Session(env, clock)
    code: Any = 0
    try:
        code = program.main(args=list(argv), prog_name="segctl", standalone_mode=False, obj=session)
    except SystemExit as error:
        # How click ends when whoever read our output has gone (`segctl list | head`).
        code = error.code
    except (click.ClickException, click.Abort, KeyboardInterrupt, SegctlError) as error:
        code = _explain(error, session)
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EIO}:
            _report_bug(error, session)
        else:
            _say(session, f"cannot write the output: {error.strerror}", "")
        code = 1
    except Exception as error:  # noqa: BLE001 - Python's own report could show a contact, or a key
        _report_bug(error, session)
        code = 1
    return code if isinstance(code, int) else 0


def _explain(error: BaseException, session: Session) -> int:
    """Say on stderr what went wrong and what to do; give the exit code."""
    match error:
        case InvalidInput(diagnostics=diagnostics):
            style = session.error_style
            session.say(diagnostics_text(diagnostics, style), end="")
            session.say(style.bold(f"{severity_summary(diagnostics)}."))
            return error.exit_code
        case SegctlError(message=message, hint=hint):
            _say(session, message, hint)
            return error.exit_code
        case click.exceptions.NoArgsIsHelpError():
            session.say(error.format_message())
        case click.UsageError(ctx=click.Context(command_path=path)):
            _say(session, error.format_message(), f"{path} --help")
        case click.ClickException():
            _say(session, error.format_message(), "")
        case _:
            session.say("Interrupted.")
            return INTERRUPTED
    return 1


def _report_bug(error: Exception, session: Session) -> None:
    """Report a fault of segctl's own: where it is, and not what it was about.

    The message of an exception can hold any value that was at hand. The lines of the code hold
    none.
    """
    import traceback  # noqa: PLC0415 - 10 ms, and never if all is well

    session.say("".join(traceback.format_tb(error.__traceback__)), end="")
    _say(
        session,
        f"segctl itself has a fault: {type(error).__name__}",
        "report it with the lines above, which hold no data; `segctl plan` shows how things stand",
    )


def _say(session: Session, message: str, hint: str) -> None:
    style = session.error_style
    session.say(f"{style.red('error:')} {clean(message)}")
    if hint:
        session.say(f"  {style.dim('hint:')} {clean(hint)}")
