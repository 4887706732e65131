"""A project in a folder, and runs of segctl in it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from segctl.cli.main import main
from tests.support.builders import segment_yaml
from tests.support.clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pytest


@dataclass
class Result:
    """The exit code and the output of a run."""

    code: int
    out: str
    err: str


@dataclass
class Project:
    """A folder with segment files, in which to run segctl."""

    root: Path
    capsys: pytest.CaptureFixture[str]
    env: dict[str, str] = field(default_factory=dict)
    clock: FakeClock = field(default_factory=FakeClock)

    def write(self, files: Mapping[str, str]) -> None:
        """Write files: path relative to the project, to text."""
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")

    def declare(self, name: str, text: str, *, parent: str | None = None, extra: str = "") -> str:
        """Write a segment file; return its path relative to the project."""
        stem = "".join(c if c.isalnum() else "-" for c in name.lower())
        file = f"segments/{stem}.yaml"
        self.write({file: segment_yaml(name, text, parent=parent, extra=extra)})
        return file

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace a text that a file has."""
        path = self.root / file
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new), "utf-8")

    def run(self, *argv: str, **env: str) -> Result:
        """Run segctl in this project.

        The -C is the test's: the commands that the output names are shown without it.
        """
        done = self.run_here("-C", str(self.root), *argv, **env)
        folder = f"segctl -C {shlex.quote(str(self.root))} "
        return Result(
            done.code, done.out.replace(folder, "segctl "), done.err.replace(folder, "segctl ")
        )

    def run_here(self, *argv: str, **env: str) -> Result:
        """Run segctl in the current folder."""
        self.capsys.readouterr()
        code = main(argv, {**self.env, **env}, self.clock)
        captured = self.capsys.readouterr()
        return Result(code, captured.out, captured.err)
