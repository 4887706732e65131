"""The commands of segctl in messages, completed with the global options of the run.

A hint names a command in backticks: `segctl plan`. The room that writes it does not know how
segctl was called; here the command gets the folder and the target. Does not choose them.
"""

from __future__ import annotations

import re
from shlex import quote

_COMMAND = re.compile(r"`segctl (?P<target>--target \S+ )?(?P<rest>[a-z][^`]*)`")


def command_line(arguments: str, directory: str | None, target: str) -> str:
    """Return a command of segctl with its global options, quoted for a shell.

    `directory` is that of -C, `None` without it. `target` is empty for the default one.
    """
    folder = "" if directory is None else f"-C {quote(directory)} "
    account = f"--target {quote(target)} " if target else ""
    return f"segctl {folder}{account}{arguments}"


def complete_commands(text: str, directory: str | None, target: str) -> str:
    """Return a text whose commands in backticks have the global options.

    A command that names a target keeps it. Help needs no options.
    """

    def complete(match: re.Match[str]) -> str:
        if match["rest"].endswith("--help"):
            return match[0]
        own = match["target"] or ""
        return f"`{command_line(own + match['rest'], directory, '' if own else target)}`"

    return _COMMAND.sub(complete, text)
