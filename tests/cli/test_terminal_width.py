"""What a terminal shows: whole words at 80 and at 60 columns, and nothing less than a pipe gets."""

from __future__ import annotations

import io
import re
import sys
from typing import TYPE_CHECKING

import click
import pytest

from segctl.cli.main import main
from segctl.cli.program import COMMANDS, program
from segctl.render.terminal import cells
from tests.support.builders import query

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.account import Remote
    from tests.support.project import Project

WIDTHS = (80, 60)
LONG = "Customers of the shop in Prague who bought twice in the last ninety days, or nearly"
FOLDER = "segments/" + "/".join(["customers-of-the-shop"] * 5)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


def on_terminal(
    project: Project, monkeypatch: pytest.MonkeyPatch, width: int, argv: Sequence[str]
) -> str:
    """Return what a terminal of this width shows of a run."""
    shown = Terminal()
    with monkeypatch.context() as patch:
        patch.setenv("COLUMNS", str(width))
        patch.setattr(sys, "stdout", shown)
        patch.setattr(sys, "stderr", shown)
        main(["-C", str(project.root), *argv], {**project.env, "NO_COLOR": "1"}, project.clock)
    return shown.getvalue()


def check_fits(text: str, width: int) -> None:
    for line in text.splitlines():
        # A word and a command that is copied as a whole are not broken, however long.
        is_whole = len(re.sub(r"`segctl [^`]*`", "command", line).split()) == 1
        assert cells(line) <= width or is_whole, line


def words(text: str) -> set[str]:
    """Return the words of a text, but for those where click cuts a summary off."""
    return {word for word in text.split() if not word.endswith("...")}


@pytest.fixture
def shop(connected: Project, remote: Remote) -> Project:
    """A project with a change of each kind, and with long names, paths and queries."""
    console = remote.emulator.console
    condition = " AND ".join(f"city != 'Plzeň {number}'" for number in range(9))
    edited = console.create(f"{LONG} edited", query(condition))
    console.create(f"{LONG} moved", query(condition), parent_list_ids=[console.add_list(LONG)])
    console.create(f"{LONG} by hand", query(condition))
    console.create("x" * 90, query(condition))
    console.add_single_send(f"{LONG} (the send)", segment_ids=[edited], status="scheduled")
    extra = f'description: "{LONG * 3}"\nowner: {"crm@" + "example." * 12 + "com"}\n'
    files = {
        f"{FOLDER}/edited.yaml": ("edited", query(condition.replace("8", "80"))),
        f"{FOLDER}/moved.yaml": ("moved", query(condition)),
        f"{FOLDER}/new.yaml": ("new", query(f"{condition} AND shoe_sise = 44")),
    }
    for file, (word, text) in files.items():
        connected.write({file: f'name: "{LONG} {word}"\n{extra}query_dsl: "{text}"\n'})
    connected.write({f"{FOLDER}/gone.yaml": f'name: "{"x" * 90}"\nremoved: true\n'})
    return connected


RUNS = (
    ("plan",),
    ("plan", "-v"),
    ("validate",),
    ("lint",),
    ("drift",),
    ("explain",),
    ("fmt", "--check"),
    ("history",),
    ("owners",),
    ("apply", "--auto-approve"),
    ("plan", "--only", "Custmers*"),
)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("argv", RUNS, ids=" ".join)
def test_no_word_is_broken_and_none_is_lost(
    shop: Project, monkeypatch: pytest.MonkeyPatch, width: int, argv: tuple[str, ...]
) -> None:
    shown = on_terminal(shop, monkeypatch, width, argv)
    check_fits(shown, width)
    if argv[0] in {"plan", "drift", "explain"}:
        piped = shop.run(*argv)
        assert set(f"{piped.out} {piped.err}".split()) - {"|"} <= {
            *shown.split(),
            *excerpts(piped.out),
        }


def excerpts(text: str) -> set[str]:
    """Return the words of the source lines, which a terminal shows in part."""
    return {word for line in text.splitlines() if " | " in line for word in line.split()}


@pytest.mark.parametrize("name", ["json", "markdown", "html", "sarif", "github"])
def test_formats_for_programs_are_the_same_on_a_terminal(
    shop: Project, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    argv = ("validate", "--format", name)
    piped = shop.run(*argv).out
    shown = on_terminal(shop, monkeypatch, 60, argv)
    # Only a terminal is told the folder of this run.
    assert piped in shown.replace(f" -C {shop.root}", "")


def helps() -> list[list[str]]:
    """Return the command lines of every help."""
    lines = [["--help"]]
    for name in COMMANDS:
        command = program.get_command(click.Context(program), name)
        lines.append([name, "--help"])
        lines += [[name, inner, "--help"] for inner in getattr(command, "commands", {})]
    return lines


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("argv", helps(), ids=" ".join)
def test_help_breaks_no_word(
    project: Project, monkeypatch: pytest.MonkeyPatch, width: int, argv: list[str]
) -> None:
    shown = on_terminal(project, monkeypatch, width, argv)
    # An example is one line, so that it can be copied; all of them fit into 80 columns.
    is_example = re.compile(r" +(\w+=\S+ )*segctl ").match if width < 80 else lambda _line: None
    check_fits("\n".join(line for line in shown.splitlines() if not is_example(line)), width)
    assert words(shown) <= words(on_terminal(project, monkeypatch, 200, argv))
