"""The generated parts of the documentation, and the blocks of it that tests run.

`python -m pytest tests/house/test_docs.py --docs-write` rewrites the generated parts.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import click
import yaml

from segctl.cli.program import COMMANDS, program
from segctl.declarations.lint_settings import rules_markdown
from segctl.emulator import FLIPPED
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
"""Parts of the README that .ci/run runs unchanged."""


COMMANDS_HEAD = """\
# Commands

Made from `segctl --help` and `segctl COMMAND --help`. The options of the first are accepted behind
any command as well, but for `-C`.
"""


def documents() -> list[Path]:
    """Return every page of the documentation."""
    return [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]


def blocks(page: Path, *kinds: str) -> list[str]:
    """Return the blocks of a page that a test runs, of these kinds.

    Leaves out the blocks that .ci/run runs, and generated pages: the rules' examples are wrong on
    purpose and have tests of their own.
    """
    if page.relative_to(REPOSITORY).as_posix() in PAGES:
        return []
    text = page.read_text("utf-8")
    for part in PART.finditer(text):
        if part["what"] in IN_CI:
            text = text.replace(part[0], "")
    return [block["text"] for block in BLOCK.finditer(text) if block["kind"] in kinds]


def commands_markdown() -> str:
    """Return the page of the commands: the `--help` of each."""
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
    context = command.context_class(
        command,
        info_name=name,
        parent=parent,
        terminal_width=WIDTH,
        max_content_width=WIDTH,
        help_option_names=program.context_settings["help_option_names"],
    )
    return f"```text\n{command.get_help(context).rstrip()}\n```\n"


def examples() -> Iterator[str]:
    """Yield the command lines in the help of the commands."""
    for match in re.finditer(r"^ +(?:\w+=\S+ )*(segctl .*)$", commands_markdown(), re.MULTILINE):
        yield re.split(r" [|>] ", match[1])[0].strip()


def keys_markdown(schema: str) -> str:
    """Return the keys of a schema as a table."""
    data = json.loads((REPOSITORY / f"schemas/{schema}.schema.json").read_text("utf-8"))
    rows = ["| key | what it is | default |", "|---|---|---|"]
    for key, subschema in _keys(data, data, ""):
        default = f"`{json.dumps(subschema['default'])}`" if "default" in subschema else ""
        values = ", ".join(f"`{json.dumps(value)}`" for value in subschema.get("enum", ()))
        description = subschema.get("description", "")
        description += f" One of {values}." if values else ""
        rows.append(f"| `{key}` | {description.replace('|', chr(92) + '|')} | {default} |")
    return "\n".join(rows) + "\n"


def _resolved(schema: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        return {**data["$defs"][schema["$ref"].rpartition("/")[2]], **schema}
    return schema


def _keys(
    schema: dict[str, Any], data: dict[str, Any], above: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    for key, value in schema.get("properties", {}).items():
        inner = _resolved(value, data)
        yield above + key, inner
        if isinstance(inner.get("additionalProperties"), dict):
            yield from _keys(inner["additionalProperties"], data, f"{above}{key}.NAME.")
        elif inner.get("type") == "array":
            yield from _keys(_resolved(inner.get("items", {}), data), data, f"{above}{key}[].")
        else:
            yield from _keys(inner, data, f"{above}{key}.")


def faults_markdown() -> str:
    """Return the kinds of faults as a sentence."""
    return ", ".join(f"`{kind.value}`" for kind in Kind) + ".\n"


def flips_markdown() -> str:
    """Return the assumptions of the emulator that can be flipped as a table."""
    rows = ["| `--flip` | SendGrid then… |", "|---|---|"]
    rows += [f"| `{name}` | {text} |" for name, text in FLIPPED.items()]
    return "\n".join(rows) + "\n"


def action_markdown() -> str:
    """Return the inputs and outputs of the action as two tables."""
    path = REPOSITORY / ".github/actions/segctl/action.yml"
    action = yaml.safe_load(path.read_text("utf-8"))
    rows = ["| input | what it is | default |", "|---|---|---|"]
    for name, declaration in action["inputs"].items():
        default = f"`{declaration['default']}`" if declaration["default"] else ""
        rows.append(f"| `{name}` | {declaration['description'].strip()} | {default} |")
    rows += ["", "| output | what it is |", "|---|---|"]
    rows += [
        f"| `{name}` | {declaration['description'].strip()} |"
        for name, declaration in action["outputs"].items()
    ]
    return "\n".join(rows) + "\n"


PAGES = {"docs/lint-rules.md": rules_markdown, "docs/commands.md": commands_markdown}


def part_text(name: str) -> str | None:
    """Return the text of a generated part, or None if another tool writes it."""
    if name.startswith("keys: "):
        return keys_markdown(name.removeprefix("keys: "))
    parts = {"faults": faults_markdown, "flips": flips_markdown, "action": action_markdown}
    return parts.get(name, lambda: None)()


def current_text(page: Path) -> str:
    """Return a page with its generated parts up to date."""
    name = page.relative_to(REPOSITORY).as_posix()
    if name in PAGES:
        return PAGES[name]()

    def replacement(part: re.Match[str]) -> str:
        text = part_text(part["what"])
        if text is None:
            return part[0]
        return f"<!-- {part['what']} -->\n\n{text}\n<!-- end -->"

    return PART.sub(replacement, page.read_text("utf-8"))
