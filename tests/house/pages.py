"""The parts of the documentation that are made from the code, and the blocks that are tried.

`python -m pytest tests/house/test_docs.py --docs-write` writes the parts anew.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import click
import yaml

from segctl.cli.program import COMMANDS, program
from segctl.declarations.linter import rules_markdown
from segctl.emulator.faults import Kind
from tests.support.process import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WIDTH = 100
PART = re.compile(
    r"^<!-- (?P<what>[a-z]+(?:: \w+)?) -->\n(?P<text>.*?)^<!-- end -->$", re.MULTILINE | re.DOTALL
)
BLOCK = re.compile(r"^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
IN_CI = ("demo", "tests")
"""Parts of the README that .ci/run performs as they are."""


COMMANDS_HEAD = """\
# Commands

Made from `segctl --help` and `segctl COMMAND --help`. The options of the first are accepted behind
any command as well, but for `-C`.
"""


def documents() -> list[Path]:
    """Give every page that people read."""
    return [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]


def blocks(page: Path, *kinds: str) -> list[str]:
    """Give the blocks of a page that a test tries.

    Those that .ci/run performs are left out, and made pages: the rules' examples are wrong on
    purpose, and have tests of their own.
    """
    if page.relative_to(REPOSITORY).as_posix() in PAGES:
        return []
    text = page.read_text("utf-8")
    for part in PART.finditer(text):
        if part["what"] in IN_CI:
            text = text.replace(part[0], "")
    return [block["text"] for block in BLOCK.finditer(text) if block["kind"] in kinds]


def commands_markdown() -> str:
    """Write the page of the commands: what `--help` says, for each."""
    parts = [
        COMMANDS_HEAD,
        _help("segctl", program, None),
    ]
    for name in COMMANDS:
        command = program.get_command(click.Context(program), name)
        assert command is not None
        parts.append(f"## {name}\n")
        parts.append(_help(name, command, "segctl"))
        for inner, part in sorted(getattr(command, "commands", {}).items()):
            parts.append(f"### {name} {inner}\n")
            parts.append(_help(inner, part, f"segctl {name}"))
    return "\n".join(parts)


def _help(name: str, command: click.Command, above: str | None) -> str:
    parent = click.Context(program, info_name=above) if above else None
    context = click.Context(
        command,
        info_name=name,
        parent=parent,
        terminal_width=WIDTH,
        max_content_width=WIDTH,
        help_option_names=program.context_settings["help_option_names"],
    )
    return f"```text\n{command.get_help(context).rstrip()}\n```\n"


def examples() -> Iterator[str]:
    """Give the command lines that stand in the help of the commands."""
    for found in re.finditer(r"^ +(?:\w+=\S+ )*(segctl .*)$", commands_markdown(), re.MULTILINE):
        yield re.split(r" [|>] ", found[1])[0].strip()


def keys_markdown(schema: str) -> str:
    """Write the keys of a schema as a table."""
    data = json.loads((REPOSITORY / f"schemas/{schema}.schema.json").read_text("utf-8"))
    rows = ["| key | what it is | default |", "|---|---|---|"]
    for key, one in _keys(data, data, ""):
        default = f"`{json.dumps(one['default'])}`" if "default" in one else ""
        values = ", ".join(f"`{json.dumps(value)}`" for value in one.get("enum", ()))
        said = _resolved(one, data).get("description", "") or one.get("description", "")
        said += f" One of {values}." if values else ""
        rows.append(f"| `{key}` | {said.replace('|', chr(92) + '|')} | {default} |")
    return "\n".join(rows) + "\n"


def _resolved(one: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in one:
        return {**data["$defs"][one["$ref"].rpartition("/")[2]], **one}
    return one


def _keys(
    one: dict[str, Any], data: dict[str, Any], above: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    for key, value in one.get("properties", {}).items():
        inner = _resolved(value, data)
        yield above + key, inner
        if isinstance(inner.get("additionalProperties"), dict):
            yield from _keys(inner["additionalProperties"], data, f"{above}{key}.NAME.")
        elif inner.get("type") == "array":
            yield from _keys(_resolved(inner.get("items", {}), data), data, f"{above}{key}[].")
        else:
            yield from _keys(inner, data, f"{above}{key}.")


def faults_markdown() -> str:
    """Write the kinds of fault."""
    return ", ".join(f"`{kind.value}`" for kind in Kind) + ".\n"


def action_markdown() -> str:
    """Write the inputs and outputs of the action."""
    path = REPOSITORY / ".github/actions/segctl/action.yml"
    action = yaml.safe_load(path.read_text("utf-8"))
    rows = ["| input | what it is | default |", "|---|---|---|"]
    for name, one in action["inputs"].items():
        default = f"`{one['default']}`" if one["default"] else ""
        rows.append(f"| `{name}` | {one['description'].strip()} | {default} |")
    rows += ["", "| output | what it is |", "|---|---|"]
    rows += [
        f"| `{name}` | {one['description'].strip()} |" for name, one in action["outputs"].items()
    ]
    return "\n".join(rows) + "\n"


PAGES = {"docs/lint-rules.md": rules_markdown, "docs/commands.md": commands_markdown}


def part_text(what: str) -> str | None:
    """Make a part of a page; `None` where it is somebody else's."""
    if what.startswith("keys: "):
        return keys_markdown(what.removeprefix("keys: "))
    return {"faults": faults_markdown, "action": action_markdown}.get(what, lambda: None)()


def fresh(page: Path) -> str:
    """Give what a page should say: its own words, and every made part made anew."""
    name = page.relative_to(REPOSITORY).as_posix()
    if name in PAGES:
        return PAGES[name]()

    def made(part: re.Match[str]) -> str:
        text = part_text(part["what"])
        if text is None:
            return part[0]
        return f"<!-- {part['what']} -->\n\n{text}\n<!-- end -->"

    return PART.sub(made, page.read_text("utf-8"))
