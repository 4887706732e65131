"""A checkout full of files that write a trap's name into a folder if anything runs them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MODULES = (
    *("sitecustomize", "usercustomize", "yaml", "click", "httpx", "duckdb", "rich", "jsonschema"),
    *("json", "re", "secrets", "argparse", "urllib", "venv", "ensurepip", "sysconfig", "pathlib"),
    *("segctl/__init__", "segctl/__main__", "pip/__init__", "pip/__main__", "github", "setup"),
)
PROGRAMS = (
    *("python", "python3", "pip", "git", "segctl", "sh", "env", "printenv", "sed", "tee", "cat"),
    *("cp", "mktemp", "mkdir", "rm", "chmod", "tail", "wc"),
)
HOOKS = ("post-checkout", "post-index-change", "pre-commit", "reference-transaction")


class Traps:
    """Traps in a checkout. `sprung` are those that something ran."""

    def __init__(self, checkout: Path, folder: Path) -> None:
        self.checkout = checkout
        self.folder = folder
        folder.mkdir()

    @property
    def sprung(self) -> set[str]:
        return {path.name for path in self.folder.iterdir()}

    def clear(self) -> None:
        """Set the traps again, which git springs while a test prepares the checkout."""
        for path in self.folder.iterdir():
            path.unlink()

    def files(self, server: str) -> dict[str, str | None]:
        """Return the files of a pull request. `server` is where it wants requests to go."""
        files: dict[str, str | None] = {}
        for module in MODULES:
            files[f"{module}.py"] = self.python(module)
        for program in PROGRAMS:
            files[f"bin/{program}"] = f"#!/bin/sh\n{self.shell(program)}\n"
        for name in ("evil.sh", ".bashrc", ".bash_profile", ".profile", ".envrc"):
            files[name] = self.shell(name) + "\n"
        settings = f"[global]\nindex-url = {server}/simple\ntrusted-host = 127.0.0.1\n"
        variables = f"SEGCTL_BASE_URL={server}\nPIP_INDEX_URL={server}\nHTTPS_PROXY={server}\n"
        build = '[build-system]\nrequires = []\nbuild-backend = "setup"\nbackend-path = ["."]\n'
        return files | {
            "evil.pth": f"import sys; exec({self.python('pth')!r})\n",
            "pip.conf": settings,
            ".pip/pip.conf": settings,
            ".config/pip/pip.conf": settings,
            ".env": variables,
            "pyproject.toml": build,
            ".python-version": "../../checkout\n",
            ".netrc": "default login x password y\n",
            ".gitattributes": "* filter=evil diff=evil merge=evil\n",
            ".gitconfig": self.git_config("gitconfig"),
        }

    def python(self, name: str) -> str:
        """Return Python that springs a trap."""
        return f"open({str(self.folder / name.replace('/', '-'))!r}, 'w').close()\n"

    def shell(self, name: str) -> str:
        """Return a shell command that springs a trap."""
        return f": > '{self.folder / name}'"

    def git_config(self, name: str) -> str:
        """Return settings of git that run programs."""
        program = self.checkout / "evil.sh"
        return (
            f"[core]\n\tfsmonitor = sh {program}\n\tsshCommand = sh {program}\n"
            f"\tpager = sh {program}\n\thooksPath = {self.checkout}/hooks\n"
            f"[diff]\n\texternal = sh {program}\n"
            f'[diff "evil"]\n\ttextconv = sh {program}\n\tcommand = sh {program}\n'
            f'[filter "evil"]\n\tclean = sh {program}\n\tsmudge = sh {program}\n'
            f"[alias]\n\tlog = !sh {program}\n\tcat-file = !sh {program}\n"
            f"[gpg]\n\tprogram = {self.checkout}/bin/sh\n"
        )

    def plant_in_git(self) -> None:
        """Put hooks and settings into the repository, which no pull request can."""
        for hook in HOOKS:
            path = self.checkout / ".git/hooks" / hook
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"#!/bin/sh\n{self.shell(hook)}\n", "utf-8")
            path.chmod(0o755)
        with (self.checkout / ".git/config").open("a", encoding="utf-8") as config:
            config.write(self.git_config("config"))

    def make_programs_executable(self) -> None:
        for program in PROGRAMS:
            (self.checkout / "bin" / program).chmod(0o755)

    def variables(self) -> dict[str, str]:
        """Return variables that a careless step before the action let the checkout choose."""
        root = str(self.checkout)
        return {
            "PATH": f"{root}/bin:bin:.::{os.environ['PATH']}",
            **dict.fromkeys(("PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "CDPATH"), root),
            "PYTHONSTARTUP": f"{root}/evil.py",
            "PYTHONINSPECT": "1",
            "PYTHONBREAKPOINT": "yaml.trap",
            **dict.fromkeys(("BASH_ENV", "ENV"), f"{root}/evil.sh"),
            "BASH_FUNC_python%%": f"() {{ {self.shell('function')}\n}}",
            "BASH_FUNC_printf%%": f"() {{ {self.shell('function')}\n}}",
            "SHELLOPTS": "xtrace",
            "PS4": f"$({self.shell('prompt')})",
            "PIP_CONFIG_FILE": f"{root}/pip.conf",
            "PIP_REQUIREMENT": f"{root}/requirements.txt",
            "PIP_TARGET": f"{root}/target",
            "PIP_NO_BINARY": ":all:",
            "PIP_NO_DEPS": "1",
            "GIT_DIR": f"{root}/segments",
            "GIT_EXEC_PATH": f"{root}/bin",
            "GIT_CONFIG_GLOBAL": f"{root}/.gitconfig",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "core.fsmonitor",
            "GIT_CONFIG_VALUE_0": f"sh {root}/evil.sh",
            **dict.fromkeys(
                ("GIT_EXTERNAL_DIFF", "GIT_SSH_COMMAND", "GIT_PAGER", "EDITOR", "PAGER"),
                f"sh {root}/evil.sh",
            ),
            "SEGCTL_API_KEY_COMMAND": f"sh {root}/evil.sh",
            "OTHER_SENDGRID_API_KEY_FILE": f"{root}/.env",
        }
