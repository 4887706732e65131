"""The emulated SendGrid on a port of this machine, for tests and for trying things out."""

from __future__ import annotations

import dataclasses
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from segctl.common.files import cannot_write, database_path, locate
from segctl.common.folder import UnsafePath
from segctl.common.suggest import did_you_mean
from segctl.documents.document import quote_value
from segctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

DEFAULT_PORT = 8425


@contextmanager
def serve_emulator(
    *,
    port: int = DEFAULT_PORT,
    state: str | None = None,
    latency: float = 0.0,
    faults: Sequence[str] = (),
    flipped: Sequence[str] = (),
    repository: Path | None = None,
) -> Iterator[str]:
    """Serve an emulated account, and yield its URL.

    `port` 0 picks a free one. The account is kept in the file `state`, or in memory. `latency` is
    in seconds, before each answer. `faults` are rules, as `segctl emulator --help` describes them.
    `flipped` are the names of assumptions that do not hold (docs/emulator.md). Raises `UsageError`
    if the state, a rule, a name or the port cannot be used, and `Refused` if the state is behind a
    link inside `repository`.
    """
    from segctl.emulator import Assumption, Emulator, Settings, StateError, serve  # noqa: PLC0415

    for name in flipped:
        if name not in [*Assumption]:
            hint = did_you_mean(name, [*Assumption], f"use one of {', '.join(Assumption)}")
            raise UsageError(f"--flip: assumption {quote_value(name)} not found", hint=hint)
    if state is not None:
        _refuse_links(state, repository)
    settings = dataclasses.replace(Settings(), latency=latency, flipped=frozenset(flipped))
    with ExitStack() as stack:
        try:
            emulator = stack.enter_context(Emulator(state, settings))
            emulator.seed()
            emulator.faults.add(*faults)
            server = stack.enter_context(serve(emulator, port=port))
        except StateError as error:
            raise UsageError(str(error)) from None
        except ValueError as error:
            raise UsageError(f"--fault: {error}") from None
        except OSError as error:
            raise UsageError(
                f"cannot serve on port {port}: {error.strerror or error}",
                hint="use --port 0 to pick a free port",
            ) from None
        yield server.url


def _refuse_links(state: str, repository: Path | None) -> None:
    try:
        database_path(*locate(state, repository))
    except UnsafePath as error:
        raise cannot_write(state, error) from None
    except OSError:
        # The emulator reports what else is wrong with it.
        return
