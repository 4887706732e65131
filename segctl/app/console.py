"""The console that a use case talks to: two streams, colours and verbosity.

Results go to stdout, everything else to stderr. Decides no words and no exit code.
"""

from __future__ import annotations

import dataclasses
import io
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from segctl.common.command_text import command_line, complete_commands
from segctl.common.secrets import redact
from segctl.errors import Severity
from segctl.render.terminal import Style, clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from typing import TextIO

    from segctl.errors import Diagnostic
    from segctl.model.report import Outcome, Refresh

    H = TypeVar("H", Diagnostic, Outcome, Refresh)


class _NullStream(io.StringIO):
    """A stream that discards what is written to it."""

    def write(self, text: str, /) -> int:
        return len(text)


class Console:
    """The two streams of a run, and what its commands are called with.

    `verbosity` is 0 by default; below 0 only errors are shown, above 0 also details. `color` is
    `auto` (on a terminal, unless NO_COLOR is set in `env`), `always` or `never`. Without streams of
    its own, a console writes to those of the process.

    `directory` is that of -C; `target_to_repeat` returns the target of the run, or the one passed,
    and an empty text for the default one. The commands in hints get both.
    """

    def __init__(
        self,
        env: Mapping[str, str] | None = None,
        *,
        verbosity: int = 0,
        color: str = "auto",
        stdout: TextIO | None = None,
        stderr: TextIO | None = None,
    ) -> None:
        self.verbosity = verbosity
        self.color = color
        self.directory: str | None = None
        self.target_to_repeat: Callable[[str | None], str] = lambda target: target or ""
        self.env: Mapping[str, str] = env or {}
        self._stdout = stdout
        self._stderr = stderr

    @classmethod
    def silent(cls) -> Console:
        """Return a console that writes to nowhere."""
        nowhere = _NullStream()
        return cls(verbosity=-1, color="never", stdout=nowhere, stderr=nowhere)

    @property
    def stdout(self) -> TextIO:
        """The stream for results."""
        return self._stdout or sys.stdout

    @property
    def stderr(self) -> TextIO:
        """The stream for everything else."""
        return self._stderr or sys.stderr

    def _style(self, stream: TextIO) -> Style:
        width = _width(stream)
        if self.color != "auto":
            return Style(self.color == "always", width)
        is_plain = bool(self.env.get("NO_COLOR")) or self.env.get("TERM") == "dumb"
        return Style(stream.isatty() and not is_plain, width)

    @property
    def style(self) -> Style:
        """The colours for stdout."""
        return self._style(self.stdout)

    @property
    def error_style(self) -> Style:
        """The colours for stderr."""
        return self._style(self.stderr)

    @property
    def width(self) -> int | None:
        """The columns of the terminal that shows results, `None` for a file or a pipe."""
        return _width(self.stdout)

    def show(self, text: str, *, as_is: bool = False) -> None:
        """Write a result to stdout.

        On a terminal, lines are broken between words, unless the text is for programs (`as_is`).
        """
        self.stdout.write(text if as_is else _wrapped(text, self.stdout))
        self.stdout.flush()

    def show_json(self, data: Any) -> None:
        """Write a result to stdout as JSON."""
        self.show(self.as_json(data), as_is=True)

    def as_json(self, data: Any) -> str:
        """Return data as JSON, with escapes for what stdout cannot encode."""
        from segctl.common.json_text import json_text  # noqa: PLC0415 - only for JSON

        return json_text(data, ascii_only=not _is_utf8(self.stdout))

    def as_html(self, page: str) -> str:
        """Return an HTML page, which declares itself UTF-8, as stdout can encode it."""
        if _is_utf8(self.stdout):
            return page
        return page.encode("ascii", "xmlcharrefreplace").decode("ascii")

    def command(self, arguments: str, target: str | None = None) -> str:
        """Return a command to run next, with the folder and the target of this run.

        `target` is the name of another one.
        """
        return command_line(arguments, *self._repeated(target))

    def complete(self, text: str, target: str | None = None) -> str:
        """Return a text whose commands in backticks have the folder and the target, likewise."""
        if "`segctl " not in text:
            return text
        return complete_commands(text, *self._repeated(target))

    def _repeated(self, target: str | None) -> tuple[str | None, str]:
        folder = None if self.directory is None else clean(self.directory)
        return folder, clean(self.target_to_repeat(target))

    def complete_hints(self, hinted: Iterable[H], target: str | None = None) -> tuple[H, ...]:
        """Return the same with complete commands in their hints."""
        return tuple(
            dataclasses.replace(item, hint=self.complete(item.hint, target)) for item in hinted
        )

    def say(self, text: str, end: str = "\n") -> None:
        """Write to stderr at any verbosity; whole API keys are masked.

        A closed pipe is ignored: a reader that has gone away must not stop an apply.
        """
        with suppress(BrokenPipeError):
            self.stderr.write(_wrapped(redact(text) + end, self.stderr))
            self.stderr.flush()

    def talk(self, text: str) -> None:
        """Write to stderr unless the verbosity is below 0."""
        if self.verbosity >= 0:
            self.say(self.complete(text))

    def mention(self, text: str) -> None:
        """Write to stderr if the verbosity is above 0."""
        if self.verbosity > 0:
            self.say(text)

    def warn(self, diagnostics: Sequence[Diagnostic]) -> None:
        """Write diagnostics to stderr; below verbosity 0 only errors."""
        from segctl.render.diagnostics import diagnostics_text  # noqa: PLC0415

        shown = [
            diagnostic
            for diagnostic in self.complete_hints(diagnostics)
            if self.verbosity >= 0 or diagnostic.severity is Severity.ERROR
        ]
        self.say(diagnostics_text(shown, self.error_style), end="")

    def progress(self, what: str) -> AbstractContextManager[Callable[[int, int], None]]:
        """Return a progress bar on stderr; see `app.progress`."""
        from segctl.app.progress import progress  # noqa: PLC0415

        return progress(
            what,
            self.stderr,
            is_shown=self.verbosity >= 0,
            color=self.error_style.color,
        )


SILENT = Console.silent()
"""The console of a caller that wants nothing to be written."""


def _width(stream: TextIO) -> int | None:
    """Return the columns of a terminal, `None` for a file or a pipe."""
    if not stream.isatty():
        return None
    import shutil  # noqa: PLC0415 - only on a terminal

    return shutil.get_terminal_size().columns


def _wrapped(text: str, stream: TextIO) -> str:
    """Return a text as a terminal can show it without breaking words."""
    width = _width(stream)
    if width is None:
        return text
    from segctl.render.wrapping import wrap  # noqa: PLC0415 - only on a terminal

    return wrap(text, width)


def _is_utf8(stream: TextIO) -> bool:
    encoding = (getattr(stream, "encoding", "") or "").replace("-", "").lower()
    return encoding in {"utf8", "utf8sig"}
