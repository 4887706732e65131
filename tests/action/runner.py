"""A fake runner, which runs the shell steps in `action.yml` as GitHub's runner does.

Does not run steps that use another action (Python, the cache). Instead of the installation, it
makes the virtual environment that `install.sh` would make, from the modules of this process.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tests.support.process import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Mapping

ACTION = REPOSITORY / ".github/actions/segctl"
SKIPPED_STEPS = ("Install segctl",)


@dataclass
class Run:
    """The result of a run of the action."""

    code: int
    log: str
    summary: str
    outputs: dict[str, str]
    files: dict[str, str]
    """What the steps wrote for later ones, by the name of the variable with the file."""


def evaluate(text: str, context: Mapping[str, Any]) -> str:
    """Return a text with the values of its `${{ … }}`, in the forms that the action uses."""
    return re.sub(r"\$\{\{ ?([\w.-]+) ?\}\}", lambda match: lookup(match[1], context), text)


def lookup(path: str, context: Mapping[str, Any]) -> str:
    """Return the value at a dotted path, or an empty text as on GitHub."""
    value: Any = context
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return "" if value is None else str(value)


def holds(condition: str, context: Mapping[str, Any]) -> bool:
    """Return whether an `if:` of the action is true: comparisons joined by `&&`."""
    for term in condition.split("&&"):
        word = term.strip()
        if word == "always()":
            continue
        comparison = re.fullmatch(r"([\w.-]+) (==|!=) '([^']*)'", word)
        assert comparison, f"this runner cannot read {condition!r}"
        if (lookup(comparison[1], context) == comparison[3]) != (comparison[2] == "=="):
            return False
    return True


def read_outputs(path: Path) -> dict[str, str]:
    """Return the outputs that a step wrote to GITHUB_OUTPUT."""
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return dict(line.split("=", 1) for line in lines)


def make_venv(folder: Path) -> None:
    """Make a virtual environment that imports the segctl of this checkout."""
    if folder.exists():
        return
    venv.create(folder, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    more = [path for path in map(Path, sys.path) if path.name == "site-packages"]
    lines = [str(REPOSITORY), *(f"import site; site.addsitedir({str(path)!r})" for path in more)]
    (packages / "segctl.pth").write_text("\n".join(lines) + "\n", "utf-8")


def run_action(
    workspace: Path, env: Mapping[str, str], github: Mapping[str, Any], **inputs: str
) -> Run:
    """Run the action in a checkout. `github` is the context of that name."""
    action = yaml.safe_load((ACTION / "action.yml").read_text("utf-8"))
    temp = workspace.parent / "temp"
    make_venv(temp / "segctl" / "venv")
    summary = temp / "summary.md"
    summary.write_text("")
    files = {name: temp / name for name in ("GITHUB_ENV", "GITHUB_PATH", "GITHUB_STATE")}
    for path in files.values():
        path.write_text("")
    context: dict[str, Any] = {
        "github": github,
        "runner": {"temp": str(temp)},
        "steps": {"python": {"outputs": {"python-path": sys.executable}}},
        "inputs": {},
    }
    known = {name.replace("-", "_"): name for name in action["inputs"]}
    for name, declared in action["inputs"].items():
        context["inputs"][name] = evaluate(str(declared["default"]), context)
    for name, value in inputs.items():
        context["inputs"][known[name]] = value
    code, log = 0, ""
    for number, step in enumerate(action["runs"]["steps"]):
        if "run" not in step or step["name"] in SKIPPED_STEPS:
            continue
        condition = str(step.get("if", ""))
        if (code and "always()" not in condition) or not holds(condition or "always()", context):
            continue
        output_file = temp / f"output-{number}"
        output_file.unlink(missing_ok=True)
        script = temp / "step.sh"
        script.write_text(step["run"], "utf-8")
        done = subprocess.run(
            step["shell"].format(script).split(),
            cwd=workspace,
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(temp),
                "LC_ALL": "C.UTF-8",
                "CI": "true",
                "GITHUB_ACTION_PATH": str(ACTION),
                "GITHUB_OUTPUT": str(output_file),
                "GITHUB_STEP_SUMMARY": str(summary),
                "GITHUB_REPOSITORY": "shop/audiences",
                "GITHUB_REF": "refs/heads/main",
                "GITHUB_SHA": str(github["sha"]),
                "GITHUB_WORKSPACE": str(workspace),
                "RUNNER_TEMP": str(temp),
                **{name: str(path) for name, path in files.items()},
                **env,
                **{key: evaluate(str(text), context) for key, text in step.get("env", {}).items()},
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        log += done.stdout
        code = code or done.returncode
        if "id" in step:
            context["steps"][step["id"]] = {"outputs": read_outputs(output_file)}
    outputs = {
        name: evaluate(output["value"], context) for name, output in action["outputs"].items()
    }
    written = {name: path.read_text("utf-8") for name, path in files.items()}
    return Run(code, log, summary.read_text("utf-8"), outputs, written)
