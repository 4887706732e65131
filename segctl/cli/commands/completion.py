"""`segctl completion`: the script that teaches a shell to complete segctl's words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from segctl.cli.options import with_session
from segctl.cli.shell_completion import SHELLS, VARIABLE

if TYPE_CHECKING:
    from segctl.app.session import Session

# The library's own script for bash takes backslashes out and lets the shell expand what it offers:
# a segment's name may hold spaces, stars and quotes.
BASH = f"""\
_segctl_completion() {{
    local IFS=$'\\n' kind value
    COMPREPLY=()
    while IFS=, read -r kind value; do
        case $kind in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("$value") ;;
        esac
    done < <(COMP_WORDS="${{COMP_WORDS[*]}}" COMP_CWORD=$COMP_CWORD {VARIABLE}=bash_complete "$1")
}}

complete -F _segctl_completion segctl
"""


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
@with_session
def command(session: Session, *, shell: str) -> int:
    """Print the script that completes commands, options and segment names.

    Segment names come from the files of the project, without a key and without network.

    \b
    Examples:
      segctl completion bash > ~/.local/share/bash-completion/completions/segctl
      segctl completion zsh > "${fpath[1]}/_segctl"
      segctl completion fish > ~/.config/fish/completions/segctl.fish
    """
    from click.shell_completion import get_completion_class  # noqa: PLC0415 - only here

    if shell == "bash":
        session.show(BASH)
        return 0
    kind = get_completion_class(shell)
    assert kind is not None, shell  # noqa: S101 - the choice is the library's own
    session.show(kind(click.Command("segctl"), {}, "segctl", VARIABLE).source())
    return 0
