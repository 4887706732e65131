"""`segctl completion`: the script that makes a shell complete commands, options and names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from segctl.cli.options import with_project
from segctl.cli.shell_completion import SHELLS, VARIABLE

if TYPE_CHECKING:
    from segctl.app.console import Console
    from segctl.app.project import Project

# Click's own script for bash removes backslashes and lets the shell expand the candidates, but a
# segment's name may hold spaces, stars and quotes.
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
@with_project
def command(project: Project, console: Console, *, shell: str) -> int:
    """Print the script that completes commands, options and segment names.

    Segment names come from the files of the project, without a key and without network.

    \b
    Examples:
      segctl completion bash > ~/.local/share/bash-completion/completions/segctl
      segctl completion zsh > "${fpath[1]}/_segctl"
      segctl completion fish > ~/.config/fish/completions/segctl.fish
    """
    from click.shell_completion import get_completion_class  # noqa: PLC0415 - only here

    del project
    if shell == "bash":
        console.show(BASH, as_is=True)
        return 0
    completion = get_completion_class(shell)
    assert completion is not None, shell  # noqa: S101 - the choice is click's own
    console.show(completion(click.Command("segctl"), {}, "segctl", VARIABLE).source(), as_is=True)
    return 0
