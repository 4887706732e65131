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
    world: str | None = None,
    keys: Sequence[str] = (),
    plan: str | None = None,
    repository: Path | None = None,
) -> Iterator[str]:
    """Serve an emulated account, and yield its URL.

    `port` 0 picks a free one. The account is kept in the file `state`, or in memory. `latency` is
    in seconds, before each answer. `faults` are rules, as `segctl emulator --help` describes them.
    `flipped` are the names of assumptions that do not hold (docs/emulator.md). `world` is the file
    of a world to serve in place of the small one. Without it, `keys` are the only ones to be
    accepted, if there are any, and `plan` is that of the account. Raises `UsageError` if the state,
    the world's file, a rule, a name or the port cannot be used, `InvalidInput` for an invalid
    world, and `Refused` if the state is behind a link inside `repository`.
    """
    from segctl.app.emulator_world import load_world  # noqa: PLC0415
    from segctl.emulator import (  # noqa: PLC0415
        AccountPlan,
        Assumption,
        Emulator,
        Faults,
        Settings,
        StateError,
        serve,
    )

    if world is not None and (keys or plan is not None):
        raise UsageError(
            "--world cannot be combined with --api-key and --plan",
            hint="write `keys` and `plan` in the world file",
        )
    loaded = None if world is None else load_world(world)

    for name in flipped:
        if name not in [*Assumption]:
            hint = did_you_mean(name, [*Assumption], f"use one of {', '.join(Assumption)}")
            raise UsageError(f"--flip: assumption {quote_value(name)} not found", hint=hint)
    if state is not None:
        _refuse_links(state, repository)
    settings = dataclasses.replace(
        Settings(),
        latency=latency,
        flipped=frozenset(flipped),
        keys=frozenset(keys) or None,
        plan=AccountPlan(plan or AccountPlan.ADVANCED),
    )
    rules = Faults()
    try:
        rules.add(*faults)
    except ValueError as error:
        raise UsageError(f"--fault: {error}") from None
    with ExitStack() as stack:
        try:
            emulator = stack.enter_context(Emulator(state, settings))
            emulator.faults = rules
            if loaded is None:
                emulator.seed()
            else:
                emulator.put(loaded)
            server = stack.enter_context(serve(emulator, port=port))
        except StateError as error:
            raise UsageError(str(error)) from None
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
